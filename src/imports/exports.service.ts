import { createWriteStream } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { finished, pipeline } from 'node:stream/promises';
import { Injectable } from '@nestjs/common';
import { PrismaService } from '#database';
import { AppError } from '#errors';
import type { Actor } from '#security';
import { FilesService } from '../files/files.service.js';
import { ZipFile } from 'yazl';
import type { ExportPostsQuery } from './exports.dto.js';
import { type ExportedPost, exportPosts } from './exports.queries.js';
import { fileIn, fileNameOf, fileOf } from './exports.rules.js';
import { picturesIn, withPictures } from './pictures.rules.js';

/** A file on its way out. */
interface OutgoingFile {
  name: string;
  modifiedAt: Date;
  bytes: Readable;
}

const BATCH = 50;
/** Beside the addresses of a text: no address is empty. */
const COVER = '';

/** Posts as files of Markdown, with the pictures they show: read page by page, and neither a page more nor an archive is ever in memory. */
@Injectable()
export class PostExportsService {
  constructor(
    private readonly prisma: PrismaService,
    private readonly files: FilesService,
  ) {}

  /** A ZIP of the actor's posts, and for those who may manage posts, of everybody's. */
  zip(actor: Actor, query: ExportPostsQuery): Readable {
    return Readable.from(zipped(this.outgoing(actor, query)), { objectMode: false });
  }

  /** Writes them into a folder, over nothing; says how many files there were. */
  async writeTo(folder: string, actor: Actor | null, query: ExportPostsQuery): Promise<number> {
    await mkdir(join(folder, 'images'), { recursive: true });
    let count = 0;
    for await (const { name, bytes } of this.outgoing(actor, query)) {
      await pipeline(bytes, createWriteStream(join(folder, name), { flags: 'wx' }));
      count += 1;
    }
    return count;
  }

  /** `null` stands for the application itself, which sees the posts of all, and of files those that are public. */
  private async *outgoing(actor: Actor | null, { author, ...filters }: ExportPostsQuery): AsyncGenerator<OutgoingFile> {
    const seesAll = actor === null || actor.can('posts:manage');
    if (!seesAll && author !== undefined && author !== actor.id) return;
    const authorId = author ?? (seesAll ? undefined : actor.id);
    const shown = new Set<string>();
    let last: ExportedPost | undefined;
    do {
      const posts = await exportPosts(this.prisma, { ...filters, authorId }, last, BATCH);
      for (const post of posts) yield* this.filesOf(actor, post, shown);
      last = posts.at(-1);
    } while (last !== undefined);
  }

  private async *filesOf(actor: Actor | null, post: ExportedPost, shown: Set<string>): AsyncGenerator<OutgoingFile> {
    const addresses = new Map<string, string>();
    const wanted = picturesIn(post.body).map((address) => ({ address, id: fileIn(address) }));
    if (post.coverFileId !== null) wanted.push({ address: COVER, id: post.coverFileId });
    for (const { address, id } of wanted) {
      const file = id === null ? null : await this.content(actor, id);
      if (id === null || file === null) continue;
      const name = `images/${id}.${file.extension}`;
      addresses.set(address, name);
      if (shown.has(id)) continue;
      shown.add(id);
      yield { name, modifiedAt: file.modifiedAt, bytes: await file.open() };
    }
    const text = fileOf({ ...post, body: withPictures(post.body, addresses) }, addresses.get(COVER) ?? null);
    yield { name: fileNameOf(post), modifiedAt: post.updatedAt, bytes: Readable.from([text], { objectMode: false }) };
  }

  /** Of a picture that the actor may not see, or that is gone, the text keeps the address. */
  private async content(actor: Actor | null, id: string) {
    try {
      const content = await this.files.content(actor, id, undefined, false);
      const { contentType, modifiedAt } = content;
      const extension = /^image\/([a-z]+)/.exec(contentType)?.[1]?.replace('jpeg', 'jpg');
      return extension === undefined ? null : { extension, modifiedAt, open: () => content.open() };
    } catch (error) {
      if (error instanceof AppError && error.kind === 'not-found') return null;
      throw error;
    }
  }
}

async function* zipped(files: AsyncIterable<OutgoingFile>): AsyncGenerator<Buffer> {
  const zip = new ZipFile();
  const output = zip.outputStream as Readable;
  let reading: Readable | undefined;
  const feed = async () => {
    for await (const { name, modifiedAt, bytes } of files) {
      reading = bytes;
      zip.addReadStream(bytes, name, { mtime: modifiedAt });
      await finished(bytes); // also when it fails, which yazl would overlook and wait for ever
    }
    zip.end();
  };
  const feeding = feed().catch((error: Error) => void output.destroy(error));
  try {
    for await (const chunk of output) yield chunk as Buffer;
    await feeding;
  } finally {
    reading?.destroy(); // whoever stops early leaves nothing open
  }
}
