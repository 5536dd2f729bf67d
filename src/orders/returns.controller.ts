import { Body, Controller, Get, Param, Post } from '@nestjs/common';
import { Creates, Idempotent, IdPipe, type Once, Problems } from '#http';
import { Actor, Caller, Requires, SignedIn } from '#security';
import { RefundList, RefundResponse } from '../payments/payments.dto.js';
import { paymentDisputed, providerUnreachable, refundTooLarge } from '../payments/payments.errors.js';
import { orderNotFound, orderNotRefundable, orderNotReturnable, refundMismatch } from './orders.errors.js';
import { RefundDto } from './returns.dto.js';
import { ReturnsService } from './returns.service.js';

@Controller('orders')
export class ReturnsController {
  constructor(private readonly returns: ReturnsService) {}

  /**
   * Refund an order, wholly or in part
   *
   * Of its `items`, of an `amount`, or of all that is left; refunds never come to more than what was paid. An order whose money is all back is
   * `refunded`.
   */
  @Post(':id/refunds')
  @Requires('orders:manage')
  @Creates('/orders/:orderId/refunds')
  @Problems(orderNotFound, orderNotRefundable, orderNotReturnable, refundMismatch, refundTooLarge, paymentDisputed, providerUnreachable)
  refund(
    @Caller() actor: Actor,
    @Param('id', IdPipe) id: string,
    @Body() refund: RefundDto,
    @Idempotent({ required: true }) once: Once,
  ): Promise<RefundResponse> {
    return once.across(this.returns.refund(actor, id, refund, RefundResponse.from));
  }

  /** List the refunds of an order */
  @Get(':id/refunds')
  @SignedIn()
  @Problems(orderNotFound)
  async list(@Caller() actor: Actor, @Param('id', IdPipe) id: string): Promise<RefundList> {
    const { refunds, variants } = await this.returns.list(actor, id);
    return { items: refunds.map((refund) => RefundResponse.from(refund, variants)) };
  }
}
