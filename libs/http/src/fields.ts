import { applyDecorators } from '@nestjs/common';
import { ApiProperty } from '@nestjs/swagger';
import { Transform } from 'class-transformer';
import { isId } from './validation.pipe.js';
import { IsEmail, isISO8601, IsString, Matches, MaxLength, MinLength, ValidateBy, ValidateIf } from 'class-validator';

/**
 * What is not seen in a line, or turns the direction of what follows, so that two that differ look alike (Unicode TR 36 and 39): controls,
 * separators of lines, marks and overrides of direction, and what has no width. Joiners and selectors are not among them: scripts and emoji need them.
 */
const UNSEEN =
  '\\u034f\\u17b4\\u17b5\\u0000-\\u001f\\u007f-\\u009f\\u00ad\\u061c\\u115f\\u1160\\u180e\\u200b\\u200e\\u200f\\u2028-\\u202e\\u2060-\\u206f\\u3164\\ufeff\\uffa0\\ufff0-\\ufffb';
/** A joiner says something behind a letter or mark of a script that joins, and within emoji; elsewhere it only hides. */
const STRAY_JOINERS =
  /(?<![\p{M}\p{Extended_Pictographic}\p{Emoji_Modifier}\p{Script=Arabic}\p{Script=Syriac}\p{Script=Mongolian}])[\u200c\u200d]|[\u200c\u200d](?![\p{L}\p{M}\p{Extended_Pictographic}])/gu;
/** Selectors choose how the character before them looks; tags spell the flags of regions behind a black flag. */
const STRAY_SELECTORS =
  /(?<![\p{Emoji}\p{S}\p{P}\p{Script=Han}\p{Script=Mongolian}\p{Script=Myanmar}])[\ufe00-\ufe0f\u{e0100}-\u{e01ef}]|(?<!\u{1f3f4}[\u{e0020}-\u{e007f}]{0,7})[\u{e0000}-\u{e007f}]/gu;

const PROSE = /^[^\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f]*$/;

/** In a PATCH: absent keeps, but `null` is refused because the member cannot be empty. */
export const IfPresent = () => ValidateIf((_, value) => value !== undefined);

const normalised = (normalise: (text: string) => string) =>
  Transform(({ value }: { value: unknown }) => (typeof value === 'string' ? normalise(value) : value));

/** Code points, as JSON Schema counts: UTF-16 has up to two units for one, and class-validator overlooks variation selectors. */
const atLeast = (text: string, min: number) => text.length >= min * 2 || [...text].length >= min;
const atMost = (text: string, max: number) => text.length <= max || (text.length <= max * 2 && [...text].length <= max);

/** Text as it is, without normalising. */
export const Text = (min: number, max: number) =>
  applyDecorators(
    IsString(),
    ValidateBy({
      name: 'minLength',
      validator: {
        validate: (value) => typeof value === 'string' && atLeast(value, min),
        defaultMessage: () => `$property must be longer than or equal to ${min} characters`,
      },
    }),
    ValidateBy({
      name: 'maxLength',
      validator: {
        validate: (value) => typeof value === 'string' && atMost(value, max),
        defaultMessage: () => `$property must be shorter than or equal to ${max} characters`,
      },
    }),
    ApiProperty({ type: 'string', minLength: min, maxLength: max }),
  );

/** What `Line` takes, before it is trimmed: at least so many characters between what may be space. */
function linePattern(min: number): string {
  const character = `[^${UNSEEN}]`;
  const visible = `[^\\s${UNSEEN}\\u200c\\u200d\\ufe00-\\ufe0f]`;
  if (min === 0) return `^\\s*${character}*\\s*$`;
  return min === 1 ? `^\\s*${visible}${character}*\\s*$` : `^\\s*${visible}${character}{${min - 2},}${visible}\\s*$`;
}

const ONE_LINE = new RegExp(`^[^${UNSEEN}]*$`);
const seen = (text: string) => text.replace(STRAY_JOINERS, '').replace(STRAY_SELECTORS, '').trim().normalize('NFC');

/** One line of text: trimmed, in Unicode's NFC, without characters that control, hide or turn round what is read. */
export const Line = (min: number, max: number) =>
  applyDecorators(
    normalised(seen),
    Text(min, max),
    Matches(ONE_LINE, { message: '$property must be one line without control characters, invisible ones, or marks of direction' }),
    ApiProperty({ pattern: linePattern(min) }),
  );

