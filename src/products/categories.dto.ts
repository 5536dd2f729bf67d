import { Id, IfPresent, Line, ListQuery, type Page, Slug } from '#http';
import { ApiProperty } from '@nestjs/swagger';
import { IsIn, IsInt, IsOptional, Max, MaxLength, Min } from 'class-validator';
import type { Category } from './categories.queries.js';

const LAST = 1_000_000;

export class CategoryStepResponse {
  id: string;
  /** @example "kitchen" */
  slug: string;
  /** @example "Kitchen" */
  name: string;
}

export class CategoryResponse {
  id: string;
  /** What products name it by; it does not change. @example "mugs" */
  slug: string;
  /** @example "Mugs" */
  name: string;
  /** The category above it; null at the top. */
  parentId: string | null;
  /** From the top down to the category itself. */
  path: CategoryStepResponse[];
  /** Its place among those beside it. @example 1 */
  position: number;
  /** Counts the changes; part of the ETag. @example 1 */
  version: number;
  createdAt: Date;
  updatedAt: Date;

  static from(this: void, category: Category): CategoryResponse {
    const { id, slug, name, parentId, path, position, version, createdAt, updatedAt } = category;
    return {
      id,
      slug,
      name,
      parentId,
      path: path.map((step) => ({ id: step.id, slug: step.slug, name: step.name })),
      position,
      version,
      createdAt,
      updatedAt,
    };
  }
}

export class CategoryList implements Page<CategoryResponse> {
  items: CategoryResponse[];
  /** Give it as `cursor` to get the next page; null on the last one. */
  nextCursor: string | null;
}

export class UpdateCategoryDto {
  /** @example "Mugs" */
  @IfPresent()
  @Line(1, 100)
  name?: string;

  /** The category above it; null: it stands at the top. */
  @IsOptional()
  @Id()
  parentId?: string | null;

  /** Its place among those beside it: the smallest comes first. @example 1 */
  @ApiProperty({ type: 'integer', maximum: LAST })
  @IfPresent()
  @IsInt()
  @Min(0)
  @Max(LAST)
  position?: number;
}

export class CreateCategoryDto {
  /** @example "Mugs" */
  @Line(1, 100)
  name: string;

  /** What products name it by; made from the name when it is left out. It cannot be changed. @example "mugs" */
  @IfPresent()
  @Slug()
  @MaxLength(100)
  @ApiProperty({ maxLength: 100 })
  slug?: string;

  /** The category above it; left out: it stands at the top. */
  @IsOptional()
  @Id()
  parentId?: string | null;

  /** Its place among those beside it: the smallest comes first. @example 1 */
  @ApiProperty({ type: 'integer', maximum: LAST })
  @IfPresent()
  @IsInt()
  @Min(0)
  @Max(LAST)
  position: number = 0;
}

export class ListCategoriesQuery extends ListQuery {
  /** Only those right below this one. */
  @IfPresent()
  @Id()
  parent?: string;

  @IfPresent()
  @IsIn(['position', 'name', '-name'])
  sort: 'position' | 'name' | '-name' = 'position';
}
