import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Erasures } from '#privacy';
import type { ProblemDocument } from '../libs/http/src/problem.filter.js';
import { BodiesService } from '../src/posts/bodies.service.js';
import type { PostList, PostResponse } from '../src/posts/posts.dto.js';
import type { SeriesList, SeriesResponse } from '../src/posts/series.dto.js';
import type { TagList, TagMergerResponse } from '../src/posts/tags.dto.js';
import { TagsService } from '../src/posts/tags.service.js';
import { startApp, type TestApp } from './harness/app.js';
import type { Answer } from './harness/client.js';
import { query } from './harness/database.js';
import { eventually } from './harness/eventually.js';
import { aPost, aUser, type Person, unique } from './harness/people.js';
import { aPng, exchange, upload } from './harness/uploads.js';
import type { Wire } from './harness/wire.js';

const NOBODYS_ID = '0199f3a1-7c1e-7b3a-9a4e-0d6f1c2b3a49';

let app: TestApp;
beforeAll(async () => {
  app = await startApp();
}, 60_000);
afterAll(() => app.close());

type PostBody = Wire<PostResponse>;
const call = <Body = PostBody>(method: string, path: string, by: Person | null, body?: unknown) =>
  app.request<Body>(method, path, { ...(by && { token: by.accessToken }), ...(body !== undefined && { body }) });
const write = (by: Person | null, draft: object = {}) =>
  call('POST', 'posts', by, { title: `Draft ${unique()}`, body: 'The engine *weaves* patterns.', ...draft });
const edit = (by: Person | null, id: string, changes: object) => call('PATCH', `posts/${id}`, by, changes);
const read = (by: Person | null, idOrSlug: string) => call('GET', `posts/${idOrSlug}`, by);
const publish = (by: Person, id: string, when: object = {}) => call('PUT', `posts/${id}/publication`, by, when);
const unpublish = (by: Person, id: string) => call('DELETE', `posts/${id}/publication`, by);
const problemOf = (answer: Answer<unknown>) => answer.body as ProblemDocument;
const codeOf = (answer: Answer<unknown>) => [answer.status, problemOf(answer).code];
const anImage = async (by: Person) => (await upload(app, by, { name: 'a.png', type: 'image/png', bytes: aPng(30, 20) })).body;
const statusOf = async (path: string) => (await exchange(app, 'GET', path)).status;

describe('a body', () => {
  it('is told of by its headings and by how long it takes to read', async () => {
    const author = await aUser(app);
    const body = `# Über *uns*\n\n## Mehr\n\n## Mehr\n\n> ## quoted\n\n${'word '.repeat(500)}`;
    const { body: post } = await write(author, { body });
    expect(post.readingMinutes).toBe(3);
    expect(post.tableOfContents).toEqual([
      { id: 'h-über-uns', level: 1, text: 'Über uns' },
      { id: 'h-mehr', level: 2, text: 'Mehr' },
      { id: 'h-mehr-2', level: 2, text: 'Mehr' },
    ]);
    for (const { id } of post.tableOfContents) expect(post.bodyHtml).toContain(` id="${id}"`);
    await publish(author, post.id);
    const [item] = (await call<Wire<PostList>>('GET', `posts?author=${author.id}`, null)).body.items;
    expect(item).not.toHaveProperty('tableOfContents');
    expect((await edit(author, post.id, { body: 'x' })).body).toMatchObject({ readingMinutes: 1, tableOfContents: [] });
  });

  it.each([
    ['lines without end', '\n'.repeat(30_000), 422],
    ['elements without end', '[a](b)'.repeat(60_000), 422],
    ['ten megabytes', 'a'.repeat(10_000_000), 413],
  ])('is refused for %s', async (_, body, status) => {
    expect((await write(await aUser(app), { body: `x${body}x` })).status).toBe(status);
  });

  it('that an older version has rendered is rendered again, without a new version of the post', async () => {
    const author = await aUser(app);
    const image = await anImage(author);
    const body = `# Old\n\n![a](/api/v1/files/${image.id}/content)`;
    const [made, own] = [await aPost(app, author, { published: true, body }), await aPost(app, author, { body: '# Old', excerpt: 'Mine' })];
    await query(
      app.databaseUrl,
      `UPDATE posts SET body_html = '<h1>Old</h1>', contents = '[]', image_ids = '{}', own_excerpt = true, rendering = 0, excerpt = CASE WHEN excerpt = 'Mine' THEN excerpt ELSE 'Old' END
        WHERE author_id = $1`,
      [author.id],
    );
    await query(app.databaseUrl, `UPDATE files SET is_public = false; DELETE FROM file_uses`);
    await app.get(BodiesService).renew({ signal: new AbortController().signal });
    const { body: renewed } = await read(null, made.id);
    expect(renewed).toMatchObject({ version: made.version, tableOfContents: [{ id: 'h-old' }] });
    expect(renewed.updatedAt).toBe(made.updatedAt.toISOString());
    expect(await statusOf(`files/${image.id}/content`)).toBe(200);
    expect((await edit(author, made.id, { body: 'New' })).body.excerpt).toBe('New');
    expect((await edit(author, own.id, { body: 'New' })).body.excerpt).toBe('Mine');
  });
});

