import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Cache } from '#cache';
import { transaction } from '#database';
import pg from 'pg';
import type { ProblemDocument } from '../libs/http/src/problem.filter.js';
import { CommentsPrivacy } from '../src/comments/comments.privacy.js';
import type { CommentResponse } from '../src/comments/comments.dto.js';
import type { LikeResponse } from '../src/comments/likes.dto.js';
import { LikesPrivacy } from '../src/comments/likes.privacy.js';
import type { PostList, PostResponse } from '../src/posts/posts.dto.js';
import type { Post } from '../src/posts/posts.queries.js';
import { startApp, type TestApp } from './harness/app.js';
import type { Answer } from './harness/client.js';
import { query } from './harness/database.js';
import { eventually } from './harness/eventually.js';
import { aPost, aUser, type Person } from './harness/people.js';
import type { Wire } from './harness/wire.js';

const NOBODYS_ID = '0199f3a1-7c1e-7b3a-9a4e-0d6f1c2b3a49';
const CROWD = 100;

let apps: [TestApp, TestApp];
let author: Person;
let editor: Person;
let crowd: Person[];

beforeAll(async () => {
  const app = await startApp();
  apps = [app, await startApp({ DATABASE_URL: app.databaseUrl })];
  author = await aUser(app);
  editor = await aUser(app, { roles: ['editor'] });
  crowd = [];
  while (crowd.length < CROWD) crowd.push(...(await Promise.all(Array.from({ length: 20 }, () => aUser(app)))));
}, 60_000);

afterAll(async () => {
  for (const app of [...(apps ?? [])].reverse()) await app.close();
});

const published = () => aPost(apps[0], author, { published: true });
const like = (by: Person | null, id: string, at = apps[0], method = 'PUT') =>
  at.request<Wire<LikeResponse>>(method, `posts/${id}/like`, by ? { token: by.accessToken } : {});
const unlike = (by: Person | null, id: string, at = apps[0]) => like(by, id, at, 'DELETE');
const read = async (by: Person | null, id: string, at = apps[0]) =>
  (await at.request<Wire<PostResponse>>('GET', `posts/${id}`, by ? { token: by.accessToken } : {})).body;
const codeOf = (answer: Answer<unknown>) => (answer.body as ProblemDocument).code;
const sql = <Row extends object>(text: string, ...values: unknown[]) => query<Row>(apps[0].databaseUrl, text, values);

/** Every post and comment whose counts are not what there is. */
const drifted = () =>
  sql(`SELECT p.id, c.likes, c.comments FROM posts p LEFT JOIN post_counts c ON c.post_id = p.id
    WHERE coalesce(c.likes, 0) <> (SELECT count(*) FROM likes l WHERE l.post_id = p.id)
      OR coalesce(c.comments, 0) <> (SELECT count(*) FROM comments m WHERE m.post_id = p.id AND m.status = 'approved')
    UNION ALL SELECT c.id, c.replies, c.depth FROM comments c
    WHERE c.replies <> (WITH RECURSIVE below AS (SELECT id, status FROM comments WHERE parent_id = c.id
      UNION ALL SELECT n.id, n.status FROM comments n JOIN below b ON n.parent_id = b.id) SELECT count(*) FROM below WHERE status = 'approved')`);

describe('a like', () => {
  it('is there once, however often it is given, and gone once it is taken back', async () => {
    const { id, version } = await published();
    const [ada] = crowd;
    for (let n = 0; n < 2; n++) expect((await like(ada!, id)).body).toEqual({ postId: id, liked: true, likes: 1 });
    expect(await read(ada!, id)).toMatchObject({ likes: 1, liked: true, version });
    expect(await read(editor, id)).toMatchObject({ likes: 1, liked: false });
    expect(await read(null, id)).not.toHaveProperty('liked');
    const mine = await apps[0].request<Wire<PostList>>('GET', `posts?author=${author.id}&limit=1`, { token: ada!.accessToken });
    expect(mine.body.items).toMatchObject([{ id, likes: 1, liked: true }]);
    for (let n = 0; n < 2; n++) expect((await unlike(ada!, id)).body).toEqual({ postId: id, liked: false, likes: 0 });
    const events = await sql<{ name: string }>(`SELECT name FROM events WHERE resource_id = $1 AND name LIKE '%liked' ORDER BY seq`, id);
    expect(events.map(({ name }) => name)).toEqual(['post.liked', 'post.unliked']);
  });

  it('needs a login, and a post that one may see and that is published', async () => {
    const draft = await aPost(apps[0], author);
    expect([(await like(null, draft.id)).status, (await unlike(null, draft.id)).status]).toEqual([401, 401]);
    for (const id of [draft.id, NOBODYS_ID])
      for (const answer of [await like(crowd[0]!, id), await unlike(crowd[0]!, id)]) expect(codeOf(answer)).toBe('posts/not-found');
    expect(codeOf(await like(author, draft.id))).toBe('comments/closed');
    expect(codeOf(await like(author, 'x'))).toBe('http/validation-failed');
  });

  it('of a hundred people at once is a hundred likes, and a hundred at once of one are one', async () => {
    const [{ id }, { id: another }] = [await published(), await published()];
    const answers = await Promise.all([
      ...crowd.map((person, n) => like(person, id, apps[n % 2])),
      ...crowd.map((_, n) => like(crowd[0]!, another, apps[n % 2])),
    ]);
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
    expect([(await read(editor, id)).likes, (await read(editor, another)).likes]).toEqual([CROWD, 1]);
    await Promise.all(crowd.map((person, n) => unlike(person, id, apps[n % 2])));
    expect((await read(editor, id)).likes).toBe(0);
  });

  it('waits for no editor, and no editor waits for it', async () => {
    const { id } = await published();
    const holder = new pg.Client({ connectionString: apps[0].databaseUrl });
    await holder.connect();
    await holder.query('BEGIN');
    await holder.query('UPDATE posts SET title = title || $2 WHERE id = $1', [id, ' again']);
    expect((await like(crowd[1]!, id)).body.likes).toBe(1);
    await holder.query('ROLLBACK');
    await holder.query('BEGIN');
    await holder.query('INSERT INTO likes (post_id, user_id) VALUES ($1, $2)', [id, crowd[2]!.id]);
    const changed = await apps[0].request('PATCH', `posts/${id}`, { token: author.accessToken, body: { title: 'Changed meanwhile' } });
    expect(changed.status).toBe(200);
    await holder.query('ROLLBACK');
    await holder.end();
  });
});

