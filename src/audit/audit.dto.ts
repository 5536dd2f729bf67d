import type { Breach, Verification } from '#audit';
import { Id, IfPresent, Line, ListQuery, type Page, QueryInt, Time } from '#http';
import { ApiProperty } from '@nestjs/swagger';
import { IsIn, IsInt, Matches, Max, Min } from 'class-validator';
import type { ListedEntry } from './audit.queries.js';

export class AuditActorResponse {
  /** `anonymous`: nobody was logged in; `system`: the application itself. */
  kind: 'user' | 'system' | 'anonymous';
  /** The user's id. */
  id: string | null;
}

export class AuditedResourceResponse {
  /** @example "order" */
  type: string;
  /** @example "0199f3a1-7c1e-7b3a-9a4e-0d6f1c2b3a49" */
  id: string;
}

/** Members by their names; null for what is not there or cannot be read any more. */
const Values = (description: string) =>
  ApiProperty({ type: 'object', additionalProperties: true, nullable: true, description, example: { status: 'pending' } });

export class AuditEntryResponse {
  id: string;
  createdAt: Date;
  actor: AuditActorResponse;
  /** The id of the person it concerns. */
  subjectId: string | null;
  /** @example "orders.cancelled" */
  action: string;
  resource: AuditedResourceResponse;
  outcome: 'succeeded' | 'denied' | 'failed';
  /** @example "192.0.2.1" */
  ip: string | null;
  /** @example "Mozilla/5.0" */
  userAgent: string | null;
  /** The `X-Request-Id` of the call. */
  requestId: string | null;
  @Values('What changed, as it was before; null for a creation.')
  before: Record<string, unknown> | null;
  @Values('What changed, as it was afterwards; null for a removal. Of long texts a SHA-256 and the length.')
  after: Record<string, unknown> | null;
  /** `erased`: the data of the person they are about was erased; they are null. `altered`: they are not what was written. */
  personalValues: 'readable' | 'erased' | 'altered';
  /** Its place in the chain; null until it is sealed, a few seconds after it happened. */
  position: number | null;

  static from(this: void, entry: ListedEntry): AuditEntryResponse {
    return {
      id: entry.id,
      createdAt: entry.createdAt,
      actor: { kind: entry.actorKind, id: entry.actorId },
      subjectId: entry.subjectId,
      action: entry.action,
      resource: { type: entry.resourceType, id: entry.resourceId },
      outcome: entry.outcome,
      ip: entry.ip,
      userAgent: entry.userAgent,
      requestId: entry.requestId,
      before: entry.before,
      after: entry.after,
      personalValues: entry.personalValues,
      position: entry.position === null ? null : Number(entry.position),
    };
  }
}

export class AuditEntryList implements Page<AuditEntryResponse> {
  items: AuditEntryResponse[];
  /** Give it as `cursor` to get the next page; null on the last one. */
  nextCursor: string | null;
}

/** Of a line that is trimmed. */
const RESOURCE = /^(?:[a-z-]{1,50}(?:[:/][^\u0000-\u001f\u007f]*[^\s\u0000-\u001f\u007f])?|[0-9a-fA-F-]{36})$/;

export class ListAuditQuery extends ListQuery {
  /** The id of the user who acted. */
  @IfPresent()
  @Id()
  actor?: string;

  /** The id of a user: what they did, and what was done to them. */
  @IfPresent()
  @Id()
  person?: string;

  /** @example "orders.cancelled" */
  @IfPresent()
  @Matches(/^[a-z-]{1,50}\.[a-z-]{1,50}$/, { message: 'action must be like orders.cancelled' })
  action?: string;

  /** A type (`order`), a type with an id (`order:<id>`), or an id alone. @example "order" */
  @IfPresent()
  @ApiProperty({ pattern: `^\\s*${RESOURCE.source.slice(1, -1)}\\s*$` })
  @Line(1, 300)
  @Matches(RESOURCE, { message: 'resource must be a type, type:id or an id' })
  resource?: string;

  @IfPresent()
  @IsIn(['succeeded', 'denied', 'failed'])
  outcome?: 'succeeded' | 'denied' | 'failed';

  /** Only what happened then or later. @example "2030-01-01T00:00:00.000Z" */
  @IfPresent()
  @Time()
  from?: string;

  /** Only what happened earlier. @example "2031-01-01T00:00:00.000Z" */
  @IfPresent()
  @Time()
  to?: string;

  @IfPresent()
  @IsIn(['-createdAt', 'createdAt'])
  sort: '-createdAt' | 'createdAt' = '-createdAt';
}

export class VerifyAuditQuery {
  /** `position` of an earlier answer, kept elsewhere. */
  @ApiProperty({
    required: false,
    type: 'integer',
    minimum: 0,
    maximum: Number.MAX_SAFE_INTEGER,
    description: '`position` of an earlier answer that was kept elsewhere.',
  })
  @IfPresent()
  @QueryInt()
  @IsInt()
  @Min(0)
  @Max(Number.MAX_SAFE_INTEGER)
  position?: number;

  /** `head` of the same answer. */
  @ApiProperty({ required: false, type: 'string', pattern: '^[0-9a-fA-F]{64}$', description: '`head` of the same answer.' })
  @IfPresent()
  @Matches(/^[0-9a-f]{64}$/i, { message: 'head must be 64 hexadecimal digits' })
  head?: string;
}

export class AuditBreakResponse {
  /** Null for an entry that has no place in the chain. */
  position: number | null;
  /** Null where nothing is left to say which it was. */
  entryId: string | null;
  /**
   * `altered`: its content is not what was sealed. `missing`: it or its seal is gone. `inserted`: it was not written by the application.
   * `reordered`: another was sealed here. `cut`: the end of the chain is gone. `replaced`: this is not the chain whose head was kept.
   * `unproven`: somebody changed where the chain ends. `key-missing`: the key that sealed it is no longer configured.
   */
  @ApiProperty({ enum: ['altered', 'missing', 'inserted', 'reordered', 'cut', 'replaced', 'unproven', 'key-missing'] })
  reason: Breach;
}

export class VerificationResponse {
  /** Whether every sealed entry is what it was, at its place, and none is missing. */
  verified: boolean;
  /** How many there are. */
  entries: number;
  /** How many places the chain has. It may have grown while the entries were counted. */
  sealed: number;
  /** How many wait for it; usually those of the last seconds. */
  unsealed: number;
  /** Since when the first of those waits; long ago, if no process with the role `worker` or `all` runs. */
  unsealedSince: Date | null;
  /** The last position that has expired; 0 as long as none has. */
  expired: number;
  /** The end of the chain. Keep it with `head` where nobody can change it. */
  position: number;
  /** The head of the chain at `position`. @example "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08" */
  head: string;
  /** The first place where something is wrong. */
  brokenAt: AuditBreakResponse | null;

  static from(this: void, { brokenAt, ...found }: Verification): VerificationResponse {
    return {
      ...found,
      expired: Number(found.expired),
      position: Number(found.position),
      brokenAt: brokenAt && { ...brokenAt, position: brokenAt.position === null ? null : Number(brokenAt.position) },
    };
  }
}
