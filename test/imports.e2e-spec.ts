import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { ImportersService } from '../src/imports/importers.service.js';
import type { PostList, PostResponse } from '../src/posts/posts.dto.js';
import { startApp, type TestApp } from './harness/app.js';
import { unzip } from './harness/archive.js';
import { query } from './harness/database.js';
import { eventually } from './harness/eventually.js';
import { anAdmin, aPost, aUser, type Person, unique } from './harness/people.js';
import { runCommand } from './harness/product.js';
import { fire } from './harness/schedules.js';
import { aPng, exchange, upload } from './harness/uploads.js';
import type { Wire } from './harness/wire.js';
import { anImport, aZip, directed, type ImportBody, importOver, type Packed, renamed, sendImport } from './harness/zips.js';

let app: TestApp;

beforeAll(async () => {
  app = await startApp({
    POSTS_IMPORT_MAX_FILES: '400',
    POSTS_IMPORT_MAX_BYTES: '5000000',
    POSTS_IMPORT_UNPACKED_BYTES: '40000000',
    POSTS_IMPORTS_AT_ONCE: '2',
  });
}, 60_000);

afterAll(async () => {
  await app?.close();
});

const file = (front: Record<string, unknown>, body = 'Some *text*.') =>
  `---\n${Object.entries(front)
    .map(([key, value]) => `${key}: ${JSON.stringify(value)}`)
    .join('\n')}\n---\n\n${body}`;
const importing = async (by: Person, files: Record<string, Packed>, options = 'publish=true') =>
  anImport(app, by, await aZip(files), { query: options });
const counts = ({ status, created, updated, unchanged, failed }: ImportBody) => ({ status, created, updated, unchanged, failed });
const said = ({ problems }: ImportBody) => problems.map(({ file, line, code }) => `${file}:${line}: ${code}`);
const noted = ({ notes }: ImportBody) => notes.map(({ file, code, count }) => `${file}: ${code} × ${count}`);
const postsOf = async (by: Person) =>
  (await app.request<Wire<PostList>>('GET', `posts?author=${by.id}&limit=100&sort=createdAt`, { token: by.accessToken })).body.items;
const read = async (by: Person, idOrSlug: string) =>
  (await app.request<Wire<PostResponse>>('GET', `posts/${idOrSlug}`, { token: by.accessToken })).body;
const exported = async (by: Person, filters = '') => {
  const answer = await exchange(app, 'GET', `posts/export.zip${filters}`, { headers: { authorization: `Bearer ${by.accessToken}` } });
  return { ...answer, files: answer.status === 200 ? await unzip(answer.bytes) : new Map<string, string>() };
};

