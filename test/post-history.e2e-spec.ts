import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { transaction } from '#database';
import type { ProblemDocument } from '../libs/http/src/problem.filter.js';
import type { AutosaveResponse } from '../src/posts/autosaves.dto.js';
import type { PostResponse } from '../src/posts/posts.dto.js';
import { PostsService } from '../src/posts/posts.service.js';
import type { DifferenceResponse, FullRevisionResponse, RevisionList } from '../src/posts/revisions.dto.js';
import { memberOf, NAMED } from '../src/posts/revisions.rules.js';
import type { SeriesResponse } from '../src/posts/series.dto.js';
import { startApp, type TestApp } from './harness/app.js';
import type { Answer } from './harness/client.js';
import { query } from './harness/database.js';
import { actorOf, aPost, aUser, type Person, unique } from './harness/people.js';
import { fire } from './harness/schedules.js';
import { eventually } from './harness/eventually.js';
import { aPng, upload } from './harness/uploads.js';
import type { Wire } from './harness/wire.js';

const NOBODYS_ID = '0199f3a1-7c1e-7b3a-9a4e-0d6f1c2b3a49';

let app: TestApp;
let author: Person;
let editor: Person;
let stranger: Person;

beforeAll(async () => {
  app = await startApp({ POSTS_REVISIONS_MAX: '12' });
  author = await aUser(app, { name: 'Ada Lovelace' });
  editor = await aUser(app, { name: 'Grace Hopper', roles: ['editor'] });
  stranger = await aUser(app);
}, 60_000);
afterAll(() => app.close());

const call = <Body>(method: string, path: string, by: Person | null, body?: unknown, headers: Record<string, string> = {}) =>
  app.request<Body>(method, path, { ...(by && { token: by.accessToken }), ...(body !== undefined && { body }), headers });
const edit = (by: Person, id: string, changes: object, headers?: Record<string, string>) =>
  call<Wire<PostResponse>>('PATCH', `posts/${id}`, by, changes, headers);
const history = async (by: Person, id: string, search = '') =>
  (await call<Wire<RevisionList>>('GET', `posts/${id}/revisions${search}`, by)).body;
const version = async (by: Person, id: string, n: number) =>
  (await call<Wire<FullRevisionResponse>>('GET', `posts/${id}/revisions/${n}`, by)).body;
const difference = (id: string, n: number, search = '') =>
  call<Wire<DifferenceResponse>>('GET', `posts/${id}/revisions/${n}/diff${search}`, author);
const restore = (by: Person, id: string, n: number, headers?: Record<string, string>) =>
  call<Wire<PostResponse>>('POST', `posts/${id}/revisions/${n}/restoration`, by, {}, headers);
const anImage = async (by: Person) => (await upload(app, by, { name: 'a.png', type: 'image/png', bytes: aPng(3, 2) })).body.id;
const aSeries = async (by: Person) => (await call<Wire<SeriesResponse>>('POST', 'series', by, { title: `Series ${unique()}` })).body.id;
const codeOf = (answer: Answer<unknown>) => (answer.body as ProblemDocument).code;

