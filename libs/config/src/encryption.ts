import { createCipheriv, createDecipheriv, createHmac, randomBytes } from 'node:crypto';
import type { Env } from './env.js';
import { deriveKeys } from './secrets.js';

/** A key that says which one it is, so that what it made can be read after it has been succeeded by another. */
export interface NamedKey {
  id: string;
  key: Buffer;
}

const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/** Keys for one purpose, each with a name that follows from it: use the first, accept all. */
export function namedKeys(env: Env, purpose: string): NamedKey[] {
  return deriveKeys(env, purpose).map((key) => ({ id: createHmac('sha256', key).update('id').digest('hex').slice(0, 8), key }));
}

/** AES-256-GCM with a random nonce: `nonce ‖ ciphertext ‖ tag`. `context` is authenticated and not stored. */
export function encrypt(key: Buffer, context: string, plain: string | Buffer): Buffer<ArrayBuffer> {
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(Buffer.from(context));
  return Buffer.concat([
    nonce,
    typeof plain === 'string' ? cipher.update(plain, 'utf8') : cipher.update(plain),
    cipher.final(),
    cipher.getAuthTag(),
  ]);
}

/** What `encrypt` was given; null when key, context or text are not those it made. */
export function decrypt(key: Buffer, context: string, sealed: Buffer): Buffer | null {
  if (sealed.length < NONCE_BYTES + TAG_BYTES) return null;
  const cipher = createDecipheriv('aes-256-gcm', key, sealed.subarray(0, NONCE_BYTES), { authTagLength: TAG_BYTES })
    .setAAD(Buffer.from(context))
    .setAuthTag(sealed.subarray(-TAG_BYTES));
  const plain = cipher.update(sealed.subarray(NONCE_BYTES, -TAG_BYTES));
  try {
    return Buffer.concat([plain, cipher.final()]);
  } catch {
    return null; // node:crypto's one way to say that the tag does not fit
  }
}
