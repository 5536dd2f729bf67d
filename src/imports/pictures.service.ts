import { posix } from 'node:path';
import { Injectable } from '@nestjs/common';
import { AppError } from '#errors';
import type { Actor } from '#security';
import { ArrivalsService } from '../files/arrivals.service.js';
import { LinksService } from '../files/links.service.js';
import type { Archive, ArchivedFile } from './archives.service.js';
import type { FileProblem } from './front-matter.rules.js';
import { pathsOf, picturesIn, withPictures } from './pictures.rules.js';

/** A text whose pictures have become files. */
export interface Illustrated {
  body: string;
  notes: FileProblem[];
}

/** Pictures that come along with posts: files of whoever imports, which their posts show. */
@Injectable()
export class PicturesService {
  constructor(
    private readonly arrivals: ArrivalsService,
    private readonly links: LinksService,
  ) {}

  /**
   * Uploads the pictures of a text that lie in the archive, and has the text show them. `taken` are those of earlier texts. Without `keep`
   * nothing is uploaded.
   */
  async take(actor: Actor, path: string, body: string, archive: Archive, taken: Map<string, string>, keep: boolean): Promise<Illustrated> {
    const addresses = new Map<string, string>();
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
        addresses.set(address, this.links.toContent({ id, isPublic: true }));
      }
    }
    return { body: withPictures(body, addresses), notes };
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
