import { Injectable } from '@nestjs/common';
import { type Invariant, Invariants, Prisma, type Remark, rows, type Tx } from '#database';
import { enqueue, type JobDefinition } from '#jobs';
import { workOffPaymentEvent } from './inbox.service.js';
import { askForPayment } from './payments.service.js';
import { sendRefund } from './refunds.service.js';

/** That money adds up, and gets on. Amounts are minor units. What does not get on is found by indexes of status and time. */
@Injectable()
export class PaymentsInvariants extends Invariants {
  readonly all: Invariant[] = [
    {
      id: 'payments-refunded',
      title: 'What is counted as refunded of a payment is the sum of its refunds',
      explanation:
        'The count decides whether another refund fits: too high, and customers do not get their money; too low, and they get it twice. The refunds are what was sent to the provider, so they are right.',
      severity: 'error',
      resource: 'payment',
      broken: Prisma.sql`SELECT p.id::text AS id, format('%s are counted as refunded, its refunds come to %s', p.refunded, coalesce(r.sum, 0)) AS says
        FROM payments p LEFT JOIN (SELECT payment_id, sum(amount) AS sum FROM refunds WHERE status <> 'failed' GROUP BY payment_id) r ON r.payment_id = p.id
        WHERE p.refunded <> coalesce(r.sum, 0)`,
      repair: {
        explanation: 'Sets the count to the sum of the refunds that have not failed, unless that is more than was paid.',
        mend: async (ids, db) => {
          await lockPayments(ids, db);
          return rows<Remark>(
            db,
            Prisma.sql`WITH sums AS (
              SELECT p.id, p.refunded AS before, coalesce(sum(r.amount), 0)::bigint AS now
              FROM payments p LEFT JOIN refunds r ON r.payment_id = p.id AND r.status <> 'failed' WHERE p.id = ANY (${ids}::uuid[]) GROUP BY p.id
            )
            UPDATE payments p SET refunded = sums.now FROM sums
            WHERE p.id = sums.id AND sums.now <> sums.before AND sums.now <= p.amount AND (sums.now = 0 OR p.status = 'succeeded')
            RETURNING p.id::text AS id, format('refunded: %s → %s', sums.before, sums.now) AS says`,
          );
        },
      },
    },
    {
      id: 'payments-over-refunded',
      title: 'The refunds of a payment never come to more than was paid',
      explanation:
        'Money was paid back that never came in, or twice. Look at the provider what has really been sent; what has not may be stopped there.',
      severity: 'error',
      resource: 'payment',
      broken: Prisma.sql`SELECT p.id::text AS id, format('%s %s were paid, its refunds come to %s', p.amount, p.currency, sum(r.amount)) AS says
        FROM payments p JOIN refunds r ON r.payment_id = p.id WHERE r.status <> 'failed' GROUP BY p.id HAVING sum(r.amount) > p.amount OR p.status <> 'succeeded'`,
    },
    {
      id: 'payments-disputed',
      title: 'A payment is disputed where a dispute of it is open or lost, and only there',
      explanation:
        'Refunds look at the payment: one that is disputed and does not say so is refunded on top of what the bank takes; one that says so and is not cannot be refunded.',
      severity: 'error',
      resource: 'payment',
      broken: Prisma.sql`SELECT p.id::text AS id, CASE WHEN p.disputed THEN 'disputed, without a dispute that is open or lost' ELSE 'not disputed, with a dispute that is open or lost' END AS says
        FROM payments p WHERE p.disputed <> EXISTS (SELECT FROM disputes d WHERE d.payment_id = p.id AND d.status <> 'won')`,
      repair: {
        explanation: 'Has the payment say what its disputes say.',
        mend: async (ids, db) => {
          await lockPayments(ids, db);
          return rows<Remark>(
            db,
            Prisma.sql`UPDATE payments p SET disputed = NOT p.disputed
              WHERE p.id = ANY (${ids}::uuid[]) AND p.disputed <> EXISTS (SELECT FROM disputes d WHERE d.payment_id = p.id AND d.status <> 'won')
              RETURNING p.id::text AS id, format('disputed: %s → %s', (NOT p.disputed)::text, p.disputed::text) AS says`,
          );
        },
      },
    },
    {
      id: 'disputes-seen',
      title: 'No customer’s bank asks money back',
      explanation:
        'Each is a payment whose bank asks the money back, or (in the last 90 days) has got it. Nothing is refunded meanwhile. Answer an open one at the provider before its term ends.',
      severity: 'notice',
      resource: 'payment',
      broken: Prisma.sql`SELECT payment_id::text AS id, format('dispute of %s, %s since %s', amount, status, to_char(updated_at AT TIME ZONE 'UTC', 'YYYY-MM-DD')) AS says
        FROM disputes WHERE status = 'open' OR status = 'lost' AND updated_at > now() - interval '90 days'`,
    },
    {
      id: 'payments-stuck',
      title: 'Payments come to an end',
      explanation:
        'A payment that is processing or waits for its customer is asked for at least every hour; this one was not for two, or is processing for more than three days. Look for dead jobs payments.ask, and at the provider.',
      severity: 'warning',
      resource: 'payment',
      broken: Prisma.sql`SELECT id::text AS id, format('%s since %s, asked for %s times, last at %s', status, ${utc(Prisma.sql`created_at`)}, asks, ${utc(Prisma.sql`updated_at`)}) AS says
        FROM payments WHERE status IN ('processing', 'requires_action')
          AND (updated_at < now() - interval '2 hours' OR status = 'processing' AND created_at < now() - interval '3 days')`,
      repair: asksAgain('Has the provider asked again, now.', askForPayment, (paymentId) => ({ paymentId })),
    },
    {
      id: 'refunds-stuck',
      title: 'Refunds come to an end',
      explanation:
        'A refund that is pending is asked for every few minutes; this one was not for an hour. Look for dead jobs payments.refund, and at the provider.',
      severity: 'warning',
      resource: 'refund',
      broken: Prisma.sql`SELECT id::text AS id, format('%s, pending since %s', amount, ${utc(Prisma.sql`created_at`)}) AS says
        FROM refunds WHERE status = 'pending' AND updated_at < now() - interval '1 hour'`,
      repair: asksAgain('Has the provider asked again, now.', sendRefund, (refundId) => ({ refundId })),
    },
    {
      id: 'payment-events-stuck',
      title: 'What providers say is worked off',
      explanation: 'An event of a provider waits for more than an hour. Look for dead jobs payments.event: they say what failed.',
      severity: 'warning',
      resource: 'payment-event',
      broken: Prisma.sql`SELECT id::text AS id, format('%s of %s, waiting since %s', type, provider, ${utc(Prisma.sql`received_at`)}) AS says
        FROM payment_events WHERE status = 'waiting' AND received_at < now() - interval '1 hour'`,
      repair: asksAgain('Has each worked off again, now.', workOffPaymentEvent, (eventId) => ({ eventId })),
    },
  ];
}

/** A repair that has done what was not: its job looks for itself whether there is still anything to do. */
function asksAgain<Payload extends object>(explanation: string, job: JobDefinition<Payload>, payload: (id: string) => Payload) {
  return {
    explanation,
    mend: async (ids: string[], db: Tx): Promise<Remark[]> => {
      for (const id of ids) await enqueue(db, job, payload(id), { key: id });
      return ids.map((id) => ({ id, says: `job ${job.name}` }));
    },
  };
}

/** Orders before their payments, as everybody locks them. */
async function lockPayments(ids: string[], db: Tx): Promise<void> {
  await rows(
    db,
    Prisma.sql`SELECT id FROM orders WHERE id IN (SELECT order_id FROM payments WHERE id = ANY (${ids}::uuid[])) ORDER BY id FOR UPDATE`,
  );
  await rows(db, Prisma.sql`SELECT id FROM payments WHERE id = ANY (${ids}::uuid[]) ORDER BY id FOR UPDATE`);
}

function utc(time: Prisma.Sql): Prisma.Sql {
  return Prisma.sql`to_char(${time} AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI')`;
}
