import { Injectable } from '@nestjs/common';
import { record } from '#audit';
import { Cache, invalidate } from '#cache';
import { type Db, defined, PrismaService, transaction, type Tx } from '#database';
import { type Circumstances, publish } from '#events';
import { expectVersion, type ExpectedVersions, keyset, type Page, parseSort, readCursor, toPage } from '#http';
import type { Actor } from '#security';
import type {
  CreatePriceListDto,
  ListListPricesQuery,
  ListPriceListsQuery,
  SetListPricesDto,
  UpdatePriceListDto,
} from './price-lists.dto.js';
import { listPriceImpossible, priceListNotFound, priceListWindow } from './price-lists.errors.js';
import { priceListCreated, priceListDeleted, priceListPricesSet, priceListUpdated } from './price-lists.events.js';
import {
  auditedPriceList,
  listPrices,
  type ListPrice,
  lockPriceList,
  type PriceList,
  pricesNow,
  setPrices,
} from './price-lists.queries.js';
import { untilNextPrice } from './products.queries.js';

/** Prices that count for a time. Which counts is decided by `priceIn`, in the statement that shows or charges it. */
@Injectable()
export class PriceListsService {
  constructor(
    private readonly prisma: PrismaService,
    cache: Cache,
  ) {
    cache.limit('price-lists', (_, sinceMs) => untilNextPrice(prisma, sinceMs));
  }

  async list(_actor: Actor, query: ListPriceListsQuery): Promise<Page<PriceList>> {
    const { where, orderBy } = keyset(parseSort(query.sort), readCursor(query.cursor, query.sort, 'time'));
    const found = await this.prisma.priceList.findMany({ where, orderBy, take: query.limit + 1 });
    return toPage(
      found,
      query,
      ({ createdAt }) => createdAt,
      (list) => list,
    );
  }

  async get(_actor: Actor, id: string, db: Db = this.prisma): Promise<PriceList> {
    const list = await db.priceList.findUnique({ where: { id } });
    if (list === null) throw priceListNotFound('No price list has this id.');
    return list;
  }

  /** @throws price-lists/ends-before-it-starts */
  async create(actor: Actor, list: CreatePriceListDto, db: Db = this.prisma): Promise<PriceList> {
    return transaction(db, async (tx) => {
      refuseBackwards(list);
      const { name, currency } = list;
      const after = await tx.priceList.create({ data: { ...columnsOf(list), name, currency } });
      await record(tx, { actor, action: 'price-lists.created', resource: auditedPriceList(after.id), after });
      await publish(tx, priceListCreated, { priceListId: after.id }, about(actor, after.id));
      return after;
    });
  }

  /** @throws price-lists/ends-before-it-starts */
  async update(actor: Actor, id: string, changes: UpdatePriceListDto, expected: ExpectedVersions): Promise<PriceList> {
    return transaction(this.prisma, async (db) => {
      const before = await this.lock(actor, id, expected, db);
      const data = columnsOf(changes);
      refuseBackwards({ ...before, ...data });
      const after = await db.priceList.update({ where: { id }, data: { ...data, version: { increment: 1 } } });
      await record(db, { actor, action: 'price-lists.updated', resource: auditedPriceList(id), before, after });
      await publish(db, priceListUpdated, { priceListId: id, changed: Object.keys(defined(changes)) }, about(actor, id));
      invalidate(db, ['price-lists']);
      return after;
    });
  }

  async delete(actor: Actor, id: string, expected: ExpectedVersions): Promise<void> {
    await transaction(this.prisma, async (db) => {
      const before = await this.lock(actor, id, expected, db);
      await db.priceList.delete({ where: { id } });
      await record(db, { actor, action: 'price-lists.deleted', resource: auditedPriceList(id), before });
      await publish(db, priceListDeleted, { priceListId: id }, about(actor, id));
      invalidate(db, ['price-lists']);
    });
  }

  async prices(actor: Actor, id: string, query: ListListPricesQuery): Promise<Page<ListPrice>> {
    await this.get(actor, id);
    const sort = 'variantId';
    const found = await listPrices(this.prisma, id, query.limit, readCursor(query.cursor, sort, 'text'));
    return toPage(
      found,
      { ...query, sort },
      ({ variantId }) => variantId,
      (price) => price,
    );
  }

  /** Sets prices, or takes them off the list; the others stay. @throws price-lists/price-impossible */
  async setPrices(actor: Actor, id: string, { prices }: SetListPricesDto, expected: ExpectedVersions): Promise<PriceList> {
    return transaction(this.prisma, async (db) => {
      const list = await this.lock(actor, id, expected, db);
      const now = await pricesNow(
        db,
        list,
        prices.map(({ variantId }) => variantId),
      );
      const was = new Map(now.map(({ variantId, amount }) => [variantId, amount]));
      const fields = prices.flatMap(({ variantId }, index) =>
        was.has(variantId)
          ? []
          : [{ pointer: `/prices/${index}/variantId`, code: listPriceImpossible.code, detail: 'is no variant on sale' }],
      );
      if (fields.length > 0) throw listPriceImpossible('Some of the variants cannot be on the list; see errors.', { fields });
      await setPrices(db, id, prices);
      const after = await db.priceList.update({ where: { id }, data: { version: { increment: 1 } } });
      const before = {
        prices: Object.fromEntries(now.map(({ variantId, amount }) => [variantId, amount === null ? null : Number(amount)])),
      };
      const said = { prices: Object.fromEntries(prices.map(({ variantId, amount }) => [variantId, amount])) };
      await record(db, { actor, action: 'price-lists.prices-set', resource: auditedPriceList(id), before, after: said });
      await publish(db, priceListPricesSet, { priceListId: id, changed: prices.length }, about(actor, id));
      invalidate(db, ['price-lists']);
      return after;
    });
  }

  private async lock(actor: Actor, id: string, expected: ExpectedVersions, db: Tx): Promise<PriceList> {
    await lockPriceList(db, id);
    const list = await this.get(actor, id, db);
    expectVersion(list.version, expected);
    return list;
  }
}

function columnsOf({ startsAt, endsAt, name, priority, active }: UpdatePriceListDto) {
  const time = (at: string | null | undefined) => (at === undefined || at === null ? at : new Date(at));
  return defined({ name, priority, active, startsAt: time(startsAt), endsAt: time(endsAt) });
}

function refuseBackwards({ startsAt, endsAt }: { startsAt?: string | Date | null; endsAt?: string | Date | null }): void {
  if (!startsAt || !endsAt || new Date(endsAt) > new Date(startsAt)) return;
  throw priceListWindow('A price list has to end later than it starts.', {
    fields: [{ pointer: '/endsAt', code: priceListWindow.code, detail: 'is not later than startsAt' }],
  });
}

function about(actor: Actor, id: string): Circumstances {
  return { actor, resource: { type: 'price-list', id } };
}
