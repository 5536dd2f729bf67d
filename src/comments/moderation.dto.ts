import { Id, IfPresent, ListQuery, type Page, Prose } from '#http';
import { IsIn } from 'class-validator';
import type { Actor } from '#security';
import { CommentResponse } from './comments.dto.js';
import type { QueuedComment } from './comments.queries.js';
import type { Hold } from './moderation.rules.js';

export class CommentedPostResponse {
  id: string;
  /** @example "on-analytical-engines" */
  slug: string;
  /** @example "On analytical engines" */
  title: string;
}

export class QueuedCommentResponse extends CommentResponse {
  post: CommentedPostResponse;
  /** Which rules keep it waiting. */
  heldFor: Hold[];
  /** How many reports of it nobody has looked at. @example 0 */
  openReports: number;
  /** When a moderator last decided about it. */
  moderatedAt: Date | null;
  /** Why. */
  note: string | null;

  static override from(this: void, comment: QueuedComment, actor: Actor): QueuedCommentResponse {
    return {
      ...CommentResponse.from(comment, actor),
      post: { id: comment.postId, slug: comment.postSlug, title: comment.postTitle },
      heldFor: comment.heldFor,
      openReports: comment.openReports,
      moderatedAt: comment.moderatedAt,
      note: comment.moderationNote,
    };
  }
}

export class QueuedCommentList implements Page<QueuedCommentResponse> {
  items: QueuedCommentResponse[];
  /** Give it as `cursor` to get the next page; null on the last one. */
  nextCursor: string | null;
}

export class ListQueueQuery extends ListQuery {
  /** `pending` ones are the queue. */
  @IfPresent()
  @IsIn(['pending', 'approved', 'rejected', 'spam'])
  status?: 'pending' | 'approved' | 'rejected' | 'spam';

  /** The author's id. */
  @IfPresent()
  @Id()
  author?: string;

  @IfPresent()
  @IsIn(['createdAt', '-createdAt'])
  sort: 'createdAt' | '-createdAt' = 'createdAt';
}

export class ModerateCommentDto {
  @IsIn(['approved', 'rejected', 'spam'])
  status: 'approved' | 'rejected' | 'spam';

  /** Why; moderators alone see it. @example "Off topic." */
  @IfPresent()
  @Prose(1, 1_000)
  note?: string;
}