describe('what strangers are answered', () => {
  it('tells of likes at once where they were given, and soon elsewhere', async () => {
    const { id } = await published();
    const counts = async (at: TestApp) => {
      const page = await at.request<Wire<PostList>>('GET', `posts?author=${author.id}&limit=1`);
      return [(await read(null, id, at)).likes, page.body.items[0]!.likes];
    };
    for (const at of apps) expect(await counts(at)).toEqual([0, 0]);
    for (let likes = 10; likes <= 100; likes += 10) {
      await Promise.all(crowd.slice(likes - 10, likes).map((person) => like(person, id)));
      expect(await counts(apps[0])).toEqual([likes, likes]);
      await eventually(async () => (await counts(apps[1])).every((count) => count === likes), 1_000);
    }
  });

  it('is made anew where the post is shown, and nowhere else', async () => {
    const [{ id }] = [await published(), await aPost(apps[0], editor, { published: true })];
    const { counts } = apps[0].get(Cache);
    const without = `posts?author=${editor.id}`;
    const hits = async (path: string) => {
      const before = counts.hits;
      await apps[0].request('GET', path);
      return counts.hits - before;
    };
    await eventually(async () => (await hits(without)) === 1);
    await Promise.all(crowd.map((person) => like(person, id)));
    expect(await hits(without)).toBe(1);
    expect(await hits(`posts?author=${author.id}&limit=1`)).toBe(0);
    expect(await hits(`posts?author=${author.id}&limit=1`)).toBe(1);
  });
});

describe('the counts', () => {
  it('are right after a storm of likes, comments, decisions, deletions and erasures', async () => {
    const [app] = apps;
    const posts: Post[] = [];
    for (let n = 0; n < 3; n++) posts.push(await published());
    const [doomed, erased] = [await aUser(app), crowd.slice(90)];
    const post = await aPost(app, doomed, { published: true });
    posts.push(post);
    const comments: string[] = [];
    const erase = async (what: typeof LikesPrivacy | typeof CommentsPrivacy, id: string) => {
      while ((await transaction(app.prisma, (db) => app.get<LikesPrivacy | CommentsPrivacy>(what).erase(id, db))) === 'more');
    };
    const pick = <T>(from: T[]) => from[Math.floor(Math.random() * from.length)]!;
    const act = async (person: Person, n: number): Promise<number> => {
      const [at, { id }] = [apps[n % 2]!, pick(posts)];
      const send = (method: string, path: string, by: Person, body?: object) =>
        at.request<Wire<CommentResponse>>(method, path, { token: by.accessToken, ...(body && { body }) });
      switch (n % 5) {
        case 0:
          return (await like(person, id, at)).status;
        case 1:
          return (await unlike(person, id, at)).status;
        case 2: {
          const parentId = comments.length > 0 && n % 3 ? { parentId: pick(comments) } : {};
          const answer = await send('POST', `posts/${id}/comments`, person, { body: 'Well said.', ...parentId });
          if (answer.status === 201) comments.push(answer.body.id);
          return answer.status;
        }
        case 3:
          if (comments.length === 0) return 200;
          return (await send('PUT', `comments/${pick(comments)}/moderation`, editor, { status: pick(['approved', 'approved', 'spam']) }))
            .status;
        default:
          if (comments.length === 0 || n % 2) return 200;
          return (await send('DELETE', `comments/${pick(comments)}`, editor)).status;
      }
    };
    const statuses: number[] = [];
    for (let round = 0; round < 4; round++) {
      const storm = crowd.slice(60).map((person, n) => act(person, n + round * 7));
      const erasures = erased
        .slice(round * 2, round * 2 + 2)
        .flatMap(({ id }) => [LikesPrivacy, CommentsPrivacy].map((what) => erase(what, id)));
      statuses.push(...(await Promise.all(storm)));
      await Promise.all(erasures);
    }
    expect(statuses.filter((status) => status >= 500)).toEqual([]);
    expect(statuses.filter((status) => status < 300).length).toBeGreaterThan(statuses.length / 2);
    expect(await drifted()).toEqual([]);
    await sql('DELETE FROM posts WHERE id = $1', post.id);
    await sql(
      'DELETE FROM likes WHERE user_id = ANY ($1)',
      crowd.slice(0, 50).map(({ id }) => id),
    );
    expect(await drifted()).toEqual([]);
    expect((await sql<{ n: number }>('SELECT sum(likes)::int AS n FROM post_counts'))[0]!.n).toBeGreaterThan(0);
  }, 90_000);
});
