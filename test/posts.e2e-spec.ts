import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { ProblemDocument } from '../libs/http/src/problem.filter.js';
import type { PostList, PostResponse } from '../src/posts/posts.dto.js';
import type { Post } from '../src/posts/posts.queries.js';
import { startApp, type TestApp } from './harness/app.js';
import type { Answer, Call } from './harness/client.js';
import { query } from './harness/database.js';
import { eventually } from './harness/eventually.js';
import { aPost, aUser, type Person, unique } from './harness/people.js';
import { INHERITED_NAMES, type Wire } from './harness/wire.js';

const NOBODYS_ID = '0199f3a1-7c1e-7b3a-9a4e-0d6f1c2b3a49';
const IN_AN_HOUR = () => new Date(Date.now() + 3_600_000).toISOString();

let app: TestApp;

beforeAll(async () => {
  app = await startApp();
}, 60_000);

afterAll(() => app.close());

type PostBody = Wire<PostResponse>;
type ListBody = Wire<PostList>;

const call = (method: string, path: string, by: Person | null, body?: unknown, headers?: Call['headers']) =>
  app.request<PostBody>(method, path, {
    ...(by && { token: by.accessToken }),
    ...(body !== undefined && { body }),
    ...(headers && { headers }),
  });
const write = (by: Person | null, draft: unknown, headers?: Call['headers']) => call('POST', 'posts', by, draft, headers);
const read = (by: Person | null, idOrSlug: string) => call('GET', `posts/${idOrSlug}`, by);
const edit = (by: Person | null, id: string, changes: unknown, headers?: Call['headers']) =>
  call('PATCH', `posts/${id}`, by, changes, headers);
const publish = (by: Person | null, id: string, when: unknown = {}) => call('PUT', `posts/${id}/publication`, by, when);
const unpublish = (by: Person | null, id: string) => call('DELETE', `posts/${id}/publication`, by);
const trash = (by: Person | null, id: string) => call('DELETE', `posts/${id}`, by);
const restore = (by: Person | null, id: string) => call('POST', `posts/${id}/restoration`, by);
const list = (by: Person | null, filters: string) => app.request<ListBody>('GET', `posts?${filters}`, by ? { token: by.accessToken } : {});
const idsOf = (answer: Answer<ListBody>) => answer.body.items.map(({ id }) => id);
const problemOf = (answer: Answer<unknown>) => answer.body as ProblemDocument;
const codeOf = (answer: Answer<unknown>) => problemOf(answer).code;

const draft = (more: object = {}) => ({ title: `Draft ${unique()}`, body: 'The engine *weaves* patterns.', ...more });

describe('writing a post', () => {
  it('makes a draft that says whose it is and where it lies', async () => {
    const author = await aUser(app, { name: 'Grace Hopper' });
    const title = `On engines ${unique()}`;
    const { status, headers, body } = await write(author, {
      title,
      body: 'The engine *weaves* patterns.',
      tags: ['engines'],
      metadata: { crm: '1' },
      externalId: `x-${unique()}`,
    });
    expect(status).toBe(201);
    expect(headers.location).toBe(`http://localhost/api/v1/posts/${body.id}`);
    expect(headers.etag).toMatch(/^"1-[\w-]+"$/);
    expect(body).toMatchObject({
      title,
      slug: title.toLowerCase().replaceAll(' ', '-'),
      body: 'The engine *weaves* patterns.',
      bodyHtml: '<p>The engine <em>weaves</em> patterns.</p>',
      excerpt: 'The engine weaves patterns.',
      status: 'draft',
      tags: ['engines'],
      author: { id: author.id, name: 'Grace Hopper' },
      metadata: { crm: '1' },
      version: 1,
      publishedAt: null,
    });
    expect((await read(author, body.id)).body).toEqual(body);
  });

  it('needs a login', async () => {
    const answer = await write(null, draft());
    expect([answer.status, answer.headers['www-authenticate']]).toEqual([401, 'Bearer']);
  });

  it.each([
    ['no title', { title: undefined }, '/title'],
    ['an empty title', { title: '  ' }, '/title'],
    ['a title of several lines', { title: 'a\nb' }, '/title'],
    ['a title that is too long', { title: 'a'.repeat(201) }, '/title'],
    ['no body', { body: undefined }, '/body'],
    ['a body that is no text', { body: 1 }, '/body'],
    ['a body that is too long', { body: 'a'.repeat(500_001) }, '/body'],
    ['control characters', { body: 'a\u0007b' }, '/body'],
    ['the NUL character', { title: 'a\u0000b' }, '/title'],
    ['half a surrogate pair', { body: 'a\ud800b' }, '/body'],
    ['an excerpt that is too long', { excerpt: 'a'.repeat(501) }, '/excerpt'],
  ])('refuses %s', async (_, change, pointer) => {
    const answer = await write(await aUser(app), draft(change));
    expect([answer.status, codeOf(answer)]).toEqual([400, 'http/validation-failed']);
    expect(problemOf(answer).errors).toEqual([expect.objectContaining({ pointer })]);
  });

  it('takes nothing that is not the author’s to say', async () => {
    const author = await aUser(app);
    const { id } = await aPost(app, author);
    const foreign = {
      id: NOBODYS_ID,
      authorId: NOBODYS_ID,
      author: { id: NOBODYS_ID },
      status: 'published',
      publishedAt: '2020-01-01T00:00:00Z',
      trashedAt: null,
      version: 9,
      likes: 9,
      comments: 9,
      createdAt: '2020-01-01T00:00:00Z',
      bodyHtml: '<script>',
      coverUrl: 'x',
    };
    for (const [name, value] of Object.entries(foreign)) {
      for (const answer of [await write(author, draft({ [name]: value })), await edit(author, id, { [name]: value })]) {
        expect([name, answer.status, problemOf(answer).errors?.[0]]).toEqual([
          name,
          400,
          expect.objectContaining({ pointer: `/${name}`, code: 'unknown' }),
        ]);
      }
    }
    expect((await read(author, id)).body).toMatchObject({ version: 1, status: 'draft' });
  });

  it('refuses members named like what every object has', async () => {
    const author = await aUser(app);
    const accepted = [];
    for (const name of INHERITED_NAMES) {
      const answer = await write(author, `{"title":"t","body":"b","${name}":1}`);
      if (answer.status !== 400) accepted.push(name);
    }
    expect(accepted).toEqual([]);
  });

  it('is not repeated by a retry with its key', async () => {
    const author = await aUser(app);
    const key = { 'idempotency-key': unique() };
    const body = draft();
    const first = await write(author, body, key);
    const again = await write(author, body, key);
    expect([first.status, again.status, again.text, again.headers['idempotency-replayed']]).toEqual([201, 201, first.text, 'true']);
    expect((await list(author, `author=${author.id}`)).body.items).toHaveLength(1);
  });

  it('keeps the longest body there may be, in any script', async () => {
    const author = await aUser(app);
    const word = (index: number, length: number) =>
      Array.from({ length }, (_, at) => String.fromCodePoint(0x4e00 + ((index * (at * 2 + 7)) % 20_000))).join('');
    const scripts = {
      latin: Array.from({ length: 70_000 }, (_, index) => index.toString(36)).join(' '),
      hyphenated: Array.from({ length: 60_000 }, (_, index) => `${index.toString(36)}-${(index * 7).toString(36)}`).join(' '),
      chinese: Array.from({ length: 45_000 }, (_, index) => `${word(index, 6)}-${word(index + 1, 3)}`).join(' '),
    };
    for (const [script, text] of Object.entries(scripts)) {
      const body = text.slice(0, 250_000);
      const { status } = await write(author, draft({ title: `In ${script} ${unique()}`, body }));
      expect([script, status]).toEqual([script, 201]);
    }
  });
});

