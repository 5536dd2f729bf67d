import { IfPresent } from '#http';
import { ApiProperty } from '@nestjs/swagger';
import { Type } from 'class-transformer';
import { ArrayMaxSize, ArrayUnique, IsArray, IsBoolean, IsIn, ValidateNested } from 'class-validator';
import type { Kind } from './letters.rules.js';
import { KINDS } from './notifications.rules.js';
import type { Preference } from './preferences.service.js';

export class PreferenceResponse {
  /** @example "order.paid" */
  kind: string;
  /** Whether it stands in the inbox. */
  inApp: boolean;
  /** Whether it comes by mail. */
  email: boolean;
  /** Whether both are always on: what concerns the security of the account. */
  mandatory: boolean;
}

export class PreferencesResponse {
  /** One for each kind. */
  preferences: PreferenceResponse[];

  static from(this: void, preferences: Preference[]): PreferencesResponse {
    return { preferences: preferences.map(({ kind, inApp, email, mandatory }) => ({ kind, inApp, email, mandatory })) };
  }
}

export class PreferenceDto {
  /** @example "order.paid" */
  @IsIn(KINDS)
  kind: Kind;

  @IsBoolean()
  inApp: boolean;

  @IsBoolean()
  email: boolean;

  /** Not read: it may stand here so that what was read can be sent back. */
  @IfPresent()
  @IsBoolean()
  mandatory?: boolean;
}

export class PreferencesDto {
  /** Each kind once; those that are left out keep what they have. */
  @IsArray()
  @ApiProperty({ type: () => [PreferenceDto], maxItems: KINDS.length })
  @ArrayMaxSize(KINDS.length)
  @ArrayUnique(({ kind }: PreferenceDto) => kind)
  @ValidateNested({ each: true })
  @Type(() => PreferenceDto)
  preferences: PreferenceDto[];
}