describe('an excerpt', () => {
  it('follows the body until somebody writes one, and again when it is taken away', async () => {
    const author = await aUser(app);
    const { id } = (await write(author)).body;
    expect((await edit(author, id, { body: 'Another *body*.' })).body.excerpt).toBe('Another body.');
    expect((await edit(author, id, { excerpt: 'By hand.' })).body.excerpt).toBe('By hand.');
    expect((await edit(author, id, { body: 'A third.' })).body.excerpt).toBe('By hand.');
    expect((await edit(author, id, { excerpt: null })).body.excerpt).toBe('A third.');
    expect((await edit(author, id, { body: 'A fourth.' })).body.excerpt).toBe('A fourth.');
    expect((await edit(author, id, { excerpt: null, body: 'A fifth.' })).body.excerpt).toBe('A fifth.');
  });
});

describe('a line that somebody writes', () => {
  it.each(['\u200b', '\u202e', '\u2066', '\u200f', '\ufeff', '\u00ad', '\u2028', '\u3164', '\u034f', '\u0085'])(
    'holds nothing that is not seen or turns what follows: %j',
    async (hidden) => {
      const author = await aUser(app);
      const tags = /\s/.test(hidden) ? ['a/b'] : [`a${hidden}b`]; // what is white space is a space there
      for (const draft of [{ title: `pay${hidden}pal` }, { excerpt: `a${hidden}b` }, { tags }, { slug: `a${hidden}b` }]) {
        const answer = await write(author, draft);
        expect([draft, ...codeOf(answer)]).toEqual([draft, 400, 'http/validation-failed']);
      }
      expect((await call('PATCH', 'users/me', author, { name: `Ada${hidden}Lovelace` })).status).toBe(400);
    },
  );

  it('keeps what scripts and emoji need of that, and loses the rest', async () => {
    const author = await aUser(app);
    const titleOf = async (title: string) => (await write(author, { title })).body.title;
    for (const title of [
      'می\u200cخواهم',
      'क्\u200dष',
      '👩\u200d💻',
      '❤\ufe0f\u200d🔥',
      '1\ufe0f\u20e3',
      '🏴\u{e0067}\u{e0062}\u{e0065}\u{e006e}\u{e0067}\u{e007f}',
      '葛\u{e0100}',
    ])
      expect(await titleOf(title)).toBe(title);
    expect(await titleOf('pay\u200dpal\u200c')).toBe('paypal');
    expect(await titleOf('ad\u{e0061}min')).toBe('admin');
    expect((await write(author, { title: '\u200d' })).status).toBe(400);
    const began = performance.now();
    await write(author, { title: '🏴' + '\u{e0061}'.repeat(200_000) });
    expect(performance.now() - began).toBeLessThan(5_000);
  });
});