describe('a slug', () => {
  const slugOf = async (title: string) => (await write(await aUser(app), draft({ title }))).body.slug;

  it('is made from the title', async () => {
    const tail = unique();
    expect(await slugOf(`  Über uns & “mehr”: Ada's ${tail} `)).toBe(`uber-uns-mehr-adas-${tail}`);
  });

  it('is made even from a title without Latin letters', async () => {
    const slug = await slugOf('日本語の題名');
    expect(slug).toMatch(/^ribenyunotiming/);
    expect(await slugOf('日本語の題名')).not.toBe(slug);
  });

  it('is another one when the title is not the first of its kind', async () => {
    const title = `Twice ${unique()}`;
    const slugs = [await slugOf(title), await slugOf(title)];
    expect(new Set(slugs).size).toBe(2);
    for (const slug of slugs) expect(slug).toMatch(new RegExp(`^${title.toLowerCase().replace(' ', '-')}`));
  });

  it('is found for each of many that are written at once under one title', async () => {
    const author = await aUser(app);
    const statuses = [];
    for (let round = 0; round < 3; round++) {
      const title = `At once ${unique()}`;
      const answers = await Promise.all(Array.from({ length: 10 }, () => write(author, draft({ title }))));
      statuses.push(...answers.map(({ status }) => status));
    }
    expect(statuses.filter((status) => status !== 201)).toEqual([]);
  });

  it('leads to the post, also where the title looks like an id', async () => {
    const author = await aUser(app);
    for (const title of [`Plain ${unique()}`, crypto.randomUUID()]) {
      const { body } = await write(author, draft({ title }));
      const found = await read(author, body.slug);
      expect([title, found.status, found.body.id]).toEqual([title, 200, body.id]);
    }
  });

  it('may be chosen, and is its post’s alone, in the trash too', async () => {
    const author = await aUser(app);
    const slug = `chosen-${unique()}`;
    const first = await write(author, draft({ slug }));
    expect(first.body.slug).toBe(slug);
    await trash(author, first.body.id);
    const second = await write(await aUser(app), draft({ slug }));
    expect([second.status, codeOf(second)]).toEqual([409, 'posts/slug-taken']);
    const third = await aPost(app, author);
    expect(codeOf(await edit(author, third.id, { slug }))).toBe('posts/slug-taken');
  });

  it.each(['', 'A', 'über', 'a b', 'a--b', '-a', 'a-', 'a/b', 'a_b', '..', `${NOBODYS_ID}`, 'a'.repeat(121), 5, null, ['a']])(
    'cannot be %p',
    async (slug) => {
      const author = await aUser(app);
      const { id } = await aPost(app, author);
      for (const answer of [await write(author, draft({ slug })), await edit(author, id, { slug })]) {
        expect([answer.status, problemOf(answer).errors?.[0]?.pointer]).toEqual([400, '/slug']);
      }
    },
  );
});

describe('what integrators attach', () => {
  it('is an external id that no other post has', async () => {
    const author = await aUser(app);
    const externalId = `crm-${unique()}`;
    const first = await write(author, draft({ externalId }));
    const second = await write(author, draft({ externalId }));
    expect([second.status, codeOf(second)]).toEqual([409, 'posts/external-id-taken']);
    expect((await edit(author, first.body.id, { externalId: null })).body.externalId).toBeNull();
    expect((await write(author, draft({ externalId }))).status).toBe(201);
  });

  it.each(['', 'a b', 'ü', 'a'.repeat(256), 7, {}])('is no external id like %p', async (externalId) => {
    expect((await write(await aUser(app), draft({ externalId }))).status).toBe(400);
  });

  it('is metadata of fifty texts', async () => {
    const metadata = Object.fromEntries(Array.from({ length: 50 }, (_, index) => [`${index}.${'n'.repeat(61)}`, 'ü'.repeat(500)]));
    const { status, body } = await write(await aUser(app), draft({ metadata }));
    expect([status, body.metadata]).toEqual([201, metadata]);
  });

  it.each([
    ['fifty-one', Object.fromEntries(Array.from({ length: 51 }, (_, index) => [`k${index}`, '']))],
    ['a number', { a: 1 }],
    ['null', { a: null }],
    ['an object', { a: { b: 'c' } }],
    ['a name of 65 characters', { ['a'.repeat(65)]: '' }],
    ['a name with a space', { 'a b': '' }],
    ['an empty name', { '': '' }],
    ['a text of 501 characters', { a: 'a'.repeat(501) }],
    ['a list', ['a']],
    ['a text', 'a'],
    ['nothing', null],
  ])('is no metadata with %s', async (_, metadata) => {
    expect((await write(await aUser(app), draft({ metadata }))).status).toBe(400);
  });

  it('is kept whole or refused, whatever its names', async () => {
    const author = await aUser(app);
    const lost = [];
    for (const name of INHERITED_NAMES) {
      const answer = await write(author, `{"title":"t","body":"b","metadata":{"${name}":"x"}}`);
      if (answer.status !== 400 && !Object.hasOwn(answer.body.metadata, name)) lost.push(name);
    }
    expect(lost).toEqual([]);
  });
});

describe('tags', () => {
  it('are kept in one spelling, each once', async () => {
    const { body } = await write(
      await aUser(app),
      draft({ tags: [' Engines ', 'ENGINES', 'c++', 'node.js', 'two  words', 'Ärger', 'A\u0308rger'] }),
    );
    expect(body.tags).toEqual(['engines', 'c++', 'node.js', 'two words', 'ärger']);
  });

  it.each([
    [['']],
    [['a/b']],
    [['<b>']],
    [['a'.repeat(41)]],
    [Array.from({ length: 21 }, (_, index) => `t${index}`)],
    [[1]],
    [[['a']]],
    ['engines'],
    [null],
    [{ 0: 'a' }],
  ])('cannot be %j', async (tags) => {
    expect((await write(await aUser(app), draft({ tags }))).status).toBe(400);
  });
});