describe('importing a ZIP', () => {
  it('makes posts of its files, says how far it is, and leaves no archive behind', async () => {
    const ada = await aUser(app);
    const slug = `hello-${unique()}`;
    const zip = await aZip({
      [`blog/_posts/2020-01-02-${slug}.md`]: file(
        { title: 'Hello', tags: ['News', 'a'], excerpt: 'In short', lastmod: '2021-02-03', layout: 'post' },
        '# Hello\n',
      ),
      [`blog/_drafts/later-${unique()}.md`]: file({ title: 'Later' }),
      [`blog/about-${unique()}.md`]: file({ title: 'To come', date: '2099-01-01T00:00:00Z', layout: 'page' }),
      'blog/style.css': 'a {}',
      '__MACOSX/blog/._x.md': 'litter',
    });
    const { status, headers, body } = await sendImport(app, ada, zip, { query: 'publish=true' });
    expect([status, headers.location]).toEqual([202, `http://localhost/api/v1/posts/imports/${body.id}`]);
    expect(body).toMatchObject({ name: 'blog.zip', progress: { done: 0, of: null }, dryRun: false, publish: true });
    const over = await importOver(app, ada, body.id);
    expect(counts(over)).toEqual({ status: 'done', created: 3, updated: 0, unchanged: 0, failed: 0 });
    expect(over.progress).toEqual({ done: 3, of: 3 });
    expect(noted(over).sort()).toEqual(
      [`${over.notes.find(({ code }) => code === 'unknown-key')!.file}: unknown-key × 2`, 'blog/style.css: not-markdown × 1'].sort(),
    );
    const [hello, later, toCome] = [await read(ada, slug), ...(await postsOf(ada)).slice(1)];
    expect(hello).toMatchObject({
      title: 'Hello',
      status: 'published',
      publishedAt: '2020-01-02T00:00:00.000Z',
      createdAt: '2020-01-02T00:00:00.000Z',
      updatedAt: '2021-02-03T00:00:00.000Z',
      tags: ['news', 'a'],
      excerpt: 'In short',
      body: '# Hello\n',
    });
    expect([later!.status, toCome!.status].sort()).toEqual(['draft', 'scheduled']);
    expect(
      await query(app.databaseUrl, `SELECT action, after->'created' AS created FROM audit_entries WHERE resource_id = $1 ORDER BY id`, [
        body.id,
      ]),
    ).toEqual([
      { action: 'posts.import-requested', created: 0 },
      { action: 'posts.import-ended', created: 3 },
    ]);
    const again = await sendImport(app, ada, zip, { query: 'publish=true' });
    expect(counts(await importOver(app, ada, again.body.id))).toEqual({ status: 'done', created: 0, updated: 0, unchanged: 3, failed: 0 });
    expect(await postsOf(ada)).toHaveLength(3);
  });

  it('takes one file, too, in TOML, and makes drafts unless it is told to publish', async () => {
    const ada = await aUser(app);
    const text = '+++\ntitle = "Alone"\ndate = 2019-05-06\n+++\nText';
    expect(counts(await anImport(app, ada, text, { name: 'alone.md' }))).toMatchObject({ created: 1 });
    expect((await postsOf(ada))[0]).toMatchObject({ title: 'Alone', status: 'draft', createdAt: '2019-05-06T00:00:00.000Z' });
    expect(counts(await anImport(app, ada, text, { name: 'alone.md', query: 'publish=true' }))).toMatchObject({ created: 0, updated: 1 });
    expect((await postsOf(ada))[0]).toMatchObject({ status: 'published', publishedAt: '2019-05-06T00:00:00.000Z' });
  });

  it('reports bad files with their lines, and takes the others', async () => {
    const ada = await aUser(app);
    const slug = `taken-${unique()}`;
    await aPost(app, await aUser(app), { slug });
    const over = await importing(ada, {
      'bad-yaml.md': '---\ntitle: x\ntags: [a\n---\n\nx',
      'binary.md': Buffer.from('---\ntitle: x\n---\n\none\n\xff', 'latin1'),
      'good.md': file({ title: `Good ${unique()}` }),
      'no-title.md': file({ date: '2020-01-01' }),
      'nul.md': 'a\n\0',
      'taken.md': file({ title: 'x', slug }),
      'turned.md': file({ date: '2020-01-01', title: 'a \u202e b' }),
    });
    expect(counts(over)).toEqual({ status: 'done', created: 1, updated: 0, unchanged: 0, failed: 6 });
    expect(said(over)).toEqual([
      'bad-yaml.md:4: front-matter-invalid',
      'binary.md:6: not-utf-8',
      'no-title.md:1: title-missing',
      'nul.md:2: nul',
      'taken.md:null: posts/slug-taken',
      'turned.md:3: title-bidi',
    ]);
    expect(over.problems[0]!.detail).toMatch(/^The YAML cannot be read: /);
  });

  it('only says what would come of it in a dry run', async () => {
    const ada = await aUser(app);
    const slug = `twice-${unique()}`;
    const over = await importing(
      ada,
      {
        'a.md': file({ title: 'A', slug }),
        'b.md': file({ title: 'B', slug }),
        'c.md': file({ title: '' }),
        'p.md': file({ title: 'P' }, '![p](p.png)'),
        'p.png': aPng(2, 2),
      },
      'dryRun=true&publish=true',
    );
    expect(counts(over)).toEqual({ status: 'done', created: 2, updated: 0, unchanged: 0, failed: 2 });
    expect(said(over)).toEqual(['b.md:null: posts/slug-taken', 'c.md:2: title-missing']);
    expect(await postsOf(ada)).toEqual([]);
    expect(await app.prisma.file.count({ where: { ownerId: ada.id } })).toBe(0);
  });

  it('brings the pictures along that the texts show, each once', async () => {
    const ada = await aUser(app);
    const picture = aPng(20, 10);
    const zip = await aZip({
      'posts/one.md': file({ title: `One ${unique()}` }, '![a](../img/a.png) and ![gone](gone.png), ![far](https://example.org/x.png)'),
      'posts/two.md': file({ title: `Two ${unique()}` }, '![a](/img/a.png "A") ![bad](bad.png)'),
      'static/img/a.png': picture,
      'img/a.png': picture,
      'posts/bad.png': 'no picture',
    });
    const over = await anImport(app, ada, zip, { query: 'publish=true' });
    expect(noted(over).sort()).toEqual(['posts/one.md: picture-missing × 1', 'posts/two.md: picture-refused × 1']);
    const files = await app.prisma.file.findMany({ where: { ownerId: ada.id } });
    expect(files).toMatchObject([{ contentType: 'image/png', isPublic: true }]);
    const address = `http://localhost/api/v1/files/${files[0]!.id}/content`;
    const bodies = (await Promise.all((await postsOf(ada)).map(({ id }) => read(ada, id)))).map(({ body }) => body).sort();
    expect(bodies).toEqual([
      `![a](${address} "A") ![bad](bad.png)`,
      `![a](${address}) and ![gone](gone.png), ![far](https://example.org/x.png)`,
    ]);
    expect((await exchange(app, 'GET', `files/${files[0]!.id}/content`)).bytes).toEqual(picture);
    expect(counts(await anImport(app, ada, zip, { query: 'publish=true&overwrite=true' }))).toMatchObject({
      created: 0,
      updated: 0,
      unchanged: 2,
    });
    expect(await app.prisma.file.count({ where: { ownerId: ada.id } })).toBe(1);
  });
});

