import { randomUUIDv7 } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { record } from '#audit';
import { Cache, invalidate } from '#cache';
import { type Db, defined, isUniqueViolation, Prisma, PrismaService, rows, transaction, type Tx } from '#database';
import { type Circumstances, publish } from '#events';
import { enqueue, Handles, type JobRun } from '#jobs';
import { expectVersion, type ExpectedVersions, isId, slugFrom } from '#http';
import type { Actor } from '#security';
import { excerptFrom, renderMarkdown } from './markdown.rules.js';
import type { CreatePostDto, PublishPostDto, UpdatePostDto } from './posts.dto.js';
import { notYourPost, postExternalIdTaken, postNotFound, slugTaken } from './posts.errors.js';
import { postCreated, postPublished, postRestored, postScheduled, postTrashed, postUnpublished, postUpdated } from './posts.events.js';
import { appearance, type AppearancePayload } from './posts.jobs.js';
import { auditedPost, findPost, insertPost, type Post, untilNextAppearance } from './posts.queries.js';
import { mayChange, maySee, statusOf } from './posts.rules.js';

/** Publishing: a post is its author's until it is published, and changes only from the version its editor has seen. */
@Injectable()
export class PostsService {
  constructor(
    private readonly prisma: PrismaService,
    cache: Cache,
  ) {
    cache.limit('posts', (_ids, sinceMs) => untilNextAppearance(prisma, sinceMs));
  }

  async get(actor: Actor | null, idOrSlug: string, db: Db = this.prisma): Promise<Post> {
    const post = await findPost(db, isId(idOrSlug) ? { id: idOrSlug } : { slug: idOrSlug });
    if (post === null || !maySee(actor, post, new Date()))
      throw postNotFound('No post that you may see has this id or slug.', { concealed: post !== null });
    return post;
  }

  async write(actor: Actor, { excerpt, slug, ...draft }: CreatePostDto, db: Db = this.prisma): Promise<Post> {
    const bodyHtml = renderMarkdown(draft.body);
    return transaction(db, async (tx) => {
      const id = randomUUIDv7();
      const post = await insertPost(tx, {
        ...draft,
        id,
        slug: slug ?? (await this.freeSlug(draft.title, id, tx)),
        excerpt: excerpt ?? excerptFrom(bodyHtml),
        bodyHtml,
        authorId: actor.id,
      }).catch(refuseTaken);
      await record(tx, { actor, action: 'posts.created', resource: auditedPost(id), subject: actor.id, after: post });
      await publish(tx, postCreated, ...of(actor, post));
      return post;
    });
  }

  async update(actor: Actor, id: string, { excerpt, ...changes }: UpdatePostDto, expected: ExpectedVersions): Promise<Post> {
    const decide = (post: Post) => {
      const bodyHtml = changes.body === undefined ? post.bodyHtml : renderMarkdown(changes.body);
      return { ...defined(changes), bodyHtml, ...(excerpt !== undefined && { excerpt: excerpt ?? excerptFrom(bodyHtml) }) };
    };
    return this.change(actor, id, 'updated', expected, decide, async (post, _before, db) => {
      const [payload, about] = of(actor, post);
      await publish(db, postUpdated, { ...payload, changed: Object.keys(defined({ excerpt, ...changes })) }, about);
    });
  }

  /** Publishes now or at a time to come. A post that is out already keeps its date unless it is given another. */
  async publish(actor: Actor, id: string, { at }: PublishPostDto, expected: ExpectedVersions): Promise<Post> {
    const now = new Date();
    const decide = (post: Post) => ({
      publishedAt: at !== undefined ? new Date(at) : statusOf(post, now) === 'published' ? post.publishedAt : now,
    });
    return this.change(actor, id, 'published', expected, decide, (post, before, db) => this.tellPublication(actor, post, before, now, db));
  }

  async unpublish(actor: Actor, id: string, expected: ExpectedVersions): Promise<Post> {
    const decide = () => ({ publishedAt: null });
    return this.change(actor, id, 'unpublished', expected, decide, async (post, before, db) => {
      if (before.publishedAt !== null) await publish(db, postUnpublished, ...of(actor, post));
    });
  }

  /** Says that a scheduled post has appeared, unless it was given another time since, or went into the trash. */
  @Handles(appearance)
  async appear({ postId: id, at }: AppearancePayload, run: JobRun): Promise<void> {
    await run.once(this.prisma, async (db) => {
      await rows(db, Prisma.sql`SELECT id FROM posts WHERE id = ${id}::uuid FOR UPDATE`);
      const post = await findPost(db, { id });
      if (post?.publishedAt?.toISOString() !== at) return;
      const [payload, about] = of(null, post);
      await publish(db, postPublished, { ...payload, publishedAt: at }, about);
    });
  }

