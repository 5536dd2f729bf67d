import { createHmac, hash, timingSafeEqual } from 'node:crypto';
import type { NamedKey } from '#config';

/** An entry as the table keeps it and gives it back: what the digest covers. */
export interface StoredEntry {
  id: string;
  createdAt: Date;
  actorKind: string;
  actorId: string | null;
  subjectId: string | null;
  action: string;
  resourceType: string;
  resourceId: string;
  outcome: string;
  requestId: string | null;
  origin: Buffer | null;
  /** The text of the JSON, as it was written. */
  before: string | null;
  after: string | null;
  personal: Buffer | null;
}

/** One link of the chain: an entry at its place. */
export interface Link {
  position: bigint;
  digest: Buffer;
  sealedAt: Date;
}

/** Where the chain begins (what has expired lies before it) and ends. */
export interface ChainEnds {
  startPosition: bigint;
  startHead: Buffer;
  endPosition: bigint;
  endHead: Buffer;
}

/** The head before the first position. */
export const GENESIS = Buffer.alloc(32);

/**
 * An entry as one text: a JSON array of its columns in this order, times in RFC 3339 with milliseconds, bytes in base64, JSON as its own
 * text. It is the same before a dump and after it was restored, and on every version of PostgreSQL.
 */
export function canonical(entry: StoredEntry): string {
  return JSON.stringify([
    'audit entry 1',
    entry.id,
    entry.createdAt.toISOString(),
    entry.actorKind,
    entry.actorId,
    entry.subjectId,
    entry.action,
    entry.resourceType,
    entry.resourceId,
    entry.outcome,
    entry.requestId,
    entry.origin?.toString('base64') ?? null,
    entry.before,
    entry.after,
    entry.personal?.toString('base64') ?? null,
  ]);
}

/** What only the application can make of an entry. */
export function macOf(key: Buffer, text: string): Buffer<ArrayBuffer> {
  return createHmac('sha256', key).update(text).digest();
}

export function isMacOf(keys: readonly NamedKey[], text: string, mac: Buffer): boolean {
  return keys.some(({ key }) => {
    const own = macOf(key, text);
    return own.length === mac.length && timingSafeEqual(own, mac);
  });
}

/** What the chain holds of an entry. */
export function digestOf(text: string, mac: Buffer): Buffer<ArrayBuffer> {
  return Buffer.from(hash('sha256', `${text}\n${mac.toString('base64')}`, 'buffer'));
}

/** HMAC-SHA256 over the head before it, the position, the time of sealing and the digest, each of fixed length. */
export function headAfter(key: Buffer, previous: Buffer, { position, digest, sealedAt }: Link): Buffer<ArrayBuffer> {
  return createHmac('sha256', key)
    .update(previous)
    .update(uint64(position))
    .update(uint64(BigInt(sealedAt.getTime())))
    .update(digest)
    .digest();
}

/** Shows that we wrote where the chain begins and ends. */
export function proofOf(key: Buffer, ends: ChainEnds): Buffer<ArrayBuffer> {
  return createHmac('sha256', key)
    .update('audit chain 1')
    .update(uint64(ends.startPosition))
    .update(ends.startHead)
    .update(uint64(ends.endPosition))
    .update(ends.endHead)
    .digest();
}

function uint64(value: bigint): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(value);
  return bytes;
}
