// `npm run bench:scale`: what a page costs with 1,000,000 posts and 200,000 orders, beside what the first page costs with 10,000 of each.
import { Agent, request as httpRequest } from 'node:http';
import { parseArgs } from 'node:util';
import { keepReport, logIn, makeDatabase, median, PRODUCT, Program, query, type Server, settingsFor, startServer, table } from './world.ts';

const { values: options } = parseArgs({
  options: {
    posts: { type: 'string', default: '1000000' },
    orders: { type: 'string', default: '200000' },
    requests: { type: 'string', default: '300' },
  },
});
const SMALL = 10_000;
const LIMIT = 1.5;
const DEEP_PAGE = 5_000;
const agent = new Agent({ keepAlive: true, maxSockets: 1 });

interface Page {
  nextCursor: string | null;
}

/** Sends one request after another and returns the median of their times, after a tenth for warming up. */
async function medianMs(program: Program, path: string, token?: string): Promise<number> {
  const times: number[] = [];
  const count = Number(options.requests);
  for (let n = -count / 10; n < count; n++) {
    const began = performance.now();
    await get(program, path, token);
    if (n >= 0) times.push(performance.now() - began);
  }
  return median(times);
}

function get(program: Program, path: string, token?: string): Promise<Page> {
  return new Promise((resolve, reject) => {
    const request = httpRequest(
      `${program.url}/api/v1/${path}`,
      { agent, headers: token === undefined ? {} : { authorization: `Bearer ${token}` } },
      (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.once('end', () => {
          const text = Buffer.concat(chunks).toString();
          if (response.statusCode === 200)
            resolve((text.startsWith('{') ? JSON.parse(text) : { nextCursor: null }) as Page); // a feed has no next page
          else reject(new Error(`${path} was answered ${response.statusCode}: ${text}`));
        });
      },
    );
    request.once('error', reject).end();
  });
}

/** Follows `nextCursor` as a client would; returns the query of that page, or of the last but one where the list is shorter. */
async function deepPage(program: Program, list: string, token?: string): Promise<{ page: number; path: string }> {
  let path = list;
  for (let page = 1; ; page++) {
    const { nextCursor } = await get(program, path, token);
    if (page === DEEP_PAGE || nextCursor === null) return { page, path };
    path = `${list}${list.includes('?') ? '&' : '?'}cursor=${nextCursor}`;
  }
}

