import { Injectable } from '@nestjs/common';
import { type Db, PrismaService, type Tx } from '#database';
import { Actor, type Guest } from '#security';
import { type ForSale, StockService } from '../products/stock.service.js';
import { refuseTooMany, refuseUnusable } from '../shop/coupons.rules.js';
import { type Coupon, CouponsService } from '../shop/coupons.service.js';
import type { Settings, ShippingMethod } from '../shop/settings.rules.js';
import { SettingsService } from '../shop/settings.service.js';
import { currencyNotSold, mixedCurrencies, orderTooLarge, shippingUnavailable } from './orders.errors.js';
import { countUses, type NewOrder, type Order } from './orders.queries.js';
import { discountOf, MAX_TOTAL, price, shippingOptions } from './pricing.rules.js';
import type { QuoteOrderDto } from './terms.dto.js';

/** What an order would come to; nothing of it is kept. */
export interface Quote extends Pick<NewOrder, 'currency' | 'lines' | 'taxes' | 'shippingMethod' | 'couponCode' | 'couponId'> {
  subtotal: bigint;
  discount: bigint;
  tax: bigint;
  includedTax: bigint;
  shipping: bigint;
  total: bigint;
  /** All methods it could be sent by, and what each would cost. */
  options: { method: ShippingMethod; price: bigint }[];
  coupon: Coupon | null;
}

/** Who orders: a user, or a guest by the address they gave; neither while that is not known. */
export type Customer = Pick<Order, 'userId' | 'guestEmail'>;

/** Gathers what an order is priced by, in the transaction that places it or outside one, and has the rules price it. */
@Injectable()
export class PricingService {
  constructor(
    private readonly prisma: PrismaService,
    private readonly settings: SettingsService,
    private readonly coupons: CouponsService,
    private readonly stock: StockService,
  ) {}

  /** What an order would come to, by the same rules; nothing is kept or held. @throws products/variant-not-found, and what `price` throws */
  async quote(actor: Actor, order: QuoteOrderDto): Promise<Quote> {
    return this.price(customerOf(actor), order, await this.stock.forSale(order.items, order.currency), this.prisma);
  }

  /** @throws orders/mixed-currencies, orders/currency-not-sold, orders/shipping-unavailable, orders/too-large, coupons/… */
  async price(customer: Customer, order: QuoteOrderDto, variants: ReadonlyMap<string, ForSale>, db: Db): Promise<Quote> {
    const items = order.items.map(({ variantId, quantity }) => {
      const { sku, name, priceAmount, taxClass } = variants.get(variantId)!;
      return { variantId, sku, name, quantity, unitPrice: priceAmount, taxClass };
    });
    const currency = onlyCurrency(order.items.map(({ variantId }) => variants.get(variantId)!));
    const settings = await this.settings.current(db);
    refuseUnsold(currency, settings);
    const subtotal = items.reduce((sum, { unitPrice, quantity }) => sum + unitPrice * BigInt(quantity), 0n);
    if (subtotal > MAX_TOTAL) throw orderTooLarge(TOO_LARGE);
    const coupon = await this.usable(customer, order.couponCode, { currency, subtotal }, db);
    const options = optionsOf(order, settings, { currency, goods: subtotal - discountOf(subtotal, { coupon, currency }), coupon });
    const method = chosen(order.shippingMethod, options, settings);
    const address = order.shippingAddress ?? order.billingAddress;
    const place = address ?? (settings.country === null ? null : { country: settings.country });
    const { taxes, lines, ...totals } = price(items, { currency, settings, coupon, method, place });
    if (totals.total > MAX_TOTAL) throw orderTooLarge(TOO_LARGE);
    return {
      ...totals,
      currency,
      lines: lines.map(({ taxClass: _, ...line }) => line),
      taxes: taxes.map(({ base, amount, ...rate }) => ({ ...rate, base: Number(base), amount: Number(amount) })),
      shippingMethod: method && { code: method.code, name: method.name },
      couponCode: coupon?.code ?? null,
      couponId: coupon?.id ?? null,
      options,
      coupon,
    };
  }

  /**
   * Takes a use of the coupon for an order that is written already. Call it last: the coupon's row stays locked until the transaction ends.
   * @throws coupons/used-up, coupons/used-by-you
   */
  async redeem(customer: Customer, coupon: Coupon, db: Tx): Promise<void> {
    await this.coupons.use(coupon, db);
    // With the row locked, whoever else of this customer's uses it is before or after: this order counts itself.
    if (coupon.perCustomerLimit !== null) refuseTooMany(coupon, (await countUses(coupon.id, customer, db)) - 1);
  }

  private async usable(
    customer: Customer,
    code: string | null | undefined,
    of: { currency: string; subtotal: bigint },
    db: Db,
  ): Promise<Coupon | null> {
    if (code === undefined || code === null) return null;
    const coupon = await this.coupons.named(code, db);
    const usedByCustomer = coupon.perCustomerLimit === null ? 0 : await countUses(coupon.id, customer, db);
    refuseUnusable(coupon, { ...of, now: new Date(), usedByCustomer });
    return coupon;
  }
}

/** As far as it is known who they are: guests say it when they order. */
export function customerOf(caller: Actor | Guest): Customer {
  return { userId: caller instanceof Actor ? caller.id : null, guestEmail: null };
}

const TOO_LARGE = 'The total is more than can be charged at once; split the order.';

function onlyCurrency(variants: readonly ForSale[]): string {
  const currencies = new Set(variants.map(({ currency }) => currency));
  if (currencies.size > 1) throw mixedCurrencies('An order has one currency; name it as currency, or order the others separately.');
  return [...currencies][0]!;
}

function refuseUnsold(currency: string, { currencies }: Settings): void {
  if (currencies.length > 0 && !currencies.includes(currency))
    throw currencyNotSold(`Nothing is sold in ${currency}; currencies here: ${currencies.join(', ')}.`);
}

function optionsOf(
  { shippingAddress }: QuoteOrderDto,
  { shippingMethods, country }: Settings,
  { currency, goods, coupon }: { currency: string; goods: bigint; coupon: Coupon | null },
): Quote['options'] {
  const to = shippingAddress?.country ?? country;
  return shippingOptions(shippingMethods, { currency, country: to, goods, free: coupon?.kind === 'free-shipping' });
}

/** The method that was asked for, or the cheapest; none where the shop has none. */
function chosen(code: string | null | undefined, options: Quote['options'], { shippingMethods }: Settings): ShippingMethod | null {
  if ((code === undefined || code === null) && shippingMethods.length === 0) return null;
  const found = code === undefined || code === null ? options[0] : options.find(({ method }) => method.code === code);
  if (found !== undefined) return found.method;
  const codes = options.map(({ method }) => method.code).join(', ');
  throw shippingUnavailable(
    codes === ''
      ? 'Nothing sends an order in this currency there; give a shippingAddress in a country that is sent to.'
      : `The order cannot be sent by this method; choose one of ${codes}.`,
    { fields: [{ pointer: '/shippingMethod', code: 'unavailable', detail: 'cannot send this order' }] },
  );
}
