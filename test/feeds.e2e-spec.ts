import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Ajv } from 'ajv';
import addFormats from 'ajv-formats';
import Parser from 'rss-parser';
import { validateXML } from 'xmllint-wasm';
import { startApp, type TestApp } from './harness/app.js';
import { query } from './harness/database.js';
import { eventually } from './harness/eventually.js';
import { aPost, aUser, type Person, unique } from './harness/people.js';

const POSTS_URL = 'https://www.example.org/blog/{slug}';
const HOSTILE = '</title>]]><script>alert(1)</script> & "x" \'y\' <![CDATA[ &#x0; \u202e 👩‍👩‍👧';

let app: TestApp;
let sited: TestApp;
let author: Person;

beforeAll(async () => {
  app = await startApp();
  sited = await startApp({ DATABASE_URL: app.databaseUrl, POSTS_URL, POSTS_FEED_TITLE: 'Looms & <cards>', POSTS_MAX_AGE_SECONDS: '60' });
  author = await aUser(app, { name: 'Ada <Lovelace> & co' });
}, 60_000);

afterAll(async () => {
  await sited?.close();
  await app?.close();
});

interface JsonFeed {
  title: string;
  home_page_url: string;
  feed_url: string;
  items: {
    id: string;
    url: string;
    title: string;
    summary: string;
    content_html: string;
    tags?: string[];
    authors: { name: string }[];
    date_published: string;
  }[];
}

const schema = (name: string) => readFileSync(join(import.meta.dirname, 'feeds', name), 'utf8');
const sitemapSchema = (name: string) => readFileSync(join(import.meta.dirname, '../node_modules/sitemap/schema', name), 'utf8');
const json = addFormats.default(new Ajv({ allErrors: true })).compile(JSON.parse(schema('json-feed.schema.json')) as object);

/** What libxml2 finds wrong. */
async function faults(xml: string, by: { relaxng: string } | { xsd: string }): Promise<string[]> {
  const rules = 'relaxng' in by ? { schema: schema(by.relaxng), extension: 'relaxng' as const } : { schema: sitemapSchema(by.xsd) };
  const { valid, errors } = await validateXML({ xml, maxMemoryPages: 16_384, ...rules });
  return valid ? [] : errors.map(({ message }) => message);
}

const read = (format: string, filter = '', from = app) => from.request<JsonFeed>('GET', `/feeds/posts.${format}${filter}`);
/** The three feeds of a filter, each valid by its own schema and readable for a parser that somebody else wrote. */
async function valid(filter = '', from = app) {
  const [rss, atom, feed] = [await read('rss', filter, from), await read('atom', filter, from), await read('json', filter, from)];
  for (const { status } of [rss, atom, feed]) expect(status).toBe(200);
  expect(await faults(rss.text, { relaxng: 'rss.rng' })).toEqual([]);
  expect(await faults(atom.text, { relaxng: 'atom.rng' })).toEqual([]);
  json(feed.body);
  expect(json.errors ?? []).toEqual([]);
  const parser = new Parser();
  return { rss: await parser.parseString(rss.text), atom: await parser.parseString(atom.text), json: feed.body };
}
const ofAuthor = (person = author) => `?author=${person.id}`;

