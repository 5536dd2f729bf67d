import { type Db, Prisma, rows } from '#database';
import type { Actor } from '#security';
import type { ListPostsQuery } from './posts.dto.js';
import { FROM, filtersOf, type PostSummary, SUMMARY, visibleTo } from './posts.queries.js';
import { IS } from './public.queries.js';
import { decoded, MARK, marked, MOST_RANKED } from './search.rules.js';

/** Days before now that are looked through one after the other, until there are enough matches. */
const WINDOWS = [1, 4, 16, 64, 256, 1_024, Infinity];
const DAY_MS = 86_400_000;
/** Of the posts that are not out, whoever may manage them has so many of each kind searched: the newest. The answer says when there are more. */
const MOST_HIDDEN = 2_000;

/** A post of a ranked page. */
export interface RankedPost extends PostSummary {
  score: number;
  /** Whether there may be more matches than were ranked. */
  bounded: boolean;
}

/**
 * The newest published posts that match, `most` of them at most, as (id, search). PostgreSQL goes through the windows in turn and ends as
 * soon as it has enough: a common word is read from the newest days only, and a rare one is rare in all of them.
 */
export function newestMatches(query: Prisma.Sql, asOf: Date, most: number, conditions: readonly Prisma.Sql[]): Prisma.Sql {
  const begins = WINDOWS.map((days) => (days === Infinity ? null : new Date(Math.floor(asOf.getTime() / DAY_MS - days) * DAY_MS)));
  const windows = begins.map((begin, n) => {
    const until = n === 0 ? Prisma.sql`p.published_at <= ${asOf}` : Prisma.sql`p.published_at < ${begins[n - 1]!}`;
    const since = begin
      ? Prisma.sql`AND p.published_at >= ${begin} AND (p.published_at AT TIME ZONE 'UTC')::date >= ${begin.toISOString().slice(0, 10)}::date`
      : Prisma.empty;
    return Prisma.sql`(SELECT p.id, p.search FROM posts p WHERE p.search @@ ${query} AND ${until} ${since} AND p.trashed_at IS NULL
      AND ${Prisma.join([visibleTo(null, 'published'), ...conditions], ' AND ')} ORDER BY p.published_at DESC LIMIT ${most})`;
  });
  return Prisma.sql`(SELECT * FROM (${Prisma.join(windows, ' UNION ALL ')}) w LIMIT ${most})`;
}

/** Each way not to be out, with its order, the newest first: each has an index, and all of them together have none. */
const HIDDEN = {
  unpublished: Prisma.sql`trashed_at IS NULL AND published_at IS NULL ORDER BY published_at DESC, id DESC`,
  scheduled: Prisma.sql`trashed_at IS NULL AND published_at > now() ORDER BY published_at DESC`,
  expired: Prisma.sql`trashed_at IS NULL AND expires_at <= now() ORDER BY expires_at DESC`,
  trashed: Prisma.sql`trashed_at IS NOT NULL ORDER BY created_at DESC, id DESC`,
};

/** Those that a search with this status looks through. */
function hiddenOf(status: ListPostsQuery['status']): Prisma.Sql[] {
  if (status === 'published') return [];
  if (status === undefined) return [HIDDEN.unpublished, HIDDEN.scheduled, HIDDEN.expired];
  return [status === 'scheduled' || status === 'expired' || status === 'trashed' ? HIDDEN[status] : HIDDEN.unpublished];
}

/** Whether there are posts that a search of this caller's does not look at: older ones that are not out, of whoever may manage all of them. */
export async function overlooks(db: Db, actor: Actor | null, { status }: ListPostsQuery): Promise<boolean> {
  const hidden = actor?.can('posts:manage') ? hiddenOf(status) : [];
  if (hidden.length === 0) return false;
  const older = hidden.map((which) => Prisma.sql`EXISTS (SELECT FROM posts WHERE ${which} OFFSET ${MOST_HIDDEN} LIMIT 1)`);
  const [found] = await rows<{ older: boolean }>(db, Prisma.sql`SELECT ${Prisma.join(older, ' OR ')} AS older`);
  return found!.older;
}