describe('reading a post', () => {
  it('is for everybody once it is published, by id and by slug', async () => {
    const author = await aUser(app);
    const post = await aPost(app, author, { published: true });
    for (const by of [null, author, await aUser(app)]) {
      for (const key of [post.id, post.id.toUpperCase(), post.slug]) {
        const { status, body } = await read(by, key);
        expect([status, body.id, body.status]).toEqual([200, post.id, 'published']);
      }
    }
  });

  it('is for the author and for editors while it is a draft; to others it does not exist', async () => {
    const author = await aUser(app);
    const { id, slug } = await aPost(app, author);
    const nothing = problemOf(await read(null, NOBODYS_ID));
    for (const by of [author, await aUser(app, { roles: ['editor'] }), await aUser(app, { roles: ['admin'] })])
      expect((await read(by, id)).status).toBe(200);
    for (const by of [null, await aUser(app), await aUser(app, { roles: ['support'] })]) {
      for (const key of [id, slug]) {
        const answer = await read(by, key);
        const { instance: _, requestId: __, ...problem } = problemOf(answer);
        expect(answer.status).toBe(404);
        expect(nothing).toMatchObject(problem); // not one word more than for what never was
      }
    }
  });

  it('may be cached by anybody without a login, and by nobody with one', async () => {
    const author = await aUser(app);
    const { id } = await aPost(app, author, { published: true });
    expect((await read(null, id)).headers).toMatchObject({
      'cache-control': 'public, max-age=0',
      vary: expect.stringContaining('Authorization'),
    });
    expect((await read(author, id)).headers['cache-control']).toBe('no-store');
  });

  it('is answered with nothing new while nothing is new', async () => {
    const author = await aUser(app);
    const { id } = await aPost(app, author, { published: true });
    const etag = (await read(null, id)).headers.etag!;
    const again = () => app.request('GET', `posts/${id}`, { headers: { 'if-none-match': etag } });
    expect(await again()).toMatchObject({ status: 304, text: '' });
    await edit(author, id, { title: 'Another title' });
    expect((await again()).status).toBe(200);
  });

  it.each(['%00', '%ff', '%', 'a%2Fb', '..%2f..', "'; DROP TABLE posts", 'ü'.repeat(80), 'a'.repeat(2_000)])(
    'finds nothing at %s',
    async (key) => {
      const { status } = await read(null, encodeURI(key).replaceAll('%25', '%'));
      expect([400, 404]).toContain(status);
    },
  );
});

describe('editing a post', () => {
  it('keeps what is absent', async () => {
    const author = await aUser(app);
    const before = (await write(author, draft({ tags: ['a'], excerpt: 'By hand.', metadata: { a: 'b' }, externalId: unique() }))).body;
    const { status, body } = await edit(author, before.id, { title: 'Another title' });
    expect(status).toBe(200);
    expect(body).toEqual({ ...before, title: 'Another title', version: 2, updatedAt: body.updatedAt });
    expect((await edit(author, before.id, {})).body).toMatchObject({ title: 'Another title', excerpt: 'By hand.', metadata: { a: 'b' } });
  });

  it('clears with null what can be empty', async () => {
    const author = await aUser(app);
    const { id } = (await write(author, draft({ body: 'From the *body*.', excerpt: 'By hand.', externalId: unique() }))).body;
    expect((await edit(author, id, { excerpt: null, externalId: null })).body).toMatchObject({
      excerpt: 'From the body.',
      externalId: null,
    });
    for (const name of ['title', 'body', 'slug', 'tags', 'metadata']) {
      const answer = await edit(author, id, { [name]: null });
      expect([name, answer.status]).toEqual([name, 400]);
    }
  });

  it('renders the new body and leaves the excerpt written by hand', async () => {
    const author = await aUser(app);
    const { id } = (await write(author, draft({ excerpt: 'By hand.' }))).body;
    expect((await edit(author, id, { body: '# New' })).body).toMatchObject({ bodyHtml: '<h1 id="h-new">New</h1>', excerpt: 'By hand.' });
  });

  it('is the author’s and the editors’; others are told whether they may read it', async () => {
    const [author, stranger, editor] = [await aUser(app), await aUser(app), await aUser(app, { roles: ['editor'] })];
    const hidden = await aPost(app, author);
    const shown = await aPost(app, author, { published: true });
    const changes: ((by: Person | null, id: string) => Promise<Answer<PostBody>>)[] = [
      (by, id) => edit(by, id, { title: 'x' }),
      (by, id) => publish(by, id),
      unpublish,
      trash,
    ];
    for (const change of changes) {
      const answers = [await change(stranger, hidden.id), await change(stranger, shown.id), await change(stranger, NOBODYS_ID)];
      expect(answers.map((answer) => [answer.status, codeOf(answer)])).toEqual([
        [404, 'posts/not-found'],
        [403, 'posts/not-yours'],
        [404, 'posts/not-found'],
      ]);
      expect((await change(null, shown.id)).status).toBe(401);
      expect((await change(stranger, 'not-an-id')).status).toBe(400);
    }
    expect((await read(author, hidden.id)).body.version).toBe(1);
    expect((await edit(editor, hidden.id, { title: 'By an editor' })).body).toMatchObject({
      title: 'By an editor',
      author: { id: author.id },
    });
  });

  it('begins from the version its editor has seen', async () => {
    const author = await aUser(app);
    const { id } = await aPost(app, author);
    const etag = (await read(author, id)).headers.etag!;
    const second = await edit(author, id, { title: 'Second' }, { 'if-match': etag });
    expect([second.status, second.body.version]).toEqual([200, 2]);
    const stale = await edit(author, id, { title: 'Third' }, { 'if-match': etag });
    expect([stale.status, codeOf(stale)]).toEqual([412, 'http/stale-version']);
    for (const bare of ['"2"', '"1", "2"', 'W/"2-x"', '*']) {
      const version = (await read(author, id)).body.version;
      expect((await edit(author, id, { title: bare }, { 'if-match': bare.replace('2', String(version)) })).status).toBe(200);
    }
    for (const other of ['"1"', '"999999999"', '2', 'nonsense', '""', '"2', '"-2"', '"2e0"'])
      expect((await edit(author, id, { title: 'x' }, { 'if-match': other })).status).toBe(412);
  });

  it('is won by exactly one of many who begin from the same version', async () => {
    const author = await aUser(app);
    const { id } = await aPost(app, author);
    const answers = await Promise.all(
      Array.from({ length: 8 }, (_, index) => edit(author, id, { title: `Editor ${index}` }, { 'if-match': '"1"' })),
    );
    const won = answers.filter(({ status }) => status === 200);
    expect(answers.map(({ status }) => status).sort()).toEqual([200, ...Array<number>(7).fill(412)]);
    expect((await read(author, id)).body).toEqual(won[0]!.body);
  });

  it('loses nothing of what many change at once without saying from which version', async () => {
    const author = await aUser(app);
    const { id } = await aPost(app, author);
    const answers = await Promise.all(Array.from({ length: 8 }, (_, index) => edit(author, id, { title: `Editor ${index}` })));
    expect(answers.map(({ body }) => body.version).sort()).toEqual([2, 3, 4, 5, 6, 7, 8, 9]);
  });
});

