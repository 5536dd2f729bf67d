import { IfPresent, ListQuery, type Page, Prose } from '#http';
import { IsIn } from 'class-validator';
import { AuthorResponse } from '../posts/posts.dto.js';
import type { Report } from './reports.service.js';

export class ReportCommentDto {
  /** What is wrong with it. @example "It insults somebody." */
  @Prose(1, 1_000)
  reason: string;
}

export class ReportResponse {
  id: string;
  commentId: string;
  reporter: AuthorResponse;
  /** @example "It insults somebody." */
  reason: string;
  createdAt: Date;
  /** When a moderator decided about the comment; null until then. */
  resolvedAt: Date | null;

  static from(this: void, report: Report): ReportResponse {
    return {
      id: report.id,
      commentId: report.commentId,
      reporter: { id: report.reporterId, name: report.reporterName },
      reason: report.reason,
      createdAt: report.createdAt,
      resolvedAt: report.resolvedAt,
    };
  }
}

export class ReportList implements Page<ReportResponse> {
  items: ReportResponse[];
  /** Give it as `cursor` to get the next page; null on the last one. */
  nextCursor: string | null;
}

export class ListReportsQuery extends ListQuery {
  @IfPresent()
  @IsIn(['createdAt', '-createdAt'])
  sort: 'createdAt' | '-createdAt' = 'createdAt';
}
