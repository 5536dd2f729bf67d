import { Injectable } from '@nestjs/common';
import { Env } from '#config';
import { Prisma, PrismaService, rows, transaction, type Tx, timeOfId } from '#database';
import { type JobRun, Schedule } from '#jobs';
import { Logger } from '#telemetry';
import { type Break, breakAt, type Place, readLinks } from './links.js';
import { audited, record, SYSTEM } from './record.js';
import { awaitChain, isProven, readChain, writeChain } from './chain.js';
import { AuditKeys } from './keys.js';

const BATCH = 2_000;
const DAY_MS = 86_400_000;

const auditedChain = audited('audit-chain', { until: 'plain', entries: 'plain', olderThan: 'plain', brokenAt: 'plain' });

/** Lets entries expire: the beginning of the chain goes, and what stays can be verified from the head before it, which is kept. */
@Injectable()
export class Retention {
  constructor(
    private readonly prisma: PrismaService,
    private readonly keys: AuditKeys,
    private readonly env: Env,
    private readonly logger: Logger,
  ) {}

  /** Deletes what is older than `AUDIT_TTL_DAYS` at `now`, oldest first, and leaves an entry that says so. Returns how many. */
  async expire(now = new Date()): Promise<number> {
    const before = new Date(now.getTime() - this.env.AUDIT_TTL_DAYS * DAY_MS);
    let expired = 0;
    for (;;) {
      const batch = await transaction(this.prisma, (db) => this.expireBatch(before, db));
      expired += batch;
      if (batch < BATCH) return expired;
    }
  }

  /** Every night: what is too old goes, and keys that an earlier of ENCRYPTION_KEYS wraps are wrapped by the first. */
  @Schedule('audit.expire', '37 3 * * *', { catchUpSeconds: 86_400 })
  async daily(_run: JobRun): Promise<void> {
    await this.expire();
    while ((await transaction(this.prisma, (db) => this.keys.rewrap(db))) > 0);
  }

  private async expireBatch(before: Date, db: Tx): Promise<number> {
    await awaitChain(db);
    const { row } = await readChain(db);
    if (row === null || !isProven(this.keys, row)) return 0; // the sealer and every verification complain of it
    const links = await readLinks(db, { after: row.startPosition, until: row.endPosition, limit: BATCH });
    let place: Place = { position: row.startPosition, head: row.startHead };
    let broken: Break | null = null;
    let expired = 0;
    for (const link of links) {
      if (timeOfId(link.entryId) >= before) break;
      // What was tampered with goes like the rest, and the entry about it says so for as long again.
      broken ??= breakAt(this.keys, link, place);
      place = link;
      expired += 1;
    }
    if (expired === 0) return 0;
    await rows(db, Prisma.sql`SELECT audit_expire(${place.position})`);
    await writeChain(db, this.keys, { ...row, startPosition: place.position, startHead: place.head });
    if (broken !== null)
      this.logger.error({ position: String(broken.position), reason: broken.reason }, 'Audit entries that expired had been tampered with');
    await record(db, {
      actor: SYSTEM,
      action: 'audit.expired',
      resource: auditedChain('1'),
      after: { until: place.position, entries: expired, olderThan: before, brokenAt: broken },
      outcome: broken === null ? 'succeeded' : 'failed',
    });
    return expired;
  }
}