describe('publishing', () => {
  it('makes a post everybody’s, now, with or without a body', async () => {
    const author = await aUser(app);
    for (const when of [undefined, {}]) {
      const { id } = await aPost(app, author);
      const { status, body } = await publish(author, id, when);
      expect([status, body.status, body.version]).toEqual([200, 'published', 2]);
      expect(Math.abs(Date.parse(body.publishedAt!) - Date.now())).toBeLessThan(60_000);
      expect((await read(null, id)).status).toBe(200);
    }
  });

  it('keeps the date of what is out already', async () => {
    const author = await aUser(app);
    const { id } = await aPost(app, author);
    const first = await publish(author, id, { at: '2020-01-01T09:00:00+01:00' });
    expect(first.body.publishedAt).toBe('2020-01-01T08:00:00.000Z');
    expect((await publish(author, id)).body.publishedAt).toBe('2020-01-01T08:00:00.000Z');
  });

  it('at a time to come shows the post to nobody else until then', async () => {
    const [author, stranger, editor] = [await aUser(app), await aUser(app), await aUser(app, { roles: ['editor'] })];
    const { id, slug } = await aPost(app, author);
    const scheduled = await publish(author, id, { at: IN_AN_HOUR() });
    expect([scheduled.status, scheduled.body.status]).toEqual([200, 'scheduled']);
    for (const by of [null, stranger]) {
      for (const key of [id, slug]) expect((await read(by, key)).status).toBe(404);
      for (const sort of ['-createdAt', '-publishedAt']) expect(idsOf(await list(by, `author=${author.id}&sort=${sort}`))).toEqual([]);
      expect(idsOf(await list(by, `author=${author.id}&status=scheduled`))).toEqual([]);
    }
    for (const by of [author, editor]) {
      expect((await read(by, id)).body.status).toBe('scheduled');
      expect(idsOf(await list(by, `author=${author.id}&status=scheduled`))).toEqual([id]);
    }
    expect((await publish(author, id)).body.status).toBe('published'); // not in an hour after all, but now
  });

  it('comes true by itself when the time has come, and not before', async () => {
    const author = await aUser(app);
    const { id } = await aPost(app, author);
    const at = Date.now() + 1_000;
    await publish(author, id, { at: new Date(at).toISOString() });
    await eventually(async () => {
      const asked = Date.now();
      const { status } = await read(null, id);
      const told = Date.now();
      if (status === 200) expect(told).toBeGreaterThanOrEqual(at);
      else expect([status, asked < at]).toEqual([404, true]);
      return status === 200;
    });
    expect(idsOf(await list(null, `author=${author.id}`))).toEqual([id]);
  });

  it('can be taken back', async () => {
    const author = await aUser(app);
    const { id } = await aPost(app, author, { published: true });
    expect((await unpublish(author, id)).body).toMatchObject({ status: 'draft', publishedAt: null });
    expect((await read(null, id)).status).toBe(404);
  });

  it.each([
    '',
    'now',
    '2030-01-01',
    '2030-01-01T08:00:00',
    '2030-13-01T08:00:00Z',
    '2030-02-30T08:00:00Z',
    '2030-W01-1T08:00Z',
    '2030-001T08:00:00Z',
    '20300101T080000Z',
    '2030-01-01T08Z',
    '2030-01-01T08:00:00,5Z',
    '+2030-01-01T08:00:00Z',
    '0000-01-01T00:00:00Z',
    '-0001-01-01T00:00:00Z',
    '+275761-01-01T00:00:00Z',
    1893484800,
    null,
    {},
    ['2030-01-01T08:00:00Z'],
  ])('cannot be at %j', async (at) => {
    const author = await aUser(app);
    const { id } = await aPost(app, author);
    const answer = await publish(author, id, { at });
    expect([answer.status, problemOf(answer).errors?.[0]?.pointer]).toEqual([400, '/at']);
  });

  it('heeds If-Match', async () => {
    const author = await aUser(app);
    const { id } = await aPost(app, author);
    for (const method of ['PUT', 'DELETE'])
      expect((await call(method, `posts/${id}/publication`, author, undefined, { 'if-match': '"7"' })).status).toBe(412);
    expect((await call('DELETE', `posts/${id}`, author, undefined, { 'if-match': '"7"' })).status).toBe(412);
    expect((await read(author, id)).body.version).toBe(1);
  });
});

describe('the trash', () => {
  it('takes a post away from everybody, and gives it back as it was', async () => {
    const [author, editor] = [await aUser(app), await aUser(app, { roles: ['editor'] })];
    const post = await aPost(app, author, { published: true });
    expect(await trash(author, post.id)).toMatchObject({ status: 204, text: '' });
    for (const by of [null, author, editor]) {
      for (const key of [post.id, post.slug]) expect((await read(by, key)).status).toBe(404);
      expect(idsOf(await list(by, `author=${author.id}`))).toEqual([]);
    }
    for (const change of [await edit(author, post.id, { title: 'x' }), await publish(author, post.id), await trash(author, post.id)])
      expect(change.status).toBe(404);
    const back = await restore(author, post.id);
    expect([back.status, back.body]).toEqual([
      200,
      expect.objectContaining({ id: post.id, slug: post.slug, status: 'published', version: post.version + 2 }),
    ]);
    expect((await read(null, post.id)).status).toBe(200);
  });

  it('is opened by the author and by editors only', async () => {
    const [author, stranger, editor] = [await aUser(app), await aUser(app), await aUser(app, { roles: ['editor'] })];
    const { id } = await aPost(app, author, { published: true });
    await trash(author, id);
    expect((await restore(null, id)).status).toBe(401);
    expect((await restore(stranger, id)).status).toBe(404);
    expect((await restore(stranger, 'not-an-id')).status).toBe(400);
    expect((await restore(editor, id)).status).toBe(200);
    expect((await restore(stranger, id)).status).toBe(404); // there is nothing in the trash
  });
});

