import { Injectable } from '@nestjs/common';
import type { Tx } from '#database';
import { AppError } from '#errors';
import type { Actor } from '#security';
import type { CreateProductDto, UpdateProductDto } from './products.dto.js';
import type { Product, Variant } from './products.queries.js';
import { ProductsService } from './products.service.js';
import { changesOf, columnOf, type Line, type LineProblem, said, withValues } from './variant-imports.rules.js';
import { type Counts, findVariants, type KnownVariant, lockProducts, lockVariants } from './variant-imports.queries.js';
import { checkChanges, checkProduct, checkVariant } from './variant-lines.jobs.js';
import type { CreateVariantDto, UpdateVariantDto } from './variants.dto.js';
import { VariantsService } from './variants.service.js';

/** What became of some lines. */
export interface Brought {
  counts: Counts;
  problems: LineProblem[];
}

/** A line that the catalogue refused: what the others of its batch wrote is undone, too. */
export class LineRefused extends Error {
  constructor(readonly problems: LineProblem[]) {
    super('A line was refused.');
  }
}

/** What of a batch is known so far; products are as the lines before have left them. */
interface Catalogue {
  variants: Map<string, KnownVariant>;
  products: Map<string, Product>;
}

/** Lines of a file, taken into the catalogue by the services that everybody else changes it by: with its rules, its events and its audit log. */
@Injectable()
export class VariantLinesService {
  constructor(
    private readonly products: ProductsService,
    private readonly variants: VariantsService,
  ) {}

  /** Brings lines in whose SKUs differ. What can be seen to be wrong is a problem; @throws LineRefused where the catalogue refuses */
  async bring(actor: Actor, lines: readonly Line[], db: Tx): Promise<Brought> {
    const brought: Brought = { counts: { created: 0, updated: 0, unchanged: 0, failed: 0 }, problems: [] };
    const catalogue = await this.look(lines, db);
    for (let at = 0; at < lines.length;) {
      const line = lines[at]!;
      const known = catalogue.variants.get(line.cells.sku ?? '');
      const together = known === undefined ? newTogether(lines, at, catalogue) : [line];
      at += together.length;
      try {
        if (known !== undefined) await this.change(actor, line, known, catalogue, brought, db);
        else await this.add(actor, together, catalogue, brought, db);
      } catch (error) {
        // Of several that are written together nobody can say which it was: each is tried alone.
        if (error instanceof AppError) throw new LineRefused([refusalOf(line.line, error)]);
        throw error;
      }
    }
    return brought;
  }

  /** What the lines name, with all of it locked that they may change: products and then variants, each in the order of their ids. */
  private async look(lines: readonly Line[], db: Tx): Promise<Catalogue> {
    const found = await findVariants(
      db,
      lines.map(({ cells }) => cells.sku ?? ''),
    );
    const slugs = lines.flatMap(({ cells: { product_slug: slug } }) => (slug ? [slug] : []));
    const products = await lockProducts(db, [...new Set(found.map(({ productId }) => productId))], [...new Set(slugs)]);
    const catalogue = {
      variants: new Map(found.map((variant) => [variant.sku, variant])),
      products: new Map(products.map((product) => [product.id, product])),
    };
    const changed = lines.flatMap((line) => {
      const known = catalogue.variants.get(line.cells.sku ?? '');
      const now = known && variantOf(catalogue, known);
      return now && this.changesOfLine(line, now) !== null ? [now.id] : [];
    });
    if (changed.length > 0) await lockVariants(db, changed);
    return catalogue;
  }

  /** What a line says otherwise than it is of a variant; null where that is nothing. */
  private changesOfLine(line: Line, now: Variant): object | null {
    const read = said(line, now);
    if ('problems' in read) return null;
    const changes = editOf(read.variant, now);
    return Object.keys(changes).length === 0 ? null : changes;
  }

  private async change(actor: Actor, line: Line, known: KnownVariant, catalogue: Catalogue, brought: Brought, db: Tx): Promise<void> {
    const now = variantOf(catalogue, known);
    const product = catalogue.products.get(known.productId);
    if (now === undefined || product === undefined)
      return fail(brought, [
        { line: line.line, column: 'sku', code: 'withdrawn', detail: 'the variant with this SKU, or its product, is withdrawn' },
      ]);
    const read = said(line, now);
    if ('problems' in read) return fail(brought, read.problems);
    const slug = read.product.slug;
    if (slug !== undefined && slug !== product.slug)
      return fail(brought, [
        { line: line.line, column: 'product_slug', code: 'another-product', detail: `the SKU is one of ${product.slug}` },
      ]);
    const checked = checkChanges(line.line, read);
    if ('problems' in checked) return fail(brought, checked.problems);
    const isNew = await this.changeProduct(actor, product, checked.product, checked.variant.optionValues ?? {}, catalogue, db);
    const changes = editOf(checked.variant, now);
    if (Object.keys(changes).length > 0) await this.variants.update(actor, now.id, changes, null, db);
    brought.counts[isNew || Object.keys(changes).length > 0 ? 'updated' : 'unchanged'] += 1;
  }

