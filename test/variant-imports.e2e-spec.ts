import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { BytesNotFound } from '#storage';
import type { ProductList, ProductResponse } from '../src/products/products.dto.js';
import type { ProductImportProblemList, ProductImportResponse } from '../src/products/variant-imports.dto.js';
import { VariantRunsService } from '../src/products/variant-runs.service.js';
import { startApp, type TestApp } from './harness/app.js';
import { query } from './harness/database.js';
import { eventually } from './harness/eventually.js';
import { anAdmin, aProduct, aUser, type Person, unique } from './harness/people.js';
import { startProcess, stopProcesses } from './harness/product.js';
import { fire } from './harness/schedules.js';
import { exchange, form } from './harness/uploads.js';
import type { Wire } from './harness/wire.js';

let app: TestApp;
let admin: Person;

type Import = Wire<ProductImportResponse>;
interface Server {
  url: string;
}

beforeAll(async () => {
  app = await startApp({ PRODUCTS_IMPORT_MAX_BYTES: '500000' });
  admin = await anAdmin(app);
}, 60_000);
afterAll(async () => {
  await stopProcesses();
  await app.close();
});

const HEADER =
  'product_slug,product_name,product_status,product_category,sku,variant_name,price_amount,compare_at_amount,currency,stock,option1_name,option1_value';
const csv = (...lines: string[]) => [HEADER, ...lines].join('\n');
const get = async <Body>(path: string, by: Person | null = admin) =>
  (await app.request<Body>('GET', path, by ? { token: by.accessToken } : {})).body;
const product = (slug: string) => get<Wire<ProductResponse>>(`products/${slug}`);
const send = (bytes: string | Buffer, query = '', { by = admin, at = app }: { by?: Person | null; at?: Server } = {}) => {
  const { type, body } = form([{ name: 'variants.csv', type: 'text/csv', bytes }]);
  return exchange(at, 'POST', `products/imports${query}`, {
    body,
    headers: { 'content-type': type, ...(by && { authorization: `Bearer ${by.accessToken}` }) },
  });
};
const over = (id: string) =>
  eventually(async () => {
    const now = await get<Import>(`products/imports/${id}`);
    return !['pending', 'running'].includes(now.status) && now;
  }, 60_000);
const importing = async (bytes: string | Buffer, query = '') => {
  const { status, body, text } = await send(bytes, query);
  if (status !== 202) throw new Error(text);
  return over(body.id);
};
const counts = ({ status, created, updated, unchanged, failed }: Import) => ({ status, created, updated, unchanged, failed });
const done = (more: object) => ({ status: 'done', created: 0, updated: 0, unchanged: 0, failed: 0, ...more });
const problems = async ({ id }: Import) =>
  (await get<Wire<ProductImportProblemList>>(`products/imports/${id}/problems?limit=100`)).items.map(({ line, column, code }) => [
    line,
    column,
    code,
  ]);
const details = async ({ id }: Import) =>
  (await get<Wire<ProductImportProblemList>>(`products/imports/${id}/problems`)).items.map(({ detail }) => detail).join('\n');
const exported = async () => {
  const answer = await exchange(app, 'GET', 'products/export.csv', { headers: { authorization: `Bearer ${admin.accessToken}` } });
  expect([answer.status, answer.headers['content-type']]).toEqual([200, 'text/csv; charset=utf-8']);
  return answer.text;
};

