import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { PostList } from '../src/posts/posts.dto.js';
import type { Post } from '../src/posts/posts.queries.js';
import { WordsJobs } from '../src/posts/words.jobs.js';
import { startApp, type TestApp } from './harness/app.js';
import { query } from './harness/database.js';
import { eventually } from './harness/eventually.js';
import { anAdmin, aPost, aUser, type Person, unique } from './harness/people.js';
import type { Wire } from './harness/wire.js';

type ListBody = Wire<PostList>;

let app: TestApp;
let author: Person;
let other: Person;

beforeAll(async () => {
  app = await startApp();
  [author, other] = [await aUser(app), await aUser(app)];
}, 60_000);

afterAll(() => app.close());

/** A word that nothing else in this file has: letters only, as words have them. */
const aWord = () => [...unique()].map((digit) => 'ghklmnprstvwxyzb'[parseInt(digit, 16)]).join('');
const published = (draft: Parameters<typeof aPost>[2], by = author) => aPost(app, by, { published: true, ...draft });
const find = (q: string, more: Record<string, string> = {}, by: Person | null = null) =>
  app.request<ListBody>('GET', `posts?${new URLSearchParams({ q, ...more }).toString()}`, by ? { token: by.accessToken } : {});
const titles = async (...args: Parameters<typeof find>) => (await find(...args)).body.items.map(({ title }) => title);
const ids = async (...args: Parameters<typeof find>) => (await find(...args)).body.items.map(({ id }) => id);
const codeOf = ({ body }: { body: unknown }) => (body as { code: string }).code;

