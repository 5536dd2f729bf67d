import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createDatabase, type TestDatabase } from './harness/database.js';
import { type Product, seed, startProcess, stopProcesses } from './harness/product.js';

const root = join(import.meta.dirname, '..');
const readme = readFileSync(join(root, 'README.md'), 'utf8');
const run = promisify(execFile);

let database: TestDatabase;
let product: Product;

beforeAll(async () => {
  database = await createDatabase();
  await seed(database.url);
  product = await startProcess({ databaseUrl: database.url });
}, 60_000);

afterAll(async () => {
  await stopProcesses();
  await database.drop();
});

/** The shell commands of a chapter, as somebody would paste them. */
function commandsOf(chapter: string): string {
  const text = readme.split(`\n## ${chapter}\n`)[1]!;
  return /```sh\n([\s\S]*?)```/.exec(text)![1]!;
}

describe('the tour of the README', () => {
  it('works when it is pasted into a plain shell', async () => {
    const { stdout } = await run('sh', ['-euc', commandsOf('A tour').replaceAll('http://localhost:3000', product.url)]);
    const answers = stdout.split('\n').flatMap((line) => (line.startsWith('{') ? [JSON.parse(line) as Record<string, unknown>] : []));
    const statuses = answers.map(
      ({ status, items, stock, code }) => status ?? code ?? stock ?? (Array.isArray(items) ? items.length : 'nothing'),
    );
    expect(statuses).toEqual(['published', 1, 'pending', 'succeeded', 'paid', 10, 2, 400]);
    expect(stdout).toContain('<h1>An Idempotency-Key is required</h1>');
  });
});

/** Links of answers begin with PUBLIC_URL, which is not where the product of the test listens. */
const HERE = 'curl() { command curl --connect-to "localhost:80:$LISTENS" "$@"; }';

/** The pages that are pasted, and what in their chapters is refused, as the page says that it is. */
const PAGES: Record<string, Record<string, string[]>> = {
  'docs/publishing.md': {
    'History, publication, review': ['http/stale-version', 'posts/preview-ended'],
    Releases: ['releases/conflicts'],
  },
  'docs/commerce.md': {
    'The catalogue': ['categories/misplaced', 'products/option-values-taken'],
    'Price lists': ['price-lists/ends-before-it-starts', 'products/variant-not-found'],
    'How the shop sells': ['shop/settings-contradict', 'http/stale-version'],
    Coupons: ['coupons/used-up', 'coupons/not-active'],
    'From a quote to an order': ['http/validation-failed'],
    'Carts, and guests': ['auth/unauthenticated'],
    Stock: ['products/location-in-use', 'products/stock-owed'],
    'Whether the books add up': ['ops/invariant-not-repairable'],
    'From the payment to the door': ['orders/invoice-not-found', 'orders/not-cancellable', 'orders/not-shippable'],
  },
};

describe.each(Object.entries(PAGES))('%s', (path, refused) => {
  const page = readFileSync(join(root, path), 'utf8');
  const chapters = page.split('\n## ').slice(1);

  it.each(chapters.map((text) => [text.split('\n', 1)[0]!, text]))(
    'its chapter “%s” works when it is pasted into a plain shell',
    async (title, text) => {
      const commands = [...text.matchAll(/```sh\n([\s\S]*?)```/g)].map(([, block]) => block!).join('\n');
      const shell = `LISTENS=${new URL(product.url).host}\n${HERE}\n${commands.replaceAll('http://localhost:3000', product.url)}`;
      const { stdout } = await run('sh', ['-euc', shell]);
      const answers = stdout
        .split('\n')
        .flatMap((line) => (line.startsWith('{') ? [JSON.parse(line) as { code?: unknown; requestId?: unknown }] : []));
      // Problems have a requestId; a coupon has a code, too.
      const codes = answers.flatMap(({ code, requestId }) => (typeof code === 'string' && requestId !== undefined ? [code] : []));
      expect(codes).toEqual(refused[title] ?? []);
      expect(answers.length).toBeGreaterThan(2);
    },
  );
});

describe('the README', () => {
  it('is read in ten minutes', () => {
    const written = readme.replace(/<!-- modules:begin -->.*<!-- modules:end -->/s, ''); // a picture that grows with the features
    expect(written.trimEnd().split('\n').length).toBeLessThanOrEqual(130);
  });

  it('names only npm scripts that exist', () => {
    const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { scripts: Record<string, string> };
    const named = [...readme.matchAll(/npm run ([a-z][a-z:]*)/g)].map(([, script]) => script!);
    expect(named.filter((script) => !(script in scripts))).toEqual([]);
    expect(named.length).toBeGreaterThan(5);
  });

  it('names only files that exist', () => {
    const paths = [...readme.matchAll(/`((?:libs|src|prisma|test|docs)\/[\w./-]+\.\w+)`/g)].map(([, path]) => path!);
    const missing = paths.filter((path) => {
      try {
        readFileSync(join(root, path));
        return false;
      } catch {
        return true;
      }
    });
    expect(missing).toEqual([]);
    expect(paths.length).toBeGreaterThan(8);
  });
});
