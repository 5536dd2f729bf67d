import { Injectable } from '@nestjs/common';
import { record } from '#audit';
import { Prisma, rows, type Tx } from '#database';
import { Consumes, type PayloadOf, type Published } from '#events';
import { userRegistered, userUpdated } from '../users/users.events.js';

/** Gives the orders of a guest to the account of whoever has proven that the address is theirs; their tokens open nothing then. */
@Injectable()
export class GuestsListener {
  @Consumes('orders.guests', userRegistered, userUpdated)
  async proven({ payload: { userId } }: Published<PayloadOf<typeof userRegistered | typeof userUpdated>>, db: Tx): Promise<void> {
    const taken = await rows<{ id: string }>(
      db,
      Prisma.sql`UPDATE orders o SET user_id = u.id, guest_email = NULL, version = o.version + 1, updated_at = now() FROM users u
        WHERE u.id = ${userId}::uuid AND u.email_verified_at IS NOT NULL AND u.erased_at IS NULL AND o.guest_email = u.email RETURNING o.id`,
    );
    for (const { id } of taken)
      await record(db, { actor: { id: userId }, action: 'orders.taken-over', resource: { type: 'order', id }, subject: userId });
  }
}
