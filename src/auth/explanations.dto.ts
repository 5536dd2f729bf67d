import { Id, IfPresent } from '#http';
import { ApiProperty } from '@nestjs/swagger';
import { IsIn, Matches, MaxLength } from 'class-validator';
import { ALL_PERMISSIONS } from '../users/roles.rules.js';
import type { Explained } from './explanations.service.js';

const KNOWN = [...ALL_PERMISSIONS].sort();

export class ExplainQuery {
  /** Whose; yours when it is left out. */
  @IfPresent()
  @Id()
  userId?: string;

  /** @example "orders:read" */
  @IsIn(KNOWN)
  @ApiProperty({ type: 'string', enum: KNOWN })
  permission: string;

  /** What it would be done to, as `type:id`; it is only repeated, since whose it is, its own rules know. @example "order:0199f3a1-7c1e-7b3a-9a4e-0d6f1c2b3a49" */
  @IfPresent()
  @MaxLength(120)
  @ApiProperty({ type: 'string', required: false, maxLength: 120, pattern: '^[a-z]+(?:-[a-z]+)*:[a-zA-Z0-9_-]+$' })
  @Matches(/^[a-z]+(?:-[a-z]+)*:[\w-]+$/, { message: 'resource must be like order:0199f3a1-7c1e-7b3a-9a4e-0d6f1c2b3a49' })
  resource?: string;
}

export class ExplainedRoleResponse {
  /** @example "support" */
  name: string;
  /** Whether it is part of the application. */
  builtIn: boolean;
  /** Whether there is such a role (any more). */
  known: boolean;
  /** Whether it allows what was asked. */
  allows: boolean;
}

export class ExplanationResponse {
  userId: string;
  /** @example "orders:read" */
  permission: string;
  /** @example "order:0199f3a1-7c1e-7b3a-9a4e-0d6f1c2b3a49" */
  resource: string | null;
  /** Whether the user may do now what the permission allows, by a session of their own. An API key may be narrower. */
  allowed: boolean;
  /** Why, in sentences. @example ["The role support allows orders:read."] */
  because: string[];
  status: 'active' | 'suspended';
  /** The user's roles. */
  roles: ExplainedRoleResponse[];
  /** Whose resources the permission reaches. @example "The orders of everybody." */
  scope: string;

  static from(this: void, { user, explanation, resource }: Explained): ExplanationResponse {
    const { permission, allowed, because, roles, scope } = explanation;
    return { userId: user.id, permission, resource, allowed, because, status: user.status, roles, scope };
  }
}
