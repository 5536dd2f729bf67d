import { IfPresent, ListQuery, type Page, Prose } from '#http';
import { Type } from 'class-transformer';
import { IsOptional, ValidateNested } from 'class-validator';
import { AuthorResponse } from './posts.dto.js';
import { PublishPostDto } from './publications.dto.js';
import type { Review } from './reviews.queries.js';

export class SubmitPostDto {
  /** For the editors. @example "The figures are from the report of May." */
  @IsOptional()
  @Prose(0, 2_000)
  note?: string | null;
}

export class ApprovePostDto {
  /** For the author. @example "Thank you!" */
  @IsOptional()
  @Prose(0, 2_000)
  note?: string | null;

  /** Publishes the post with that: now, or at a time to come. Needs the permission `posts:publish`, too. */
  @IfPresent()
  @ValidateNested()
  @Type(() => PublishPostDto)
  publication?: PublishPostDto;
}

export class ReturnPostDto {
  /** For the author: what is missing. @example "Please name the source of the figures." */
  @Prose(1, 2_000)
  note: string;
}

export class ListReviewsQuery extends ListQuery {}

export class ReviewResponse {
  id: string;
  /** The version that was handed in. @example 3 */
  version: number;
  submittedAt: Date;
  submittedBy: AuthorResponse;
  /** @example "The figures are from the report of May." */
  note: string | null;
  /** Null while it waits for the editors. */
  outcome: 'approved' | 'returned' | 'withdrawn' | null;
  decidedAt: Date | null;
  decidedBy: AuthorResponse | null;
  /** The version that was decided about. @example 4 */
  decidedVersion: number | null;
  /** @example "Please name the source of the figures." */
  decisionNote: string | null;

  static from(this: void, review: Review): ReviewResponse {
    return {
      id: review.id,
      version: review.version,
      submittedAt: review.submittedAt,
      submittedBy: { id: review.submittedById, name: review.submittedByName },
      note: review.note,
      outcome: review.outcome,
      decidedAt: review.decidedAt,
      decidedBy: review.decidedById === null ? null : { id: review.decidedById, name: review.decidedByName! },
      decidedVersion: review.decidedVersion,
      decisionNote: review.decisionNote,
    };
  }
}

export class ReviewList implements Page<ReviewResponse> {
  items: ReviewResponse[];
  /** Give it as `cursor` to get the next page; null on the last one. */
  nextCursor: string | null;
}
