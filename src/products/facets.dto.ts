import type { Facets } from './facets.queries.js';

export class CategoryFacetResponse {
  /** @example "mugs" */
  slug: string;
  /** @example "Mugs" */
  name: string;
  /** In it, or below it. @example 12 */
  count: number;
}

export class ValueFacetResponse {
  /** @example "Blue" */
  value: string;
  /** @example 7 */
  count: number;
}

export class OptionFacetResponse {
  /** @example "Colour" */
  name: string;
  values: ValueFacetResponse[];
}

export class PriceRangeResponse {
  /** As `minPrice` takes it. @example 1000 */
  from: number;
  /** As `maxPrice` takes it. @example 1999 */
  to: number;
  /** @example 5 */
  count: number;
}

export class PriceFacetResponse {
  /** @example "EUR" */
  currency: string;
  /** Minor units. @example 390 */
  min: number;
  /** Minor units. @example 14900 */
  max: number;
  /** Five at most, equally wide; those that nothing lies in are left out. */
  ranges: PriceRangeResponse[];
}

export class AvailabilityFacetResponse {
  /** Products of which a variant can be ordered now. @example 10 */
  available: number;
  /** @example 2 */
  unavailable: number;
}

export class FacetsResponse {
  /** How many products the filters leave. @example 12 */
  total: number;
  /** Right below `category`, or at the top; the fullest first, a hundred at most. */
  categories: CategoryFacetResponse[];
  /** The most frequent first: 20 options of 50 values at most. */
  options: OptionFacetResponse[];
  prices: PriceFacetResponse[];
  availability: AvailabilityFacetResponse;

  static from(this: void, facets: Facets): FacetsResponse {
    return {
      total: facets.total,
      categories: facets.categories.map(({ slug, name, count }) => ({ slug, name, count })),
      options: facets.options.map(({ name, values }) => ({ name, values: values.map(({ value, count }) => ({ value, count })) })),
      prices: facets.prices.map(({ currency, min, max, ranges }) => ({
        currency,
        min,
        max,
        ranges: ranges.map(({ from, to, count }) => ({ from, to, count })),
      })),
      availability: { available: facets.availability.available, unavailable: facets.availability.unavailable },
    };
  }
}
