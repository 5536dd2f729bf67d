import { Injectable } from '@nestjs/common';
import { pseudonym, record } from '#audit';
import { PrismaService, transaction } from '#database';
import { enqueue, Handles, type JobRun } from '#jobs';
import { type Actor, Budgets } from '#security';
import { auditedUser, UsersService } from '../users/users.service.js';
import { AccountMailsService } from './account-mails.service.js';
import { ChangeAddress, changeAddress, MailAddress, mailRecovery, mailVerification } from './accounts.jobs.js';
import { isHeld } from './held-addresses.queries.js';

const CHANGES_PER_DAY = 10;

/**
 * Asking for mails. Whoever asks is answered before anybody has looked whether the address has an account: a job does, so that neither the
 * answer nor the time it takes tells.
 */
@Injectable()
export class EmailsService {
  constructor(
    private readonly prisma: PrismaService,
    private readonly users: UsersService,
    private readonly mails: AccountMailsService,
    private readonly budgets: Budgets,
  ) {}

  async resend(email: string): Promise<void> {
    await this.ask('auth.verification-requested', mailVerification, email);
  }

  async forgot(email: string): Promise<void> {
    await this.ask('auth.recovery-requested', mailRecovery, email);
  }

  /** @throws auth/too-many-attempts */
  async change(actor: Actor, email: string): Promise<void> {
    await this.budgets.spend({ bucket: `email-change ${actor.id}`, limit: CHANGES_PER_DAY, windowSeconds: 86_400 });
    await transaction(this.prisma, async (db) => {
      await record(db, { actor, action: 'auth.email-change-requested', resource: auditedUser(actor.id), subject: actor.id });
      await enqueue(db, changeAddress, { userId: actor.id, email });
    });
  }

  @Handles(mailVerification)
  async mailVerification({ email }: MailAddress, run: JobRun): Promise<void> {
    await run.once(this.prisma, async (db) => {
      const user = await this.users.findByEmail(email, db);
      if (user?.status === 'active' && user.emailVerifiedAt === null) await this.mails.verification(user, {}, db);
    });
  }

  @Handles(mailRecovery)
  async mailRecovery({ email }: MailAddress, run: JobRun): Promise<void> {
    await run.once(this.prisma, async (db) => {
      const user = await this.users.findByEmail(email, db);
      if (user?.status === 'active') await this.mails.recovery(user, db);
    });
  }

  @Handles(changeAddress)
  async changeAddress({ userId, email }: ChangeAddress, run: JobRun): Promise<void> {
    await run.once(this.prisma, async (db) => {
      const user = await this.users.find(userId, db);
      if (user?.status !== 'active') return;
      const owner = (await this.users.findByEmail(email, db)) ?? ((await isHeld(db, email)) ? 'held' : 'nobody');
      await this.mails.change(user, email, owner, db);
    });
  }

  /** The same work for every address. Of several who ask at once for one, one job is left. */
  private async ask(action: `auth.${string}`, mail: typeof mailRecovery, email: string): Promise<void> {
    const id = pseudonym(this.prisma, email);
    await transaction(this.prisma, async (db) => {
      await record(db, { actor: null, action, resource: { type: 'address', id } });
      await enqueue(db, mail, { email }, { key: id });
    });
  }
}