describe('a cover', () => {
  const coverOf = async (by: Person, title: string) => {
    const { id } = (await postsOf(by)).find((post) => post.title === title)!;
    return (await read(by, id)).cover?.fileId ?? null;
  };

  it('that front matter names comes along as a file of whoever imports, each once', async () => {
    const ada = await aUser(app);
    const zip = await aZip({
      'posts/one.md': file({ title: 'One', slug: `one-${unique()}`, cover: '../img/a.png' }, '![a](../img/a.png)'),
      'posts/two/index.md': file({ title: 'Two', slug: `two-${unique()}`, image: './b.png' }),
      'posts/two/b.png': aPng(6, 5),
      'posts/three.md': file({ title: 'Three', slug: `three-${unique()}`, hero_image: '/img/a.png' }),
      'static/img/a.png': aPng(20, 10),
      'img/a.png': aPng(20, 10),
    });
    const over = await anImport(app, ada, zip, { query: 'publish=true' });
    expect([counts(over), said(over), noted(over)]).toEqual([{ status: 'done', created: 3, updated: 0, unchanged: 0, failed: 0 }, [], []]);
    const files = await app.prisma.file.findMany({ where: { ownerId: ada.id } });
    expect(files.map(({ width, isPublic }) => [width, isPublic]).sort()).toEqual([
      [20, true],
      [6, true],
    ]);
    const [a, b] = [20, 6].map((width) => files.find((each) => each.width === width)!.id);
    expect([await coverOf(ada, 'One'), await coverOf(ada, 'Two'), await coverOf(ada, 'Three')]).toEqual([a, b, a]);
    expect(counts(await anImport(app, ada, zip, { query: 'publish=true&overwrite=true' }))).toMatchObject({ updated: 0, unchanged: 3 });
  });

  it('that is missing, elsewhere, or no image of a size is reported with its line, and the post comes without', async () => {
    const ada = await aUser(app);
    const over = await importing(
      ada,
      {
        'gone.md': file({ title: 'Gone', cover: 'gone.png' }),
        'far.md': file({ title: 'Far', image: 'https://example.org/x.png' }),
        'odd.md': file({ title: 'Odd', image: 'odd.svg' }),
        'odd.svg': '<svg xmlns="http://www.w3.org/2000/svg"/>',
        'bad.md': file({ title: 'Bad', cover: 'bad.png' }),
        'bad.png': 'no picture',
      },
      'publish=true',
    );
    expect(counts(over)).toMatchObject({ created: 4, failed: 0 });
    expect(noted(over).sort()).toEqual([
      'bad.md: picture-refused × 1',
      'far.md: cover-elsewhere × 1',
      'gone.md: cover-missing × 1',
      'odd.md: cover-refused × 1',
    ]);
    expect(over.notes.find(({ code }) => code === 'cover-missing')).toMatchObject({ line: 3 });
    expect((await postsOf(ada)).map(({ cover }) => cover)).toEqual([null, null, null, null]);
  });

  it('uploads nothing in a dry run, which says what is missing', async () => {
    const ada = await aUser(app);
    const over = await importing(
      ada,
      { 'a.md': file({ title: 'A', cover: 'a.png' }), 'a.png': aPng(2, 2), 'b.md': file({ title: 'B', cover: 'b.png' }) },
      'dryRun=true',
    );
    expect([counts(over).created, noted(over)]).toEqual([2, ['b.md: cover-missing × 1']]);
    expect(await app.prisma.file.count({ where: { ownerId: ada.id } })).toBe(0);
  });

  it('follows its file, and one that was chosen here is not written over', async () => {
    const ada = await aUser(app);
    const name = `${unique()}.md`;
    const pictures = { 'a.png': aPng(4, 4), 'b.png': aPng(5, 5) };
    const brought = (front: object, body: string, query = '') =>
      importing(ada, { [name]: file({ title: 'One', ...front }, body), ...pictures }, query);
    const width = async () => (await read(ada, (await postsOf(ada))[0]!.id)).cover?.width ?? null;
    await brought({ cover: 'a.png' }, 'First');
    expect(await width()).toBe(4);
    expect(counts(await brought({ cover: 'b.png' }, 'First'))).toMatchObject({ updated: 1 });
    expect(await width()).toBe(5);
    const [post] = await postsOf(ada);
    const { id: own } = (await upload(app, ada, { name: 'c.png', type: 'image/png', bytes: aPng(7, 7) })).body;
    await app.request('PATCH', `posts/${post!.id}`, { token: ada.accessToken, body: { coverFileId: own } });
    expect(said(await brought({ cover: 'a.png' }, 'Second'))).toEqual([`${name}:null: edited-here`]);
    expect(await width()).toBe(7);
    expect(counts(await brought({ cover: 'a.png' }, 'Second', 'overwrite=true'))).toMatchObject({ updated: 1 });
    expect(await width()).toBe(4);
    // What the file does not say stays, and hinders nothing.
    await brought({}, 'Third', 'overwrite=true');
    await app.request('PATCH', `posts/${post!.id}`, { token: ada.accessToken, body: { coverFileId: own } });
    expect(counts(await brought({}, 'Fourth'))).toMatchObject({ updated: 1, failed: 0 });
    expect(await width()).toBe(7);
  });
});