  async trash(actor: Actor, id: string, expected: ExpectedVersions): Promise<void> {
    await transaction(this.prisma, async (db) => {
      const post = await this.lock(actor, id, db);
      expectVersion(post.version, expected);
      await db.post.update({ where: { id }, data: { trashedAt: new Date(), version: { increment: 1 } } });
      outdate(db, post);
      const [before, after] = [{ trashed: false }, { trashed: true }];
      await record(db, { actor, action: 'posts.trashed', resource: auditedPost(id), subject: post.authorId, before, after });
      await publish(db, postTrashed, ...of(actor, post));
    });
  }

  async restore(actor: Actor, id: string, db: Db = this.prisma): Promise<Post> {
    return transaction(db, async (tx) => {
      const post = await this.lock(actor, id, tx, { trashed: true });
      await tx.post.update({ where: { id }, data: { trashedAt: null, version: { increment: 1 } } });
      outdate(tx, post);
      const [before, after] = [{ trashed: true }, { trashed: false }];
      await record(tx, { actor, action: 'posts.restored', resource: auditedPost(id), subject: post.authorId, before, after });
      await publish(tx, postRestored, ...of(actor, post));
      return this.get(actor, id, tx);
    });
  }

  private async change(
    actor: Actor,
    id: string,
    what: 'updated' | 'published' | 'unpublished',
    expected: ExpectedVersions,
    decide: (before: Post) => object,
    tell: (post: Post, before: Post, db: Tx) => Promise<void>,
  ): Promise<Post> {
    return transaction(this.prisma, async (db) => {
      const before = await this.lock(actor, id, db);
      expectVersion(before.version, expected);
      await db.post.update({ where: { id }, data: { ...decide(before), version: { increment: 1 } } }).catch(refuseTaken);
      const post = await this.get(actor, id, db);
      outdate(db, before, post);
      await record(db, { actor, action: `posts.${what}`, resource: auditedPost(id), subject: post.authorId, before, after: post });
      await tell(post, before, db);
      return post;
    });
  }

  private async tellPublication(actor: Actor, post: Post, before: Post, now: Date, db: Tx): Promise<void> {
    const [payload, about] = of(actor, post);
    const publishedAt = post.publishedAt!;
    const facts = { ...payload, publishedAt: publishedAt.toISOString() };
    const [was, is] = [statusOf(before, now), statusOf(post, now)];
    if (is === 'scheduled') {
      if (was === 'published') await publish(db, postUnpublished, payload, about);
      await publish(db, postScheduled, facts, about);
      await enqueue(db, appearance, { postId: post.id, at: facts.publishedAt }, { runAt: publishedAt, key: post.id });
    } else if (was !== 'published') await publish(db, postPublished, facts, about);
    else if (before.publishedAt!.getTime() !== publishedAt.getTime())
      await publish(db, postUpdated, { ...payload, changed: ['publishedAt'] }, about);
  }

  /** The post as it is now, kept so until the transaction ends, for somebody who may change it. */
  private async lock(actor: Actor, id: string, db: Tx, state: { trashed?: boolean } = {}): Promise<Post> {
    await rows(db, Prisma.sql`SELECT id FROM posts WHERE id = ${id}::uuid FOR UPDATE`);
    const post = await findPost(db, { id }, state);
    if (post === null || (state.trashed ? !mayChange(actor, post) : !maySee(actor, post, new Date())))
      throw postNotFound('No post that you may see has this id.', { concealed: post !== null });
    if (!mayChange(actor, post)) throw notYourPost('Only its author and editors may change this post.');
    return post;
  }

  private async freeSlug(title: string, id: string, db: Tx): Promise<string> {
    const slug = slugFrom(title, 'post');
    // Of two that choose the same word at once, the second waits for the first and sees it.
    await rows(db, Prisma.sql`SELECT pg_advisory_xact_lock(hashtextextended(${`posts.slug ${slug}`}, 0))`);
    const taken = await rows(db, Prisma.sql`SELECT 1 FROM posts WHERE slug = ${slug}`);
    return taken.length > 0 ? `${slug}-${id.slice(-6)}` : slug;
  }
}

/** What strangers were answered is out of date when a post changes that they see, or will by itself; of a draft they know nothing. */
function outdate(db: Db, before: Post, after = before): void {
  if (before.publishedAt !== null || after.publishedAt !== null) invalidate(db, ['posts', `post:${after.id}`]);
}

/** What the events of a post have in common. */
function of(actor: Actor | null, { id, authorId }: Post): [payload: { postId: string; authorId: string }, about: Circumstances] {
  return [
    { postId: id, authorId },
    { actor, resource: { type: 'post', id }, subject: authorId },
  ];
}

function refuseTaken(error: unknown): never {
  if (isUniqueViolation(error, 'slug')) throw slugTaken('Another post has this slug; choose another.');
  if (isUniqueViolation(error, 'external_id')) throw postExternalIdTaken('Another post has this externalId.');
  throw error;
}
