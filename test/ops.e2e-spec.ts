import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { ProblemDocument } from '../libs/http/src/problem.filter.js';
import type { JobDetailsResponse, JobList } from '../src/ops/jobs.dto.js';
import { startApp, type TestApp } from './harness/app.js';
import type { Answer } from './harness/client.js';
import { query } from './harness/database.js';
import { eventually } from './harness/eventually.js';
import { anAdmin, aUser, type Person, unique } from './harness/people.js';
import { startProcess, stopProcesses } from './harness/product.js';
import type { Wire } from './harness/wire.js';

let app: TestApp;

beforeAll(async () => {
  app = await startApp();
}, 60_000);

afterAll(async () => {
  await stopProcesses();
  await app.close();
});

type Job = Wire<JobDetailsResponse>;

const call = <Body = Job>(method: string, path: string, by: Person | null, headers: Record<string, string> = {}) =>
  app.request<Body>(method, path, { token: by?.accessToken, headers });
const list = (by: Person | null, search = '') => call<Wire<JobList>>('GET', `ops/jobs${search}`, by);
const refusal = (answer: Answer<unknown>) => [answer.status, (answer.body as ProblemDocument).code];

/** A job that no handler knows, so that it stays as it is; dead, retrying or waiting for an hour. */
async function aJob({ task = `test.${unique()}`, status = 'dead' } = {}): Promise<{
  id: string;
  task: string;
}> {
  const envelope = { payload: { to: 'ada@example.org' }, origin: { requestId: 'request-4711', traceId: 'a'.repeat(32) } };
  const [job] = await query<{ id: string }>(
    app.databaseUrl,
    `SELECT id::text FROM graphile_worker.add_job($1, $2::json, max_attempts => 3, run_at => now() + interval '1 hour')`,
    [task, JSON.stringify(envelope)],
  );
  const attempts = { dead: 3, retrying: 1, waiting: 0 }[status];
  if (status === 'dead')
    await query(app.databaseUrl, `SELECT id FROM graphile_worker.permanently_fail_jobs(ARRAY[$1::bigint], 'no luck')`, [job!.id]);
  else
    await query(app.databaseUrl, 'SELECT id FROM graphile_worker.reschedule_jobs(ARRAY[$1::bigint], attempts => $2)', [job!.id, attempts]);
  return { id: job!.id, task };
}

const hold = (id: string) =>
  query(app.databaseUrl, `UPDATE graphile_worker._private_jobs SET locked_by = 'pool-x', locked_at = now() WHERE id = $1`, [id]);

describe('the jobs', () => {
  it('are listed by name and status, without what they are about', async () => {
    const admin = await anAdmin(app);
    const { id, task } = await aJob();
    await aJob({ task, status: 'waiting' });
    const { status, body } = await list(admin, `?task=${task}&status=dead`);
    expect(status).toBe(200);
    expect(body).toEqual({
      items: [
        {
          id,
          task,
          status: 'dead',
          attempts: 3,
          maxAttempts: 3,
          runAt: expect.stringMatching(/Z$/),
          startedAt: null,
          lastError: 'no luck',
          createdAt: expect.stringMatching(/Z$/),
        },
      ],
      nextCursor: null,
    });
    for (const status of ['waiting', 'retrying', 'running'] as const)
      expect((await list(admin, `?task=${task}&status=${status}`)).body.items).toHaveLength(status === 'waiting' ? 1 : 0);
  });

  it('are paged, the newest first', async () => {
    const admin = await anAdmin(app);
    const task = `test.${unique()}`;
    const made: string[] = [];
    for (let count = 0; count < 5; count++) made.push((await aJob({ task, status: 'retrying' })).id);
    const seen: string[] = [];
    for (let cursor: string | null = ''; cursor !== null;) {
      const { body }: Answer<Wire<JobList>> = await list(admin, `?task=${task}&limit=2${cursor && `&cursor=${cursor}`}`);
      seen.push(...body.items.map(({ id }) => id));
      cursor = body.nextCursor;
    }
    expect(seen).toEqual(made.toReversed());
  });

  it('are not listed by a bad cursor, an unknown status or a member that nobody knows', async () => {
    const admin = await anAdmin(app);
    const forged = Buffer.from(JSON.stringify(['-id', '1', "1' OR '1'='1"])).toString('base64url');
    for (const cursor of ['x', forged]) expect(refusal(await list(admin, `?cursor=${cursor}`))).toEqual([400, 'http/invalid-cursor']);
    for (const search of ['?status=lost', '?limit=0', '?payload=x', '?task=']) expect((await list(admin, search)).status).toBe(400);
  });
});