describe('a file that is imported again', () => {
  const world = async () => {
    const ada = await aUser(app);
    const name = `${unique()}.md`;
    const one = { [name]: file({ title: 'One', tags: ['a'] }, 'First') };
    const two = { [name]: file({ title: 'Two', tags: ['a'] }, 'Second') };
    await importing(ada, one);
    const [post] = await postsOf(ada);
    return { ada, name, one, two, id: post!.id };
  };

  it('changes its post when it has changed itself, wherever it lies now', async () => {
    const { ada, one, two, name, id } = await world();
    expect(counts(await importing(ada, two))).toMatchObject({ created: 0, updated: 1 });
    expect(await read(ada, id)).toMatchObject({ title: 'Two', body: 'Second', version: 3 });
    expect(counts(await importing(ada, { [`moved/${name}`]: two[name]! }))).toMatchObject({ created: 0, unchanged: 1 });
    expect(counts(await importing(ada, { [`moved/${name}`]: one[name]! }))).toMatchObject({ created: 0, updated: 1 });
    expect(await postsOf(ada)).toHaveLength(1);
  });

  it('does not write over what was edited here, unless it is told to', async () => {
    const { ada, name, one, two, id } = await world();
    await app.request('PATCH', `posts/${id}`, { token: ada.accessToken, body: { body: 'Mine' } });
    expect(counts(await importing(ada, one))).toMatchObject({ unchanged: 1 });
    const over = await importing(ada, two);
    expect([counts(over).failed, said(over)]).toEqual([1, [`${name}:null: edited-here`]]);
    expect((await read(ada, id)).body).toBe('Mine');
    expect(counts(await importing(ada, two, 'overwrite=true'))).toMatchObject({ updated: 1, failed: 0 });
    expect((await read(ada, id)).body).toBe('Second');
  });

  it('leaves alone what is in the trash, and what was taken back from publication', async () => {
    const { ada, name, one, id } = await world();
    await app.request('DELETE', `posts/${id}/publication`, { token: ada.accessToken });
    expect(counts(await importing(ada, one))).toMatchObject({ unchanged: 1 });
    expect((await read(ada, id)).status).toBe('draft');
    await app.request('DELETE', `posts/${id}`, { token: ada.accessToken });
    expect(noted(await importing(ada, one))).toEqual([`${name}: in-trash × 1`]);
    expect(await postsOf(ada)).toEqual([]);
  });

  it('is known by its externalId before its path', async () => {
    const ada = await aUser(app);
    const externalId = `x-${unique()}`;
    await importing(ada, { 'a.md': file({ title: 'A', externalId }) });
    expect(counts(await importing(ada, { 'b.md': file({ title: 'B', externalId }) }))).toMatchObject({ created: 0, updated: 1 });
    expect(await postsOf(ada)).toMatchObject([{ title: 'B', externalId }]);
  });

  it('twice at once makes no doubles', async () => {
    const ada = await aUser(app);
    const zip = await aZip(Object.fromEntries(Array.from({ length: 20 }, (_, n) => [`${n}.md`, file({ title: `Race ${n}` })])));
    const overs = await Promise.all([anImport(app, ada, zip), anImport(app, ada, zip)]);
    expect(overs.reduce((sum, { created }) => sum + created, 0)).toBe(20);
    expect(await postsOf(ada)).toHaveLength(20);
  });
});

