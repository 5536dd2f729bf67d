import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { transaction } from '#database';
import type { ProblemDocument } from '../libs/http/src/problem.filter.js';
import type { CommentRulesResponse } from '../src/comments/comment-rules.dto.js';
import type { CommentList, CommentResponse, ParticipantsResponse } from '../src/comments/comments.dto.js';
import { CommentsPrivacy } from '../src/comments/comments.privacy.js';
import type { QueuedCommentList, QueuedCommentResponse } from '../src/comments/moderation.dto.js';
import type { PostResponse } from '../src/posts/posts.dto.js';
import type { Post } from '../src/posts/posts.queries.js';
import type { ReportList, ReportResponse } from '../src/comments/reports.dto.js';
import { startApp, type TestApp } from './harness/app.js';
import type { Answer, Call } from './harness/client.js';
import { query } from './harness/database.js';
import { eventually } from './harness/eventually.js';
import { aPost, aUser, type Person, unique } from './harness/people.js';
import type { Wire } from './harness/wire.js';

const NOBODYS_ID = '0199f3a1-7c1e-7b3a-9a4e-0d6f1c2b3a49';
type Comment = Wire<CommentResponse>;
type Listed = Wire<CommentList>;
type Queued = Wire<QueuedCommentResponse>;

/** Two on one database, and two that let nobody write more than five comments a minute. */
let app: TestApp;
let other: TestApp;
let strict: [TestApp, TestApp];
let author: Person;
let editor: Person;
let ada: Person;
let grace: Person;
let post: Post;

beforeAll(async () => {
  app = await startApp();
  other = await startApp({ DATABASE_URL: app.databaseUrl });
  const few = { DATABASE_URL: app.databaseUrl, COMMENTS_PER_MINUTE: '5', REPORTS_PER_MINUTE: '2', LIKES_PER_MINUTE: '7' };
  strict = [await startApp(few), await startApp(few)];
  author = await aUser(app, { name: 'Mary Somerville' });
  editor = await aUser(app, { roles: ['editor'], name: 'Edith Clarke' });
  ada = await aKnownUser('Ada Lovelace');
  grace = await aKnownUser('Grace Hopper');
  post = await aPost(app, author, { published: true });
}, 60_000);

afterAll(async () => {
  for (const each of [...(strict ?? []), other, app]) await each?.close();
});

const call = <Body>(method: string, path: string, by: Person | null, body?: unknown, headers?: Call['headers'], at = app) =>
  at.request<Body>(method, path, {
    ...(by && { token: by.accessToken }),
    ...(body !== undefined && { body }),
    ...(headers && { headers }),
  });
const write = (by: Person | null, body: unknown, { on = post, at = app }: { on?: { id: string }; at?: TestApp } = {}) =>
  call<Comment>('POST', `posts/${on.id}/comments`, by, typeof body === 'string' ? { body } : body, undefined, at);
const read = (by: Person | null, id: string) => call<Comment>('GET', `comments/${id}`, by);
const list = (by: Person | null, search = '', on: { id: string } = post) =>
  call<Listed>('GET', `posts/${on.id}/comments${search && `?${search}`}`, by);
const edit = (by: Person | null, id: string, body: unknown, headers?: Call['headers']) =>
  call<Comment>('PATCH', `comments/${id}`, by, typeof body === 'string' ? { body } : body, headers);
const remove = (by: Person | null, id: string, headers?: Call['headers']) => call('DELETE', `comments/${id}`, by, undefined, headers);
const decide = (by: Person | null, id: string, decision: unknown, headers?: Call['headers']) =>
  call<Queued>('PUT', `comments/${id}/moderation`, by, typeof decision === 'string' ? { status: decision } : decision, headers);
const queue = (by: Person | null, search = 'status=pending&limit=100') => call<Wire<QueuedCommentList>>('GET', `comments?${search}`, by);
const report = (by: Person | null, id: string, reason = 'It is unkind.') =>
  call<Wire<ReportResponse>>('POST', `comments/${id}/reports`, by, { reason });
