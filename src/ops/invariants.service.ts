import { Injectable, type OnModuleInit } from '@nestjs/common';
import { DiscoveryService } from '@nestjs/core';
import { audited, record, SYSTEM } from '#audit';
import { type Db, execute, type Invariant, Invariants, Prisma, PrismaService, type Remark, rows, sqlState, transaction } from '#database';
import { publish } from '#events';
import { type JobRun, Schedule } from '#jobs';
import type { Actor } from '#security';
import { Logger, Metrics } from '#telemetry';
import { Gauge } from 'prom-client';
import { invariantNotFound, invariantNotRepairable } from './invariants.errors.js';
import { invariantBroken } from './invariants.events.js';

/** How an invariant was found. */
export interface Finding {
  invariant: Invariant;
  status: 'holds' | 'broken' | 'unknown';
  broken: number | null;
  examples: Remark[];
  durationMs: number;
}

export interface Checkup {
  sound: boolean;
  checkedAt: Date;
  findings: Finding[];
}

/** What a repair has changed, or would change. */
export interface Mending {
  id: string;
  dryRun: boolean;
  changes: Remark[];
  left: number;
}

const auditedInvariant = audited('invariant', { changes: 'plain' });

const EXAMPLES = 20;
/** What one repair takes on: it is one transaction, and holds what it mends. */
const MENDED_AT_ONCE = 100;
const QUERY_CANCELED = '57014';
const ORDER = { error: 0, warning: 1, notice: 2 };

/** Looks whether the books of all features add up, and mends them. Each feature says what must hold of its own, by a provider that is an `Invariants`. */
@Injectable()
export class InvariantsService implements OnModuleInit {
  private all: readonly Invariant[] = [];

  constructor(
    private readonly prisma: PrismaService,
    private readonly discovery: DiscoveryService,
    private readonly logger: Logger,
    metrics: Metrics,
  ) {
    new Gauge({
      name: 'ashlar_invariant_broken',
      help: 'How many things broke an invariant when it was last looked at (schedule invariants.check); -1 when looking took too long.',
      labelNames: ['invariant', 'severity'],
      registers: [metrics],
      // Of the database, so that every process tells the same, also one that runs no schedules.
      async collect() {
        this.reset();
        for (const { invariant, severity, broken } of await prisma.invariantCheck.findMany())
          this.set({ invariant, severity }, broken ?? -1);
      },
    });
  }

  onModuleInit(): void {
    const found = new Set(this.discovery.getProviders().map(({ instance }) => instance as unknown));
    const all = [...found].flatMap((instance) => (instance instanceof Invariants ? instance.all : []));
    const twice = all.find(({ id }, place) => all.findIndex((other) => other.id === id) !== place);
    if (twice !== undefined) throw new Error(`Two invariants are called ${twice.id}: each name belongs to one.`);
    this.all = all.sort((a, b) => ORDER[a.severity] - ORDER[b.severity] || (a.id < b.id ? -1 : 1));
  }

  /** Looks at one after the other, so that it takes one connection; each is one statement, and sees one moment. */
  async check(_actor: Actor): Promise<Checkup> {
    const checkedAt = new Date();
    const findings: Finding[] = [];
    for (const invariant of this.all) findings.push(await this.look(invariant));
    return { checkedAt, findings, sound: findings.every(({ status, invariant }) => status === 'holds' || invariant.severity === 'notice') };
  }

  /** Mends the first hundred that break it; a dry run is undone. @throws ops/invariant-not-found, ops/invariant-not-repairable */
  async repair(actor: Actor, id: string, dryRun: boolean, db: Db = this.prisma): Promise<Mending> {
    const invariant = this.all.find((one) => one.id === id);
    if (invariant === undefined) throw invariantNotFound('No invariant has this id.');
    const { broken, repair } = invariant;
    if (repair === undefined) throw invariantNotRepairable('What is wrong here is for a person to decide; read its explanation.');
    return transaction(db, async (tx) => {
      if (dryRun) await execute(tx, Prisma.sql`SAVEPOINT repair`);
      const found = await rows<{ id: string }>(tx, Prisma.sql`SELECT id FROM (${broken}) broken ORDER BY id LIMIT ${MENDED_AT_ONCE}`);
      const ids = found.map((one) => one.id);
      const changes = ids.length === 0 ? [] : await repair.mend(ids, tx);
      const [{ left } = { left: 0 }] = await rows<{ left: number }>(tx, Prisma.sql`SELECT count(*)::int AS left FROM (${broken}) broken`);
      if (dryRun) await execute(tx, Prisma.sql`ROLLBACK TO SAVEPOINT repair`);
      else await record(tx, { actor, action: 'invariants.repaired', resource: auditedInvariant(id), after: { changes } });
      return { id, dryRun, changes, left };
    });
  }

  /** Writes down how each was found: for the metric, and to tell what was not broken the night before. */
  @Schedule('invariants.check', '41 3 * * *', { catchUpSeconds: 43_200, timeoutSeconds: 3_600 })
  async nightly({ signal }: JobRun): Promise<void> {
    for (const invariant of this.all) {
      signal.throwIfAborted();
      await this.keep(await this.look(invariant));
    }
    const ids = this.all.map(({ id }) => id);
    await this.prisma.invariantCheck.deleteMany({ where: { invariant: { notIn: ids } } });
  }

  private async look(invariant: Invariant): Promise<Finding> {
    const started = performance.now();
    const found = await this.ask(invariant);
    const durationMs = Math.round(performance.now() - started);
    if (found === null) return { invariant, status: 'unknown', broken: null, examples: [], durationMs };
    return { invariant, status: found.broken === 0 ? 'holds' : 'broken', ...found, durationMs };
  }

  /** How many break it, and the first of them; null when PostgreSQL has cancelled the statement, because it took too long. */
  private async ask({ broken }: Invariant): Promise<{ broken: number; examples: Remark[] } | null> {
    try {
      const [found] = await rows<{ broken: number; examples: Remark[] }>(
        this.prisma,
        Prisma.sql`WITH broken AS MATERIALIZED (${broken})
          SELECT (SELECT count(*)::int FROM broken) AS broken,
            coalesce((SELECT json_agg(one) FROM (SELECT id, says FROM broken ORDER BY id LIMIT ${EXAMPLES}) one), '[]') AS examples`,
      );
      return found!;
    } catch (error) {
      if (sqlState(error) === QUERY_CANCELED) return null;
      throw error;
    }
  }

  private async keep({ invariant: { id, title, severity }, status, broken }: Finding): Promise<void> {
    const where = { invariant: id };
    const before = await transaction(this.prisma, async (db) => {
      const last = await db.invariantCheck.findUnique({ where });
      const found = { status, broken, severity, checkedAt: new Date() };
      await db.invariantCheck.upsert({ where, create: { ...where, ...found }, update: found });
      if (status === 'broken' && last?.status !== 'broken')
        await publish(
          db,
          invariantBroken,
          { invariant: id, severity, broken: broken! },
          { actor: SYSTEM, resource: { type: 'invariant', id } },
        );
      return last;
    });
    if (status === 'holds') return;
    const about = { invariant: id, severity, broken, known: before?.status === status };
    const line = status === 'unknown' ? `It took too long to look whether this holds: ${title}` : `This does not hold: ${title}`;
    if (severity === 'error') this.logger.error(about, line);
    else this.logger.warn(about, line);
  }
}