describe('the history of a post', () => {
  it('has one version of a post that is only written', async () => {
    const post = await aPost(app, author, { title: 'First', body: 'one', tags: ['a'] });
    const { items } = await history(author, post.id);
    expect(items).toEqual([
      {
        n: 1,
        kind: 'written',
        createdAt: post.createdAt.toISOString(),
        author: { id: author.id, name: 'Ada Lovelace' },
        summary: null,
        changed: [],
        restoredFrom: null,
      },
    ]);
    expect(await version(author, post.id, 1)).toMatchObject({ title: 'First', body: 'one', tags: ['a'], slug: post.slug });
  });

  it('says what each version changed, who made it and why, and gives each back whole', async () => {
    const { id } = await aPost(app, author, { title: 'First', body: 'one', tags: ['a'] });
    await edit(editor, id, { title: 'Second', summary: 'A better title' });
    await edit(author, id, { body: 'three', tags: ['b'] });
    await call('PUT', `posts/${id}/publication`, author, {});
    await edit(author, id, { title: 'Second' }); // as it is
    await edit(author, id, { excerpt: 'By hand.' });
    const { items } = await history(author, id);
    expect(items.map(({ n, kind, author: by, summary, changed }) => [n, kind, by?.name, summary, changed])).toEqual([
      [6, 'edited', 'Ada Lovelace', null, ['excerpt']],
      [5, 'edited', 'Ada Lovelace', null, []],
      [4, 'published', 'Ada Lovelace', null, ['publishedAt']],
      [3, 'edited', 'Ada Lovelace', null, ['excerpt', 'body', 'tags']], // the excerpt is made from the body
      [2, 'edited', 'Grace Hopper', 'A better title', ['title']],
      [1, 'written', 'Ada Lovelace', null, []],
    ]);
    const held = [];
    for (const n of [1, 2, 3, 4, 5, 6]) {
      const { title, body, tags, excerpt } = await version(editor, id, n);
      held.push([title, body, tags, excerpt]);
    }
    expect(held).toEqual([
      ['First', 'one', ['a'], 'one'],
      ['Second', 'one', ['a'], 'one'],
      ['Second', 'three', ['b'], 'three'],
      ['Second', 'three', ['b'], 'three'],
      ['Second', 'three', ['b'], 'three'],
      ['Second', 'three', ['b'], 'By hand.'],
    ]);
  });

  it('shows what became of a post by a merger of tags, and by the end of its series', async () => {
    const [tag, series] = [unique(), await aSeries(author)];
    const post = await aPost(app, author, { title: 'First', body: 'one', tags: [tag, 'z'], seriesId: series, seriesPosition: 3 });
    await edit(author, post.id, { title: 'Second' });
    const written = await aPost(app, author, { tags: [tag], published: true });
    expect((await call('POST', `tags/${tag}/merger`, editor, { into: `${tag} b` })).status).toBe(200);
    expect((await call('DELETE', `series/${series}`, author)).status).toBe(204);
    expect((await history(author, post.id)).items.map(({ n, kind, author: by, changed }) => [n, kind, by?.name, changed])).toEqual([
      [4, 'edited', 'Ada Lovelace', ['seriesId', 'seriesPosition']],
      [3, 'edited', 'Grace Hopper', ['tags']],
      [2, 'edited', 'Ada Lovelace', ['title']],
      [1, 'written', 'Ada Lovelace', []],
    ]);
    expect(await version(author, post.id, 2)).toMatchObject({ title: 'Second', body: 'one', tags: [tag, 'z'], seriesId: series });
    expect(await version(author, post.id, 1)).toMatchObject({ title: 'First', tags: [tag, 'z'], seriesId: series, seriesPosition: 3 });
    expect((await difference(post.id, 3)).body.members).toEqual([{ member: 'tags', before: [tag, 'z'], after: [`${tag} b`, 'z'] }]);
    const { items } = await history(author, written.id);
    expect(items.map(({ n, kind, author: by }) => [n, kind, by?.name])).toEqual([
      [written.version + 1, 'edited', 'Grace Hopper'],
      [written.version, 'published', 'Ada Lovelace'],
      [1, 'written', 'Ada Lovelace'],
    ]);
    // Whoever has it open is told what to merge.
    const refused = await edit(author, post.id, { tags: ['c'] }, { 'if-match': '"2"' });
    expect(refused.body).toMatchObject({
      code: 'http/stale-version',
      errors: expect.arrayContaining([expect.objectContaining({ pointer: '/tags' })]),
    });
    expect((await restore(author, post.id, 2)).body).toMatchObject({ tags: [tag, 'z'], series: null });
  });

  it('comes in pages, each version once', async () => {
    const { id } = await aPost(app, author);
    for (let n = 2; n <= 5; n++) await edit(author, id, { title: `Title ${n}` });
    const seen: number[] = [];
    let cursor: string | null = null;
    do {
      const page: Wire<RevisionList> = await history(author, id, `?limit=2${cursor === null ? '' : `&cursor=${cursor}`}`);
      seen.push(...page.items.map(({ n }) => n));
      cursor = page.nextCursor;
    } while (cursor !== null);
    expect(seen).toEqual([5, 4, 3, 2, 1]);
    for (const bad of ['x', Buffer.from('["-n","1","1"]').toString('base64url'), Buffer.from('["-n",1,"x"]').toString('base64url')])
      expect(codeOf(await call('GET', `posts/${id}/revisions?cursor=${bad}`, author))).toBe('http/invalid-cursor');
  });

  it('names every member that an edit takes', async () => {
    const document = JSON.parse(await readFile(join(import.meta.dirname, '../openapi.json'), 'utf8')) as {
      components: { schemas: Record<string, { properties: object }> };
    };
    const members = Object.keys(document.components.schemas['UpdatePostDto']!.properties).filter((name) => name !== 'summary');
    expect(members.length).toBeGreaterThan(6);
    const named = NAMED.map(memberOf);
    expect(members.filter((name) => !named.includes(name))).toEqual([]);
  });

  it('is for those who may change the post', async () => {
    const hidden = await aPost(app, author);
    const shown = await aPost(app, author, { published: true });
    for (const path of ['revisions', 'revisions/1', 'revisions/1/diff']) {
      expect((await call('GET', `posts/${shown.id}/${path}`, editor)).status).toBe(200);
      const answers = [
        await call('GET', `posts/${hidden.id}/${path}`, stranger),
        await call('GET', `posts/${shown.id}/${path}`, stranger),
        await call('GET', `posts/${NOBODYS_ID}/${path}`, author),
        await call('GET', `posts/${shown.id}/${path}`, null),
      ];
      expect(answers.map(({ status }) => status)).toEqual([404, 403, 404, 401]);
    }
    expect((await restore(stranger, shown.id, 1)).status).toBe(403);
    expect((await restore(stranger, hidden.id, 1)).status).toBe(404);
  });

  it.each(['0', '-1', '01', '1.5', '0x1', '1e1', 'x', '2147483648', '99999999999', '%00'])('has no version %s', async (n) => {
    const { id } = await aPost(app, author);
    for (const path of [`revisions/${n}`, `revisions/${n}/diff`])
      expect((await call('GET', `posts/${id}/${path}`, author)).status).toBe(400);
  });

  it('says so when it has no such version', async () => {
    const { id } = await aPost(app, author);
    for (const answer of [
      await call('GET', `posts/${id}/revisions/2`, author),
      await difference(id, 1, '?against=7'),
      await restore(author, id, 9),
    ])
      expect([answer.status, codeOf(answer)]).toEqual([404, 'posts/revision-not-found']);
    expect((await difference(id, 1, '?against=x')).status).toBe(400);
  });

  it('forgets the oldest versions of very many, and none of what is left', async () => {
    const { id } = await aPost(app, author, { title: 'Title 1', body: 'body 1' });
    for (let n = 2; n <= 20; n++) await edit(author, id, n % 3 === 0 ? { body: `body ${n}` } : { title: `Title ${n}` });
    const { items } = await history(author, id, '?limit=100');
    expect(items.map(({ n }) => n)).toEqual([20, 19, 18, 17, 16, 15, 14, 13, 12, 11, 10, 9]);
    for (const { n } of items) {
      const title = n % 3 === 0 ? n - 1 : n;
      expect(await version(author, id, n)).toMatchObject({ title: `Title ${title}`, body: `body ${n - (n % 3)}` });
    }
  });

  it('knows of a post that an older release has changed only what is there', async () => {
    const { id } = await aPost(app, author, { title: 'Long ago' });
    await query(app.databaseUrl, 'UPDATE posts SET version = 7 WHERE id = $1', [id]);
    expect((await history(author, id)).items).toMatchObject([{ n: 7, kind: 'edited', author: null }]);
    await edit(author, id, { title: 'Now' });
    expect((await history(author, id)).items).toMatchObject([
      { n: 8, kind: 'edited', author: { id: author.id } },
      { n: 7, kind: 'edited', author: null },
    ]);
    expect(await version(author, id, 7)).toMatchObject({ title: 'Long ago' });
  });
});

