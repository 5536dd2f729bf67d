import { Body, Controller, Delete, Get, HttpCode, Param, Patch, Post, Query } from '@nestjs/common';
import { Creates, type ExpectedVersions, Idempotent, IdPipe, IfMatch, type Once, Problems } from '#http';
import { Actor, Caller, Requires } from '#security';
import { CouponList, CouponResponse, CreateCouponDto, ListCouponsQuery, UpdateCouponDto } from './coupons.dto.js';
import { couponCodeTaken, couponNotFound, couponTermsInvalid } from './coupons.errors.js';
import { CouponsService } from './coupons.service.js';

@Controller('coupons')
@Requires('shop:manage')
export class CouponsController {
  constructor(private readonly coupons: CouponsService) {}

  /** List coupons */
  @Get()
  async list(@Caller() actor: Actor, @Query() query: ListCouponsQuery): Promise<CouponList> {
    const page = await this.coupons.list(actor, query);
    return { ...page, items: page.items.map(CouponResponse.from) };
  }

  /** Make a coupon */
  @Post()
  @Creates('/coupons/:id')
  @Problems(couponCodeTaken, couponTermsInvalid)
  create(@Caller() actor: Actor, @Body() coupon: CreateCouponDto, @Idempotent() once: Once): Promise<CouponResponse> {
    return once.do(async (db) => CouponResponse.from(await this.coupons.create(actor, coupon, db)));
  }

  /** Read a coupon, and how often it is used */
  @Get(':id')
  @Problems(couponNotFound)
  async get(@Caller() actor: Actor, @Param('id', IdPipe) id: string): Promise<CouponResponse> {
    return CouponResponse.from(await this.coupons.get(actor, id));
  }

  /** Change the terms of a coupon; orders keep what it took off */
  @Patch(':id')
  @Problems(couponNotFound, couponTermsInvalid)
  async update(
    @Caller() actor: Actor,
    @Param('id', IdPipe) id: string,
    @Body() changes: UpdateCouponDto,
    @IfMatch() expected: ExpectedVersions,
  ): Promise<CouponResponse> {
    return CouponResponse.from(await this.coupons.update(actor, id, changes, expected));
  }

  /** Delete a coupon; its code is free again */
  @Delete(':id')
  @HttpCode(204)
  @Problems(couponNotFound)
  delete(@Caller() actor: Actor, @Param('id', IdPipe) id: string, @IfMatch() expected: ExpectedVersions): Promise<void> {
    return this.coupons.delete(actor, id, expected);
  }
}
