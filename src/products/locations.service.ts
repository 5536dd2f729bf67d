import { Injectable } from '@nestjs/common';
import { audited, record } from '#audit';
import { type Db, defined, isUniqueViolation, Prisma, PrismaService, rows, transaction, type Tx } from '#database';
import { expectVersion, type ExpectedVersions, keyset, type Page, readCursor, toPage } from '#http';
import type { Actor } from '#security';
import type { CreateLocationDto, ListLocationsQuery, UpdateLocationDto } from './locations.dto.js';
import { locationCodeTaken, locationInUse, locationNotFound, tooManyLocations, unknownLocation } from './products.errors.js';

export type StockLocation = Prisma.StockLocationGetPayload<object>;

const auditedLocation = audited('location', { code: 'plain', name: 'plain', active: 'plain' });

/** So that a variant's levels are one short answer. */
const MOST = 200;

/** Where goods lie. A location is closed, never deleted: the ledger names it. A closed one is empty, and stays so. */
@Injectable()
export class LocationsService {
  constructor(private readonly prisma: PrismaService) {}

  async list(_actor: Actor, query: ListLocationsQuery): Promise<Page<StockLocation>> {
    const sort = '-createdAt';
    const { where, orderBy } = keyset({ field: 'createdAt', descending: true }, readCursor(query.cursor, sort, 'time'));
    const found = await this.prisma.stockLocation.findMany({ where, orderBy, take: query.limit + 1 });
    return toPage(
      found,
      { ...query, sort },
      (location) => location.createdAt,
      (location) => location,
    );
  }

  async get(_actor: Actor, id: string, db: Db = this.prisma): Promise<StockLocation> {
    const location = await db.stockLocation.findUnique({ where: { id } });
    if (location === null) throw locationNotFound('No location has this id.');
    return location;
  }

  async create(actor: Actor, location: CreateLocationDto, db: Db = this.prisma): Promise<StockLocation> {
    return transaction(db, async (tx) => {
      await rows(tx, Prisma.sql`SELECT pg_advisory_xact_lock(hashtextextended('stock locations', 0))`);
      if ((await tx.stockLocation.count()) >= MOST) throw tooManyLocations(`There are ${MOST} locations already.`);
      const { code, name } = location;
      const after = await tx.stockLocation.create({ data: { code, name } }).catch(refuseTaken);
      await record(tx, { actor, action: 'locations.created', resource: auditedLocation(after.id), after });
      return after;
    });
  }

  async update(actor: Actor, id: string, changes: UpdateLocationDto, expected: ExpectedVersions): Promise<StockLocation> {
    return transaction(this.prisma, async (db) => {
      await rows(db, Prisma.sql`SELECT id FROM stock_locations WHERE id = ${id}::uuid FOR NO KEY UPDATE`);
      const before = await this.get(actor, id, db);
      expectVersion(before.version, expected);
      if (changes.active === false && before.active) await this.refuseInUse(before, db);
      const data = { ...defined(changes), version: { increment: 1 } };
      const after = await db.stockLocation.update({ where: { id }, data }).catch(refuseTaken);
      await record(db, { actor, action: 'locations.updated', resource: auditedLocation(id), before, after });
      return after;
    });
  }

  /**
   * The open location that is meant, or the default one, kept open until the transaction ends. With the variant locked, whose goods are brought
   * there: variants before locations. @throws products/unknown-location
   */
  async open(id: string | undefined, pointer: string, db: Tx): Promise<StockLocation> {
    const which = id === undefined ? Prisma.sql`is_default` : Prisma.sql`id = ${id}::uuid`;
    const [kept] = await rows<{ id: string }>(db, Prisma.sql`SELECT id FROM stock_locations WHERE ${which} AND active FOR SHARE`);
    if (kept === undefined)
      throw unknownLocation('There is no open location with this id.', {
        fields: [{ pointer, code: unknownLocation.code, detail: 'is not the id of an open location' }],
      });
    return db.stockLocation.findUniqueOrThrow({ where: { id: kept.id } });
  }

  /** With the location locked, so that nobody brings anything there meanwhile. @throws products/location-in-use */
  private async refuseInUse({ id, isDefault }: StockLocation, db: Tx): Promise<void> {
    if (isDefault) throw locationInUse('This is the default location, where everything lies that names none.');
    const there = await db.stockLevel.count({ where: { locationId: id, quantity: { not: 0 } } });
    if (there > 0) throw locationInUse(`Goods of ${there} variants lie there; transfer them first.`);
  }
}

function refuseTaken(error: unknown): never {
  if (isUniqueViolation(error, 'stock_locations_code_key')) throw locationCodeTaken('Another location has this code; choose another.');
  throw error;
}
