import { randomUUIDv7 } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { record } from '#audit';
import { invalidate } from '#cache';
import { type Db, defined, isUniqueViolation, PrismaService, transaction, type Tx } from '#database';
import { type Circumstances, publish } from '#events';
import { expectVersion, type ExpectedVersions, isId, type Page, parseSort, readCursor, slugFrom, toPage } from '#http';
import type { Actor } from '#security';
import { maySee } from './posts.rules.js';
import { keepRevisions } from './revisions.queries.js';
import type { CreateSeriesDto, ListSeriesQuery, UpdateSeriesDto } from './series.dto.js';
import { notYourSeries, seriesFull, seriesNotFound, seriesSlugTaken, seriesUnusable } from './series.errors.js';
import { seriesCreated, seriesDeleted, seriesUpdated } from './series.events.js';
import {
  auditedSeries,
  findSeries,
  listEntries,
  listSeries,
  lockMembers,
  lockSeries,
  type Series,
  type SeriesEntry,
} from './series.queries.js';
import { mayChangeSeries, maySeeSeries } from './series.rules.js';

const MOST_POSTS = 500;

/** Posts that are read in an order. A series is its owner's until something in it is published. */
@Injectable()
export class SeriesService {
  constructor(private readonly prisma: PrismaService) {}

  async list(actor: Actor | null, query: ListSeriesQuery): Promise<Page<Series>> {
    const byTitle = parseSort(query.sort).field === 'title';
    const series = await listSeries(this.prisma, actor, query, readCursor(query.cursor, query.sort, byTitle ? 'text' : 'time'));
    return toPage(
      series,
      query,
      (one) => (byTitle ? one.title : one.createdAt),
      (one) => one,
    );
  }

  async get(actor: Actor | null, idOrSlug: string, db: Db = this.prisma): Promise<Series & { entries: SeriesEntry[] }> {
    const series = await findSeries(db, isId(idOrSlug) ? { id: idOrSlug } : { slug: idOrSlug });
    if (series === null || !maySeeSeries(actor, series))
      throw seriesNotFound('No series that you may see has this id or slug.', { concealed: series !== null });
    const now = new Date();
    const entries = await listEntries(db, series.id);
    return { ...series, entries: entries.filter((entry) => maySee(actor, entry, now)) };
  }

  async create(actor: Actor, { slug, ...series }: CreateSeriesDto, db: Db = this.prisma): Promise<Series & { entries: SeriesEntry[] }> {
    return transaction(db, async (tx) => {
      const id = randomUUIDv7();
      const free = slug ?? (await this.freeSlug(series.title, id, tx));
      const after = await tx.series.create({ data: { ...series, id, slug: free, ownerId: actor.id } }).catch(refuseTaken);
      await record(tx, { actor, action: 'series.created', resource: auditedSeries(id), subject: actor.id, after });
      await publish(tx, seriesCreated, ...of(actor, after));
      return this.get(actor, id, tx);
    });
  }

  async update(
    actor: Actor,
    id: string,
    changes: UpdateSeriesDto,
    expected: ExpectedVersions,
  ): Promise<Series & { entries: SeriesEntry[] }> {
    return transaction(this.prisma, async (db) => {
      const before = await this.lock(actor, id, db);
      expectVersion(before.version, expected);
      const after = await db.series.update({ where: { id }, data: { ...defined(changes), version: { increment: 1 } } }).catch(refuseTaken);
      outdate(db, id);
      await record(db, { actor, action: 'series.updated', resource: auditedSeries(id), subject: before.ownerId, before, after });
      await publish(db, seriesUpdated, ...of(actor, after));
      return this.get(actor, id, db);
    });
  }

