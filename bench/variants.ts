// `npm run bench:variants`: a file of 50,000 variants, in for the first time, in again, with other prices, and out.
import { createHash, randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { exchange, form } from '../test/harness/uploads.ts';
import { keepReport, makeEmptyDatabase, PASSWORD, PRODUCT, Program, query, type Server, settingsFor, startServer, table } from './world.ts';

const VARIANTS = Number(process.argv[2] ?? 50_000);
const OF_A_PRODUCT = 5;

interface Import {
  id: string;
  status: string;
  created: number;
  updated: number;
  unchanged: number;
  failed: number;
}

async function administrator({ url }: Program, databaseUrl: string): Promise<string> {
  const credentials = { email: `b-${randomBytes(6).toString('hex')}@example.org`, password: PASSWORD };
  const post = (path: string, body: object) =>
    fetch(`${url}/api/v1/auth/${path}`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) });
  await post('register', { ...credentials, name: 'Bench' });
  await query(databaseUrl, `UPDATE users SET roles = '{admin}'`);
  return ((await (await post('login', credentials)).json()) as { accessToken: string }).accessToken;
}

function linesAt(price: number): string {
  const lines = Array.from({ length: VARIANTS }, (_, n) => {
    const product = Math.floor(n / OF_A_PRODUCT);
    return `product-${product},Product ${product},"Words, and more of them.",active,category ${product % 50},SKU-${n},Variant ${n},${price + (n % 900)},EUR,10,Size,${n % OF_A_PRODUCT}`;
  });
  const header =
    'product_slug,product_name,product_description,product_status,product_category,sku,variant_name,price_amount,currency,stock,option1_name,option1_value';
  return [header, ...lines].join('\n');
}

/** Imports, and waits; says how long it took, what memory it took at most, and what became of the lines. */
async function importing(program: Program, headers: Record<string, string>, csv: string): Promise<string[]> {
  const { type, body } = form([{ name: 'variants.csv', type: 'text/csv', bytes: csv }]);
  const before = program.rssMb();
  let most = before;
  const began = performance.now();
  const asked = await exchange(program, 'POST', 'products/imports', { body, headers: { ...headers, 'content-type': type } });
  if (asked.status !== 202) throw new Error(asked.text);
  for (;;) {
    await sleep(100);
    most = Math.max(most, program.rssMb());
    const now = (await exchange(program, 'GET', `products/imports/${asked.body.id}`, { headers })).body as unknown as Import;
    if (now.status === 'pending' || now.status === 'running') continue;
    const came = `${now.status}: ${now.created} created, ${now.updated} updated, ${now.unchanged} unchanged, ${now.failed} failed`;
    return [((performance.now() - began) / 1_000).toFixed(1), `${before.toFixed(0)} → ${most.toFixed(0)}`, came];
  }
}

async function main(server: Server): Promise<void> {
  const databaseUrl = await makeEmptyDatabase(server, 'variants');
  const program = await Program.start(PRODUCT, settingsFor(databaseUrl));
  try {
    const headers = { authorization: `Bearer ${await administrator(program, databaseUrl)}` };
    const rows = [
      ['all are new', ...(await importing(program, headers, linesAt(1_000)))],
      ['nothing is otherwise', ...(await importing(program, headers, linesAt(1_000)))],
      ['all prices are', ...(await importing(program, headers, linesAt(2_000)))],
    ];
    const before = program.rssMb();
    const began = performance.now();
    const out = await exchange(program, 'GET', 'products/export.csv', { headers });
    const digest = createHash('sha256').update(out.bytes).digest('hex').slice(0, 8);
    rows.push([
      'export',
      ((performance.now() - began) / 1_000).toFixed(1),
      `${before.toFixed(0)} → ${program.rssMb().toFixed(0)}`,
      `${out.text.split('\r\n').length - 2} lines, ${out.bytes.length} bytes, ${digest}`,
    ]);
    rows.push(['what was exported', ...(await importing(program, headers, out.text))]);
    const report = table([`${VARIANTS} variants`, 's', 'memory, MB', 'what came of it'], rows);
    process.stdout.write(`${report}\n`);
    await keepReport('bench:variants', 'One process (ROLE=all), a local folder; the client runs on the same cores.', report);
  } finally {
    await program.stop();
  }
}

const server = await startServer();
try {
  await main(server);
} finally {
  await server.stop();
}
process.exit();
