import { Id, IfPresent, ListQuery, type Page } from '#http';
import { ApiProperty } from '@nestjs/swagger';
import { Transform } from 'class-transformer';
import { IsBoolean, IsIn } from 'class-validator';
import type { PostImport, PostImportProblem } from './imports.queries.js';

const FLAGS: Record<string, boolean> = { true: true, false: false };

/** `true` or `false` in a query. */
const Flag = () => Transform(({ value }: { value: unknown }) => (typeof value === 'string' ? (FLAGS[value] ?? value) : value));

export class ImportOptionsQuery {
  /** Only says what would come of it. */
  @ApiProperty({ required: false, type: 'boolean', default: false, description: 'Only says what would come of it.' })
  @IfPresent()
  @Flag()
  @IsBoolean()
  dryRun: boolean = false;

  /** Publishes what is no draft, at the time its file says; takes `posts:publish`. Otherwise all become drafts. */
  @ApiProperty({
    required: false,
    type: 'boolean',
    default: false,
    description: 'Publishes what is no draft, at the time its file says; takes `posts:publish`. Otherwise all become drafts.',
  })
  @IfPresent()
  @Flag()
  @IsBoolean()
  publish: boolean = false;

  /** Writes over posts that were edited here since they were imported, and over those that a file names without having been imported from it. */
  @ApiProperty({
    required: false,
    type: 'boolean',
    default: false,
    description:
      'Writes over posts that were edited here since they were imported, and over those that a file names without having been imported from it.',
  })
  @IfPresent()
  @Flag()
  @IsBoolean()
  overwrite: boolean = false;

  /** Whose posts they become: the caller’s, unless it is said; somebody else’s takes `posts:manage`. */
  @IfPresent()
  @Id()
  author?: string;
}

export class ListImportsQuery extends ListQuery {
  @IfPresent()
  @IsIn(['-createdAt', 'createdAt'])
  sort: '-createdAt' | 'createdAt' = '-createdAt';
}

export class ImportProgressResponse {
  /** How many files were dealt with. @example 12 */
  done: number;
  /** How many there are; null until they are counted. @example 40 */
  of: number | null;
}

export class ImportProblemResponse {
  /** Its path in the archive; empty when it is about the whole. @example "_posts/2020-01-02-on-engines.md" */
  file: string;
  /** The line of the file; null when it is about all of it. @example 3 */
  line: number | null;
  /** @example "title-missing" */
  code: string;
  /** @example "There is no `title`." */
  detail: string;
}

export class ImportNoteResponse extends ImportProblemResponse {
  /** Of how many files it is true; `file` is the first one. @example 12 */
  count: number;
}

export class ImportSummaryResponse {
  id: string;
  /** What was sent is called. @example "blog.zip" */
  name: string;
  status: 'pending' | 'running' | 'done' | 'failed' | 'cancelled';
  /** Whose posts they become. */
  authorId: string;
  dryRun: boolean;
  publish: boolean;
  overwrite: boolean;
  progress: ImportProgressResponse;
  /** Posts that were written; of a dry run, that would be. @example 10 */
  created: number;
  /** Posts whose files have changed. @example 1 */
  updated: number;
  /** Files that were imported before, and have not changed. @example 0 */
  unchanged: number;
  /** Files that were not taken; `problems` says why. @example 1 */
  failed: number;
  createdAt: Date;
  startedAt: Date | null;
  completedAt: Date | null;

  static from(this: void, row: PostImport): ImportSummaryResponse {
    return {
      id: row.id,
      name: row.name,
      status: row.status,
      authorId: row.authorId,
      dryRun: row.dryRun,
      publish: row.publish,
      overwrite: row.overwrite,
      progress: { done: row.done, of: row.of },
      created: row.created,
      updated: row.updated,
      unchanged: row.unchanged,
      failed: row.failed,
      createdAt: row.createdAt,
      startedAt: row.startedAt,
      completedAt: row.completedAt,
    };
  }
}

export class ImportResponse extends ImportSummaryResponse {
  /** Why files were not taken: the first thousand. */
  problems: ImportProblemResponse[];
  /** What was left out of files that were. */
  notes: ImportNoteResponse[];

  static override from(this: void, row: PostImport & { problems: PostImportProblem[] }): ImportResponse {
    return {
      ...ImportSummaryResponse.from(row),
      problems: row.problems.filter(({ note }) => !note).map(({ file, line, code, detail }) => ({ file, line, code, detail })),
      notes: row.problems.filter(({ note }) => note).map(({ file, line, code, detail, count }) => ({ file, line, code, detail, count })),
    };
  }
}

export class ImportList implements Page<ImportSummaryResponse> {
  items: ImportSummaryResponse[];
  /** Give it as `cursor` to get the next page; null on the last one. */
  nextCursor: string | null;
}
