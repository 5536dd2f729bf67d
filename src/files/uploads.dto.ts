import { Line, Text } from '#http';
import { ApiProperty } from '@nestjs/swagger';
import { IsInt, IsOptional, Matches, Max, Min } from 'class-validator';
import type { UploadRequest } from './links.service.js';

const MEDIA_TYPE = /^[a-z]+\/[a-z0-9.+-]{1,100}$/;

export class BeginUploadDto {
  /** What the file is called. @example "sunrise.jpg" */
  @Line(1, 255)
  name: string;

  /** One of the types that this installation takes. @example "image/jpeg" */
  @Text(3, 120)
  @Matches(MEDIA_TYPE, { message: '$property must be a media type like image/png' })
  @ApiProperty({ pattern: MEDIA_TYPE.source })
  contentType: string;

  /** In bytes. @example 48213 */
  @ApiProperty({ type: 'integer' })
  @IsInt()
  @Min(1)
  @Max(5_368_709_120)
  size: number;

  /** Of the bytes, in hexadecimal. @example "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824" */
  @Matches(/^[0-9a-f]{64}$/, { message: '$property must be 64 hexadecimal digits in small letters' })
  sha256: string;
}

/** What stands in the URL of an upload. */
export class UploadLinkQuery {
  /** When the link ends. */
  @IsOptional()
  @Matches(/^\d{1,12}$/, { message: '$property must be seconds' })
  expires?: string;

  @IsOptional()
  @Matches(/^[\w-]{43}$/, { message: '$property must be that of a link' })
  signature?: string;
}

export class UploadResponse {
  /** Of the upload, and of the file that it will be. */
  id: string;
  /** @example "PUT" */
  method: 'PUT';
  /** Where the bytes go; it needs no login, so tell nobody. */
  url: string;
  /** Send exactly these with the bytes. @example {"content-type":"image/jpeg"} */
  headers: Record<string, string>;
  /** Until when it can be sent and completed. */
  expiresAt: Date;

  static from(this: void, { id, method, url, headers, expiresAt }: UploadRequest): UploadResponse {
    return { id, method, url, headers, expiresAt };
  }
}
