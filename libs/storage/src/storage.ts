import type { Readable } from 'node:stream';

/** What lies in the storage under a key. */
export interface StoredBytes {
  key: string;
  size: number;
  modifiedAt: Date;
}

/** What was written: counted and hashed on the way. */
export interface WrittenBytes {
  size: number;
  sha256: Buffer;
}

/** The first and the last byte, both included, from 0. */
export interface ByteRange {
  first: number;
  last: number;
}

/** Exactly what a presigned upload takes. */
export interface ExpectedBytes {
  size: number;
  contentType: string;
  sha256: Buffer;
}

/** A request that uploads bytes past this application. `headers` are signed: another value, or none, is refused. */
export interface PresignedUpload {
  method: 'PUT';
  url: string;
  headers: Record<string, string>;
}

/** Nothing lies under this key. */
export class BytesNotFound extends Error {
  override readonly name = 'BytesNotFound';
}

const KEY = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}(?:\.[a-z]{1,16})?$/;

/**
 * Where bytes are kept, in streams: never whole in memory. A key is a UUIDv7, perhaps with a dot and a word behind it (`<id>.thumb`): made by
 * this application, never from a name that somebody gave. What lies under a key appears there whole or not at all.
 */
export abstract class Storage {
  /** Keeps bytes until their end; what was under the key before is replaced. When `bytes` fail, nothing is left. @throws what `bytes` throw */
  abstract put(key: string, bytes: AsyncIterable<Uint8Array>, contentType: string): Promise<WrittenBytes>;

  /** The bytes, or a part of them. @throws BytesNotFound */
  abstract get(key: string, range?: ByteRange): Promise<Readable>;

  abstract find(key: string): Promise<StoredBytes | null>;

  /** Removes what is there; that nothing is there is fine. */
  abstract delete(key: string): Promise<void>;

  /** Everything that is kept, in the order of the keys. */
  abstract list(): AsyncIterable<StoredBytes>;

  /** Calls `work` with the path of a file that holds the bytes, for libraries that want one; it is gone afterwards. @throws BytesNotFound */
  abstract asFile<T>(key: string, work: (path: string) => Promise<T>): Promise<T>;

  /** A request by which a client uploads exactly these bytes by itself; null where only this application reaches the storage. */
  abstract presign(key: string, expected: ExpectedBytes, seconds: number): Promise<PresignedUpload | null>;

  /** Removes what was begun before then and never finished; says how many there were. */
  abstract clearUnfinished(before: Date): Promise<number>;
}

/** @throws TypeError for what is none: a mistake of the caller's program */
export function checkKey(key: string): string {
  if (!KEY.test(key)) throw new TypeError('A key of the storage is a UUID, perhaps with a word behind it.');
  return key;
}
