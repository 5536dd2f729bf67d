import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { ProblemDocument } from '../libs/http/src/problem.filter.js';
import type { PostList, PostResponse } from '../src/posts/posts.dto.js';
import type { PreviewLinkList, SharedPreviewResponse } from '../src/posts/preview-links.dto.js';
import type { ReviewList } from '../src/posts/reviews.dto.js';
import { startApp, type TestApp } from './harness/app.js';
import type { Answer } from './harness/client.js';
import { query } from './harness/database.js';
import { eventually } from './harness/eventually.js';
import { anAdmin, aPost, aUser, type Person, unique } from './harness/people.js';
import { startProcess, stopProcesses } from './harness/product.js';
import { fire } from './harness/schedules.js';
import { upload } from './harness/uploads.js';
import { FilesService } from '../src/files/files.service.js';
import { transaction } from '#database';
import { actorOf } from './harness/people.js';
import type { Wire } from './harness/wire.js';

const NOBODYS_ID = '0199f3a1-7c1e-7b3a-9a4e-0d6f1c2b3a49';

let app: TestApp;
let author: Person;
let editor: Person;
let stranger: Person;
/** Whose role lets them write, and not publish. */
let writer: Person;

beforeAll(async () => {
  app = await startApp();
  author = await aUser(app, { name: 'Ada Lovelace' });
  editor = await aUser(app, { name: 'Grace Hopper', roles: ['editor'] });
  stranger = await aUser(app);
  const admin = await anAdmin(app);
  const role = `writer-${unique()}`;
  await call('POST', 'roles', admin, { name: role, permissions: ['posts:write'] });
  writer = await aUser(app, { name: 'Mary Shelley' });
  await call('PATCH', `users/${writer.id}`, admin, { roles: [role] });
  await eventually(async () => (await call('PUT', `posts/${NOBODYS_ID}/publication`, writer, {})).status === 403);
}, 60_000);
afterAll(async () => {
  await stopProcesses();
  await app.close();
});

type PostBody = Wire<PostResponse>;

const call = <Body = PostBody>(method: string, path: string, by: Person | null, body?: unknown, headers: Record<string, string> = {}) =>
  app.request<Body>(method, path, { ...(by && { token: by.accessToken }), ...(body !== undefined && { body }), headers });
const read = (by: Person | null, id: string) => call('GET', `posts/${id}`, by);
const edit = (by: Person, id: string, changes: object) => call('PATCH', `posts/${id}`, by, changes);
const publish = (by: Person | null, id: string, when: object = {}) => call('PUT', `posts/${id}/publication`, by, when);
const trash = (by: Person | null, id: string) => call('DELETE', `posts/${id}`, by);
const idsOf = async (by: Person | null, filters: string) =>
  (await call<Wire<PostList>>('GET', `posts?limit=100&${filters}`, by)).body.items.map(({ id }) => id);
const problemOf = (answer: Answer<unknown>) => answer.body as ProblemDocument;
const codeOf = (answer: Answer<unknown>) => problemOf(answer).code;
const eventsOf = async (id: string) =>
  (await query<{ name: string }>(app.databaseUrl, 'SELECT name FROM events WHERE resource_id = $1 ORDER BY seq', [id])).map(
    ({ name }) => name,
  );
const auditOf = async (id: string) =>
  (await query<{ action: string }>(app.databaseUrl, 'SELECT action FROM audit_entries WHERE resource_id = $1 ORDER BY id', [id])).map(
    ({ action }) => action,
  );
const inMs = (ms: number) => new Date(Date.now() + ms).toISOString();
const HOUR = 3_600_000;

/** Made by the writer, who may not publish it. */
const aManuscript = async (): Promise<PostBody> =>
  (await call('POST', 'posts', writer, { title: `Manuscript ${unique()}`, body: 'It *weaves*.' })).body;