describe('the difference of two versions', () => {
  it('is each member, and the body by lines and words', async () => {
    const lines = Array.from({ length: 20 }, (_, index) => `Line ${index + 1}`);
    const { id } = await aPost(app, author, { title: 'Before', body: lines.join('\n'), excerpt: 'By hand.', tags: ['a'] });
    lines[9] = 'Line ten, rewritten';
    await edit(author, id, { title: 'After', body: lines.join('\n'), tags: ['a', 'b'] });
    const { body } = await difference(id, 2);
    expect(body).toMatchObject({
      before: 1,
      after: 2,
      exact: true,
      members: [
        { member: 'title', before: ['Before'], after: ['After'] },
        { member: 'tags', before: ['a'], after: ['a', 'b'] },
      ],
    });
    const [hunk] = body.body;
    expect(body.body).toHaveLength(1);
    expect(hunk).toMatchObject({ beforeLine: 7, beforeLines: 7, afterLine: 7, afterLines: 7 });
    expect(hunk!.lines.filter(({ kind }) => kind !== 'same')).toEqual([
      { kind: 'removed', text: 'Line 10' },
      { kind: 'added', text: 'Line ten, rewritten' },
    ]);
    const words = hunk!.words!;
    const side = (other: string) =>
      words
        .filter(({ kind }) => kind !== other)
        .map(({ text }) => text)
        .join('');
    expect(side('added')).toContain('Line 9\nLine 10\nLine 11');
    expect(side('removed')).toContain('Line 9\nLine ten, rewritten\nLine 11');
    expect(words.some(({ kind, text }) => kind === 'removed' && text === '10')).toBe(true);
  });

  it('goes in either direction, between any two', async () => {
    const { id } = await aPost(app, author, { title: 'One' });
    await edit(author, id, { title: 'Two' });
    await edit(author, id, { title: 'Three' });
    expect((await difference(id, 1, '?against=3')).body).toMatchObject({
      before: 3,
      after: 1,
      members: [{ before: ['Three'], after: ['One'] }],
    });
    expect((await difference(id, 3, '?against=3')).body).toMatchObject({ members: [], body: [], exact: true });
    expect((await difference(id, 1)).body).toMatchObject({ before: 1, after: 1, members: [] });
  });

  it.each([
    ['words', (n: number) => Array.from({ length: 70_000 }, (_, index) => ((index * n) % 9_973).toString(36)).join(' ')],
    ['short lines', (n: number) => Array.from({ length: 19_000 }, (_, index) => ((index * n) % 7_919).toString(36)).join('\n')],
    ['alternating lines', (n: number) => `${'a\nb\n'.repeat(4_900)}${n}\n${'b\na\n'.repeat(4_900)}`.slice(n * 2)],
    ['one long line', (n: number) => `${n}`.repeat(490_000)],
  ])('takes bounded time, also of the longest bodies that differ throughout: %s', async (_, bodyOf) => {
    const { id } = await aPost(app, author, { body: bodyOf(3).slice(0, 490_000), excerpt: 'x' });
    await edit(author, id, { body: bodyOf(7).slice(0, 490_000) });
    const began = performance.now();
    const { status, body } = await difference(id, 2);
    expect([status, body.body.length > 0]).toEqual([200, true]);
    expect(performance.now() - began).toBeLessThan(5_000);
  });
});

