import { IfPresent, type Page, Text, Time } from '#http';
import { ApiProperty } from '@nestjs/swagger';
import { Matches } from 'class-validator';
import { AuthorResponse } from './posts.dto.js';
import type { PreviewLink, SharedPreview } from './preview-links.service.js';

export class CreatePreviewLinkDto {
  /** When it ends; in a week (POSTS_PREVIEW_TTL_SECONDS) if it is left out, in 90 days at the latest. @example "2030-01-01T08:00:00.000Z" */
  @IfPresent()
  @Time()
  expiresAt?: string;
}

export class PreviewQuery {
  /** Of the link. */
  @Text(1, 100)
  @Matches(/^[\w.-]+$/)
  @ApiProperty({ pattern: '^[\\w.-]+$' })
  token: string;
}

export class PreviewLinkResponse {
  id: string;
  postId: string;
  createdAt: Date;
  createdBy: AuthorResponse;
  expiresAt: Date;

  static from(this: void, { id, postId, createdAt, createdById, createdByName, expiresAt }: PreviewLink): PreviewLinkResponse {
    return { id, postId, createdAt, createdBy: { id: createdById, name: createdByName }, expiresAt };
  }
}

export class SharedPreviewResponse extends PreviewLinkResponse {
  /**
   * Whoever has it sees the post as it is at that time. It is not shown again.
   * @example "https://api.example.com/api/v1/posts/0199f3a1-7c1e-7b3a-9a4e-0d6f1c2b3a49/preview?token=AZ83…"
   */
  url: string;

  static of(this: void, { link, url }: SharedPreview): SharedPreviewResponse {
    return { ...PreviewLinkResponse.from(link), url };
  }
}

export class PreviewLinkList implements Page<PreviewLinkResponse> {
  items: PreviewLinkResponse[];
  /** Always null: a post has 50 at most. */
  nextCursor: string | null;
}
