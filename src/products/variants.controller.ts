import { Body, Controller, Delete, Get, HttpCode, Param, Patch, Post, Query } from '@nestjs/common';
import { Creates, type ExpectedVersions, Idempotent, IdPipe, IfMatch, type Once, Problems, PubliclyCached } from '#http';
import { Actor, Caller, Public, Requires } from '#security';
import {
  availabilityUnclear,
  compareAtInvalid,
  optionsMisfit,
  optionValuesTaken,
  productExternalIdTaken,
  skuTaken,
  stockOwed,
  stockTooHigh,
  stockTooLow,
  unknownLocation,
  variantNotFound,
} from './products.errors.js';
import {
  AdjustStockDto,
  ListMovementsQuery,
  StockMovementList,
  StockMovementResponse,
  StockResponse,
  StockTransferResponse,
  TransferStockDto,
} from './stock.dto.js';
import { StockService } from './stock.service.js';
import { CurrencyQuery, UpdateVariantDto, VariantResponse } from './variants.dto.js';
import { VariantsService } from './variants.service.js';

@Controller('variants')
export class VariantsController {
  constructor(
    private readonly variants: VariantsService,
    private readonly stock: StockService,
  ) {}

  /** Read a variant */
  @Get(':id')
  @Public()
  @PubliclyCached(0, ({ id, productId }: VariantResponse) => [`variant:${id}`, `product:${productId}`, 'price-lists'])
  @Problems(variantNotFound)
  async get(@Caller() actor: Actor | null, @Param('id', IdPipe) id: string, @Query() query: CurrencyQuery): Promise<VariantResponse> {
    return VariantResponse.from(await this.variants.read(actor, id, query));
  }

  /** Change a variant; orders keep the price they were placed at */
  @Patch(':id')
  @Requires('products:manage')
  @Problems(
    variantNotFound,
    skuTaken,
    productExternalIdTaken,
    optionsMisfit,
    optionValuesTaken,
    compareAtInvalid,
    availabilityUnclear,
    stockOwed,
  )
  async update(
    @Caller() actor: Actor,
    @Param('id', IdPipe) id: string,
    @Body() changes: UpdateVariantDto,
    @IfMatch() expected: ExpectedVersions,
  ): Promise<VariantResponse> {
    return VariantResponse.from(await this.variants.update(actor, id, changes, expected));
  }

  /** Withdraw a variant */
  @Delete(':id')
  @Requires('products:manage')
  @HttpCode(204)
  @Problems(variantNotFound)
  withdraw(@Caller() actor: Actor, @Param('id', IdPipe) id: string, @IfMatch() expected: ExpectedVersions): Promise<void> {
    return this.variants.withdraw(actor, id, expected);
  }

  /** Adjust the stock: what came in, or went missing */
  @Post(':id/stock-adjustments')
  @Requires('products:manage')
  @Creates('/variants/:variantId/stock-adjustments')
  @Problems(variantNotFound, unknownLocation, stockTooLow, stockTooHigh)
  adjust(
    @Caller() actor: Actor,
    @Param('id', IdPipe) id: string,
    @Body() adjustment: AdjustStockDto,
    @Idempotent() once: Once,
  ): Promise<StockMovementResponse> {
    return once.do(async (db) => StockMovementResponse.from(await this.stock.adjust(actor, id, adjustment, db)));
  }

  /** The ledger of a variant's stock, newest first */
  @Get(':id/stock-adjustments')
  @Requires('products:read')
  @Problems(variantNotFound)
  async movements(@Caller() actor: Actor, @Param('id', IdPipe) id: string, @Query() query: ListMovementsQuery): Promise<StockMovementList> {
    const page = await this.stock.movements(actor, id, query);
    return { ...page, items: page.items.map(StockMovementResponse.from) };
  }

  /** Bring goods from one location to another */
  @Post(':id/stock-transfers')
  @Requires('products:manage')
  @Creates('/variants/:variantId/stock-adjustments')
  @Problems(variantNotFound, unknownLocation, stockTooLow)
  transfer(
    @Caller() actor: Actor,
    @Param('id', IdPipe) id: string,
    @Body() transfer: TransferStockDto,
    @Idempotent() once: Once,
  ): Promise<StockTransferResponse> {
    return once.do(async (db) => StockTransferResponse.from(await this.stock.transfer(actor, id, transfer, db)));
  }

  /** How many of a variant there are, and where */
  @Get(':id/stock')
  @Requires('products:read')
  @Problems(variantNotFound)
  async levels(@Caller() actor: Actor, @Param('id', IdPipe) id: string): Promise<StockResponse> {
    return StockResponse.from(await this.stock.levels(actor, id));
  }
}