describe('the end of a publication', () => {
  it('is said with it, and comes true by itself: nobody else sees the post from then on', async () => {
    const { id, slug } = await aPost(app, author);
    const until = Date.now() + 1_500;
    const { status, body } = await publish(author, id, { until: new Date(until).toISOString() });
    expect([status, body.status, body.expiresAt]).toEqual([200, 'published', new Date(until).toISOString()]);
    await eventually(async () => {
      const asked = Date.now();
      const seen = await read(null, id);
      const told = Date.now();
      if (seen.status === 404) expect(told).toBeGreaterThanOrEqual(until);
      else expect([seen.status, asked < until]).toEqual([200, true]);
      return seen.status === 404;
    });
    for (const by of [null, stranger]) {
      for (const key of [id, slug]) expect((await read(by, key)).status).toBe(404);
      for (const filters of ['', '&status=expired', '&sort=-publishedAt'])
        expect(await idsOf(by, `author=${author.id}${filters}`)).not.toContain(id);
    }
    for (const by of [author, editor]) {
      expect((await read(by, id)).body.status).toBe('expired');
      expect(await idsOf(by, `author=${author.id}&status=expired`)).toContain(id);
      expect(await idsOf(by, `author=${author.id}&status=published`)).not.toContain(id);
    }
    await eventually(async () => (await eventsOf(id)).includes('post.expired'));
    expect(await eventsOf(id)).toEqual(['post.created', 'post.published', 'post.expired']);
  });

  it('can be moved and removed; only the last one counts', async () => {
    const { id } = await aPost(app, author);
    await publish(author, id, { until: inMs(1_000) });
    const moved = inMs(HOUR);
    expect((await publish(author, id, { until: moved })).body.expiresAt).toBe(moved);
    expect((await publish(author, id)).body.expiresAt).toBe(moved); // what is left out stays
    expect((await publish(author, id, { until: null })).body.expiresAt).toBeNull();
    await eventually(() => Date.now() > Date.parse(moved) - HOUR + 2_500);
    expect((await read(null, id)).status).toBe(200);
    expect(await eventsOf(id)).toEqual(['post.created', 'post.published', 'post.updated', 'post.updated']);
  });

  it('is behind the beginning, and in the future', async () => {
    const { id } = await aPost(app, author);
    const refused = [
      { until: inMs(-1) },
      { at: inMs(HOUR), until: inMs(HOUR / 2) },
      { at: '2020-01-01T00:00:00Z', until: '2021-01-01T00:00:00Z' },
    ];
    for (const when of refused) {
      const answer = await publish(author, id, when);
      expect([answer.status, problemOf(answer).errors?.[0]?.pointer]).toEqual([400, '/until']);
    }
    await publish(author, id, { until: inMs(HOUR) });
    expect((await publish(author, id, { at: inMs(2 * HOUR) })).status).toBe(400); // its end would come first
    expect((await read(author, id)).body.version).toBe(2);
  });

  it('ends with taking the post back', async () => {
    const { id } = await aPost(app, author);
    await publish(author, id, { until: inMs(HOUR) });
    expect((await call('DELETE', `posts/${id}/publication`, author)).body).toMatchObject({ status: 'draft', expiresAt: null });
  });

  it('is over when the post is published anew', async () => {
    const { id } = await aPost(app, author);
    await publish(author, id, { until: inMs(300) });
    await eventually(async () => (await read(author, id)).body.status === 'expired');
    expect((await publish(author, id)).body).toMatchObject({ status: 'published', expiresAt: null });
  });
});

describe('a schedule', () => {
  it('survives the process that was to keep it', async () => {
    const first = await startProcess({ databaseUrl: app.databaseUrl });
    const { id } = await aPost(app, author);
    const at = Date.now() + 2_500;
    const until = at + 1_000;
    const body = { at: new Date(at).toISOString(), until: new Date(until).toISOString() };
    expect((await first.request('PUT', `posts/${id}/publication`, { token: author.accessToken, body })).status).toBe(200);
    await first.stop('SIGKILL');
    await eventually(async () => (await eventsOf(id)).includes('post.expired'), 30_000);
    expect(await eventsOf(id)).toEqual(['post.created', 'post.scheduled', 'post.published', 'post.expired']);
    const told = await query<{ occurred_at: Date }>(
      app.databaseUrl,
      `SELECT occurred_at FROM events WHERE resource_id = $1 AND name IN ('post.published', 'post.expired') ORDER BY seq`,
      [id],
    );
    expect(told[0]!.occurred_at.getTime()).toBeGreaterThanOrEqual(at);
    expect(told[1]!.occurred_at.getTime()).toBeGreaterThanOrEqual(until);
  }, 60_000);

  it('of a post in the trash does not fire', async () => {
    const { id } = await aPost(app, author);
    await publish(author, id, { at: inMs(1_000) });
    await trash(author, id);
    const { id: after } = await aPost(app, author);
    await publish(author, after, { at: inMs(1_500) });
    await eventually(async () => (await eventsOf(after)).includes('post.published'), 20_000);
    expect(await eventsOf(id)).toEqual(['post.created', 'post.scheduled', 'post.trashed']);
  });
});