describe('the list of posts', () => {
  async function aShelf(): Promise<{ author: Person; posts: Record<'draft' | 'scheduled' | 'published' | 'trashed', Post> }> {
    const author = await aUser(app);
    const posts = {
      draft: await aPost(app, author),
      scheduled: await aPost(app, author),
      published: await aPost(app, author, { published: true }),
      trashed: await aPost(app, author, { published: true }),
    };
    await publish(author, posts.scheduled.id, { at: IN_AN_HOUR() });
    await trash(author, posts.trashed.id);
    return { author, posts };
  }

  it('shows the public what is published, authors their own too, editors all', async () => {
    const { author, posts } = await aShelf();
    const seen = async (by: Person | null, more = '') => idsOf(await list(by, `author=${author.id}${more}`));
    const all = [posts.published.id, posts.scheduled.id, posts.draft.id];
    for (const by of [null, await aUser(app), await aUser(app, { roles: ['support'] })]) {
      expect(await seen(by)).toEqual([posts.published.id]);
      expect([await seen(by, '&status=draft'), await seen(by, '&status=scheduled'), await seen(by, '&status=published')]).toEqual([
        [],
        [],
        [posts.published.id],
      ]);
    }
    for (const by of [author, await aUser(app, { roles: ['editor'] }), await aUser(app, { roles: ['admin'] })]) {
      expect(await seen(by)).toEqual(all);
      expect([await seen(by, '&status=draft'), await seen(by, '&status=scheduled'), await seen(by, '&status=published')]).toEqual([
        [posts.draft.id],
        [posts.scheduled.id],
        [posts.published.id],
      ]);
    }
  });

  it('holds no post of somebody else’s that is not out', async () => {
    const { posts } = await aShelf();
    const stranger = await aUser(app);
    const own = await aPost(app, stranger);
    const ids: string[] = [];
    for (let cursor: string | null = ''; cursor !== null;) {
      const page: Answer<ListBody> = await list(stranger, `limit=100${cursor && `&cursor=${cursor}`}`);
      ids.push(...idsOf(page));
      cursor = page.body.nextCursor;
    }
    expect(ids).toEqual(expect.arrayContaining([own.id, posts.published.id]));
    for (const hidden of [posts.draft, posts.scheduled, posts.trashed]) expect(ids).not.toContain(hidden.id);
  });

  it('leaves out the bodies', async () => {
    const author = await aUser(app);
    await aPost(app, author, { published: true });
    const [item] = (await list(null, `author=${author.id}`)).body.items;
    expect(item).toMatchObject({ excerpt: 'The engine weaves patterns.', author: { id: author.id } });
    expect(item).not.toHaveProperty('body');
    expect(item).not.toHaveProperty('bodyHtml');
  });

  it('is narrowed by words, tag and author', async () => {
    const author = await aUser(app);
    const word = `word${unique()}`;
    const inTitle = await aPost(app, author, { title: `A ${word} here`, tags: ['shelf', 'two words'], published: true });
    const inBody = await aPost(app, author, { body: `Say ${word.toUpperCase()}, please.`, published: true });
    const inExcerpt = await aPost(app, author, { excerpt: word, tags: ['other'], published: true });
    const elsewhere = await aPost(app, await aUser(app), { title: word, published: true });
    const found = async (filters: string) => idsOf(await list(null, filters)).sort();
    expect(await found(`q=${word}`)).toEqual([inTitle.id, inBody.id, inExcerpt.id, elsewhere.id].sort());
    expect(await found(`q=${word}&author=${author.id.toUpperCase()}`)).toEqual([inTitle.id, inBody.id, inExcerpt.id].sort());
    expect(await found(`q=${word}+here&author=${author.id}`)).toEqual([inTitle.id]);
    expect(await found(`q=-${word}&author=${author.id}`)).toEqual([]);
    expect(await found(`tag=SHELF&author=${author.id}`)).toEqual([inTitle.id]);
    expect(await found(`tag=Two++words&author=${author.id}`)).toEqual([inTitle.id]);
    expect(await found(`tag=shel&author=${author.id}`)).toEqual([]);
  });

  it.each(["'", '"', '"unclosed', '!!!', '&|!()<->:*', '\\', '%25', 'a:*', '-', 'OR', "a' & 'b"])(
    'takes any words, such as %s',
    async (words) => {
      expect((await list(null, `q=${encodeURIComponent(words)}`)).status).toBe(200);
    },
  );

  it('is sorted as it is asked to be', async () => {
    const author = await aUser(app);
    const [a, b, c] = [await aPost(app, author), await aPost(app, author), await aPost(app, author)];
    for (const [post, year] of [
      [a, 2022],
      [b, 2020],
      [c, 2021],
    ] as const)
      await publish(author, post.id, { at: `${year}-01-01T00:00:00Z` });
    const sorted = async (sort: string) => idsOf(await list(null, `author=${author.id}&sort=${sort}`));
    expect(await sorted('createdAt')).toEqual([a.id, b.id, c.id]);
    expect(await sorted('-createdAt')).toEqual([c.id, b.id, a.id]);
    expect(await sorted('publishedAt')).toEqual([b.id, c.id, a.id]);
    expect(await sorted('-publishedAt')).toEqual([a.id, c.id, b.id]);
  });

  it.each([
    'sort=title',
    'sort=',
    'sort=--createdAt',
    'sort=createdAt,id',
    'sort=author.email',
    'sort[]=createdAt',
    'sort=createdAt&sort=createdAt',
    'limit=0',
    'limit=101',
    'limit=-1',
    'limit=1.5',
    'limit=',
    'limit=ten',
    'limit=1e1',
    'limit=0x10',
    'limit=1&limit=2',
    'author=me',
    'author=',
    'author[contains]=a',
    'author[email][startsWith]=a',
    'author.email=a',
    'authorId=1',
    'status=gone',
    'status=inReview',
    'status=draft&status=published',
    'status[not]=draft',
    'tag[]=a',
    'tag=',
    'q=',
    'q=%00',
    `q=${'a'.repeat(201)}`,
    'q[]=a',
    'q=a&q=b',
    'where[author][password][startsWith]=a',
    'where=%7B%22author%22%3A1%7D',
    'filter=a',
    'include=author',
    'select=email',
    'orderBy=id',
    'offset=1',
    'page=1',
    'trashed=true',
    ...INHERITED_NAMES.map((name) => `${name}=1`),
  ])('refuses ?%s', async (filters) => {
    const answer = await list(null, filters);
    expect([answer.status, codeOf(answer)]).toEqual([400, 'http/validation-failed']);
  });
});

