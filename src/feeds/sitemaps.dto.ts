import { QueryInt } from '#http';
import { ApiProperty } from '@nestjs/swagger';
import { IsInt, Max, Min } from 'class-validator';

export class SitemapPath {
  @ApiProperty({ type: 'integer', minimum: 1, maximum: 50_000, example: 1, description: 'From 1.' })
  @QueryInt()
  @IsInt()
  @Min(1)
  @Max(50_000)
  page: number;
}