async function main(server: Server): Promise<boolean> {
  console.log(`Filling ${SMALL} and ${options.posts} posts, ${SMALL} and ${options.orders} orders …`);
  const smallUrl = await makeDatabase(server, 'small', { users: 1_000, products: 1_000, posts: SMALL, paragraphs: 1, orders: SMALL });
  const largeUrl = await makeDatabase(server, 'large', {
    users: 10_000,
    products: 1_000,
    posts: Number(options.posts),
    paragraphs: 1,
    orders: Number(options.orders),
  });
  // Expiring what is overdue, which is a job, would change the rows that are counted on.
  const settings = (url: string) => ({ ...settingsFor(url), ROLE: 'api', CACHE: 'off' }); // it is the queries that are measured
  const small = await Program.start(PRODUCT, settings(smallUrl));
  const large = await Program.start(PRODUCT, settings(largeUrl));
  const [{ author, customer, related }] = (await query<{ author: string; customer: string; related: string }>(
    largeUrl,
    `SELECT (SELECT id FROM users WHERE email = 'user-300@example.org') AS author, (SELECT id FROM users WHERE email = 'user-5000@example.org') AS customer,
      (SELECT id FROM posts WHERE tags @> '{rare}' AND published_at < now() AND trashed_at IS NULL ORDER BY created_at DESC LIMIT 1) AS related`,
  )) as [{ author: string; customer: string; related: string }];
  const admin = await logIn(large.url, 'user-1@example.org');
  const adminOfSmall = await logIn(small.url, 'user-1@example.org');
  const own = await logIn(large.url, 'user-5000@example.org');
  const month = (months: number) => new Date(Date.now() - months * 30 * 86_400_000).toISOString();

  const lists: Record<'posts' | 'searches' | 'orders', [what: string, path: string, token?: string][]> = {
    posts: [
      ['first page', 'posts'],
      ...(await deepPage(large, 'posts').then(({ page, path }): [string, string][] => [[`page ${page}`, path]])),
      ['oldest first', 'posts?sort=createdAt'],
      ['by publication', 'posts?sort=-publishedAt'],
      ['first page, signed in', 'posts', own],
      ['first page, administrator', 'posts', admin],
      ['tag of every 5th', 'posts?tag=common'],
      ['tag of every 50th', 'posts?tag=some'],
      ['tag of every 100th', 'posts?tag=topic%207'],
      ['tag of every 1,000th', 'posts?tag=rare'],
      ['tag of none', 'posts?tag=never'],
      ['author', `posts?author=${author}`],
      ['author and tag', `posts?author=${author}&tag=common`],
      ['status published', 'posts?status=published'],
      ['status draft, administrator', 'posts?status=draft', admin],
      ['status scheduled, administrator', 'posts?status=scheduled', admin],
      ['status draft, own', 'posts?status=draft', own],
      ['two tags', 'posts?tag=common,some'],
      ['from a month ago', `posts?from=${month(1)}`],
      ['before a month ago', `posts?to=${month(1)}`],
    ],
    // Beside the first page of a search that ranks as many at 10,000.
    searches: [
      ['a word that all have', 'posts?q=weaves'],
      ...(await deepPage(large, 'posts?q=weaves').then(({ page, path }): [string, string][] => [[`page ${page}, the last`, path]])),
      ['a word of every 2nd', 'posts?q=word1'],
      ['a word of every 15th', 'posts?q=word7'],
      ['a word of every 150th', 'posts?q=word77'],
      ['a word of every 1,500th', 'posts?q=word777'],
      ['a beginning of many', 'posts?q=wea'],
      ['a word of none', 'posts?q=quokka'],
      ['a mistyped word', 'posts?q=wevaes'],
      ['a phrase', 'posts?q=%22back%20end%22'],
      ['a tag of every 1,000th', 'posts?q=weaves&tag=rare'],
      ['an author', `posts?q=weaves&author=${author}`],
      ['signed in', 'posts?q=weaves', own],
      ['administrator', 'posts?q=weaves', admin],
      ['related to a post', `posts/${related}/related`],
      ['feed', '../../feeds/posts.rss'],
      ['feed of a tag', '../../feeds/posts.rss?tag=rare'],
    ],
    orders: [
      ['first page', 'orders', admin],
      ...(await deepPage(large, 'orders', admin).then(({ page, path }): [string, string, string][] => [[`page ${page}`, path, admin]])),
      ['oldest first', 'orders?sort=createdAt', admin],
      ["a customer's own", 'orders', own],
      ['customer', `orders?customer=${customer}`, admin],
      ...['pending', 'paid', 'shipped', 'delivered', 'cancelled', 'expired', 'refunded'].map((status): [string, string, string] => [
        `status ${status}`,
        `orders?status=${status}`,
        admin,
      ]),
      ['from a month ago', `orders?from=${month(1)}`, admin],
      ['before a month ago', `orders?to=${month(1)}`, admin],
      ['between', `orders?from=${month(2)}&to=${month(1)}`, admin],
      ['customer and status', `orders?customer=${customer}&status=paid`, admin],
    ],
  };

  const rows: string[][] = [];
  let kept = true;
  for (const [list, cases] of Object.entries(lists)) {
    const yardstick = () => medianMs(small, list === 'searches' ? 'posts?q=weaves' : list, list === 'orders' ? adminOfSmall : undefined);
    for (const [what, path, token] of cases) {
      // Before and after, so that a change of the machine's mood does not look like one of the query's.
      const before = await yardstick();
      const ms = await medianMs(large, path, token);
      const first = (before + (await yardstick())) / 2;
      kept &&= ms <= LIMIT * first;
      rows.push([`${list}: ${what}`, first.toFixed(2), ms.toFixed(2), (ms / first).toFixed(2), ms <= LIMIT * first ? '✓' : '✗']);
      console.log(rows.at(-1)!.join('  '));
    }
  }
  const report = table(['', `first page at ${SMALL}, ms`, 'here, ms', 'ratio', `≤ ${LIMIT}`], rows);
  console.log(`\n${report}`);
  await keepReport(
    'bench:scale',
    `${options.posts} posts, ${options.orders} orders; median of ${options.requests} requests, one after another.`,
    report,
  );
  await small.stop();
  await large.stop();
  return kept;
}

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130)); // what it started hears of it by the exit
const server = await startServer();
try {
  if (!(await main(server))) process.exitCode = 1;
} finally {
  agent.destroy();
  await server.stop();
}
