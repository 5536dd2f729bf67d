import { ListQuery, type Page, QueryInt } from '#http';
import { IsInt, IsOptional, Max, Min } from 'class-validator';
import { ApiProperty } from '@nestjs/swagger';
import type { Difference } from './diffs.rules.js';
import { AuthorResponse } from './posts.dto.js';
import type { FullRevision, Revision } from './revisions.queries.js';

export class ListRevisionsQuery extends ListQuery {}

export class CompareQuery {
  /** The number of the version to compare with; the one before, if it is left out. */
  @IsOptional()
  @QueryInt()
  @IsInt()
  @Min(1)
  @Max(2_147_483_647)
  @ApiProperty({ type: 'integer', required: false, minimum: 1, maximum: 2_147_483_647 })
  against?: number;
}

export class RevisionResponse {
  /** The number of the version: the `version` that the post had with it. @example 3 */
  n: number;
  /** What made the version. */
  kind:
    | 'written'
    | 'edited'
    | 'restored'
    | 'published'
    | 'unpublished'
    | 'submitted'
    | 'withdrawn'
    | 'approved'
    | 'returned'
    | 'trashed'
    | 'recovered';
  createdAt: Date;
  /** Whoever made the version; null where nobody knows any more. */
  author: AuthorResponse | null;
  /** What was changed, and why, if they said so. @example "The figures of May" */
  summary: string | null;
  /** The members that differ from the version before. @example ["title","body"] */
  changed: string[];
  /** The version that was brought back; null where none was. */
  restoredFrom: number | null;

  static from(this: void, revision: Revision): RevisionResponse {
    const { n, kind, createdAt, editorId, editorName, summary, changed, restoredFrom } = revision;
    const author = editorId === null ? null : { id: editorId, name: editorName! };
    return { n, kind, createdAt, author, summary, changed, restoredFrom };
  }
}

export class FullRevisionResponse extends RevisionResponse {
  /** @example "On analytical engines" */
  title: string;
  /** @example "on-analytical-engines" */
  slug: string;
  /** @example "What the engine can do, and what it cannot." */
  excerpt: string;
  /** @example ["engines"] */
  tags: string[];
  /** Markdown, as it was written. @example "The engine *weaves* patterns." */
  body: string;
  /** The image above it, which may be gone; left out where nobody knows any more. */
  coverFileId?: string | null;
  /** The series that it belonged to, which may be gone; left out where nobody knows any more. */
  seriesId?: string | null;
  /** Its place there. @example 2 */
  seriesPosition?: number | null;

  static override from(this: void, revision: FullRevision): FullRevisionResponse {
    const { title, slug, excerpt, tags, coverFileId, seriesId, seriesPlace } = revision.content;
    return {
      ...RevisionResponse.from(revision),
      title,
      slug,
      excerpt,
      tags,
      body: revision.body,
      ...(coverFileId !== undefined && { coverFileId }),
      ...(seriesId !== undefined && { seriesId }),
      ...(seriesPlace !== undefined && { seriesPosition: seriesPlace }),
    };
  }
}

export class RevisionList implements Page<RevisionResponse> {
  items: RevisionResponse[];
  /** Give it as `cursor` to get the next page; null on the last one. */
  nextCursor: string | null;
}

export class PieceResponse {
  kind: 'same' | 'removed' | 'added';
  /** @example "The engine " */
  text: string;
}

export class HunkResponse {
  /** The first line of the place in the older text; lines count from 1. @example 4 */
  beforeLine: number;
  /** How many lines it has there. @example 7 */
  beforeLines: number;
  /** @example 4 */
  afterLine: number;
  /** @example 8 */
  afterLines: number;
  /** The lines of both, with three around that are the same. */
  lines: PieceResponse[];
  /** The same place by words, its lines with their line feeds; null where it is too large for that. */
  words: PieceResponse[] | null;
}

export class MemberDifferenceResponse {
  /** @example "title" */
  member: string;
  /** Each text of it: several for tags, none for what was not there. @example ["On engines"] */
  before: string[];
  /** @example ["On analytical engines"] */
  after: string[];
}

export class DifferenceResponse {
  /** The older version, or the one that was asked for by `against`. @example 2 */
  before: number;
  /** @example 3 */
  after: number;
  /** The members beside the body that differ. */
  members: MemberDifferenceResponse[];
  /** Where the bodies differ. */
  body: HunkResponse[];
  /** False when the bodies differ so much that all between their common beginning and end is one place. */
  exact: boolean;

  static from(this: void, { before, after, difference }: { before: number; after: number; difference: Difference }): DifferenceResponse {
    const { members, hunks, exact } = difference;
    return {
      before,
      after,
      members,
      body: hunks,
      exact,
    };
  }
}
