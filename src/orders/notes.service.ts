import { Injectable } from '@nestjs/common';
import { audited, record } from '#audit';
import { type Db, Prisma, PrismaService, transaction } from '#database';
import { publish } from '#events';
import { keyset, type Page, parseSort, readCursor, toPage } from '#http';
import { Actor, type Guest } from '#security';
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

  async list(caller: Actor | Guest, orderId: string, query: ListNotesQuery): Promise<Page<Note>> {
    await this.orders.get(caller, orderId);
    const { where, orderBy } = keyset(parseSort(query.sort), readCursor(query.cursor, query.sort, 'time'));
    const rows = await this.prisma.orderNote.findMany({
      where: { AND: [{ orderId }, visibleTo(caller), where] },
      orderBy,
      take: query.limit + 1,
    });
    return toPage(
      rows,
      query,
      ({ createdAt }) => createdAt,
      (note) => asSeenBy(caller, note),
    );
  }

  /** Those of these notes that the caller may see, by their ids. */
  async named(caller: Actor | Guest, ids: readonly string[]): Promise<Map<string, Note>> {
    if (ids.length === 0) return new Map();
    const notes = await this.prisma.orderNote.findMany({ where: { AND: [{ id: { in: [...ids] } }, visibleTo(caller)] } });
    return new Map(notes.map((note) => [note.id, asSeenBy(caller, note)]));
  }
}

function visibleTo(caller: Actor | Guest): Prisma.OrderNoteWhereInput {
  return isStaff(caller) ? {} : { shared: true };
}

function asSeenBy(caller: Actor | Guest, note: Note): Note {
  return isStaff(caller) ? note : { ...note, authorId: null };
}

function isStaff(caller: Actor | Guest): boolean {
  return caller instanceof Actor && caller.can('orders:read');
}
