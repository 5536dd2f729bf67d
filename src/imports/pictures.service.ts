import { posix } from 'node:path';
import { Injectable } from '@nestjs/common';
import { AppError } from '#errors';
import type { Actor } from '#security';
import { ArrivalsService } from '../files/arrivals.service.js';
import { LinksService } from '../files/links.service.js';
import type { Archive, ArchivedFile } from './archives.service.js';
import type { FileProblem } from './front-matter.rules.js';
import type { FileDraft } from './drafts.jobs.js';
import { pathsOf, picturesIn, withPictures } from './pictures.rules.js';

/** A picture that has become a file; one without a width has no size that anybody can tell. */
interface Taken {
  id: string;
  width: number | null;
}

/** Where pictures come from, and what has become of them for earlier texts, by their path. */
export interface Pictures {
  archive: Archive;
  taken: Map<string, Taken>;
  /** Whether they are uploaded; a rehearsal only looks for them. */
  keep: boolean;
}

/** A text whose pictures have become files, and the one above it. */
export interface Illustrated {
  body: string;
  coverFileId?: string;
  notes: FileProblem[];
}

type Note = (code: string, detail: string) => void;

/** Pictures that come along with posts: files of whoever imports, which their posts show. */
@Injectable()
export class PicturesService {
  constructor(
    private readonly arrivals: ArrivalsService,
    private readonly links: LinksService,
  ) {}

  /** Uploads the pictures of a post that lie in the archive, and has its text, and the post, show them. */
  async take(actor: Actor, path: string, { post, cover }: Pick<FileDraft, 'post' | 'cover'>, pictures: Pictures): Promise<Illustrated> {
    const addresses = new Map<string, string>();
    const notes: FileProblem[] = [];
    const noteAt =
      (line: number | null): Note =>
      (code, detail) =>
        void notes.push({ line, code, detail });
    for (const address of picturesIn(post.body)) {
      const paths = pathsOf(address, path);
      const missing = () => noteAt(null)('picture-missing', 'A picture is not in the archive; the text still names it.');
      const file = paths.length === 0 ? null : await this.bring(actor, paths, pictures, noteAt(null), missing);
      if (file !== null) addresses.set(address, this.links.toContent({ id: file.id, isPublic: true }));
    }
    const above = cover === null ? null : await this.cover(actor, pathsOf(cover.address, path), pictures, noteAt(cover.line));
    return { body: withPictures(post.body, addresses), ...(above !== null && { coverFileId: above.id }), notes };
  }

  private async cover(actor: Actor, paths: string[], pictures: Pictures, note: Note): Promise<Taken | null> {
    if (paths.length === 0) {
      note('cover-elsewhere', 'The cover does not lie in the archive but elsewhere; upload it, and give the post its `coverFileId`.');
      return null;
    }
    const missing = () => note('cover-missing', 'The cover is not in the archive; the post comes without it.');
    const file = await this.bring(actor, paths, pictures, note, missing);
    if (file === null || file.width !== null) return file;
    note('cover-refused', 'The cover is left out: a post shows images above it whose size can be told, like PNG, JPEG or WebP.');
    return null;
  }

  /** The first picture of the archive that one of these paths leads to, as a file. */
  private async bring(
    actor: Actor,
    paths: string[],
    { archive, taken, keep }: Pictures,
    note: Note,
    missing: () => void,
  ): Promise<Taken | null> {
    const picture = paths.map((each) => archive.pictures.get(each)).find((each) => each !== undefined);
    if (picture === undefined) missing();
    else if (!actor.can('files:write')) note('picture-refused', 'Pictures are left out: uploading them takes `files:write`.');
    else if (keep) {
      const file = taken.get(picture.path) ?? (await this.upload(actor, picture, note));
      if (file !== null) taken.set(picture.path, file);
      return file;
    }
    return null;
  }

  private async upload(actor: Actor, picture: ArchivedFile, note: Note): Promise<Taken | null> {
    try {
      return await this.arrivals.bring(actor, await picture.open(), { name: posix.basename(picture.path), contentType: '' });
    } catch (error) {
      if (!(error instanceof AppError)) throw error;
      note('picture-refused', `A picture is left out: ${error.message}`);
      return null;
    }
  }
}
