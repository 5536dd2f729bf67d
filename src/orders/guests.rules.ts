import { createHmac, timingSafeEqual } from 'node:crypto';

/** What opens an order for whoever holds it. It is made anew whenever it is asked for, and kept nowhere. */
export function tokenOf(key: Buffer, orderId: string): string {
  return createHmac('sha256', key).update(`order ${orderId}`).digest('base64url');
}

/** Whether one of the keys has made this token for this order. */
export function opens(keys: readonly Buffer[], token: string, orderId: string): boolean {
  const given = Buffer.from(token);
  return keys.some((key) => {
    const made = Buffer.from(tokenOf(key, orderId));
    return made.length === given.length && timingSafeEqual(made, given);
  });
}