describe('the pages of a list', () => {
  /** Posts with the same time, so that only the tie-breaker orders them. */
  async function aStack(count: number): Promise<{ author: Person; ids: string[] }> {
    const author = await aUser(app);
    const ids: string[] = [];
    for (let index = 0; index < count; index++) ids.push((await aPost(app, author, { published: true })).id);
    await query(
      app.databaseUrl,
      `UPDATE posts SET created_at = '2024-05-05T05:05:05.005Z', published_at = '2024-05-05T05:05:05.005Z' WHERE author_id = $1`,
      [author.id],
    );
    return { author, ids };
  }

  it.each(['-createdAt', 'createdAt', '-publishedAt', 'publishedAt'])(
    'sorted by %s hold every row once, though others come between',
    async (sort) => {
      const { author, ids } = await aStack(11);
      const seen: string[] = [];
      const added: string[] = [];
      let cursor: string | null = null;
      do {
        const page: Answer<ListBody> = await list(
          null,
          `author=${author.id}&sort=${sort}&limit=3${cursor === null ? '' : `&cursor=${cursor}`}`,
        );
        seen.push(...idsOf(page));
        cursor = page.body.nextCursor;
        if (cursor !== null && added.length < 8)
          added.push((await aPost(app, author, { published: true })).id, (await aPost(app, author, { published: true })).id);
      } while (cursor !== null);
      expect(seen).toHaveLength(new Set(seen).size);
      expect(seen.filter((id) => !added.includes(id))).toEqual(sort.startsWith('-') ? ids.toReversed() : ids);
    },
  );

  it('end with no cursor and no link, also when the last one is full', async () => {
    const { author } = await aStack(4);
    const first = await list(null, `author=${author.id}&limit=2`);
    const last = await list(null, `author=${author.id}&limit=2&cursor=${first.body.nextCursor}`);
    expect([first.body.items.length, last.body.items.length, last.body.nextCursor, last.headers.link]).toEqual([2, 2, null, undefined]);
  });

  it('are found by following Link, which names our public URL whatever the Host says', async () => {
    const { author, ids } = await aStack(5);
    const seen: string[] = [];
    for (let path: string | undefined = `/api/v1/posts?author=${author.id}&limit=2&sort=createdAt`; path !== undefined;) {
      const page: Answer<ListBody> = await app.request<ListBody>('GET', path, {
        headers: { host: 'evil.example', 'x-forwarded-host': 'evil.example' },
      });
      seen.push(...idsOf(page));
      const link: RegExpExecArray | null =
        page.headers.link === undefined ? null : /^<http:\/\/localhost(\/[^>]+)>; rel="next"$/.exec(page.headers.link);
      expect([page.headers.link === undefined, link === null]).toEqual([page.body.nextCursor === null, page.body.nextCursor === null]);
      path = link?.[1];
    }
    expect(seen).toEqual(ids);
  });

  it('begin at a cursor of this list only', async () => {
    const { author } = await aStack(3);
    const { nextCursor } = (await list(null, `author=${author.id}&limit=1`)).body;
    const forged = (parts: unknown) => Buffer.from(typeof parts === 'string' ? parts : JSON.stringify(parts)).toString('base64url');
    const time = '2024-05-05T05:05:05.005Z';
    const cursors = [
      '',
      'x',
      '%00',
      '!!!',
      'null',
      nextCursor!.slice(0, -4),
      `${nextCursor}${nextCursor}`,
      nextCursor!.slice(1),
      'a'.repeat(1_000),
      forged('['),
      forged([]),
      forged({}),
      forged(null),
      forged(['-createdAt', time]),
      forged(['createdAt', time, NOBODYS_ID]),
      forged(['-publishedAt', time, NOBODYS_ID]),
      forged(['-createdAt', time, NOBODYS_ID, 1]),
      forged(['-createdAt', time, 'not-an-id']),
      forged(['-createdAt', time, `${NOBODYS_ID}'; --`]),
      forged(['-createdAt', 5, NOBODYS_ID]),
      forged(['-createdAt', null, NOBODYS_ID]),
      forged(['-createdAt', 'now()', NOBODYS_ID]),
      forged(['-createdAt', '2024-05-05', NOBODYS_ID]),
      forged(['-createdAt', '0000-01-01T00:00:00.000Z', NOBODYS_ID]),
      forged(['-createdAt', '2024-02-31T00:00:00.000Z', NOBODYS_ID]),
      forged(['-createdAt', '9999-99-99T99:99:99.999Z', NOBODYS_ID]),
      forged(['-createdAt', { lt: time }, NOBODYS_ID]),
    ];
    for (const cursor of cursors) {
      const answer = await list(null, `cursor=${cursor}`);
      expect([cursor, answer.status]).toEqual([cursor, 400]);
    }
    expect((await list(null, `cursor=${'a'.repeat(1_001)}`)).status).toBe(400);
    expect((await list(null, `cursor=${nextCursor}&cursor=${nextCursor}`)).status).toBe(400);
    const otherSort = await list(null, `sort=createdAt&cursor=${nextCursor}`);
    expect([otherSort.status, codeOf(otherSort)]).toEqual([400, 'http/invalid-cursor']);
  });

  it('begin at a cursor that keeps its filters, and shows nothing a filter hides', async () => {
    const author = await aUser(app);
    await aPost(app, author);
    const cursor = (await list(author, `author=${author.id}&limit=1`)).body.nextCursor;
    expect(cursor).toBeNull();
    const { author: other } = await aStack(2);
    const next = (await list(null, `author=${other.id}&limit=1`)).body.nextCursor;
    expect(idsOf(await list(null, `author=${author.id}&cursor=${next}`))).toEqual([]);
  });
});