describe('a slug that a post had', () => {
  const renamed = async ({ published = true } = {}) => {
    const author = await aUser(app);
    const { id, slug } = await aPost(app, author, { published });
    const now = `now-${unique()}`;
    await edit(author, id, { slug: now });
    return { author, id, slug, now };
  };

  it('leads to where it is now, for GET and HEAD', async () => {
    const { slug, now, author } = await renamed();
    const answer = await read(null, slug);
    expect(codeOf(answer)).toEqual([308, 'posts/moved']);
    expect(answer.headers).toMatchObject({
      location: `http://localhost/api/v1/posts/${now}`,
      'content-type': 'application/problem+json',
      'cache-control': 'public, max-age=0',
      vary: expect.stringContaining('Authorization'),
    });
    expect(answer.headers).not.toHaveProperty('etag');
    const head = await call('HEAD', `posts/${slug}`, null);
    expect([head.status, head.headers.location, head.text]).toEqual([308, answer.headers.location, '']);
    expect((await read(author, slug)).headers['cache-control']).toBe('no-store');
    expect((await read(null, now)).status).toBe(200);
  });

  it('tells strangers nothing of what they may not see', async () => {
    const { author, id, slug } = await renamed({ published: false });
    const { instance: _, requestId: __, ...nothing } = problemOf(await read(null, `never-${unique()}`));
    const at = async (by: Person | null) => read(by, slug);
    expect(problemOf(await at(null))).toMatchObject(nothing);
    expect(problemOf(await at(await aUser(app)))).toMatchObject(nothing);
    expect((await at(author)).status).toBe(308);
    await publish(author, id);
    expect((await at(null)).status).toBe(308);
    await call('DELETE', `posts/${id}`, author);
    for (const by of [null, author]) expect((await at(by)).status).toBe(404);
  });

  it('is nobody else’s, and its own to take back', async () => {
    const { author, id, slug, now } = await renamed();
    const other = await aPost(app, author);
    expect(codeOf(await write(author, { slug }))).toEqual([409, 'posts/slug-taken']);
    expect(codeOf(await edit(author, other.id, { slug }))).toEqual([409, 'posts/slug-taken']);
    expect((await edit(author, id, { slug })).status).toBe(200);
    expect((await read(null, slug)).status).toBe(200);
    expect((await read(null, now)).headers.location).toBe(`http://localhost/api/v1/posts/${slug}`);
    const titled = await write(author, { title: now.replaceAll('-', ' ') });
    expect(titled.body.slug).toMatch(new RegExp(`^${now}-`));
  });

  it('is wanted by many at once, and gets one', async () => {
    const author = await aUser(app);
    for (let round = 0; round < 3; round++) {
      const [first, ...others] = [await aPost(app, author), await aPost(app, author), await aPost(app, author), await aPost(app, author)];
      const wanted = `wanted-${unique()}`;
      const answers = await Promise.all(others.map(({ id }) => edit(author, id, { slug: wanted })));
      expect(answers.map(({ status }) => status).sort()).toEqual([200, 409, 409]);
      // One that leaves a slug and two that want it: whoever comes when, it is left, and so is nobody’s.
      const races = await Promise.all([
        edit(author, first.id, { slug: `left-${unique()}` }),
        ...others.map(({ id }) => edit(author, id, { slug: first.slug })),
      ]);
      expect(races.map(({ status }) => status)).toEqual([200, 409, 409, 409]);
    }
  });
});

