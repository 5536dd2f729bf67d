import { hash, randomBytes, randomUUIDv7 } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { type Db, defined, execute, Prisma, PrismaService, rows, transaction, type Tx } from '#database';
import { AppError, type FieldProblem } from '#errors';
import { expectVersion, type ExpectedVersions } from '#http';
import { Actor, Guest } from '#security';
import { variantNotFound } from '../products/products.errors.js';
import { type ForSale, StockService } from '../products/stock.service.js';
import { CouponsService } from '../shop/coupons.service.js';
import type { UpdateCartDto } from './carts.dto.js';
import { cartEmpty, cartFull, cartNotFound } from './carts.errors.js';
import { type CartTerms, MOST_LINES, MOST_OF_ONE, shortcomingsOf, withoutCause } from './carts.rules.js';
import { customerOf, PricingService, type Quote } from './pricing.service.js';
import type { AddressDto } from './terms.dto.js';

const withLines = { include: { lines: { orderBy: [{ createdAt: 'asc' }, { variantId: 'asc' }] } } } satisfies Prisma.CartDefaultArgs;
export type Cart = Prisma.CartGetPayload<typeof withLines>;

/** A cart as it stands now: `variants` are those of its lines that are on sale. */
export interface PricedCart {
  cart: Cart;
  variants: ReadonlyMap<string, ForSale>;
  problems: FieldProblem[];
  quote: Quote | null;
}

/**
 * What somebody is about to order. A cart holds neither prices nor stock: it is priced anew at each look, by what prices orders. It is a
 * user's, who has one, or opens by a token; whoever writes it has its row locked, and an order takes it away.
 */
@Injectable()
export class CartsService {
  constructor(
    private readonly prisma: PrismaService,
    private readonly stock: StockService,
    private readonly pricing: PricingService,
    private readonly coupons: CouponsService,
  ) {}

  /** A new cart; of a user the one they have, if they have one. The token of a stranger's is told here only. */
  async begin(actor: Actor | null): Promise<{ cart: PricedCart; token: string | null }> {
    const id = randomUUIDv7();
    if (actor === null) {
      const token = randomBytes(32).toString('base64url');
      const cart = await this.prisma.cart.create({ data: { id, tokenHash: hashOf(token) }, ...withLines });
      return { cart: await this.look(new Guest(token), cart), token };
    }
    const [own] = await rows<{ id: string }>(
      this.prisma,
      Prisma.sql`INSERT INTO carts (id, user_id) VALUES (${id}::uuid, ${actor.id}::uuid)
        ON CONFLICT (user_id) DO UPDATE SET updated_at = now() RETURNING id`,
    );
    return { cart: await this.get(actor, own!.id), token: null };
  }

  async get(caller: Actor | Guest, id: string): Promise<PricedCart> {
    return this.look(caller, await this.find(caller, id, this.prisma));
  }

  /** Has so many of a variant in the cart; none at all, if that is 0. @throws products/variant-not-found, carts/full */
  async set(
    caller: Actor | Guest,
    id: string,
    item: { variantId: string; quantity: number },
    expected: ExpectedVersions,
  ): Promise<PricedCart> {
    const { variantId, quantity } = item;
    return this.change(caller, id, expected, async (cart, db) => {
      const key = { cartId: cart.id, variantId };
      if (quantity === 0) {
        await db.cartLine.deleteMany({ where: key });
        return {};
      }
      if (!(await this.stock.onSale([variantId], null, db)).has(variantId))
        throw variantNotFound('No variant that is on sale has this id.');
      await db.cartLine.upsert({ where: { cartId_variantId: key }, create: { ...key, quantity }, update: { quantity } });
      await refuseFull(cart.id, db);
      return {};
    });
  }

  /** Absent keeps, null clears. @throws coupons/not-found */
  async update(caller: Actor | Guest, id: string, changes: UpdateCartDto, expected: ExpectedVersions): Promise<PricedCart> {
    const { currency, couponCode, shippingMethod, shippingAddress } = changes;
    return this.change(caller, id, expected, async (_cart, db) => {
      const code = couponCode && (await this.coupons.named(couponCode, db)).code;
      return defined({ currency, couponCode: code, shippingMethod, shippingAddress: asJson(shippingAddress) });
    });
  }

  async remove(caller: Actor | Guest, id: string, expected: ExpectedVersions): Promise<void> {
    await transaction(this.prisma, async (db) => {
      const cart = await this.lock(caller, id, db);
      expectVersion(cart.version, expected);
      await db.cart.delete({ where: { id: cart.id } });
    });
  }