describe('what is sent', () => {
  it('is looked at: neither a ZIP nor Markdown, too much, a damaged or crowded ZIP', async () => {
    const ada = await aUser(app);
    const refused = async (bytes: Buffer | string, name = 'blog.zip') => {
      const { status, body } = await sendImport(app, ada, bytes, { name });
      return [status, body.code];
    };
    expect(await refused('plain')).toEqual([422, 'posts/import-unreadable']);
    expect(await refused('', 'a.txt')).toEqual([422, 'posts/import-unreadable']);
    expect(await refused(Buffer.alloc(5_000_001, 'PK\u0003\u0004'))).toEqual([413, 'http/file-too-large']);
    const failed = async (bytes: Buffer) => {
      const over = await anImport(app, ada, bytes);
      return [over.status, over.created, ...said(over)];
    };
    const zip = await aZip({ 'a.md': file({ title: 'A' }) });
    expect(await failed(zip.subarray(0, zip.length - 8))).toEqual(['failed', 0, ':null: posts/import-unreadable']);
    expect(await failed(await aZip(Object.fromEntries(Array.from({ length: 401 }, (_, n) => [`${n}.txt`, '']))))).toEqual([
      'failed',
      0,
      ':null: posts/import-too-large',
    ]);
    expect(await failed(await aZip({ 'a.png': Buffer.alloc(41_000_000) }))).toEqual(['failed', 0, ':null: posts/import-too-large']);
  });

  it('does no harm, whatever its names and sizes say', async () => {
    const ada = await aUser(app);
    const good = file({ title: 'Good' });
    const one = async (zip: Buffer) => {
      const over = await anImport(app, ada, zip);
      return [over.created, ...over.problems.map(({ code }) => code), ...over.notes.map(({ code }) => code)];
    };
    const plain = await aZip({ 'aaaa/a.md': good });
    for (const name of ['../../.md', '/etc/b.md', 'C:/etc.md', '..\\..\\.md'])
      expect(await one(renamed(plain, 'aaaa/a.md', name))).toEqual([0, 'bad-name']);
    expect(await one(renamed(plain, 'aaaa/a.md', 'aa\r\n/a.md'))).toEqual([0, 'bad-name']);
    expect(await one(await aZip({ 'a.md': { bytes: '/etc/passwd', mode: 0o120777 } }))).toEqual([0, 'link']);
    expect(await one(directed(plain, (header) => header.writeUInt16LE(header.readUInt16LE(8) | 1, 8)))).toEqual([0, 'encrypted']);
    expect(await one(await aZip({ 'a.md': Buffer.alloc(30_000_000, 'a') }))).toEqual([0, 'too-large']);
    const bomb = await aZip({ 'a.md': Buffer.alloc(30_000_000, 'a') });
    expect(await one(directed(bomb, (header) => header.writeUInt32LE(1_000, 24)))).toEqual([0, 'damaged']);
    expect(await one(directed(plain, (header) => header.writeUInt16LE(12, 10)))).toEqual([0, 'damaged']);
    expect(await one(await aZip({ 'inner.zip': plain }))).toEqual([0, 'nested-archive']);
    expect(await one(await aZip({ [`${'x'.repeat(500)}.md`]: good }))).toEqual([0, 'bad-name']);
    expect(await one(renamed(await aZip({ 'aaaa.md': good, 'bbbb.md': good }), 'bbbb.md', 'aaaa.md'))).toEqual([1, 'duplicate-name']);
    expect(await one(await aZip({ 'z64.md': { bytes: file({ title: 'Sixty-four' }), forceZip64Format: true } }))).toEqual([1]);
  });

  it('is repeated with its key only as the same', async () => {
    const ada = await aUser(app);
    const headers = { 'idempotency-key': unique() };
    const zip = await aZip({ 'a.md': file({ title: 'A' }) });
    const first = await sendImport(app, ada, zip, { headers });
    const again = await sendImport(app, ada, zip, { headers });
    expect([again.status, again.text, again.headers['idempotency-replayed']]).toEqual([202, first.text, 'true']);
    expect((await sendImport(app, ada, await aZip({ 'a.md': file({ title: 'B' }) }), { headers })).status).toBe(422);
    await importOver(app, ada, first.body.id);
    expect(await app.prisma.postImport.count({ where: { ownerId: ada.id } })).toBe(1);
  });
});