describe('a job', () => {
  it('shows what it is about, and which request asked for it', async () => {
    const { id } = await aJob();
    const { status, body } = await call('GET', `ops/jobs/${id}`, await anAdmin(app));
    expect(status).toBe(200);
    expect(body).toMatchObject({ id, payload: { to: 'ada@example.org' }, requestId: 'request-4711', lastError: 'no luck' });
  });

  it('that is dead is tried again at once, with all its attempts', async () => {
    const admin = await anAdmin(app);
    const { id } = await aJob();
    const key = { 'idempotency-key': unique() };
    const { status, body, text } = await call('POST', `ops/jobs/${id}/retry`, admin, key);
    expect(status).toBe(200);
    expect(body).toMatchObject({ id, status: 'waiting', attempts: 0, maxAttempts: 3 });
    expect(Date.parse(body.runAt)).toBeLessThanOrEqual(Date.now() + 1_000);
    expect((await call('POST', `ops/jobs/${id}/retry`, admin, key)).text).toBe(text);
  });

  it('that is tried again is done', async () => {
    const { id } = await aJob({ task: 'orders.sweep' });
    await call('POST', `ops/jobs/${id}/retry`, await anAdmin(app));
    await eventually(async () => (await call('GET', `ops/jobs/${id}`, await anAdmin(app))).status === 404, 20_000);
  });

  it('that is discarded is gone', async () => {
    const admin = await anAdmin(app);
    for (const status of ['dead', 'retrying', 'waiting'] as const) {
      const { id } = await aJob({ status });
      expect((await call('DELETE', `ops/jobs/${id}`, admin)).status).toBe(204);
      expect(refusal(await call('GET', `ops/jobs/${id}`, admin))).toEqual([404, 'ops/job-not-found']);
    }
  });

  it('that runs is neither retried nor discarded', async () => {
    const admin = await anAdmin(app);
    const { id } = await aJob({ status: 'waiting' });
    await hold(id);
    expect((await call('GET', `ops/jobs/${id}`, admin)).body).toMatchObject({ status: 'running', startedAt: expect.any(String) });
    expect(refusal(await call('POST', `ops/jobs/${id}/retry`, admin))).toEqual([409, 'ops/job-running']);
    expect(refusal(await call('DELETE', `ops/jobs/${id}`, admin))).toEqual([409, 'ops/job-running']);
  });

  it.each([
    ['GET', ''],
    ['POST', '/retry'],
    ['DELETE', ''],
  ])('that is not there cannot be asked for: %s', async (method, more) => {
    const admin = await anAdmin(app);
    for (const id of ['999999999', '0', 'x', '-1', '1e3', '99999999999999999999', '0199f3a1-7c1e-7b3a-9a4e-0d6f1c2b3a49'])
      expect(refusal(await call(method, `ops/jobs/${id}${more}`, admin))).toEqual([404, 'ops/job-not-found']);
  });

  it('is for who manages the operation, and for nobody else', async () => {
    const { id } = await aJob();
    const others = [await aUser(app), await aUser(app, { roles: ['support', 'editor'] })];
    for (const [method, path] of [
      ['GET', 'ops/jobs'],
      ['GET', `ops/jobs/${id}`],
      ['POST', `ops/jobs/${id}/retry`],
      ['DELETE', `ops/jobs/${id}`],
    ] as const) {
      expect(refusal(await call(method, path, null))).toEqual([401, 'auth/unauthenticated']);
      for (const other of others) expect(refusal(await call(method, path, other))).toEqual([403, 'auth/forbidden']);
    }
    expect((await call('GET', `ops/jobs/${id}`, await anAdmin(app))).status).toBe(200);
  });
});

describe('a process with ROLE=worker', () => {
  it('answers probes and nothing else', async () => {
    const worker = await startProcess({ databaseUrl: app.databaseUrl, env: { ROLE: 'worker' } });
    const admin = await anAdmin(app);
    for (const path of ['/health/live', '/health/ready']) expect((await worker.request('GET', path)).status).toBe(200);
    for (const path of ['users/me', 'posts', 'ops/jobs', '/docs', '/openapi.json', '/problems'])
      expect(refusal(await worker.request('GET', path, { token: admin.accessToken }))).toEqual([503, 'http/unavailable']);
    expect((await worker.request('GET', 'nothing-here')).status).toBe(404);
    expect(await worker.stop()).toEqual({ code: 0, signal: null });
  }, 60_000);
});

describe('readiness', () => {
  it('waits for the schema of the job queue', async () => {
    const url = await startApp({ ROLE: 'api' });
    try {
      const ready = () => url.request('GET', '/health/ready');
      await query(url.databaseUrl, 'ALTER SCHEMA graphile_worker RENAME TO elsewhere');
      expect(refusal(await ready())).toEqual([503, 'http/unavailable']);
      await query(
        url.databaseUrl,
        'ALTER SCHEMA elsewhere RENAME TO graphile_worker; DELETE FROM graphile_worker.migrations WHERE id = 20',
      );
      expect(refusal(await ready())).toEqual([503, 'http/unavailable']);
      await query(url.databaseUrl, 'INSERT INTO graphile_worker.migrations (id, breaking) VALUES (20, false)');
      expect((await ready()).status).toBe(200);
    } finally {
      await url.close();
    }
  }, 60_000);
});
