import { Body, Controller, Delete, Get, HttpCode, Param, Patch, Post, Query } from '@nestjs/common';
import { Creates, type ExpectedVersions, Idempotent, IdPipe, IfMatch, type Once, Problems, PubliclyCached } from '#http';
import { Actor, Caller, Public, Requires } from '#security';
import { LinksService } from '../files/links.service.js';
import { CreateProductDto, ListProductsQuery, ProductFilters, ProductList, ProductResponse, UpdateProductDto } from './products.dto.js';
import { FacetsResponse } from './facets.dto.js';
import {
  availabilityUnclear,
  compareAtInvalid,
  imageUnusable,
  optionsInUse,
  optionsMisfit,
  optionValuesTaken,
  productExternalIdTaken,
  productNotFound,
  productSlugTaken,
  skuTaken,
  unknownTaxClass,
} from './products.errors.js';
import { madeOf } from './products.rules.js';
import { ProductsService } from './products.service.js';
import { CreateVariantDto, CurrencyQuery, VariantResponse } from './variants.dto.js';

@Controller('products')
export class ProductsController {
  constructor(
    private readonly products: ProductsService,
    private readonly links: LinksService,
  ) {}

  /** List what is for sale */
  @Get()
  @Public()
  @PubliclyCached(0, ({ items }: ProductList) => madeOf(items, 'products', 'categories', 'price-lists'))
  async list(@Caller() actor: Actor | null, @Query() query: ListProductsQuery): Promise<ProductList> {
    const page = await this.products.list(actor, query);
    return { ...page, items: page.items.map((product) => ProductResponse.from(product, this.links)) };
  }

  /** Create a product, with its variants if you like */
  @Post()
  @Requires('products:manage')
  @Creates('/products/:id')
  @Problems(
    productSlugTaken,
    skuTaken,
    productExternalIdTaken,
    unknownTaxClass,
    imageUnusable,
    optionsMisfit,
    optionValuesTaken,
    compareAtInvalid,
    availabilityUnclear,
  )
  create(@Caller() actor: Actor, @Body() product: CreateProductDto, @Idempotent() once: Once): Promise<ProductResponse> {
    return once.do(async (db) => ProductResponse.from(await this.products.create(actor, product, db), this.links));
  }

  /**
   * Count products by what they could be narrowed down by
   *
   * It takes the filters of the list. Categories are those right below `category`, or at the top. What an option, a price range or availability
   * would leave is counted as if the filter of that very facet were not there, so that others of its values can be offered. What it says of
   * stock is some seconds old at most.
   */
  @Get('facets')
  @Public()
  @PubliclyCached(0, () => ['products', 'categories', 'facets', 'price-lists'])
  async facets(@Caller() actor: Actor | null, @Query() filters: ProductFilters): Promise<FacetsResponse> {
    return FacetsResponse.from(await this.products.facets(actor, filters));
  }

  /** Read a product */
  @Get(':idOrSlug')
  @Public()
  @PubliclyCached(0, (product: ProductResponse) => madeOf([product], `product:${product.id}`, 'price-lists'))
  @Problems(productNotFound)
  async get(@Caller() actor: Actor | null, @Param('idOrSlug') idOrSlug: string, @Query() query: CurrencyQuery): Promise<ProductResponse> {
    return ProductResponse.from(await this.products.read(actor, idOrSlug, query), this.links);
  }

  /** Change a product */
  @Patch(':id')
  @Requires('products:manage')
  @Problems(productNotFound, productSlugTaken, productExternalIdTaken, unknownTaxClass, imageUnusable, optionsInUse)
  async update(
    @Caller() actor: Actor,
    @Param('id', IdPipe) id: string,
    @Body() changes: UpdateProductDto,
    @IfMatch() expected: ExpectedVersions,
  ): Promise<ProductResponse> {
    return ProductResponse.from(await this.products.update(actor, id, changes, expected), this.links);
  }

  /** Withdraw a product; orders keep what they say of it */
  @Delete(':id')
  @Requires('products:manage')
  @HttpCode(204)
  @Problems(productNotFound)
  withdraw(@Caller() actor: Actor, @Param('id', IdPipe) id: string, @IfMatch() expected: ExpectedVersions): Promise<void> {
    return this.products.withdraw(actor, id, expected);
  }

  /** Add a variant */
  @Post(':id/variants')
  @Requires('products:manage')
  @Creates('/variants/:id')
  @Problems(productNotFound, skuTaken, productExternalIdTaken, optionsMisfit, optionValuesTaken, compareAtInvalid, availabilityUnclear)
  addVariant(
    @Caller() actor: Actor,
    @Param('id', IdPipe) id: string,
    @Body() variant: CreateVariantDto,
    @Idempotent() once: Once,
  ): Promise<VariantResponse> {
    return once.do(async (db) => VariantResponse.from(await this.products.addVariant(actor, id, variant, db)));
  }
}
