import { Injectable } from '@nestjs/common';
import { audited, record } from '#audit';
import { type Db, defined, execute, isUniqueViolation, Prisma, PrismaService, transaction, type Tx } from '#database';
import { publish } from '#events';
import { expectVersion, type ExpectedVersions, keyset, type Money, type Page, parseSort, readCursor, toPage } from '#http';
import type { Actor } from '#security';
import type { CreateCouponDto, ListCouponsQuery, UpdateCouponDto } from './coupons.dto.js';
import { couponCodeTaken, couponNotFound, couponTermsInvalid, couponUsedUp } from './coupons.errors.js';
import { couponCreated, couponDeleted, couponUpdated } from './coupons.events.js';
import { contradictionsOf, normalisedCode, type Terms } from './coupons.rules.js';
import { ppmOf } from './settings.rules.js';

type Row = Prisma.CouponGetPayload<object>;
export type Coupon = Omit<Row, keyof Terms> & Terms;

const auditedCoupon = audited('coupon', {
  code: 'plain',
  description: 'plain',
  kind: 'plain',
  ppm: 'plain',
  amounts: 'plain',
  minimums: 'plain',
  usageLimit: 'plain',
  perCustomerLimit: 'plain',
  startsAt: 'plain',
  endsAt: 'plain',
  active: 'plain',
});

/** Coupons. How often one is used is decided by one statement on its row; orders that end unpaid give their use back by a trigger. */
@Injectable()
export class CouponsService {
  constructor(private readonly prisma: PrismaService) {}

  async list(_actor: Actor, query: ListCouponsQuery): Promise<Page<Coupon>> {
    const { where, orderBy } = keyset(parseSort(query.sort), readCursor(query.cursor, query.sort, 'time'));
    const rows = await this.prisma.coupon.findMany({
      where: { ...where, deletedAt: null, ...(query.code !== undefined && { code: normalisedCode(query.code) }) },
      orderBy,
      take: query.limit + 1,
    });
    return toPage(
      rows.map((row) => row as Coupon),
      query,
      (coupon) => coupon.createdAt,
      (coupon) => coupon,
    );
  }

  async get(_actor: Actor, id: string, db: Db = this.prisma): Promise<Coupon> {
    const coupon = await db.coupon.findFirst({ where: { id, deletedAt: null } });
    if (coupon === null) throw couponNotFound('No coupon has this id.');
    return coupon as Coupon;
  }

  /** The coupon that somebody typed, as it is without a lock. @throws coupons/not-found */
  async named(code: string, db: Db): Promise<Coupon> {
    const coupon = await db.coupon.findFirst({ where: { code: normalisedCode(code), deletedAt: null } });
    if (coupon === null)
      throw couponNotFound('No coupon has this code.', {
        fields: [{ pointer: '/couponCode', code: 'not-found', detail: 'is not the code of a coupon' }],
      });
    return coupon as Coupon;
  }

  async create(actor: Actor, { code, kind, ...terms }: CreateCouponDto, db: Db = this.prisma): Promise<Coupon> {
    const data = { code, kind, ...columnsOf(terms) };
    refuseContradictions({ ...FRESH, ...data });
    return transaction(db, async (tx) => {
      const after = (await tx.coupon.create({ data }).catch((error: unknown) => {
        if (isUniqueViolation(error, 'coupons_code_key')) throw couponCodeTaken('Another coupon has this code; choose another.');
        throw error;
      })) as Coupon;
      await record(tx, { actor, action: 'coupons.created', resource: auditedCoupon(after.id), after });
      await publish(tx, couponCreated, ...factsOf(actor, after));
      return after;
    });
  }

  async update(actor: Actor, id: string, changes: UpdateCouponDto, expected: ExpectedVersions): Promise<Coupon> {
    return transaction(this.prisma, async (db) => {
      const before = await this.lock(actor, id, expected, db);
      const data = columnsOf(changes);
      refuseContradictions({ ...before, ...data });
      const after = (await db.coupon.update({ where: { id }, data: { ...data, version: { increment: 1 } } })) as Coupon;
      await record(db, { actor, action: 'coupons.updated', resource: auditedCoupon(id), before, after });
      const [payload, about] = factsOf(actor, after);
      await publish(db, couponUpdated, { ...payload, changed: Object.keys(defined(changes)) }, about);
      return after;
    });
  }

  /** Its code is free again; orders that used it stay as they are. */
  async delete(actor: Actor, id: string, expected: ExpectedVersions): Promise<void> {
    await transaction(this.prisma, async (db) => {
      const before = await this.lock(actor, id, expected, db);
      await db.coupon.update({ where: { id }, data: { deletedAt: new Date(), active: false, version: { increment: 1 } } });
      await record(db, { actor, action: 'coupons.deleted', resource: auditedCoupon(id), before });
      await publish(db, couponDeleted, ...factsOf(actor, before));
    });
  }

  /**
   * Takes one use for an order, with the coupon's row locked until the transaction ends: call it last. @throws coupons/used-up, also when
   * it was switched off meanwhile
   */
  async use({ id }: Coupon, db: Tx): Promise<void> {
    const used = await execute(
      db,
      Prisma.sql`UPDATE coupons SET used = used + 1 WHERE id = ${id}::uuid AND active AND (usage_limit IS NULL OR used < usage_limit)`,
    );
    if (used === 0)
      throw couponUsedUp('The coupon is used up.', {
        fields: [{ pointer: '/couponCode', code: 'used-up', detail: 'cannot be used for this order' }],
      });
  }

  private async lock(actor: Actor, id: string, expected: ExpectedVersions, db: Tx): Promise<Coupon> {
    await db.$queryRaw`SELECT id FROM coupons WHERE id = ${id}::uuid FOR UPDATE`;
    const coupon = await this.get(actor, id, db);
    expectVersion(coupon.version, expected);
    return coupon;
  }
}

/** What a coupon has that says nothing of it. */
const FRESH: Omit<Terms, 'kind'> = {
  ppm: null,
  amounts: {},
  minimums: {},
  usageLimit: null,
  perCustomerLimit: null,
  used: 0,
  startsAt: null,
  endsAt: null,
  active: true,
};

/** The columns that these members are kept in. */
function columnsOf({ percentage, amounts, minimumSubtotals, startsAt, endsAt, ...same }: UpdateCouponDto) {
  const time = (at: string | null | undefined) => (at === undefined || at === null ? at : new Date(at));
  const byCurrency = (moneys: Money[] | undefined) =>
    moneys && Object.fromEntries(moneys.map(({ amount, currency }) => [currency, amount]));
  return defined({
    ...same,
    ppm: percentage === undefined ? undefined : ppmOf(percentage),
    amounts: byCurrency(amounts),
    minimums: byCurrency(minimumSubtotals),
    startsAt: time(startsAt),
    endsAt: time(endsAt),
  });
}

function refuseContradictions(terms: Terms): void {
  const fields = contradictionsOf(terms);
  if (fields.length > 0) throw couponTermsInvalid('The terms do not fit together; see errors.', { fields });
}

function factsOf(actor: Actor, { id, code }: Coupon) {
  return [
    { couponId: id, code },
    { actor, resource: { type: 'coupon', id } },
  ] as const;
}
