import { randomUUIDv7 } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { record } from '#audit';
import { invalidate } from '#cache';
import {
  type Db,
  defined,
  isCheckViolation,
  isForeignKeyViolation,
  isUniqueViolation,
  PrismaService,
  transaction,
  type Tx,
} from '#database';
import { publish } from '#events';
import { expectVersion, type ExpectedVersions, isId, type Page, parseSort, readCursor, slugFrom, toPage } from '#http';
import type { Actor } from '#security';
import type { CreateCategoryDto, ListCategoriesQuery, UpdateCategoryDto } from './categories.dto.js';
import { categoryInUse, categoryMisplaced, categoryNotFound, categorySlugTaken, unknownParent } from './categories.errors.js';
import { categoryCreated, categoryDeleted, categoryUpdated } from './categories.events.js';
import {
  auditedCategory,
  type Category,
  deleteCategory,
  findCategory,
  insertCategory,
  listCategories,
  lockCategory,
  updateCategory,
} from './categories.queries.js';

/** The tree that products are found in. The database keeps it a tree, and keeps what products name. */
@Injectable()
export class CategoriesService {
  constructor(private readonly prisma: PrismaService) {}

  async list(_actor: Actor | null, query: ListCategoriesQuery): Promise<Page<Category>> {
    const byName = parseSort(query.sort).field === 'name';
    const found = await listCategories(this.prisma, query, readCursor(query.cursor, query.sort, byName ? 'text' : 'number'));
    return toPage(
      found,
      query,
      (category) => (byName ? category.name : category.position),
      (category) => category,
    );
  }

  async get(_actor: Actor | null, idOrSlug: string, db: Db = this.prisma): Promise<Category> {
    const category = await findCategory(db, isId(idOrSlug) ? { id: idOrSlug } : { slug: idOrSlug });
    if (category === null) throw categoryNotFound('No category has this id or slug.');
    return category;
  }

  /** @throws categories/slug-taken, categories/unknown-parent, categories/misplaced */
  async create(actor: Actor, { name, slug, parentId = null, position }: CreateCategoryDto, db: Db = this.prisma): Promise<Category> {
    return transaction(db, async (tx) => {
      const id = randomUUIDv7();
      const free = slug ?? (await this.freeSlug(name, id, tx));
      await insertCategory(tx, { id, slug: free, name, parentId, position }).catch(refuse);
      const after = await this.get(actor, id, tx);
      await record(tx, { actor, action: 'categories.created', resource: auditedCategory(id), after });
      await publish(tx, categoryCreated, { categoryId: id }, { actor, resource: { type: 'category', id } });
      invalidate(tx, ['categories']);
      return after;
    });
  }

  /** @throws categories/unknown-parent, categories/misplaced */
  async update(actor: Actor, id: string, changes: UpdateCategoryDto, expected: ExpectedVersions): Promise<Category> {
    return transaction(this.prisma, async (db) => {
      const before = await this.lock(actor, id, expected, db);
      await updateCategory(db, { ...before, ...defined(changes) }).catch(refuse);
      const after = await this.get(actor, id, db);
      await record(db, { actor, action: 'categories.updated', resource: auditedCategory(id), before, after });
      const payload = { categoryId: id, changed: Object.keys(defined(changes)) };
      await publish(db, categoryUpdated, payload, { actor, resource: { type: 'category', id } });
      invalidate(db, ['categories']);
      return after;
    });
  }

  /** @throws categories/in-use */
  async delete(actor: Actor, id: string, expected: ExpectedVersions): Promise<void> {
    await transaction(this.prisma, async (db) => {
      const before = await this.lock(actor, id, expected, db);
      await deleteCategory(db, before).catch((error: unknown) => {
        if (isForeignKeyViolation(error)) throw categoryInUse('Products or other categories lie in it; move them elsewhere first.');
        throw error;
      });
      await record(db, { actor, action: 'categories.deleted', resource: auditedCategory(id), before });
      await publish(db, categoryDeleted, { categoryId: id }, { actor, resource: { type: 'category', id } });
      invalidate(db, ['categories']);
    });
  }

  private async lock(actor: Actor, id: string, expected: ExpectedVersions, db: Tx): Promise<Category> {
    await lockCategory(db, id);
    const category = await this.get(actor, id, db);
    expectVersion(category.version, expected);
    return category;
  }

  private async freeSlug(name: string, id: string, db: Tx): Promise<string> {
    const slug = slugFrom(name, 'category').slice(0, 93);
    // Of two that choose the same word at once, the second waits for the first and sees it.
    await db.$executeRaw`SELECT pg_advisory_xact_lock(hashtextextended(${`categories.slug ${slug}`}, 0))`;
    return (await findCategory(db, { slug })) ? `${slug}-${id.slice(-6)}` : slug;
  }
}

function refuse(error: unknown): never {
  if (isUniqueViolation(error, 'categories_slug_key')) throw categorySlugTaken('Another category has this slug; choose another.');
  if (isForeignKeyViolation(error))
    throw unknownParent('No category has the id that parentId names.', {
      fields: [{ pointer: '/parentId', code: unknownParent.code, detail: 'names no category' }],
    });
  if (isCheckViolation(error))
    throw categoryMisplaced('There it would be below itself, or more than ten levels deep; choose another parentId.', {
      fields: [{ pointer: '/parentId', code: categoryMisplaced.code, detail: 'is below the category itself, or too deep' }],
    });
  throw error;
}
