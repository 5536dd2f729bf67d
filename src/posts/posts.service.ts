import { randomUUIDv7 } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { record } from '#audit';
import { Cache, invalidate } from '#cache';
import { type Db, defined, isUniqueViolation, Prisma, PrismaService, rows, transaction, type Tx } from '#database';
import { type Circumstances, publish } from '#events';
import { enqueue, Handles, type JobRun } from '#jobs';
import { expectVersion, type ExpectedVersions, isId, type Page, parseSort, readCursor, slugFrom, toPage } from '#http';
import type { Actor } from '#security';
import { BodiesService } from './bodies.service.js';
import { markLiked } from './likes.queries.js';
import { excerptFrom, RENDERING } from './markdown.rules.js';
import type { CreatePostDto, ListPostsQuery, PublishPostDto, UpdatePostDto } from './posts.dto.js';
import { notYourPost, postExternalIdTaken, postMoved, postNotFound, slugTaken } from './posts.errors.js';
import { postCreated, postPublished, postRestored, postScheduled, postTrashed, postUnpublished, postUpdated } from './posts.events.js';
import { appearance, type AppearancePayload } from './posts.jobs.js';
import { auditedPost, findPost, insertPost, listPosts, type Post, type PostSummary, untilNextAppearance } from './posts.queries.js';
import { mayChange, maySee, statusOf } from './posts.rules.js';
import { SeriesService } from './series.service.js';
import { claimSlug, findRenamed, leaveSlug } from './slugs.queries.js';

export type { Post } from './posts.queries.js';

/** Publishing: a post is its author's until it is published, and changes only from the version its editor has seen. */
@Injectable()
export class PostsService {
  constructor(
    private readonly prisma: PrismaService,
    private readonly bodies: BodiesService,
    private readonly series: SeriesService,
    cache: Cache,
  ) {
    for (const kind of ['posts', 'series']) cache.limit(kind, (_ids, sinceMs) => untilNextAppearance(prisma, sinceMs));
  }

  async list(actor: Actor | null, query: ListPostsQuery): Promise<Page<PostSummary>> {
    const posts = await listPosts(this.prisma, actor, query, readCursor(query.cursor, query.sort, 'time'));
    const byPublication = parseSort(query.sort).field === 'publishedAt';
    await markLiked(this.prisma, actor, posts);
    return toPage(
      posts,
      query,
      (post) => (byPublication ? post.publishedAt! : post.createdAt),
      (post) => post,
    );
  }

  /** @throws posts/moved for a slug that the post had before */
  async get(actor: Actor | null, idOrSlug: string, db: Db = this.prisma): Promise<Post> {
    const isSlug = !isId(idOrSlug);
    const post = await findPost(db, isSlug ? { slug: idOrSlug } : { id: idOrSlug });
    const formerId = post === null && isSlug ? await findRenamed(db, idOrSlug) : null;
    const found = formerId === null ? post : await findPost(db, { id: formerId });
    if (found === null || !maySee(actor, found, new Date()))
      throw postNotFound('No post that you may see has this id or slug.', { concealed: found !== null });
    if (formerId !== null) throw postMoved('The post has another slug now; go on there.', { location: `/posts/${found.slug}` });
    await markLiked(db, actor, [found]);
    return found;
  }

  async write(actor: Actor, { excerpt, slug, seriesPosition, ...draft }: CreatePostDto, db: Db = this.prisma): Promise<Post> {
    const rendered = this.bodies.render(draft.body);
    return transaction(db, async (tx) => {
      const id = randomUUIDv7();
      await this.bodies.check(actor, actor.id, { ...draft, ...rendered }, { coverFileId: null, imageIds: [] }, tx);
      const post = await insertPost(tx, {
        ...draft,
        ...rendered,
        ...(await this.series.place(actor, { authorId: actor.id, seriesId: null }, { seriesId: draft.seriesId, seriesPosition }, tx)),
        id,
        slug: await this.freeSlug(slug, draft.title, id, tx),
        excerpt: excerpt ?? excerptFrom(rendered.bodyHtml),
        ownExcerpt: excerpt !== undefined,
        authorId: actor.id,
      }).catch(refuseTaken);
      await this.bodies.align(actor, post, false, null, tx);
      await record(tx, { actor, action: 'posts.created', resource: auditedPost(id), subject: actor.id, after: post });
      await publish(tx, postCreated, ...of(actor, post));
      return post;
    });
  }

  async update(actor: Actor, id: string, dto: UpdatePostDto, expected: ExpectedVersions, db: Db = this.prisma): Promise<Post> {
    const { excerpt, seriesId, seriesPosition, ...changes } = dto;
    const rendered = changes.body === undefined ? undefined : { ...this.bodies.render(changes.body), rendering: RENDERING };
    const decide = async (post: Post, tx: Tx) => {
      if (changes.slug !== undefined && changes.slug !== post.slug) await this.rename(post, changes.slug, tx);
      await this.bodies.check(actor, post.authorId, { ...changes, ...rendered }, post, tx);
      return {
        ...defined(changes),
        ...rendered,
        ...excerptOf({ excerpt, bodyHtml: rendered?.bodyHtml }, post),
        ...(await this.series.place(actor, post, { seriesId, seriesPosition }, tx)),
      };
    };
    const tell = async (post: Post, _before: Post, tx: Tx) => {
      const [payload, about] = of(actor, post);
      await publish(tx, postUpdated, { ...payload, changed: Object.keys(defined(dto)) }, about);
    };
    return this.change(actor, id, 'updated', expected, decide, tell, db);
  }

