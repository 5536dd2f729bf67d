import { randomUUIDv7 } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { record } from '#audit';
import { invalidate } from '#cache';
import { Env } from '#config';
import { type Db, PrismaService, transaction, type Tx } from '#database';
import { type Circumstances, publish } from '#events';
import { expectVersion, type ExpectedVersions, type Page, readCursor, toPage } from '#http';
import type { Actor } from '#security';
import { CommentRulesService } from './comment-rules.service.js';
import { countLinks, type Mentioned, plainText, renderComment, type Rendered } from './comments-markdown.rules.js';
import type { EditCommentDto, ListCommentsQuery, ListParticipantsQuery, WriteCommentDto } from './comments.dto.js';
import { commentNotFound, commentsClosed, commentSettled, notYourComment, unknownMention } from './comments.errors.js';
import { commentCreated, commentDeleted, commentHeld, commentUpdated } from './comments.events.js';
import {
  auditedComment,
  type Comment,
  findComment,
  insertComment,
  isKnownAuthor,
  listComments,
  listParticipants,
  lockComment,
  participantsAmong,
  removeComment,
  rewriteComment,
} from './comments.queries.js';
import { isEditable, mayFind, mayRead, moderates, MOST_MENTIONS, placeBelow } from './comments.rules.js';
import { type Hold, holdsOf } from './moderation.rules.js';
import { postNotFound } from '../posts/posts.errors.js';
import { maySee, statusOf } from '../posts/posts.rules.js';
import { type CommentedPost, PostsService } from '../posts/posts.service.js';

const MOST_PARTICIPANTS = 20;

/** What people say about posts: everybody reads it once the rules let it through, and whoever wrote it may change it for a while. */
@Injectable()
export class CommentsService {
  constructor(
    private readonly prisma: PrismaService,
    private readonly rules: CommentRulesService,
    private readonly env: Env,
    private readonly posts: PostsService,
  ) {}

  async list(actor: Actor | null, postId: string, query: ListCommentsQuery): Promise<Page<Comment>> {
    const position = readCursor(query.cursor, query.sort, 'time');
    await this.post(actor, postId, this.prisma);
    const parent = query.parent === undefined ? null : await this.found(actor, query.parent, this.prisma);
    if (parent !== null && parent.postId !== postId) throw commentNotFound('The parent is a comment on another post.');
    const comments = await listComments(this.prisma, actor, parent ?? { postId }, query, position);
    return toPage(
      comments,
      query,
      (comment) => comment.createdAt,
      (comment) => comment,
    );
  }

  async get(actor: Actor | null, id: string, db: Db = this.prisma): Promise<Comment> {
    const comment = await this.found(actor, id, db);
    await this.post(actor, comment.postId, db);
    return comment;
  }

  async participants(actor: Actor, postId: string, { q = '' }: ListParticipantsQuery): Promise<Mentioned[]> {
    return listParticipants(this.prisma, await this.post(actor, postId, this.prisma), q, MOST_PARTICIPANTS);
  }

  async write(actor: Actor, postId: string, { body, parentId }: WriteCommentDto, db: Db = this.prisma): Promise<Comment> {
    const rendered = renderComment(body);
    return transaction(db, async (tx) => {
      const post = await this.post(actor, postId, tx, { kept: true });
      if (statusOf(post, new Date()) !== 'published') throw commentsClosed('The post is not published; nothing can be said about it yet.');
      if (!post.commentsOpen) throw commentsClosed('Comments on this post are closed.');
      await this.refuseUnknown(post, rendered.mentioned, tx);
      const parent = parentId === undefined ? null : await this.parent(actor, postId, parentId, tx);
      const heldFor = await this.holds(actor, body, rendered, await isKnownAuthor(tx, actor.id), tx);
      const id = randomUUIDv7();
      await insertComment(tx, { ...rendered, id, postId, authorId: actor.id, place: parent && placeBelow(parent), heldFor });
      const comment = (await findComment(tx, id))!;
      await record(tx, { actor, action: 'comments.created', resource: auditedComment(id), subject: actor.id, after: comment });
      if (heldFor.length > 0) await publish(tx, commentHeld, ...about(actor, comment, { heldFor }));
      else await this.announce(actor, comment, post, parent, tx);
      return comment;
    });
  }

  /** What is not approved any more waits again, if the rules say so now; moderators are not asked for anything. */
  async edit(actor: Actor, id: string, { body }: EditCommentDto, expected: ExpectedVersions): Promise<Comment> {
    return transaction(this.prisma, async (db) => {
      const before = await this.lock(actor, id, 'change', db);
      expectVersion(before.version, expected);
      if (!moderates(actor)) this.refuseSettled(before);
      if (body === undefined) return before;
      const rendered = renderComment(body);
      const post = await this.post(actor, before.postId, db);
      await this.refuseUnknown(post, rendered.mentioned, db);
      const holds = moderates(actor) ? [] : await this.holds(actor, body, rendered, before.status === 'approved', db);
      // What waits goes on waiting: a moderator has to look at it in any case.
      const waits = before.status === 'pending' || (before.status === 'approved' && holds.length > 0);
      await rewriteComment(db, id, rendered, waits && !moderates(actor) ? [...new Set([...before.heldFor, ...holds])] : null);
      const after = (await findComment(db, id))!;
      outdate(db, after);
      await record(db, { actor, action: 'comments.updated', resource: auditedComment(id), subject: after.authorId, before, after });
      if (after.status === 'approved') await publish(db, commentUpdated, ...about(actor, after, {}));
      else if (before.status === 'approved') await publish(db, commentHeld, ...about(actor, after, { heldFor: after.heldFor }));
      return after;
    });
  }

