import { randomUUIDv7 } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { record } from '#audit';
import { Cache } from '#cache';
import { type Db, defined, PrismaService, transaction, type Tx } from '#database';
import { publish } from '#events';
import { type ExpectedVersions, isId, slugFrom, validationFailed } from '#http';
import type { Actor } from '#security';
import { BodiesService } from './bodies.service.js';
import { ChangesService, refuseTaken } from './changes.service.js';
import { markLiked } from './likes.queries.js';
import { excerptFrom, RENDERING } from './markdown.rules.js';
import type { CreatePostDto, UpdatePostDto } from './posts.dto.js';
import { postMoved, postNotFound, publicationLocked, slugTaken } from './posts.errors.js';
import { of, postCreated, postUnpublished, postUpdated } from './posts.events.js';
import { auditedPost, findPost, insertPost, type Post, untilNextAppearance } from './posts.queries.js';
import { type CommentedPost, findCommented } from './public.queries.js';
import { mayRewrite, maySee, publicationOf } from './posts.rules.js';
import type { PublishPostDto } from './publications.dto.js';
import { tellPublication } from './publications.service.js';
import { reopenReview } from './reviews.queries.js';
import { isRewritten } from './revisions.rules.js';
import { SeriesService } from './series.service.js';
import { claimSlug, findRenamed, leaveSlug } from './slugs.queries.js';

export type { Post } from './posts.queries.js';
export { type CommentedPost, IS } from './public.queries.js';

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
    private readonly bodies: BodiesService,
    private readonly series: SeriesService,
    cache: Cache,
  ) {
    for (const kind of ['posts', 'series']) cache.limit(kind, (_ids, sinceMs) => untilNextAppearance(prisma, sinceMs));
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

  /** What is asked of a post before something is said about it, whoever asks; `kept`: it cannot be deleted before the transaction ends, but changed. */
  commented(id: string, db: Db, { kept = false } = {}): Promise<CommentedPost | null> {
    return findCommented(db, id, kept);
  }

  /** Writes a draft: the actor's own, or for those who may manage posts, somebody else's. */
  async write(
    actor: Actor,
    { excerpt, slug, seriesPosition, authorId = actor.id, ...draft }: CreatePostDto & { authorId?: string },
    db: Db = this.prisma,
  ): Promise<Post> {
    const rendered = this.bodies.render(draft.body);
    return transaction(db, async (tx) => {
      const id = randomUUIDv7();
      await this.bodies.check(actor, authorId, { ...draft, ...rendered }, { coverFileId: null, imageIds: [] }, tx);
      const post = await insertPost(tx, {
        ...draft,
        ...rendered,
        ...(await this.series.place(actor, { authorId, seriesId: null }, { seriesId: draft.seriesId, seriesPosition }, tx)),
        id,
        slug: await this.freeSlug(slug, draft.title, id, tx),
        excerpt: excerpt ?? excerptFrom(rendered.bodyHtml),
        ownExcerpt: excerpt !== undefined,
        authorId,
      }).catch(refuseTaken);
      await this.bodies.align(actor, post, false, null, tx);
      await record(tx, { actor, action: 'posts.created', resource: auditedPost(id), subject: authorId, after: post });
      await publish(tx, postCreated, ...of(actor, post));
      return { ...post, liked: false };
    });
  }

  /** Changes what a post says. Of an approved post the editors have to see the new version, too, unless one of them changes it. */
  async update(
    actor: Actor,
    id: string,
    { summary, restoredFrom, ...dto }: PostEdit,
    expected: ExpectedVersions,
    db: Db = this.prisma,
  ): Promise<Post> {
    const rendered = dto.body === undefined ? undefined : { ...this.bodies.render(dto.body), rendering: RENDERING };
    const decide = async (post: Post, tx: Tx) => {
      if (!mayRewrite(actor, post, new Date())) throw publicationLocked('This post is out, and your role does not publish: ask an editor.');
      const edit = restoredFrom === undefined ? dto : await this.stillThere(actor, post, dto, tx);
      const { excerpt, seriesId, seriesPosition, ...changes } = edit;
      if (changes.slug !== undefined && changes.slug !== post.slug) await this.rename(post, changes.slug, tx);
      await this.bodies.check(actor, post.authorId, { ...changes, ...rendered }, post, tx);
      return {
        ...defined(changes),
        ...rendered,
        ...excerptOf({ excerpt, bodyHtml: rendered?.bodyHtml }, post),
        ...(await this.series.place(actor, post, { seriesId, seriesPosition }, tx)),
      };
    };
    const tell = async (post: Post, _before: Post, tx: Tx, changed: string[]) => {
      const [payload, about] = of(actor, post);
      await publish(tx, postUpdated, { ...payload, changed: Object.keys(defined(dto)) }, about);
      if (post.review === 'approved' && isRewritten(changed) && !actor.can('posts:manage')) await reopenReview(tx, actor, post);
    };
    const kind = restoredFrom === undefined ? 'edited' : 'restored';
    const edit = { kind, decide, tell, summary: summary ?? null, restoredFrom: restoredFrom ?? null } as const;
    return this.changes.change(actor, id, expected, edit, db);
  }

  /** Publishes now or at a time to come. A post that is out already keeps its date unless it is given another. `pointer`: to its times in the body. */
  async publish(
    actor: Actor,
    id: string,
    { at, until }: PublishPostDto,
    expected: ExpectedVersions,
    db: Db = this.prisma,
    pointer = '',
  ): Promise<Post> {
    const now = new Date();
    const wanted = {
      ...(at !== undefined && { at: new Date(at) }),
      ...(until !== undefined && { until: until === null ? null : new Date(until) }),
    };
    const decide = (post: Post) => {
      const publication = publicationOf(post, wanted, now);
      if (publication === null)
        throw validationFailed('A publication ends after it has begun, and not in the past.', {
          fields: [{ pointer: `${pointer}/until`, code: 'later', detail: 'must be later than `at`, and than now; null for no end' }],
        });
      return { ...publication, review: null };
    };
    const tell = (post: Post, before: Post, tx: Tx) => tellPublication(actor, post, before, now, tx);
    return this.changes.change(actor, id, expected, { kind: 'published', decide, tell }, db);
  }

  async unpublish(actor: Actor, id: string, expected: ExpectedVersions, db: Db = this.prisma): Promise<Post> {
    const decide = () => ({ publishedAt: null, expiresAt: null });
    const tell = async (post: Post, before: Post, tx: Tx) => {
      if (before.publishedAt !== null) await publish(tx, postUnpublished, ...of(actor, post));
    };
    return this.changes.change(actor, id, expected, { kind: 'unpublished', decide, tell }, db);
  }

  /** Of what an older version had: a cover that is gone, and a series that is, or takes no more posts of the author's, stay as they are now. */
  private async stillThere(
    actor: Actor,
    post: Post,
    { coverFileId, seriesId, seriesPosition, ...rest }: UpdatePostDto,
    db: Tx,
  ): Promise<UpdatePostDto> {
    const hasCover =
      coverFileId === null || coverFileId === post.coverFileId || (await this.bodies.isUsable(actor, post.authorId, coverFileId, db));
    const hasSeries = seriesId === null || seriesId === post.seriesId || (await this.series.isOpen(actor, post.authorId, seriesId, db));
    return { ...rest, ...(hasCover && defined({ coverFileId })), ...(hasSeries && defined({ seriesId, seriesPosition })) };
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
