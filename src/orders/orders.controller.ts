import { Body, Controller, Get, HttpCode, Param, Post, Query } from '@nestjs/common';
import { Creates, Idempotent, IdPipe, type Once, Problems } from '#http';
import { Actor, Caller, forbidden, type Guest, LimitedPerAddress, Requires, SignedIn, tooManyAttempts } from '#security';
import type { FastifyRequest } from 'fastify';
import { PayDto, PaymentList, PaymentResponse } from '../payments/payments.dto.js';
import { paymentDisputed, paymentInProgress, providerUnreachable, unknownMethod } from '../payments/payments.errors.js';
import { outOfStock, variantNotFound } from '../products/products.errors.js';
import {
  couponExpired,
  couponMinimumNotReached,
  couponNotActive,
  couponNotFound,
  couponNotYetValid,
  couponOfAnotherCurrency,
  couponUsedByYou,
  couponUsedUp,
} from '../shop/coupons.errors.js';
import { cartEmpty, cartNotFound } from './carts.errors.js';
import { CancellationsService } from './cancellations.service.js';
import { ChargesService } from './charges.service.js';
import { LimitsGuesses } from './guesses.interceptor.js';
import { ListOrdersQuery, OrderList, OrderResponse, PlacedOrderResponse, QuoteResponse } from './orders.dto.js';
import {
  currencyNotSold,
  customerUnclear,
  goodsUnclear,
  mixedCurrencies,
  orderExpired,
  orderExternalIdTaken,
  orderNotCancellable,
  orderNotFound,
  orderNotPayable,
  orderTooLarge,
  shippingUnavailable,
} from './orders.errors.js';
import { OrdersService } from './orders.service.js';
import { PlacementsService } from './placements.service.js';
import { PricingService } from './pricing.service.js';
import { PlaceOrderDto, QuoteOrderDto } from './terms.dto.js';

/** Why an order is not priced. */
const NOT_PRICED = [
  variantNotFound,
  mixedCurrencies,
  currencyNotSold,
  shippingUnavailable,
  orderTooLarge,
  couponNotFound,
  couponNotActive,
  couponNotYetValid,
  couponExpired,
  couponOfAnotherCurrency,
  couponMinimumNotReached,
  couponUsedUp,
  couponUsedByYou,
  tooManyAttempts,
];

const WITH_TOKEN = { guests: { header: 'X-Order-Token' } } as const;
/** Whoever shows the token of an order is the same caller as whoever else does. */
const BY_TOKEN = { strangers: ({ guest }: FastifyRequest) => guest!.token };
/** Guests are told apart by their addresses, as they are normalised; the key itself keeps others out. */
const BY_ADDRESS = {
  required: true,
  strangers: ({ body }: FastifyRequest) =>
    String((body as { email?: unknown }).email)
      .trim()
      .normalize('NFC')
      .toLowerCase(),
};

@Controller('orders')
export class OrdersController {
  constructor(
    private readonly orders: OrdersService,
    private readonly placements: PlacementsService,
    private readonly pricing: PricingService,
    private readonly charges: ChargesService,
    private readonly cancellations: CancellationsService,
  ) {}

  /**
   * Place an order, of items or of a cart; its stock is held for you until `expiresAt`
   *
   * Guests give an `email`, and get a `token` that opens the order. Their `Idempotency-Key` has 16 characters or more, and is one that nobody
   * guesses. The cart of a guest opens by `X-Cart-Token`.
   */
  @Post()
  @Requires('orders:place', { guests: { header: 'X-Cart-Token', optional: true } })
  @Creates('/orders/:id')
  @LimitedPerAddress({ name: 'guest-orders', limit: 'GUEST_ORDERS_PER_HOUR', windowSeconds: 3_600, strangers: true })
  @LimitsGuesses()
  @Problems(outOfStock, orderExternalIdTaken, goodsUnclear, customerUnclear, cartNotFound, cartEmpty, ...NOT_PRICED)
  place(
    @Caller() caller: Actor | Guest | null,
    @Body() wanted: PlaceOrderDto,
    @Idempotent(BY_ADDRESS) once: Once,
  ): Promise<PlacedOrderResponse> {
    return once.do(async (db) => {
      const order = await this.placements.place(caller, wanted, db);
      return PlacedOrderResponse.placed(order, this.orders.tokenFor(order));
    });
  }

  /** What an order would come to; nothing is kept or held */
  @Post('quote')
  @Requires('orders:place')
  @HttpCode(200)
  @LimitsGuesses()
  @Problems(...NOT_PRICED)
  async quote(@Caller() actor: Actor, @Body() order: QuoteOrderDto): Promise<QuoteResponse> {
    return QuoteResponse.from(await this.pricing.quote(actor, order));
  }

  /** List orders: your own, or everybody's for staff */
  @Get()
  @SignedIn()
  @Problems(forbidden)
  async list(@Caller() actor: Actor, @Query() query: ListOrdersQuery): Promise<OrderList> {
    const page = await this.orders.list(actor, query);
    return { ...page, items: page.items.map(OrderResponse.from) };
  }

  /** Read an order */
  @Get(':id')
  @SignedIn(WITH_TOKEN)
  @Problems(orderNotFound)
  async get(@Caller() caller: Actor | Guest, @Param('id', IdPipe) id: string): Promise<OrderResponse> {
    return OrderResponse.from(await this.orders.get(caller, id));
  }

  /**
   * Pay an order
   *
   * A declined payment is answered 201 with the status `failed`; the order stays pending and may be paid in another way. One that is `processing`
   * holds the stock until the provider has said what becomes of it; one that `requires_action` waits for the customer, with `clientSecret`, for the
   * time the order has.
   */
  @Post(':id/payments')
  @Requires('orders:place', WITH_TOKEN)
  @Creates('/orders/:orderId')
  @Problems(orderNotFound, orderExpired, orderNotPayable, paymentInProgress, unknownMethod, providerUnreachable)
  pay(
    @Caller() caller: Actor | Guest,
    @Param('id', IdPipe) id: string,
    @Body() { method }: PayDto,
    @Idempotent({ required: true, ...BY_TOKEN }) once: Once,
  ): Promise<PaymentResponse> {
    return once.across(this.charges.payment(caller, id, method, PaymentResponse.from));
  }

  /** List the payments of an order, those that failed too */
  @Get(':id/payments')
  @SignedIn(WITH_TOKEN)
  @Problems(orderNotFound)
  async payments(@Caller() caller: Actor | Guest, @Param('id', IdPipe) id: string): Promise<PaymentList> {
    return { items: (await this.charges.list(caller, id)).map((payment) => PaymentResponse.from(payment)) };
  }

  /**
   * Cancel an order; a paid one is refunded
   *
   * So is money that a provider was still at: it goes back when it comes.
   */
  @Post(':id/cancellation')
  @SignedIn(WITH_TOKEN)
  @HttpCode(200)
  @Problems(orderNotFound, orderNotCancellable, paymentDisputed, forbidden)
  cancel(@Caller() caller: Actor | Guest, @Param('id', IdPipe) id: string, @Idempotent(BY_TOKEN) once: Once): Promise<OrderResponse> {
    return once.do(async (db) => OrderResponse.from(await this.cancellations.cancel(caller, id, db)));
  }
}
