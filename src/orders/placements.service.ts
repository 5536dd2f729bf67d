import { randomUUIDv7 } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { record } from '#audit';
import { type Db, isUniqueViolation, transaction, type Tx } from '#database';
import { publish } from '#events';
import { money } from '#http';
import { Actor, Guest, unauthenticated } from '#security';
import { StockService } from '../products/stock.service.js';
import { CartsService, termsOf } from './carts.service.js';
import { customerUnclear, goodsUnclear, orderExternalIdTaken } from './orders.errors.js';
import { orderPlaced } from './orders.events.js';
import { auditedOrder, insertOrder, type Order } from './orders.queries.js';
import { aboutOrder, OrdersService } from './orders.service.js';
import { type Customer, PricingService } from './pricing.service.js';
import type { PlaceOrderDto, QuoteOrderDto } from './terms.dto.js';

/** Placing orders, of items or of a cart, for users and for guests: all that an order takes, it takes in one transaction, or nothing. */
@Injectable()
export class PlacementsService {
  constructor(
    private readonly orders: OrdersService,
    private readonly stock: StockService,
    private readonly pricing: PricingService,
    private readonly carts: CartsService,
  ) {}

  /** The cart is locked first, then the variants, then the coupon. @throws orders/goods-unclear, orders/customer-unclear */
  async place(caller: Actor | Guest | null, asked: PlaceOrderDto, db: Db): Promise<Order> {
    const actor = caller instanceof Actor ? caller : null;
    const customer = customerBy(actor, asked.email);
    return transaction(db, async (tx) => {
      const wanted = await this.wanted(caller, asked, tx);
      const { items, shippingAddress, billingAddress, externalId, metadata } = wanted;
      const id = randomUUIDv7();
      const createdAt = new Date();
      const expiresAt = this.orders.expiryOf(createdAt);
      const variants = await this.stock.forSale(items, wanted.currency, tx);
      this.stock.refuseSoldOut(items, variants);
      const { coupon, options: _, ...priced } = await this.pricing.price(customer, wanted, variants, tx);
      const inserting = insertOrder(tx, {
        ...priced,
        ...customer,
        id,
        createdAt,
        expiresAt,
        shippingAddress: shippingAddress ?? null,
        billingAddress: billingAddress ?? null,
        externalId: externalId ?? null,
        metadata: metadata ?? {},
      }).catch((error: unknown) => {
        if (isUniqueViolation(error, 'orders_external_id_key')) throw orderExternalIdTaken('Another order has this externalId.');
        throw error;
      });
      // Sent together: what refuses the order refuses this, too, but does not say why.
      const reserving = this.stock.reserve(id, items, expiresAt, tx);
      reserving.catch(() => undefined);
      const order = await inserting;
      await reserving;
      // After the variants, as where an order ends: whoever waits for a coupon is waited for by nobody who holds it.
      if (coupon !== null) await this.pricing.redeem(customer, coupon, tx);
      await record(tx, { actor, action: 'orders.placed', resource: auditedOrder(order), subject: order.userId, after: order });
      const { number, total, currency } = order;
      const facts = { orderId: id, number, total: money(total, currency), expiresAt: expiresAt.toISOString() };
      await publish(tx, orderPlaced, facts, aboutOrder(actor, order));
      return order;
    });
  }

  /** What is asked for, with what the cart says where the order does not. A cart that is ordered is gone. */
  private async wanted(caller: Actor | Guest | null, { items, cartId, ...asked }: PlaceOrderDto, db: Tx): Promise<QuoteOrderDto> {
    if ((items === undefined) === (cartId === undefined))
      throw goodsUnclear('Send exactly one of: items, cartId.', {
        fields: [{ pointer: '/items', code: goodsUnclear.code, detail: 'must be given, or cartId in its place' }],
      });
    if (cartId === undefined) return { ...asked, items: items! };
    if (caller === null) throw unauthenticated('Show the token of the cart in the header X-Cart-Token, or log in.');
    const cart = await this.carts.take(caller, cartId, db);
    const { currency, couponCode, shippingMethod, shippingAddress } = termsOf(cart);
    return {
      ...asked,
      items: cart.lines.map(({ variantId, quantity }) => ({ variantId, quantity })),
      currency: asked.currency === undefined ? currency : asked.currency,
      couponCode: asked.couponCode === undefined ? couponCode : asked.couponCode,
      shippingMethod: asked.shippingMethod === undefined ? shippingMethod : asked.shippingMethod,
      shippingAddress: asked.shippingAddress === undefined ? shippingAddress : asked.shippingAddress,
    };
  }
}

function customerBy(actor: Actor | null, email: string | undefined): Customer {
  if (actor === null && email === undefined) throw unauthenticated('Log in, or give an email to order as a guest.');
  if (actor !== null && email !== undefined)
    throw customerUnclear('Your order is told to the address of your account; leave email out.', {
      fields: [{ pointer: '/email', code: customerUnclear.code, detail: 'is for guests' }],
    });
  return { userId: actor?.id ?? null, guestEmail: email ?? null };
}
