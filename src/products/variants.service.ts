import { Injectable } from '@nestjs/common';
import { record } from '#audit';
import { invalidate } from '#cache';
import { type Db, defined, isCheckViolation, isUniqueViolation, PrismaService, transaction, type Tx } from '#database';
import { publish } from '#events';
import { expectVersion, type ExpectedVersions, type Money } from '#http';
import type { Actor } from '#security';
import {
  availabilityUnclear,
  compareAtInvalid,
  optionsMisfit,
  optionValuesTaken,
  productExternalIdTaken,
  skuTaken,
  stockOwed,
  variantNotFound,
} from './products.errors.js';
import { variantCreated, variantUpdated, variantWithdrawn } from './products.events.js';
import { auditedVariant, findVariant, lockOptions, type Product, type Variant } from './products.queries.js';
import { isComparable, misfit, type Option, type OptionValues, seesAll } from './products.rules.js';
import type { CreateVariantDto, CurrencyQuery, UpdateVariantDto } from './variants.dto.js';

export type { Variant } from './products.queries.js';

/** What of a product is bought: at its price, and out of its stock. What was sold is withdrawn, never erased. */
@Injectable()
export class VariantsService {
  constructor(private readonly prisma: PrismaService) {}

  get(actor: Actor | null, id: string, db: Db = this.prisma): Promise<Variant> {
    return this.read(actor, id, {}, db);
  }

  /** At its price in the currency, if it is sold in it. */
  async read(actor: Actor | null, id: string, { currency }: CurrencyQuery, db: Db = this.prisma): Promise<Variant> {
    const variant = await findVariant(db, id, currency);
    if (variant === null || (variant.productStatus !== 'active' && !seesAll(actor)))
      throw variantNotFound(
        `No variant that you may see has this id${currency === undefined ? '' : `, or it is not sold in ${currency}`}.`,
        {
          concealed: variant !== null,
        },
      );
    return variant;
  }

  async update(
    actor: Actor,
    id: string,
    { price, compareAtPrice, ...changes }: UpdateVariantDto,
    expected: ExpectedVersions,
    db: Db = this.prisma,
  ): Promise<Variant> {
    return transaction(db, async (tx) => {
      if (changes.optionValues) refuseMisfit(await lockOptions(tx, id), changes.optionValues);
      const before = await this.lock(actor, id, expected, tx);
      const { priceAmount: amount, compareAt, currency } = before;
      const compared = compareAtPrice === undefined && compareAt !== null ? { amount: compareAt, currency } : (compareAtPrice ?? null);
      refuseIncomparable(price ?? { amount, currency }, compared);
      const data = {
        ...defined(changes),
        ...availability({ ...before, ...(changes.backorder === 'none' && { availableFrom: null }), ...defined(changes) }),
        ...(price && { priceAmount: price.amount, currency: price.currency }),
        compareAt: compared?.amount ?? null,
        version: { increment: 1 },
      };
      await tx.variant.update({ where: { id }, data }).catch((error: unknown) => {
        if (isCheckViolation(error))
          throw stockOwed('More of this variant was ordered than there is; bring in what is owed first.', {
            fields: [{ pointer: '/backorder', code: stockOwed.code, detail: 'cannot be none while more is owed or held than there is' }],
          });
        return refuseTaken(error);
      });
      const after = await this.get(actor, id, tx);
      await record(tx, { actor, action: 'variants.updated', resource: auditedVariant(id), before, after });
      const changed = Object.keys(defined({ price, compareAtPrice, ...changes }));
      const payload = {
        variantId: id,
        productId: after.productId,
        price: { amount: after.priceAmount, currency: after.currency },
        changed,
      };
      await publish(tx, variantUpdated, payload, { actor, resource: { type: 'variant', id } });
      return after;
    });
  }

  async withdraw(actor: Actor, id: string, expected: ExpectedVersions): Promise<void> {
    await transaction(this.prisma, async (db) => {
      const before = await this.lock(actor, id, expected, db);
      await db.variant.update({ where: { id }, data: { withdrawnAt: new Date(), version: { increment: 1 } } });
      await record(db, { actor, action: 'variants.withdrawn', resource: auditedVariant(id), before });
      await publish(db, variantWithdrawn, { variantId: id, productId: before.productId }, { actor, resource: { type: 'variant', id } });
    });
  }

