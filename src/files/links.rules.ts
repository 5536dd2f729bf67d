import { createHmac, timingSafeEqual } from 'node:crypto';

/** What a link lets its bearer do. */
export type Purpose = 'read' | 'upload';

/** What stands in a link. `expires` is in seconds since 1970. */
export interface Grant {
  expires: number;
  signature: string;
}

/**
 * The end of a link made now: after `ttl` seconds at the latest and half of them at the earliest. Links made within one such half are alike,
 * so that an answer with one in it keeps its ETag, and browsers keep what they have fetched.
 */
export function expiryOf(now: Date, ttl: number): number {
  const step = Math.max(1, Math.floor(ttl / 2));
  return Math.floor(now.getTime() / 1_000 / step) * step + ttl;
}

export function sign(key: Buffer, purpose: Purpose, fileId: string, expires: number): string {
  return createHmac('sha256', key).update(`${purpose} ${fileId} ${expires}`).digest('base64url');
}

/** Whether one of the keys has signed this, and whether it still holds. */
export function verdictOn(
  keys: readonly Buffer[],
  purpose: Purpose,
  fileId: string,
  grant: Grant,
  now: Date,
): 'good' | 'expired' | 'forged' {
  const given = Buffer.from(grant.signature);
  const signed = keys.some((key) => {
    const right = Buffer.from(sign(key, purpose, fileId, grant.expires));
    return right.length === given.length && timingSafeEqual(right, given);
  });
  if (!signed) return 'forged';
  return grant.expires * 1_000 > now.getTime() ? 'good' : 'expired';
}
