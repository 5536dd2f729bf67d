import { Injectable } from '@nestjs/common';
import { Env } from '#config';
import { execute, Prisma, PrismaService, rows, transaction, type Tx } from '#database';
import { enqueue, Handles, type JobRun, Schedule } from '#jobs';
import { Logger } from '#telemetry';
import { ErasePerson, erasePerson, type Round } from './privacy.jobs.js';
import type { Person, PersonalData } from './personal-data.js';
import { PersonalDataRegister } from './register.js';

/** What an erasure may take beyond the start of its second round before somebody should know. */
const OVERDUE_MS = 15 * 60_000;

/**
 * Forgetting a person. What gives access goes in the transaction of the request; the rest goes in two rounds of a job, step by step, each
 * step and the note that it is done in one transaction: whatever is killed when, a repetition goes on where it broke off.
 */
@Injectable()
export class Erasures {
  constructor(
    private readonly prisma: PrismaService,
    private readonly env: Env,
    private readonly register: PersonalDataRegister,
    private readonly logger: Logger,
  ) {}

  /** Ends a person's access and sees to the rest; in the transaction that decided it. */
  async begin(person: Person, actorId: string, db: Tx): Promise<void> {
    for (const data of this.register.all) await data.close?.(person, db);
    await execute(
      db,
      Prisma.sql`INSERT INTO erasures (user_id, actor_id) VALUES (${person.id}::uuid, ${actorId}::uuid) ON CONFLICT (user_id) DO NOTHING`,
    );
    await this.ask(person.id, 1, new Date(), db);
    await this.ask(person.id, 2, this.settledAt(new Date()), db);
  }

  /** One round, or what is left of it. */
  @Handles(erasePerson)
  async carryOut({ userId, round }: ErasePerson, { signal }: JobRun): Promise<void> {
    for (const data of this.register.all) {
      do signal.throwIfAborted();
      while (await this.step(userId, round, data));
    }
    if (round === 1) return;
    await execute(
      this.prisma,
      Prisma.sql`UPDATE erasures SET completed_at = now() WHERE user_id = ${userId}::uuid AND completed_at IS NULL`,
    );
    this.logger.info({ userId }, 'A person was erased');
  }

  /** Asks again for those that should be over by now: their jobs have given up, and somebody should know. */
  @Schedule('privacy.remind', '*/10 * * * *')
  async remind(): Promise<void> {
    const due = new Date(Date.now() - this.env.PRIVACY_ERASURE_GRACE_SECONDS * 1_000 - OVERDUE_MS);
    const overdue = await this.prisma.erasure.findMany({
      where: { completedAt: null, requestedAt: { lt: due } },
      orderBy: { requestedAt: 'asc' },
      take: 100,
    });
    for (const { userId, requestedAt } of overdue) {
      this.logger.error({ userId, requestedAt }, 'An erasure is overdue; see /ops/jobs for what stopped it. It is tried again');
      await transaction(this.prisma, (db) => this.ask(userId, 2, new Date(), db));
    }
  }

  /** Whether the step is to be called again. The row's lock keeps two runs of one job apart. */
  private step(userId: string, round: Round, data: PersonalData): Promise<boolean> {
    const name = `${round} ${data.name}`;
    return transaction(this.prisma, async (db) => {
      const [erasure] = await rows<{ done: string[] }>(
        db,
        Prisma.sql`SELECT done FROM erasures WHERE user_id = ${userId}::uuid FOR UPDATE`,
      );
      if (erasure === undefined || erasure.done.includes(name)) return false;
      if ((await data.erase(userId, db)) === 'more') return true;
      await execute(db, Prisma.sql`UPDATE erasures SET done = array_append(done, ${name}) WHERE user_id = ${userId}::uuid`);
      return false;
    });
  }

  private async ask(userId: string, round: Round, runAt: Date, db: Tx): Promise<void> {
    await enqueue(db, erasePerson, { userId, round }, { runAt, key: `${userId} ${round}` });
  }

  private settledAt(now: Date): Date {
    return new Date(now.getTime() + this.env.PRIVACY_ERASURE_GRACE_SECONDS * 1_000);
  }
}
