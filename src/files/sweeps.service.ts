import { Injectable } from '@nestjs/common';
import { Env } from '#config';
import { PrismaService } from '#database';
import { type JobRun, Schedule } from '#jobs';
import { Storage } from '#storage';
import { Logger } from '#telemetry';
import { keysBetween } from './files.queries.js';
import { keysOf } from './files.rules.js';

const BATCH = 1_000;
const HOUR_MS = 3_600_000;
const FIRST_ID = '00000000-0000-0000-0000-000000000000';
const LAST_ID = 'ffffffff-ffff-ffff-ffff-ffffffffffff';

/** What a sweep has found: keys of bytes that belonged to nothing, and were removed; keys of files whose bytes are missing. */
export interface Swept {
  removed: number;
  missing: string[];
}

/** Compares the storage with the database, both in the order of the ids, so that neither is ever whole in memory. */
@Injectable()
export class SweepsService {
  constructor(
    private readonly prisma: PrismaService,
    private readonly storage: Storage,
    private readonly env: Env,
    private readonly logger: Logger,
  ) {}

  /** Ends uploads that were not completed in time. */
  @Schedule('files.expire', '7,37 * * * *')
  async expire({ signal }: Pick<JobRun, 'signal'>, now = new Date()): Promise<void> {
    for (;;) {
      const expired = await this.prisma.fileUpload.findMany({
        where: { expiresAt: { lt: now } },
        select: { id: true },
        orderBy: { expiresAt: 'asc' },
        take: BATCH,
      });
      for (const { id } of expired) {
        signal.throwIfAborted();
        // Whoever takes the row away owns the bytes: a completion may be just succeeding.
        const { count } = await this.prisma.fileUpload.deleteMany({ where: { id } });
        if (count === 1) for (const key of keysOf(id)) await this.storage.delete(key);
      }
      if (expired.length < BATCH) return;
    }
  }

  @Schedule('files.sweep', '23 2 * * *', { catchUpSeconds: 86_400, timeoutSeconds: 3_600 })
  async daily(run: JobRun): Promise<void> {
    await this.sweep(run);
  }

  /** Removes bytes that no row knows once they are FILES_ORPHAN_TTL_HOURS old, and reports rows whose bytes are gone. */
  async sweep({ signal }: Pick<JobRun, 'signal'>, now = new Date()): Promise<Swept> {
    const before = new Date(now.getTime() - this.env.FILES_ORPHAN_TTL_HOURS * HOUR_MS);
    const swept: Swept = { removed: await this.storage.clearUnfinished(before), missing: [] };
    let place = FIRST_ID;
    let batch = new Map<string, Date>();
    const compare = async (until: string) => {
      signal.throwIfAborted();
      await this.compare(batch, { after: place, until, before }, swept);
      place = until;
      batch = new Map();
    };
    for await (const { key, modifiedAt } of this.storage.list()) {
      const id = key.slice(0, FIRST_ID.length);
      const last = [...batch.keys()].at(-1)?.slice(0, FIRST_ID.length);
      if (batch.size >= BATCH && last !== undefined && last !== id) await compare(last);
      batch.set(key, modifiedAt);
    }
    await compare(LAST_ID);
    if (swept.removed > 0) this.logger.info({ removed: swept.removed }, 'Bytes that belonged to no file were removed');
    if (swept.missing.length > 0)
      this.logger.error({ missing: swept.missing.length, first: swept.missing.slice(0, 20) }, 'Files have lost their bytes: restore them');
    return swept;
  }

  private async compare(stored: Map<string, Date>, { after, until, before }: { after: string; until: string; before: Date }, swept: Swept) {
    const known = await keysBetween(this.prisma, after, until);
    const keys = new Set(known.map(({ key }) => key));
    for (const [key, modifiedAt] of stored) {
      if (keys.has(key) || modifiedAt >= before) continue;
      await this.storage.delete(key);
      swept.removed += 1;
    }
    for (const { key, createdAt } of known) if (createdAt !== null && createdAt < before && !stored.has(key)) swept.missing.push(key);
  }
}