  /** A new variant of a product that is locked; its id. `pointer` is where it stands in what was sent. */
  async insert(
    actor: Actor,
    { id: productId, options }: Pick<Product, 'id' | 'options'>,
    { stock, price, compareAtPrice, ...variant }: CreateVariantDto,
    db: Tx,
    pointer = '',
  ): Promise<string> {
    refuseMisfit(options, variant.optionValues ?? {}, pointer);
    refuseIncomparable(price, compareAtPrice ?? null, pointer);
    const columns = { priceAmount: price.amount, currency: price.currency, compareAt: compareAtPrice?.amount ?? null };
    const { id } = await db.variant
      .create({
        data: { ...defined(variant), ...availability(variant), ...columns, productId, stock },
        select: { id: true },
      })
      .catch(refuseTaken);
    const after = { ...variant, ...columns, productId, stock };
    await record(db, { actor, action: 'variants.created', resource: auditedVariant(id), after });
    if (stock > 0)
      await db.stockMovement.create({ data: { variantId: id, delta: stock, balance: stock, reason: 'first stock', actorId: actor.id } });
    await publish(db, variantCreated, { variantId: id, productId, price }, { actor, resource: { type: 'variant', id } });
    return id;
  }

  /** The variant as it is now, to be changed: kept so until the transaction ends. */
  private async lock(actor: Actor, id: string, expected: ExpectedVersions, db: Tx): Promise<Variant> {
    await db.$queryRaw`SELECT id FROM variants WHERE id = ${id}::uuid FOR UPDATE`;
    const variant = await this.get(actor, id, db);
    expectVersion(variant.version, expected);
    invalidate(db, ['products', `product:${variant.productId}`, `variant:${id}`]);
    return variant;
  }
}

/** From when a variant can be had, if that is to be said. @throws products/availability-unclear */
function availability({ backorder = 'none', availableFrom = null }: Pick<CreateVariantDto, 'backorder' | 'availableFrom'>) {
  if (backorder === 'preorder' && availableFrom === null)
    throw availabilityUnclear('Say from when what is pre-ordered can be had.', {
      fields: [{ pointer: '/availableFrom', code: availabilityUnclear.code, detail: 'is needed by a pre-order' }],
    });
  if (backorder === 'none' && availableFrom !== null)
    throw availabilityUnclear('It is neither back-ordered nor pre-ordered: say which, or leave out from when it can be had.', {
      fields: [{ pointer: '/availableFrom', code: availabilityUnclear.code, detail: 'goes with backorder or preorder' }],
    });
  return { availableFrom: availableFrom === null ? null : new Date(availableFrom) };
}

function refuseMisfit(options: readonly Option[], values: OptionValues, pointer = ''): void {
  const detail = misfit(options, values);
  if (detail === null) return;
  const fields = [{ pointer: `${pointer}/optionValues`, code: optionsMisfit.code, detail }];
  throw optionsMisfit('The values do not fit the options of the product; see errors.', { fields });
}

function refuseIncomparable(price: Money, compareAt: Money | null, pointer = ''): void {
  if (isComparable(price, compareAt)) return;
  const fields = [
    { pointer: `${pointer}/compareAtPrice`, code: compareAtInvalid.code, detail: 'is not more than the price, in its currency' },
  ];
  throw compareAtInvalid('What the price is compared with must be more, in the same currency; see errors.', { fields });
}

function refuseTaken(error: unknown): never {
  if (isUniqueViolation(error, 'variants_product_id_option_values_key'))
    throw optionValuesTaken('Another variant of the product has these values; choose others.');
  if (isUniqueViolation(error, 'variants_sku_key')) throw skuTaken('Another variant has this SKU; choose another.');
  if (isUniqueViolation(error, 'variants_external_id_key')) throw productExternalIdTaken('Another variant has this externalId.');
  throw error;
}
