import { randomUUIDv7 } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { record } from '#audit';
import { Cache } from '#cache';
import { type Db, defined, Prisma, PrismaService, rows, transaction, type Tx } from '#database';
import { publish } from '#events';
import { type ExpectedVersions, isId, type Page, parseSort, readCursor, slugFrom, toPage, validationFailed } from '#http';
import type { Actor } from '#security';
import { ChangesService, refuseTaken } from './changes.service.js';
import { excerptFrom, renderMarkdown } from './markdown.rules.js';
import type { CreatePostDto, ListPostsQuery, PublishPostDto, UpdatePostDto } from './posts.dto.js';
import { postNotFound, publicationLocked } from './posts.errors.js';
import { of, postCreated, postUnpublished, postUpdated } from './posts.events.js';
import { auditedPost, findPost, insertPost, listPosts, type Post, type PostSummary, untilNextAppearance } from './posts.queries.js';
import { mayRewrite, maySee, publicationOf } from './posts.rules.js';
import { PublicationsService } from './publications.service.js';
import { reopenReview } from './reviews.queries.js';
import { isRewritten } from './revisions.rules.js';

/** A change of what a post says; of one that brings an older version back, which. */
export interface PostEdit extends UpdatePostDto {
  restoredFrom?: number;
}

/** Publishing: a post is its author's until it is published, and changes only from the version its editor has seen. */
@Injectable()
export class PostsService {
  constructor(
    private readonly prisma: PrismaService,
    private readonly changes: ChangesService,
    private readonly publications: PublicationsService,
    cache: Cache,
  ) {
    cache.limit('posts', (_ids, sinceMs) => untilNextAppearance(prisma, sinceMs));
  }

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

  /** Changes what a post says. Of an approved post the editors have to see the new version, too, unless one of them changes it. */
  async update(
    actor: Actor,
    id: string,
    { excerpt, summary, restoredFrom, ...changes }: PostEdit,
    expected: ExpectedVersions,
    db: Db = this.prisma,
  ): Promise<Post> {
    const decide = (post: Post) => {
      if (!mayRewrite(actor, post, new Date())) throw publicationLocked('This post is out, and your role does not publish: ask an editor.');
      const bodyHtml = changes.body === undefined ? post.bodyHtml : renderMarkdown(changes.body);
      return { ...defined(changes), bodyHtml, ...(excerpt !== undefined && { excerpt: excerpt ?? excerptFrom(bodyHtml) }) };
    };
    const tell = async (post: Post, _before: Post, tx: Tx, changed: string[]) => {
      const [payload, about] = of(actor, post);
      await publish(tx, postUpdated, { ...payload, changed: Object.keys(defined({ excerpt, ...changes })) }, about);
      if (post.review === 'approved' && isRewritten(changed) && !actor.can('posts:manage')) await reopenReview(tx, actor, post);
    };
    const kind = restoredFrom === undefined ? 'edited' : 'restored';
    const edit = { kind, decide, tell, summary: summary ?? null, restoredFrom: restoredFrom ?? null } as const;
    return this.changes.change(actor, id, expected, edit, db);
  }

  /** Publishes now or at a time to come. A post that is out already keeps its date unless it is given another. */
  async publish(actor: Actor, id: string, { at, until }: PublishPostDto, expected: ExpectedVersions, db: Db = this.prisma): Promise<Post> {
    const now = new Date();
    const wanted = {
      ...(at !== undefined && { at: new Date(at) }),
      ...(until !== undefined && { until: until === null ? null : new Date(until) }),
    };
    const decide = (post: Post) => {
      const publication = publicationOf(post, wanted, now);
      if (publication === null)
        throw validationFailed('A publication ends after it has begun, and not in the past.', {
          fields: [{ pointer: '/until', code: 'later', detail: 'must be later than `at`, and than now; null for no end' }],
        });
      return { ...publication, review: null };
    };
    const tell = (post: Post, before: Post, tx: Tx) => this.publications.tell(actor, post, before, now, tx);
    return this.changes.change(actor, id, expected, { kind: 'published', decide, tell }, db);
  }

  async unpublish(actor: Actor, id: string, expected: ExpectedVersions, db: Db = this.prisma): Promise<Post> {
    const decide = () => ({ publishedAt: null, expiresAt: null });
    const tell = async (post: Post, before: Post, tx: Tx) => {
      if (before.publishedAt !== null) await publish(tx, postUnpublished, ...of(actor, post));
    };
    return this.changes.change(actor, id, expected, { kind: 'unpublished', decide, tell }, db);
  }

  private async freeSlug(title: string, id: string, db: Tx): Promise<string> {
    const slug = slugFrom(title, 'post');
    // Of two that choose the same word at once, the second waits for the first and sees it.
    await rows(db, Prisma.sql`SELECT pg_advisory_xact_lock(hashtextextended(${`posts.slug ${slug}`}, 0))`);
    const taken = await rows(db, Prisma.sql`SELECT 1 FROM posts WHERE slug = ${slug}`);
    return taken.length > 0 ? `${slug}-${id.slice(-6)}` : slug;
  }
}