const codeOf = (answer: Answer<unknown>) => (answer.body as ProblemDocument).code;
const idsOf = (answer: Answer<{ items: { id: string }[] }>) => answer.body.items.map(({ id }) => id);
const countOf = async (id: string) => (await call<Wire<PostResponse>>('GET', `posts/${id}`, null)).body.comments;
const sql = <Row extends object>(text: string, ...values: unknown[]) => query<Row>(app.databaseUrl, text, values);
const names = async (resource: string) =>
  (await sql<{ name: string }>('SELECT name FROM events WHERE resource_id = $1 ORDER BY seq', resource)).map(({ name }) => name);

/** Somebody of whom a comment was approved before. */
async function aKnownUser(name = 'Hedy Lamarr'): Promise<Person> {
  const person = await aUser(app, { name });
  const elsewhere = await aPost(app, author ?? person, { published: true });
  const { body } = await write(person, 'Hello.', { on: elsewhere });
  expect((await decide(editor, body.id, 'approved')).status).toBe(200);
  return person;
}

/** A comment that everybody can read. */
async function aComment(by: Person, text: unknown = 'Well *said*.', on: { id: string } = post): Promise<Comment> {
  const answer = await write(by, text, { on });
  expect([answer.status, answer.body.status]).toEqual([201, 'approved']);
  return answer.body;
}

