import { invalidate } from '#cache';
import { type Db, execute, Prisma, rows, type Tx } from '#database';
import { endsInABegunWord, meant, WORDS, wordsToCorrect } from './search.rules.js';

/** What was typed, in the manner of web search engines; the last word may be its beginning only. */
export function typedQuery(q: string): Prisma.Sql {
  const whole = Prisma.sql`websearch_to_tsquery('post_text', ${meant(q)})`;
  // PostgreSQL's own spelling of the query ends with the last word, unless that stands in something: then it is taken as it is.
  return endsInABegunWord(q)
    ? Prisma.sql`(CASE WHEN ${whole}::text LIKE '%''' THEN (${whole}::text || ':*')::tsquery ELSE ${whole} END)`
    : whole;
}

/** All of the words, each in one of its spellings. */
export function spelledQuery(spellings: readonly (readonly string[])[]): Prisma.Sql {
  const quoted = (word: string) => `'${word.replace(/['\\]/g, '$&$&')}'`;
  return Prisma.sql`${spellings.map((words) => `(${words.map(quoted).join(' | ')})`).join(' & ')}::tsquery`;
}

/** The spellings that posts in the state `published` have for each of the words that were typed; null when one of them resembles none. */
export async function spellingsOf(db: Db, q: string, published: Prisma.Sql): Promise<string[][] | null> {
  const typed = wordsToCorrect(q);
  if (typed.length === 0) return null;
  const found = await rows<{ spellings: string[] | null }>(
    db,
    Prisma.sql`SELECT CASE WHEN length(t.word) < 4 THEN ARRAY[unaccent(t.word)] ELSE (
        SELECT array_agg(k.word ORDER BY k.nearness DESC, k.word) FROM (
          SELECT w.word, similarity(w.word, unaccent(t.word)) AS nearness FROM post_words w WHERE w.word % unaccent(t.word)
          ORDER BY nearness DESC, w.word LIMIT 8
        ) k WHERE EXISTS (SELECT FROM posts p WHERE p.search @@ quote_literal(k.word)::tsquery AND p.trashed_at IS NULL AND ${published})
      ) END AS spellings FROM unnest(${typed}::text[]) WITH ORDINALITY AS t (word, place) ORDER BY t.place`,
  );
  return found.every(({ spellings }) => spellings !== null) ? found.map(({ spellings }) => spellings!.slice(0, 4)) : null;
}

/** What a word is that somebody might mistype: of letters, neither too short to resemble anything nor longer than any. */
const MISTYPED = Prisma.sql`length(word) BETWEEN 4 AND 30 AND word !~ '[\\x01-\\x40\\x5b-\\x60\\x7b-\\x7f]'`;

/** Adds the words of a post, when it is published; in order, so that two posts with the same new words wait and do not deadlock. */
export async function learnWords(db: Tx, postId: string, published: Prisma.Sql): Promise<void> {
  const learnt = await execute(
    db,
    Prisma.sql`INSERT INTO post_words (word) SELECT word FROM posts p, unnest(tsvector_to_array(p.search)) AS word
      WHERE p.id = ${postId}::uuid AND p.trashed_at IS NULL AND ${published} AND ${MISTYPED} ORDER BY word ON CONFLICT DO NOTHING`,
  );
  if (learnt > 0) invalidate(db, [WORDS]);
}

/** Removes, of the next `most` words after this one, those that no published post has any more. Returns the last that was looked at. */
export async function forgetWords(db: Db, after: string, most: number, published: Prisma.Sql): Promise<string | null> {
  const [{ last }] = (await rows<{ last: string | null }>(
    db,
    Prisma.sql`WITH looked AS MATERIALIZED (SELECT word FROM post_words WHERE word > ${after} ORDER BY word LIMIT ${most}),
      gone AS (DELETE FROM post_words w USING looked l WHERE w.word = l.word AND NOT EXISTS (
        SELECT FROM posts p WHERE p.search @@ quote_literal(l.word)::tsquery AND p.trashed_at IS NULL AND ${published}))
      SELECT max(word) AS last FROM looked`,
  )) as [{ last: string | null }];
  return last;
}