describe('importing variants', () => {
  it('makes products of lines, changes what is there, and says what became of each', async () => {
    const [slug, category] = [`mug-${unique()}`, `cat ${unique()}`];
    const [blue, red] = [`B-${unique()}`, `R-${unique()}`];
    const line = (sku: string, colour: string, price: number, stock = '4') =>
      `${slug},"Mug, of ""enamel""",active,${category},${sku},${colour},${price},2000,EUR,${stock},Colour,${colour}`;
    const { status, headers, body } = await send(csv(line(blue, 'Blue', 1_000), line(red, 'Red', 1_100, '')));
    expect([status, headers.location]).toEqual([202, `http://localhost/api/v1/products/imports/${body.id}`]);
    const first = await over(body.id);
    expect(counts(first)).toEqual(done({ created: 2 }));
    expect(first.progress).toEqual({ done: 2, of: 2 });
    expect(await product(slug)).toMatchObject({
      name: 'Mug, of "enamel"',
      status: 'active',
      category,
      options: [{ name: 'Colour', values: ['Blue', 'Red'] }],
      variants: [
        {
          sku: blue,
          price: { amount: 1_000, currency: 'EUR' },
          compareAtPrice: { amount: 2_000 },
          available: 4,
          optionValues: { Colour: 'Blue' },
        },
        { sku: red, available: 0, optionValues: { Colour: 'Red' } },
      ],
    });
    const green = `G-${unique()}`;
    const second = await importing(csv(line(blue, 'Blue', 1_000, '99'), line(red, 'Red', 900), line(green, 'Green', 1_200)));
    expect(counts(second)).toEqual(done({ created: 1, updated: 1, unchanged: 1 }));
    const now = await product(slug);
    expect(now.options).toEqual([{ name: 'Colour', values: ['Blue', 'Red', 'Green'] }]);
    expect(now.variants.map(({ price, available }) => [price.amount, available])).toEqual([
      [1_000, 4],
      [900, 0],
      [1_200, 4],
    ]);
    expect(
      await query(app.databaseUrl, `SELECT action, after->'created' AS created FROM audit_entries WHERE resource_id = $1 ORDER BY id`, [
        second.id,
      ]),
    ).toEqual([
      { action: 'products.import-requested', created: 0 },
      { action: 'products.import-ended', created: 1 },
    ]);
  });

  it('of only a SKU and a price changes prices alone', async () => {
    const { id, variants } = await aProduct(app, { by: admin, description: 'Stays.' });
    expect(counts(await importing(`sku,price_amount\r\n${variants[0]!.sku},555\r\n`))).toEqual(done({ updated: 1 }));
    expect(await product(id)).toMatchObject({
      description: 'Stays.',
      variants: [{ price: { amount: 555, currency: 'EUR' }, name: 'Standard' }],
    });
  });

  it('reports wrong lines with their columns, and takes the others', async () => {
    const slug = `p-${unique()}`;
    const [good, late] = [`OK-${unique()}`, `LATE-${unique()}`];
    const gone = await aProduct(app, { by: admin });
    await app.request('DELETE', `products/${gone.id}`, { token: admin.accessToken });
    const there = await aProduct(app, { by: admin });
    const of = (sku: string, rest: string) => `${slug},P,active,,${sku},V,${rest}`;
    const answer = await importing(
      csv(
        of(good, '100,,EUR,1,,'),
        of(`A-${unique()}`, '1.50,,EUR,1,,'),
        of(`B-${unique()}`, '100,,ZZZ,1,,'),
        of(good, '100,,EUR,1,,'),
        of(gone.variants[0]!.sku, '100,,EUR,1,,'),
        of(there.variants[0]!.sku, '100,,EUR,1,,'),
        of('', '100,,EUR,1,,'),
        'too,few',
        of(`C-${unique()}`, '100,90,EUR,1,,'),
        of(`D-${unique()}`, '100,,EUR,1,,Red'),
        `,P,active,,E-${unique()},V,100,,EUR,1,,`,
        of(`F-${unique()}`, '100,,EUR,-1,,'),
        `x y,P,active,,G-${unique()},V,100,,EUR,1,,`,
        `"${slug}","P",active,,${late},"two\nlines",100,,EUR,1,,`,
        of(late, '100,,EUR,1,,'),
      ),
    );
    expect(counts(answer)).toEqual(done({ created: 1, failed: 14 }));
    expect(await problems(answer)).toEqual([
      [3, 'price_amount', 'invalid'],
      [4, 'currency', 'invalid'],
      [5, 'sku', 'duplicate-sku'],
      [6, 'sku', 'withdrawn'],
      [7, 'product_slug', 'another-product'],
      [8, 'sku', 'invalid'],
      [9, null, 'cells'],
      [10, 'compare_at_amount', 'products/compare-at-invalid'],
      [11, 'option1_name', 'invalid'],
      [12, 'product_slug', 'missing'],
      [13, 'stock', 'invalid'],
      [14, 'product_slug', 'invalid'],
      [15, 'variant_name', 'invalid'],
      [17, 'sku', 'duplicate-sku'],
    ]);
    expect((await product(slug)).variants.map(({ sku }) => sku)).toEqual([good]);
  });

  it('only rehearses when it is told to', async () => {
    const slug = `dry-${unique()}`;
    const there = await aProduct(app, { by: admin });
    const file = csv(
      `${slug},P,active,new ${slug},S-${unique()},V,100,,EUR,1,,`,
      `,,,,${there.variants[0]!.sku},,7,,EUR,,,`,
      `${slug},P,,,T,V,x,,EUR,1,,`,
    );
    const answer = await importing(file, '?dryRun=true');
    expect([answer.dryRun, counts(answer)]).toEqual([true, done({ created: 1, updated: 1, failed: 1 })]);
    expect((await app.request('GET', `products/${slug}`, { token: admin.accessToken })).status).toBe(404);
    expect((await product(there.id)).variants[0]!.price.amount).toBe(1_999);
    expect((await app.request('GET', `categories/${encodeURIComponent(`new ${slug}`)}`)).status).toBe(404);
  });

  it.each([
    ['another column', 'sku,colour\na,b', '"colour" is no column'],
    ['semicolons', 'sku;variant_name\na;b', 'parted by commas'],
    ['no SKU', 'variant_name\na', 'no column "sku"'],
    ['a column twice', 'sku,sku\na,b', 'two columns "sku"'],
    ['half an option', 'sku,option1_name\na,b', 'go together'],
    ['nothing', '', 'empty'],
    ['an open quote', 'sku,variant_name\na,"b\nc,d', 'no CSV'],
    ['a stray quote', 'sku,variant_name\na,"b"c', 'Line 2'],
    ['Latin-1', Buffer.from('sku,variant_name\na,\xfc', 'latin1'), 'UTF-8'],
    ['UTF-16', Buffer.from('\ufeffsku,variant_name\na,b', 'utf16le'), 'UTF-8'],
    ['NUL', 'sku,variant_name\na,\0', 'UTF-8'],
    ['an endless line', `sku,variant_name\na,"${'x'.repeat(250_000)}"`, 'longer'],
  ])('is refused as a whole with %s, before anything is written', async (_, bytes, said) => {
    const answer = await importing(bytes);
    expect(counts(answer)).toEqual({ ...done({}), status: 'failed' });
    expect(await problems(answer)).toEqual([[null, null, 'products/import-unreadable']]);
    expect(await details(answer)).toContain(said);
  });

  it('takes a byte order mark, quotes, all line ends and blank lines', async () => {
    const skus = [1, 2, 3].map((n) => `E${n}-${unique()}`);
    const slug = `e-${unique()}`;
    const file = `\ufeff"sku","product_slug",product_name,variant_name,price_amount,currency\r\n${skus[0]},${slug},P,"a, ""b""",1,EUR\r\n\r\n"${skus[1]}",${slug},P,ü,2,EUR\r\n${skus[2]},${slug},P,c,3,EUR`;
    expect(counts(await importing(file))).toEqual(done({ created: 3 }));
    expect((await product(slug)).variants.map(({ name }) => name)).toEqual(['a, "b"', 'ü', 'c']);
  });

  it('is for those who manage products, three at a time, and not too large', async () => {
    for (const by of [null, await aUser(app), await aUser(app, { roles: ['editor'] })])
      for (const { status } of [
        await send('sku\na', '', { by }),
        await exchange(app, 'GET', 'products/export.csv', { headers: by ? { authorization: `Bearer ${by.accessToken}` } : {} }),
        await app.request('GET', 'products/imports', by ? { token: by.accessToken } : {}),
      ])
        expect(status).toBe(by === null ? 401 : 403);
    const large = await send(`sku\n${'x'.repeat(600_000)}`);
    expect([large.status, large.body.code]).toEqual([413, 'http/file-too-large']);
    expect((await send('sku\na', '?dryRun=maybe')).status).toBe(400);
    const ids = [];
    for (const name of ['a.csv', 'b.csv', 'c.csv'])
      ids.push((await app.prisma.productImport.create({ data: { ownerId: admin.id, name } })).id);
    const [id = ''] = ids;
    const fourth = await send('sku\na');
    expect([fourth.status, fourth.body.code]).toEqual([409, 'products/too-many-imports']);
    const cancel = () => app.request<Import>('POST', `products/imports/${id}/cancellation`, { token: admin.accessToken });
    expect((await cancel()).body.status).toBe('cancelled');
    expect([(await cancel()).status, ((await cancel()).body as unknown as { code: string }).code]).toEqual([409, 'products/import-over']);
    await app.prisma.productImport.updateMany({ where: { completedAt: null }, data: { status: 'cancelled', completedAt: new Date() } });
    expect((await app.request('GET', `products/imports/${id.replace(/^./, 'f')}`, { token: admin.accessToken })).status).toBe(404);
  });

  it('goes no further when whoever asked may not do it any more', async () => {
    const keeper = await anAdmin(app);
    const row = { ownerId: keeper.id, name: 'a.csv', status: 'cancelled' as const, of: 1, completedAt: new Date() };
    const asked = await app.prisma.productImport.create({ data: row });
    const carryOut = () => app.get(VariantRunsService).carryOut(asked, `${asked.id}.variants`, new AbortController().signal);
    await expect(carryOut()).rejects.toThrow(BytesNotFound);
    await app.prisma.user.update({ where: { id: keeper.id }, data: { roles: [] } });
    await expect(carryOut()).rejects.toMatchObject({ code: 'products/import-not-allowed' });
    await app.prisma.user.update({ where: { id: keeper.id }, data: { roles: ['admin'], status: 'suspended' } });
    await expect(carryOut()).rejects.toMatchObject({ code: 'products/import-not-allowed' });
  });

  it('is given up when nobody carries it out, and forgotten in time', async () => {
    const aged = (days: number) => ({ ownerId: admin.id, name: 'a.csv', createdAt: new Date(Date.now() - days * 86_400_000) });
    const { id } = await app.prisma.productImport.create({ data: aged(2) });
    const { id: old } = await app.prisma.productImport.create({ data: { ...aged(31), status: 'done', completedAt: new Date() } });
    await fire(app.databaseUrl, 'products.imports-purge');
    expect((await over(id)).status).toBe('failed');
    await eventually(async () => (await app.request('GET', `products/imports/${old}`, { token: admin.accessToken })).status === 404);
  });
});

