import { Body, Controller, Delete, Get, HttpCode, Param, Patch, Post, Query } from '@nestjs/common';
import { Creates, type ExpectedVersions, Idempotent, IdPipe, IfMatch, type Once, Problems, PubliclyCached } from '#http';
import { Actor, Caller, Public, Requires } from '#security';
import { CategoryList, CategoryResponse, CreateCategoryDto, ListCategoriesQuery, UpdateCategoryDto } from './categories.dto.js';
import { categoryInUse, categoryMisplaced, categoryNotFound, categorySlugTaken, unknownParent } from './categories.errors.js';
import { CategoriesService } from './categories.service.js';

/** Products make those that they are the first to name. */
const MADE_OF = () => ['categories', 'products'];

@Controller('categories')
export class CategoriesController {
  constructor(private readonly categories: CategoriesService) {}

  /**
   * List categories
   *
   * They are a tree: `parentId` says what each is below, `path` all the way from the top, `position` its place beside others.
   */
  @Get()
  @Public()
  @PubliclyCached(0, MADE_OF)
  async list(@Caller() actor: Actor | null, @Query() query: ListCategoriesQuery): Promise<CategoryList> {
    const page = await this.categories.list(actor, query);
    return { ...page, items: page.items.map(CategoryResponse.from) };
  }

  /**
   * Make a category
   *
   * A category that a product is the first to name is made by itself, at the top, with that name.
   */
  @Post()
  @Requires('products:manage')
  @Creates('/categories/:id')
  @Problems(categorySlugTaken, unknownParent, categoryMisplaced)
  create(@Caller() actor: Actor, @Body() category: CreateCategoryDto, @Idempotent() once: Once): Promise<CategoryResponse> {
    return once.do(async (db) => CategoryResponse.from(await this.categories.create(actor, category, db)));
  }

  /** Read a category */
  @Get(':idOrSlug')
  @Public()
  @PubliclyCached(0, MADE_OF)
  @Problems(categoryNotFound)
  async get(@Caller() actor: Actor | null, @Param('idOrSlug') idOrSlug: string): Promise<CategoryResponse> {
    return CategoryResponse.from(await this.categories.get(actor, idOrSlug));
  }

  /** Rename a category, or move it with all that is below it */
  @Patch(':id')
  @Requires('products:manage')
  @Problems(categoryNotFound, unknownParent, categoryMisplaced)
  async update(
    @Caller() actor: Actor,
    @Param('id', IdPipe) id: string,
    @Body() changes: UpdateCategoryDto,
    @IfMatch() expected: ExpectedVersions,
  ): Promise<CategoryResponse> {
    return CategoryResponse.from(await this.categories.update(actor, id, changes, expected));
  }

  /** Delete a category that nothing lies in */
  @Delete(':id')
  @Requires('products:manage')
  @HttpCode(204)
  @Problems(categoryNotFound, categoryInUse)
  delete(@Caller() actor: Actor, @Param('id', IdPipe) id: string, @IfMatch() expected: ExpectedVersions): Promise<void> {
    return this.categories.delete(actor, id, expected);
  }
}
