import { IfPresent, Line, Prose } from '#http';
import { ApiProperty } from '@nestjs/swagger';
import { IsInt, Max, Min } from 'class-validator';
import { Tags } from './posts.dto.js';
import type { Autosave } from './autosaves.service.js';

export class AutosaveDto {
  /** The version of the post that the editor began from. @example 1 */
  @IsInt()
  @Min(1)
  @Max(2_147_483_647)
  @ApiProperty({ type: 'integer' })
  baseVersion: number;

  /** What is left out, the editor has not touched. @example "On analytical eng" */
  @IfPresent()
  @Line(0, 200)
  title?: string;

  /** Markdown. @example "The engine *weaves*" */
  @IfPresent()
  @Prose(0, 500_000)
  body?: string;

  /** @example "" */
  @IfPresent()
  @Line(0, 500)
  excerpt?: string;

  /** @example ["engines"] */
  @IfPresent()
  @Tags()
  tags?: string[];
}

export class ChangingPersonResponse {
  id: string;
  /** @example "Grace Hopper" */
  name: string;
}

export class ChangedMemberResponse {
  /** @example "title" */
  member: string;
  /** The version that last changed it. @example 2 */
  version: number;
  at: Date;
  /** Whoever did; null where nobody knows any more. */
  by: ChangingPersonResponse | null;
}

export class AutosaveResponse {
  /** @example 1 */
  baseVersion: number;
  /** The version that the post has now. @example 2 */
  currentVersion: number;
  /** Whether the post was changed since the version that the editor began from. */
  outdated: boolean;
  /** The members that were changed since, each by the last who did. */
  changes: ChangedMemberResponse[];
  /** Null where the editor has not touched it. @example "On analytical eng" */
  title: string | null;
  /** @example "The engine *weaves*" */
  body: string | null;
  /** @example "What the engine can do." */
  excerpt: string | null;
  /** @example ["engines"] */
  tags: string[] | null;
  savedAt: Date;

  static from(this: void, autosave: Autosave): AutosaveResponse {
    const { baseVersion, currentVersion, changes, title, body, excerpt, tags, savedAt } = autosave;
    return { baseVersion, currentVersion, outdated: baseVersion < currentVersion, changes, title, body, excerpt, tags, savedAt };
  }
}
