import { Id, IfPresent, Line, Money } from '#http';
import { applyDecorators } from '@nestjs/common';
import { ApiProperty } from '@nestjs/swagger';
import { Type } from 'class-transformer';
import {
  ArrayMaxSize,
  ArrayMinSize,
  ArrayUnique,
  IsArray,
  IsNotEmptyObject,
  IsOptional,
  IsString,
  Matches,
  ValidateBy,
  ValidateNested,
} from 'class-validator';
import { FileVariantResponse, type Links } from '../files/files.dto.js';
import type { Picture } from './products.queries.js';

const MOST_OPTIONS = 3;
const MOST_IMAGES = 50;
const OPTION_LENGTH = 40;
const VALUE_LENGTH = 60;
// Filters part values by commas, and names from values by colons.
const VALUE = /^[^\s,\u0000-\u001f\u007f](?:[^,\u0000-\u001f\u007f]{0,58}[^\s,\u0000-\u001f\u007f])?$/u;
const OPTION_NAME = /^[^\s,:\u0000-\u001f\u007f](?:[^,:\u0000-\u001f\u007f]{0,38}[^\s,:\u0000-\u001f\u007f])?$/u;

const isOptionValues = (value: unknown): boolean => {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  const entries = Object.entries(value);
  const fits = (text: unknown, most: number) => typeof text === 'string' && text !== '' && [...text].length <= most;
  return entries.length <= MOST_OPTIONS && entries.every(([name, text]) => fits(name, OPTION_LENGTH) && fits(text, VALUE_LENGTH));
};

/** Texts by the names of options. */
export const OptionValues = () =>
  applyDecorators(
    ValidateBy({
      name: 'isOptionValues',
      validator: {
        validate: isOptionValues,
        defaultMessage: () =>
          `$property must be an object of at most ${MOST_OPTIONS} texts (1 to ${VALUE_LENGTH} characters each) with the names of options`,
      },
    }),
    ApiProperty({
      type: 'object',
      additionalProperties: { type: 'string', minLength: 1, maxLength: VALUE_LENGTH },
      propertyNames: { minLength: 1, maxLength: OPTION_LENGTH },
      maxProperties: MOST_OPTIONS,
      example: {},
      description: 'Of each option of the product the value that it has, another for each variant on sale; or none.',
    } as never),
  );

/** What the variants of a product differ in. */
export class OptionDto {
  /** @example "Colour" */
  @IsString()
  @Matches(OPTION_NAME, {
    message: `$property must be one line of 1 to ${OPTION_LENGTH} characters without commas and colons, and without space around it`,
  })
  @ApiProperty({ type: 'string', minLength: 1, maxLength: OPTION_LENGTH, pattern: OPTION_NAME.source })
  name: string;

  /** What can be chosen, in the order it is shown in. @example ["Blue", "White"] */
  @ApiProperty({
    type: 'array',
    items: { type: 'string', minLength: 1, maxLength: VALUE_LENGTH, pattern: VALUE.source },
    uniqueItems: true,
    minItems: 1,
    maxItems: 100,
  })
  @IsArray()
  @ArrayMinSize(1)
  @ArrayMaxSize(100)
  @ArrayUnique()
  @IsString({ each: true })
  @Matches(VALUE, {
    each: true,
    message: `each of $property must be one line of 1 to ${VALUE_LENGTH} characters without commas, and without space around it`,
  })
  values: string[];
}

export const Options = () =>
  applyDecorators(
    ApiProperty({ required: false, type: [OptionDto], maxItems: MOST_OPTIONS }),
    IsArray(),
    ArrayMaxSize(MOST_OPTIONS),
    ArrayUnique((option: OptionDto | null) => option?.name, { message: 'each of $property must have another name' }),
    ValidateNested({ each: true }),
    Type(() => OptionDto),
  );

/** An image that is to be shown. */
export class ImageDto {
  /** An image file of yours. */
  @Id()
  fileId: string;

  /** What it shows, for those who do not see it. @example "The blue mug on a table" */
  @IfPresent()
  @Line(0, 300)
  alt: string = '';
}

export const Images = () =>
  applyDecorators(
    ApiProperty({ required: false, type: [ImageDto], maxItems: MOST_IMAGES }),
    IsArray(),
    ArrayMaxSize(MOST_IMAGES),
    ArrayUnique((image: ImageDto | null) => image?.fileId, { message: 'each of $property must be another file' }),
    ValidateNested({ each: true }),
    Type(() => ImageDto),
  );

export const CompareAt = () =>
  applyDecorators(
    IsOptional(),
    IsNotEmptyObject(),
    ValidateNested(),
    Type(() => Money),
  );

export class ImageResponse {
  fileId: string;
  /** The image. While the product is not on sale, the link works for some minutes. */
  url: string;
  /** What it shows, for those who do not see it. @example "The blue mug on a table" */
  alt: string;
  /** In pixels. @example 1200 */
  width: number | null;
  /** In pixels. @example 800 */
  height: number | null;
  /** The smaller pictures that are ready. */
  variants: FileVariantResponse[];
  /** Whether there are, or will be, smaller pictures. */
  variantsStatus: 'none' | 'pending' | 'ready' | 'failed';

  static from(this: void, picture: Picture, links: Links): ImageResponse {
    const { id, alt, width, height, variants } = picture;
    return {
      fileId: id,
      url: links.toContent(picture),
      alt,
      width,
      height,
      variants: FileVariantResponse.of(picture, links),
      variantsStatus: variants,
    };
  }
}

export class OptionResponse {
  /** @example "Colour" */
  name: string;
  /** @example ["Blue", "White"] */
  values: string[];
}
