import { createHash, randomInt } from 'node:crypto';
import { crc32 } from 'node:zlib';

/** What the database keeps of an API key, and what of it may be shown. */
export interface ApiKeyDigest {
  /** SHA-256 of the whole key: it is random, so nothing slower is needed. */
  hash: Buffer<ArrayBuffer>;
  /** The beginning, by which people tell their keys apart. */
  prefix: string;
}

const ALPHABET = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const SECRET_LENGTH = 43; // of 62 characters: 256 bits
const CHECKSUM_LENGTH = 6;
const PREFIX_LENGTH = 10;
const FORM = new RegExp(`^ash_([0-9A-Za-z]{${SECRET_LENGTH}})([0-9A-Za-z]{${CHECKSUM_LENGTH}})$`);

/** Whether a bearer token says that it is an API key, well-formed or not. */
export const looksLikeApiKey = (token: string): boolean => token.startsWith('ash_');

/**
 * A new API key: `ash_`, 43 random characters (256 bits), and 6 of a checksum (CRC-32 of what is before it, in base 62), by which a key that
 * was mistyped and one that a secret scanner has found are told apart without asking anybody.
 */
export function newApiKey(): string {
  const secret = Array.from({ length: SECRET_LENGTH }, () => ALPHABET[randomInt(ALPHABET.length)]).join('');
  return `ash_${secret}${checksumOf(`ash_${secret}`)}`;
}

/** Null for what cannot be a key of anybody's: it has another form, or its checksum is wrong. */
export function readApiKey(key: string): ApiKeyDigest | null {
  const [, secret, checksum] = FORM.exec(key) ?? [];
  if (secret === undefined || checksumOf(`ash_${secret}`) !== checksum) return null;
  return { hash: Buffer.from(createHash('sha256').update(key).digest()), prefix: key.slice(0, PREFIX_LENGTH) };
}

function checksumOf(text: string): string {
  let rest = crc32(text);
  let digits = '';
  for (let place = 0; place < CHECKSUM_LENGTH; place++) {
    digits = ALPHABET[rest % ALPHABET.length]! + digits;
    rest = Math.floor(rest / ALPHABET.length);
  }
  return digits;
}