  /** Publishes now or at a time to come. A post that is out already keeps its date unless it is given another. */
  async publish(actor: Actor, id: string, { at }: PublishPostDto, expected: ExpectedVersions, db: Db = this.prisma): Promise<Post> {
    const now = new Date();
    const decide = (post: Post) => ({
      publishedAt: at !== undefined ? new Date(at) : statusOf(post, now) === 'published' ? post.publishedAt : now,
    });
    const tell = (post: Post, before: Post, tx: Tx) => this.tellPublication(actor, post, before, now, tx);
    return this.change(actor, id, 'published', expected, decide, tell, db);
  }

  async unpublish(actor: Actor, id: string, expected: ExpectedVersions, db: Db = this.prisma): Promise<Post> {
    const decide = () => ({ publishedAt: null });
    const tell = async (post: Post, before: Post, tx: Tx) => {
      if (before.publishedAt !== null) await publish(tx, postUnpublished, ...of(actor, post));
    };
    return this.change(actor, id, 'unpublished', expected, decide, tell, db);
  }

  /** Says that a scheduled post has appeared, unless it was given another time since, or went into the trash. */
  @Handles(appearance)
  async appear({ postId: id, at }: AppearancePayload, run: JobRun): Promise<void> {
    await run.once(this.prisma, async (db) => {
      await rows(db, Prisma.sql`SELECT id FROM posts WHERE id = ${id}::uuid FOR NO KEY UPDATE`);
      const post = await findPost(db, { id });
      if (post?.publishedAt?.toISOString() !== at) return;
      await this.alignFiles(null, post, post, true, db);
      outdate(db, post);
      const [payload, about] = of(null, post);
      await publish(db, postPublished, { ...payload, publishedAt: at }, about);
    });
  }

  async trash(actor: Actor, id: string, expected: ExpectedVersions): Promise<void> {
    await transaction(this.prisma, async (db) => {
      const post = await this.lock(actor, id, db);
      expectVersion(post.version, expected);
      await db.post.update({ where: { id }, data: { trashedAt: new Date(), version: { increment: 1 } } });
      await this.alignFiles(actor, post, post, false, db);
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
      await this.alignFiles(actor, post, post, statusOf(post, new Date()) === 'published', tx);
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
    decide: (before: Post, tx: Tx) => object | Promise<object>,
    tell: (post: Post, before: Post, tx: Tx) => Promise<void>,
    db: Db,
  ): Promise<Post> {
    return transaction(db, async (tx) => {
      const before = await this.lock(actor, id, tx);
      expectVersion(before.version, expected);
      await tx.post.update({ where: { id }, data: { ...(await decide(before, tx)), version: { increment: 1 } } }).catch(refuseTaken);
      const changed = await this.get(actor, id, tx);
      await this.alignFiles(actor, changed, before, statusOf(changed, new Date()) === 'published', tx);
      const post = changed.cover === null ? changed : await this.get(actor, id, tx); // with the link that its cover has now
      outdate(tx, before, post);
      await record(tx, { actor, action: `posts.${what}`, resource: auditedPost(id), subject: post.authorId, before, after: post });
      await tell(post, before, tx);
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
    await rows(db, Prisma.sql`SELECT id FROM posts WHERE id = ${id}::uuid FOR NO KEY UPDATE`);
    const post = await findPost(db, { id }, state);
    if (post === null || (state.trashed ? !mayChange(actor, post) : !maySee(actor, post, new Date())))
      throw postNotFound('No post that you may see has this id.', { concealed: post !== null });
    if (!mayChange(actor, post)) throw notYourPost('Only its author and editors may change this post.');
    return post;
  }

  /**
   * Brings the files that a post shows into line with its state: called wherever that changes. They are public exactly while it is out, so
   * what strangers were answered with a link of before is out of date, too.
   */
  private alignFiles(actor: Actor | null, post: Post, before: Post, isOut: boolean, db: Tx): Promise<void> {
    return this.bodies.align(actor, post, isOut, before, db);
  }

  /** A slug that was chosen has to be free; one that is made from the title is made so. */
  private async freeSlug(chosen: string | undefined, title: string, id: string, db: Tx): Promise<string> {
    const slug = chosen ?? slugFrom(title, 'post');
    if (await claimSlug(db, slug, id)) return slug;
    if (chosen !== undefined) throw slugTaken('Another post has this slug; choose another.');
    return `${slug}-${id.slice(-6)}`;
  }

  private async rename(post: Post, slug: string, db: Tx): Promise<void> {
    if (!(await claimSlug(db, slug, post.id))) throw slugTaken('Another post has this slug, or had it; choose another.');
    await leaveSlug(db, post, slug);
  }
}

/** An excerpt that nobody wrote follows the body. */
function excerptOf({ excerpt, bodyHtml }: { excerpt: string | null | undefined; bodyHtml: string | undefined }, post: Post): object {
  if (typeof excerpt === 'string') return { excerpt, ownExcerpt: true };
  if (excerpt === undefined && (bodyHtml === undefined || post.ownExcerpt)) return {};
  return { excerpt: excerptFrom(bodyHtml ?? post.bodyHtml), ownExcerpt: false };
}

/** What strangers were answered is out of date when a post changes that they see, or will by itself; of a draft they know nothing. */
function outdate(db: Db, before: Post, after = before): void {
  if (before.publishedAt === null && after.publishedAt === null) return;
  const series = new Set([before.seriesId, after.seriesId].filter((id) => id !== null)); // their other posts say which is next to them
  invalidate(db, ['posts', `post:${after.id}`, ...[...series].map((id) => `series:${id}`)]);
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