  async delete(actor: Actor, id: string, expected: ExpectedVersions): Promise<void> {
    await transaction(this.prisma, async (db) => {
      const before = await this.lock(actor, id, 'everything', db);
      expectVersion(before.version, expected);
      await removeComment(db, before);
      outdate(db, before);
      await record(db, { actor, action: 'comments.deleted', resource: auditedComment(id), subject: before.authorId, before });
      await publish(db, commentDeleted, ...about(actor, before, {}));
    });
  }

  /** Says to the world that there is a comment, once. */
  async announce(actor: Actor, comment: Comment, post: CommentedPost, repliesTo: Comment | null, db: Tx): Promise<void> {
    outdate(db, comment);
    const payload = {
      postAuthorId: post.authorId,
      repliesToId: repliesTo?.id ?? null,
      repliesToAuthorId: repliesTo?.authorId ?? null,
      mentionedIds: comment.mentions.map(({ id }) => id),
    };
    await publish(db, commentCreated, ...about(actor, comment, payload));
  }

  /** A post that the caller sees. */
  private async post(actor: Actor | null, id: string, db: Db, { kept = false } = {}): Promise<CommentedPost> {
    const post = await this.posts.commented(id, db, { kept });
    if (post === null || !maySee(actor, post, new Date()))
      throw postNotFound('No post that you may see has this id.', { concealed: post !== null });
    return post;
  }

  private async found(actor: Actor | null, id: string, db: Db): Promise<Comment> {
    const comment = await findComment(db, id);
    if (comment === null || !mayFind(actor, comment))
      throw commentNotFound('No comment that you may see has this id.', { concealed: comment !== null });
    return comment;
  }

  /** What is replied to: it cannot be deleted before the reply is there. */
  private async parent(actor: Actor, postId: string, id: string, db: Tx): Promise<Comment> {
    await lockComment(db, id, 'deletion');
    const parent = await findComment(db, id);
    if (parent === null || parent.postId !== postId || !mayRead(actor, parent))
      throw commentNotFound('No comment on this post that you may see has the id in parentId.', {
        fields: [{ pointer: '/parentId', code: 'unknown', detail: 'must be a comment on the same post' }],
      });
    return parent;
  }

  /** The comment as it is now, kept so until the transaction ends, for somebody who may change it. */
  private async lock(actor: Actor, id: string, against: 'change' | 'everything', db: Tx): Promise<Comment> {
    await lockComment(db, id, against);
    const comment = await this.get(actor, id, db);
    if (comment.status === 'deleted' || !mayRead(actor, comment)) throw commentNotFound('The comment was deleted.');
    if (comment.authorId !== actor.id && !moderates(actor))
      throw notYourComment('Only its author and moderators may change or delete this comment.');
    return comment;
  }

  private refuseSettled(comment: Comment): void {
    if (comment.status === 'rejected' || comment.status === 'spam')
      throw commentSettled('A moderator has decided about this comment; write another one.');
    if (!isEditable(comment, this.env.COMMENTS_EDIT_SECONDS, new Date()))
      throw commentSettled(
        `A comment can be changed for ${this.env.COMMENTS_EDIT_SECONDS} seconds; write another one, or delete this one.`,
      );
  }

  private async refuseUnknown(post: CommentedPost, mentioned: readonly string[], db: Db): Promise<void> {
    if (mentioned.length === 0) return;
    if (mentioned.length > MOST_MENTIONS) throw unknownMention(`${mentioned.length} people are mentioned; ${MOST_MENTIONS} may be.`);
    const known = await participantsAmong(db, post, mentioned);
    if (known.size < mentioned.length) throw unknownMention('Somebody who is mentioned has not taken part here; leave them out.');
  }

  private async holds(actor: Actor, written: string, { bodyHtml }: Rendered, known: boolean, db: Tx): Promise<Hold[]> {
    const texts = [written, plainText(bodyHtml)];
    return holdsOf({ roles: actor.roles, texts, links: countLinks(bodyHtml), known }, await this.rules.current(db));
  }
}

/** What strangers were told of the comments on a post, and of how many there are. */
export function outdate(db: Db, { postId }: { postId: string }): void {
  invalidate(db, [`comments:${postId}`, `counts:${postId}`]);
}

/** What the events of a comment have in common, with what is special about one. */
export function about<More extends object>(
  actor: Actor,
  { id, postId, authorId }: Comment,
  more: More,
): [payload: { commentId: string; postId: string; authorId: string | null } & More, about: Circumstances] {
  return [
    { commentId: id, postId, authorId, ...more },
    { actor, resource: { type: 'comment', id }, subject: authorId },
  ];
}
