import { Injectable, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { Env } from '#config';
import { afterCommit, execute, isMissingTable, isUnavailable, Prisma, PrismaService, rows, transaction, type Tx } from '#database';
import { Logger } from '#telemetry';
import { isProven, NO_CHAIN, readChain, takeChain, writeChain } from './chain.js';
import { AuditKeys } from './keys.js';
import { type Authentic, type Gone, STORED } from './links.js';
import { canonical, type ChainEnds, digestOf, headAfter, isMacOf } from './sealing.js';

const ROUND_MS = 1_000;
const BATCH = 1_000;
const HEAD_LOGGED_MS = 3_600_000;

/** An entry that waits. */
type Waiting = { entryId: string } & (Authentic | Gone);

/**
 * Chains entries seconds after their commit, so that writers never queue behind one another: what has been committed and waits is sealed,
 * however late it was. Every process tries once a second; a lock lets one at a time. One that dies leaves nothing half done.
 */
@Injectable()
export class Sealer implements OnApplicationBootstrap, OnModuleDestroy {
  private timer: NodeJS.Timeout | undefined;
  private running = Promise.resolve();
  private stopped = false;
  private failing = false;
  /** What this process last sealed: a chain that is shorter later has been cut, whatever its own row says. */
  private lastPosition = 0n;
  private headLoggedAt = 0;

  constructor(
    private readonly prisma: PrismaService,
    private readonly keys: AuditKeys,
    private readonly env: Env,
    private readonly logger: Logger,
  ) {}

  onApplicationBootstrap(): void {
    if (this.env.ROLE !== 'api') this.next();
  }

  async onModuleDestroy(): Promise<void> {
    this.stopped = true;
    clearTimeout(this.timer);
    await this.running;
  }

  /** Seals what waits, unless another process is at it. Returns how many entries. */
  async seal(): Promise<number> {
    let sealed = 0;
    for (let more = true; more && !this.stopped;) {
      const [waiting] = await rows(this.prisma, Prisma.sql`SELECT 1 FROM audit_unsealed LIMIT 1`);
      if (waiting === undefined) break;
      const batch = await transaction(this.prisma, (db) => this.sealBatch(db));
      sealed += batch;
      more = batch === BATCH;
    }
    return sealed;
  }

  private next(): void {
    this.timer = setTimeout(() => {
      this.running = this.round().then(() => {
        if (!this.stopped) this.next();
      });
    }, ROUND_MS).unref();
  }

  private async round(): Promise<void> {
    try {
      await this.seal();
      this.failing = false;
    } catch (error) {
      const level = isUnavailable(error) || isMissingTable(error) ? 'warn' : 'error';
      if (!this.failing) this.logger[level]({ err: error }, 'The audit log cannot be sealed; every second tries again');
      this.failing = true;
    }
  }

  private async sealBatch(db: Tx): Promise<number> {
    if (!(await takeChain(db))) return 0;
    const waiting = await this.take(db);
    if (waiting.length === 0) return 0;
    const ends = await this.ends(db);
    const sealedAt = new Date();
    const { id: keyId, key } = this.keys.chain[0]!;
    let { endPosition: position, endHead: head } = ends;
    const seals = waiting.map((entry) => {
      const digest = this.digest(entry);
      position += 1n;
      head = headAfter(key, head, { position, digest, sealedAt });
      return { position, digest, head };
    });
    await execute(
      db,
      Prisma.sql`INSERT INTO audit_seals (position, entry_id, digest, head, key_id, sealed_at)
        SELECT s.position, s.entry_id, s.digest, s.head, ${keyId}, ${sealedAt}
        FROM unnest(${seals.map((seal) => String(seal.position))}::bigint[], ${waiting.map(({ entryId }) => entryId)}::uuid[],
          ${seals.map(({ digest }) => digest)}::bytea[], ${seals.map((seal) => seal.head)}::bytea[]) AS s (position, entry_id, digest, head)`,
    );
    await writeChain(db, this.keys, { ...ends, endPosition: position, endHead: head });
    afterCommit(db, () => {
      this.lastPosition = position;
      this.announce(position, head);
    });
    return waiting.length;
  }

  /** The oldest that wait and are not sealed yet, whoever put them there. */
  private async take(db: Tx): Promise<Waiting[]> {
    return rows<Waiting>(
      db,
      Prisma.sql`WITH taken AS (
          DELETE FROM audit_unsealed WHERE entry_id IN (SELECT entry_id FROM audit_unsealed ORDER BY entry_id LIMIT ${BATCH}) RETURNING entry_id
        )
        SELECT t.entry_id AS "entryId", ${STORED} FROM taken t LEFT JOIN audit_entries e ON e.id = t.entry_id
        WHERE NOT EXISTS (SELECT FROM audit_seals s WHERE s.entry_id = t.entry_id) ORDER BY t.entry_id`,
    );
  }

  /**
   * Where to go on. After a chain whose row is not ours, or that is shorter than it was, one position is left out: the gap shows in every
   * verification, whatever else has been tampered with.
   */
  private async ends(db: Tx): Promise<ChainEnds> {
    const { row, last } = await readChain(db);
    const longest = [row?.endPosition ?? 0n, last, this.lastPosition].reduce((a, b) => (a > b ? a : b));
    const whole = row === null ? longest === 0n : isProven(this.keys, row) && row.endPosition === longest;
    if (whole) return row ?? NO_CHAIN;
    this.logger.error(
      { told: String(row?.endPosition ?? 0), found: String(last), sealed: String(this.lastPosition) },
      'The audit chain has been tampered with; it goes on behind a gap',
    );
    return { ...(row ?? NO_CHAIN), endPosition: longest + 1n };
  }

  private digest(entry: Waiting): Buffer {
    if (entry.id === null) {
      this.logger.error({ entryId: entry.entryId }, 'An audit entry is gone before it was sealed');
      return Buffer.alloc(32);
    }
    const text = canonical(entry);
    if (!isMacOf(this.keys.entries, text, entry.mac))
      this.logger.error({ entryId: entry.entryId }, 'An audit entry was not written by the application, or changed before it was sealed');
    return digestOf(text, entry.mac);
  }

  /** Once an hour the log tells the head: what is kept elsewhere shows a chain that was cut or made anew. */
  private announce(position: bigint, head: Buffer): void {
    if (Date.now() - this.headLoggedAt < HEAD_LOGGED_MS) return;
    this.headLoggedAt = Date.now();
    this.logger.info({ position: String(position), head: head.toString('hex') }, 'audit head');
  }
}
