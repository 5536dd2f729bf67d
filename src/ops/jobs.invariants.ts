import { Injectable } from '@nestjs/common';
import { type Invariant, Invariants, Prisma } from '#database';

/** That work gets done. The queue is short, or that is worth knowing by itself; what is stuck goes by an index. */
@Injectable()
export class JobsInvariants extends Invariants {
  readonly all: Invariant[] = [
    {
      id: 'jobs-dead',
      title: 'No job has failed for good',
      explanation:
        'What it was to do is not done: GET /ops/jobs?status=dead says which failed with what. Mend the cause, then retry or discard each.',
      severity: 'warning',
      resource: 'job',
      broken: Prisma.sql`SELECT id::text AS id, format('%s, after %s attempts', task_identifier, attempts) AS says
        FROM graphile_worker.jobs WHERE locked_at IS NULL AND attempts >= max_attempts`,
    },
    {
      id: 'events-stuck',
      title: 'No consumer is stuck at an event',
      explanation:
        'The later events of the same resource wait behind it: GET /ops/events/deliveries?status=stuck says what failed. Mend the cause, then retry or discard each.',
      severity: 'warning',
      resource: 'event',
      broken: Prisma.sql`SELECT event_id::text AS id, format('%s, after %s attempts', consumer, attempts) AS says FROM event_deliveries WHERE status = 'stuck'`,
    },
  ];
}
