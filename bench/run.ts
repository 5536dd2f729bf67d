// `npm run bench`: the product and a hand-written baseline on one database, driven in turns. See README.md beside this file.
import { deepStrictEqual } from 'node:assert';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { findDriver, type Load, type Reading, type Request } from './load.ts';
import {
  BASELINE,
  keepReport,
  logIn,
  makeDatabase,
  median,
  PASSWORD,
  PRODUCT,
  Program,
  query,
  type Server,
  settingsFor,
  startServer,
  table,
} from './world.ts';

const { values: options } = parseArgs({
  options: {
    seconds: { type: 'string', default: '5' },
    rounds: { type: 'string', default: '5' },
    'warm-up': { type: 'string', default: '3' },
    connections: { type: 'string', default: '32' },
    only: { type: 'string' },
    posts: { type: 'string', default: '100000' },
    products: { type: 'string', default: '5000' },
    /** The `dist/src/main.js` of another build of the product, to be driven in place of the baseline. */
    against: { type: 'string' },
    /** A folder for a CPU profile of each process. */
    profile: { type: 'string' },
  },
});
const [seconds, rounds, warmUp, connections] = [options.seconds, options.rounds, options['warm-up'], options.connections].map(Number) as [
  number,
  number,
  number,
  number,
];
const other = options.against ?? BASELINE;
const DEEP_PAGE = Math.min(500, Math.floor(Number(options.posts) / 40));

/** What a case sends, and what the product is to reach of the baseline's requests a second. */
interface Case {
  name: string;
  target: number | null;
  requests: Request[];
  /** Whether the product may answer from its cache; the baseline has none. */
  cached?: boolean;
  /** Whether the baseline only runs the transactions, without answering requests (`/bare/orders`). */
  bare?: boolean;
  /** Whether the product also does what follows from a write: its events, notifications and mails. The baseline has none of them. */
  whole?: boolean;
}

interface Measured extends Reading {
  cpuMs: number;
  serverCpuMs: number;
}

type Side = 'baseline' | 'product';
const SIDES: Side[] = ['baseline', 'product'];

async function casesFor(url: string, databaseUrl: string): Promise<Case[]> {
  const ids = async (sql: string) => (await query<{ it: string }>(databaseUrl, sql)).map(({ it }) => it);
  const slugs = await ids(
    `SELECT slug AS it FROM posts WHERE published_at <= now() AND trashed_at IS NULL ORDER BY hashtext(slug) LIMIT 1000`,
  );
  const variants = await ids(
    `SELECT v.id AS it FROM variants v JOIN products p ON p.id = v.product_id WHERE p.status = 'active' ORDER BY hashtext(sku) LIMIT 2000`,
  );
  const [last] = await query<{ createdAt: Date; id: string }>(
    databaseUrl,
    `SELECT created_at AS "createdAt", id FROM posts WHERE published_at <= now() AND trashed_at IS NULL
    ORDER BY created_at DESC, id DESC OFFSET ${(DEEP_PAGE - 1) * 20 - 1} LIMIT 1`,
  );
  const cursor = Buffer.from(JSON.stringify(['-createdAt', last!.createdAt, last!.id])).toString('base64url');
  const people = Array.from({ length: 200 }, (_, index) => `user-${index + 100}@example.org`);
  const bearers: Record<string, string>[] = [];
  for (const email of people.slice(0, 50)) bearers.push({ Authorization: `Bearer ${await logIn(url, email)}` });
  const paragraph =
    'The engine *weaves* algebraical patterns, as the loom **weaves** flowers and leaves; see [the notes](https://example.org/notes) and `print()`.\n\n';
  const post = (headers: Record<string, string>): Request => ({
    method: 'POST',
    path: '/api/v1/posts',
    headers,
    body: { title: 'On the engine ########', body: `# Notes\n\n${paragraph.repeat(6)}- one\n- two\n`, tags: ['engines', 'bench'] },
  });
  const order = (headers: Record<string, string>, index: number): Request => {
    const items = [0, 1].map((line) => ({ variantId: variants[(index * 2 + line) % variants.length]!, quantity: 1 + line }));
    return { method: 'POST', path: '/api/v1/orders', headers: { ...headers, 'Idempotency-Key': 'bench-########' }, body: { items } };
  };
  const get = (path: string, headers?: Record<string, string>): Request => ({ method: 'GET', path, headers });
  const orders = Array.from({ length: 1_000 }, (_, index) => order(bearers[index % bearers.length]!, index));
  return [
    { name: 'constant', target: null, requests: [get('/health/live')] },
    { name: 'post list, first page', target: 0.6, requests: [get('/api/v1/posts?limit=20')] },
    { name: `post list, page ${DEEP_PAGE}`, target: 0.6, requests: [get(`/api/v1/posts?limit=20&cursor=${cursor}`)] },
    { name: 'post by slug', target: 0.5, requests: slugs.map((slug) => get(`/api/v1/posts/${slug}`)) },
    { name: 'product list', target: 0.6, requests: [get('/api/v1/products?limit=20')] },
    { name: 'post list, first page, cached', target: 1.5, cached: true, requests: [get('/api/v1/posts?limit=20')] },
    { name: 'post by slug, cached', target: 1.5, cached: true, requests: slugs.map((slug) => get(`/api/v1/posts/${slug}`)) },
    { name: 'product list, cached', target: 1.5, cached: true, requests: [get('/api/v1/products?limit=20')] },
    { name: 'users/me', target: 0.5, requests: bearers.map((bearer) => get('/api/v1/users/me', bearer)) },
    { name: 'create post', target: 0.6, requests: bearers.map(post) },
    { name: 'place order', target: 0.5, requests: orders },
    { name: 'place order, against bare transactions', target: 0.5, bare: true, requests: orders },
    { name: 'place order, and what follows', target: null, whole: true, requests: orders },
    {
      name: 'log in',
      target: null,
      requests: people.map((email) => ({ method: 'POST', path: '/api/v1/auth/login', body: { email, password: PASSWORD } })),
    },
  ];
}