  /** Its posts stay, in no series. */
  async delete(actor: Actor, id: string, expected: ExpectedVersions): Promise<void> {
    await transaction(this.prisma, async (db) => {
      const before = await this.lock(actor, id, db);
      expectVersion(before.version, expected);
      const ids = await lockMembers(db, id);
      const data = { seriesId: null, seriesPlace: null, version: { increment: 1 } };
      const editorId = actor.impersonatorId ?? actor.id;
      await keepRevisions(db, ids, editorId, ['seriesId', 'seriesPosition'], () =>
        db.post.updateMany({ where: { id: { in: ids } }, data }),
      );
      await db.series.delete({ where: { id } });
      outdate(db, id);
      invalidate(db, ['posts']); // feeds say when their posts were changed
      await record(db, { actor, action: 'series.deleted', resource: auditedSeries(id), subject: before.ownerId, before });
      await publish(db, seriesDeleted, ...of(actor, before));
    });
  }

  /** Where a post comes to stand that wants to be in a series, or elsewhere in its own: what changes of it. @throws posts/series-unusable, posts/series-full */
  async place(
    actor: Actor,
    post: { authorId: string; seriesId: string | null },
    wanted: { seriesId?: string | null | undefined; seriesPosition?: number | undefined },
    db: Tx,
  ): Promise<{ seriesId?: string | null; seriesPlace?: number | null }> {
    const { seriesId = post.seriesId, seriesPosition } = wanted;
    if (seriesId === post.seriesId && seriesPosition === undefined) return {};
    if (seriesId === null) {
      if (seriesPosition !== undefined) throw unusable('/seriesPosition', 'A position is one in a series; give seriesId, too.');
      return { seriesId: null, seriesPlace: null };
    }
    if (seriesId === post.seriesId) return { seriesPlace: seriesPosition! };
    const series = await this.usable(actor, post.authorId, seriesId, db);
    if (series === null) throw unusable('/seriesId', 'No series of yours has this id.');
    if (series.posts >= MOST_POSTS) throw seriesFull(`The series has ${MOST_POSTS} posts; take one out, or begin another.`);
    return { seriesId, seriesPlace: seriesPosition ?? series.last + 1 };
  }

  /** Whether a post of this author's could join it. */
  async isOpen(actor: Actor, authorId: string, id: string | undefined, db: Tx): Promise<boolean> {
    const series = id === undefined ? null : await this.usable(actor, authorId, id, db);
    return series !== null && series.posts < MOST_POSTS;
  }

  /** The series, kept as it is, if posts of this author's may be in it. */
  private async usable(actor: Actor, authorId: string, id: string, db: Tx) {
    const series = await lockSeries(db, id);
    return series !== null && (series.ownerId === authorId || mayChangeSeries(actor, series)) ? series : null;
  }

  private async lock(actor: Actor, id: string, db: Tx): Promise<Series> {
    await lockSeries(db, id);
    const series = await this.get(actor, id, db);
    if (!mayChangeSeries(actor, series)) throw notYourSeries('Only its owner and editors may change this series.');
    return series;
  }

  private async freeSlug(title: string, id: string, db: Tx): Promise<string> {
    const slug = slugFrom(title, 'series');
    return (await db.series.count({ where: { slug } })) > 0 ? `${slug}-${id.slice(-6)}` : slug;
  }
}

/** Its own answers, the lists it is in, and every post of it. */
function outdate(db: Db, id: string): void {
  invalidate(db, ['series', `series:${id}`]);
}

/** What the events of a series have in common. */
function of(
  actor: Actor,
  { id, ownerId }: { id: string; ownerId: string },
): [payload: { seriesId: string; ownerId: string }, about: Circumstances] {
  return [
    { seriesId: id, ownerId },
    { actor, resource: { type: 'series', id }, subject: ownerId },
  ];
}

function unusable(pointer: string, message: string) {
  return seriesUnusable(message, { fields: [{ pointer, code: 'series-unusable', detail: 'must be of a series of yours' }] });
}

function refuseTaken(error: unknown): never {
  if (isUniqueViolation(error, 'series_slug_key')) throw seriesSlugTaken('Another series has this slug; choose another.');
  throw error;
}
