import { createHash, randomUUID } from 'node:crypto';
import { mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { type ByteRange, BytesNotFound, checkKey, Storage, type StoredBytes, type WrittenBytes } from './storage.js';

const UNFINISHED = 'unfinished';
/** The first digits of a UUIDv7 are its time: files of 4.7 hours share a folder, and folders are in the order of the keys. */
const FOLDER_DIGITS = 6;

/** A folder of this machine, or one that several machines mount. */
export class Folder extends Storage {
  constructor(private readonly root: string) {
    super();
  }

  async put(key: string, bytes: AsyncIterable<Uint8Array>): Promise<WrittenBytes> {
    const path = this.pathOf(key);
    const unfinished = join(this.root, UNFINISHED, randomUUID());
    await Promise.all([join(this.root, UNFINISHED), join(path, '..')].map((folder) => mkdir(folder, { recursive: true, mode: 0o700 })));
    const hash = createHash('sha256');
    let size = 0;
    // Opened before a byte is asked for: what fails at once would otherwise be removed before it was there, and stay.
    const file = await open(unfinished, 'wx', 0o600);
    try {
      await pipeline(
        bytes,
        async function* (chunks: AsyncIterable<Uint8Array>) {
          for await (const chunk of chunks) {
            hash.update(chunk);
            size += chunk.length;
            yield chunk;
          }
        },
        file.createWriteStream({ flush: true }),
      );
      await rename(unfinished, path);
      await flushFolder(join(path, '..'));
    } catch (error) {
      await rm(unfinished, { force: true });
      throw error;
    }
    return { size, sha256: hash.digest() };
  }

  async get(key: string, range?: ByteRange): Promise<Readable> {
    // Opened before anything is answered: a file that is not there must not become an answer that breaks off.
    const handle = await open(this.pathOf(key)).catch((error: unknown) => {
      throw isAbsence(error) ? new BytesNotFound(key, { cause: error }) : error;
    });
    return handle.createReadStream(range && { start: range.first, end: range.last });
  }

  async find(key: string): Promise<StoredBytes | null> {
    try {
      const { size, mtime } = await stat(this.pathOf(key));
      return { key, size, modifiedAt: mtime };
    } catch (error) {
      if (isAbsence(error)) return null;
      throw error;
    }
  }

  async delete(key: string): Promise<void> {
    await rm(this.pathOf(key), { force: true });
  }

  async *list(): AsyncGenerator<StoredBytes> {
    for (const folder of await namesIn(this.root)) {
      if (folder === UNFINISHED) continue;
      for (const key of await namesIn(join(this.root, folder))) {
        const found = await this.find(key);
        if (found !== null) yield found; // or it has just been removed
      }
    }
  }

  async asFile<T>(key: string, work: (path: string) => Promise<T>): Promise<T> {
    if ((await this.find(key)) === null) throw new BytesNotFound(key);
    return work(this.pathOf(key));
  }

  async presign(): Promise<null> {
    return null;
  }

  async clearUnfinished(before: Date): Promise<number> {
    let cleared = 0;
    for (const name of await namesIn(join(this.root, UNFINISHED))) {
      const path = join(this.root, UNFINISHED, name);
      const begun = await stat(path).catch((error: unknown) => {
        if (isAbsence(error)) return undefined; // finished meanwhile
        throw error;
      });
      if (begun === undefined || begun.mtime >= before) continue;
      await rm(path, { force: true });
      cleared += 1;
    }
    return cleared;
  }

  private pathOf(key: string): string {
    return join(this.root, checkKey(key).slice(0, FOLDER_DIGITS), key);
  }
}

async function namesIn(folder: string): Promise<string[]> {
  try {
    return (await readdir(folder)).sort();
  } catch (error) {
    if (isAbsence(error)) return [];
    throw error;
  }
}

/** A new name survives a power cut only once its folder is written, too. Windows cannot open folders, and does not need it. */
async function flushFolder(path: string): Promise<void> {
  if (process.platform === 'win32') return;
  const folder = await open(path);
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

function isAbsence(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === 'ENOENT';
}