describe('a role that only writes', () => {
  it('writes, and hands in; to publish, and to change what is out, is not for it', async () => {
    const { id } = await aManuscript();
    expect((await publish(writer, id)).status).toBe(403);
    expect((await edit(writer, id, { title: 'Another' })).status).toBe(200);
    await publish(editor, id);
    const answers = [await edit(writer, id, { title: 'Smuggled' }), await call('POST', `posts/${id}/revisions/1/restoration`, writer, {})];
    for (const answer of answers) expect([answer.status, codeOf(answer)]).toEqual([403, 'posts/publication-locked']);
    expect((await read(null, id)).body.title).toBe('Another');
    await publish(editor, id, { at: inMs(HOUR) });
    expect(codeOf(await edit(writer, id, { title: 'Smuggled' }))).toBe('posts/publication-locked');
    await call('DELETE', `posts/${id}/publication`, editor);
    expect((await edit(writer, id, { title: 'Once more' })).status).toBe(200);
  });
});

describe('a review', () => {
  const submit = (by: Person | null, id: string, body: unknown = {}) => call('PUT', `posts/${id}/review`, by, body);
  const withdraw = (by: Person | null, id: string) => call('DELETE', `posts/${id}/review`, by);
  const approve = (by: Person | null, id: string, body: unknown = {}, headers = {}) =>
    call('POST', `posts/${id}/review/approval`, by, body, headers);
  const giveBack = (by: Person | null, id: string, body: unknown = { note: 'Why?' }) => call('POST', `posts/${id}/review/return`, by, body);
  const reviews = async (by: Person, id: string) => (await call<Wire<ReviewList>>('GET', `posts/${id}/reviews`, by)).body.items;
  const told = async (to: Person) =>
    (await call<{ items: { kind: string; resource: { id: string } }[] }>('GET', 'notifications?limit=100', to)).body.items;
  const isTold = (to: Person, kind: string, id: string) =>
    eventually(async () => (await told(to)).some((notice) => notice.kind === kind && notice.resource.id === id));

  it('begins with its author, waits in the editors’ queue, and ends with their word', async () => {
    const { id } = await aManuscript();
    const submitted = await submit(writer, id, { note: 'Please look.' });
    expect([submitted.status, submitted.body.status]).toEqual([200, 'in-review']);
    expect(await idsOf(editor, 'status=in-review')).toContain(id);
    expect(await idsOf(writer, 'status=in-review')).toContain(id);
    for (const by of [null, stranger]) expect([await idsOf(by, 'status=in-review'), (await read(by, id)).status]).toEqual([[], 404]);
    expect(await idsOf(writer, 'status=draft')).not.toContain(id);
    const returned = await giveBack(editor, id, { note: 'Where are the figures from?' });
    expect([returned.status, returned.body.status]).toEqual([200, 'draft']);
    await edit(writer, id, { body: 'From May.' });
    await submit(writer, id);
    expect((await approve(editor, id, { note: 'Thank you!' })).body.status).toBe('approved');
    expect(await idsOf(editor, 'status=approved')).toContain(id);
    expect(await reviews(writer, id)).toMatchObject([
      { outcome: 'approved', note: null, decisionNote: 'Thank you!', version: 5, decidedVersion: 5 },
      {
        outcome: 'returned',
        note: 'Please look.',
        submittedBy: { id: writer.id, name: 'Mary Shelley' },
        decidedBy: { id: editor.id, name: 'Grace Hopper' },
        decisionNote: 'Where are the figures from?',
        version: 2,
        decidedVersion: 2,
      },
    ]);
    expect(await eventsOf(id)).toEqual([
      'post.created',
      'post.submitted',
      'post.returned',
      'post.updated',
      'post.submitted',
      'post.approved',
    ]);
    expect(await auditOf(id)).toEqual([
      'posts.created',
      'posts.submitted',
      'posts.returned',
      'posts.updated',
      'posts.submitted',
      'posts.approved',
    ]);
    await isTold(editor, 'post.submitted', id);
    await isTold(writer, 'post.returned', id);
    await isTold(writer, 'post.approved', id);
    expect((await told(writer)).map(({ kind }) => kind)).not.toContain('post.submitted');
    expect((await told(stranger)).map(({ kind }) => kind)).not.toContain('post.submitted');
  });

  it('can end with the publication, now or at a time to come', async () => {
    const [now, later] = [await aManuscript(), await aManuscript()];
    for (const { id } of [now, later]) await submit(writer, id);
    expect((await approve(editor, now.id, { publication: {} })).body.status).toBe('published');
    expect((await read(null, now.id)).status).toBe(200);
    const publication = { at: inMs(HOUR), until: inMs(2 * HOUR) };
    expect((await approve(editor, later.id, { publication })).body).toMatchObject({
      status: 'scheduled',
      publishedAt: publication.at,
      expiresAt: publication.until,
    });
    expect((await eventsOf(now.id)).slice(-2)).toEqual(['post.approved', 'post.published']);
  });

  it('ends with neither half, when the publication cannot be', async () => {
    const { id } = await aManuscript();
    await submit(writer, id);
    expect((await approve(editor, id, { publication: { until: inMs(-1) } })).status).toBe(400);
    expect((await read(editor, id)).body.status).toBe('in-review');
  });

  it('goes on when its author changes the post; an approved one waits again', async () => {
    const { id } = await aManuscript();
    await submit(writer, id);
    expect((await edit(writer, id, { title: 'While it waits' })).body.status).toBe('in-review');
    await approve(editor, id);
    expect((await edit(writer, id, { metadata: { crm: '1' } })).body.status).toBe('approved'); // no reader sees that
    expect((await edit(editor, id, { title: 'By an editor' })).body.status).toBe('approved');
    expect((await edit(writer, id, { title: 'After the approval' })).body.status).toBe('in-review');
    expect((await read(editor, id)).body.status).toBe('in-review');
    expect(await reviews(writer, id)).toMatchObject([{ outcome: null }, { outcome: 'approved' }]);
    expect((await eventsOf(id)).slice(-2)).toEqual(['post.updated', 'post.submitted']);
  });

  it('can be taken back, and asked for with another note', async () => {
    const { id } = await aManuscript();
    await submit(writer, id, { note: 'One' });
    await submit(writer, id, { note: 'Two' });
    expect((await withdraw(writer, id)).body.status).toBe('draft');
    expect(await reviews(writer, id)).toMatchObject([{ outcome: 'withdrawn', note: 'Two' }]);
    for (const answer of [await withdraw(writer, id), await approve(editor, id), await giveBack(editor, id)])
      expect([answer.status, codeOf(answer)]).toEqual([409, 'posts/not-in-review']);
    expect(await eventsOf(id)).toEqual(['post.created', 'post.submitted', 'post.withdrawn']);
  });

  it('is over when somebody publishes the post without a word', async () => {
    const { id } = await aManuscript();
    await submit(writer, id);
    expect((await publish(editor, id)).body.status).toBe('published');
    expect(await reviews(writer, id)).toMatchObject([{ outcome: 'approved', decidedBy: { id: editor.id } }]);
    expect(codeOf(await submit(writer, id))).toBe('posts/already-out');
  });

  it('is of the version that the editor has read, if they say so', async () => {
    const { id } = await aManuscript();
    const { version } = (await submit(writer, id)).body;
    await edit(writer, id, { body: 'Something else entirely' });
    const answer = await approve(editor, id, {}, { 'if-match': `"${version}"` });
    expect([answer.status, problemOf(answer).errors?.map(({ pointer }) => pointer)]).toEqual([412, ['/body', '/excerpt']]);
  });

  it('is decided once, when several try at once', async () => {
    const { id } = await aManuscript();
    await submit(writer, id);
    const answers = await Promise.all([approve(editor, id), giveBack(editor, id), withdraw(writer, id), approve(editor, id)]);
    const won = answers.filter(({ status }) => status === 200);
    // Whoever takes an approved post back comes second, and is right to.
    expect(won.length).toBeLessThanOrEqual(2);
    expect(won.length).toBeGreaterThanOrEqual(1);
    expect(answers.filter(({ status }) => status !== 200).every((answer) => codeOf(answer) === 'posts/not-in-review')).toBe(true);
    expect(await reviews(writer, id)).toHaveLength(1);
  });

  it('is the author’s to ask for and the editors’ to decide', async () => {
    const { id } = await aManuscript();
    for (const [answer, status] of [
      [await submit(null, id), 401],
      [await submit(stranger, id), 404],
      [await submit(writer, NOBODYS_ID), 404],
      [await approve(null, id), 401],
      [await approve(writer, id), 403],
      [await approve(stranger, id), 403],
      [await giveBack(writer, id), 403],
      [await giveBack(editor, NOBODYS_ID), 404],
      [await withdraw(stranger, id), 404],
      [await call('GET', `posts/${id}/reviews`, stranger), 404],
      [await call('GET', `posts/${id}/reviews`, null), 401],
      [await call('GET', `posts/${id}/reviews`, editor), 200],
    ] as const)
      expect(answer.status).toBe(status);
  });

  it.each([
    ['review', { note: 'x'.repeat(2_001) }],
    ['review', { note: 1 }],
    ['review', { status: 'approved' }],
    ['review/approval', { publication: true }],
    ['review/approval', { publication: { publishedAt: '2020-01-01T00:00:00Z' } }],
    ['review/return', {}],
    ['review/return', { note: '' }],
    ['review/return', { note: null }],
  ])('cannot be said like this: %s %j', async (path, body) => {
    const { id } = await aManuscript();
    await submit(writer, id);
    const answer = await call(path === 'review' ? 'PUT' : 'POST', `posts/${id}/${path}`, path === 'review' ? writer : editor, body);
    expect([answer.status, codeOf(answer)]).toEqual([400, 'http/validation-failed']);
  });
});

