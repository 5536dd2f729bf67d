import { createHmac, hash, randomBytes, timingSafeEqual } from 'node:crypto';

/**
 * Refresh tokens: `<session>.<secret>.<mac>`. The MAC shows that we made a token, so that only a genuine one counts as reused; the
 * successor is an HMAC of the token presented, so that it can be given again within the grace period though only hashes are stored.
 */
export interface RefreshToken {
  sessionId: string;
  text: string;
  /** What the database keeps. */
  hash: Buffer<ArrayBuffer>;
}

const FORM = /^([0-9a-f-]{36})\.([\w-]{43})\.([\w-]{22})$/;

function mac(key: Buffer, text: string, bytes = 32): Buffer {
  return createHmac('sha256', key).update(text).digest().subarray(0, bytes);
}

function mint(key: Buffer, sessionId: string, secret: Buffer): RefreshToken {
  const unsigned = `${sessionId}.${secret.toString('base64url')}`;
  const text = `${unsigned}.${mac(key, `token ${unsigned}`, 16).toString('base64url')}`;
  return { sessionId, text, hash: Buffer.from(hash('sha256', text, 'buffer')) };
}

/** The first token of a session. `keys`: the first mints, all verify. */
export function firstToken(keys: readonly Buffer[], sessionId: string): RefreshToken {
  return mint(keys[0]!, sessionId, randomBytes(32));
}

/** A token that we made, whether or not it is still good; null for anything else. */
export function readToken(keys: readonly Buffer[], text: string): RefreshToken | null {
  const [, sessionId, secret, tag] = FORM.exec(text) ?? [];
  if (!sessionId || !secret || !tag) return null;
  const given = Buffer.from(tag, 'base64url');
  const genuine = keys.some((key) => timingSafeEqual(mac(key, `token ${sessionId}.${secret}`, 16), given));
  return genuine ? { sessionId, text, hash: Buffer.from(hash('sha256', text, 'buffer')) } : null;
}

/** The one token that follows another: always the same. */
export function successorOf(keys: readonly Buffer[], token: RefreshToken): RefreshToken {
  return mint(keys[0]!, token.sessionId, mac(keys[0]!, `successor ${token.text}`));
}