describe('an import', () => {
  it('needs a login, and is its owner’s alone', async () => {
    const [ada, eve] = [await aUser(app), await aUser(app)];
    const zip = await aZip({ 'a.md': file({ title: 'A' }) });
    expect((await sendImport(app, null, zip)).status).toBe(401);
    const { id } = await anImport(app, ada, zip);
    for (const [method, path] of [
      ['GET', ''],
      ['POST', '/cancellation'],
    ] as const) {
      const answer = await app.request(method, `posts/imports/${id}${path}`, { token: eve.accessToken });
      expect([answer.status, answer.body.code]).toEqual([404, 'posts/import-not-found']);
      expect((await app.request(method, `posts/imports/${id}${path}`)).status).toBe(401);
    }
    const list = async (by: Person) =>
      (await app.request<{ items: ImportBody[] }>('GET', 'posts/imports', { token: by.accessToken })).body.items;
    expect((await list(ada)).map((each) => each.id)).toEqual([id]);
    expect(await list(eve)).toEqual([]);
    expect((await app.request('GET', 'posts/imports/x', { token: ada.accessToken })).status).toBe(400);
  });

  it('for somebody else, or with publication, takes the permission', async () => {
    const [ada, editor] = [await aUser(app), await aUser(app, { roles: ['editor'] })];
    const zip = await aZip({ 'a.md': file({ title: 'For Ada' }) });
    const tried = async (by: Person, options: string) => {
      const { status, body } = await sendImport(app, by, zip, { query: options });
      return [status, body.code];
    };
    expect(await tried(ada, `author=${editor.id}`)).toEqual([403, 'posts/import-not-allowed']);
    expect(await tried(editor, 'author=0199f3a1-7c1e-7b3a-9a4e-0d6f1c2b3a49')).toEqual([403, 'posts/import-not-allowed']);
    expect(await tried(ada, 'publish=maybe')).toEqual([400, 'http/validation-failed']);
    expect(counts(await anImport(app, editor, zip, { query: `author=${ada.id}&publish=true` }))).toMatchObject({ created: 1 });
    expect(await postsOf(ada)).toMatchObject([{ title: 'For Ada', author: { id: ada.id } }]);
    const [entry] = await query(
      app.databaseUrl,
      `SELECT actor_id, subject_id FROM audit_entries WHERE action = 'posts.created' AND subject_id = $1`,
      [ada.id],
    );
    expect(entry).toEqual({ actor_id: editor.id, subject_id: ada.id });
    const { body: key } = await app.request<{ key: string }>('POST', 'auth/api-keys', {
      token: editor.accessToken,
      body: { name: 'x', scopes: ['posts:write'] },
    });
    expect(await tried({ ...editor, accessToken: key.key }, `author=${ada.id}`)).toEqual([403, 'posts/import-not-allowed']);
    expect(await tried({ ...editor, accessToken: key.key }, 'publish=true')).toEqual([403, 'posts/import-not-allowed']);
  });

  it('ends when it is cancelled, and there may be only so many', async () => {
    const ada = await aUser(app);
    const idle = await startApp({ DATABASE_URL: app.databaseUrl, ROLE: 'api', POSTS_IMPORTS_AT_ONCE: '2' });
    try {
      await app.prisma.postImport.createMany({ data: [1, 2].map((n) => ({ ownerId: ada.id, authorId: ada.id, name: `${n}.zip` })) });
      const zip = await aZip({ 'a.md': file({ title: 'A' }) });
      const full = await sendImport(idle, ada, zip);
      expect([full.status, full.body.code]).toEqual([409, 'posts/too-many-imports']);
      const [first] = await app.prisma.postImport.findMany({ where: { ownerId: ada.id } });
      const cancel = () => idle.request<ImportBody>('POST', `posts/imports/${first!.id}/cancellation`, { token: ada.accessToken });
      expect((await cancel()).body).toMatchObject({ status: 'cancelled' });
      const over = await cancel();
      expect([over.status, (over.body as unknown as { code: string }).code]).toEqual([409, 'posts/import-over']);
      expect(counts(await anImport(app, ada, zip))).toMatchObject({ status: 'done' });
    } finally {
      await idle.close();
    }
  });

  it('goes no further than its owner may go by then', async () => {
    const editor = await aUser(app, { roles: ['editor'] });
    const row = { ownerId: editor.id, authorId: editor.id, name: 'a.zip', rights: ['posts:write', 'posts:publish'] };
    const asked = await app.prisma.postImport.create({ data: row });
    const importer = (changes: object = {}) => app.get(ImportersService).actorOf({ ...asked, ...changes });
    const actor = await importer();
    expect((['posts:write', 'posts:publish', 'posts:manage'] as const).map((each) => actor.can(each))).toEqual([true, true, false]);
    await expect(importer({ authorId: row.ownerId.replace(/^./, '1') })).rejects.toMatchObject({ code: 'posts/import-not-allowed' });
    await app.prisma.user.update({ where: { id: editor.id }, data: { roles: [] } });
    await expect(importer()).rejects.toMatchObject({ code: 'posts/import-not-allowed' });
    await app.prisma.user.update({ where: { id: editor.id }, data: { roles: ['editor'], status: 'suspended' } });
    await expect(importer()).rejects.toMatchObject({ code: 'posts/import-not-allowed' });
  });

  it('is given up when nobody carries it out, and forgotten in time', async () => {
    const ada = await aUser(app);
    const aged = (days: number) => ({
      ownerId: ada.id,
      authorId: ada.id,
      name: 'a.zip',
      createdAt: new Date(Date.now() - days * 86_400_000),
    });
    const { id } = await app.prisma.postImport.create({ data: aged(2) });
    const { id: old } = await app.prisma.postImport.create({ data: { ...aged(31), status: 'done', completedAt: new Date() } });
    await fire(app.databaseUrl, 'posts.imports-purge');
    expect(counts(await importOver(app, ada, id))).toMatchObject({ status: 'failed' });
    await eventually(async () => (await app.request('GET', `posts/imports/${old}`, { token: ada.accessToken })).status === 404);
  });
});

