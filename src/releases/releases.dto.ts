import { IfPresent, Line, ListQuery, type Page, Prose, Time } from '#http';
import { ApiProperty } from '@nestjs/swagger';
import { IsBoolean, IsIn } from 'class-validator';
import type { Release } from './releases.queries.js';
import { type Conflict, RELEASE_STATUSES, type ReleaseStatus, statusOf } from './releases.rules.js';

export class ConflictResponse {
  /** What is in the way; `/problems/<code>` says more. @example "releases/outdated" */
  code: string;
  /** @example "This is version 4 now, and the item was made for version 3." */
  detail: string;
}

export class FailedItemResponse extends ConflictResponse {
  /** The item that is in the way; null when it is none of them. */
  itemId: string | null;
}

export class ReleaseResponse {
  id: string;
  /** @example "Autumn sale" */
  name: string;
  /** @example "New prices, and the post that explains them." */
  description: string;
  /** `failed`: it could not go live at its time, and nothing of it was applied. It can be mended and published like an open one. */
  status: 'open' | 'scheduled' | 'published' | 'rolled-back' | 'failed';
  /** How many posts, products and variants it changes, those that you may not see among them. @example 3 */
  items: number;
  /** When it is to go live; null unless it is scheduled. */
  scheduledAt: Date | null;
  /** With whose rights it will go live. */
  scheduledById: string | null;
  publishedAt: Date | null;
  publishedById: string | null;
  rolledBackAt: Date | null;
  /** Why it could not go live at its time; empty unless it has failed. */
  failure: FailedItemResponse[];
  createdById: string;
  /** Counts the changes, those of its items among them; part of the ETag. @example 1 */
  version: number;
  createdAt: Date;
  updatedAt: Date;

  static from(this: void, release: Release): ReleaseResponse {
    return {
      id: release.id,
      name: release.name,
      description: release.description,
      status: statusOf(release),
      items: release._count.items,
      scheduledAt: release.scheduledAt,
      scheduledById: release.scheduledById,
      publishedAt: release.publishedAt,
      publishedById: release.publishedById,
      rolledBackAt: release.rolledBackAt,
      failure: ((release.failure ?? []) as unknown as (Conflict & { itemId: string | null })[]).map(({ itemId, code, detail }) => ({
        itemId,
        code,
        detail,
      })),
      createdById: release.createdById,
      version: release.version,
      createdAt: release.createdAt,
      updatedAt: release.updatedAt,
    };
  }
}

export class ReleaseList implements Page<ReleaseResponse> {
  items: ReleaseResponse[];
  /** Give it as `cursor` to get the next page; null on the last one. */
  nextCursor: string | null;
}

export class CreateReleaseDto {
  /** @example "Autumn sale" */
  @Line(1, 200)
  name: string;

  /** What it is for. @example "New prices, and the post that explains them." */
  @IfPresent()
  @Prose(0, 5_000)
  description?: string;
}

export class UpdateReleaseDto {
  /** @example "Autumn sale" */
  @IfPresent()
  @Line(1, 200)
  name?: string;

  /** @example "New prices, and the post that explains them." */
  @IfPresent()
  @Prose(0, 5_000)
  description?: string;
}

export class PublishReleaseDto {
  /** When; now, if it is left out. A time to come schedules the release. @example "2030-01-01T08:00:00.000Z" */
  @IfPresent()
  @Time()
  at?: string;
}

export class RollBackReleaseDto {
  /** Writes over what was changed since the release went live, and leaves alone what is gone. */
  @ApiProperty({ required: false })
  @IfPresent()
  @IsBoolean()
  force: boolean = false;
}

export class ListReleasesQuery extends ListQuery {
  @IfPresent()
  @IsIn(RELEASE_STATUSES)
  status?: ReleaseStatus;

  @IfPresent()
  @IsIn(['-createdAt', 'createdAt'])
  sort: '-createdAt' | 'createdAt' = '-createdAt';
}