describe('a feed', () => {
  it('tells of the newest posts: RSS, Atom and JSON Feed say the same, and each is valid', async () => {
    const tag = `loom ${unique()}`;
    const first = await aPost(app, author, { published: true, title: 'First', tags: [tag, 'cards'], body: 'The *engine* weaves.' });
    const second = await aPost(app, author, { published: true, title: 'Second', tags: [tag] });
    await aPost(app, author, { title: 'A draft', tags: [tag] });
    const { rss, atom, json } = await valid(`?tag=${encodeURIComponent(tag)}`);
    const urls = [second, first].map(({ slug }) => `http://localhost/api/v1/posts/${slug}`);
    expect(rss.items.map(({ title, link, guid }) => [title, link, guid])).toEqual([
      ['Second', urls[0], `urn:uuid:${second.id}`],
      ['First', urls[1], `urn:uuid:${first.id}`],
    ]);
    expect(atom.items.map(({ title, link, id }: Parser.Item & { id?: string }) => [title, link, id])).toEqual(
      rss.items.map(({ title, link, guid }) => [title, link, guid]),
    );
    expect(json.items.map(({ title, url, id }) => [title, url, id])).toEqual(rss.items.map(({ title, link, guid }) => [title, link, guid]));
    expect(json.items[1]).toMatchObject({
      content_html: '<p>The <em>engine</em> weaves.</p>',
      authors: [{ name: author.name }],
      tags: [tag, 'cards'],
      date_published: first.publishedAt!.toISOString(),
    });
    expect(rss.items[1]).toMatchObject({
      'content:encoded': expect.stringContaining('<p>The <em>engine</em> weaves.</p>'),
      categories: [tag, 'cards'],
      isoDate: first.publishedAt!.toISOString().replace(/\.\d+/, '.000'),
    });
    expect(atom.feedUrl).toBe(`http://localhost/feeds/posts.atom?tag=${encodeURIComponent(tag).replaceAll('%20', '+')}`);
    expect(json.feed_url).toBe(atom.feedUrl!.replace('.atom', '.json'));
  });

  it('is not broken by what people write', async () => {
    const writer = await aUser(app, { name: HOSTILE });
    const { id } = await aPost(app, writer, {
      published: true,
      title: HOSTILE,
      excerpt: HOSTILE,
      body: `${HOSTILE}\n\n<img src=x onerror=alert(1)>\n\n[x](javascript:alert(1))`,
    });
    // The API takes no such characters; an older row might hold them.
    await query(
      app.databaseUrl,
      `UPDATE posts SET title = title || E'\\x01\\x0b\\ufffe', excerpt = excerpt || E'\\x1f', body_html = body_html || E'<p>\\x02\\uffff</p>', tags = ARRAY[E'a\\x03b&<'] WHERE id = $1`,
      [id],
    );
    const { rss, atom, json } = await valid(ofAuthor(writer));
    for (const title of [rss.items[0]!.title, atom.items[0]!.title]) expect(title!.trim()).toBe(HOSTILE);
    expect(json.items[0]).toMatchObject({ title: expect.stringContaining(HOSTILE), summary: expect.stringContaining(HOSTILE) });
    for (const html of [rss.items[0]!['content:encoded'] as string, json.items[0]!.content_html]) {
      expect(html).not.toMatch(/<script|<img|javascript:alert\(1\)"/);
      expect(html).toContain('&lt;script&gt;');
    }
  });

  it('goes by the clock', async () => {
    const writer = await aUser(app);
    const { id } = await aPost(app, writer, { title: 'Later' });
    await read('rss', ofAuthor(writer));
    const at = new Date(Date.now() + 1_500).toISOString();
    await app.request('PUT', `posts/${id}/publication`, { token: writer.accessToken, body: { at } });
    expect((await valid(ofAuthor(writer))).rss.items).toEqual([]);
    await eventually(async () => (await read('rss', ofAuthor(writer))).text.includes(id));
    expect(Date.now()).toBeGreaterThanOrEqual(Date.parse(at) - 100);
    expect((await read('json', ofAuthor(writer))).body.items[0]!.date_published).toBe(at);
    await app.request('DELETE', `posts/${id}/publication`, { token: writer.accessToken });
    expect((await read('rss', ofAuthor(writer))).text).not.toContain(id);
  });

  it('keeps the id of a post whose slug changes', async () => {
    const writer = await aUser(app);
    const { id } = await aPost(app, writer, { published: true });
    const slug = `another-${unique()}`;
    const before = (await read('json', ofAuthor(writer))).body.items[0]!;
    await app.request('PATCH', `posts/${id}`, { token: writer.accessToken, body: { slug } });
    const after = (await read('json', ofAuthor(writer))).body.items[0]!;
    expect([after.id, after.url]).toEqual([before.id, `http://localhost/api/v1/posts/${slug}`]);
  });

  it('leads to the site that POSTS_URL names, under the title that was set', async () => {
    const writer = await aUser(app);
    const { slug } = await aPost(app, writer, { published: true });
    const { rss, atom, json } = await valid(ofAuthor(writer), sited);
    for (const link of [rss.items[0]!.link, atom.items[0]!.link, json.items[0]!.url])
      expect(link).toBe(`https://www.example.org/blog/${slug}`);
    for (const title of [rss.title, atom.title, json.title]) expect(title!.trim()).toBe('Looms & <cards>');
    for (const home of [rss.link, atom.link, json.home_page_url]) expect(home).toBe('https://www.example.org/');
  });

  it.each([
    ['rss', 'application/rss+xml; charset=utf-8'],
    ['atom', 'application/atom+xml; charset=utf-8'],
    ['json', 'application/feed+json; charset=utf-8'],
  ])('of %s says what it is, how long it keeps, and that nothing has changed', async (format, type) => {
    const writer = await aUser(app);
    const { publishedAt } = await aPost(app, writer, { published: true });
    for (const from of [app, sited, app]) {
      const path = `/feeds/posts.${format}${ofAuthor(writer)}`;
      const { headers, text } = await from.request('GET', path);
      expect(headers).toMatchObject({
        'content-type': type,
        'cache-control': `public, max-age=${from === sited ? 60 : 0}`,
        'last-modified': publishedAt!.toUTCString(),
        etag: expect.stringMatching(/^"[\w-]{22}"$/),
      });
      const again = await from.request('GET', path, { headers: { 'if-none-match': headers.etag! } });
      expect([again.status, again.text, again.headers.etag]).toEqual([304, '', headers.etag]);
      const head = await from.request('HEAD', path);
      expect([head.status, head.text, head.headers.etag, head.headers['content-length']]).toEqual([
        200,
        '',
        headers.etag,
        String(Buffer.byteLength(text)),
      ]);
    }
  });

  it('is the same for everybody, and refuses what it does not know', async () => {
    const writer = await aUser(app);
    await aPost(app, writer, { title: 'A draft' });
    expect((await app.request('GET', `/feeds/posts.rss${ofAuthor(writer)}`, { token: writer.accessToken })).text).not.toContain('A draft');
    for (const path of [
      '/feeds/posts.rss?q=x',
      '/feeds/posts.atom?author=me',
      '/feeds/posts.json?tag[]=x',
      `/feeds/posts.rss?tag=${'a'.repeat(41)}`,
    ])
      expect([path, (await app.request('GET', path)).status]).toEqual([path, 400]);
    expect((await app.request('GET', '/feeds/posts.xml')).status).toBe(404);
    expect((await app.request('POST', '/feeds/posts.rss')).status).toBe(405);
  });
});

describe('the sitemap', () => {
  const locations = (xml: string) => [...xml.matchAll(/<loc>([^<]*)<\/loc>/g)].map(([, url]) => url);

  it('names the site while there is nothing to read', async () => {
    const empty = await startApp();
    try {
      const { status, text } = await empty.request('GET', '/sitemap.xml');
      expect([status, locations(text)]).toEqual([200, ['http://localhost/']]);
      expect(await faults(text, { xsd: 'sitemap.xsd' })).toEqual([]);
    } finally {
      await empty.close();
    }
  });

  it('lists what strangers can read, and is not sent again until that changes', async () => {
    const [shown, draft] = [await aPost(app, author, { published: true }), await aPost(app, author)];
    const { headers, text } = await app.request('GET', '/sitemap.xml');
    expect(headers).toMatchObject({ 'content-type': 'application/xml; charset=utf-8', 'cache-control': 'public, max-age=0' });
    expect(await faults(text, { xsd: 'sitemap.xsd' })).toEqual([]);
    expect(locations(text)).toContain(`http://localhost/api/v1/posts/${shown.slug}`);
    expect(text).not.toContain(draft.slug);
    const again = () => app.request('GET', '/sitemap.xml', { headers: { 'if-none-match': headers.etag! } });
    expect([(await again()).status, (await again()).text]).toEqual([304, '']);
    expect(locations((await sited.request('GET', '/sitemap.xml')).text)).toContain(`https://www.example.org/blog/${shown.slug}`);
    await app.request('PUT', `posts/${draft.id}/publication`, { token: author.accessToken, body: {} });
    expect((await again()).text).toContain(draft.slug);
    await app.request('DELETE', `posts/${draft.id}/publication`, { token: author.accessToken });
    expect((await again()).status).toBe(304); // as it was
  });

  it('is an index of several beyond 50,000 posts, in which each is once', async () => {
    const large = await startApp();
    try {
      const writer = await aUser(large);
      await query(
        large.databaseUrl,
        `INSERT INTO posts (id, slug, title, excerpt, body, body_html, author_id, published_at) SELECT gen_random_uuid(), 's-' || n, '', '', '', '', $1, now() - n / 7 * interval '1 second' FROM generate_series(1, 50003) n`,
        [writer.id],
      );
      const { text } = await large.request('GET', '/sitemap.xml');
      expect(await faults(text, { relaxng: 'siteindex.rng' })).toEqual([]);
      expect(locations(text)).toEqual(['http://localhost/sitemaps/1', 'http://localhost/sitemaps/2']);
      const [first, second] = [await large.request('GET', '/sitemaps/1'), await large.request('GET', '/sitemaps/2')];
      expect([locations(first.text).length, locations(second.text).length]).toEqual([50_000, 3]);
      expect(new Set([...locations(first.text), ...locations(second.text)]).size).toBe(50_003);
      expect(await faults(second.text, { xsd: 'sitemap.xsd' })).toEqual([]);
      const beyond = await large.request('GET', '/sitemaps/3');
      expect([beyond.status, beyond.body.code]).toEqual([404, 'posts/sitemap-not-found']);
      for (const page of ['0', 'x', '1.5']) expect((await large.request('GET', `/sitemaps/${page}`)).status).toBe(400);
    } finally {
      await large.close();
    }
  });
});
