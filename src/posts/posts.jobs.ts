import { job } from '#jobs';
import { IsISO8601, IsUUID } from 'class-validator';

export class AppearancePayload {
  @IsUUID()
  postId: string;

  /** The time it was given when this was enqueued. */
  @IsISO8601()
  at: string;
}

export class ExpiryPayload extends AppearancePayload {}

/** Says that a scheduled post has appeared, when its time has come. */
export const appearance = job('posts.appearance', AppearancePayload);

/** Says that a published post has ended, when its time has run out. */
export const expiry = job('posts.expiry', ExpiryPayload);
