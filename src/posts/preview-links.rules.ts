import { createHmac, timingSafeEqual } from 'node:crypto';

/** What a link lets its bearer see, and until when (in milliseconds since 1970). */
export interface Grant {
  linkId: string;
  expires: number;
}

const TOKEN = /^([\w-]{22})\.([0-9a-z]{8,9})\.([\w-]{43})$/;

/** The token of a link: its id, its end, and the signature of both. It is made anew whenever it is asked for, and kept nowhere. */
export function tokenOf(key: Buffer, { linkId, expires }: Grant): string {
  const id = Buffer.from(linkId.replaceAll('-', ''), 'hex').toString('base64url');
  return `${id}.${expires.toString(36)}.${sign(key, { linkId, expires })}`;
}

/** What a token grants; null for one that none of the keys has signed. Whether it still holds is another question. */
export function readToken(keys: readonly Buffer[], token: string): Grant | null {
  const [, id, end, signature] = TOKEN.exec(token) ?? [];
  if (id === undefined || end === undefined || signature === undefined) return null;
  const hex = Buffer.from(id, 'base64url').toString('hex');
  const grant = { linkId: hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5'), expires: parseInt(end, 36) };
  const given = Buffer.from(signature);
  const signed = keys.some((key) => timingSafeEqual(Buffer.from(sign(key, grant)), given));
  return signed ? grant : null;
}

function sign(key: Buffer, { linkId, expires }: Grant): string {
  return createHmac('sha256', key).update(`preview ${linkId} ${expires}`).digest('base64url');
}