describe('the restoration of a version', () => {
  it('makes it the newest one, and loses nothing', async () => {
    const { id, slug } = await aPost(app, author, { title: 'First', body: 'one *b*', excerpt: 'By hand.', tags: ['a'] });
    await edit(author, id, { title: 'Second', body: 'two', excerpt: null, tags: ['b'], slug: `s-${unique()}` });
    const { status, body } = await restore(author, id, 1);
    expect([status, body]).toMatchObject([
      200,
      { title: 'First', body: 'one *b*', bodyHtml: '<p>one <em>b</em></p>', excerpt: 'By hand.', tags: ['a'], version: 3 },
    ]);
    expect(body.slug).not.toBe(slug);
    expect((await history(author, id)).items[0]).toMatchObject({ n: 3, kind: 'restored', restoredFrom: 1 });
    expect(await version(author, id, 2)).toMatchObject({ title: 'Second', body: 'two' });
  });

  it('brings the cover and the place in a series back', async () => {
    const [first, second] = [await anImage(author), await anImage(author)];
    const engines = await aSeries(author);
    const { id } = await aPost(app, author, { title: 'First', coverFileId: first, seriesId: engines, seriesPosition: 7 });
    await edit(author, id, { coverFileId: second });
    await edit(author, id, { coverFileId: null, seriesId: null });
    await edit(author, id, { title: 'Fourth' });
    expect((await difference(id, 3, '?against=1')).body.members).toEqual([
      { member: 'coverFileId', before: [first], after: [] },
      { member: 'seriesId', before: [engines], after: [] },
      { member: 'seriesPosition', before: ['7'], after: [] },
    ]);
    expect(await version(author, id, 2)).toMatchObject({ coverFileId: second, seriesId: engines, seriesPosition: 7 });
    expect((await restore(author, id, 2)).body).toMatchObject({ title: 'First', cover: { fileId: second }, series: { id: engines } });
    expect((await restore(author, id, 1)).body).toMatchObject({ cover: { fileId: first }, series: { id: engines } });
    expect((await restore(author, id, 4)).body).toMatchObject({ title: 'Fourth', cover: null, series: null });
    expect(await version(author, id, 5)).toMatchObject({ coverFileId: second, seriesId: engines, seriesPosition: 7 });
  });

  it('leaves as they are now a cover and a series that are gone', async () => {
    const [gone, here] = [await anImage(author), await anImage(author)];
    const [over, engines] = [await aSeries(author), await aSeries(author)];
    const { id } = await aPost(app, author, { title: 'First', coverFileId: gone, seriesId: over });
    await edit(author, id, { title: 'Second', coverFileId: here, seriesId: engines });
    expect((await call('DELETE', `files/${gone}`, author)).status).toBe(204);
    expect((await call('DELETE', `series/${over}`, author)).status).toBe(204);
    const { status, body } = await restore(author, id, 1);
    expect([status, body]).toMatchObject([200, { title: 'First', cover: { fileId: here }, series: { id: engines } }]);
  });

  it('says nothing of a cover that an older release has not kept, and leaves it', async () => {
    const [first, second] = [await anImage(author), await anImage(author)];
    const { id } = await aPost(app, author, { title: 'First', coverFileId: first });
    await edit(author, id, { coverFileId: second });
    await edit(author, id, { title: 'Third' });
    // As they wrote: no content for a cover, and none of it in what they kept.
    await query(app.databaseUrl, `UPDATE post_revisions SET content = NULL WHERE post_id = $1 AND n = 1`, [id]);
    expect(await version(author, id, 1)).not.toHaveProperty('coverFileId');
    expect(await version(author, id, 2)).toMatchObject({ coverFileId: second });
    await query(
      app.databaseUrl,
      `UPDATE post_revisions SET content = content - '{coverFileId,seriesId,seriesPlace}'::text[] WHERE post_id = $1 AND n = 2`,
      [id],
    );
    expect(await version(author, id, 2)).not.toHaveProperty('seriesId');
    expect((await difference(id, 3)).body.members).toEqual([{ member: 'title', before: ['First'], after: ['Third'] }]);
    expect((await restore(author, id, 1)).body).toMatchObject({ title: 'First', cover: { fileId: second } });
  });

  it('heeds If-Match', async () => {
    const { id } = await aPost(app, author);
    await edit(author, id, { title: 'Second' });
    expect((await restore(author, id, 1, { 'if-match': '"1"' })).status).toBe(412);
    expect((await restore(author, id, 1, { 'if-match': '"2"' })).status).toBe(200);
  });

  it('happens once, however many ask for it at once with one key', async () => {
    const { id } = await aPost(app, author, { title: 'First' });
    await edit(author, id, { title: 'Second' });
    const key = { 'idempotency-key': unique() };
    const answers = await Promise.all(Array.from({ length: 100 }, () => restore(author, id, 1, key)));
    const done = answers.filter(({ status }) => status === 200);
    expect(new Set(answers.map(({ status }) => status)).size).toBeLessThanOrEqual(2);
    expect(answers.every(({ status }) => [200, 409].includes(status))).toBe(true);
    expect(new Set(done.map(({ text }) => text)).size).toBe(1);
    expect((await restore(author, id, 1, key)).headers['idempotency-replayed']).toBe('true');
    expect((await history(author, id)).items.map(({ n }) => n)).toEqual([3, 2, 1]);
  });
});

