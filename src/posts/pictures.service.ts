import { posix } from 'node:path';
import { Injectable } from '@nestjs/common';
import type { Tx } from '#database';
import { AppError } from '#errors';
import type { Actor } from '#security';
import { ArrivalsService } from '../files/arrivals.service.js';
import { FilesService } from '../files/files.service.js';
import { LinksService } from '../files/links.service.js';
import type { Archive, ArchivedFile } from './archives.service.js';
import type { FileProblem } from './front-matter.rules.js';
import { pathsOf, picturesIn, withPictures } from './pictures.rules.js';

/** A text whose pictures have become files. */
export interface Illustrated {
  body: string;
  fileIds: string[];
  notes: FileProblem[];
}

const OF_POSTS = 'post-picture';

/** Pictures that come along with posts: files of whoever imports, public as soon as a post shows them. */
@Injectable()
export class PicturesService {
  constructor(
    private readonly files: FilesService,
    private readonly arrivals: ArrivalsService,
    private readonly links: LinksService,
  ) {}

  /**
   * Uploads the pictures of a text that lie in the archive, and has the text show them. `taken` are those of earlier texts. Without `keep`
   * nothing is uploaded.
   */
  async take(actor: Actor, path: string, body: string, archive: Archive, taken: Map<string, string>, keep: boolean): Promise<Illustrated> {
    const addresses = new Map<string, string>();
    const fileIds = new Set<string>();
    const notes: FileProblem[] = [];
    const note = (code: string, detail: string) => notes.push({ line: null, code, detail });
    for (const address of picturesIn(body)) {
      const paths = pathsOf(address, path);
      if (paths.length === 0) continue;
      const picture = paths.map((each) => archive.pictures.get(each)).find((each) => each !== undefined);
      if (picture === undefined) note('picture-missing', 'A picture is not in the archive; the text still names it.');
      else if (!actor.can('files:write')) note('picture-refused', 'Pictures are left out: uploading them takes `files:write`.');
      else if (keep) {
        const id = taken.get(picture.path) ?? (await this.upload(actor, picture, note));
        if (id === null) continue;
        taken.set(picture.path, id);
        fileIds.add(id);
        addresses.set(address, this.links.toContent({ id, isPublic: true }));
      }
    }
    return { body: withPictures(body, addresses), fileIds: [...fileIds], notes };
  }

  /** Has a post show them, and so everybody who knows their address see them. */
  async attach(actor: Actor, postId: string, fileIds: readonly string[], db: Tx): Promise<void> {
    for (const id of [...fileIds].sort()) await this.files.attach(actor, id, { type: OF_POSTS, id: postId }, { isPublic: true }, db);
  }

  private async upload(actor: Actor, picture: ArchivedFile, note: (code: string, detail: string) => void): Promise<string | null> {
    try {
      return (await this.arrivals.bring(actor, await picture.open(), { name: posix.basename(picture.path), contentType: '' })).id;
    } catch (error) {
      if (!(error instanceof AppError)) throw error;
      note('picture-refused', `A picture is left out: ${error.message}`);
      return null;
    }
  }
}