  /** New variants of one product, which is made with all of them when it is new. */
  private async add(actor: Actor, lines: readonly Line[], catalogue: Catalogue, brought: Brought, db: Tx): Promise<void> {
    const slug = lines[0]!.cells.product_slug ?? '';
    if (slug === '')
      return fail(
        brought,
        lines.map(({ line }) => ({ line, column: 'product_slug', code: 'missing', detail: 'a new SKU says which product it is of' })),
      );
    const product = [...catalogue.products.values()].find((each) => each.slug === slug);
    if (product !== undefined) {
      for (const line of lines) await this.addTo(actor, product.id, line, catalogue, brought, db);
      return;
    }
    const variants: CreateVariantDto[] = [];
    let made: CreateProductDto | undefined;
    let options: UpdateProductDto['options'] = [];
    for (const line of lines) {
      const read = said(line, null);
      const checked = 'problems' in read ? read : checkProduct(line.line, read);
      if ('problems' in checked) {
        fail(brought, checked.problems);
        continue;
      }
      made ??= checked.product;
      options = withValues(options, checked.variant.optionValues ?? {});
      variants.push(checked.variant);
    }
    if (made === undefined) return;
    const created = await this.products.create(actor, { ...made, options, variants }, db);
    catalogue.products.set(created.id, created);
    brought.counts.created += variants.length;
  }

  private async addTo(actor: Actor, productId: string, line: Line, catalogue: Catalogue, brought: Brought, db: Tx): Promise<void> {
    const read = said(line, null);
    const checked = 'problems' in read ? read : checkVariant(line.line, read);
    if ('problems' in checked) return fail(brought, checked.problems);
    const product = catalogue.products.get(productId)!;
    await this.changeProduct(actor, product, checked.product, checked.variant.optionValues ?? {}, catalogue, db);
    await this.products.addVariant(actor, productId, checked.variant, db);
    brought.counts.created += 1;
  }

  /** Changes of a product what a line says otherwise; says whether that was anything. */
  private async changeProduct(
    actor: Actor,
    product: Product,
    wanted: Partial<UpdateProductDto>,
    values: Record<string, string>,
    catalogue: Catalogue,
    db: Tx,
  ): Promise<boolean> {
    const options = withValues(product.options, values);
    const shown = product.images.map(({ id: fileId, alt }) => ({ fileId, alt }));
    // A cell has no room for what images show: those that are there keep it.
    const images = wanted.images?.map(({ fileId }) => shown.find((image) => image.fileId === fileId) ?? { fileId, alt: '' });
    const changes = changesOf({ ...wanted, options, ...(images && { images }) }, { ...product, images: shown });
    if (Object.keys(changes).length === 0) return false;
    catalogue.products.set(product.id, await this.products.update(actor, product.id, changes, null, db));
    return true;
  }
}

/** The line, and those right behind it, that are new variants of the same new product and say the same of it. */
function newTogether(lines: readonly Line[], at: number, { variants, products }: Catalogue): Line[] {
  const first = lines[at]!;
  const ofProduct = ({ cells }: Line) => JSON.stringify(Object.entries(cells).filter(([column]) => column.startsWith('product_')));
  const slug = first.cells.product_slug ?? '';
  if (slug === '' || [...products.values()].some((product) => product.slug === slug)) return [first];
  const end = lines.findIndex((line, index) => index > at && (variants.has(line.cells.sku ?? '') || ofProduct(line) !== ofProduct(first)));
  return lines.slice(at, end === -1 ? undefined : end).slice(0, MOST_TOGETHER);
}

/** As many variants as a product is made with at once. */
const MOST_TOGETHER = 100;

function variantOf({ products }: Catalogue, { id, productId, isWithdrawn }: KnownVariant): Variant | undefined {
  return isWithdrawn ? undefined : products.get(productId)?.variants.find((variant) => variant.id === id);
}

/** The members of a variant as an edit takes them. */
function membersOf({ sku, name, priceAmount, currency, compareAt, ...same }: Variant): Record<string, unknown> {
  const { backorder, availableFrom, externalId, metadata, optionValues } = same;
  return {
    sku,
    name,
    price: { amount: priceAmount, currency },
    compareAtPrice: compareAt === null ? null : { amount: compareAt, currency },
    backorder,
    availableFrom,
    externalId,
    metadata,
    optionValues,
  };
}

/** What is said of a variant otherwise than it is. */
function editOf(said: Partial<UpdateVariantDto>, now: Variant): Partial<UpdateVariantDto> {
  const { availableFrom: then } = said;
  // One moment has as many names as there are offsets.
  const isThen = then && now.availableFrom !== null && Date.parse(then) === Date.parse(now.availableFrom);
  const changes = changesOf(isThen ? { ...said, availableFrom: now.availableFrom } : said, membersOf(now));
  // An edit to `none` clears the time by itself, so one that the line says beside it would be passed over rather than refused.
  return changes.backorder === 'none' && then ? { ...changes, availableFrom: then } : changes;
}

function fail(brought: Brought, problems: LineProblem[]): void {
  brought.problems.push(...problems);
  brought.counts.failed += new Set(problems.map(({ line }) => line)).size;
}

/** What the API would answer somebody who said this. */
function refusalOf(line: number, { code, message, fields = [] }: AppError): LineProblem {
  const [field] = fields;
  const columns = field?.pointer.split('/').map((member) => columnOf('variant', member) ?? columnOf('product', member));
  const column = columns?.findLast((each) => each !== null) ?? null;
  return { line, column, code, detail: field ? `${message} (${field.detail})` : message };
}
