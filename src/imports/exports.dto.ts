import { Id, IfPresent, Line } from '#http';
import { IsIn } from 'class-validator';
import { POST_STATUSES, type PostStatus } from '../posts/posts.rules.js';

export class ExportPostsQuery {
  /** @example "engines" */
  @IfPresent()
  @Line(1, 40)
  tag?: string;

  /** The author's id; whoever may not manage posts gets their own only. */
  @IfPresent()
  @Id()
  author?: string;

  @IfPresent()
  @IsIn(POST_STATUSES)
  status?: PostStatus;
}
