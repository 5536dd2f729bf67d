import { job } from '#jobs';
import { IsOptional, IsString, IsUUID } from 'class-validator';

export class TagMergerPayload {
  @IsString()
  from: string;

  @IsString()
  into: string;

  /** Who asked for it, for the history of the posts. */
  @IsOptional()
  @IsUUID()
  editorId?: string;
}

/** Goes on with a merger of tags that many posts bear. */
export const tagMerger = job('posts.merge-tags', TagMergerPayload);
