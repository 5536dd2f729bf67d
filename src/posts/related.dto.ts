import { QueryInt } from '#http';
import { ApiProperty } from '@nestjs/swagger';
import { IsInt, IsOptional, Max, Min } from 'class-validator';
import { PostSummaryResponse } from './posts.dto.js';

export class RelatedQuery {
  @ApiProperty({ required: false, type: 'integer', minimum: 1, maximum: 10, default: 5, description: 'How many posts, at most.' })
  @IsOptional()
  @QueryInt()
  @IsInt()
  @Min(1)
  @Max(10)
  limit: number = 5;
}

export class RelatedPosts {
  /** The most alike first. */
  items: PostSummaryResponse[];
}