describe('a cover', () => {
  it('is an image of the author’s, with its size and smaller pictures, in the post and in lists', async () => {
    const author = await aUser(app);
    const { id: fileId } = await anImage(author);
    const { body: draft, status } = await write(author, { coverFileId: fileId });
    expect([status, draft.cover]).toMatchObject([201, { fileId, width: 30, height: 20 }]);
    expect(draft.cover!.url).toMatch(/\/content\?expires=\d+&signature=/);
    expect(await statusOf(draft.cover!.url)).toBe(200);
    expect(await statusOf(`files/${fileId}/content`)).toBe(404);
    const { body: post } = await publish(author, draft.id);
    expect(post.cover!.url).toBe(`http://localhost/api/v1/files/${fileId}/content`);
    expect(await statusOf(post.cover!.url)).toBe(200);
    await eventually(async () => {
      const [item] = (await call<Wire<PostList>>('GET', `posts?author=${author.id}`, null)).body.items;
      return item!.cover!.variants.map(({ name }) => name).join() === 'thumb,medium,large' && item!.cover!.variantsStatus === 'ready';
    });
    expect((await read(null, draft.id)).body.cover!.variants).toHaveLength(3);
    expect(codeOf(await call('DELETE', `files/${fileId}`, author))).toEqual([409, 'files/in-use']);
    expect((await edit(author, draft.id, { coverFileId: null })).body.cover).toBeNull();
    expect(await statusOf(`files/${fileId}/content`)).toBe(404);
    expect((await call('DELETE', `files/${fileId}`, author)).status).toBe(204);
  });

  it('and the images of a body are public exactly while a post that shows them is', async () => {
    const author = await aUser(app);
    const [cover, image] = [await anImage(author), await anImage(author)];
    const shown = async () => [await statusOf(`files/${cover.id}/content`), await statusOf(`files/${image.id}/content`)];
    const body = `![a](${image.url}) ![b](/api/v1/files/${image.id}/content?variant=thumb "t")`;
    const { id, bodyHtml } = (await write(author, { coverFileId: cover.id, body })).body;
    // Who may see the draft sees its images, too.
    const [, src] = /<img src="([^"]+)"/.exec(bodyHtml)!;
    expect(await statusOf(src!.replaceAll('&amp;', '&'))).toBe(200);
    expect(bodyHtml).toMatch(/variant=thumb&amp;expires=/);
    expect(await shown()).toEqual([404, 404]);
    const published = (await publish(author, id)).body.bodyHtml;
    expect(published).toContain(`<img src="http://localhost/api/v1/files/${image.id}/content" alt="a" />`);
    expect(published).toContain(`<img src="http://localhost/api/v1/files/${image.id}/content?variant=thumb" alt="b" title="t" />`);
    expect(await shown()).toEqual([200, 200]);
    await unpublish(author, id);
    expect(await shown()).toEqual([404, 404]);
    await publish(author, id, { at: new Date(Date.now() + 1_500).toISOString() });
    expect(await shown()).toEqual([404, 404]);
    await eventually(async () => (await shown()).join() === '200,200');
    await call('DELETE', `posts/${id}`, author);
    expect(await shown()).toEqual([404, 404]);
    await call('POST', `posts/${id}/restoration`, author);
    expect(await shown()).toEqual([200, 200]);
    const second = await aPost(app, author, { coverFileId: cover.id });
    await unpublish(author, id);
    expect(await shown()).toEqual([404, 404]);
    await publish(author, second.id);
    expect(await shown()).toEqual([200, 404]);
    await publish(author, id);
    await edit(author, id, { body: 'Without.' });
    expect(await shown()).toEqual([200, 404]);
  });

  it('is refused when it is somebody else’s, no image, or gone', async () => {
    const [author, editor] = [await aUser(app), await aUser(app, { roles: ['editor'] })];
    const others = await anImage(await aUser(app));
    const text = (await upload(app, author, { name: 'a.txt', type: 'text/plain', bytes: 'text' })).body;
    const gone = await anImage(author);
    await call('DELETE', `files/${gone.id}`, author);
    const { id } = await aPost(app, author);
    for (const fileId of [others.id, text.id, gone.id, NOBODYS_ID]) {
      for (const [draft, pointer] of [
        [{ coverFileId: fileId }, '/coverFileId'],
        [{ body: `![x](/api/v1/files/${fileId}/content)` }, '/body'],
      ] as const)
        for (const answer of [await write(author, draft), await edit(author, id, draft)]) {
          expect(codeOf(answer)).toEqual([422, 'posts/image-unusable']);
          expect(problemOf(answer).errors).toEqual([expect.objectContaining({ pointer })]);
        }
    }
    expect((await write(author, { coverFileId: 'x' })).status).toBe(400);
    expect((await edit(editor, id, { coverFileId: others.id })).status).toBe(200);
    expect((await edit(author, id, { title: 'The cover that the editor chose stays' })).body.cover!.fileId).toBe(others.id);
  });

  it('goes with the person who uploaded it', async () => {
    const [author, editor] = [await aUser(app), await aUser(app, { roles: ['editor'] })];
    const { id } = await aPost(app, author, { published: true });
    await edit(editor, id, { coverFileId: (await anImage(editor)).id });
    expect((await read(null, id)).body.cover).not.toBeNull();
    await call('DELETE', 'users/me', editor);
    await app.get(Erasures).carryOut({ userId: editor.id, round: 1 }, { signal: new AbortController().signal } as never);
    await eventually(async () => (await read(null, id)).body.cover === null);
  });
});