describe('a preview link', () => {
  const share = (by: Person | null, id: string, body: unknown = {}) =>
    call<Wire<SharedPreviewResponse>>('POST', `posts/${id}/preview-links`, by, body);
  const follow = (url: string) => app.request<PostBody>('GET', new URL(url).pathname + new URL(url).search);
  const links = async (by: Person, id: string) => (await call<Wire<PreviewLinkList>>('GET', `posts/${id}/preview-links`, by)).body.items;

  it('shows a draft to whoever has it, as it is at the time', async () => {
    const { id } = await aPost(app, author, { title: 'Draft' });
    const { status, body, headers } = await share(author, id);
    expect([status, headers['cache-control']]).toEqual([201, 'no-store']);
    await edit(author, id, { title: 'Draft, changed' });
    const seen = await follow(body.url);
    expect([seen.status, seen.body.title, seen.body.status]).toEqual([200, 'Draft, changed', 'draft']);
    expect(seen.headers).toMatchObject({ 'cache-control': 'no-store', 'x-robots-tag': 'noindex', 'referrer-policy': 'no-referrer' });
    expect((await read(null, id)).status).toBe(404);
  });

  it('is shown once, and is not in the database', async () => {
    const { id } = await aPost(app, author);
    const { body } = await share(author, id);
    const token = new URL(body.url).searchParams.get('token')!;
    expect(await links(author, id)).toEqual([
      { id: body.id, postId: id, createdAt: body.createdAt, createdBy: { id: author.id, name: 'Ada Lovelace' }, expiresAt: body.expiresAt },
    ]);
    const kept = await query(app.databaseUrl, 'SELECT l::text AS row FROM preview_links l WHERE id = $1', [body.id]);
    expect(JSON.stringify(kept)).not.toContain(token.split('.')[2]!);
    expect(await auditOf(body.id)).toEqual(['posts.preview-shared']);
  });

  it('ends when it is revoked, when it expires, and when the post goes into the trash', async () => {
    const { id } = await aPost(app, author);
    const [revoked, expired, trashed] = [
      await share(author, id),
      await share(author, id, { expiresAt: inMs(1_000) }),
      await share(editor, id),
    ];
    for (const { body } of [revoked, expired, trashed]) expect((await follow(body.url)).status).toBe(200);
    expect((await call('DELETE', `posts/${id}/preview-links/${revoked.body.id}`, author)).status).toBe(204);
    expect(codeOf(await follow(revoked.body.url))).toBe('posts/preview-ended');
    await eventually(async () => (await follow(expired.body.url)).status === 404);
    expect(Date.now()).toBeGreaterThanOrEqual(Date.parse(expired.body.expiresAt));
    expect((await links(author, id)).map(({ id }) => id)).toEqual([trashed.body.id]);
    await trash(author, id);
    expect((await follow(trashed.body.url)).status).toBe(404);
    await call('POST', `posts/${id}/restoration`, author, {});
    expect((await follow(trashed.body.url)).status).toBe(404);
  });

  it('shows nothing when a letter of it is another, or for another post', async () => {
    const { id } = await aPost(app, author);
    const other = await aPost(app, author);
    const { url } = (await share(author, id)).body;
    const token = new URL(url).searchParams.get('token')!;
    const [linkId, end, signature] = token.split('.') as [string, string, string];
    const later = (parseInt(end, 36) + 1).toString(36);
    for (const forged of [
      `${linkId}.${later}.${signature}`,
      `${linkId}.${end}.${'A'.repeat(43)}`,
      `B${linkId.slice(1)}.${end}.${signature}`,
      'x',
      '..',
    ]) {
      const answer = await app.request('GET', `posts/${id}/preview?token=${forged}`);
      expect([forged, answer.status, codeOf(answer)]).toEqual([forged, 404, 'posts/preview-ended']);
    }
    expect((await app.request('GET', `posts/${other.id}/preview?token=${token}`)).status).toBe(404);
    for (const bad of ['', '?token=', '?token=a%20b', '?token=%00', `?token=${'a'.repeat(101)}`, '?token=a&token=b'])
      expect((await app.request('GET', `posts/${id}/preview${bad}`)).status).toBe(400);
  });

  it('stands in no log', async () => {
    const process = await startProcess({ databaseUrl: app.databaseUrl });
    const { id } = await aPost(app, author);
    const made = await process.request<Wire<SharedPreviewResponse>>('POST', `posts/${id}/preview-links`, {
      token: author.accessToken,
      body: {},
    });
    const { search, searchParams } = new URL(made.body.url);
    expect((await process.request('GET', `posts/${id}/preview${search}`)).status).toBe(200);
    const refused = await process.request<ProblemDocument>('GET', `posts/${NOBODYS_ID}/preview${search}`);
    expect(refused.status).toBe(404);
    await eventually(() => process.log.filter(({ path }) => String(path).endsWith('/preview')).length === 2);
    for (const text of [process.output(), refused.text]) expect(text).not.toContain(searchParams.get('token')!.split('.')[2]!);
    await process.stop();
  });

  it('is for those who may change the post to share and revoke, and there are not very many', async () => {
    const hidden = await aPost(app, author);
    const shown = await aPost(app, author, { published: true });
    for (const [by, id, status] of [
      [null, shown.id, 401],
      [stranger, shown.id, 403],
      [stranger, hidden.id, 404],
      [author, NOBODYS_ID, 404],
    ] as const) {
      expect((await share(by, id)).status).toBe(status);
      expect((await call('GET', `posts/${id}/preview-links`, by)).status).toBe(status);
      expect((await call('DELETE', `posts/${id}/preview-links/${NOBODYS_ID}`, by)).status).toBe(status);
    }
    expect(codeOf(await call('DELETE', `posts/${shown.id}/preview-links/${NOBODYS_ID}`, author))).toBe('posts/preview-link-not-found');
    const answers = await Promise.all(Array.from({ length: 55 }, () => share(author, shown.id)));
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(50);
    expect(answers.filter((answer) => codeOf(answer) === 'posts/too-many-preview-links')).toHaveLength(5);
  });

  it.each([
    { expiresAt: '2020-01-01T00:00:00Z' },
    { expiresAt: '2099-01-01T00:00:00Z' },
    { expiresAt: null },
    { ttl: 5 },
    { postId: NOBODYS_ID },
  ])('cannot be %j', async (body) => {
    const { id } = await aPost(app, author);
    expect((await share(author, id, body)).status).toBe(400);
  });
});

