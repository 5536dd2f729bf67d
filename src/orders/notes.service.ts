import { Injectable } from '@nestjs/common';
import { audited, record } from '#audit';
import { type Db, Prisma, PrismaService, transaction } from '#database';
import { publish } from '#events';
import { keyset, type Page, parseSort, readCursor, toPage } from '#http';
import type { Actor } from '#security';
import type { ListNotesQuery, WriteNoteDto } from './notes.dto.js';
import { orderNoteAdded, orderNoteShared } from './orders.events.js';
import { aboutOrder, OrdersService } from './orders.service.js';

export type Note = Prisma.OrderNoteGetPayload<object>;

const auditedNote = audited('order-note', { orderId: 'plain', shared: 'plain', text: 'personal' });

/** What staff write down about an order. Its customer sees what is shared, and of nothing who wrote it. */
@Injectable()
export class NotesService {
  constructor(
    private readonly prisma: PrismaService,
    private readonly orders: OrdersService,
  ) {}

  async write(actor: Actor, orderId: string, { text, shared }: WriteNoteDto, db: Db = this.prisma): Promise<Note> {
    return transaction(db, async (tx) => {
      const order = await this.orders.lock(actor, orderId, tx);
      const note = await tx.orderNote.create({ data: { orderId, authorId: actor.id, text, shared } });
      await record(tx, { actor, action: 'order-notes.written', resource: auditedNote(note.id), subject: order.userId, after: note });
      const facts = { orderId, number: order.number, noteId: note.id };
      await publish(tx, shared ? orderNoteShared : orderNoteAdded, facts, aboutOrder(actor, order));
      return note;
    });
  }

  async list(actor: Actor, orderId: string, query: ListNotesQuery): Promise<Page<Note>> {
    await this.orders.get(actor, orderId);
    const { where, orderBy } = keyset(parseSort(query.sort), readCursor(query.cursor, query.sort, 'time'));
    const rows = await this.prisma.orderNote.findMany({
      where: { AND: [{ orderId }, visibleTo(actor), where] },
      orderBy,
      take: query.limit + 1,
    });
    return toPage(
      rows,
      query,
      ({ createdAt }) => createdAt,
      (note) => asSeenBy(actor, note),
    );
  }

  /** Those of these notes that the actor may see, by their ids. */
  async named(actor: Actor, ids: readonly string[]): Promise<Map<string, Note>> {
    if (ids.length === 0) return new Map();
    const notes = await this.prisma.orderNote.findMany({ where: { AND: [{ id: { in: [...ids] } }, visibleTo(actor)] } });
    return new Map(notes.map((note) => [note.id, asSeenBy(actor, note)]));
  }
}

function visibleTo(actor: Actor): Prisma.OrderNoteWhereInput {
  return actor.can('orders:read') ? {} : { shared: true };
}

function asSeenBy(actor: Actor, note: Note): Note {
  return actor.can('orders:read') ? note : { ...note, authorId: null };
}
