import { event } from '#events';
import { Id } from '#http';
import { IsInt, IsString } from 'class-validator';

export class PriceListPayload {
  @Id()
  priceListId: string;
}

export class PriceListChangePayload extends PriceListPayload {
  /** The names of the members that were changed. @example ["endsAt"] */
  @IsString({ each: true })
  changed: string[];
}

export class ListPricesPayload extends PriceListPayload {
  /** How many prices were set, or taken off the list. @example 12 */
  @IsInt()
  changed: number;
}

export const priceListCreated = event('price-list.created', {
  version: 1,
  payload: PriceListPayload,
  description: 'A price list was made, without prices yet.',
  visibleTo: ['shop:manage'],
});

export const priceListUpdated = event('price-list.updated', {
  version: 1,
  payload: PriceListChangePayload,
  description: 'When a price list counts, or whether it does, was changed.',
  visibleTo: ['shop:manage'],
});

export const priceListPricesSet = event('price-list.prices-set', {
  version: 1,
  payload: ListPricesPayload,
  description: 'Prices of a price list were set, or taken off it.',
  visibleTo: ['shop:manage'],
});

export const priceListDeleted = event('price-list.deleted', {
  version: 1,
  payload: PriceListPayload,
  description: 'A price list was deleted with its prices.',
  visibleTo: ['shop:manage'],
});