describe('a search', () => {
  it('ranks what has the word in its title before tags, before the excerpt, before the body', async () => {
    const word = aWord();
    await published({ title: 'In the body', body: `Looms and ${word} and cards.`, excerpt: 'Nothing of it.' });
    await published({ title: 'In the excerpt', excerpt: `All of ${word} here.` });
    await published({ title: 'In a tag', tags: [word] });
    await published({ title: `On ${word}, the title` });
    expect(await titles(word)).toEqual([`On ${word}, the title`, 'In a tag', 'In the excerpt', 'In the body']);
    expect(await titles(word, { sort: 'createdAt' })).toEqual(['In the body', 'In the excerpt', 'In a tag', `On ${word}, the title`]);
    expect(await titles(word, { sort: 'relevance' })).toEqual(await titles(word));
  });

  it('asks for all of the words, for phrases, for alternatives, and for words that must not occur', async () => {
    const [one, two, three] = [aWord(), aWord(), aWord()];
    await published({ title: 'first', body: `${one} ${two}` });
    await published({ title: 'second', body: `${two} ${one} ${three}` });
    expect((await titles(`${one} ${two}`)).sort()).toEqual(['first', 'second']);
    expect(await titles(`"${one} ${two}"`)).toEqual(['first']);
    expect(await titles(`${one} -${three}`)).toEqual(['first']);
    expect(await titles(`${one} -${three.slice(0, 6)}`)).toHaveLength(2); // a beginning is only meant in what is looked for
    expect((await titles(`${three} or ${two}`)).sort()).toEqual(['first', 'second']);
  });

  it('takes the last word for a beginning', async () => {
    const [one, two] = [aWord(), aWord()];
    await published({ title: `${one} ${two}` });
    expect(await titles(two.slice(0, 6))).toHaveLength(1);
    expect(await titles(`${one} ${two.slice(0, 3)}`)).toHaveLength(1);
    expect(await titles(`${one} or ${two.slice(0, 6)}`)).toHaveLength(1);
    expect(await titles(`"${two.slice(0, 6)}"`)).toEqual([]);
    expect((await find(`${two} ${one.slice(0, 3)} ${two}`)).body.items).toEqual([]); // only the last
  });

  it.each([
    ['accents', 'Crème brûlée', 'creme brulee'],
    ['German', 'Straßenbahn für Köln', 'strassenbahn'],
    ['Greek', 'Ἡ μηχανή ὑφαίνει', 'μηχανή'],
    ['Russian', 'Аналитическая машина', 'машин'],
    ['Arabic', 'المحرك التحليلي', 'المحرك'],
    ['Japanese', '解析機関について', '解析'],
    ['Hindi', 'विश्लेषणात्मक इंजन', 'इंजन'],
  ])('knows %s', async (_, title, q) => {
    const { id } = await published({ title });
    expect(await ids(q)).toContain(id);
  });

  it('finds mistyped words as published posts spell them, and says so', async () => {
    const word = aWord() + aWord();
    const mistyped = word.slice(0, 9) + word.slice(10);
    const { id } = await published({ title: `On ${word}`, body: 'Some more of it.' });
    const answer = await eventually(async () => {
      const found = await find(`on ${mistyped}`);
      return found.body.items.length > 0 && found;
    });
    expect(answer.body.items).toEqual([
      expect.objectContaining({ id, highlights: expect.objectContaining({ title: `<mark>On</mark> <mark>${word}</mark>` }) }),
    ]);
    expect(answer.body.search).toEqual({ complete: true, corrections: [['on'], [word]] });
    expect((await find(`"${mistyped}"`)).body.items).toEqual([]);
    expect((await find(word)).body.search).toEqual({ complete: true, corrections: null });
  });

  it('learns no word of what strangers cannot read, and forgets those that nobody publishes any more', async () => {
    const [hidden, shown] = [aWord() + aWord(), aWord() + aWord()];
    const known = async (word: string) => (await query(app.databaseUrl, 'SELECT FROM post_words WHERE word = $1', [word])).length === 1;
    await aPost(app, author, { title: hidden });
    const post = await published({ title: shown });
    await eventually(() => known(shown));
    await app.request('PATCH', `posts/${post.id}`, { token: author.accessToken, body: { title: `${shown} again` } });
    expect(await known(hidden)).toBe(false);
    await app.get(WordsJobs).forget({ signal: new AbortController().signal } as never);
    expect(await known(shown)).toBe(true);
    await app.request('DELETE', `posts/${post.id}/publication`, { token: author.accessToken });
    // Before it is forgotten it leads nowhere, either.
    const mistyped = shown.slice(0, 9) + shown.slice(10);
    expect((await find(mistyped)).body).toEqual({ items: [], nextCursor: null, search: { complete: true, corrections: null } });
    await app.get(WordsJobs).forget({ signal: new AbortController().signal } as never);
    expect(await known(shown)).toBe(false);
  });

  it('shows nobody a draft of somebody else, by no word and no count', async () => {
    const word = aWord();
    const draft = await aPost(app, author, { title: `Draft ${word}`, tags: [word] });
    const scheduled = await aPost(app, author, { title: `Scheduled ${word}` });
    const at = new Date(Date.now() + 3_600_000).toISOString();
    await app.request('PUT', `posts/${scheduled.id}/publication`, { token: author.accessToken, body: { at } });
    const shown = await published({ title: `Shown ${word}` });
    for (const more of [{}, { sort: 'createdAt' }, { sort: '-publishedAt' }, { author: author.id }, { status: 'published' }] as Record<
      string,
      string
    >[])
      for (const by of [null, other]) {
        const answer = await find(word, more, by);
        expect(answer.body.items.map(({ id }) => id)).toEqual([shown.id]);
        expect(answer.text).not.toMatch(/Draft|Scheduled/);
      }
    for (const status of ['draft', 'scheduled']) for (const by of [null, other]) expect(await ids(word, { status }, by)).toEqual([]);
    for (const by of [author, await anAdmin(app)]) {
      expect((await ids(word, {}, by)).sort()).toEqual([draft.id, scheduled.id, shown.id].sort());
      expect(await ids(word, { status: 'draft' }, by)).toEqual([draft.id]);
      expect(await ids(word, { status: 'scheduled' }, by)).toEqual([scheduled.id]);
    }
    await app.request('DELETE', `posts/${shown.id}`, { token: author.accessToken });
    expect(await ids(word, {}, author)).not.toContain(shown.id);
  });

  it('goes with filters', async () => {
    const word = aWord();
    const mine = await published({ title: word, tags: ['a b', 'c'] });
    const theirs = await published({ title: word, tags: ['a b'] }, other);
    expect(await ids(word, { author: other.id })).toEqual([theirs.id]);
    expect(await ids(word, { tag: 'A  b' })).toHaveLength(2);
    expect(await ids(word, { tag: 'a b,c' })).toEqual([mine.id]);
    expect(await ids(word, { tag: 'c', author: other.id })).toEqual([]);
    expect(await ids(word, { from: new Date(Date.now() + 60_000).toISOString() })).toEqual([]);
    expect(await ids(word, { from: mine.publishedAt!.toISOString(), to: new Date(Date.now() + 60_000).toISOString() })).toHaveLength(2);
  });

  it.each([
    ['operators', '& | ! <-> :* () ! & '.repeat(9)],
    ['quotes', '"\'`\\"\'\\'.repeat(20)],
    ['negations', '-'.repeat(199)],
    ['negations of nothing', '-"" '.repeat(50)],
    ['negated quotes', '-"-'.repeat(66)],
    ['negated punctuation', '-"!" '.repeat(40)],
    ['spaced negations', '- '.repeat(99)],
    ['negated words', '-a '.repeat(66)],
    ['only or', 'or or or'],
    ['one or', 'or'],
    ['markup', "<script>alert('x')</script> <b>"],
    ['SQL', "'; DROP TABLE posts; --"],
    ['a phrase that does not end', '"abc def'],
    ['weights', "'a':AB & 'b':*C"],
    ['emoji', '👩‍👩‍👧‍👦 🏳️‍🌈'],
    ['one long word', 'a'.repeat(200)],
    ['a hyphen', 'foo-bar-baz'],
    ['an address', 'https://example.org/a?b=c&d=e x@example.org'],
    ['combining characters', 'é̂̃̄'],
    ['a backslash at the end', 'abc\\'],
    ['percent signs', '%_%'],
  ])('is harmed by no query: %s', async (_, q) => {
    for (const sort of ['relevance', '-createdAt']) {
      const answer = await find(q.slice(0, 200), { sort });
      expect([answer.status, Array.isArray(answer.body.items)]).toEqual([200, true]);
    }
  });

  it('refuses marks that turn the direction of writing, and what nobody sees', async () => {
    for (const q of ['\u202eabc\u202c', 'abc \u200bx', '\u2066x']) expect((await find(q)).status).toBe(400);
  });

  it('refuses what is no text, and orders that do not go with the filters', async () => {
    for (const path of [
      'posts?q=a%00b',
      `posts?q=${'a'.repeat(201)}`,
      'posts?q=',
      'posts?q[a]=b',
      'posts?q=a&q=b',
      'posts?tag=a,b,c,d,e,f',
      'posts?tag[$ne]=a',
      'posts?from=yesterday',
    ])
      expect([path, (await app.request('GET', path)).status]).toEqual([path, 400]);
    for (const path of [
      'posts?sort=relevance',
      'posts?from=2026-01-01T00:00:00Z&sort=createdAt',
      'posts?to=2026-01-01T00:00:00Z&sort=-createdAt',
    ]) {
      const answer = await app.request('GET', path);
      expect([answer.status, answer.body.code]).toEqual([400, 'posts/order-refused']);
    }
  });
});

