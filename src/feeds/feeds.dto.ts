import { Id, IfPresent, Line } from '#http';

export class FeedQuery {
  /** Only posts with this tag. @example "engines" */
  @IfPresent()
  @Line(1, 40)
  tag?: string;

  /** Only posts of this author, by id. */
  @IfPresent()
  @Id()
  author?: string;
}