describe('tags', () => {
  const list = (filters: string) => call<Wire<TagList>>('GET', `tags?${filters}`, null);
  const counts = async (prefix: string) => (await list(`q=${prefix}`)).body.items.map(({ name, posts }) => `${name} ${posts}`);
  const merge = (by: Person | null, tag: string, into: unknown) =>
    call<Wire<TagMergerResponse>>('POST', `tags/${encodeURIComponent(tag)}/merger`, by, { into });

  it('are those of published posts, counted exactly whatever becomes of these', async () => {
    const author = await aUser(app);
    const p = unique();
    const { id } = await aPost(app, author, { tags: [`${p} a`, `${p} b`] });
    expect(await counts(p)).toEqual([]);
    await publish(author, id);
    expect(await counts(p)).toEqual([`${p} a 1`, `${p} b 1`]);
    const second = await aPost(app, author, { tags: [`${p} a`], published: true });
    expect(await counts(p)).toEqual([`${p} a 2`, `${p} b 1`]);
    await edit(author, second.id, { tags: [`${p} c`] });
    expect(await counts(p)).toEqual([`${p} a 1`, `${p} b 1`, `${p} c 1`]);
    await publish(author, second.id, { at: new Date(Date.now() + 1_500).toISOString() });
    expect(await counts(p)).toEqual([`${p} a 1`, `${p} b 1`]);
    await eventually(async () => (await counts(p)).length === 3);
    await call('DELETE', `posts/${id}`, author);
    expect(await counts(p)).toEqual([`${p} c 1`]);
    await call('POST', `posts/${id}/restoration`, author);
    await unpublish(author, second.id);
    expect(await counts(p)).toEqual([`${p} a 1`, `${p} b 1`]);
    await query(app.databaseUrl, 'DELETE FROM posts WHERE id = $1', [id]);
    expect(await query(app.databaseUrl, 'SELECT * FROM tags WHERE name ^@ $1', [p])).toEqual([]);
  });

  it('are counted exactly when many change at once', async () => {
    const author = await aUser(app);
    const p = unique();
    const posts = await Promise.all(Array.from({ length: 12 }, () => aPost(app, author, { tags: [`${p} b`, `${p} a`], published: true })));
    await Promise.all(posts.map(({ id }, index) => (index % 3 === 0 ? unpublish(author, id) : edit(author, id, { tags: [`${p} a`] }))));
    expect(await counts(p)).toEqual([`${p} a 8`]);
  });

  it('are listed by name or by number, page by page', async () => {
    const author = await aUser(app);
    const p = unique();
    for (const tags of [['a'], ['a', 'b'], ['a', 'b', 'c'], ['d']])
      await aPost(app, author, { tags: tags.map((tag) => `${p} ${tag}`), published: true });
    for (const [sort, order] of [
      ['name', 'abcd'],
      ['-name', 'dcba'],
      ['posts', 'cdba'],
      ['-posts', 'abdc'],
    ] as const) {
      let seen = '';
      for (let cursor: string | null = ''; cursor !== null;) {
        const page: Answer<Wire<TagList>> = await list(`q=${p.toUpperCase()}&sort=${sort}&limit=2${cursor && `&cursor=${cursor}`}`);
        seen += page.body.items.map(({ name }) => name.at(-1)).join('');
        cursor = page.body.nextCursor;
      }
      expect([sort, seen]).toEqual([sort, order]);
    }
    for (const filters of ['sort=id', 'q=', 'limit=0', 'cursor=x', 'q=%00', 'name=a']) expect((await list(filters)).status).toBe(400);
    expect((await list('q=%25')).body.items).toEqual([]);
  });

  it('are renamed and merged by editors, in posts of every state', async () => {
    const [author, editor] = [await aUser(app), await aUser(app, { roles: ['editor'] })];
    const p = unique();
    const shown = await aPost(app, author, { tags: [`${p} x`, 'z'], published: true });
    const both = await aPost(app, author, { tags: [`${p} y`, `${p} x`], published: true });
    const hidden = await aPost(app, author, { tags: [`${p} x`] });
    expect((await read(null, shown.id)).body.tags).toEqual([`${p} x`, 'z']);
    expect((await merge(editor, `${p} X`, ` ${p} Y `)).body).toEqual({ into: `${p} y`, changed: 3, goesOn: false });
    expect((await read(null, shown.id)).body).toMatchObject({ tags: [`${p} y`, 'z'], version: shown.version + 1 });
    expect((await read(null, both.id)).body.tags).toEqual([`${p} y`]);
    expect((await read(author, hidden.id)).body.tags).toEqual([`${p} y`]);
    expect(await counts(p)).toEqual([`${p} y 2`]);
    const [event] = await query(
      app.databaseUrl,
      `SELECT payload->'changed' AS changed FROM events WHERE resource_id = $1 ORDER BY seq DESC LIMIT 1`,
      [shown.id],
    );
    expect(event).toEqual({ changed: ['tags'] });
    expect(codeOf(await merge(editor, `${p} x`, `${p} y`))).toEqual([404, 'posts/tag-not-found']);
    expect(codeOf(await merge(editor, `${p} y`, `${p} Y`))).toEqual([400, 'posts/same-tag']);
    for (const into of ['', 'a/b', 5, null, ['a'], 'a'.repeat(41), 'a\u200bb'])
      expect((await merge(editor, `${p} y`, into)).status).toBe(400);
    expect((await merge(null, `${p} y`, 'a')).status).toBe(401);
    expect((await merge(author, `${p} y`, 'a')).status).toBe(403);
  });

  it('that many posts bear are merged in the background', async () => {
    const [author, editor] = [await aUser(app), await aUser(app, { roles: ['editor'] })];
    const p = unique();
    await query(
      app.databaseUrl,
      `INSERT INTO posts (id, slug, title, excerpt, body, body_html, author_id, updated_at, tags, published_at)
        SELECT gen_random_uuid(), '${p}-' || n, 'x', '', '', '', $1, now(), ARRAY['${p} a'], now() FROM generate_series(1, 250) n`,
      [author.id],
    );
    expect((await merge(editor, `${p} a`, `${p} b`)).body).toEqual({ into: `${p} b`, changed: 100, goesOn: true });
    await eventually(async () => (await counts(p)).join() === `${p} b 250`);
    await app.get(TagsService).goOn({ from: `${p} a`, into: `${p} b` }, { signal: new AbortController().signal });
    expect(await counts(p)).toEqual([`${p} b 250`]);
  });
});