describe('the export', () => {
  it('imported again changes nothing, whatever stands in it', async () => {
    const tricky = ['=1+1', "'=1", '+49', '-1', '@x', "'", "''=", 'a "b", c', 'ü\u{1f600}'];
    for (const name of tricky)
      await aProduct(app, {
        by: admin,
        name: `${name} ${unique()}`,
        description: `${name}\r\nline\n`,
        options: [{ name: 'Size', values: ['S', name.replaceAll(',', ' ').trim()] }],
        variants: [
          {
            sku: `T-${unique()}`,
            name,
            price: { amount: 5, currency: 'JPY' },
            stock: 2,
            optionValues: { Size: name.replaceAll(',', ' ').trim() },
          },
          { sku: `T-${unique()}`, name, price: { amount: 5, currency: 'EUR' }, compareAtPrice: { amount: 9, currency: 'EUR' }, stock: 0 },
        ],
      });
    const file = await exported();
    expect(file.split('\r\n').some((line) => /(^|,)"?[=@+-]/.test(line))).toBe(false);
    const { items } = await get<Wire<ProductList>>('products?limit=100&sort=createdAt');
    const answer = await importing(file);
    const all = items.flatMap(({ variants }) => variants).length;
    expect(counts(answer)).toEqual(done({ unchanged: all }));
    expect(await exported()).toBe(file);
    expect((await get<Wire<ProductList>>('products?limit=100&sort=createdAt')).items).toEqual(items);
  });
});

describe('an import that is killed', () => {
  it('is continued, and takes each line once', async () => {
    const alone = await startApp({ ROLE: 'api' });
    try {
      const by = await anAdmin(alone);
      const first = await startProcess({ databaseUrl: alone.databaseUrl });
      const lines = Array.from({ length: 600 }, (_, n) => `p-${Math.floor(n / 4)},P,active,shelf,K-${n},V${n},${n},,EUR,3,,`);
      const { body } = await send(csv(...lines), '', { by, at: first });
      const now = () => alone.prisma.productImport.findUniqueOrThrow({ where: { id: body.id } });
      await eventually(async () => (await now()).done > 100, 30_000);
      await first.stop('SIGKILL');
      expect((await now()).done).toBeLessThan(600);
      await query(alone.databaseUrl, `UPDATE job_workers SET seen_at = now() - interval '1 hour'`);
      await startProcess({ databaseUrl: alone.databaseUrl });
      const ended = await eventually(async () => {
        const read = await now();
        return read.status !== 'running' && read;
      }, 60_000);
      expect(ended).toMatchObject({ status: 'done', of: 600, done: 600, created: 600, updated: 0, unchanged: 0, failed: 0 });
      expect(
        await query(
          alone.databaseUrl,
          'SELECT count(*)::int AS variants, sum(stock)::int AS stock, count(DISTINCT product_id)::int AS products FROM variants',
        ),
      ).toEqual([{ variants: 600, stock: 1_800, products: 150 }]);
    } finally {
      await alone.close();
    }
  }, 120_000);
});
