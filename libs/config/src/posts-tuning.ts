import { IsIn, IsInt, IsOptional, Matches, Max, Min } from 'class-validator';
import { AuthTuning } from './auth-tuning.js';
import { IsPostsUrl } from './rules.js';

/** The part of `Env` that says where posts are shown, and how much of them, and of what is said about them, is taken and kept. */
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

  /** What becomes of the published posts of somebody who is erased: deleted, or kept under the name "Deleted user". */
  @IsIn(['delete', 'keep'])
  POSTS_AFTER_ERASURE: 'delete' | 'keep' = 'delete';

  /** How long the author of a comment may change it; 0: not at all. Moderators always may. */
  @IsInt()
  @Min(0)
  COMMENTS_EDIT_SECONDS = 900;

  /** Comments that one account may write in a minute. `RATE_LIMIT=off` lifts this and the next two. */
  @IsInt()
  @Min(1)
  COMMENTS_PER_MINUTE = 5;

  /** Likes that one account may give and take back in a minute. */
  @IsInt()
  @Min(1)
  LIKES_PER_MINUTE = 60;

  /** Reports of comments that one account may make in a minute. */
  @IsInt()
  @Min(1)
  REPORTS_PER_MINUTE = 5;

  /** So many open reports take a comment out of sight, until a moderator has decided. */
  @IsInt()
  @Min(1)
  COMMENTS_REPORTS_TO_HIDE = 3;

  /** How long a post lies in the trash before it is deleted for good. */
  @IsInt()
  @Min(1)
  @Max(3_650)
  POSTS_TRASH_DAYS = 30;

  /** How many versions of a post its history holds; the oldest go. */
  @IsInt()
  @Min(10)
  @Max(100_000)
  POSTS_REVISIONS_MAX = 1_000;

  /** How much room the history of one post may take, in megabytes as PostgreSQL compresses it; the oldest versions go. */
  @IsInt()
  @Min(1)
  @Max(10_000)
  POSTS_REVISIONS_MEGABYTES = 25;

  /** How long it is kept what somebody typed into a post and did not save. */
  @IsInt()
  @Min(1)
  @Max(3_650)
  POSTS_AUTOSAVES_TTL_DAYS = 30;

  /** How long a preview link lives that is given no other end. */
  @IsInt()
  @Min(60)
  @Max(7_776_000)
  POSTS_PREVIEW_TTL_SECONDS = 604_800;

  /** The largest archive of posts that may be imported. */
  @IsInt()
  @Min(1_024)
  @Max(5_368_709_120)
  POSTS_IMPORT_MAX_BYTES = 52_428_800;

  /** What the files of an archive may come to when they are unpacked. */
  @IsInt()
  @Min(1_024)
  POSTS_IMPORT_UNPACKED_BYTES = 1_073_741_824;

  /** How many files an archive or a folder may hold, of whatever kind. */
  @IsInt()
  @Min(1)
  @Max(100_000)
  POSTS_IMPORT_MAX_FILES = 10_000;

  /** Imports of one person that may wait or run at a time. */
  @IsInt()
  @Min(1)
  @Max(100)
  POSTS_IMPORTS_AT_ONCE = 3;

  /** How long it is kept what became of an import. */
  @IsInt()
  @Min(1)
  @Max(3_650)
  POSTS_IMPORTS_TTL_DAYS = 30;
}
