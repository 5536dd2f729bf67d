import { randomUUIDv7 } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { record } from '#audit';
import { Cache, invalidate } from '#cache';
import { type Db, defined, isForeignKeyViolation, isUniqueViolation, PrismaService, transaction, type Tx } from '#database';
import { publish } from '#events';
import { expectVersion, type ExpectedVersions, isId, type Page, parseSort, readCursor, slugFrom, toPage } from '#http';
import type { Actor } from '#security';
import { countFacets, type Facets } from './facets.queries.js';
import type { CreateProductDto, ListProductsQuery, ProductFilters, UpdateProductDto } from './products.dto.js';
import { PicturesService } from './pictures.service.js';
import { optionsInUse, productExternalIdTaken, productNotFound, productSlugTaken, unknownTaxClass } from './products.errors.js';
import { productCreated, productUpdated, productWithdrawn } from './products.events.js';
import { auditedProduct, findProduct, listProducts, type Product, type Variant } from './products.queries.js';
import { misfit, type Option, RESERVED, seesAll } from './products.rules.js';
import type { CreateVariantDto, CurrencyQuery } from './variants.dto.js';
import { VariantsService } from './variants.service.js';

export type { Product } from './products.queries.js';

const FACETS_MS = 5_000;

/** The catalogue: what is for sale, and at which price. What was sold is withdrawn, never erased. */
@Injectable()
export class ProductsService {
  constructor(
    private readonly prisma: PrismaService,
    private readonly pictures: PicturesService,
    private readonly variants: VariantsService,
    cache: Cache,
  ) {
    // Stock changes with every order; what facets say of it is as old as that at most.
    cache.limit('facets', (_, sinceMs) => Promise.resolve(FACETS_MS - sinceMs));
  }

  async list(actor: Actor | null, query: ListProductsQuery): Promise<Page<Product>> {
    const byName = parseSort(query.sort).field === 'name';
    const rows = await listProducts(this.prisma, seesAll(actor), query, readCursor(query.cursor, query.sort, byName ? 'text' : 'time'));
    return toPage(
      rows,
      query,
      (product) => (byName ? product.name : product.createdAt),
      (product) => product,
    );
  }

  /** How many products the filters leave, by what else they could be narrowed down by. */
  facets(actor: Actor | null, filters: ProductFilters): Promise<Facets> {
    return countFacets(this.prisma, seesAll(actor), filters);
  }

  get(actor: Actor | null, idOrSlug: string, db: Db = this.prisma): Promise<Product> {
    return this.read(actor, idOrSlug, {}, db);
  }

  /** With those of its variants that are sold in the currency, at their prices in it. */
  async read(actor: Actor | null, idOrSlug: string, { currency }: CurrencyQuery, db: Db = this.prisma): Promise<Product> {
    const product = await findProduct(db, isId(idOrSlug) ? { id: idOrSlug } : { slug: idOrSlug }, currency);
    if (product === null || (product.status !== 'active' && !seesAll(actor)))
      throw productNotFound('No product that you may see has this id or slug.', { concealed: product !== null });
    return product;
  }

  async create(actor: Actor, { variants, slug, images, ...product }: CreateProductDto, db: Db = this.prisma): Promise<Product> {
    return transaction(db, async (tx) => {
      const id = randomUUIDv7();
      await tx.product
        .create({ data: { ...columnsOf(product), id, slug: slug ?? (await this.freeSlug(product.name, id, tx)) } })
        .catch(refuseTaken);
      invalidate(tx, ['products']);
      await publish(tx, productCreated, { productId: id, status: product.status ?? 'draft' }, { actor, resource: { type: 'product', id } });
      for (const [index, variant] of variants.entries())
        await this.variants.insert(actor, { id, options: product.options ?? [] }, variant, tx, `/variants/${index}`);
      const after = await this.shown(actor, null, await this.get(actor, id, tx), images, tx);
      await record(tx, { actor, action: 'products.created', resource: auditedProduct(id), after });
      return after;
    });
  }

