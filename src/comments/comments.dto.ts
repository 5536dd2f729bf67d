import { Id, IfPresent, Line, ListQuery, type Page, Prose } from '#http';
import { applyDecorators } from '@nestjs/common';
import { ApiProperty } from '@nestjs/swagger';
import { IsIn, ValidateBy } from 'class-validator';
import { type Mentioned, nameInHtml, nameInText, tokenOf } from './comments-markdown.rules.js';
import type { Comment } from './comments.queries.js';
import type { Actor } from '#security';
import { type CommentStatus, mayRead } from './comments.rules.js';
import { AuthorResponse } from '../posts/posts.dto.js';

const MOST_CHARACTERS = 10_000;
/** Something that is seen: neither spaces nor invisible characters alone. */
const VISIBLE = '[^\\s\\p{Cc}\\p{Cf}\\p{Z}\\p{M}]';
const isVisible = (value: unknown) => typeof value === 'string' && new RegExp(VISIBLE, 'u').test(value);

/** What somebody says. */
const Remark = () =>
  applyDecorators(
    Prose(1, MOST_CHARACTERS),
    ValidateBy({ name: 'isVisible', validator: { validate: isVisible, defaultMessage: () => '$property must hold something to read' } }),
    ApiProperty({
      pattern: `^[^\\u0000-\\u0008\\u000b\\u000c\\u000e-\\u001f\\u007f]*${VISIBLE}[^\\u0000-\\u0008\\u000b\\u000c\\u000e-\\u001f\\u007f]*$`,
    }),
  );

export class CommentResponse {
  id: string;
  postId: string;
  /** The comment it replies to; null for the beginning of a thread. */
  parentId: string | null;
  /** 1 for the beginning of a thread, 3 at most. @example 1 */
  depth: number;
  /** Null where only the place of a comment is left. */
  author: AuthorResponse | null;
  /** Markdown; null where only the place of a comment is left. @example "Well *said*." */
  body: string | null;
  /** The body rendered to HTML and sanitised. Mentions are `<span data-user="id">@Name</span>`. @example "<p>Well <em>said</em>.</p>" */
  bodyHtml: string | null;
  /** Who is mentioned. */
  mentions: AuthorResponse[];
  /** Everybody sees `approved` ones. Others are seen by their author and by moderators, and are a `deleted` place to everybody else. */
  status: CommentStatus;
  /** Whether you have written it. @example false */
  mine: boolean;
  /** How many approved ones there are below it, at any depth. @example 0 */
  replies: number;
  /** Counts the changes; part of the ETag. @example 1 */
  version: number;
  createdAt: Date;
  /** When its text was last changed. */
  editedAt: Date | null;

  /** The comment as `actor` sees it. */
  static from(this: void, comment: Comment, actor: Actor | null): CommentResponse {
    const readable = mayRead(actor, comment);
    return {
      id: comment.id,
      postId: comment.postId,
      parentId: comment.parentId,
      depth: comment.depth,
      author: readable && comment.authorId !== null ? { id: comment.authorId, name: comment.authorName! } : null,
      body: readable ? nameInText(comment.body, comment.mentions) : null,
      bodyHtml: readable ? nameInHtml(comment.bodyHtml, comment.mentions) : null,
      mentions: readable ? comment.mentions.map(({ id, name }) => ({ id, name })) : [],
      status: readable ? comment.status : 'deleted',
      mine: actor !== null && comment.authorId === actor.id,
      replies: comment.replies,
      version: comment.version,
      createdAt: comment.createdAt,
      editedAt: comment.editedAt,
    };
  }
}

export class CommentList implements Page<CommentResponse> {
  items: CommentResponse[];
  /** Give it as `cursor` to get the next page; null on the last one. */
  nextCursor: string | null;
}

export class WriteCommentDto {
  /**
   * Markdown without headings, images and tables. `@[Name](user:id)` mentions somebody who has taken part, by the text that
   * `GET /posts/:id/participants` gives. Marks that turn the direction of writing are left out.
   * @example "Well *said*."
   */
  @Remark()
  body: string;

  /** The comment it replies to. A reply to the third level stands beside what it replies to. */
  @IfPresent()
  @Id()
  parentId?: string;
}

export class EditCommentDto {
  /** @example "Very well *said*." */
  @IfPresent()
  @Remark()
  body?: string;
}

export class ListCommentsQuery extends ListQuery {
  /** All that was said below this comment, instead of the beginnings of threads. From the oldest on, nothing comes before what it replies to. */
  @IfPresent()
  @Id()
  parent?: string;

  @IfPresent()
  @IsIn(['createdAt', '-createdAt'])
  sort: 'createdAt' | '-createdAt' = 'createdAt';
}

export class ListParticipantsQuery {
  /** How a part of the name begins. @example "Ada" */
  @IfPresent()
  @Line(1, 100)
  q?: string;
}

export class ParticipantResponse extends AuthorResponse {
  /** What mentions this person in the body of a comment. @example "@[Ada Lovelace](user:0199f3a1-7c1e-7b3a-9a4e-0d6f1c2b3a49)" */
  mention: string;

  static from(this: void, { id, name }: Mentioned): ParticipantResponse {
    return { id, name, mention: tokenOf({ id, name }) };
  }
}

export class ParticipantsResponse {
  /** Twenty at most, by name. */
  items: ParticipantResponse[];
}
