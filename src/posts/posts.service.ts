import { randomUUIDv7 } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { type Db, defined, isUniqueViolation, Prisma, PrismaService, rows, transaction, type Tx } from '#database';
import { expectVersion, type ExpectedVersions, isId, type Page, parseSort, readCursor, slugFrom, toPage } from '#http';
import type { Actor } from '#security';
import { excerptFrom, renderMarkdown } from './markdown.rules.js';
import type { CreatePostDto, ListPostsQuery, PublishPostDto, UpdatePostDto } from './posts.dto.js';
import { notYourPost, postExternalIdTaken, postNotFound, slugTaken } from './posts.errors.js';
import { findPost, insertPost, listPosts, type Post, type PostSummary } from './posts.queries.js';
import { mayChange, maySee, statusOf } from './posts.rules.js';

/** Publishing: a post is its author's until it is published, and changes only from the version its editor has seen. */
@Injectable()
export class PostsService {
  constructor(private readonly prisma: PrismaService) {}

  async list(actor: Actor | null, query: ListPostsQuery): Promise<Page<PostSummary>> {
    const posts = await listPosts(this.prisma, actor, query, readCursor(query.cursor, query.sort, 'time'));
    const byPublication = parseSort(query.sort).field === 'publishedAt';
    return toPage(
      posts,
      query,
      (post) => (byPublication ? post.publishedAt! : post.createdAt),
      (post) => post,
    );
  }

  async get(actor: Actor | null, idOrSlug: string, db: Db = this.prisma): Promise<Post> {
    const post = await findPost(db, isId(idOrSlug) ? { id: idOrSlug } : { slug: idOrSlug });
    if (post === null || !maySee(actor, post, new Date())) throw postNotFound('No post that you may see has this id or slug.');
    return post;
  }

  async write(actor: Actor, { excerpt, slug, ...draft }: CreatePostDto, db: Db = this.prisma): Promise<Post> {
    const bodyHtml = renderMarkdown(draft.body);
    return transaction(db, async (tx) => {
      const id = randomUUIDv7();
      return insertPost(tx, {
        ...draft,
        id,
        slug: slug ?? (await this.freeSlug(draft.title, id, tx)),
        excerpt: excerpt ?? excerptFrom(bodyHtml),
        bodyHtml,
        authorId: actor.id,
      }).catch(refuseTaken);
    });
  }

  async update(actor: Actor, id: string, { excerpt, ...changes }: UpdatePostDto, expected: ExpectedVersions): Promise<Post> {
    return this.change(actor, id, expected, (post) => {
      const bodyHtml = changes.body === undefined ? post.bodyHtml : renderMarkdown(changes.body);
      return { ...defined(changes), bodyHtml, ...(excerpt !== undefined && { excerpt: excerpt ?? excerptFrom(bodyHtml) }) };
    });
  }

  /** Publishes now or at a time to come. A post that is out already keeps its date unless it is given another. */
  async publish(actor: Actor, id: string, { at }: PublishPostDto, expected: ExpectedVersions): Promise<Post> {
    const now = new Date();
    return this.change(actor, id, expected, (post) => ({
      publishedAt: at !== undefined ? new Date(at) : statusOf(post, now) === 'published' ? post.publishedAt : now,
    }));
  }

  async unpublish(actor: Actor, id: string, expected: ExpectedVersions): Promise<Post> {
    return this.change(actor, id, expected, () => ({ publishedAt: null }));
  }

  async trash(actor: Actor, id: string, expected: ExpectedVersions): Promise<void> {
    await transaction(this.prisma, async (db) => {
      const post = await this.lock(actor, id, db);
      expectVersion(post.version, expected);
      await db.post.update({ where: { id }, data: { trashedAt: new Date(), version: { increment: 1 } } });
    });
  }

  async restore(actor: Actor, id: string, db: Db = this.prisma): Promise<Post> {
    return transaction(db, async (tx) => {
      await this.lock(actor, id, tx, { trashed: true });
      await tx.post.update({ where: { id }, data: { trashedAt: null, version: { increment: 1 } } });
      return this.get(actor, id, tx);
    });
  }

  private async change(actor: Actor, id: string, expected: ExpectedVersions, decide: (post: Post) => object): Promise<Post> {
    return transaction(this.prisma, async (db) => {
      const post = await this.lock(actor, id, db);
      expectVersion(post.version, expected);
      await db.post.update({ where: { id }, data: { ...decide(post), version: { increment: 1 } } }).catch(refuseTaken);
      return this.get(actor, id, db);
    });
  }

  /** The post as it is now, kept so until the transaction ends, for somebody who may change it. */
  private async lock(actor: Actor, id: string, db: Tx, state: { trashed?: boolean } = {}): Promise<Post> {
    await rows(db, Prisma.sql`SELECT id FROM posts WHERE id = ${id}::uuid FOR UPDATE`);
    const post = await findPost(db, { id }, state);
    if (post === null || (state.trashed ? !mayChange(actor, post) : !maySee(actor, post, new Date())))
      throw postNotFound('No post that you may see has this id.');
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

function refuseTaken(error: unknown): never {
  if (isUniqueViolation(error, 'slug')) throw slugTaken('Another post has this slug; choose another.');
  if (isUniqueViolation(error, 'external_id')) throw postExternalIdTaken('Another post has this externalId.');
  throw error;
}