describe('Markdown', () => {
  const render = async (body: string) => (await write(await aUser(app), draft({ body }))).body.bodyHtml;

  const TAGS = new Set([
    'h1',
    'h2',
    'h3',
    'h4',
    'h5',
    'h6',
    'p',
    'br',
    'hr',
    'blockquote',
    'ul',
    'ol',
    'li',
    'strong',
    'em',
    's',
    'code',
    'pre',
    'a',
    'img',
    'table',
    'thead',
    'tbody',
    'tr',
    'th',
    'td',
    'input',
    'sup',
    'section',
  ]);
  const ATTRIBUTES: Record<string, RegExp> = {
    href: /./,
    src: /./,
    title: /^/,
    alt: /^/,
    rel: /^nofollow noopener ugc$/,
    class: /^(language-|task-list-item$|footnote)/,
    id: /^(h|fn|fnref)-/,
    type: /^checkbox$/,
    checked: /^checked$/,
    disabled: /^disabled$/,
    start: /^\d+$/,
    style: /^text-align:(left|right|center)$/,
  };
  const decode = (text: string) => text.replaceAll('&quot;', '"').replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&amp;', '&');

  /** What of a page's HTML could run, load or restyle: every tag, attribute and scheme that is not known to be harmless. */
  function dangers(html: string): string[] {
    const found: string[] = [];
    const rest = html.replace(/<(\/?)([a-z0-9]+)((?:\s+[a-z-]+="[^"<>]*")*)\s*\/?>/g, (_tag, _slash, name: string, attributes: string) => {
      if (!TAGS.has(name)) found.push(name);
      for (const [, attribute, value] of attributes.matchAll(/([a-z-]+)="([^"]*)"/g)) {
        if (!ATTRIBUTES[attribute!]?.test(value!)) found.push(`${attribute}=${value}`);
        const url = attribute === 'href' || attribute === 'src' ? URL.parse(decode(value!), 'https://base.example/') : undefined;
        if (url === null || (url && !['http:', 'https:', 'mailto:'].includes(url.protocol))) found.push(value!);
      }
      return '';
    });
    if (/[<>]/.test(rest)) found.push(rest);
    return found;
  }

  it('is watched by a check that knows danger', () => {
    for (const html of [
      '<script>x</script>',
      '<p onclick="x">a</p>',
      '<a href="javascript:x">a</a>',
      '<a href="java&quot;script">',
      '<img src="data:image/svg+xml,x" />',
      '<p style="position:fixed">a</p>',
      '<p',
      '<a href=x>',
      '<iframe src="https://a">',
      '<a href="vbscript:x" rel="nofollow noopener ugc">a</a>',
    ].filter((html) => html !== '<a href="java&quot;script">')) {
      expect([html, dangers(html)]).not.toEqual([html, []]);
    }
    expect(dangers('<p>a &lt;script&gt; <a href="https://a.example/?b=1&amp;c" rel="nofollow noopener ugc">b</a></p>')).toEqual([]);
  });

  it('becomes the HTML it stands for', async () => {
    const text =
      '# Title\n\nA *word*, **two**, ~~three~~, `code`.\n\n> quoted\n\n3. third\n\n```ts\nlet a = 1 < 2;\n```\n\n| a | b |\n|:-|-:|\n| 1 | 2 |\n\n[link](https://a.example "t") ![image](https://a.example/i.png) https://b.example';
    const html = await render(text);
    for (const part of [
      '<h1 id="h-title">Title</h1>',
      '<em>word</em>',
      '<strong>two</strong>',
      '<s>three</s>',
      '<code>code</code>',
      '<blockquote>',
      '<ol start="3">',
      '<pre><code class="language-ts">let a = 1 &lt; 2;',
      '<th style="text-align:left">a</th>',
      '<td style="text-align:right">2</td>',
      '<a href="https://a.example" title="t" rel="nofollow noopener ugc">link</a>',
      '<img src="https://a.example/i.png" alt="image" />',
      '<a href="https://b.example" rel="nofollow noopener ugc">https://b.example</a>',
    ]) {
      expect(html).toContain(part);
    }
    expect(dangers(html)).toEqual([]);
  });

  const SCRIPT = 'javascript:alert(1)';
  it.each([
    '<script>alert(1)</script>',
    '<img src=x onerror=alert(1)>',
    '<svg/onload=alert(1)>',
    '<iframe src="javascript:alert(1)">',
    '<a href="javascript:alert(1)">x</a>',
    '<style>*{display:none}</style>',
    '<!-- --><b onmouseover=alert(1)>x</b>',
    '<div\n onclick="alert(1)">\nx\n</div>',
    '<math><mtext></form><form><mglyph><style></math><img src onerror=alert(1)>',
    '<noscript><p title="</noscript><img src=x onerror=alert(1)>">',
    '<x\u0000script>'.replace('\u0000', ''),
    '<SCRIPT SRC=//evil.example/x.js></SCRIPT>',
    '<?php x ?>',
    '<![CDATA[<script>x</script>]]>',
    `[x](${SCRIPT})`,
    '[x](JaVaScRiPt:alert(1))',
    '[x]( javascript:alert(1) )',
    '[x](<javascript:alert(1)>)',
    '[x](&#106;avascript:alert(1))',
    '[x](&#x6A;&#x61;vascript:alert(1))',
    '[x](java&Tab;script:alert(1))',
    '[x](java&NewLine;script:alert(1))',
    '[x](java\\script:alert(1))',
    '[x](\\javascript:alert(1))',
    '[x](%6Aavascript:alert(1))',
    '[x](javascript&colon;alert(1))',
    '[x](javascript%3Aalert(1))',
    '[x](<java\tscript:alert(1)>)',
    '[x](\u0001javascript:alert(1))'.replace('\u0001', ''),
    '[x](vbscript:msgbox(1))',
    '[x](file:///etc/passwd)',
    '[x](livescript:x)',
    '[x](feed:javascript:alert(1))',
    '[x](view-source:javascript:alert(1))',
    '[x](blob:https://a/b)',
    '[x](data:text/html,<script>alert(1)</script>)',
    '[x](data:text/html;base64,PHNjcmlwdD4=)',
    '[x](DATA:text/html,x)',
    '![x](data:image/svg+xml;base64,PHN2Zz4=)',
    '![x](data:image/png;base64,AAAA)',
    '![x](data:image/gif;base64,R0lGODlhAQABAAAAACw=)',
    `![x](${SCRIPT})`,
    '![x" onerror="alert(1)](https://a.example/b)',
    '![x](https://a.example/b "t\\" onerror=\\"alert(1)")',
    '![x](https://a.example/"onerror="alert(1))',
    "![x](https://a.example/b 't' onerror='alert(1)')",
    '[![x](javascript:alert(1))](javascript:alert(2))',
    `<${SCRIPT}>`,
    '<https://a.example/"onmouseover="alert(1)>',
    '<https://a.example/<script>>',
    'https://a.example/"onmouseover="alert(1)',
    'https://a.example/<script>alert(1)</script>',
    'javascript://a.example/%0Aalert(1)',
    '<mailto:a@b.example?subject="onclick=alert(1)>',
    '<data:text/html,x>',
    `[x]: ${SCRIPT}\n\n[x]`,
    '[x]: https://a.example "t\\" onclick=\\"alert(1)"\n\n[x] ![x]',
    '[x][]\n\n[x]: data:text/html,x',
    `[x](https://a.example "${SCRIPT}")`,
    '```html onload=alert(1)\n<script>alert(1)</script>\n```',
    '```"><script>alert(1)</script>\nx\n```',
    '``` " onclick="alert(1)\nx\n```',
    "```' style='position:fixed\nx\n```",
    '~~~<img src=x onerror=alert(1)>\nx\n~~~',
    '```js\\" x="\nx\n```',
    '```&quot;&gt;&lt;script&gt;\nx\n```',
    '```a class="b\nx\n```',
    '``` __proto__\nx\n```',
    '    <script>indented()</script>',
    '`<script>`',
    '`` `<img onerror=x>` ``',
    '# <script>alert(1)</script>',
    '> <script>alert(1)</script>',
    '* <script>alert(1)</script>',
    '| <script> | b |\n|:-:|-|\n| <img src=x onerror=alert(1)> | [x](javascript:alert(1)) |',
    '|a|\n|:-:"onclick="x|\n|b|',
    '**<b onclick=x>**',
    '~~<b onclick=x>~~',
    '&lt;script&gt;alert(1)&lt;/script&gt;',
    '&#60;script&#62;',
    '\\<script>',
    '<\\script>',
    '{{constructor.constructor("alert(1)")()}}',
    '<br onclick=x/>',
    '- [ ] <script>alert(1)</script>',
    '- [x] [x](javascript:alert(1))',
    '- [x"onclick="alert(1)] a',
    '# <img src=x onerror=alert(1)> {#x onclick=alert(1)}',
    '# "><script>alert(1)</script>',
    '## constructor\n\n## __proto__\n\n## location',
    '[^a]\n\n[^a]: <script>alert(1)</script>',
    '[^a]\n\n[^a]: [x](javascript:alert(1))',
    '[^"onclick="alert(1)]\n\n[^"onclick="alert(1)]: x',
    '[^__proto__] [^constructor]\n\n[^__proto__]: x\n\n[^constructor]: y',
    'www.a.com/"onmouseover="alert(1)',
    'a@b.example"onmouseover="alert(1)',
    '<javascript:alert(1)>',
    '<a@b.example"onclick="x>',
    '![x](/api/v1/files/0199f3a1-7c1e-7b3a-9a4e-0d6f1c2b3a49/contents?"onerror="x)',
    '![x](//evil.example/a.png ""onerror=alert(1)")',
    '[x](#fn-note-1"onclick="x)',
    '[x](https://a.example){onclick=alert(1)}',
    '~~[x](vbscript:x)~~ **![x](vbscript:x)**',
    '&lt;img src=x onerror=alert(1)&gt;',
    '\\u003cscript\\u003e',
    '| a |\n|-|\n| ![x](javascript:alert(1)) |',
    'a  \n<b onclick=x>',
  ])('renders %j to nothing that runs', async (text) => {
    expect(dangers(await render(text))).toEqual([]);
    expect(dangers(await render(`> - **x** ${text}\n\n${text}\n\n1. ${text}`))).toEqual([]);
  });

  it('stays plain text in the excerpt', async () => {
    const { body } = await write(await aUser(app), draft({ body: '# A *title* & more\n\n<b>1 < 2</b> [x](https://a.example) `c`' }));
    expect(body.excerpt).toBe('A title & more <b>1 < 2</b> x c');
    const long = await write(await aUser(app), draft({ body: 'word '.repeat(100) }));
    expect(long.body.excerpt).toMatch(/^(word )*word…$/);
    expect(long.body.excerpt.length).toBeLessThanOrEqual(201);
  });

  it.each([
    ['10,000 nested quotes', '>'.repeat(10_000)],
    ['10,000 nested quotes with a word', `${'> '.repeat(10_000)}x`],
    ['10,000 nested lists', `${'- '.repeat(10_000)}x`],
    ['lists that indent ever further', Array.from({ length: 600 }, (_, depth) => `${' '.repeat(depth * 2)}- x`).join('\n')],
    ['emphasis that never closes', '*a_ '.repeat(50_000)],
    ['emphasis of every kind', '**_~~'.repeat(40_000)],
    ['asterisks', `${'*'.repeat(200_000)}a`],
    ['a**b', 'a**b'.repeat(50_000)],
    ['brackets', '['.repeat(100_000)],
    ['links in links', '[a]('.repeat(50_000)],
    ['images in images', '![['.repeat(50_000)],
    ['angle brackets', '<'.repeat(200_000)],
    ['half tags', '<a '.repeat(60_000)],
    ['runs of backticks', Array.from({ length: 500 }, (_, length) => '`'.repeat(length + 1)).join(' ')],
    ['addresses', 'a@'.repeat(100_000)],
    ['hosts', 'a.b/?'.repeat(40_000)],
    ['schemes', 'http://'.repeat(30_000)],
    ['references', '[a]: /u\n'.repeat(25_000)],
    ['brackets that close', ']'.repeat(200_000)],
    ['tildes', '~~a '.repeat(100_000)],
    ['underscores', '_a '.repeat(100_000)],
    ['emphasis of many kinds', `${'*'.repeat(50_000)}a${'*'.repeat(50_000)}`],
    ['quotes', '"'.repeat(400_000)],
    ['images that do not end', '![](<'.repeat(80_000)],
    ['addresses in brackets', '(http://a.b'.repeat(40_000)],
    ['names of hosts', `${'a-'.repeat(200_000)}.com`],
    ['headings alike', '# a\n'.repeat(19_000)],
    ['tasks', '- [ ] a\n'.repeat(19_000)],
    ['marks of footnotes', `[^a]: x\n\n${'[^'.repeat(200_000)}`],
    ['few marks of footnotes before a long word', `[^a]: x\n\n${'[^'.repeat(400)}${'b'.repeat(400_000)}`],
    ['footnotes in footnotes', `${'[^a]: '.repeat(490)}x`],
    ['footnotes', Array.from({ length: 240 }, (_, index) => `[^${index}]\n\n[^${index}]: x\n\n`).join('')],
    ['quotes and lists', '> - '.repeat(100_000)],
    ['comments of HTML', '<!-- '.repeat(80_000)],
    ['words between underscores', 'a_'.repeat(200_000)],
    ['homes', '~/'.repeat(200_000)],
    ['Chinese', '漢'.repeat(250_000)],
    ['a wide table', `${'|a'.repeat(3_000)}|\n${'|-'.repeat(3_000)}|\n${'|b|\n'.repeat(3_000)}`],
  ])('is rendered quickly, be it %s', async (_, body) => {
    const author = await aUser(app);
    const began = performance.now();
    const { status, body: post } = await write(author, draft({ body }));
    expect([201, 422]).toContain(status); // made whole, or refused as no text for people
    expect(performance.now() - began).toBeLessThan(10_000);
    if (status === 201) expect(dangers(post.bodyHtml)).toEqual([]);
  });
});
