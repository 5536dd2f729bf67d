import { job } from '#jobs';
import { IsString } from 'class-validator';

export class TagMergerPayload {
  @IsString()
  from: string;

  @IsString()
  into: string;
}

/** Goes on with a merger of tags that many posts bear. */
export const tagMerger = job('posts.merge-tags', TagMergerPayload);