/** Text of several lines, in NFC, as it was written otherwise. */
export const Prose = (min: number, max: number) =>
  applyDecorators(
    normalised((text) => text.normalize('NFC')),
    Text(min, max),
    ValidateBy({
      name: 'isProse',
      validator: {
        validate: (value) => typeof value === 'string' && PROSE.test(value),
        defaultMessage: () => '$property must not hold control characters',
      },
    }),
    ApiProperty({ pattern: PROSE.source }),
  );

/** An e-mail address, normalised once and for all: trimmed, NFC, lower case. */
export const EmailAddress = () =>
  applyDecorators(
    normalised((text) => text.trim().normalize('NFC').toLowerCase()),
    IsEmail({ allow_utf8_local_part: false }),
    MaxLength(254),
    ApiProperty({ type: 'string', format: 'email', maxLength: 254, example: 'ada@example.com' }),
  );

const SLUG = /^(?![0-9a-f]{8}-[0-9a-f]{4}-)[a-z0-9]+(?:-[a-z0-9]+)*$/;

/** The word a resource is found by beside its id; never of an id's form, since one path takes both. */
export const Slug = () =>
  applyDecorators(
    IsString(),
    MaxLength(120),
    Matches(SLUG, {
      message: '$property must be of lower-case letters and digits, with single hyphens between, and not look like an id',
    }),
    ApiProperty({ type: 'string', minLength: 1, maxLength: 120, pattern: SLUG.source, example: 'on-analytical-engines' }),
  );

const RFC_3339 = /^\d{4}-\d\d-\d\dT(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)$/;

/** The days of the calendar that exist, in the years 100 to 9999: `new Date` would roll 30 February over, and PostgreSQL has no year 0. */
export function isTime(value: unknown): boolean {
  if (typeof value !== 'string' || !RFC_3339.test(value) || !isISO8601(value, { strict: true })) return false;
  const year = new Date(value).getUTCFullYear();
  return year >= 1 && year <= 9_999;
}

/** A moment in RFC 3339 with its offset, as a text that `new Date` reads. */
export const Time = () =>
  applyDecorators(
    ValidateBy({
      name: 'isTime',
      validator: { validate: isTime, defaultMessage: () => '$property must be a time with its offset, like 2030-01-01T08:00:00Z' },
    }),
    ApiProperty({ type: 'string', format: 'date-time', example: '2030-01-01T08:00:00Z' }),
  );

/** The id of another resource, in lower case. */
export const Id = () =>
  applyDecorators(
    normalised((text) => text.toLowerCase()),
    ValidateBy({
      name: 'isUuid',
      validator: { validate: (value) => typeof value === 'string' && isId(value), defaultMessage: () => '$property must be a UUID' },
    }),
    ApiProperty({ type: 'string', format: 'uuid', example: '0199f3a1-7c1e-7b3a-9a4e-0d6f1c2b3a49' }),
  );

const VISIBLE_ASCII = /^[!-~]+$/;

/** The integrator's own id of a resource, unique among its kind. */
export const ExternalId = () =>
  applyDecorators(
    IsString(),
    MinLength(1),
    MaxLength(255),
    Matches(VISIBLE_ASCII, { message: '$property must be visible ASCII' }),
    ApiProperty({
      type: 'string',
      minLength: 1,
      maxLength: 255,
      pattern: VISIBLE_ASCII.source,
      example: 'crm-4711',
      description: "The integrator's own id, unique among resources of this kind.",
    }),
  );

const NAME = /^[\w.:-]{1,64}$/;

const isStringMap = (value: unknown): boolean => {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  const entries = Object.entries(value);
  return entries.length <= 50 && entries.every(([name, text]) => NAME.test(name) && typeof text === 'string' && atMost(text, 500));
};

/** Up to 50 texts of the integrator's. */
export const Metadata = () =>
  applyDecorators(
    ValidateBy({
      name: 'isMetadata',
      validator: {
        validate: isStringMap,
        defaultMessage: () =>
          '$property must be an object of at most 50 texts (500 characters each) with names of 1 to 64 letters, digits, . : _ -',
      },
    }),
    ApiProperty({
      type: 'object',
      additionalProperties: { type: 'string', maxLength: 500 },
      propertyNames: { pattern: NAME.source },
      maxProperties: 50,
      example: { crmId: '4711' },
      description: 'Up to 50 texts for the integrator; Ashlar does not read them.',
    } as never),
  );