describe('a change from an old version', () => {
  it('is refused, and told what was changed since, by whom and when', async () => {
    const { id } = await aPost(app, author);
    await edit(editor, id, { title: 'By the editor', tags: ['x'] });
    const second = await edit(author, id, { tags: ['y'] });
    const stale = await edit(author, id, { body: 'mine' }, { 'if-match': '"1"' });
    expect([stale.status, codeOf(stale)]).toEqual([412, 'http/stale-version']);
    const { errors } = stale.body as unknown as ProblemDocument;
    expect(errors).toEqual([
      {
        pointer: '/tags',
        code: 'changed',
        detail: 'Ada Lovelace changed it in version 3',
        version: 3,
        at: expect.any(String),
        by: { id: author.id, name: 'Ada Lovelace' },
      },
      {
        pointer: '/title',
        code: 'changed',
        detail: 'Grace Hopper changed it in version 2',
        version: 2,
        at: expect.any(String),
        by: { id: editor.id, name: 'Grace Hopper' },
      },
    ]);
    expect(Math.abs(Date.parse(errors![0]!.at!) - Date.parse(second.body.updatedAt))).toBeLessThan(5_000);
    const later = (await edit(author, id, {}, { 'if-match': '"2"' })).body as unknown as ProblemDocument;
    expect(later.errors?.map(({ pointer }) => pointer)).toEqual(['/tags']);
    for (const never of ['"9"', '"x"']) expect((await edit(author, id, {}, { 'if-match': never })).body).not.toHaveProperty('errors');
  });

  it('is refused for exactly one of two who save at once, fifty times over, and nothing is lost', async () => {
    const { id } = await aPost(app, author, { title: 'Round 0' });
    const wins: string[] = [];
    for (let round = 1; round <= 50; round++) {
      const ifMatch = { 'if-match': `"${round}"` };
      const answers = await Promise.all([
        edit(author, id, { title: `Author ${round}` }, ifMatch),
        edit(editor, id, { title: `Editor ${round}` }, ifMatch),
      ]);
      expect(answers.map(({ status }) => status).sort()).toEqual([200, 412]);
      const [won, lost] = answers[0].status === 200 ? answers : answers.toReversed();
      wins.push(won!.body.title);
      expect((lost!.body as unknown as ProblemDocument).errors).toMatchObject([{ pointer: '/title', version: round + 1 }]);
    }
    const { items } = await history(author, id, '?limit=100');
    for (const { n } of items.filter(({ n }) => n > 1)) expect((await version(author, id, n)).title).toBe(wins[n - 2]);
  }, 60_000);
});

