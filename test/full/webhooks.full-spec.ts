import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createDatabase, query, type TestDatabase } from '../harness/database.js';
import { eventually } from '../harness/eventually.js';
import { PASSWORD, unique } from '../harness/people.js';
import { type Product, startProcess, stopProcesses } from '../harness/product.js';
import { aReceiver, closeReceivers, type Receiver } from '../harness/receiver.js';

const PATIENCE_MS = 120_000;

let database: TestDatabase;
let token: string;

/** With proxies in the environment that nobody must use: behind one, no address would be checked. */
const start = () =>
  startProcess({
    databaseUrl: database.url,
    env: {
      OUTGOING_ALLOWED_HOSTS: '127.0.0.1',
      HTTP_PROXY: 'http://127.0.0.1:9',
      HTTPS_PROXY: 'http://127.0.0.1:9',
      NODE_USE_ENV_PROXY: '1',
    },
  });

async function done<Body>(by: Product, method: string, path: string, body: object): Promise<Body> {
  const answer = await by.request<Body>(method, path, { ...(token && { token }), body, headers: { 'idempotency-key': unique() } });
  if (answer.status >= 300) throw new Error(`${method} ${path} was answered ${answer.status}: ${answer.text}`);
  return answer.body;
}

async function anEndpoint(by: Product, receiver: Receiver): Promise<string> {
  return (await done<{ id: string }>(by, 'POST', 'webhooks/endpoints', { url: receiver.url, events: ['post.created'] })).id;
}
const write = (by: Product) => done<{ id: string }>(by, 'POST', 'posts', { title: 'A title', body: 'A body.' });

beforeAll(async () => {
  database = await createDatabase();
  const one = await start();
  const email = `e-${unique()}@example.org`;
  token = '';
  await done(one, 'POST', 'auth/register', { email, password: PASSWORD, name: 'Editor' });
  await query(database.url, `UPDATE users SET roles = '{editor}' WHERE email = $1`, [email]);
  token = (await done<{ accessToken: string }>(one, 'POST', 'auth/login', { email, password: PASSWORD })).accessToken;
  await one.stop();
}, 120_000);

afterAll(async () => {
  await stopProcesses();
  await closeReceivers();
  await database.drop();
});

describe('webhooks over processes that are killed', () => {
  it('arrive, all of them, and none under two ids', async () => {
    let processes = [await start(), await start()];
    const receivers = await Promise.all(
      Array.from({ length: 4 }, () => aReceiver((response) => void setTimeout(() => response.end(), 30 * Math.random()))),
    );
    for (const receiver of receivers) await anEndpoint(processes[0]!, receiver);
    const written: string[] = [];
    for (let kill = 0; kill < 3; kill++) {
      for (let n = 0; n < 10; n++) written.push((await write(processes[n % 2]!)).id);
      await eventually(() => receivers.some(({ received }) => received.length > written.length - 9), PATIENCE_MS);
      await processes[kill % 2]!.stop('SIGKILL');
      processes = processes.with(kill % 2, await start());
    }
    const missing = () => receivers.flatMap(({ received }) => written.filter((id) => !received.some(({ body }) => body.includes(id))));
    await eventually(() => missing().length === 0, PATIENCE_MS);
    const events = await query<{ id: string; post: string }>(
      database.url,
      `SELECT id, resource_id AS post FROM events WHERE name = 'post.created'`,
    );
    for (const { received } of receivers)
      for (const { body, headers } of received) expect(events.find(({ post }) => body.includes(post))!.id).toBe(headers['webhook-id']);
    await eventually(
      async () => (await query(database.url, `SELECT FROM webhook_deliveries WHERE status <> 'delivered'`)).length === 0,
      PATIENCE_MS,
    );
    expect(await query(database.url, `SELECT FROM graphile_worker.jobs WHERE attempts >= max_attempts`)).toEqual([]);
    for (const each of processes) await each.stop();
  });

  it('never reach an endpoint more at once than it has places, over both', async () => {
    const processes = [await start(), await start()];
    const receiver = await aReceiver((response) => void setTimeout(() => response.end(), 20));
    await anEndpoint(processes[0]!, receiver);
    await Promise.all(Array.from({ length: 60 }, (_, n) => write(processes[n % 2]!)));
    await eventually(() => receiver.received.length >= 60, PATIENCE_MS);
    expect(receiver.atOnce.most).toBeGreaterThan(1);
    expect(receiver.atOnce.most).toBeLessThanOrEqual(4);
    for (const each of processes) await each.stop();
  });

  it('that a killed process was sending are sent by another, under the same id', async () => {
    const one = await start();
    let answering = false;
    const receiver = await aReceiver((response) => void (answering && response.end()));
    await anEndpoint(one, receiver);
    await write(one);
    await eventually(() => receiver.received.length === 1, PATIENCE_MS);
    await one.stop('SIGKILL');
    answering = true;
    const two = await start();
    await eventually(() => receiver.received.length === 2, PATIENCE_MS);
    expect(receiver.received[1]!.headers['webhook-id']).toBe(receiver.received[0]!.headers['webhook-id']);
    await two.stop();
  });
});
