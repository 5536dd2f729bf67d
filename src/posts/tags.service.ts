import { randomUUIDv7 } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { record, SYSTEM } from '#audit';
import { invalidate } from '#cache';
import { type Db, PrismaService, transaction, type Tx } from '#database';
import { publish } from '#events';
import { enqueue, Handles, type JobRun } from '#jobs';
import { type Page, parseSort, readCursor, toPage } from '#http';
import type { Actor } from '#security';
import { postUpdated } from './posts.events.js';
import { keepRevisions } from './revisions.queries.js';
import type { ListTagsQuery, MergeTagDto } from './tags.dto.js';
import { sameTag, tagNotFound } from './tags.errors.js';
import { tagMerger, type TagMergerPayload } from './tags.jobs.js';
import { auditedMerger, listTags, lockBearers, type Merged, replaceTag, type TagCount } from './tags.queries.js';
import { isTag, normaliseTags } from './tags.rules.js';

/** How many posts one transaction changes: each is locked, told of, and has a new version. */
const BATCH = 100;

/** The vocabulary of what is published. A merger changes posts that are there, and is no alias: who writes the old tag again has it again. */
@Injectable()
export class TagsService {
  constructor(private readonly prisma: PrismaService) {}

  async list(query: ListTagsQuery): Promise<Page<TagCount>> {
    const byPosts = parseSort(query.sort).field === 'posts';
    const position = readCursor(query.cursor, query.sort, byPosts ? 'number' : 'text', isTag);
    const tags = await listTags(this.prisma, query, position);
    return toPage(
      tags,
      query,
      (tag) => (byPosts ? tag.posts : tag.name),
      (tag) => tag,
    );
  }

  /** Gives posts another tag in the place of this one: at once where they are few, else the first of them, and the others by a job. */
  async merge(actor: Actor, name: string, { into }: MergeTagDto, db: Db = this.prisma): Promise<Merged> {
    const from = normaliseTags([name])[0]!;
    if (!isTag(from)) throw tagNotFound('No tag has this name.');
    if (from === into) throw sameTag('The two names are the same tag.');
    return transaction(db, async (tx) => {
      const editorId = actor.impersonatorId ?? actor.id;
      const changed = await this.mergeSome({ from, into, editorId }, actor, tx);
      if (changed === 0) throw tagNotFound('No post bears this tag.');
      const goesOn = changed === BATCH;
      if (goesOn) await enqueue(tx, tagMerger, { from, into, editorId });
      const after = { tag: from, into, changed, goesOn };
      await record(tx, { actor, action: 'tags.merged', resource: auditedMerger(randomUUIDv7()), after });
      return { into, changed, goesOn };
    });
  }

  @Handles(tagMerger)
  async goOn(merger: TagMergerPayload, { signal }: Pick<JobRun, 'signal'>): Promise<void> {
    // Whatever is killed when: what is done does not bear the tag any more.
    for (let changed = BATCH; changed === BATCH;) {
      signal.throwIfAborted();
      changed = await transaction(this.prisma, (db) => this.mergeSome(merger, SYSTEM, db));
    }
  }

  private async mergeSome({ from, into, editorId }: TagMergerPayload, actor: Actor | typeof SYSTEM, db: Tx): Promise<number> {
    const posts = await lockBearers(db, from, BATCH);
    if (posts.length === 0) return 0;
    const ids = posts.map(({ id }) => id);
    await keepRevisions(db, ids, editorId ?? null, ['tags'], () => replaceTag(db, ids, from, into));
    for (const { id, authorId } of posts) {
      const about = { actor, resource: { type: 'post', id }, subject: authorId };
      await publish(db, postUpdated, { postId: id, authorId, changed: ['tags'] }, about);
    }
    const known = posts.filter(({ isKnown }) => isKnown).map(({ id }) => `post:${id}`);
    if (known.length > 0) invalidate(db, ['posts', ...known]);
    return posts.length;
  }
}
