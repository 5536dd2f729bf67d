import { applyDecorators } from '@nestjs/common';
import { ApiProperty } from '@nestjs/swagger';
import { IfPresent, Line } from '#http';
import { ArrayMaxSize, ArrayUnique, IsArray, IsString, Matches, MaxLength } from 'class-validator';

const NAME = /^[a-z][a-z0-9]*(?:-[a-z0-9]+)*$/;
const PERMISSION = /^[a-z]+(?:-[a-z]+)*:[a-z]+(?:-[a-z]+)*$/;

const NAMED = { maxLength: 40, pattern: NAME.source };

/** The name of a role, built-in or custom. */
export const RoleName = (options: { each?: boolean } = {}) =>
  applyDecorators(
    IsString(options),
    MaxLength(40, options),
    Matches(NAME, { ...options, message: '$property must be of lower-case letters and digits, with single hyphens between' }),
    ApiProperty(options.each ? { type: 'array', items: { type: 'string', ...NAMED } } : { type: 'string', ...NAMED }),
  );

/** Names of permissions, each once; whether there are such is the service's affair. */
export const Permissions = () =>
  applyDecorators(
    IsArray(),
    ArrayMaxSize(100),
    ArrayUnique(),
    IsString({ each: true }),
    MaxLength(60, { each: true }),
    Matches(PERMISSION, { each: true, message: 'each of $property must be a permission like orders:read' }),
    ApiProperty({
      type: 'array',
      maxItems: 100,
      uniqueItems: true,
      items: { type: 'string', maxLength: 60, pattern: PERMISSION.source },
      example: ['orders:read'],
    }),
  );

export class CreateRoleDto {
  /** What users have it by; it cannot be changed. @example "warehouse" */
  @RoleName()
  name: string;

  /** What it is for. @example "Packs and ships." */
  @IfPresent()
  @Line(0, 200)
  description?: string;

  /** What it allows: permissions that you have yourself. @example ["orders:read"] */
  @Permissions()
  permissions: string[];
}

export class UpdateRoleDto {
  /** @example "Packs and ships." */
  @IfPresent()
  @Line(0, 200)
  description?: string;

  /** All that it allows from now on. Everybody who has it follows within a second. @example ["orders:read"] */
  @IfPresent()
  @Permissions()
  permissions?: string[];
}

/** A role, made by somebody or known to the code. */
export interface DescribedRole {
  name: string;
  description: string;
  permissions: readonly string[];
  builtIn: boolean;
  version: number;
  createdAt: Date | null;
  updatedAt: Date | null;
}

export class RoleResponse {
  /** @example "warehouse" */
  name: string;
  /** @example "Packs and ships." */
  description: string;
  /** @example ["orders:read"] */
  permissions: string[];
  /** Whether it is part of the application and cannot be changed. */
  builtIn: boolean;
  /** Counts the changes; part of the ETag. @example 1 */
  version: number;
  /** Null for those of the application. */
  createdAt: Date | null;
  updatedAt: Date | null;

  static from(this: void, { name, description, permissions, builtIn, version, createdAt, updatedAt }: DescribedRole): RoleResponse {
    return { name, description, permissions: [...permissions], builtIn, version, createdAt, updatedAt };
  }
}

export class RoleList {
  items: RoleResponse[];
  /** Always null: there are not that many roles. */
  nextCursor: string | null;
}
