import { Injectable } from '@nestjs/common';
import { type Db, execute, Prisma, PrismaService, rows, transaction } from '#database';
import { enqueue, job, Schedule } from '#jobs';
import { IsString } from 'class-validator';
import type { HeaderOf } from './payments.rules.js';
import { ProvidersService } from './providers.service.js';

export type IncomingEvent = Prisma.PaymentEventGetPayload<object>;

export class IncomingEventPayload {
  @IsString()
  eventId: string;
}

/** Works off an event of a provider; whoever knows what is paid for does. */
export const workOffPaymentEvent = job('payments.event', IncomingEventPayload);

/** How long it is known which events have come: providers repeat theirs for some days. */
const KEPT_DAYS = 90;

/** The inbox: what providers say is checked, written down once, and answered at once; a job works it off. */
@Injectable()
export class InboxService {
  constructor(
    private readonly prisma: PrismaService,
    private readonly providers: ProvidersService,
  ) {}

  /** @throws payments/unknown-provider, payments/bad-signature */
  async receive(providerName: string, body: string, header: HeaderOf): Promise<void> {
    const provider = this.providers.hearing(providerName);
    const { id, type, subject } = await provider.read(body, header);
    const { about = null, ref = null, paymentId = null } = subject ?? {};
    await transaction(this.prisma, async (db) => {
      const [fresh] = await rows<{ id: string }>(
        db,
        Prisma.sql`INSERT INTO payment_events (id, provider, event_id, type, about, ref, payment_id, status, settled_at)
          VALUES (gen_random_uuid(), ${provider.name}, ${id}, ${type}, ${about}, ${ref}, ${paymentId}::uuid,
            ${subject ? 'waiting' : 'ignored'}::payment_event_status, CASE WHEN ${subject === null} THEN now() END)
          ON CONFLICT (provider, event_id) DO NOTHING RETURNING id`,
      );
      if (fresh !== undefined && subject !== null) await enqueue(db, workOffPaymentEvent, { eventId: fresh.id });
    });
  }

  /** An event that is to be worked off; null when that has been done. */
  async waiting(eventId: string): Promise<IncomingEvent | null> {
    return this.prisma.paymentEvent.findUnique({ where: { id: eventId, status: 'waiting' } });
  }

  /** Says what came of an event, in the transaction in which that came of it. */
  async close(eventId: string, status: 'done' | 'ignored', db: Db = this.prisma): Promise<void> {
    await db.paymentEvent.updateMany({ where: { id: eventId, status: 'waiting' }, data: { status, settledAt: new Date() } });
  }

  @Schedule('payments.purge', '17 * * * *')
  async purge(): Promise<void> {
    await execute(
      this.prisma,
      Prisma.sql`DELETE FROM payment_events WHERE status <> 'waiting' AND received_at < now() - make_interval(days => ${KEPT_DAYS}::int)`,
    );
  }
}