describe('the export', () => {
  it('is a ZIP of one’s own posts, or of all for those who manage them, with filters', async () => {
    const [ada, eve, admin] = [await aUser(app), await aUser(app), await anAdmin(app)];
    const tag = `tag ${unique()}`;
    const [shown, draft] = [await aPost(app, ada, { published: true, tags: [tag] }), await aPost(app, ada, { tags: [tag] })];
    await aPost(app, eve, { published: true });
    const names = async (by: Person, filters = '') =>
      [...(await exported(by, filters)).files.keys()].map((name) => name.slice(11, -3)).sort();
    const { headers } = await exported(ada);
    expect([headers['content-type'], headers['content-disposition']]).toEqual([
      'application/zip',
      expect.stringMatching(/^attachment; filename="posts-.*\.zip"$/),
    ]);
    expect(await names(ada)).toEqual([shown.slug, draft.slug].sort());
    expect(await names(ada, '?status=draft')).toEqual([draft.slug]);
    expect(await names(eve, `?author=${ada.id}`)).toEqual([]);
    expect(await names(admin, `?tag=${encodeURIComponent(tag)}`)).toEqual([shown.slug, draft.slug].sort());
    expect(await names(admin, `?author=${ada.id}&status=published`)).toEqual([shown.slug]);
    expect((await exchange(app, 'GET', 'posts/export.zip')).status).toBe(401);
    expect((await exported(ada, '?author=x')).status).toBe(400);
  });

  it('of everybody’s posts comes back as it went for those who manage them, and for nobody else', async () => {
    const [ada, eve, admin] = [await aUser(app), await aUser(app), await anAdmin(app)];
    const tag = `tag ${unique()}`;
    const posts = [await aPost(app, ada, { published: true, tags: [tag] }), await aPost(app, eve, { tags: [tag] })];
    const { bytes } = await exported(admin, `?tag=${encodeURIComponent(tag)}`);
    expect(counts(await anImport(app, admin, bytes, { query: 'publish=true' }))).toMatchObject({ unchanged: 2, failed: 0 });
    const edited = await app.request('PATCH', `posts/${posts[1]!.id}`, {
      token: eve.accessToken,
      body: { title: 'Hers' },
      headers: { 'if-match': '*' },
    });
    expect(edited.status).toBe(200);
    const over = await anImport(app, admin, bytes, { query: 'overwrite=true' });
    expect(counts(over)).toMatchObject({ unchanged: 1, updated: 1, failed: 0 });
    expect(await read(eve, posts[1]!.id)).toMatchObject({ title: posts[1]!.title, author: { id: eve.id } });
    const hers = await anImport(app, eve, bytes);
    expect([counts(hers), hers.problems.map(({ code }) => code)]).toEqual([
      { status: 'done', created: 0, updated: 0, unchanged: 1, failed: 1 },
      ['posts/slug-taken'],
    ]);
  });

  it('imported into an empty installation gives the same posts and pictures', async () => {
    const ada = await aUser(app);
    const picture = (await upload(app, ada, { name: 'a.png', type: 'image/png', bytes: aPng(8, 8) })).body;
    const address = `http://localhost/api/v1/files/${picture.id}/content`;
    const odd = fc.sample(
      fc.array(fc.oneof(fc.constantFrom('---\n', '\r\n', '\ufeff', '+++\n', 'é', '![x](y.png)'), fc.string({ unit: 'grapheme' })), {
        minLength: 1,
        maxLength: 6,
      }),
      { numRuns: 25, seed: 7 },
    );
    // As the edge would have them.
    const prose = (text: string) =>
      text
        .replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f]/g, '')
        .toWellFormed()
        .normalize('NFC');
    const line = (text: string, length: number) =>
      [...text.replace(/[\s\u202a-\u202e\u2066-\u2069]+/g, ' ')].slice(0, length).join('').trim();
    for (const [n, pieces] of odd.entries()) {
      const text = prose(pieces.join(''));
      await aPost(app, ada, {
        title: line(`${n} ${text}`, 80),
        body: `${text}${n}`,
        tags: ['one', `tag ${n}`],
        published: n % 2 === 0,
        ...(n % 3 === 0 && { externalId: `x-${unique()}`, metadata: { a: line(text, 50) }, excerpt: line(`${n}  ${text}`, 40) }),
      });
    }
    await aPost(app, ada, { body: `![a](${address})`, coverFileId: picture.id });
    const { bytes } = await exported(ada);
    expect(counts(await anImport(app, ada, bytes, { query: 'publish=true' }))).toEqual({
      status: 'done',
      created: 0,
      updated: 0,
      unchanged: 26,
      failed: 0,
    });
    const empty = await startApp();
    try {
      const bob = await aUser(empty);
      const over = await anImport(empty, bob, bytes, { query: 'publish=true' });
      expect([counts(over), said(over)]).toEqual([{ status: 'done', created: 26, updated: 0, unchanged: 0, failed: 0 }, []]);
      const facts = async (of: TestApp, by: Person) =>
        (await of.prisma.post.findMany({ where: { authorId: by.id }, orderBy: { slug: 'asc' } })).map(
          ({ slug, title, excerpt, body, tags, publishedAt, externalId, metadata, coverFileId }) => ({
            slug,
            title,
            excerpt,
            tags,
            publishedAt,
            externalId,
            metadata,
            hasCover: coverFileId !== null,
            body: body.replace(/files\/[0-9a-f-]{36}/, 'files/id'),
          }),
        );
      expect(await facts(empty, bob)).toEqual(await facts(app, ada));
      const [file] = await empty.prisma.file.findMany();
      expect(file).toMatchObject({ sha256: expect.anything(), isPublic: false }); // its post is a draft
      expect(counts(await anImport(empty, bob, bytes, { query: 'publish=true' }))).toMatchObject({ unchanged: 26, created: 0, updated: 0 });
    } finally {
      await empty.close();
    }
  });
});

