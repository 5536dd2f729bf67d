import { Injectable } from '@nestjs/common';
import { audited, record } from '#audit';
import { type Db, PrismaService, transaction } from '#database';
import { type Page, readCursor, toPage } from '#http';
import { JobQueue, type QueuedJob, type QueuedJobWithPayload } from '#jobs';
import type { Actor } from '#security';
import type { ListJobsQuery } from './jobs.dto.js';
import { jobNotFound, jobRunning } from './jobs.errors.js';

const auditedJob = audited('job', { name: 'plain', status: 'plain', attempts: 'plain' });

const SORT = '-id';
const isNumber = (id: string) => /^\d{1,18}$/.test(id);

/** What waits, runs and has failed; what has failed for good is retried or discarded by hand. */
@Injectable()
export class JobsService {
  constructor(
    private readonly prisma: PrismaService,
    private readonly queue: JobQueue,
  ) {}

  async list(_actor: Actor, query: ListJobsQuery): Promise<Page<QueuedJob>> {
    const position = readCursor(query.cursor, SORT, 'text', isNumber);
    const { status, task: name, limit } = query;
    const found = await this.queue.list({
      limit: limit + 1,
      ...(status && { status }),
      ...(name !== undefined && { name }),
      ...(position && { before: position.id }),
    });
    return toPage(
      found,
      { limit, sort: SORT },
      (job) => job.id,
      (job) => job,
    );
  }

  async get(_actor: Actor, id: string, db: Db = this.prisma): Promise<QueuedJobWithPayload> {
    const job = isNumber(id) ? await this.queue.find(id, db) : null;
    if (job === null) throw jobNotFound('The queue has no job with this id; perhaps it is done.');
    return job;
  }

  async retry(actor: Actor, id: string, db: Db = this.prisma): Promise<QueuedJobWithPayload> {
    return transaction(db, async (tx) => {
      await this.get(actor, id, tx);
      if (!(await this.queue.retry(id, tx))) throw jobRunning('The job runs already; look again when it has ended.');
      await record(tx, { actor, action: 'jobs.retried', resource: auditedJob(id) });
      return this.get(actor, id, tx);
    });
  }

  async discard(actor: Actor, id: string, db: Db = this.prisma): Promise<void> {
    await transaction(db, async (tx) => {
      const before = await this.get(actor, id, tx);
      if (!(await this.queue.discard(id, tx))) throw jobRunning('A running job cannot be discarded; look again when it has ended.');
      await record(tx, { actor, action: 'jobs.discarded', resource: auditedJob(id), before });
    });
  }
}