describe('the trash', () => {
  const remove = (by: Person | null, id: string, headers?: Record<string, string>) =>
    call('DELETE', `posts/${id}/trash`, by, undefined, headers);

  it('is listed: one’s own, and for editors everybody’s', async () => {
    const mine = await aUser(app);
    const { id } = await aPost(app, mine, { published: true });
    await trash(mine, id);
    for (const by of [null, stranger]) expect(await idsOf(by, `author=${mine.id}&status=trashed`)).toEqual([]);
    for (const by of [mine, editor]) {
      const { items } = (await call<Wire<PostList>>('GET', `posts?author=${mine.id}&status=trashed`, by)).body;
      expect(items).toMatchObject([{ id, status: 'trashed', trashedAt: expect.any(String) }]);
      expect(await idsOf(by, `author=${mine.id}`)).toEqual([]);
    }
  });

  it('is where a post is deleted for good, with all that hangs on it', async () => {
    const { id, slug } = await aPost(app, author);
    const file = (await upload(app, author, { name: 'a.txt', type: 'text/plain', bytes: 'text' })).body;
    await transaction(app.prisma, (db) =>
      app.get(FilesService).attach(actorOf(author), file.id, { type: 'post', id }, { isPublic: true }, db),
    );
    await edit(author, id, { title: 'Another' });
    await call('PUT', `posts/${id}/review`, author, {});
    await call('PUT', `posts/${id}/autosave`, editor, { baseVersion: 1 });
    expect((await remove(author, id)).status).toBe(404); // nothing goes in one step
    await trash(author, id);
    expect((await remove(author, id, { 'if-match': '"1"' })).status).toBe(412);
    for (const [by, status] of [
      [null, 401],
      [stranger, 404],
    ] as const)
      expect((await remove(by, id)).status).toBe(status);
    expect(await remove(author, id)).toMatchObject({ status: 204, text: '' });
    expect((await remove(author, id)).status).toBe(404);
    expect((await call('POST', `posts/${id}/restoration`, author, {})).status).toBe(404);
    const [left] = await query<Record<string, string>>(
      app.databaseUrl,
      `SELECT (SELECT count(*) FROM post_revisions WHERE post_id = $1) AS revisions, (SELECT count(*) FROM post_reviews WHERE post_id = $1) AS reviews,
        (SELECT count(*) FROM post_autosaves WHERE post_id = $1) AS autosaves, (SELECT count(*) FROM file_uses WHERE resource_id = $1::text) AS uses`,
      [id],
    );
    expect(left).toEqual({ revisions: '0', reviews: '0', autosaves: '0', uses: '0' });
    expect((await call('DELETE', `files/${file.id}`, author)).status).toBe(204);
    expect((await eventsOf(id)).at(-1)).toBe('post.deleted');
    expect((await auditOf(id)).at(-1)).toBe('posts.deleted');
    expect((await call('POST', 'posts', author, { title: 'x', body: 'y', slug })).status).toBe(201);
  });

  it('is emptied of what has lain there for thirty days', async () => {
    const [old, young] = [await aPost(app, author, { published: true }), await aPost(app, author)];
    for (const { id } of [old, young]) await trash(author, id);
    await query(app.databaseUrl, `UPDATE posts SET trashed_at = now() - interval '31 days' WHERE id = $1`, [old.id]);
    await query(app.databaseUrl, `UPDATE posts SET trashed_at = now() - interval '29 days' WHERE id = $1`, [young.id]);
    await fire(app.databaseUrl, 'posts.purge');
    await eventually(async () => (await eventsOf(old.id)).at(-1) === 'post.deleted');
    expect((await call('POST', `posts/${old.id}/restoration`, author, {})).status).toBe(404);
    expect((await call('POST', `posts/${young.id}/restoration`, author, {})).status).toBe(200);
  });

  it('or the publication comes first, when both are asked for at once: never both half', async () => {
    for (let round = 0; round < 20; round++) {
      const { id } = await aPost(app, author);
      const [published, trashed] = await Promise.all([publish(author, id), trash(author, id)]);
      expect(trashed.status).toBe(204);
      expect([200, 404]).toContain(published.status);
      expect((await read(null, id)).status).toBe(404);
      const back = await call('POST', `posts/${id}/restoration`, author, {});
      expect(back.body.status).toBe(published.status === 200 ? 'published' : 'draft');
    }
  });
});