describe('what an editor has typed', () => {
  const autosave = (by: Person | null, id: string, body: unknown) => call<Wire<AutosaveResponse>>('PUT', `posts/${id}/autosave`, by, body);
  const typed = (by: Person, id: string) => call<Wire<AutosaveResponse>>('GET', `posts/${id}/autosave`, by);

  it('is kept for them alone, in place of what was kept before', async () => {
    const { id } = await aPost(app, author);
    await autosave(author, id, { baseVersion: 1, title: 'Fir', body: '' });
    const { status, body } = await autosave(author, id, { baseVersion: 1, title: 'First', tags: ['a'] });
    expect([status, body]).toMatchObject([
      200,
      { baseVersion: 1, currentVersion: 1, outdated: false, changes: [], title: 'First', body: null, excerpt: null, tags: ['a'] },
    ]);
    expect((await typed(author, id)).body).toEqual(body);
    expect(codeOf(await typed(editor, id))).toBe('posts/autosave-not-found');
  });

  it('makes no version, and tells neither the events nor the audit log', async () => {
    const { id } = await aPost(app, author);
    const count = async () =>
      query(app.databaseUrl, 'SELECT (SELECT count(*) FROM events) AS events, (SELECT count(*) FROM audit_entries) AS audit');
    const before = await count();
    for (let key = 0; key < 5; key++) await autosave(author, id, { baseVersion: 1, body: 'x'.repeat(key) });
    expect(await count()).toEqual(before);
    expect((await history(author, id)).items).toHaveLength(1);
  });

  it('says so when the post was changed since', async () => {
    const { id } = await aPost(app, author);
    await autosave(author, id, { baseVersion: 1, title: 'Mine' });
    await edit(editor, id, { title: 'Theirs' });
    for (const { body } of [await typed(author, id), await autosave(author, id, { baseVersion: 1, title: 'Mine still' })])
      expect(body).toMatchObject({
        outdated: true,
        currentVersion: 2,
        changes: [{ member: 'title', version: 2, by: { id: editor.id, name: 'Grace Hopper' } }],
      });
  });

  it('is cleared by a save of its editor’s, and by hand', async () => {
    const { id } = await aPost(app, author);
    await autosave(author, id, { baseVersion: 1, title: 'Mine' });
    await autosave(editor, id, { baseVersion: 1, title: 'Theirs' });
    await edit(author, id, { title: 'Mine' });
    expect((await typed(author, id)).status).toBe(404);
    expect((await typed(editor, id)).body).toMatchObject({ title: 'Theirs', outdated: true });
    for (let time = 0; time < 2; time++) expect((await call('DELETE', `posts/${id}/autosave`, editor)).status).toBe(204);
    expect((await typed(editor, id)).status).toBe(404);
  });

  it('is for those who may change the post', async () => {
    const hidden = await aPost(app, author);
    const shown = await aPost(app, author, { published: true });
    const body = { baseVersion: 1, title: 'x' };
    for (const [by, id, status] of [
      [null, shown.id, 401],
      [stranger, shown.id, 403],
      [stranger, hidden.id, 404],
      [author, NOBODYS_ID, 404],
    ] as const)
      expect((await autosave(by, id, body)).status).toBe(status);
  });

  it.each([
    [{ title: 'x' }, '/baseVersion'],
    [{ baseVersion: 2 }, '/baseVersion'],
    [{ baseVersion: 0 }, '/baseVersion'],
    [{ baseVersion: '1' }, '/baseVersion'],
    [{ baseVersion: 1, title: 'x'.repeat(201) }, '/title'],
    [{ baseVersion: 1, body: 'x'.repeat(500_001) }, '/body'],
    [{ baseVersion: 1, body: 'a\u0007b' }, '/body'],
    [{ baseVersion: 1, slug: 'x' }, '/slug'],
    [{ baseVersion: 1, editorId: NOBODYS_ID }, '/editorId'],
  ])('cannot be %j', async (body, pointer) => {
    const { id } = await aPost(app, author);
    const answer = await autosave(author, id, body);
    expect([answer.status, (answer.body as unknown as ProblemDocument).errors?.[0]?.pointer]).toEqual([400, pointer]);
  });

  it('is forgotten when nobody comes back for it', async () => {
    const { id } = await aPost(app, author);
    await autosave(author, id, { baseVersion: 1, title: 'Mine' });
    await query(app.databaseUrl, `UPDATE post_autosaves SET saved_at = now() - interval '31 days' WHERE post_id = $1`, [id]);
    await fire(app.databaseUrl, 'posts.purge');
    await eventually(async () => (await typed(author, id)).status === 404);
  });
});

describe('the service', () => {
  it('changes a post within the transaction of whoever asks it to', async () => {
    const posts = app.get(PostsService);
    const { id } = await aPost(app, author, { title: 'Kept' });
    const undone = transaction(app.prisma, async (db) => {
      await posts.update(actorOf(author), id, { title: 'Undone' }, null, db);
      throw new Error('undo');
    });
    await expect(undone).rejects.toThrow('undo');
    expect((await history(author, id)).items).toHaveLength(1);
  });
});
