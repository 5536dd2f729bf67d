import { applyDecorators } from '@nestjs/common';
import { ApiProperty } from '@nestjs/swagger';
import { Transform } from 'class-transformer';
import { ArrayMaxSize, ArrayUnique, IsArray, IsBoolean, IsInt, IsString, Matches, Max, MaxLength, Min, ValidateBy } from 'class-validator';
import type { CommentRules } from './comment-rules.service.js';

const MOST_WORDS = 500;
/** With at least one character that is neither space nor ASCII's punctuation: what is compared are letters and digits. */
const WORD = '^[^\\u0000-\\u001f\\u007f]*[^\\s\\u0000-\\u002f\\u003a-\\u0040\\u005b-\\u0060\\u007b-\\u00a0][^\\u0000-\\u001f\\u007f]*$';
const isWord = (value: unknown) => typeof value === 'string' && [...value].length <= 80 && new RegExp(WORD, 'u').test(value);

/** Words and phrases, each once. */
const Words = () =>
  applyDecorators(
    Transform(({ value }: { value: unknown }) =>
      Array.isArray(value) && value.every((word) => typeof word === 'string')
        ? value.map((word: string) => word.trim().normalize('NFC'))
        : value,
    ),
    IsArray(),
    ArrayMaxSize(MOST_WORDS),
    ArrayUnique(),
    ValidateBy(
      {
        name: 'isWord',
        validator: { validate: isWord, defaultMessage: () => 'each of $property must be a word or phrase of 80 characters at most' },
      },
      { each: true },
    ),
    ApiProperty({
      type: 'array',
      maxItems: MOST_WORDS,
      uniqueItems: true,
      items: { type: 'string', minLength: 1, maxLength: 80, pattern: WORD },
      example: ['casino', 'cheap watches'],
    }),
  );

/** Names of roles; one that there is not trusts nobody. */
const Roles = () =>
  applyDecorators(
    IsArray(),
    ArrayMaxSize(20),
    ArrayUnique(),
    IsString({ each: true }),
    MaxLength(40, { each: true }),
    Matches(/^[a-z][a-z0-9]*(?:-[a-z0-9]+)*$/, { each: true, message: 'each of $property must be the name of a role' }),
    ApiProperty({
      type: 'array',
      maxItems: 20,
      uniqueItems: true,
      items: { type: 'string', minLength: 1, maxLength: 40, pattern: '^[a-z][a-z0-9]*(?:-[a-z0-9]+)*$' },
      example: ['admin', 'editor', 'support'],
    }),
  );

export class ChangeCommentRulesDto {
  /** Whether somebody of whom no comment was approved yet waits for a moderator. */
  @IsBoolean()
  holdFirstComment: boolean;

  /** With more links than these a comment waits. @example 2 */
  @ApiProperty({ type: 'integer' })
  @IsInt()
  @Min(0)
  @Max(100)
  maxLinks: number;

  /** With one of these a comment waits. Whole words are compared, without accents, punctuation, and the difference of small and capital letters. */
  @Words()
  blockedWords: string[];

  /** Whoever has one of these roles never waits. */
  @Roles()
  trustedRoles: string[];
}

export class CommentRulesResponse {
  holdFirstComment: boolean;
  /** @example 2 */
  maxLinks: number;
  /** @example ["casino"] */
  blockedWords: string[];
  /** @example ["admin","editor","support"] */
  trustedRoles: string[];
  /** Counts the changes; part of the ETag. @example 1 */
  version: number;
  updatedAt: Date;

  static from(this: void, rules: CommentRules): CommentRulesResponse {
    return {
      holdFirstComment: rules.holdFirstComment,
      maxLinks: rules.maxLinks,
      blockedWords: [...rules.blockedWords],
      trustedRoles: [...rules.trustedRoles],
      version: rules.version,
      updatedAt: rules.updatedAt,
    };
  }
}
