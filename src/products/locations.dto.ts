import { IfPresent, Line, ListQuery, type Page, Slug } from '#http';
import { IsBoolean } from 'class-validator';
import type { StockLocation } from './locations.service.js';

export class CreateLocationDto {
  /** How staff call it for short; where there is equally much, the first in the alphabet is taken from. @example "shop-1" */
  @Slug()
  code: string;

  /** @example "The shop in Dean Street" */
  @Line(1, 200)
  name: string;
}

export class UpdateLocationDto {
  /** @example "shop-1" */
  @IfPresent()
  @Slug()
  code?: string;

  /** @example "The shop in Dean Street" */
  @IfPresent()
  @Line(1, 200)
  name?: string;

  /** Nothing can be brought to one that is closed, and only an empty one can be. */
  @IfPresent()
  @IsBoolean()
  active?: boolean;
}

export class LocationResponse {
  id: string;
  /** @example "shop-1" */
  code: string;
  /** @example "The shop in Dean Street" */
  name: string;
  active: boolean;
  /** Whether everything lies there that names no location; one does. */
  isDefault: boolean;
  /** Counts the changes; part of the ETag. @example 1 */
  version: number;
  createdAt: Date;
  updatedAt: Date;

  static from(this: void, { id, code, name, active, isDefault, version, createdAt, updatedAt }: StockLocation): LocationResponse {
    return { id, code, name, active, isDefault, version, createdAt, updatedAt };
  }
}

export class LocationList implements Page<LocationResponse> {
  items: LocationResponse[];
  /** Give it as `cursor` to get the next page; null on the last one. */
  nextCursor: string | null;
}

export class ListLocationsQuery extends ListQuery {}