/** What the caller may see beyond what everybody does. */
function hiddenMatches(actor: Actor, query: Prisma.Sql, { status }: ListPostsQuery, conditions: readonly Prisma.Sql[]): Prisma.Sql {
  const all = [Prisma.sql`p.search @@ ${query}`, visibleTo(actor, status), ...conditions];
  const isHidden =
    status === 'trashed' ? IS.trashed : Prisma.sql`(p.published_at IS NULL OR p.published_at > now() OR p.expires_at <= now())`;
  const own = Prisma.sql`posts p WHERE p.author_id = ${actor.id}::uuid AND ${isHidden} AND`;
  const newest = hiddenOf(status).map((which) => Prisma.sql`(SELECT * FROM posts WHERE ${which} LIMIT ${MOST_HIDDEN})`);
  const everybodys = Prisma.sql`(${Prisma.join(newest, ' UNION ALL ')}) p WHERE`;
  const from = actor.can('posts:manage') ? everybodys : own;
  return Prisma.sql`(SELECT p.id, p.search FROM ${from} ${Prisma.join(all, ' AND ')} ORDER BY p.created_at DESC LIMIT ${MOST_RANKED})`;
}

/** A page of the best among the newest matches that the caller may see; one row more than asked for tells that there is a next page. */
export function rankPosts(
  db: Db,
  actor: Actor | null,
  query: ListPostsQuery,
  words: Prisma.Sql,
  { asOf, after }: { asOf: Date; after: { score: number; id: string } | null },
): Promise<RankedPost[]> {
  const conditions = filtersOf(query);
  const sources = [
    ...(query.status === undefined || query.status === 'published' ? [newestMatches(words, asOf, MOST_RANKED, conditions)] : []),
    ...(actor !== null && query.status !== 'published' ? [hiddenMatches(actor, words, query, conditions)] : []),
  ];
  if (sources.length === 0) return Promise.resolve([]);
  // Weights of body, excerpt, tags and title; divided by the logarithm of the length, so that long texts do not win by it.
  return rows(
    db,
    Prisma.sql`WITH found AS MATERIALIZED (${Prisma.join(sources, ' UNION ALL ')}),
      ranked AS (SELECT id, round(ts_rank('{0.1, 0.2, 0.6, 1}', search, ${words}, 1)::numeric * 1000000)::int AS score FROM found),
      page AS (SELECT id, score FROM ranked WHERE ${after ? Prisma.sql`(score, id) < (${after.score}, ${after.id}::uuid)` : Prisma.sql`true`}
        ORDER BY score DESC, id DESC LIMIT ${query.limit + 1})
      SELECT ${SUMMARY}, page.score, (SELECT count(*) >= ${MOST_RANKED} FROM found) AS bounded
      ${FROM} JOIN page ON page.id = p.id ORDER BY page.score DESC, p.id DESC`,
  );
}

/** Where the words stand in a post: HTML in which only `<mark>` is an element. */
export interface Highlights {
  title: string;
  excerpt: string;
  body: string | null;
}

/** As much of a body as is looked through for a passage. */
const LOOKED_THROUGH = 20_000;

/** Shows the words in these posts: of titles and excerpts the whole, of bodies the passages. */
export async function highlight(db: Db, ids: readonly string[], words: Prisma.Sql): Promise<Map<string, Highlights>> {
  const edges = `StartSel=${MARK.begin}, StopSel=${MARK.end}`;
  const clean = (text: Prisma.Sql) => Prisma.sql`translate(${text}, ${MARK.begin + MARK.end}, '')`;
  // The markup of a body is its own sanitised HTML; what is cut in two at the end is no tag any more, and goes.
  // Without the characters that PostgreSQL's parser is slow at, as in what is searched.
  const body = Prisma.sql`translate(regexp_replace(left(p.body_html, ${LOOKED_THROUGH}), '<[^>]*(>|$)', ' ', 'g'), '_~', '  ')`;
  const found = await rows<{ id: string; title: string; excerpt: string; body: string }>(
    db,
    Prisma.sql`SELECT p.id, ts_headline('post_text', ${clean(Prisma.sql`p.title`)}, q.words, ${`${edges}, HighlightAll=true`}) AS title,
        ts_headline('post_text', ${clean(Prisma.sql`p.excerpt`)}, q.words, ${`${edges}, HighlightAll=true`}) AS excerpt,
        ts_headline('post_text', ${clean(body)}, q.words, ${`${edges}, MaxFragments=2, MaxWords=30, MinWords=12, FragmentDelimiter=" … "`}) AS body
      FROM posts p, (SELECT ${words} AS words) q WHERE p.id = ANY (${ids}::uuid[])`,
  );
  return new Map(
    found.map(({ id, title, excerpt, body }) => {
      const passage = body.includes(MARK.begin) ? marked(decoded(body).replace(/\s+/g, ' ').trim()) : null;
      return [id, { title: marked(title), excerpt: marked(excerpt), body: passage }];
    }),
  );
}
