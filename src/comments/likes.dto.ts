import type { Liking } from './likes.service.js';

export class LikeResponse {
  postId: string;
  /** Whether you like it. @example true */
  liked: boolean;
  /** How many people do. @example 1 */
  likes: number;

  static from(this: void, { postId, liked, likes }: Liking): LikeResponse {
    return { postId, liked, likes };
  }
}
