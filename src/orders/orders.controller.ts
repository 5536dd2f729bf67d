import { Body, Controller, Get, HttpCode, Param, Post, Query } from '@nestjs/common';
import { Creates, Idempotent, IdPipe, type Once, Problems } from '#http';
import { Actor, Caller, forbidden, Requires, SignedIn, tooManyAttempts } from '#security';
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
import { CancellationsService } from './cancellations.service.js';
import { ChargesService } from './charges.service.js';
import { LimitsGuesses } from './guesses.interceptor.js';
import { ListOrdersQuery, OrderList, OrderResponse, PlaceOrderDto, QuoteResponse } from './orders.dto.js';
import {
  currencyNotSold,
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

@Controller('orders')
export class OrdersController {
  constructor(
    private readonly orders: OrdersService,
    private readonly charges: ChargesService,
    private readonly cancellations: CancellationsService,
  ) {}

  /** Place an order; its stock is held for you until `expiresAt` */
  @Post()
  @Requires('orders:place')
  @Creates('/orders/:id')
  @LimitsGuesses()
  @Problems(outOfStock, orderExternalIdTaken, ...NOT_PRICED)
  place(@Caller() actor: Actor, @Body() order: PlaceOrderDto, @Idempotent({ required: true }) once: Once): Promise<OrderResponse> {
    return once.do(async (db) => OrderResponse.from(await this.orders.place(actor, order, db)));
  }

  /** What an order would come to; nothing is kept or held */
  @Post('quote')
  @Requires('orders:place')
  @HttpCode(200)
  @LimitsGuesses()
  @Problems(...NOT_PRICED)
  async quote(@Caller() actor: Actor, @Body() order: PlaceOrderDto): Promise<QuoteResponse> {
    return QuoteResponse.from(await this.orders.quote(actor, order));
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
  @SignedIn()
  @Problems(orderNotFound)
  async get(@Caller() actor: Actor, @Param('id', IdPipe) id: string): Promise<OrderResponse> {
    return OrderResponse.from(await this.orders.get(actor, id));
  }

  /**
   * Pay an order
   *
   * A declined payment is answered 201 with the status `failed`; the order stays pending and may be paid in another way. One that is `processing`
   * holds the stock until the provider has said what becomes of it; one that `requires_action` waits for the customer, with `clientSecret`, for the
   * time the order has.
   */
  @Post(':id/payments')
  @Requires('orders:place')
  @Creates('/orders/:orderId')
  @Problems(orderNotFound, orderExpired, orderNotPayable, paymentInProgress, unknownMethod, providerUnreachable)
  pay(
    @Caller() actor: Actor,
    @Param('id', IdPipe) id: string,
    @Body() { method }: PayDto,
    @Idempotent({ required: true }) once: Once,
  ): Promise<PaymentResponse> {
    return once.across(this.charges.payment(actor, id, method, PaymentResponse.from));
  }

  /** List the payments of an order, those that failed too */
  @Get(':id/payments')
  @SignedIn()
  @Problems(orderNotFound)
  async payments(@Caller() actor: Actor, @Param('id', IdPipe) id: string): Promise<PaymentList> {
    return { items: (await this.charges.list(actor, id)).map((payment) => PaymentResponse.from(payment)) };
  }

  /**
   * Cancel an order; a paid one is refunded
   *
   * So is money that a provider was still at: it goes back when it comes.
   */
  @Post(':id/cancellation')
  @SignedIn()
  @HttpCode(200)
  @Problems(orderNotFound, orderNotCancellable, paymentDisputed, forbidden)
  cancel(@Caller() actor: Actor, @Param('id', IdPipe) id: string, @Idempotent() once: Once): Promise<OrderResponse> {
    return once.do(async (db) => OrderResponse.from(await this.cancellations.cancel(actor, id, db)));
  }
}
