import { type Db, Prisma, rows, rowsPlannedAnew } from '#database';
import type { Actor } from '#security';
import type { ListPostsQuery } from './posts.dto.js';
import { FROM, filtersOf, type PostSummary, SUMMARY, tagsOf, visibleTo } from './posts.queries.js';
import { decoded, MARK, marked, MOST_RANKED } from './search.rules.js';

/** Of the posts that are not out, so many of each kind are searched: the newest. The answer says when there are more. */
const MOST_HIDDEN = 2_000;
/** So many posts of an author or with a tag are looked through one by one. */
const FEW = 10_000;

/** A post of a ranked page. */
export interface RankedPost extends PostSummary {
  score: number;
  /** Whether there may be more matches than were ranked. */
  bounded: boolean;
}

/**
 * The newest published posts that match, `most` of them at most, as (id, search). Common words are met by walking back from the newest, rare
 * ones by their index: PostgreSQL knows which are which, and so has to plan the statement for these very words.
 */
export function newestMatches(
  query: Prisma.Sql,
  asOf: Date,
  most: number,
  conditions: readonly Prisma.Sql[],
  posts = Prisma.sql`posts p`,
): Prisma.Sql {
  return Prisma.sql`(SELECT p.id, p.search FROM ${posts} WHERE p.search @@ ${query} AND p.published_at <= ${asOf} AND p.trashed_at IS NULL
    AND ${Prisma.join([visibleTo(null, 'published'), ...conditions], ' AND ')} ORDER BY p.published_at DESC LIMIT ${most})`;
}

/** The posts that a filter leaves, `p`, where they are so few that they are rather looked through than intersected with all that have a common word. */
async function among(db: Db, query: ListPostsQuery): Promise<Prisma.Sql> {
  const ways: [few: Prisma.Sql, posts: Prisma.Sql][] = [];
  const { author } = query;
  if (author !== undefined)
    ways.push([
      Prisma.sql`posts WHERE author_id = ${author}::uuid AND trashed_at IS NULL`,
      Prisma.sql`(SELECT * FROM posts WHERE author_id = ${author}::uuid AND trashed_at IS NULL OFFSET 0) p`,
    ]);
  for (const tag of tagsOf(query))
    ways.push([
      Prisma.sql`post_tags WHERE tag = ${tag}`,
      Prisma.sql`(SELECT p.* FROM post_tags t JOIN posts p ON p.id = t.post_id WHERE t.tag = ${tag} OFFSET 0) p`,
    ]);
  for (const [few, posts] of ways) {
    const [count] = await rows<{ few: boolean }>(
      db,
      Prisma.sql`SELECT count(*) <= ${FEW} AS few FROM (SELECT FROM ${few} LIMIT ${FEW + 1}) found`,
    );
    if (count!.few) return posts;
  }
  return Prisma.sql`posts p`;
}

/** Each way not to be out, and its order, the newest first: each has an index, for everybody's and for an author's own, and all of them together have none. */
const HIDDEN = {
  unpublished: [Prisma.sql`trashed_at IS NULL AND published_at IS NULL`, Prisma.sql`published_at DESC, id DESC`],
  scheduled: [Prisma.sql`trashed_at IS NULL AND published_at > now()`, Prisma.sql`published_at DESC`],
  expired: [Prisma.sql`trashed_at IS NULL AND expires_at <= now()`, Prisma.sql`expires_at DESC`],
  trashed: [Prisma.sql`trashed_at IS NOT NULL`, Prisma.sql`created_at DESC, id DESC`],
} as const;

/** What a search with this status looks through of what not everybody sees, each the newest first: all posts, or the caller's own. */
function hiddenFrom(actor: Actor, { status }: ListPostsQuery): Prisma.Sql[] {
  const { unpublished, scheduled, expired } = HIDDEN;
  const kinds = (() => {
    if (status === 'published') return [];
    if (status === undefined) return [unpublished, scheduled, expired];
    return [status === 'scheduled' || status === 'expired' || status === 'trashed' ? HIDDEN[status] : unpublished];
  })();
  const whose = actor.can('posts:manage') ? Prisma.empty : Prisma.sql`author_id = ${actor.id}::uuid AND`;
  return kinds.map(([which, order]) => Prisma.sql`posts WHERE ${whose} ${which} ORDER BY ${order}`);
}

/** Whether there are posts that a search of this caller's does not look at: older ones that are not out. */
export async function overlooks(db: Db, actor: Actor | null, query: ListPostsQuery): Promise<boolean> {
  const hidden = actor === null ? [] : hiddenFrom(actor, query);
  if (hidden.length === 0) return false;
  const older = hidden.map((posts) => Prisma.sql`EXISTS (SELECT FROM ${posts} OFFSET ${MOST_HIDDEN} LIMIT 1)`);
  const [found] = await rows<{ older: boolean }>(db, Prisma.sql`SELECT ${Prisma.join(older, ' OR ')} AS older`);
  return found!.older;
}

/** What the caller may see beyond what everybody does. */
function hiddenMatches(actor: Actor, words: Prisma.Sql, query: ListPostsQuery, conditions: readonly Prisma.Sql[]): Prisma.Sql {
  const newest = hiddenFrom(actor, query).map((posts) => Prisma.sql`(SELECT * FROM ${posts} LIMIT ${MOST_HIDDEN})`);
  const all = [Prisma.sql`p.search @@ ${words}`, visibleTo(actor, query.status), ...conditions];
  return Prisma.sql`(SELECT p.id, p.search FROM (${Prisma.join(newest, ' UNION ALL ')}) p WHERE ${Prisma.join(all, ' AND ')} ORDER BY p.created_at DESC LIMIT ${MOST_RANKED})`;
}

/** A page of the best among the newest matches that the caller may see; one row more than asked for tells that there is a next page. */
export async function rankPosts(
  db: Db,
  actor: Actor | null,
  query: ListPostsQuery,
  words: Prisma.Sql,
  { asOf, after }: { asOf: Date; after: { score: number; id: string } | null },
): Promise<RankedPost[]> {
  const conditions = filtersOf(query);
  const sources = [
    ...(query.status === undefined || query.status === 'published'
      ? [newestMatches(words, asOf, MOST_RANKED, conditions, await among(db, query))]
      : []),
    ...(actor !== null && query.status !== 'published' ? [hiddenMatches(actor, words, query, conditions)] : []),
  ];
  if (sources.length === 0) return [];
  // Weights of body, excerpt, tags and title; divided by the logarithm of the length, so that long texts do not win by it.
  return rowsPlannedAnew(
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
