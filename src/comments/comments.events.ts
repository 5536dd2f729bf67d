import { event } from '#events';
import { Id } from '#http';
import { IsArray, IsIn, IsInt, IsOptional, IsUUID, Min } from 'class-validator';
import { type Hold, HOLDS } from './moderation.rules.js';

export class CommentPayload {
  @Id()
  commentId: string;

  @Id()
  postId: string;

  /** Who wrote it; null once that person is erased. */
  @IsOptional()
  @Id()
  authorId: string | null;
}

export class CommentCreatedPayload extends CommentPayload {
  /** The author of the post. */
  @Id()
  postAuthorId: string;

  /** The comment it replies to; null for the beginning of a thread. */
  @IsOptional()
  @Id()
  repliesToId: string | null;

  /** Who wrote that. */
  @IsOptional()
  @Id()
  repliesToAuthorId: string | null;

  @IsArray()
  @IsUUID(undefined, { each: true })
  mentionedIds: string[];
}

export class CommentHeldPayload extends CommentPayload {
  /** Which rules it broke. @example ["links"] */
  @IsIn(HOLDS, { each: true })
  heldFor: Hold[];
}

export class CommentRejectedPayload extends CommentPayload {
  @IsIn(['rejected', 'spam'])
  status: 'rejected' | 'spam';
}

export class CommentReportedPayload extends CommentPayload {
  /** How many reports of it nobody has looked at. */
  @IsInt()
  @Min(1)
  open: number;
}

export class CommentRulesPayload {
  @IsInt()
  version: number;
}

export const commentCreated = event('comment.created', {
  version: 1,
  payload: CommentCreatedPayload,
  description: 'A comment can be read by everybody for the first time: as soon as it is written, or once a moderator has approved it.',
  visibleTo: ['everyone'],
});

export const commentHeld = event('comment.held', {
  version: 1,
  payload: CommentHeldPayload,
  description: 'A comment waits for a moderator: a new one, one that was changed, or one that was reported.',
  visibleTo: ['subject', 'comments:moderate'],
});

export const commentApproved = event('comment.approved', {
  version: 1,
  payload: CommentPayload,
  description: 'A moderator has approved a comment.',
  visibleTo: ['subject', 'comments:moderate'],
});

export const commentRejected = event('comment.rejected', {
  version: 1,
  payload: CommentRejectedPayload,
  description: 'A moderator has rejected a comment, or marked it as spam.',
  visibleTo: ['subject', 'comments:moderate'],
});

export const commentUpdated = event('comment.updated', {
  version: 1,
  payload: CommentPayload,
  description: 'The text of a comment was changed that everybody can read.',
  visibleTo: ['everyone'],
});

export const commentDeleted = event('comment.deleted', {
  version: 1,
  payload: CommentPayload,
  description: 'A comment was deleted by its author or by a moderator.',
  visibleTo: ['everyone'],
});

export const commentReported = event('comment.reported', {
  version: 1,
  payload: CommentReportedPayload,
  description: 'Somebody finds that a comment should not stand there.',
  visibleTo: ['comments:moderate'],
});

export const commentRulesUpdated = event('comment-rules.updated', {
  version: 1,
  payload: CommentRulesPayload,
  description: 'The rules were changed by which comments wait for a moderator.',
  visibleTo: ['comments:moderate'],
});
