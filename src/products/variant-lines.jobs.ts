import { defined } from '#database';
import { AppError } from '#errors';
import { refuseUnstorable } from '#http';
import { type ClassConstructor, plainToInstance } from 'class-transformer';
import { validateSync, type ValidationError } from 'class-validator';
import { CreateProductDto, UpdateProductDto } from './products.dto.js';
import { CreateVariantDto, UpdateVariantDto } from './variants.dto.js';
import { columnOf, type LineProblem, type Said } from './variant-imports.rules.js';

/** Of the job that imports: unlike a service it may hold what a line says against the classes that cross the wire. */

export type Checked<Product, Variant> = { product: Product; variant: Variant } | { problems: LineProblem[] };

/** What a line says of a variant that is there. */
export const checkChanges = (line: number, said: Said): Checked<Partial<UpdateProductDto>, Partial<UpdateVariantDto>> =>
  check(line, said, UpdateProductDto, UpdateVariantDto);

/** What it says of a new variant, of a product that is there. */
export const checkVariant = (line: number, said: Said): Checked<Partial<UpdateProductDto>, CreateVariantDto> =>
  check(line, said, UpdateProductDto, CreateVariantDto);

/** What it says of a new product, and its variant. */
export const checkProduct = (line: number, said: Said): Checked<CreateProductDto, CreateVariantDto> =>
  check(line, said, CreateProductDto, CreateVariantDto);

function check<Product extends object, Variant extends object>(
  line: number,
  said: Said,
  asProduct: ClassConstructor<Product>,
  asVariant: ClassConstructor<Variant>,
): Checked<Product, Variant> {
  const product = plainToInstance(asProduct, said.product);
  const variant = plainToInstance(asVariant, said.variant);
  const problems = [
    ...unstorable(line, 'product', said.product),
    ...unstorable(line, 'variant', said.variant),
    ...validateSync(product).map((error) => problemOf(line, 'product', error)),
    ...validateSync(variant).map((error) => problemOf(line, 'variant', error)),
  ];
  return problems.length > 0 ? { problems } : { product: defined({ ...product }), variant: defined({ ...variant }) };
}

/** What no request may hold, though JSON can say it in a cell. */
function unstorable(line: number, of: 'product' | 'variant', { metadata }: Record<string, unknown>): LineProblem[] {
  try {
    refuseUnstorable(metadata, '/metadata');
    return [];
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    return [{ line, column: columnOf(of, 'metadata'), code: 'invalid', detail: error.message }];
  }
}

/** What the API would say, and in which column. */
function problemOf(line: number, of: 'product' | 'variant', error: ValidationError): LineProblem {
  const { property } = error;
  const nested = error.children?.[0];
  const innermost = innermostOf(error);
  const column = property === 'price' && nested?.property === 'currency' ? 'currency' : columnOf(of, property);
  const detail = Object.values(innermost.constraints ?? {})[0] ?? `${property} is not valid`;
  if (column === null) return { line, column, code: 'invalid', detail };
  const isOfItem = innermost !== error && Array.isArray(error.value);
  return { line, column, code: 'invalid', detail: detail.replace(innermost.property, isOfItem ? `each of ${column}` : column) };
}

/** The error itself, or the first inside it. */
function innermostOf(error: ValidationError): ValidationError {
  const [first] = error.children ?? [];
  return error.constraints !== undefined || first === undefined ? error : innermostOf(first);
}
