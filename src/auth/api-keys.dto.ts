import { IfPresent, Line, Time } from '#http';
import { ApiProperty } from '@nestjs/swagger';
import { IsInt, IsOptional, Max, Min } from 'class-validator';
import { Permissions } from '../users/roles.dto.js';
import type { ApiKey } from './api-keys.service.js';

export class CreateApiKeyDto {
  /** What you call it. @example "The warehouse's scanner" */
  @Line(1, 100)
  name: string;

  /** Permissions of yours that the key has, too; none: what every signed-in user may do. @example ["orders:read"] */
  @Permissions()
  scopes: string[];

  /** When it ends by itself; left out or null: never. @example "2030-01-01T08:00:00Z" */
  @IsOptional()
  @Time()
  expiresAt?: string | null;
}

export class RotateApiKeyDto {
  /** How long the former key works beside the new one; a day by default, 0 if it has become known to others. @example 86400 */
  @IfPresent()
  @IsInt()
  @Min(0)
  @Max(2_592_000)
  @ApiProperty({ type: 'integer' })
  overlapSeconds?: number;
}

export class ApiKeyResponse {
  id: string;
  /** @example "The warehouse's scanner" */
  name: string;
  /** How the key begins. @example "ash_4fT9Qa" */
  prefix: string;
  /** @example ["orders:read"] */
  scopes: string[];
  expiresAt: Date | null;
  /** To the minute; null when it was never used. */
  lastUsedAt: Date | null;
  rotatedAt: Date | null;
  /** Until when the key before the last rotation works, too; null when it does not. */
  formerUntil: Date | null;
  createdAt: Date;

  static from(this: void, key: ApiKey): ApiKeyResponse {
    return {
      id: key.id,
      name: key.name,
      prefix: key.prefix,
      scopes: key.scopes,
      expiresAt: key.expiresAt,
      lastUsedAt: key.lastUsedAt,
      rotatedAt: key.rotatedAt,
      formerUntil: key.formerUntil,
      createdAt: key.createdAt,
    };
  }
}

export class ApiKeySecretResponse extends ApiKeyResponse {
  /** Send it as `Authorization: Bearer <key>`. It is not shown again. @example "ash_4fT9Qa0000000000000000000000000000000000000000000" */
  key: string;

  static of(this: void, { apiKey, key }: { apiKey: ApiKey; key: string }): ApiKeySecretResponse {
    return { ...ApiKeyResponse.from(apiKey), key };
  }
}

export class ApiKeyList {
  items: ApiKeyResponse[];
  /** Always null: nobody has that many keys. */
  nextCursor: string | null;
}