describe('on the command line', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'ashlar-exchange-'));
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  const command = (...args: string[]) => runCommand(app.databaseUrl, ...args);

  it('a folder is imported, with what is wrong in it, and exported again', async () => {
    const ada = await aUser(app);
    const blog = join(folder, 'blog');
    const write = async (path: string, text: string) => {
      await mkdir(dirname(join(blog, path)), { recursive: true });
      await writeFile(join(blog, path), text);
    };
    const slug = `cli-${unique()}`;
    await write(`_posts/2018-01-02-${slug}.md`, file({ title: 'From a folder' }));
    await write('node_modules/x/readme.md', 'litter');
    const run = (...more: string[]) => command('posts:import', blog, '--author', ada.email, ...more);
    expect(await run('--publish', '--dry-run')).toMatchObject({
      code: 0,
      output: expect.stringMatching(/1 of 1 files\n(.*\n)*It would be: 1 created, 0 updated/),
    });
    expect(await run('--publish')).toMatchObject({
      code: 0,
      output: expect.stringContaining('1 created, 0 updated, 0 unchanged, 0 not taken'),
    });
    await write('bad.md', '---\ndate: x\n---\n\nx');
    await symlink('/etc/passwd', join(blog, 'link.md'));
    const second = await run('--publish');
    expect([second.code, second.output]).toEqual([1, expect.stringContaining('bad.md:1: There is no `title`. [title-missing]')]);
    expect(second.output).toContain('link.md: The file is a link; links are not followed. [link]');
    expect(second.output).toContain('0 created, 0 updated, 1 unchanged, 2 not taken');
    expect(await read(ada, slug)).toMatchObject({ status: 'published', publishedAt: '2018-01-02T00:00:00.000Z' });
    const out = join(folder, 'out');
    expect(await command('posts:export', out, '--author', ada.email)).toMatchObject({
      code: 0,
      output: expect.stringContaining('Wrote 1 files'),
    });
    expect(await readFile(join(out, `2018-01-02-${slug}.md`), 'utf8')).toContain('title: "From a folder"');
    expect(await readdir(out)).toEqual([`2018-01-02-${slug}.md`, 'images']);
    expect(await command('posts:export', out)).toMatchObject({ code: 1, output: expect.stringContaining('not empty') });
    for (const args of [
      ['posts:import'],
      ['posts:import', join(folder, 'nowhere')],
      ['posts:import', blog, '--author', 'nobody@example.org'],
      ['posts:import', blog, '--what'],
    ])
      expect((await command(...args)).code).toBe(1);
  }, 90_000);
});
