import { Injectable } from '@nestjs/common';
import { pseudonym, record } from '#audit';
import { PrismaService, transaction, type Tx } from '#database';
import { enqueue, Handles, type JobRun } from '#jobs';
import { auditedUser, type User } from '../users/users.service.js';
import { AccountMailsService } from './account-mails.service.js';
import { RegisterAccount, registerAccount } from './accounts.jobs.js';
import { AccountsService } from './accounts.service.js';
import type { RegisterDto } from './auth.dto.js';
import { isHeld } from './held-addresses.queries.js';
import { type Device, SessionsService, type Tokens } from './sessions.service.js';

/** Making an account for oneself. */
@Injectable()
export class RegistrationsService {
  constructor(
    private readonly prisma: PrismaService,
    private readonly accounts: AccountsService,
    private readonly sessions: SessionsService,
    private readonly mails: AccountMailsService,
  ) {}

  /**
   * Makes an account and logs in; null where the address has to be confirmed before.
   * @throws auth/email-taken, auth/weak-password
   */
  async register(account: RegisterDto, device: Device): Promise<Tokens | null> {
    if (this.accounts.mustConfirm) return this.apply(account);
    const hash = await this.accounts.hash(account);
    return transaction(this.prisma, async (db) => {
      const user = await this.make(account, hash, db);
      await this.mails.verification(user, {}, db);
      return this.sessions.open(user, device, { by: 'registration' }, db);
    });
  }

  /**
   * Has an account made that can be used once its address is confirmed. What is done here is the same for every address; a job finds out
   * whether it has an account, so neither the answer nor its time tells. @throws auth/weak-password
   */
  private async apply(account: RegisterDto): Promise<null> {
    const prepared = await this.accounts.prepare(account);
    const { email, name } = account;
    await transaction(this.prisma, async (db) => {
      const resource = { type: 'address', id: pseudonym(db, email) };
      await record(db, { actor: null, action: 'auth.registration-requested', resource });
      await enqueue(db, registerAccount, { email, name, prepared });
    });
    return null;
  }

  @Handles(registerAccount)
  async fulfil({ email, name, prepared }: RegisterAccount, run: JobRun): Promise<void> {
    await run.once(this.prisma, async (db) => {
      const owner = await db.user.findUnique({ where: { email } });
      const hash = this.accounts.unprepared(email, prepared);
      if (owner?.emailVerifiedAt) return this.mails.alreadyRegistered(owner, db);
      if (owner !== null) return this.mails.verification(owner, { prepared }, db);
      if (hash === null || (await isHeld(db, email))) return;
      await this.mails.verification(await this.make({ email, name }, hash, db), { prepared }, db);
    });
  }

  private async make({ email, name }: { email: string; name: string }, hash: string, db: Tx): Promise<User> {
    const user = await this.accounts.insert({ email, name, roles: ['customer'] }, hash, db);
    await record(db, { actor: user, action: 'auth.registered', resource: auditedUser(user.id), subject: user.id, after: user });
    return user;
  }
}
