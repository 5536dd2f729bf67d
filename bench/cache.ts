// `npm run bench:cache`: how soon a change is seen in another process, and what a Redis that falls silent costs. docs/operate.md says what the
// figures mean.
import { Agent, request } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { keepReport, logIn, makeDatabase, PRODUCT, Program, settingsFor, startRedis, startServer, table } from './world.ts';

const { values: options } = parseArgs({
  options: { changes: { type: 'string', default: '200' }, seconds: { type: 'string', default: '3' } },
});
const changes = Number(options.changes);
const seconds = Number(options.seconds);
const READERS = 8;

const agent = new Agent({ keepAlive: true });

function call(method: string, url: string, token?: string, body?: object): Promise<{ status: number; text: string }> {
  const payload = body && JSON.stringify(body);
  const headers = {
    ...(payload && { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(payload) }),
    ...(token && { Authorization: `Bearer ${token}` }),
  };
  return new Promise((resolve, reject) => {
    const sent = request(url, { method, headers, agent }, (answer) => {
      let text = '';
      answer.setEncoding('utf8');
      answer.on('data', (chunk: string) => (text += chunk));
      answer.once('end', () => resolve({ status: answer.statusCode!, text }));
    });
    sent.once('error', reject);
    sent.end(payload);
  });
}

const quantile = (values: number[], q: number) =>
  values.toSorted((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * q))]!;
const three = (values: number[]) => [quantile(values, 0.5), quantile(values, 0.99), Math.max(...values)].map((value) => value.toFixed(1));

/**
 * Until the last old answer of the other process has arrived: since the UPDATE, which is before its commit, so for longer than anything was
 * out of date; and since the writer had its answer, which is what people can notice.
 */
interface Staleness {
  all: number[];
  noticed: number[];
  /** How late timers were at the same time: what the machine itself adds. */
  late: number[];
}

async function staleness(writer: Program, reader: Program, token: string, id: string): Promise<Staleness> {
  const times: Staleness = { all: [], noticed: [], late: [] };
  for (let change = 0; change < changes; change++) {
    const title = `Change ${change} ${Date.now()}`;
    const url = `${reader.url}/api/v1/posts/${id}`;
    await call('GET', url);
    const changed = call('PATCH', `${writer.url}/api/v1/posts/${id}`, token, { title }).then((answer) => ({ ...answer, at: Date.now() }));
    let last = 0;
    while (!(await call('GET', url)).text.includes(title)) {
      last = Date.now();
      await sleep(1); // or the client takes the processor that the servers need
    }
    const { status, text, at } = await changed;
    if (status !== 200) throw new Error(`A change was answered ${status}: ${text}`);
    times.all.push(Math.max(0, last - Date.parse((JSON.parse(text) as { updatedAt: string }).updatedAt)));
    times.noticed.push(Math.max(0, last - at));
    const rested = performance.now();
    await sleep(5);
    times.late.push(performance.now() - rested - 5);
  }
  return times;
}

/** Answers of clients that read, some of it from the cache, some as somebody who is logged in. */
async function load(program: Program, token: string, id: string): Promise<{ times: number[]; failed: number }> {
  const times: number[] = [];
  let failed = 0;
  const until = performance.now() + seconds * 1_000;
  const client = async (number: number) => {
    for (let turn = number; performance.now() < until; turn++) {
      const began = performance.now();
      const path = [`posts/${id}`, 'posts?limit=20', `products?limit=${(turn % 90) + 1}`, 'users/me'][turn % 4]!;
      const { status } = await call('GET', `${program.url}/api/v1/${path}`, turn % 4 === 3 ? token : undefined);
      if (status !== 200) failed += 1;
      times.push(performance.now() - began);
    }
  };
  await Promise.all(Array.from({ length: READERS }, (_, number) => client(number)));
  return { times, failed };
}

const server = await startServer();
const redis = await startRedis();
try {
  const databaseUrl = await makeDatabase(server, 'bench', { users: 200, orders: 100, posts: 5_000, products: 500 });
  const stale: string[][] = [];
  const slow: string[][] = [];
  for (const withRedis of redis ? [false, true] : [false]) {
    const settings = { ...settingsFor(databaseUrl), ...(withRedis && { REDIS_URL: redis!.url }) };
    const [one, two] = [await Program.start(PRODUCT, settings), await Program.start(PRODUCT, settings)];
    const token = await logIn(one.url, 'user-100@example.org');
    const { id } = JSON.parse((await call('POST', `${one.url}/api/v1/posts`, token, { title: 'A post', body: 'Text.' })).text) as {
      id: string;
    };
    await call('PUT', `${one.url}/api/v1/posts/${id}/publication`, token, {});
    const name = withRedis ? 'with Redis' : 'PostgreSQL alone';
    const measureStaleness = async (what: string) => {
      const { all, noticed, late } = await staleness(one, two, token, id);
      stale.push([what, ...[all, noticed, late].map((times) => three(times).join(' / '))]);
      console.log(stale.at(-1)!.join(' '));
    };
    await measureStaleness(name);
    const measure = async (what: string) => {
      const { times, failed } = await load(two, token, id);
      slow.push([what, String(times.length), String(failed), ...three(times)]);
      console.log(slow.at(-1)!.join(' '));
    };
    await load(two, token, id); // warms up
    await measure(name);
    if (withRedis) {
      setTimeout(() => redis!.child.kill('SIGSTOP'), (seconds * 1_000) / 3);
      await measure('Redis freezes meanwhile');
      await measure('Redis is frozen');
      await measureStaleness('Redis is frozen');
    }
    await one.stop();
    await two.stop();
  }
  const report = `${table(['another process answers with the old state, ms (median / 99 of 100 / most)', 'since the UPDATE', 'since its answer', 'timers were late'], stale)}\n\n${table(
    [`${READERS} clients read`, 'answers', 'not 200', 'median ms', '99 of 100', 'slowest'],
    slow,
  )}`;
  console.log(`\n${report}`);
  await keepReport('bench:cache', `${changes} changes; ${seconds} s of reading each; two processes.`, report);
} finally {
  redis?.child.kill('SIGKILL');
  await server.stop();
  agent.destroy();
}
