import { Body, Controller, Delete, Get, HttpCode, Param, Patch, Post, Query } from '@nestjs/common';
import { Creates, type ExpectedVersions, Idempotent, IdPipe, IfMatch, type Once, Problems } from '#http';
import { Actor, Caller, Requires } from '#security';
import {
  CreatePriceListDto,
  ListListPricesQuery,
  ListPriceList,
  ListPriceListsQuery,
  ListPriceResponse,
  PriceListList,
  PriceListResponse,
  SetListPricesDto,
  UpdatePriceListDto,
} from './price-lists.dto.js';
import { listPriceImpossible, priceListNotFound, priceListWindow } from './price-lists.errors.js';
import { PriceListsService } from './price-lists.service.js';

@Controller('shop/price-lists')
@Requires('shop:manage')
export class PriceListsController {
  constructor(private readonly lists: PriceListsService) {}

  /** List price lists */
  @Get()
  async list(@Caller() actor: Actor, @Query() query: ListPriceListsQuery): Promise<PriceListList> {
    const page = await this.lists.list(actor, query);
    return { ...page, items: page.items.map(PriceListResponse.from) };
  }

  /**
   * Make a price list
   *
   * While it counts, its prices take the place of the variants' own, for all who look, get a quote or order; what was ordered stays as it was.
   */
  @Post()
  @Creates('/shop/price-lists/:id')
  @Problems(priceListWindow)
  create(@Caller() actor: Actor, @Body() list: CreatePriceListDto, @Idempotent() once: Once): Promise<PriceListResponse> {
    return once.do(async (db) => PriceListResponse.from(await this.lists.create(actor, list, db)));
  }

  /** Read a price list */
  @Get(':id')
  @Problems(priceListNotFound)
  async get(@Caller() actor: Actor, @Param('id', IdPipe) id: string): Promise<PriceListResponse> {
    return PriceListResponse.from(await this.lists.get(actor, id));
  }

  /** Change when a price list counts */
  @Patch(':id')
  @Problems(priceListNotFound, priceListWindow)
  async update(
    @Caller() actor: Actor,
    @Param('id', IdPipe) id: string,
    @Body() changes: UpdatePriceListDto,
    @IfMatch() expected: ExpectedVersions,
  ): Promise<PriceListResponse> {
    return PriceListResponse.from(await this.lists.update(actor, id, changes, expected));
  }

  /** Delete a price list with its prices */
  @Delete(':id')
  @HttpCode(204)
  @Problems(priceListNotFound)
  delete(@Caller() actor: Actor, @Param('id', IdPipe) id: string, @IfMatch() expected: ExpectedVersions): Promise<void> {
    return this.lists.delete(actor, id, expected);
  }

  /** The prices of a list */
  @Get(':id/prices')
  @Problems(priceListNotFound)
  async prices(@Caller() actor: Actor, @Param('id', IdPipe) id: string, @Query() query: ListListPricesQuery): Promise<ListPriceList> {
    const page = await this.lists.prices(actor, id, query);
    return { ...page, items: page.items.map(ListPriceResponse.from) };
  }

  /** Set prices of a list, or take variants off it; the others stay */
  @Patch(':id/prices')
  @Problems(priceListNotFound, listPriceImpossible)
  async setPrices(
    @Caller() actor: Actor,
    @Param('id', IdPipe) id: string,
    @Body() prices: SetListPricesDto,
    @IfMatch() expected: ExpectedVersions,
  ): Promise<PriceListResponse> {
    return PriceListResponse.from(await this.lists.setPrices(actor, id, prices, expected));
  }
}
