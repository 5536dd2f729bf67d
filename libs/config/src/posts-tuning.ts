import { IsInt, IsOptional, Matches, Max, Min } from 'class-validator';
import { AuthTuning } from './auth-tuning.js';
import { IsPostsUrl } from './rules.js';

/** The part of `Env` that says where and how published posts are shown. */
export class PostsTuning extends AuthTuning {
  /**
   * Where people read a post, for the links of feeds and of the sitemap: the URL of your front end with `{slug}` or `{id}` in it, such as
   * `https://www.example.org/blog/{slug}`. Unset: the post's own URL in the API.
   */
  @IsOptional()
  @IsPostsUrl()
  POSTS_URL: string | undefined = undefined;

  /** What feeds are called. */
  @Matches(/^[^\u0000-\u001f\u007f]{1,100}$/, { message: 'POSTS_FEED_TITLE must be one line of at most 100 characters' })
  POSTS_FEED_TITLE = 'Posts';

  /**
   * How long browsers and proxies (a CDN) may keep what strangers read of posts, feeds and sitemaps without asking again. 0: they ask each
   * time, and are told at once when nothing has changed; more is seen that much later.
   */
  @IsInt()
  @Min(0)
  @Max(86_400)
  POSTS_MAX_AGE_SECONDS = 0;
}
