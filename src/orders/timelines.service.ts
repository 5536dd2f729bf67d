import { Injectable } from '@nestjs/common';
import { PrismaService } from '#database';
import { eventCatalogue, mayBeTold, type PastEvent, readHistory } from '#events';
import { type Page, parseSort, readCursor, toPage } from '#http';
import { Actor, type Guest } from '#security';
import { PaymentsService } from '../payments/payments.service.js';
import { type Note, NotesService } from './notes.service.js';
import { OrdersService } from './orders.service.js';
import type { ListOrderEventsQuery } from './timelines.dto.js';

/** Something that happened to an order, as far as the reader may know. */
export interface Moment {
  event: PastEvent;
  by: 'customer' | 'staff' | 'nobody';
  note: Note | null;
}

/** What happened to an order and its payments: read from the log of events, so it says what was, and for as long as events are kept. */
@Injectable()
export class TimelinesService {
  constructor(
    private readonly prisma: PrismaService,
    private readonly orders: OrdersService,
    private readonly payments: PaymentsService,
    private readonly notes: NotesService,
  ) {}

  async list(caller: Actor | Guest, id: string, query: ListOrderEventsQuery): Promise<Page<Moment>> {
    const { userId } = await this.orders.get(caller, id);
    // Whoever has the token of an order is its customer.
    const [reader, subjectId] = caller instanceof Actor ? [caller, userId] : [{ id, can: () => false }, id];
    const payments = await this.payments.ofOrder(id);
    const found = await readHistory(this.prisma, {
      resources: [{ type: 'order', id }, ...payments.map((payment) => ({ type: 'payment', id: payment.id }))],
      names: [...eventCatalogue().keys()].filter((name) => mayBeTold(reader, { name, subjectId })),
      descending: parseSort(query.sort).descending,
      after: (readCursor(query.cursor, query.sort, 'number')?.value as number | undefined) ?? null,
      limit: query.limit + 1,
    });
    const page = toPage(
      found,
      query,
      ({ seq }) => seq,
      (event) => event,
    );
    const notes = await this.notes.named(
      caller,
      page.items.flatMap((event) => noteOf(event) ?? []),
    );
    const staff = reader.can('orders:read');
    const items = page.items.map((event): Moment => {
      const by = byWhom(event, userId);
      return { event: staff ? event : { ...event, actorId: null }, by, note: notes.get(noteOf(event) ?? '') ?? null };
    });
    return { ...page, items };
  }
}

/** What no user did, a guest did, who is the customer, or nobody. */
function byWhom({ actorId, isAnonymous }: PastEvent, customerId: string | null): Moment['by'] {
  if (actorId === null) return isAnonymous ? 'customer' : 'nobody';
  return actorId === customerId ? 'customer' : 'staff';
}

function noteOf({ payload }: PastEvent): string | null {
  return (payload as { noteId?: string }).noteId ?? null;
}
