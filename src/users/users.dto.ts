import { ExternalId, IfPresent, Line, ListQuery, Metadata, type Page } from '#http';
import { ArrayMaxSize, ArrayNotEmpty, ArrayUnique, IsArray, IsIn, IsOptional } from 'class-validator';
import type { User } from './users.service.js';
import type { Actor } from '#security';
import { RoleName } from './roles.dto.js';

export class UserResponse {
  /** @example "0199f3a1-7c1e-7b3a-9a4e-0d6f1c2b3a49" */
  id: string;
  /** @example "ada@example.com" */
  email: string;
  /** @example "Ada Lovelace" */
  name: string;
  emailVerified: boolean;
  /** @example ["customer"] */
  roles: string[];
  /** Whether a log-in asks for a second factor: an authenticator app or a passkey is there. */
  mfaEnabled: boolean;
  status: 'active' | 'suspended';
  /** @example "crm-4711" */
  externalId: string | null;
  metadata: Record<string, string>;
  /** Counts the changes; part of the ETag. @example 1 */
  version: number;
  createdAt: Date;
  updatedAt: Date;

  static from(this: void, user: User): UserResponse {
    return {
      id: user.id,
      email: user.email,
      name: user.name,
      emailVerified: user.emailVerifiedAt !== null,
      roles: user.roles,
      mfaEnabled: user.mfaEnabled,
      status: user.status,
      externalId: user.externalId,
      metadata: user.metadata as Record<string, string>,
      version: user.version,
      createdAt: user.createdAt,
      updatedAt: user.updatedAt,
    };
  }
}

export class MeResponse extends UserResponse {
  /** The id of who acts as this user by this access token; null for the user in person. */
  impersonatedBy: string | null;

  static of(this: void, user: User, actor: Actor): MeResponse {
    return { ...UserResponse.from(user), impersonatedBy: actor.impersonatorId };
  }
}

export class UserList implements Page<UserResponse> {
  items: UserResponse[];
  /** Give it as `cursor` to get the next page; null on the last one. */
  nextCursor: string | null;
}

export class UpdateMeDto {
  /** @example "Ada King" */
  @IfPresent()
  @Line(1, 100)
  name?: string;

  @IfPresent()
  @Metadata()
  metadata?: Record<string, string>;
}

export class UpdateUserDto extends UpdateMeDto {
  /** All roles the user has from now on. Sessions follow within a second. @example ["editor"] */
  @IfPresent()
  @IsArray()
  @ArrayNotEmpty()
  @ArrayMaxSize(20)
  @ArrayUnique()
  @RoleName({ each: true })
  roles?: string[];

  /** A suspended user's sessions end at once. */
  @IfPresent()
  @IsIn(['active', 'suspended'])
  status?: 'active' | 'suspended';

  @IsOptional()
  @ExternalId()
  externalId?: string | null;
}

export class ListUsersQuery extends ListQuery {
  /** Part of the address or the name, three characters at least. @example "ada" */
  @IfPresent()
  @Line(3, 100)
  q?: string;

  /** Only users with this role. @example "editor" */
  @IfPresent()
  @RoleName()
  role?: string;

  @IfPresent()
  @IsIn(['active', 'suspended'])
  status?: 'active' | 'suspended';

  @IfPresent()
  @IsIn(['-createdAt', 'createdAt'])
  sort: '-createdAt' | 'createdAt' = '-createdAt';
}
