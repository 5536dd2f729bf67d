import { Injectable } from '@nestjs/common';
import type { Db, Tx } from '#database';
import { type ExportedFile, few, paged, type Person, PersonalData } from '#privacy';
import { Budgets } from '#security';
import { accountBucket } from './passwords.service.js';

const SECRETS = { refreshHash: true, previousRefreshHash: true } as const;
const PAGE = 500;

/** What lets a person in: it goes at once. */
@Injectable()
export class AuthPrivacy extends PersonalData {
  readonly name = 'auth';
  readonly tables = ['passwords', 'sessions', 'one_time_tokens', 'tickets', 'budgets'];

  constructor(private readonly budgets: Budgets) {
    super();
  }

  async *export(userId: string, db: Db): AsyncGenerator<ExportedFile> {
    const sessions = (last?: { id: string }) =>
      db.session.findMany({ where: { userId, ...(last && { id: { gt: last.id } }) }, omit: SECRETS, orderBy: { id: 'asc' }, take: PAGE });
    yield {
      name: 'sessions.json',
      about: 'Where and when you logged in. The tokens themselves are kept as hashes only.',
      rows: paged(sessions),
    };
    const passwords = db.password.findMany({ where: { userId }, omit: { hash: true } });
    yield { name: 'password.json', about: 'When you last changed your password, which is kept as a hash only.', rows: few(passwords) };
  }

  override async close({ id, email }: Person, db: Tx): Promise<void> {
    await this.budgets.forget(accountBucket(email), db);
    await this.erase(id, db);
  }

  async erase(userId: string, db: Tx): Promise<void> {
    await db.password.deleteMany({ where: { userId } });
    await db.session.deleteMany({ where: { userId } });
    await db.oneTimeToken.deleteMany({ where: { userId } });
  }
}