  /**
   * Puts what is in the cart of this token into the user's, and takes that cart away. One that is gone adds nothing, so that it may be said
   * again. @throws carts/full, and then nothing is merged
   */
  async merge(actor: Actor, id: string, token: string, db: Db): Promise<PricedCart> {
    const merged = await transaction(db, async (tx) => {
      const tokenHash = hashOf(token);
      const named = await tx.cart.findUnique({ where: { tokenHash }, select: { id: true } });
      // In the order of their ids, as everybody who locks two.
      await tx.$queryRaw`SELECT id FROM carts WHERE id = ANY (${[id, ...(named ? [named.id] : [])]}::uuid[]) ORDER BY id FOR UPDATE`;
      const own = await this.find(actor, id, tx);
      const other = await tx.cart.findUnique({ where: { tokenHash } });
      if (other === null) return own;
      await execute(
        tx,
        Prisma.sql`INSERT INTO cart_lines AS l (cart_id, variant_id, quantity, created_at)
          SELECT ${own.id}::uuid, variant_id, quantity, created_at FROM cart_lines WHERE cart_id = ${other.id}::uuid
          ON CONFLICT (cart_id, variant_id) DO UPDATE SET quantity = least(l.quantity + excluded.quantity, ${MOST_OF_ONE})`,
      );
      await refuseFull(own.id, tx);
      await tx.cart.delete({ where: { id: other.id } });
      return tx.cart.update({
        where: { id: own.id },
        data: {
          currency: own.currency ?? other.currency,
          couponCode: own.couponCode ?? other.couponCode,
          shippingMethod: own.shippingMethod ?? other.shippingMethod,
          shippingAddress: asJson((own.shippingAddress ?? other.shippingAddress) as AddressDto | null),
          version: { increment: 1 },
        },
        ...withLines,
      });
    });
    return this.look(actor, merged, db);
  }

  /** Takes a cart away for an order that is placed in this transaction: of many who try, one gets it. @throws carts/not-found, carts/empty */
  async take(caller: Actor | Guest, id: string, db: Tx): Promise<Cart> {
    const cart = await this.lock(caller, id, db);
    if (cart.lines.length === 0) throw cartEmpty('There is nothing in the cart; put something in first.');
    await db.cart.delete({ where: { id: cart.id } });
    return cart;
  }

  private async change(
    caller: Actor | Guest,
    id: string,
    expected: ExpectedVersions,
    work: (cart: Cart, db: Tx) => Promise<Prisma.CartUncheckedUpdateInput>,
  ): Promise<PricedCart> {
    const changed = await transaction(this.prisma, async (db) => {
      const cart = await this.lock(caller, id, db);
      expectVersion(cart.version, expected);
      const data = await work(cart, db);
      return db.cart.update({ where: { id: cart.id }, data: { ...data, version: { increment: 1 } }, ...withLines });
    });
    return this.look(caller, changed);
  }

  private async lock(caller: Actor | Guest, id: string, db: Tx): Promise<Cart> {
    await db.$queryRaw`SELECT id FROM carts WHERE id = ${id}::uuid FOR UPDATE`;
    return this.find(caller, id, db);
  }

  /** What is not theirs, or opens by another token, does not exist. */
  private async find(caller: Actor | Guest, id: string, db: Db): Promise<Cart> {
    const theirs = caller instanceof Guest ? { tokenHash: hashOf(caller.token) } : { userId: caller.id };
    const cart = await db.cart.findFirst({ where: { id, ...theirs }, ...withLines });
    if (cart === null) throw cartNotFound('You have no cart with this id (any more).');
    return cart;
  }

  private async look(caller: Actor | Guest, cart: Cart, db: Db = this.prisma): Promise<PricedCart> {
    const variants = await this.stock.onSale(
      cart.lines.map(({ variantId }) => variantId),
      cart.currency,
      db,
    );
    const problems = shortcomingsOf(cart, variants);
    const items = cart.lines.filter(({ variantId }) => variants.has(variantId));
    let terms: CartTerms | null = items.length === 0 ? null : cart;
    while (terms !== null) {
      const order = { ...termsOf(cart), couponCode: terms.couponCode, shippingMethod: terms.shippingMethod, items };
      try {
        const quote = await this.pricing.price(customerOf(caller), order, variants, db);
        return { cart, variants, problems, quote };
      } catch (error) {
        const cause = error instanceof AppError ? withoutCause(error, terms) : undefined;
        if (cause === undefined) throw error;
        problems.push({ pointer: cause.pointer, code: (error as AppError).code, detail: (error as AppError).message });
        terms = cause.rest;
      }
    }
    return { cart, variants, problems, quote: null };
  }
}

/** What an order from a cart takes over of it, where it says nothing else. */
export function termsOf(cart: Cart): Pick<Cart, 'currency' | 'couponCode' | 'shippingMethod'> & { shippingAddress: AddressDto | null } {
  return {
    currency: cart.currency,
    couponCode: cart.couponCode,
    shippingMethod: cart.shippingMethod,
    shippingAddress: cart.shippingAddress as unknown as AddressDto | null,
  };
}

async function refuseFull(cartId: string, db: Tx): Promise<void> {
  if ((await db.cartLine.count({ where: { cartId } })) > MOST_LINES)
    throw cartFull(`A cart holds ${MOST_LINES} different variants; take something out first.`);
}

function hashOf(token: string): Buffer<ArrayBuffer> {
  return Buffer.from(hash('sha256', token, 'buffer'));
}

function asJson(value: AddressDto | null | undefined) {
  return value === undefined ? undefined : value === null ? Prisma.DbNull : ({ ...value } as Prisma.InputJsonObject);
}
