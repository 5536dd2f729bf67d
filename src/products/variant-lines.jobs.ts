import { defined } from '#database';
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
    ...validateSync(product).map((error) => problemOf(line, 'product', error)),
    ...validateSync(variant).map((error) => problemOf(line, 'variant', error)),
  ];
  return problems.length > 0 ? { problems } : { product: defined({ ...product }), variant: defined({ ...variant }) };
}

/** What the API would say, and in which column. */
function problemOf(line: number, of: 'product' | 'variant', error: ValidationError): LineProblem {
  const { property, constraints } = error;
  const nested = error.children?.[0];
  const column = property === 'price' && nested?.property === 'currency' ? 'currency' : columnOf(of, property);
  const detail = Object.values(constraints ?? nested?.constraints ?? {})[0] ?? `${property} is not valid`;
  return { line, column, code: 'invalid', detail: column === null ? detail : detail.replace(nested?.property ?? property, column) };
}