describe('a series', () => {
  const series = (method: string, path: string, by: Person | null, body?: unknown) => call<Wire<SeriesResponse>>(method, path, by, body);
  const begin = async (by: Person, more: object = {}) =>
    (await series('POST', 'series', by, { title: `Series ${unique()}`, ...more })).body;

  it('orders posts, and each says what is before and behind it, of those that everybody sees', async () => {
    const author = await aUser(app);
    const { id: seriesId, slug, title } = await begin(author);
    const [one, two, three] = [
      await aPost(app, author, { seriesId, published: true }),
      await aPost(app, author, { seriesId }),
      await aPost(app, author, { seriesId, published: true }),
    ];
    const neighbour = ({ id, slug, title }: { id: string; slug: string; title: string }) => ({ id, slug, title });
    const of = { id: seriesId, slug, title };
    expect((await read(null, one.id)).body.series).toEqual({ ...of, position: 1, of: 2, previous: null, next: neighbour(three) });
    expect((await read(null, three.id)).body.series).toEqual({ ...of, position: 2, of: 2, previous: neighbour(one), next: null });
    expect((await read(author, two.id)).body.series).toEqual({
      ...of,
      position: 2,
      of: 3,
      previous: neighbour(one),
      next: neighbour(three),
    });
    await publish(author, two.id);
    expect((await read(null, one.id)).body.series).toMatchObject({ of: 3, next: { id: two.id } });
    await edit(author, three.id, { seriesPosition: 1, title: 'Now first but one' });
    expect((await read(null, one.id)).body.series).toMatchObject({ position: 1, next: { title: 'Now first but one' } });
    const [item] = (await call<Wire<PostList>>('GET', `posts?author=${author.id}&limit=1&sort=createdAt`, null)).body.items;
    expect(item!.series).toMatchObject({ id: seriesId, position: 1 });
    expect((await edit(author, two.id, { seriesId: null })).body.series).toBeNull();
    expect((await read(null, one.id)).body.series).toMatchObject({ of: 2 });
    const { body } = await series('GET', `series/${slug}`, null);
    expect(body).toMatchObject({ id: seriesId, postCount: 2, posts: [{ id: one.id, seriesPosition: 1 }, { id: three.id }] });
  });

  it('appends each of many that join at once', async () => {
    const author = await aUser(app);
    const { id } = await begin(author);
    await Promise.all(Array.from({ length: 6 }, () => write(author, { seriesId: id })));
    const places = (await series('GET', `series/${id}`, author)).body.posts.map(({ seriesPosition }) => seriesPosition);
    expect(places).toEqual([1, 2, 3, 4, 5, 6]);
  });

  it('is its owner’s and the editors’ until something in it is published', async () => {
    const [owner, stranger, editor] = [await aUser(app), await aUser(app), await aUser(app, { roles: ['editor'] })];
    const { id, slug } = await begin(owner);
    const listed = async (by: Person | null) =>
      (await call<Wire<SeriesList>>('GET', `series?owner=${owner.id}`, by)).body.items.map((one) => one.id);
    for (const by of [owner, editor]) expect([(await series('GET', `series/${slug}`, by)).status, await listed(by)]).toEqual([200, [id]]);
    for (const by of [null, stranger]) {
      expect(codeOf(await series('GET', `series/${id}`, by))).toEqual([404, 'posts/series-not-found']);
      expect(await listed(by)).toEqual([]);
    }
    expect(codeOf(await series('PATCH', `series/${id}`, stranger, { title: 'x' }))).toEqual([404, 'posts/series-not-found']);
    const draft = await aPost(app, owner, { seriesId: id });
    await aPost(app, owner, { seriesId: id, published: true });
    for (const by of [null, stranger]) {
      expect(await listed(by)).toEqual([id]);
      expect((await series('GET', `series/${id}`, by)).text).not.toContain(draft.id);
    }
    for (const method of ['PATCH', 'DELETE']) {
      const body = method === 'PATCH' ? { title: 'x' } : undefined;
      expect((await series(method, `series/${id}`, null, body)).status).toBe(401);
      expect(codeOf(await series(method, `series/${id}`, stranger, body))).toEqual([403, 'posts/series-not-yours']);
    }
    expect((await series('PATCH', `series/${id}`, editor, { title: 'Edited' })).body).toMatchObject({ title: 'Edited', version: 2 });
    const stale = await app.request('PATCH', `series/${id}`, { token: owner.accessToken, body: {}, headers: { 'if-match': '"1"' } });
    expect(stale.status).toBe(412);
  });

  it('takes posts of its owner’s, and of nobody who is neither that nor an editor', async () => {
    const [owner, stranger, editor] = [await aUser(app), await aUser(app), await aUser(app, { roles: ['editor'] })];
    const { id: seriesId } = await begin(owner);
    const own = await aPost(app, stranger);
    for (const answer of [
      await write(stranger, { seriesId }),
      await edit(stranger, own.id, { seriesId }),
      await write(stranger, { seriesId: NOBODYS_ID }),
      await write(stranger, { seriesPosition: 1 }),
    ])
      expect(codeOf(answer)).toEqual([422, 'posts/series-unusable']);
    expect((await edit(editor, own.id, { seriesId })).body.series).toMatchObject({ id: seriesId });
    for (const seriesPosition of [0, -1, 1.5, '1', null, 1_000_001])
      expect((await write(owner, { seriesId, seriesPosition })).status).toBe(400);
  });

  it('that is full takes no more', async () => {
    const owner = await aUser(app);
    const { id: seriesId } = await begin(owner);
    await query(
      app.databaseUrl,
      `INSERT INTO posts (id, slug, title, excerpt, body, body_html, author_id, updated_at, series_id, series_place)
        SELECT gen_random_uuid(), '${unique()}-' || n, 'x', '', '', '', $1, now(), $2, n FROM generate_series(1, 500) n`,
      [owner.id, seriesId],
    );
    expect(codeOf(await write(owner, { seriesId }))).toEqual([409, 'posts/series-full']);
  });

  it('has a slug of its own, and leaves its posts when it goes', async () => {
    const owner = await aUser(app);
    const title = `Engines ${unique()}`;
    const first = await begin(owner, { title });
    const second = await begin(owner, { title });
    expect(second.slug).not.toBe(first.slug);
    expect(codeOf(await series('PATCH', `series/${second.id}`, owner, { slug: first.slug }))).toEqual([409, 'posts/series-slug-taken']);
    expect(codeOf(await series('POST', 'series', owner, { title, slug: first.slug }))).toEqual([409, 'posts/series-slug-taken']);
    const post = await aPost(app, owner, { seriesId: first.id, published: true });
    expect((await series('DELETE', `series/${first.id}`, owner)).status).toBe(204);
    expect((await read(null, post.id)).body).toMatchObject({ series: null, version: post.version + 1 });
    expect((await series('GET', `series/${first.id}`, owner)).status).toBe(404);
    for (const draft of [{}, { title: '' }, { title: 5 }, { title: 'a', slug: 'Ä' }, { title: 'a', posts: [] }])
      expect((await series('POST', 'series', owner, draft)).status).toBe(400);
    expect((await series('POST', 'series', null, { title })).status).toBe(401);
  });
});