  async update(
    actor: Actor,
    id: string,
    { images, ...changes }: UpdateProductDto,
    expected: ExpectedVersions,
    db: Db = this.prisma,
  ): Promise<Product> {
    return transaction(db, async (tx) => {
      expectVersion(await this.lock(id, tx), expected);
      const before = await this.get(actor, id, tx);
      invalidate(tx, ['products', `product:${id}`]);
      if (changes.options) refuseInUse(changes.options, before.variants);
      await tx.product.update({ where: { id }, data: { ...columnsOf(changes), version: { increment: 1 } } }).catch(refuseTaken);
      const after = await this.shown(actor, before, await this.get(actor, id, tx), images, tx);
      await record(tx, { actor, action: 'products.updated', resource: auditedProduct(id), before, after });
      const changed = Object.keys(defined({ ...changes, images }));
      await publish(tx, productUpdated, { productId: id, status: after.status, changed }, { actor, resource: { type: 'product', id } });
      return after;
    });
  }

  async withdraw(actor: Actor, id: string, expected: ExpectedVersions): Promise<void> {
    await transaction(this.prisma, async (db) => {
      expectVersion(await this.lock(id, db), expected);
      invalidate(db, ['products', `product:${id}`]);
      const before = await this.get(actor, id, db);
      await record(db, { actor, action: 'products.withdrawn', resource: auditedProduct(id), before });
      await db.product.update({ where: { id }, data: { withdrawnAt: new Date(), status: 'archived', version: { increment: 1 } } });
      await this.pictures.align(actor, before, { ...before, status: 'archived' }, db);
      await publish(db, productWithdrawn, { productId: id }, { actor, resource: { type: 'product', id } });
    });
  }

  async addVariant(actor: Actor, productId: string, variant: CreateVariantDto, db: Db = this.prisma): Promise<Variant> {
    return transaction(db, async (tx) => {
      await this.lock(productId, tx);
      invalidate(tx, ['products', `product:${productId}`]);
      const { options } = await this.get(actor, productId, tx);
      const id = await this.variants.insert(actor, { id: productId, options }, variant, tx);
      await tx.product.update({ where: { id: productId }, data: { version: { increment: 1 } } });
      return this.variants.get(actor, id, tx);
    });
  }

  /** The product as it is shown from now on: by these images, where they are given, and with its files as public as it is. */
  private async shown(actor: Actor, was: Product | null, now: Product, images: CreateProductDto['images'], db: Tx): Promise<Product> {
    if (images !== undefined) await this.pictures.show(actor, now, images, db);
    else if (now.images.length === 0) return now;
    await this.pictures.align(actor, was, await this.get(actor, now.id, db), db);
    return this.get(actor, now.id, db);
  }

  /** Locks the product until the transaction ends and returns its version. */
  private async lock(id: string, db: Tx): Promise<number> {
    const [product] = await db.$queryRaw<
      { version: number }[]
    >`SELECT version FROM products WHERE id = ${id}::uuid AND withdrawn_at IS NULL FOR UPDATE`;
    if (product === undefined) throw productNotFound('No product has this id.');
    return product.version;
  }

  private async freeSlug(name: string, id: string, db: Tx): Promise<string> {
    const slug = slugFrom(name, 'product');
    // Of two that choose the same word at once, the second waits for the first and sees it.
    await db.$executeRaw`SELECT pg_advisory_xact_lock(hashtextextended(${`products.slug ${slug}`}, 0))`;
    const taken = RESERVED.includes(slug) || (await db.product.findUnique({ where: { slug }, select: { id: true } })) !== null;
    return taken ? `${slug}-${id.slice(-6)}` : slug;
  }
}

/** What of a product lies in its own row. */
function columnsOf({ options, ...same }: Omit<UpdateProductDto, 'images'>) {
  return { ...defined(same), ...(options && { options: options.map(({ name, values }) => ({ name, values })) }) };
}

function refuseInUse(options: readonly Option[], variants: readonly Variant[]): void {
  const fields = variants.flatMap(({ sku, optionValues }) => {
    const detail = misfit(options, optionValues);
    return detail === null ? [] : [{ pointer: '/options', code: optionsInUse.code, detail: `${sku} ${detail}` }];
  });
  if (fields.length > 0) throw optionsInUse('Variants would have values that nobody can choose; see errors.', { fields });
}

function refuseTaken(error: unknown): never {
  if (isUniqueViolation(error, 'products_slug_key')) throw productSlugTaken('Another product has this slug; choose another.');
  if (isForeignKeyViolation(error))
    throw unknownTaxClass('The shop has no such tax class.', {
      fields: [{ pointer: '/taxClass', code: 'unknown', detail: 'is not one of the taxClasses of the shop' }],
    });
  if (isUniqueViolation(error, 'products_external_id_key')) throw productExternalIdTaken('Another product has this externalId.');
  throw error;
}
