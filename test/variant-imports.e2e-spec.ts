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
import { aPng, exchange, form, upload } from './harness/uploads.js';
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
/** A file of these columns, every cell in quotes. */
const sheet = (columns: string, ...rows: string[][]) =>
  [columns, ...rows.map((cells) => cells.map((cell) => `"${cell.replaceAll('"', '""')}"`).join(','))].join('\r\n');
const get = async <Body>(path: string, by: Person | null = admin) =>
  (await app.request<Body>('GET', path, by ? { token: by.accessToken } : {})).body;
/** Its smaller pictures are made: what shows it does not change by itself any more. */
const anImage = async (by = admin) => {
  const { id } = (await upload(app, by, { name: 'a.png', type: 'image/png', bytes: aPng(30, 20) })).body;
  await eventually(async () => (await get<{ variantsStatus: string }>(`files/${id}`, by)).variantsStatus === 'ready');
  return id;
};
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
/** What a dry run and then a real one say of the same file, of which both have to say the same. */
const twice = async (bytes: string) => {
  const [dry, real] = [await importing(bytes, '?dryRun=true'), await importing(bytes)];
  expect([counts(dry), await problems(dry), await details(dry)]).toEqual([counts(real), await problems(real), await details(real)]);
  return real;
};
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

  it('says how variants are sold without stock, what integrators keep of them, and what products are shown by', async () => {
    const [slug, one, other] = [`f-${unique()}`, `O-${unique()}`, `P-${unique()}`];
    const [front, back] = [await anImage(), await anImage()];
    const columns =
      'product_slug,product_name,product_status,product_metadata,product_images,sku,variant_name,price_amount,currency,stock,backorder,available_from,variant_metadata';
    const ofProduct = (images: string, metadata = '{"erp":"7"}') => [slug, 'P', 'active', metadata, images];
    const made = await twice(
      sheet(
        columns,
        [...ofProduct(`${front} ${back}`), one, 'V', '100', 'EUR', '0', 'preorder', '2030-01-01T09:00:00+01:00', '{"shelf":"A \\"1\\""}'],
        [...ofProduct(`${front} ${back}`), other, 'W', '100', 'EUR', '0', '', '', ''],
      ),
    );
    expect(counts(made)).toEqual(done({ created: 2 }));
    const now = await product(slug);
    expect(now).toMatchObject({
      metadata: { erp: '7' },
      images: [
        { fileId: front, alt: '' },
        { fileId: back, alt: '' },
      ],
      variants: [
        { sku: one, backorder: 'preorder', availableFrom: '2030-01-01T08:00:00.000Z', metadata: { shelf: 'A "1"' } },
        { sku: other, backorder: 'none', availableFrom: null, metadata: {} },
      ],
    });
    expect((await exchange(app, 'GET', `files/${back}/content`)).status).toBe(200); // it is on sale
    const images = now.images.map(({ fileId }) => ({ fileId, alt: `alt of ${fileId}` }));
    await app.request('PATCH', `products/${now.id}`, { token: admin.accessToken, body: { images } });
    const before = await product(slug);

    // The same in other words: another offset, another order of members, another way to write an id, and columns that are not there.
    const sku = 'sku,backorder,available_from,product_images';
    const same = sheet(
      sku,
      [one, 'preorder', '2030-01-01T08:00:00Z', `${front.toUpperCase()}  ${back}`],
      [other, '', '', `${front} ${back}`],
    );
    expect(counts(await twice(same))).toEqual(done({ unchanged: 2 }));
    expect(counts(await importing(sheet('sku,variant_name', [one, 'V'], [other, 'W2'])))).toEqual(done({ unchanged: 1, updated: 1 }));
    const [first, second] = (await product(slug)).variants;
    expect([first, second]).toEqual([before.variants[0], { ...before.variants[1], name: 'W2', version: before.variants[1]!.version + 1 }]);
    expect((await product(slug)).images).toEqual(before.images);

    const added = await anImage();
    const changed = sheet(
      'sku,product_images,product_metadata,backorder,available_from,variant_metadata',
      [one, `${back} ${added} ${front}`, '{"erp":"8"}', 'none', '', ''],
      [other, `${back} ${added} ${front}`, '{"erp":"8"}', 'backorder', '', '{"x":"y"}'],
    );
    expect(counts(await twice(changed))).toEqual(done({ updated: 2 }));
    expect(await product(slug)).toMatchObject({
      metadata: { erp: '8' },
      version: before.version + 1,
      images: [
        { fileId: back, alt: `alt of ${back}` },
        { fileId: added, alt: '' },
        { fileId: front, alt: `alt of ${front}` },
      ],
      variants: [
        { backorder: 'none', availableFrom: null, metadata: {} },
        { backorder: 'backorder', availableFrom: null, metadata: { x: 'y' } },
      ],
    });
    const trail = (id: string) =>
      query(app.databaseUrl, `SELECT action, after FROM audit_entries WHERE resource_id = $1 ORDER BY id DESC LIMIT 1`, [id]);
    expect(await trail(now.id)).toMatchObject([{ action: 'products.updated', after: { metadata: { erp: '8' } } }]);
    expect(await trail(second!.id)).toMatchObject([
      { action: 'variants.updated', after: { backorder: 'backorder', metadata: { x: 'y' } } },
    ]);

    expect(counts(await importing(sheet('sku,product_images,product_metadata', [one, '', ''])))).toEqual(done({ updated: 1 }));
    expect(await product(slug)).toMatchObject({ images: [], metadata: {} });
    expect((await exchange(app, 'GET', `files/${back}/content`)).status).toBe(404);
  });

  it('of lines that contradict each other of their product takes one after the other', async () => {
    const [slug, one, other] = [`c-${unique()}`, `O-${unique()}`, `P-${unique()}`];
    const [front, back] = [await anImage(), await anImage()];
    const columns = 'product_slug,product_name,product_images,product_metadata,sku,variant_name,price_amount,currency';
    const line = (sku: string, images: string, metadata: string) => [slug, 'P', images, metadata, sku, 'V', '100', 'EUR'];
    const file = sheet(columns, line(one, front, '{"a":"1"}'), line(other, `${back} ${front}`, '{"a":"2"}'));
    expect(counts(await twice(file))).toEqual(done({ created: 2 }));
    expect(await product(slug)).toMatchObject({ images: [{ fileId: back }, { fileId: front }], metadata: { a: '2' } });
    expect(counts(await importing(file))).toEqual(done({ updated: 2 }));
  });

  it('reports what PATCH would refuse, in a dry run as in a real one', async () => {
    const image = await anImage();
    const text = (await upload(app, admin, { name: 'a.txt', type: 'text/plain', bytes: 'text' })).body.id;
    const products = await Promise.all(
      Array.from({ length: 24 }, () => aProduct(app, { by: admin, images: [{ fileId: image, alt: 'x' }] })),
    );
    const buyer = await aUser(app);
    const [owed] = products;
    await app.request('PATCH', `variants/${owed!.variants[0]!.id}`, { token: admin.accessToken, body: { backorder: 'backorder' } });
    const awaited = { backorder: 'backorder', availableFrom: '2030-01-01T08:00:00Z' };
    await app.request('PATCH', `variants/${products[1]!.variants[0]!.id}`, { token: admin.accessToken, body: awaited });
    const items = [{ variantId: owed!.variants[0]!.id, quantity: 11 }];
    const headers = { 'idempotency-key': unique() };
    expect((await app.request('POST', 'orders', { token: buyer.accessToken, headers, body: { items } })).status).toBe(201);
    const wrong: [column: string, code: string, said: string, cells: Record<string, string>][] = [
      ['backorder', 'products/stock-owed', 'more is owed', { backorder: 'none' }],
      ['available_from', 'products/availability-unclear', 'goes with', { backorder: 'none', available_from: '2030-01-01T09:00:00+01:00' }],
      ['backorder', 'invalid', 'backorder must be one of', { backorder: 'sometimes' }],
      ['available_from', 'products/availability-unclear', 'needed by a pre-order', { backorder: 'preorder' }],
      ['available_from', 'products/availability-unclear', 'goes with', { available_from: '2030-01-01T08:00:00Z' }],
      ['available_from', 'products/availability-unclear', 'goes with', { backorder: 'none', available_from: '2030-01-01T08:00:00Z' }],
      ['available_from', 'invalid', 'available_from must be a time', { backorder: 'preorder', available_from: '1.1.2030' }],
      ['available_from', 'invalid', 'available_from must be a time', { backorder: 'preorder', available_from: '2030-02-30T08:00:00Z' }],
      ['available_from', 'invalid', 'available_from must be a time', { backorder: 'preorder', available_from: '2030-01-01T08:00:00' }],
      ['variant_metadata', 'invalid', 'object of texts in JSON', { variant_metadata: '{erp: 7}' }],
      ['variant_metadata', 'invalid', 'object of texts in JSON', { variant_metadata: '{"erp":7}' }],
      ['variant_metadata', 'invalid', 'at most 50 texts', { variant_metadata: JSON.stringify({ a: 'x'.repeat(501) }) }],
      ['variant_metadata', 'invalid', 'at most 50 texts', { variant_metadata: '{"a b":"c"}' }],
      ['variant_metadata', 'invalid', 'NUL', { variant_metadata: '{"a":"\\u0000"}' }],
      ['variant_metadata', 'invalid', 'valid Unicode', { variant_metadata: '{"a":"\\ud800"}' }],
      ['variant_metadata', 'invalid', 'a name that no', { variant_metadata: '{"__proto__":"x"}' }],
      ['product_metadata', 'invalid', 'product_metadata must be an object of at most 50', { product_metadata: '{"":"x"}' }],
      ['product_metadata', 'invalid', 'object of texts in JSON', { product_metadata: '[]' }],
      ['product_images', 'invalid', 'each of product_images must be a UUID', { product_images: `${image} front.png` }],
      ['product_images', 'invalid', 'each of product_images must be another file', { product_images: `${image} ${image.toUpperCase()}` }],
      ['product_images', 'invalid', 'each of product_images must be another file', { product_images: 'a.png a.png' }],
      ['product_images', 'products/image-unusable', text, { product_images: `${image} ${text}` }],
      ['product_images', 'products/image-unusable', 'is gone', { product_images: image.replace(/.{4}$/, 'ffff') }],
    ];
    const names = ['backorder', 'available_from', 'variant_metadata', 'product_metadata', 'product_images'];
    const skus = products.map(({ variants }) => variants[0]!.sku);
    // One file of each column: those that a line does not name would else be emptied.
    for (const columns of [names.slice(0, 2), ['variant_metadata'], ['product_metadata'], ['product_images']]) {
      const of = wrong.flatMap((each, index) => (columns.includes(each[0]) ? [{ each, sku: skus[index]! }] : []));
      const rows = of.map(({ each, sku }) => [sku, '5', ...columns.map((column) => each[3][column] ?? '')]);
      const good = [skus.at(-1)!, '5', ...columns.map((column) => (column === 'product_images' ? image : ''))];
      const answer = await twice(sheet(['sku', 'price_amount', ...columns].join(), ...rows, good));
      expect(counts(answer)).toMatchObject({ failed: of.length, ...(answer.updated === 1 ? { updated: 1 } : { unchanged: 1 }) });
      expect(await problems(answer)).toEqual(of.map(({ each: [column, code] }, index) => [index + 2, column, code]));
      const said = (await details(answer)).split('\n');
      for (const [index, { each }] of of.entries()) expect(said[index]).toContain(each[2]);
    }
    for (const { id } of products.slice(2, -1))
      expect(await product(id)).toMatchObject({ version: 1, images: [{ fileId: image, alt: 'x' }], variants: [{ version: 1 }] });
  });

  it('shows no images of others to whoever may only manage products', async () => {
    const role = await app.request<{ name: string }>('POST', 'roles', {
      token: admin.accessToken,
      body: { name: `r-${unique()}`, permissions: ['products:manage', 'products:read', 'files:write'] },
    });
    const keeper = await aUser(app, { roles: ['customer', role.body.name] as never });
    const [foreign, shown, own] = [await anImage(), await anImage(), await anImage(keeper)];
    const { id, variants } = await aProduct(app, { by: admin, images: [{ fileId: shown, alt: 'x' }] });
    const outcome = async (images: string) => {
      const { body } = await send(sheet('sku,product_images', [variants[0]!.sku, images]), '', { by: keeper });
      const ended = await over(body.id);
      return [counts(ended), await problems(ended)];
    };
    expect(await outcome(`${shown} ${foreign}`)).toEqual([done({ failed: 1 }), [[2, 'product_images', 'products/image-unusable']]]);
    expect(await outcome(`${own} ${shown}`)).toEqual([done({ updated: 1 }), []]);
    expect((await product(id)).images).toMatchObject([
      { fileId: own, alt: '' },
      { fileId: shown, alt: 'x' },
    ]);
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
    ['an endless line', `sku,variant_name\na,"${'x'.repeat(450_000)}"`, 'longer'],
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

  it('takes line ends of all kinds in one file, and counts lines with them', async () => {
    const [sku = ''] = (await aProduct(app, { by: admin })).variants.map((variant) => variant.sku);
    const file = `sku,product_description,price_amount\r\n${sku},"a\r\nb\r\nc",2\n${sku},"d\re\nf",3\r${sku},plain,4\r\n\n\r\n\r${sku},g,5\r\n\n`;
    const answer = await importing(file);
    expect(counts(answer)).toEqual(done({ updated: 1, failed: 3 }));
    expect(await problems(answer)).toEqual([5, 8, 12].map((line) => [line, 'sku', 'duplicate-sku']));
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
    const images = [
      { fileId: await anImage(), alt: 'The "front"' },
      { fileId: await anImage(), alt: '' },
    ];
    const tricky = ['=1+1', "'=1", '+49', '-1', '@x', "'", "''=", 'a "b", c', 'ü\u{1f600}'];
    for (const name of tricky)
      await aProduct(app, {
        by: admin,
        name: `${name} ${unique()}`,
        description: `${name}\r\nline\n`,
        images,
        metadata: { a: name, b: `${name}\r\n"` },
        options: [{ name: 'Size', values: ['S', name.replaceAll(',', ' ').trim()] }],
        variants: [
          {
            sku: `T-${unique()}`,
            name,
            price: { amount: 5, currency: 'JPY' },
            stock: 2,
            optionValues: { Size: name.replaceAll(',', ' ').trim() },
            backorder: 'preorder',
            availableFrom: '2030-01-01T08:00:00.123+05:30',
            metadata: { z: '=1+1', a: name },
          },
          { sku: `T-${unique()}`, name, price: { amount: 5, currency: 'EUR' }, compareAtPrice: { amount: 9, currency: 'EUR' }, stock: 0 },
        ],
      });
    // As long as lines can be: all that JSON escapes and CSV quotes.
    const metadata = Object.fromEntries(Array.from({ length: 50 }, (_, n) => [`${n}-`.padEnd(64, 'x'), '\u0001'.repeat(500)]));
    const long = await aProduct(app, { by: admin, description: '\u{1f600}'.repeat(20_000), metadata });
    await app.request('PATCH', `variants/${long.variants[0]!.id}`, { token: admin.accessToken, body: { metadata } });
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
