import { Injectable } from '@nestjs/common';
import { audited, record } from '#audit';
import { type Db, PrismaService, transaction } from '#database';
import { discardDelivery, isConsumer, positionAt, retryDelivery, startReplay } from '#events';
import { type Page, readCursor, toPage } from '#http';
import type { Actor } from '#security';
import type { ListDeliveriesQuery, ListEventsQuery, ReplayDto } from './events.dto.js';
import { consumerNotFound, deliveryNotStuck } from './events.errors.js';
import { type Delivery, findDelivery, listDeliveries, listEvents, type LoggedEvent } from './events.queries.js';

const auditedConsumer = audited('consumer', { after: 'plain', until: 'plain', again: 'plain' });
const auditedDelivery = audited('event', { consumer: 'plain' });

/** A stretch of the log that a consumer is given again. */
export interface Replay {
  consumer: string;
  after: string;
  until: string;
  again: boolean;
}

/** The log of events for operators, and what its consumers have not dealt with. */
@Injectable()
export class EventsService {
  constructor(private readonly prisma: PrismaService) {}

  async list(_actor: Actor, query: ListEventsQuery): Promise<Page<LoggedEvent>> {
    const sort = '-occurredAt';
    const events = await listEvents(this.prisma, query, readCursor(query.cursor, sort, 'time'));
    return toPage(
      events,
      { ...query, sort },
      (event) => event.occurredAt,
      (event) => event,
    );
  }

  async deliveries(_actor: Actor, query: ListDeliveriesQuery): Promise<Page<Delivery>> {
    const sort = query.status;
    const deliveries = await listDeliveries(this.prisma, query, readCursor(query.cursor, sort, 'text'));
    return toPage(
      deliveries.map((delivery) => ({ ...delivery, id: delivery.eventId })),
      { ...query, sort },
      (delivery) => delivery.consumer,
      (delivery) => delivery,
    );
  }

  /** @throws ops/consumer-not-found */
  async replay(actor: Actor, { consumer, from, again }: ReplayDto, db: Db = this.prisma): Promise<Replay> {
    return transaction(db, async (tx) => {
      if (!(await isConsumer(tx, consumer))) throw consumerNotFound('No worker has a consumer of this name.');
      const start = positionAt(from) === null ? { since: new Date(from) } : { after: from };
      const replay = { consumer, again, ...(await startReplay(tx, consumer, start, { again })) };
      await record(tx, { actor, action: 'events.replayed', resource: auditedConsumer(consumer), after: replay });
      return replay;
    });
  }

  /** @throws ops/delivery-not-stuck */
  async retry(actor: Actor, eventId: string, consumer: string, db: Db = this.prisma): Promise<Delivery> {
    return transaction(db, async (tx) => {
      if (!(await retryDelivery(tx, { eventId, consumer }))) throw notStuck();
      await record(tx, { actor, action: 'events.retried', resource: auditedDelivery(eventId), after: { consumer } });
      return findDelivery(tx, eventId, consumer);
    });
  }

  /** @throws ops/delivery-not-stuck */
  async discard(actor: Actor, eventId: string, consumer: string): Promise<void> {
    await transaction(this.prisma, async (db) => {
      if (!(await discardDelivery(db, { eventId, consumer }))) throw notStuck();
      await record(db, { actor, action: 'events.discarded', resource: auditedDelivery(eventId), before: { consumer } });
    });
  }
}

function notStuck(): Error {
  return deliveryNotStuck('No consumer of this name is stuck at this event.');
}