/** Both must answer alike: reads to the byte, writes but for what is new each time. */
async function requireSameAnswers({ name, requests }: Case, programs: Record<Side, Program>): Promise<void> {
  const [ours, theirs] = await Promise.all(SIDES.map((side, index) => ask(programs[side], requests[0]!, 90_000_000 + index)));
  try {
    deepStrictEqual(theirs, ours);
  } catch (cause) {
    throw new Error(`The servers answer "${name}" differently.`, { cause });
  }
}

const NEW_EACH_TIME = new Set(['id', 'number', 'slug', 'title', 'createdAt', 'updatedAt', 'expiresAt', 'accessToken', 'refreshToken']);

async function ask({ url }: Program, { method, path, headers, body }: Request, number: number): Promise<object> {
  const numbered = (text: string) => text.replaceAll('########', String(number));
  const response = await fetch(url + path, {
    method,
    headers: {
      ...Object.fromEntries(Object.entries(headers ?? {}).map(([key, value]) => [key, numbered(value)])),
      ...(body && { 'Content-Type': 'application/json' }),
    },
    body: body && numbered(JSON.stringify(body)),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${method} ${path} was answered ${response.status}: ${text}`);
  const answer =
    method === 'GET'
      ? text
      : (JSON.parse(text, (key, value: unknown) =>
          NEW_EACH_TIME.has(key) && typeof value === 'string' ? 'new each time' : value,
        ) as object);
  return { status: response.status, type: response.headers.get('content-type'), answer };
}

/** Start-up: the median of five fresh starts each, in turns, from spawn to the first 200 of /health/ready. */
async function startUps(settings: Record<string, string>): Promise<Record<Side, number>> {
  const times: Record<Side, number[]> = { baseline: [], product: [] };
  for (let round = 0; round < 5; round++) {
    for (const side of SIDES) {
      const program = await Program.start(side === 'product' ? PRODUCT : other, settings);
      times[side].push(program.startMs);
      await program.stop();
    }
  }
  return { baseline: median(times.baseline), product: median(times.product) };
}

async function measure(
  { name, requests, whole, bare }: Case,
  programs: Record<Side, Program>,
  server: Server,
  databaseUrl: string,
): Promise<Record<Side, Measured[]>> {
  const measured: Record<Side, Measured[]> = { baseline: [], product: [] };
  const drive = (side: Side, seconds: number): Promise<Reading> => {
    const load = { url: programs[side].url, requests, connections, seconds };
    return bare && side === 'baseline' ? driveBare(load) : driver.drive(load);
  };
  for (const side of SIDES) if (warmUp > 0) await drive(side, warmUp);
  if (whole) await allDone(databaseUrl);
  for (let round = 0; round < rounds; round++) {
    for (const side of round % 2 === 0 ? SIDES : SIDES.toReversed()) {
      const before = [programs[side].cpuMs(), await server.cpuMs()] as const;
      const reading = await drive(side, seconds);
      if (whole) await allDone(databaseUrl);
      const after = [programs[side].cpuMs(), await server.cpuMs()] as const;
      measured[side].push({
        ...reading,
        cpuMs: (after[0] - before[0]) / reading.requests,
        serverCpuMs: (after[1] - before[1]) / reading.requests,
      });
    }
  }
  console.log(
    `${name}: ${SIDES.map((side) => `${side} ${measured[side].map(({ perSecond }) => perSecond.toFixed(0)).join(' ')}`).join(', ')}`,
  );
  return measured;
}

/** Has the baseline place these orders by itself. */
async function driveBare({ url, requests, connections, seconds }: Load): Promise<Reading> {
  const body = JSON.stringify({ orders: requests.map((request) => request.body), connections, seconds });
  const response = await fetch(`${url}/bare/orders`, { method: 'POST', headers: { 'Content-Type': 'application/json' }, body });
  if (!response.ok) throw new Error(`Bare orders were answered ${response.status}: ${await response.text()}`);
  return (await response.json()) as Reading;
}

/** Until every event has been shared out and every job that is due has been done: the next reading is not to pay for it. */
async function allDone(databaseUrl: string): Promise<void> {
  const left = `SELECT EXISTS (SELECT FROM events WHERE position IS NULL) OR EXISTS (SELECT FROM graphile_worker.jobs WHERE run_at <= now()) AS it`;
  while ((await query<{ it: boolean }>(databaseUrl, left))[0]!.it) await sleep(100);
}

function lineOf({ name, target }: Case, measured: Record<Side, Measured[]>): string[] {
  const of = (side: Side, figure: keyof Measured) => median(measured[side].map((reading) => reading[figure]));
  const ratio = (figure: keyof Measured) =>
    median(measured.product.map((reading, round) => reading[figure] / measured.baseline[round]![figure]));
  const both = (figure: keyof Measured, digits: number) =>
    `${of('baseline', figure).toFixed(digits)} / ${of('product', figure).toFixed(digits)}`;
  const reached = ratio('perSecond');
  return [
    name,
    both('perSecond', 0),
    `**${reached.toFixed(2)}**`,
    target === null ? '–' : `${target} ${reached >= target ? '✓' : '✗'}`,
    both('p50Ms', 1),
    both('p99Ms', 1),
    both('cpuMs', 3),
    ratio('cpuMs').toFixed(2),
    both('serverCpuMs', 3),
  ];
}

const HEAD = ['case', 'requests/s', 'ratio', 'target', 'p50 ms', 'p99 ms', 'CPU ms/request', 'CPU ratio', 'PostgreSQL CPU ms/request'];

async function main(server: Server): Promise<void> {
  console.log(`Filling ${options.posts} posts and ${options.products} products …`);
  const databaseUrl = await makeDatabase(server, 'bench', {
    users: 1_000,
    orders: 20_000,
    posts: Number(options.posts),
    products: Number(options.products),
  });
  const settings = settingsFor(databaseUrl);
  const started = options.only === undefined ? await startUps(settings) : undefined;
  const profile = options.profile === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${options.profile}`];
  const baseline = await Program.start(other, settings, profile);
  const productAs = async (changed: Record<string, string>) => ({
    baseline,
    product: await Program.start(PRODUCT, { ...settings, ...changed }, profile),
  });
  const programs = await productAs({ CACHE: 'off', ROLE: 'api' });
  const cached = await productAs({ ROLE: 'api' });
  const all = await casesFor(programs.product.url, databaseUrl);
  const cases = all.filter(({ name }) => options.only === undefined || options.only.split(',').some((part) => name.includes(part)));
  for (const each of cases) await requireSameAnswers(each, each.cached ? cached : programs);

  const lines = new Map<Case, string[]>();
  const memory: string[][] = [];
  // First, while nobody else's writes have left it anything to do.
  for (const each of cases.filter(({ whole }) => whole)) {
    const whole = await productAs({ CACHE: 'off' });
    lines.set(each, lineOf(each, await measure(each, whole, server, databaseUrl)));
    memory.push(memoryLine('in all roles, after orders and what follows from them', whole));
    await whole.product.stop();
  }
  for (const each of cases.filter(({ whole }) => !whole)) {
    if (each.name === 'log in') memory.push(memoryLine('after all of the above', programs));
    lines.set(each, lineOf(each, await measure(each, each.cached ? cached : programs, server, databaseUrl)));
  }
  memory.push(memoryLine('after everything', programs));
  for (const program of [baseline, programs.product, cached.product]) await program.stop();

  const others = [
    ...(started
      ? [
          [
            'start to ready, ms (median of 5)',
            started.baseline.toFixed(0),
            started.product.toFixed(0),
            (started.product / started.baseline).toFixed(2),
          ],
        ]
      : []),
    ...memory,
  ];
  const report = `${table(
    HEAD,
    cases.map((each) => lines.get(each)!),
  )}\n\n${table(['', 'baseline', 'product', 'ratio'], others)}`;
  console.log(`\n${report}`);
  if (options.only !== undefined || options.against !== undefined) return; // not the result, but a part of it or something else
  const conditions = `${options.posts} posts, ${options.products} products; ${connections} connections; median of ${rounds} alternations of ${seconds} s after ${warmUp} s of warm-up; ${driver.name}.`;
  await keepReport(
    'bench',
    `${conditions}\nPairs are baseline / product; a ratio is product to baseline. README.md says how to read them.`,
    report,
  );
}

function memoryLine(when: string, programs: Record<Side, Program>): string[] {
  const [baseline, product] = SIDES.map((side) => programs[side].rssMb()) as [number, number];
  return [`RSS ${when}, MB`, baseline.toFixed(0), product.toFixed(0), (product / baseline).toFixed(2)];
}

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130)); // what it started hears of it by the exit
const driver = await findDriver();
const server = await startServer();
try {
  await main(server);
} finally {
  await server.stop();
}
