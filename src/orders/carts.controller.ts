import { Body, Controller, Delete, Get, HttpCode, Param, Patch, Post, Put } from '@nestjs/common';
import { Creates, type ExpectedVersions, Idempotent, IdPipe, IfMatch, type Once, Problems } from '#http';
import { Actor, Caller, type Guest, LimitedPerAddress, Public, SignedIn, tooManyAttempts } from '#security';
import { variantNotFound } from '../products/products.errors.js';
import { couponNotFound } from '../shop/coupons.errors.js';
import { CartResponse, MergeCartDto, NewCartResponse, SetCartItemDto, UpdateCartDto } from './carts.dto.js';
import { cartFull, cartNotFound } from './carts.errors.js';
import { CartsService } from './carts.service.js';
import { LimitsGuesses } from './guesses.interceptor.js';

const WITH_TOKEN = { guests: { header: 'X-Cart-Token' } } as const;

@Controller('carts')
export class CartsController {
  constructor(private readonly carts: CartsService) {}

  /**
   * Begin a cart; with a login: the one you have, if you have one
   *
   * A cart holds neither prices nor stock: each look prices it anew, and says in `problems` what could not be ordered. `POST /orders` takes its id.
   */
  @Post()
  @Public()
  @Creates('/carts/:id')
  @LimitedPerAddress({ name: 'carts', limit: 'CARTS_PER_HOUR', windowSeconds: 3_600, strangers: true })
  @Problems(tooManyAttempts)
  async begin(@Caller() actor: Actor | null): Promise<NewCartResponse> {
    const { cart, token } = await this.carts.begin(actor);
    return NewCartResponse.from(cart, token);
  }

  /** Read a cart, priced as of now */
  @Get(':id')
  @SignedIn(WITH_TOKEN)
  @Problems(cartNotFound)
  async get(@Caller() caller: Actor | Guest, @Param('id', IdPipe) id: string): Promise<CartResponse> {
    return CartResponse.from(await this.carts.get(caller, id));
  }

  /** Say what the order is to be with: a coupon, how it is sent, and where to */
  @Patch(':id')
  @SignedIn(WITH_TOKEN)
  @LimitsGuesses()
  @Problems(cartNotFound, couponNotFound, tooManyAttempts)
  async update(
    @Caller() caller: Actor | Guest,
    @Param('id', IdPipe) id: string,
    @Body() changes: UpdateCartDto,
    @IfMatch() expected: ExpectedVersions,
  ): Promise<CartResponse> {
    return CartResponse.from(await this.carts.update(caller, id, changes, expected));
  }

  /** Throw a cart away */
  @Delete(':id')
  @SignedIn(WITH_TOKEN)
  @HttpCode(204)
  @Problems(cartNotFound)
  remove(@Caller() caller: Actor | Guest, @Param('id', IdPipe) id: string, @IfMatch() expected: ExpectedVersions): Promise<void> {
    return this.carts.remove(caller, id, expected);
  }

  /** Say how many of a variant there are to be in a cart; 0 takes it out */
  @Put(':id/items/:variantId')
  @SignedIn(WITH_TOKEN)
  @Problems(cartNotFound, variantNotFound, cartFull)
  async set(
    @Caller() caller: Actor | Guest,
    @Param('id', IdPipe) id: string,
    @Param('variantId', IdPipe) variantId: string,
    @Body() { quantity }: SetCartItemDto,
    @IfMatch() expected: ExpectedVersions,
  ): Promise<CartResponse> {
    return CartResponse.from(await this.carts.set(caller, id, { variantId, quantity }, expected));
  }

  /** Take a variant out of a cart; one that is not in it is out of it already */
  @Delete(':id/items/:variantId')
  @SignedIn(WITH_TOKEN)
  @Problems(cartNotFound)
  async unset(
    @Caller() caller: Actor | Guest,
    @Param('id', IdPipe) id: string,
    @Param('variantId', IdPipe) variantId: string,
    @IfMatch() expected: ExpectedVersions,
  ): Promise<CartResponse> {
    return CartResponse.from(await this.carts.set(caller, id, { variantId, quantity: 0 }, expected));
  }

  /**
   * Put into your cart what is in the one you had before you logged in
   *
   * Quantities are added up. The other cart is gone then; the token of one that is gone adds nothing, so this may be said again.
   */
  @Post(':id/merge')
  @SignedIn()
  @HttpCode(200)
  @Problems(cartNotFound, cartFull)
  merge(
    @Caller() actor: Actor,
    @Param('id', IdPipe) id: string,
    @Body() { token }: MergeCartDto,
    @Idempotent() once: Once,
  ): Promise<CartResponse> {
    return once.do(async (db) => CartResponse.from(await this.carts.merge(actor, id, token, db)));
  }
}
