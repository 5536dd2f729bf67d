import { Injectable } from '@nestjs/common';
import { type Db, execute, Prisma, type Tx } from '#database';
import { type ExportedFile, paged, PersonalData } from '#privacy';

/** The kept answers to a person's calls. */
@Injectable()
export class IdempotencyPrivacy extends PersonalData {
  readonly name = 'idempotency';
  readonly tables = ['idempotency_keys'];

  async *export(userId: string, db: Db): AsyncGenerator<ExportedFile> {
    const kept = (last?: { key: string }) =>
      db.idempotencyKey.findMany({
        where: { scope: userId, ...(last && { key: { gt: last.key } }) },
        omit: { scope: true, fingerprint: true, leasedUntil: true },
        orderBy: { key: 'asc' },
        take: 200,
      });
    yield {
      name: 'repeatable-calls.json',
      about: 'Calls whose answers are kept for a day, so that they may be repeated.',
      rows: paged(kept),
    };
  }

  async erase(userId: string, db: Tx): Promise<void> {
    await execute(db, Prisma.sql`DELETE FROM idempotency_keys WHERE scope = ${userId}`);
  }
}