describe('a highlight', () => {
  it('marks the words in title, excerpt and body, and nothing else is HTML', async () => {
    const word = aWord();
    await published({
      title: `<b>${word}</b> & "more" 'of' </mark><script>`,
      excerpt: `<mark>${word}</mark> &lt;img src=x onerror=alert(1)&gt;`,
      body: `Before <img src=x onerror=alert(1)> *the* ${word} \`<mark>\` [${word}](https://example.org/"onmouseover=x) &amp; after.`,
    });
    const [item] = (await find(word)).body.items;
    const { title, excerpt, body } = item!.highlights!;
    expect(title).toBe(`&lt;b&gt;<mark>${word}</mark>&lt;/b&gt; &amp; &quot;more&quot; &#39;of&#39; &lt;/mark&gt;&lt;script&gt;`);
    expect(excerpt).toBe(`&lt;mark&gt;<mark>${word}</mark>&lt;/mark&gt; &amp;lt;img src=x onerror=alert(1)&amp;gt;`);
    expect(body).toContain(`the <mark>${word}</mark> &lt;mark&gt;`);
    for (const text of [title, excerpt, body!]) expect(text.replaceAll(/<\/?mark>|&(?:amp|lt|gt|quot|#39);/g, '')).not.toMatch(/[<>&"']/);
  });

  it('cannot be forged by the characters that stand for its edges meanwhile', async () => {
    const word = aWord();
    const { id } = await published({ title: word });
    // The API takes no such characters; an older row might hold them.
    await query(
      app.databaseUrl,
      `UPDATE posts SET title = title || E' \\x02x\\x03 \\x03\\x02', excerpt = E'\\x02<b>', body_html = E'<p>\\x02' || title || E'</p>\\x03<' WHERE id = $1`,
      [id],
    );
    const { highlights } = (await find(word)).body.items[0]!;
    expect(highlights).toEqual({ title: `<mark>${word}</mark> x `, excerpt: '&lt;b&gt;', body: `<mark>${word}</mark>` });
  });

  it('shows passages of long bodies, and stands in lists of every order, but only where words were asked for', async () => {
    const word = aWord();
    await published({ title: 'long', body: `${'some words before it '.repeat(100)}${word}${' and some after it'.repeat(100)}` });
    const { body } = (await find(word, { sort: '-createdAt' })).body.items[0]!.highlights!;
    expect(body).toMatch(new RegExp(`^[\\w ]+ <mark>${word}</mark> [\\w ]+$`));
    expect(body!.length).toBeLessThan(400);
    expect((await app.request<ListBody>('GET', `posts?author=${author.id}`)).text).not.toContain('highlights');
  });
});

describe('a ranked list', () => {
  it('has each post once, however many appear while it is read', async () => {
    const word = aWord();
    const posts: Post[] = [];
    for (let n = 0; n < 12; n++)
      posts.push(await published({ title: n % 3 === 0 ? word : `${word} and ${'others '.repeat(n % 4)}`, body: `${word} `.repeat(n + 1) }));
    const seen: string[] = [];
    const scores: string[] = [];
    for (let cursor: string | null = ''; cursor !== null;) {
      const { body } = await find(word, { limit: '5', ...(cursor && { cursor }) });
      seen.push(...body.items.map(({ id }) => id));
      scores.push(...body.items.map(({ title }) => title));
      await published({ title: word, body: word }); // among the best
      cursor = body.nextCursor;
    }
    expect([...seen].sort()).toEqual(posts.map(({ id }) => id).sort());
    expect(new Set(seen).size).toBe(12);
    expect((await find(word, { limit: '100' })).body.items).toHaveLength(15);
  });

  it('refuses cursors of other lists, and broken ones', async () => {
    const word = aWord();
    await published({ title: word });
    await published({ title: word });
    const { nextCursor } = (await find(word, { limit: '1' })).body;
    const byTime = (await find(word, { limit: '1', sort: 'createdAt' })).body.nextCursor;
    const bent = Buffer.from(JSON.stringify(['relevance', '1 2026-13-01T00:00:00.000Z t', author.id])).toString('base64url');
    for (const [cursor, sort] of [
      [byTime!, 'relevance'],
      [nextCursor!, 'createdAt'],
      [bent, 'relevance'],
      ['x', 'relevance'],
    ] as const) {
      const answer = await find(word, { cursor, sort });
      expect([answer.status, codeOf(answer)]).toEqual([400, 'http/invalid-cursor']);
    }
  });

  it('ranks the newest 1,000 matches, and says when there are more', async () => {
    const word = aWord();
    const fill = (count: number, place: string) =>
      query(
        app.databaseUrl,
        `INSERT INTO posts (id, slug, title, excerpt, body, body_html, author_id, published_at)
          SELECT gen_random_uuid(), $1 || '-' || $4 || '-' || n, $1 || ' ' || $4, '', '', '', $2, now() - n * interval '9 hours' - $3::interval FROM generate_series(1, $5::int) n`,
        [word, author.id, place === 'old' ? '600 days' : '0 days', place, count],
      );
    await fill(999, 'new');
    expect((await find(word)).body.search).toEqual({ complete: true, corrections: null });
    await fill(2, 'old');
    const answer = await find(word, { limit: '100' });
    expect(answer.body.search).toEqual({ complete: false, corrections: null });
    let seen = answer.body.items.length;
    for (let { nextCursor } = answer.body; nextCursor !== null;) {
      const { body } = await find(word, { limit: '100', cursor: nextCursor });
      seen += body.items.length;
      nextCursor = body.nextCursor;
    }
    expect(seen).toBe(1_000);
    // Narrowed down, and in the order of time, they are all there.
    expect((await find(`${word} old`)).body).toMatchObject({ items: [{}, {}], search: { complete: true } });
    expect(await titles(word, { sort: 'publishedAt', limit: '2' })).toEqual([`${word} old`, `${word} old`]);
  });
});

describe('a search of what is not out', () => {
  it('looks at the newest 2,000 of each kind, and says when there are more', async () => {
    const [word, admin] = [aWord(), await anAdmin(app)];
    // Older than all others: their ids are in the order of time.
    const fill = (count: number, from = 1) =>
      query(
        app.databaseUrl,
        `INSERT INTO posts (id, slug, title, excerpt, body, body_html, author_id)
          SELECT ('00000000-0000-7000-8000-' || lpad(n::text, 12, '0'))::uuid, $1 || n, CASE n WHEN 1 THEN $1 ELSE 'Old' END, '', '', '', $2
          FROM generate_series($3::int, $4::int) n`,
        [word, author.id, from, from + count - 1],
      );
    const [{ drafts }] = (await query(
      app.databaseUrl,
      `SELECT count(*)::int AS drafts FROM posts WHERE published_at IS NULL AND trashed_at IS NULL`,
    )) as [{ drafts: number }];
    await fill(2_000 - drafts);
    const oldest = '00000000-0000-7000-8000-000000000001';
    expect((await find(word, {}, admin)).body).toMatchObject({ items: [{ id: oldest }], search: { complete: true } });
    await fill(1, 2_001 - drafts);
    for (const filters of [{}, { status: 'draft' }, { status: 'in-review' }] as Record<string, string>[])
      expect((await find(word, filters, admin)).body).toMatchObject({ items: [], search: { complete: false } });
    for (const filters of [{ status: 'scheduled' }, { status: 'published' }, { status: 'trashed' }] as Record<string, string>[])
      expect((await find(word, filters, admin)).body).toMatchObject({ items: [], search: { complete: true } });
    // Their own author is told the same; in the order of time all are looked at.
    expect((await find(word, {}, author)).body).toMatchObject({ items: [], search: { complete: false } });
    expect(await ids(word, { sort: 'createdAt' }, admin)).toEqual([oldest]);
  });

  it('goes into the trash when that is asked for', async () => {
    const word = aWord();
    const [draft, shown] = [await aPost(app, author, { title: word }), await published({ title: word })];
    for (const { id } of [draft, shown]) await app.request('DELETE', `posts/${id}`, { token: author.accessToken });
    for (const by of [author, await anAdmin(app)]) {
      expect((await ids(word, { status: 'trashed' }, by)).sort()).toEqual([draft.id, shown.id].sort());
      expect(await ids(word, {}, by)).toEqual([]);
    }
    expect(await ids(word, { status: 'trashed' }, other)).toEqual([]);
  });
});

describe('the list of a tag', () => {
  const tagged = async (filters: string, by: Person | null = null) =>
    (await app.request<ListBody>('GET', `posts?${filters}`, by ? { token: by.accessToken } : {})).body.items.map(({ id }) => id);

  it('follows every change of its posts', async () => {
    const [one, two] = [aWord(), aWord()];
    const post = await aPost(app, author, { tags: [one] });
    const state = async () =>
      [await tagged(`tag=${one}`), await tagged(`tag=${two}`), await tagged(`tag=${one}`, author)].map((list) => list.length);
    const change = (method: string, path: string, body: object = {}) =>
      app.request(method, `posts/${post.id}${path}`, { token: author.accessToken, ...(method !== 'DELETE' && { body }) });
    expect(await state()).toEqual([0, 0, 1]);
    await change('PUT', '/publication');
    expect(await state()).toEqual([1, 0, 1]);
    await change('PATCH', '', { tags: [two] });
    expect(await state()).toEqual([0, 1, 0]);
    await change('PATCH', '', { tags: [two, one] });
    expect(await state()).toEqual([1, 1, 1]);
    await change('DELETE', '/publication');
    expect(await state()).toEqual([0, 0, 1]);
    await change('PUT', '/publication');
    await change('DELETE', '');
    expect(await state()).toEqual([0, 0, 0]);
    await change('POST', '/restoration');
    expect(await state()).toEqual([1, 1, 1]);
    await query(app.databaseUrl, 'DELETE FROM posts WHERE id = $1', [post.id]);
    expect(await query(app.databaseUrl, 'SELECT FROM post_tags WHERE post_id = $1', [post.id])).toEqual([]);
  });

  it('is sorted like any other, from page to page', async () => {
    const tag = aWord();
    const posts = [];
    for (let n = 0; n < 5; n++) posts.push((await published({ tags: [tag] })).id);
    for (const sort of ['createdAt', '-createdAt', 'publishedAt', '-publishedAt']) {
      const seen = [];
      for (let cursor: string | null = ''; cursor !== null;) {
        const { body }: { body: ListBody } = await app.request<ListBody>(
          'GET',
          `posts?tag=${tag}&sort=${sort}&limit=2${cursor && `&cursor=${cursor}`}`,
        );
        seen.push(...body.items.map(({ id }) => id));
        cursor = body.nextCursor;
      }
      expect(seen).toEqual(sort.startsWith('-') ? [...posts].reverse() : posts);
    }
  });

  it('is filtered by when posts were published', async () => {
    const tag = aWord();
    const days = ['2020-01-01T00:00:00.000Z', '2021-01-01T00:00:00.000Z', '2022-01-01T00:00:00.000Z'];
    const posts: string[] = [];
    for (const at of days) {
      const { id } = await aPost(app, author, { tags: [tag, 'dated'] });
      await app.request('PUT', `posts/${id}/publication`, { token: author.accessToken, body: { at } });
      posts.push(id);
    }
    for (const filter of [`tag=${tag}`, `tag=${tag},dated`, `tag=${tag}&author=${author.id}`]) {
      expect(await tagged(`${filter}&from=${days[1]}`)).toEqual([posts[2], posts[1]]);
      expect(await tagged(`${filter}&to=${days[1]}`)).toEqual([posts[0]]);
      expect(await tagged(`${filter}&from=${days[1]}&to=${days[2]}&sort=publishedAt`)).toEqual([posts[1]]);
    }
  });
});

describe('related posts', () => {
  const related = (id: string, by: Person | null = null, more = '') =>
    app.request<{ items: { id: string; title: string }[] }>('GET', `posts/${id}/related${more}`, by ? { token: by.accessToken } : {});

  it('share tags, rare ones before common ones, and words', async () => {
    const [rare, common, word] = [aWord(), aWord(), aWord()];
    const post = await published({ title: `About ${word}`, tags: [rare, common] });
    for (let n = 0; n < 6; n++) await published({ title: `common ${n}`, tags: [common] });
    const both = await published({ title: 'both', tags: [rare, common] });
    const same = await published({ title: `rare and ${word}`, tags: [rare] });
    const worded = await published({ title: `only ${word}` });
    await aPost(app, author, { title: `draft ${word}`, tags: [rare, common] });
    const { body } = await related(post.id, null, '?limit=10');
    const found = body.items.map(({ id }) => id);
    expect(found.slice(0, 2).sort()).toEqual([both.id, same.id].sort());
    expect(found).toContain(worded.id);
    expect(found).toHaveLength(9);
    expect(found).not.toContain(post.id);
    expect(JSON.stringify(body)).not.toContain('draft');
    expect((await related(post.id, null, '?limit=1')).body.items).toHaveLength(1);
    expect((await related(post.id)).body.items).toHaveLength(5);
  });

  it('are asked for of a post that one may see, and are never drafts, not even one’s own', async () => {
    const word = aWord();
    const draft = await aPost(app, author, { title: word, tags: [word] });
    await aPost(app, author, { title: word, tags: [word] });
    const shown = await published({ title: word, tags: [word] });
    for (const by of [null, other])
      expect([(await related(draft.id, by)).status, (await related(unknown(), by)).status]).toEqual([404, 404]);
    expect((await related('no-id')).status).toBe(400);
    expect((await related(shown.id, null, '?limit=11')).status).toBe(400);
    const own = await related(draft.id, author);
    expect(own.body.items.map(({ id }) => id)).toEqual([shown.id]);
    expect(own.headers['cache-control']).toBe('no-store');
    expect((await related(shown.id)).headers['cache-control']).toBe('public, max-age=0');
  });

  it('of a post without tags and words are none', async () => {
    const post = await published({ title: '!?' });
    expect((await related(post.id)).body.items).toEqual([]);
  });
});

const unknown = () => '0199f3a1-7c1e-7b3a-9a4e-0d6f1c2b3a49';