describe('saying something', () => {
  it('is there for everybody, with who said it', async () => {
    const { status, headers, body } = await write(ada, 'Well *said*, <b>all</b> of it.');
    expect(status).toBe(201);
    expect(headers.location).toBe(`http://localhost/api/v1/comments/${body.id}`);
    expect(headers.etag).toMatch(/^"1-/);
    expect(body).toMatchObject({
      postId: post.id,
      parentId: null,
      depth: 1,
      author: { id: ada.id, name: 'Ada Lovelace' },
      body: 'Well *said*, <b>all</b> of it.',
      bodyHtml: '<p>Well <em>said</em>, &lt;b&gt;all&lt;/b&gt; of it.</p>',
      mentions: [],
      status: 'approved',
      mine: true,
      replies: 0,
      version: 1,
      editedAt: null,
    });
    for (const somebody of [null, grace, editor]) expect((await read(somebody, body.id)).body).toEqual({ ...body, mine: false });
    expect(await names(body.id)).toEqual(['comment.created']);
  });

  it('needs a login, and a post that one may see and that is published', async () => {
    expect((await write(null, 'x')).status).toBe(401);
    const [draft, trashed] = [await aPost(app, author), await aPost(app, author, { published: true })];
    await call('DELETE', `posts/${trashed.id}`, author);
    for (const on of [draft, trashed, { id: NOBODYS_ID }]) {
      for (const answer of [await write(ada, 'x', { on }), await list(ada, '', on), await list(null, '', on)])
        expect([answer.status, codeOf(answer)]).toEqual([404, 'posts/not-found']);
    }
    expect(codeOf(await write(author, 'x', { on: draft }))).toBe('comments/closed');
    expect((await list(author, '', draft)).body).toEqual({ items: [], nextCursor: null });
  });

  it('ends when the post is closed, and what was said stays', async () => {
    const on = await aPost(app, author, { published: true });
    const said = await aComment(ada, 'First.', on);
    const closed = await call<Wire<PostResponse>>('PATCH', `posts/${on.id}`, author, { commentsOpen: false });
    expect([closed.status, closed.body.commentsOpen]).toEqual([200, false]);
    expect(codeOf(await write(grace, 'Second.', { on }))).toBe('comments/closed');
    expect(idsOf(await list(null, '', on))).toEqual([said.id]);
  });

  it.each([
    ['nothing', {}],
    ['an empty text', { body: '' }],
    ['space alone', { body: ' \n\u00a0' }],
    ['invisible characters alone', { body: '\u200b\u200d\u202e\u2060\ufeff' }],
    ['100 kB', { body: 'a'.repeat(100_000) }],
    ['a control character', { body: 'a\u0007' }],
    ['something that is no text', { body: ['a'] }],
    ['a parent that is no id', { body: 'a', parentId: '1' }],
    ['what is not the author’s to say', { body: 'a', status: 'approved' }],
    ['another’s name', { body: 'a', authorId: NOBODYS_ID }],
  ])('is refused with %s', async (_, body) => {
    expect(codeOf(await write(ada, body))).toBe('http/validation-failed');
    expect(codeOf(await edit(ada, (await aComment(ada)).id, body)) === 'http/validation-failed').toBe(Object.keys(body).length > 0);
  });

  it('takes ten thousand nested quotes, and shows what people can read', async () => {
    const { bodyHtml } = await aComment(ada, `${'>'.repeat(9_990)} a`);
    expect(bodyHtml!.split('<blockquote>').length).toBeLessThan(25);
  });

  it('once is once, however often it is repeated with its key', async () => {
    const headers = { 'idempotency-key': unique() };
    const answers = [];
    for (let n = 0; n < 3; n++) answers.push(await call<Comment>('POST', `posts/${post.id}/comments`, ada, { body: 'Once.' }, headers));
    expect(new Set(answers.map(({ text }) => text)).size).toBe(1);
  });
});

describe('a thread', () => {
  it('has three levels, and a reply to the deepest stands beside it', async () => {
    const on = await aPost(app, author, { published: true });
    const first = await aComment(ada, 'First', on);
    const second = await aComment(grace, { body: 'Second', parentId: first.id }, on);
    const third = await aComment(ada, { body: 'Third', parentId: second.id }, on);
    const beside = await aComment(grace, { body: 'Beside', parentId: third.id }, on);
    expect([second, third, beside].map(({ parentId, depth }) => [parentId, depth])).toEqual([
      [first.id, 2],
      [second.id, 3],
      [second.id, 3],
    ]);
    const { items } = (await list(null, '', on)).body;
    expect(items.map(({ id, replies }) => [id, replies])).toEqual([[first.id, 3]]);
    const below = (await list(null, `parent=${first.id}`, on)).body.items;
    expect(below.map(({ id, replies }) => [id, replies])).toEqual([
      [second.id, 2],
      [third.id, 0],
      [beside.id, 0],
    ]);
    expect(idsOf(await list(null, `parent=${second.id}&sort=-createdAt`, on))).toEqual([beside.id, third.id]);
    expect(await countOf(on.id)).toBe(4);
  });

  it('begins where its parent is: nowhere else, and not with what nobody may see', async () => {
    const elsewhere = await aPost(app, author, { published: true });
    const foreign = await aComment(ada, 'Elsewhere', elsewhere);
    const { body: waiting } = await write(await aUser(app), 'Waiting');
    for (const parentId of [foreign.id, waiting.id, NOBODYS_ID]) {
      const answer = await write(grace, { body: 'x', parentId });
      expect([answer.status, codeOf(answer)]).toEqual([404, 'comments/not-found']);
      expect(codeOf(await list(grace, `parent=${parentId}`))).toBe('comments/not-found');
    }
  });

  it('is paged without a gap or a repetition while others write', async () => {
    const on = await aPost(app, author, { published: true });
    const said: string[] = [];
    for (let n = 0; n < 5; n++) said.push((await aComment(ada, `${n}`, on)).id);
    for (const [sort, order] of [
      ['createdAt', said],
      ['-createdAt', [...said].reverse()],
    ] as const) {
      const seen: string[] = [];
      let cursor: string | null = '';
      while (cursor !== null) {
        const page: Answer<Listed> = await list(null, `sort=${sort}&limit=2${cursor && `&cursor=${cursor}`}`, on);
        seen.push(...idsOf(page));
        cursor = page.body.nextCursor;
        if (sort === '-createdAt') await aComment(grace, 'meanwhile', on);
      }
      expect(seen).toEqual(order);
    }
    expect(codeOf(await list(null, 'cursor=x', on))).toBe('http/invalid-cursor');
    expect(codeOf(await list(null, 'sort=likes', on))).toBe('http/validation-failed');
  });
});

describe('changing a comment', () => {
  it('is its author’s, from the version they have seen', async () => {
    const { id } = await aComment(ada);
    const { headers } = await read(ada, id);
    const { status, body } = await edit(ada, id, 'Better said.', { 'if-match': headers.etag! });
    expect([status, body.body, body.version, body.editedAt !== null]).toEqual([200, 'Better said.', 2, true]);
    expect(codeOf(await edit(ada, id, 'Again.', { 'if-match': headers.etag! }))).toBe('http/stale-version');
    expect((await edit(ada, id, {})).body).toEqual(body);
    expect(await names(id)).toEqual(['comment.created', 'comment.updated']);
  });

  it('is nobody else’s but the moderators’', async () => {
    const { id } = await aComment(ada);
    expect((await edit(null, id, 'x')).status).toBe(401);
    expect(codeOf(await edit(grace, id, 'x'))).toBe('comments/not-yours');
    expect(codeOf(await edit(author, id, 'x'))).toBe('comments/not-yours');
    expect((await edit(editor, id, 'Milder.')).body).toMatchObject({ body: 'Milder.', author: { id: ada.id }, status: 'approved' });
  });

  it('ends after a while, but not for moderators', async () => {
    const { id } = await aComment(ada);
    await sql(`UPDATE comments SET created_at = created_at - interval '15 minutes' WHERE id = $1`, id);
    const answer = await edit(ada, id, 'Too late');
    expect([answer.status, codeOf(answer)]).toEqual([409, 'comments/settled']);
    expect((await edit(editor, id, 'Never too late')).status).toBe(200);
    expect((await remove(ada, id)).status).toBe(204);
  });

  it('has it judged again', async () => {
    const { id } = await aComment(ada);
    const before = await countOf(post.id);
    const links = 'https://a.example https://b.example https://c.example';
    expect((await edit(ada, id, links)).body.status).toBe('pending');
    expect((await read(null, id)).status).toBe(404);
    expect(await countOf(post.id)).toBe(before - 1);
    expect((await edit(ada, id, 'Harmless again')).body.status).toBe('pending');
    expect(await names(id)).toEqual(['comment.created', 'comment.held']);
  });
});

describe('deleting a comment', () => {
  it('takes it away, when nobody has replied', async () => {
    const { id, version } = await aComment(ada);
    const before = await countOf(post.id);
    expect((await remove(null, id)).status).toBe(401);
    expect(codeOf(await remove(grace, id))).toBe('comments/not-yours');
    expect(codeOf(await remove(ada, id, { 'if-match': `"${version + 1}"` }))).toBe('http/stale-version');
    expect((await remove(ada, id)).status).toBe(204);
    for (const answer of [await read(ada, id), await remove(ada, id), await edit(ada, id, 'x')]) expect(answer.status).toBe(404);
    expect(await countOf(post.id)).toBe(before - 1);
    expect(await names(id)).toEqual(['comment.created', 'comment.deleted']);
  });

  it('leaves its place, without author and text, when somebody has; and takes that with the last reply', async () => {
    const on = await aPost(app, author, { published: true });
    const first = await aComment(ada, 'Secret', on);
    const second = await aComment(ada, { body: 'Secret, too', parentId: first.id }, on);
    const third = await aComment(grace, { body: 'Third', parentId: second.id }, on);
    for (const { id } of [first, second]) expect((await remove(editor, id)).status).toBe(204);
    const places = [...(await list(null, '', on)).body.items, ...(await list(null, `parent=${first.id}`, on)).body.items];
    expect(places).toMatchObject([
      { id: first.id, status: 'deleted', author: null, body: null, bodyHtml: null, mine: false, replies: 1 },
      { id: second.id, status: 'deleted', author: null, body: null, bodyHtml: null, mine: false, replies: 1 },
      { id: third.id, status: 'approved', body: 'Third' },
    ]);
    expect(codeOf(await write(grace, { body: 'x', parentId: first.id }, { on }))).toBe('comments/not-found');
    expect(codeOf(await edit(editor, first.id, 'x'))).toBe('comments/not-found');
    expect(await countOf(on.id)).toBe(1);
    expect((await remove(grace, third.id)).status).toBe(204);
    expect(await sql('SELECT FROM comments WHERE post_id = $1', on.id)).toEqual([]);
    expect(await countOf(on.id)).toBe(0);
  });
});

describe('what has to wait', () => {
  it('is the first comment of anybody: their own to see, and the moderators’', async () => {
    const stranger = await aUser(app);
    const { status, body } = await write(stranger, 'My first');
    expect([status, body.status]).toEqual([201, 'pending']);
    expect((await read(stranger, body.id)).body).toEqual(body);
    expect(idsOf(await list(stranger, 'sort=-createdAt'))).toContain(body.id);
    for (const somebody of [null, grace, author]) {
      expect((await read(somebody, body.id)).status).toBe(404);
      expect(idsOf(await list(somebody, 'sort=-createdAt'))).not.toContain(body.id);
    }
    const waiting = (await queue(editor, 'status=pending&sort=-createdAt')).body.items.find(({ id }) => id === body.id)!;
    expect(waiting).toMatchObject({
      author: { id: stranger.id },
      body: 'My first',
      heldFor: ['first-comment'],
      openReports: 0,
      post: { id: post.id, slug: post.slug, title: post.title },
    });
    const before = await countOf(post.id);
    const approved = await decide(editor, body.id, { status: 'approved', note: 'Welcome.' }, { 'if-match': '"1"' });
    expect(approved.body).toMatchObject({ status: 'approved', version: 2, heldFor: [], note: 'Welcome.' });
    expect((await read(null, body.id)).body).toMatchObject({ body: 'My first' });
    expect(await countOf(post.id)).toBe(before + 1);
    expect((await write(stranger, 'My second')).body.status).toBe('approved');
    expect(await names(body.id)).toEqual(['comment.held', 'comment.approved', 'comment.created']);
  });

  it('is decided by moderators alone', async () => {
    const { body } = await write(await aUser(app), 'Waiting');
    expect([(await queue(null)).status, (await decide(null, body.id, 'approved')).status]).toEqual([401, 401]);
    for (const somebody of [ada, author]) {
      for (const answer of [await queue(somebody), await decide(somebody, body.id, 'approved')])
        expect(codeOf(answer)).toBe('auth/forbidden');
    }
    for (const decision of [{}, { status: 'pending' }, { status: 'deleted' }, { status: 'approved', note: '' }])
      expect(codeOf(await decide(editor, body.id, decision))).toBe('http/validation-failed');
    expect(codeOf(await decide(editor, NOBODYS_ID, 'approved'))).toBe('comments/not-found');
    expect(codeOf(await decide(editor, body.id, 'approved', { 'if-match': '"7"' }))).toBe('http/stale-version');
  });

  it.each(['rejected', 'spam'])('is nobody’s to read once it is %s, but its place stays where others have replied', async (status) => {
    const on = await aPost(app, author, { published: true });
    const said = await aComment(ada, 'Unkind', on);
    await aComment(grace, { body: 'A reply', parentId: said.id }, on);
    expect((await decide(editor, said.id, status)).body.status).toBe(status);
    expect((await list(null, '', on)).body.items).toMatchObject([{ id: said.id, status: 'deleted', author: null, body: null, replies: 1 }]);
    expect((await read(ada, said.id)).body).toMatchObject({ status, body: 'Unkind' });
    expect(codeOf(await edit(ada, said.id, 'Kind'))).toBe('comments/settled');
    expect(await countOf(on.id)).toBe(1);
    expect((await decide(editor, said.id, 'approved')).body.status).toBe('approved');
    expect(await countOf(on.id)).toBe(2);
    expect(await names(said.id)).toEqual(['comment.created', 'comment.rejected', 'comment.approved']);
  });

  it('is listed by status and author, page by page', async () => {
    const stranger = await aUser(app);
    const ids: string[] = [];
    for (let n = 0; n < 3; n++) ids.push((await write(stranger, `${n}`)).body.id);
    const first = await queue(editor, `author=${stranger.id}&status=pending&limit=2`);
    expect(idsOf(first)).toEqual(ids.slice(0, 2));
    expect(idsOf(await queue(editor, `author=${stranger.id}&status=pending&limit=2&cursor=${first.body.nextCursor}`))).toEqual(
      ids.slice(2),
    );
    expect(idsOf(await queue(editor, `author=${stranger.id}&status=approved`))).toEqual([]);
    expect(idsOf(await queue(editor, `author=${stranger.id}&sort=-createdAt`))).toEqual([...ids].reverse());
  });
});

describe('the rules', () => {
  const DEFAULT = { holdFirstComment: true, maxLinks: 2, blockedWords: [], trustedRoles: ['admin', 'editor', 'support'] };
  const rules = (by: Person | null, change?: unknown, headers?: Call['headers']) =>
    call<Wire<CommentRulesResponse>>(change === undefined ? 'GET' : 'PUT', 'comments/rules', by, change, headers);

  it('are set by moderators alone, and heard of in every process', async () => {
    const { body, headers } = await rules(editor);
    expect(body).toMatchObject(DEFAULT);
    expect([(await rules(null)).status, codeOf(await rules(ada)), codeOf(await rules(ada, DEFAULT))]).toEqual([
      401,
      'auth/forbidden',
      'auth/forbidden',
    ]);
    expect((await write(grace, 'Come to my casino', { at: other })).body.status).toBe('approved');
    const changed = await rules(editor, { ...DEFAULT, blockedWords: ['casino', 'zażółć'] }, { 'if-match': headers.etag! });
    expect([changed.status, changed.body.version]).toEqual([200, body.version + 1]);
    expect(codeOf(await rules(editor, DEFAULT, { 'if-match': headers.etag! }))).toBe('http/stale-version');
    const held = await eventually(async () => {
      const { body: said } = await write(grace, 'Come to my c**ASI**NO', { at: other });
      return said.status === 'pending' && said;
    });
    expect((await queue(editor)).body.items.find(({ id }) => id === held.id)?.heldFor).toEqual(['words']);
    expect((await write(editor, 'The word casino is blocked')).body.status).toBe('approved');
    expect((await rules(editor, DEFAULT)).body).toMatchObject(DEFAULT);
    await eventually(async () => (await write(grace, 'casino', { at: other })).body.status === 'approved');
    const entries = await sql(`SELECT FROM audit_entries WHERE action = 'comment-rules.updated'`);
    expect(entries).toHaveLength(2);
    const [event] = await sql<{ payload: object }>(`SELECT payload FROM events WHERE name = 'comment-rules.updated' ORDER BY seq LIMIT 1`);
    expect(event!.payload).toEqual({ version: body.version + 1 });
  });

  it.each([
    ['a member too few', { ...DEFAULT, maxLinks: undefined }],
    ['a number below zero', { ...DEFAULT, maxLinks: -1 }],
    ['a word without a letter', { ...DEFAULT, blockedWords: ['...'] }],
    ['the same word twice', { ...DEFAULT, blockedWords: ['a', 'a '] }],
    ['too many words', { ...DEFAULT, blockedWords: Array.from({ length: 501 }, (_, n) => `w${n}`) }],
    ['a long word', { ...DEFAULT, blockedWords: ['a'.repeat(81)] }],
    ['words that are no list', { ...DEFAULT, blockedWords: 'a' }],
    ['no name of a role', { ...DEFAULT, trustedRoles: ['Editor!'] }],
  ])('refuse %s', async (_, change) => {
    expect(codeOf(await rules(editor, change))).toBe('http/validation-failed');
  });
});

describe('reports', () => {
  it('are made once by each, of what is not one’s own, and read by moderators', async () => {
    const { id } = await aComment(ada);
    expect((await report(null, id)).status).toBe(401);
    const { status, headers, body } = await report(grace, id, 'It is unkind.');
    expect([status, body.reason, body.reporter.id]).toEqual([201, 'It is unkind.', grace.id]);
    expect(headers.location).toBe(`http://localhost/api/v1/comments/${id}/reports`);
    expect(codeOf(await report(grace, id))).toBe('comments/already-reported');
    expect(codeOf(await report(ada, id))).toBe('comments/your-own');
    expect(codeOf(await report(author, id, ''))).toBe('http/validation-failed');
    expect(codeOf(await report(author, NOBODYS_ID))).toBe('comments/not-found');
    const reports = (by: Person | null, of = id) => call<Wire<ReportList>>('GET', `comments/${of}/reports`, by);
    expect((await reports(editor)).body).toEqual({ items: [body], nextCursor: null });
    expect([(await reports(null)).status, codeOf(await reports(ada)), codeOf(await reports(editor, NOBODYS_ID))]).toEqual([
      401,
      'auth/forbidden',
      'comments/not-found',
    ]);
    expect(await names(id)).toEqual(['comment.created', 'comment.reported']);
  });

  it('take a comment out of sight when there are three, until a moderator has decided; then those are answered', async () => {
    const { id } = await aComment(ada);
    const people = await Promise.all([1, 2, 3, 4].map(() => aUser(app)));
    const answers = await Promise.all(people.slice(0, 3).map((person) => report(person, id)));
    expect(answers.map(({ status }) => status)).toEqual([201, 201, 201]);
    expect((await read(null, id)).status).toBe(404);
    const waiting = (await queue(editor)).body.items.find((comment) => comment.id === id)!;
    expect(waiting).toMatchObject({ heldFor: ['reports'], openReports: 3 });
    expect((await decide(editor, id, 'approved')).body).toMatchObject({ status: 'approved', openReports: 0 });
    expect((await report(people[3]!, id)).status).toBe(201);
    expect((await read(null, id)).status).toBe(200);
    expect(await sql('SELECT FROM comment_reports WHERE comment_id = $1 AND resolved_at IS NOT NULL', id)).toHaveLength(3);
    expect(await names(id)).toEqual([
      'comment.created',
      ...['comment.reported', 'comment.reported', 'comment.reported', 'comment.held', 'comment.approved', 'comment.reported'],
    ]);
  });
});

describe('mentions', () => {
  const find = (by: Person | null, q: string, on: { id: string } = post) =>
    call<ParticipantsResponse>('GET', `posts/${on.id}/participants?q=${encodeURIComponent(q)}`, by);

  it('are of those who have taken part, found by the beginning of a part of their names', async () => {
    const on = await aPost(app, author, { published: true });
    await aComment(ada, 'Here I am', on);
    const [found] = (await find(grace, 'love', on)).body.items;
    expect(found).toEqual({ id: ada.id, name: 'Ada Lovelace', mention: `@[Ada Lovelace](user:${ada.id})` });
    expect(idsOf(await find(grace, 'mary', on))).toEqual([author.id]);
    for (const q of ['ovelace', 'grace', '%', '_']) expect((await find(grace, q, on)).body.items).toEqual([]);
    expect([(await find(null, 'a', on)).status, (await find(ada, 'a', await aPost(app, author))).status]).toEqual([401, 404]);
    const said = await aComment(grace, `I agree with @[whoever](user:${ada.id}).`, on);
    expect(said).toMatchObject({
      body: `I agree with @[Ada Lovelace](user:${ada.id}).`,
      bodyHtml: `<p>I agree with <span data-user="${ada.id}">@Ada Lovelace</span>.</p>`,
      mentions: [{ id: ada.id, name: 'Ada Lovelace' }],
    });
    expect(JSON.stringify(said)).not.toContain('@example.org');
  });

  it('are refused of anybody else, and of too many', async () => {
    const outsider = await aUser(app);
    for (const id of [outsider.id, NOBODYS_ID]) expect(codeOf(await write(ada, `Hello @[x](user:${id})`))).toBe('comments/unknown-mention');
    const many = Array.from({ length: 11 }, (_, n) => `@[x](user:0199f3a1-7c1e-7b3a-9a4e-0d6f1c2b3a${10 + n})`).join(' ');
    expect((await write(ada, many)).body).toMatchObject({
      code: 'comments/unknown-mention',
      detail: '11 people are mentioned; 10 may be.',
    });
  });

  it('tell people once, of what concerns them most, and nobody of what they have written', async () => {
    const [writer, parentAuthor] = [await aUser(app), await aKnownUser()];
    const on = await aPost(app, writer, { published: true });
    const inbox = async ({ id }: Person, about: string) =>
      (await sql<{ kind: string }>('SELECT kind FROM notifications WHERE user_id = $1 AND resource_id = $2 AND in_app', id, about)).map(
        ({ kind }) => kind,
      );
    const parent = await aComment(parentAuthor, 'Parent', on);
    const reply = await aComment(grace, { body: `@[x](user:${writer.id}) look`, parentId: parent.id }, on);
    await eventually(async () => (await inbox(parentAuthor, reply.id)).length > 0 && (await inbox(writer, parent.id)).length > 0);
    expect(await inbox(writer, parent.id)).toEqual(['comment.posted']);
    expect(await inbox(parentAuthor, parent.id)).toEqual([]);
    expect(await inbox(writer, reply.id)).toEqual(['comment.mentioned']);
    expect(await inbox(parentAuthor, reply.id)).toEqual(['comment.replied']);
    expect(await inbox(grace, reply.id)).toEqual([]);
    const newcomer = await aUser(app);
    const { body: held } = await write(newcomer, 'Waiting', { on });
    await decide(editor, held.id, 'approved');
    await eventually(async () => (await inbox(newcomer, held.id)).includes('comment.approved'));
    await eventually(async () => (await inbox(writer, held.id)).includes('comment.posted'));
    await decide(editor, held.id, 'spam');
    await eventually(async () => (await inbox(newcomer, held.id)).includes('comment.rejected'));
  });
});

describe('one account', () => {
  it('writes so many comments a minute, over all processes, however many come at once', async () => {
    const person = await aUser(app);
    const answers = await Promise.all(Array.from({ length: 12 }, (_, n) => write(person, `${n}`, { at: strict[n % 2] })));
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(5);
    const refused = answers.filter(({ status }) => status === 429);
    expect(refused).toHaveLength(7);
    expect(codeOf(refused[0]!)).toBe('http/rate-limited');
    expect(Number(refused[0]!.headers['retry-after'])).toBeGreaterThan(0);
    expect(refused[0]!.headers['ratelimit']).toMatch(/"default";r=\d+;t=\d+, "comments";r=0;t=\d+/);
    expect(refused[0]!.headers['ratelimit-policy']).toContain('"comments";q=5;w=60');
    expect((await write(await aUser(app), 'Another', { at: strict[0] })).status).toBe(201);
  });

  it('and so many likes and reports', async () => {
    const person = await aUser(app);
    const likes = await Promise.all(
      Array.from({ length: 10 }, (_, n) =>
        call(n % 3 ? 'PUT' : 'DELETE', `posts/${post.id}/like`, person, undefined, undefined, strict[n % 2]),
      ),
    );
    expect(likes.filter(({ status }) => status === 200)).toHaveLength(7);
    const ids = (await Promise.all([1, 2, 3].map(() => aComment(ada)))).map(({ id }) => id);
    const reports = [];
    for (const id of ids) reports.push(await call('POST', `comments/${id}/reports`, person, { reason: 'x' }, undefined, strict[0]));
    expect(reports.map(({ status }) => status)).toEqual([201, 201, 429]);
  });
});

describe('somebody who is erased', () => {
  it('leaves places where others have replied, and nothing else', async () => {
    const gone = await aKnownUser('Quokka Person');
    const on = await aPost(app, author, { published: true });
    const first = await aComment(gone, 'quokka', on);
    const reply = await aComment(grace, { body: `Hello @[x](user:${gone.id})`, parentId: first.id }, on);
    await aComment(gone, { body: 'quokka', parentId: reply.id }, on);
    const { id } = await aComment(ada);
    await report(gone, id, 'quokka');
    expect((await list(null, `parent=${first.id}`, on)).text).toContain('Quokka Person');
    while ((await transaction(app.prisma, (db) => app.get(CommentsPrivacy).erase(gone.id, db))) === 'more');
    const left = await sql('SELECT FROM comments WHERE author_id = $1 UNION ALL SELECT FROM comment_reports WHERE user_id = $1', gone.id);
    expect(left).toEqual([]);
    expect(await countOf(on.id)).toBe(1);
    const places = await list(null, '', on);
    expect(places.body.items).toMatchObject([{ id: first.id, status: 'deleted', author: null, body: null, replies: 1 }]);
    const below = await eventually(async () => {
      const answer = await list(null, `parent=${first.id}`, on);
      return !answer.text.includes('Quokka') && answer;
    });
    expect(below.body.items).toMatchObject([
      { id: reply.id, bodyHtml: `<p>Hello <span data-user="${gone.id}">@Deleted user</span></p>`, mentions: [] },
    ]);
  });
});
