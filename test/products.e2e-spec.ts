import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { ProblemDocument } from '../libs/http/src/problem.filter.js';
import type { ProductList, ProductResponse } from '../src/products/products.dto.js';
import type { VariantResponse } from '../src/products/variants.dto.js';
import type { StockMovementList, StockMovementResponse } from '../src/products/stock.dto.js';
import { startApp, type TestApp } from './harness/app.js';
import type { Answer, Call } from './harness/client.js';
import { query } from './harness/database.js';
import { anAdmin, aProduct, aUser, type Person, unique } from './harness/people.js';
import { INHERITED_NAMES, type Wire } from './harness/wire.js';

const NOBODYS_ID = '0199f3a1-7c1e-7b3a-9a4e-0d6f1c2b3a49';

let app: TestApp;

beforeAll(async () => {
  app = await startApp();
}, 60_000);

afterAll(() => app.close());

type ProductBody = Wire<ProductResponse>;
type VariantBody = Wire<VariantResponse>;
type ListBody = Wire<ProductList>;

const call = <Body = ProductBody>(method: string, path: string, by: Person | null, body?: unknown, headers?: Call['headers']) =>
  app.request<Body>(method, path, {
    ...(by && { token: by.accessToken }),
    ...(body !== undefined && { body }),
    ...(headers && { headers }),
  });
const create = (by: Person | null, product: unknown, headers?: Call['headers']) => call('POST', 'products', by, product, headers);
const read = (by: Person | null, idOrSlug: string) => call('GET', `products/${idOrSlug}`, by);
const edit = (by: Person | null, id: string, changes: unknown, headers?: Call['headers']) =>
  call('PATCH', `products/${id}`, by, changes, headers);
const withdraw = (by: Person | null, id: string) => call('DELETE', `products/${id}`, by);
const list = (by: Person | null, filters: string) => call<ListBody>('GET', `products?${filters}`, by);
const addVariant = (by: Person | null, productId: string, variant: unknown) =>
  call<VariantBody>('POST', `products/${productId}/variants`, by, variant);
const readVariant = (by: Person | null, id: string) => call<VariantBody>('GET', `variants/${id}`, by);
const editVariant = (by: Person | null, id: string, changes: unknown, headers?: Call['headers']) =>
  call<VariantBody>('PATCH', `variants/${id}`, by, changes, headers);
const withdrawVariant = (by: Person | null, id: string, headers?: Call['headers']) =>
  call<VariantBody>('DELETE', `variants/${id}`, by, undefined, headers);
const adjust = (by: Person | null, id: string, delta: unknown, reason: unknown = 'counted') =>
  call<Wire<StockMovementResponse>>('POST', `variants/${id}/stock-adjustments`, by, { delta, reason });
const ledger = (by: Person | null, id: string, filters = 'limit=100') =>
  call<Wire<StockMovementList>>('GET', `variants/${id}/stock-adjustments?${filters}`, by);
const order = (by: Person, variantId: string, quantity: number) =>
  call<{ id: string }>('POST', 'orders', by, { items: [{ variantId, quantity }] }, { 'idempotency-key': unique() });
const pay = (by: Person, id: string) =>
  call('POST', `orders/${id}/payments`, by, { method: 'sandbox:success' }, { 'idempotency-key': unique() });
const sql = (text: string, ...values: unknown[]) => query<Record<string, unknown>>(app.databaseUrl, text, values);
const idsOf = (answer: Answer<ListBody>) => answer.body.items.map(({ id }) => id);
const problemOf = (answer: Answer<unknown>) => answer.body as ProblemDocument;
const codeOf = (answer: Answer<unknown>) => problemOf(answer).code;
const eur = (amount: number) => ({ amount, currency: 'EUR' });
function variant<More extends object>(more = {} as More) {
  return { sku: `SKU-${unique()}`, name: 'Blue', price: eur(1_490), ...more };
}

describe('creating a product', () => {
  it('puts it into the catalogue with its variants and their first stock', async () => {
    const admin = await anAdmin(app);
    const name = `Enamel mug ${unique()}`;
    const sku = `MUG-${unique()}`;
    const { status, headers, body } = await create(admin, {
      name,
      description: 'Holds 300 ml.',
      category: 'kitchen',
      status: 'active',
      variants: [variant({ sku, stock: 40 }), variant({ name: 'White', price: { amount: 2_000, currency: 'JPY' } })],
      metadata: { shelf: '3' },
    });
    expect(status).toBe(201);
    expect(headers).toMatchObject({ location: `http://localhost/api/v1/products/${body.id}`, etag: expect.stringMatching(/^"1-/) });
    expect(body).toMatchObject({
      name,
      slug: name.toLowerCase().replaceAll(' ', '-'),
      description: 'Holds 300 ml.',
      category: 'kitchen',
      status: 'active',
      images: [],
      metadata: { shelf: '3' },
      version: 1,
    });
    expect(body.variants).toEqual([
      expect.objectContaining({ sku, name: 'Blue', price: eur(1_490), available: 40, productId: body.id }),
      expect.objectContaining({ name: 'White', price: { amount: 2_000, currency: 'JPY' }, available: 0 }),
    ]);
    expect((await read(null, body.slug)).body).toEqual(body);
    expect((await ledger(admin, body.variants[0]!.id)).body.items).toEqual([
      expect.objectContaining({ delta: 40, stock: 40, reason: 'first stock', orderId: null }),
    ]);
    expect((await ledger(admin, body.variants[1]!.id)).body.items).toEqual([]);
  });

  it('makes a draft when it does not say otherwise', async () => {
    expect((await create(await anAdmin(app), { name: `Draft ${unique()}` })).body).toMatchObject({
      status: 'draft',
      variants: [],
      category: null,
      description: '',
    });
  });

  it('is for administrators', async () => {
    expect((await create(null, { name: 'x' })).status).toBe(401);
    for (const roles of [['customer'], ['editor'], ['support']] as Person['roles'][]) {
      const answer = await create(await aUser(app, { roles }), { name: 'x' });
      expect([answer.status, codeOf(answer)]).toEqual([403, 'auth/forbidden']);
    }
  });

  it('is all or nothing', async () => {
    const admin = await anAdmin(app);
    const [sku, slug] = [`SKU-${unique()}`, `half-${unique()}`];
    expect(
      codeOf(await create(admin, { name: 'Half', slug, status: 'active', variants: [variant(), variant({ sku }), variant({ sku })] })),
    ).toBe('products/sku-taken');
    expect((await read(admin, slug)).status).toBe(404);
    expect(await sql('SELECT id FROM variants WHERE sku = $1', sku)).toEqual([]);
  });

  it('takes nothing that is not the shop’s to say', async () => {
    const admin = await anAdmin(app);
    const { id, variants } = await aProduct(app, { by: admin });
    for (const [name, value] of Object.entries({
      id: NOBODYS_ID,
      version: 9,
      withdrawnAt: null,
      createdAt: '2020-01-01T00:00:00Z',
      available: 9,
      search: 'x',
    })) {
      for (const answer of [await create(admin, { name: 'x', [name]: value }), await edit(admin, id, { [name]: value })])
        expect([name, answer.status]).toEqual([name, 400]);
    }
    for (const [name, value] of Object.entries({
      id: NOBODYS_ID,
      productId: NOBODYS_ID,
      available: 9,
      reserved: 0,
      version: 9,
      priceAmount: 1,
      currency: 'EUR',
    })) {
      for (const answer of [
        await addVariant(admin, id, variant({ [name]: value })),
        await editVariant(admin, variants[0]!.id, { [name]: value }),
        await create(admin, { name: 'x', variants: [variant({ [name]: value })] }),
      ])
        expect([name, answer.status]).toEqual([name, 400]);
    }
    expect((await editVariant(admin, variants[0]!.id, { stock: 99 })).status).toBe(400); // stock moves through its ledger only
  });

  it.each([
    {},
    { name: '' },
    { name: 'a'.repeat(201) },
    { name: 1 },
    { name: 'x', status: 'sold' },
    { name: 'x', status: null },
    { name: 'x', category: '' },
    { name: 'x', category: 'a'.repeat(101) },
    { name: 'x', description: 'a'.repeat(20_001) },
    { name: 'x', slug: 'A' },
    { name: 'x', slug: NOBODYS_ID },
    { name: 'x', variants: {} },
    { name: 'x', variants: [null] },
    { name: 'x', variants: [[]] },
    { name: 'x', variants: [[{ sku: 'a', name: 'b', price: { amount: 1, currency: 'EUR' } }]] },
    { name: 'x', metadata: { a: 1 } },
    { name: 'x', externalId: 'a b' },
    [],
  ])('refuses %j', async (product) => {
    expect((await create(await anAdmin(app), product)).status).toBe(400);
  });

  it('refuses more than a hundred variants', async () => {
    expect((await create(await anAdmin(app), { name: 'x', variants: Array.from({ length: 101 }, () => variant()) })).status).toBe(400);
  });

  it('finds a slug for each of many of one name at once', async () => {
    const admin = await anAdmin(app);
    const name = `Same ${unique()}`;
    const answers = await Promise.all(Array.from({ length: 10 }, () => create(admin, { name })));
    expect(answers.map(({ status }) => status)).toEqual(Array(10).fill(201));
    expect(new Set(answers.map(({ body }) => body.slug)).size).toBe(10);
  });

  it('keeps slugs and external ids unique', async () => {
    const admin = await anAdmin(app);
    const [slug, externalId] = [`slug-${unique()}`, `x-${unique()}`];
    expect((await create(admin, { name: 'x', slug, externalId })).status).toBe(201);
    expect(codeOf(await create(admin, { name: 'x', slug }))).toBe('products/slug-taken');
    expect(codeOf(await create(admin, { name: 'x', externalId }))).toBe('products/external-id-taken');
  });
});

describe('money in the catalogue', () => {
  it.each([
    { amount: -1, currency: 'EUR' },
    { amount: 0.5, currency: 'EUR' },
    { amount: 1_000_000_000_001, currency: 'EUR' },
    { amount: 1e300, currency: 'EUR' },
    { amount: 2 ** 53, currency: 'EUR' },
    { amount: '1', currency: 'EUR' },
    { amount: null, currency: 'EUR' },
    { amount: true, currency: 'EUR' },
    { amount: [1], currency: 'EUR' },
    { currency: 'EUR' },
    { amount: 1, currency: 'eur' },
    { amount: 1, currency: 'Eur' },
    { amount: 1, currency: 'EU' },
    { amount: 1, currency: 'EURO' },
    { amount: 1, currency: 'ABC' },
    { amount: 1, currency: '€' },
    { amount: 1, currency: 978 },
    { amount: 1, currency: ['EUR'] },
    { amount: 1, currency: null },
    { amount: 1 },
    { amount: 1, currency: 'EUR', cents: 1 },
    {},
    [],
    [{ amount: 1, currency: 'EUR' }],
    1,
    '1 EUR',
    null,
  ])('cannot be %j', async (price) => {
    const admin = await anAdmin(app);
    const { id, variants } = await aProduct(app, { by: admin });
    for (const answer of [
      await addVariant(admin, id, variant({ price })),
      await editVariant(admin, variants[0]!.id, { price }),
      await create(admin, { name: 'x', variants: [variant({ price })] }),
    ]) {
      expect([answer.status, problemOf(answer).errors?.[0]?.pointer]).toEqual([400, expect.stringMatching(/\/price/)]);
    }
    expect((await readVariant(null, variants[0]!.id)).body.price).toEqual(eur(1_999));
  });

  it('is exact from nothing to the greatest amount', async () => {
    const admin = await anAdmin(app);
    const { id } = await aProduct(app, { by: admin });
    for (const amount of [0, 1, 999_999_999_999, 1_000_000_000_000])
      expect((await addVariant(admin, id, variant({ price: eur(amount) }))).body.price).toEqual(eur(amount));
  });

  it('is never negative, whoever writes it', async () => {
    const { variants } = await aProduct(app);
    await expect(sql('UPDATE variants SET price_amount = -1 WHERE id = $1', variants[0]!.id)).rejects.toMatchObject({ code: '23514' });
  });
});

describe('reading the catalogue', () => {
  it('shows the public what is active, and staff all of it', async () => {
    const category = `shelf-${unique()}`;
    const [draft, active, archived, withdrawn] = [
      await aProduct(app, { category, status: 'draft' }),
      await aProduct(app, { category }),
      await aProduct(app, { category, status: 'archived' }),
      await aProduct(app, { category }),
    ];
    await withdraw(await anAdmin(app), withdrawn.id);
    for (const by of [null, await aUser(app), await aUser(app, { roles: ['editor'] })]) {
      expect(idsOf(await list(by, `category=${category}`))).toEqual([active.id]);
      expect(idsOf(await list(by, `category=${category}&status=draft`))).toEqual([]);
      for (const hidden of [draft, archived, withdrawn]) {
        for (const key of [hidden.id, hidden.slug]) expect(codeOf(await read(by, key))).toBe('products/not-found');
        expect(codeOf(await readVariant(by, hidden.variants[0]!.id))).toBe('products/variant-not-found');
      }
      for (const key of [active.id, active.id.toUpperCase(), active.slug]) expect((await read(by, key)).body.id).toBe(active.id);
      expect((await readVariant(by, active.variants[0]!.id)).body.available).toBe(10);
    }
    for (const by of [await aUser(app, { roles: ['support'] }), await anAdmin(app)]) {
      expect(idsOf(await list(by, `category=${category}`))).toEqual([archived.id, active.id, draft.id]);
      expect(idsOf(await list(by, `category=${category}&status=draft`))).toEqual([draft.id]);
      for (const seen of [draft, archived]) expect((await readVariant(by, seen.variants[0]!.id)).status).toBe(200);
      expect((await read(by, withdrawn.id)).status).toBe(404);
    }
  });

  it('is narrowed by category, words and price', async () => {
    const category = `shelf-${unique()}`;
    const word = `word${unique()}`;
    const cheap = await aProduct(app, { category, price: 500, name: `A ${word} mug` });
    const dear = await aProduct(app, { category, price: 5_000, description: `Not a ${word.toUpperCase()}, or is it?` });
    const both = await aProduct(app, {
      category,
      variants: [variant({ price: eur(500), stock: 0 }), variant({ price: eur(5_000), stock: 0 })],
    });
    const found = async (filters: string) => idsOf(await list(null, `category=${category}&${filters}`));
    expect(await found(`q=${word}`)).toEqual([dear.id, cheap.id]);
    expect(await found(`q=${word}+mug`)).toEqual([cheap.id]);
    expect(await found('maxPrice=500')).toEqual([both.id, cheap.id]);
    expect(await found('minPrice=501')).toEqual([both.id, dear.id]);
    expect(await found('minPrice=501&maxPrice=4999')).toEqual([]); // one variant must be within both
    expect(await found('minPrice=0&maxPrice=999999999999999')).toEqual([both.id, dear.id, cheap.id]);
    expect(idsOf(await list(null, `category=${category.toUpperCase()}`))).toEqual([]);
  });

  it('does not find a price that was withdrawn', async () => {
    const admin = await anAdmin(app);
    const category = `shelf-${unique()}`;
    const { id, variants } = await aProduct(app, {
      category,
      by: admin,
      variants: [variant({ price: eur(500), stock: 0 }), variant({ price: eur(5_000), stock: 0 })],
    });
    await withdrawVariant(admin, variants[0]!.id);
    expect(idsOf(await list(null, `category=${category}&maxPrice=500`))).toEqual([]);
    expect((await read(null, id)).body.variants.map((one) => one.id)).toEqual([variants[1]!.id]);
  });

  it('is sorted by age or name, page by page, every product once', async () => {
    const category = `shelf-${unique()}`;
    const names = ['Mug', 'apron', 'Zebra', 'Ähre', 'Mug', 'mug "quoted"', '日本'];
    const ids: string[] = [];
    for (const name of names) ids.push((await aProduct(app, { category, name })).id);
    for (const sort of ['createdAt', '-createdAt', 'name', '-name']) {
      const seen: string[] = [];
      let cursor: string | null = null;
      do {
        const page: Answer<ListBody> = await list(
          null,
          `category=${category}&sort=${sort}&limit=2${cursor === null ? '' : `&cursor=${cursor}`}`,
        );
        seen.push(...idsOf(page));
        cursor = page.body.nextCursor;
      } while (cursor !== null);
      expect(seen.toSorted()).toEqual(ids.toSorted());
      if (sort === 'createdAt') expect(seen).toEqual(ids);
      if (sort === '-createdAt') expect(seen).toEqual(ids.toReversed());
      expect(idsOf(await list(null, `category=${category}&sort=${sort}`))).toEqual(seen);
    }
    const byName = idsOf(await list(null, `category=${category}&sort=name`));
    expect(idsOf(await list(null, `category=${category}&sort=-name`))).toEqual(byName.toReversed());
    expect(Math.abs(byName.indexOf(ids[0]!) - byName.indexOf(ids[4]!))).toBe(1);
  });

  it('refuses the cursor of another sort', async () => {
    const category = `shelf-${unique()}`;
    for (let count = 0; count < 2; count++) await aProduct(app, { category });
    const { nextCursor } = (await list(null, `category=${category}&sort=name&limit=1`)).body;
    for (const sort of ['-name', 'createdAt'])
      expect(codeOf(await list(null, `sort=${sort}&cursor=${nextCursor}`))).toBe('http/invalid-cursor');
    const forged = (value: unknown) => Buffer.from(JSON.stringify(['name', value, NOBODYS_ID])).toString('base64url');
    for (const value of ['a\u0000', 5, null, ['a'], { gt: '' }])
      expect(codeOf(await list(null, `sort=name&cursor=${forged(value)}`))).toBe('http/invalid-cursor');
  });

  it.each([
    'sort=price',
    'sort=-price',
    'minPrice=-1',
    'minPrice=1.5',
    'minPrice=',
    'minPrice=ten',
    'minPrice=1e3',
    'maxPrice=1&maxPrice=2',
    'minPrice[gte]=1',
    'category[not]=x',
    'category=',
    'status=withdrawn',
    'q=',
    'limit=0',
    'limit=101',
    'variants[sku]=a',
    'where[stock]=1',
    'include=movements',
    'withdrawn=true',
    ...INHERITED_NAMES.map((name) => `${name}=1`),
  ])('refuses ?%s', async (filters) => {
    const answer = await list(null, filters);
    expect([answer.status, codeOf(answer)]).toEqual([400, 'http/validation-failed']);
  });
});

describe('changing a product', () => {
  it('keeps what is absent, clears with null, counts versions', async () => {
    const admin = await anAdmin(app);
    const before = (
      await create(admin, {
        name: `Mug ${unique()}`,
        category: 'kitchen',
        description: 'Old',
        status: 'active',
        externalId: unique(),
        metadata: { a: 'b' },
      })
    ).body;
    const { body } = await edit(admin, before.id, { category: null, externalId: null });
    expect(body).toEqual({ ...before, category: null, externalId: null, version: 2, updatedAt: body.updatedAt });
    for (const name of ['name', 'description', 'slug', 'status', 'metadata'])
      expect([name, (await edit(admin, before.id, { [name]: null })).status]).toEqual([name, 400]);
    expect((await edit(admin, before.id, { status: 'archived' })).body.status).toBe('archived');
    expect((await read(null, before.id)).status).toBe(404);
  });

  it('is won by exactly one of many who begin from the same version', async () => {
    const admin = await anAdmin(app);
    const { id } = await aProduct(app, { by: admin });
    const answers = await Promise.all(
      Array.from({ length: 6 }, (_, index) => edit(admin, id, { description: `Number ${index}` }, { 'if-match': '"1"' })),
    );
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 412, 412, 412, 412, 412]);
  });

  it('is for administrators, and of what there is', async () => {
    const { id, slug } = await aProduct(app);
    for (const change of [
      (by: Person | null, key: string) => edit(by, key, { name: 'x' }),
      withdraw,
      (by: Person | null, key: string) => addVariant(by, key, variant()),
    ]) {
      expect((await change(null, id)).status).toBe(401);
      expect((await change(await aUser(app, { roles: ['support'] }), id)).status).toBe(403);
      expect((await change(await anAdmin(app), NOBODYS_ID)).status).toBe(404);
      expect((await change(await anAdmin(app), slug)).status).toBe(400);
    }
    expect((await read(null, id)).body.version).toBe(1);
  });

  it('ends with its withdrawal, for everybody and for good', async () => {
    const admin = await anAdmin(app);
    const { id, variants } = await aProduct(app, { by: admin });
    expect((await call('DELETE', `products/${id}`, admin, undefined, { 'if-match': '"7"' })).status).toBe(412);
    expect(await withdraw(admin, id)).toMatchObject({ status: 204, text: '' });
    for (const answer of [
      await read(admin, id),
      await edit(admin, id, { status: 'active' }),
      await withdraw(admin, id),
      await addVariant(admin, id, variant()),
      await readVariant(admin, variants[0]!.id),
    ])
      expect(answer.status).toBe(404);
  });
});

describe('a variant', () => {
  it('is added, read, changed and withdrawn', async () => {
    const admin = await anAdmin(app);
    const { id: productId } = await aProduct(app, { by: admin });
    const added = await addVariant(admin, productId, variant({ stock: 3, externalId: unique() }));
    expect(added).toMatchObject({
      status: 201,
      headers: { location: `http://localhost/api/v1/variants/${added.body.id}`, etag: expect.stringMatching(/^"1-/) },
    });
    expect((await readVariant(null, added.body.id)).body).toEqual(added.body);
    const changed = await editVariant(
      admin,
      added.body.id,
      { name: 'Green', price: eur(990), externalId: null },
      { 'if-match': added.headers.etag! },
    );
    expect(changed.body).toEqual({ ...added.body, name: 'Green', price: eur(990), regularPrice: eur(990), externalId: null, version: 2 });
    expect((await editVariant(admin, added.body.id, { name: 'Red' }, { 'if-match': added.headers.etag! })).status).toBe(412);
    expect((await withdrawVariant(admin, added.body.id, { 'if-match': '"1"' })).status).toBe(412);
    expect(await withdrawVariant(admin, added.body.id)).toMatchObject({ status: 204, text: '' });
    for (const answer of [
      await readVariant(admin, added.body.id),
      await editVariant(admin, added.body.id, { name: 'x' }),
      await withdrawVariant(admin, added.body.id),
      await adjust(admin, added.body.id, 1),
    ])
      expect(codeOf(answer)).toBe('products/variant-not-found');
    expect((await read(null, productId)).body.variants).toHaveLength(1);
  });

  it('has an ETag that tells when its stock moved, though its version did not', async () => {
    const admin = await anAdmin(app);
    const { variants } = await aProduct(app, { by: admin });
    const { id } = variants[0]!;
    const before = await readVariant(null, id);
    await adjust(admin, id, 1);
    const after = await readVariant(null, id);
    expect([after.body.version, after.body.available]).toEqual([before.body.version, 11]);
    expect(after.headers.etag).not.toBe(before.headers.etag);
    expect((await editVariant(admin, id, { name: 'x' }, { 'if-match': before.headers.etag! })).status).toBe(200);
  });

  it('has a SKU that is unique for ever', async () => {
    const admin = await anAdmin(app);
    const { id, variants } = await aProduct(app, { by: admin });
    const sku = variants[0]!.sku;
    expect(codeOf(await addVariant(admin, id, variant({ sku })))).toBe('products/sku-taken');
    const other = (await addVariant(admin, id, variant())).body;
    expect(codeOf(await editVariant(admin, other.id, { sku }))).toBe('products/sku-taken');
    await withdrawVariant(admin, variants[0]!.id);
    expect(codeOf(await addVariant(admin, id, variant({ sku })))).toBe('products/sku-taken');
  });

  it.each(['', ' ', 'a b', '-a', '.a', 'ü', 'a'.repeat(65), 'a;b', 1, null])('has no SKU like %j', async (sku) => {
    const admin = await anAdmin(app);
    const { id, variants } = await aProduct(app, { by: admin });
    for (const answer of [await addVariant(admin, id, variant({ sku })), await editVariant(admin, variants[0]!.id, { sku })])
      expect(answer.status).toBe(400);
  });

  it.each([-1, 1.5, 1_000_000_001, '1', null])('does not begin with a stock of %j', async (stock) => {
    const admin = await anAdmin(app);
    const { id } = await aProduct(app, { by: admin });
    expect((await addVariant(admin, id, variant({ stock }))).status).toBe(400);
  });

  it('is changed by administrators only', async () => {
    const { variants } = await aProduct(app);
    const { id } = variants[0]!;
    for (const change of [
      (by: Person | null, key: string) => editVariant(by, key, { name: 'x' }),
      (by: Person | null, key: string) => withdrawVariant(by, key),
      (by: Person | null, key: string) => adjust(by, key, 1),
    ]) {
      expect((await change(null, id)).status).toBe(401);
      expect((await change(await aUser(app, { roles: ['support'] }), id)).status).toBe(403);
      expect((await change(await anAdmin(app), NOBODYS_ID)).status).toBe(404);
      expect((await change(await anAdmin(app), 'x')).status).toBe(400);
    }
    expect((await readVariant(null, 'x')).status).toBe(400);
    expect((await readVariant(null, NOBODYS_ID)).status).toBe(404);
  });
});

describe('the stock', () => {
  it('moves by its ledger, whose sum it is', async () => {
    const [admin, buyer] = [await anAdmin(app), await aUser(app)];
    const { variants } = await aProduct(app, { by: admin, stock: 10 });
    const { id } = variants[0]!;
    const movement = await adjust(admin, id, 5, 'delivery 4711');
    expect(movement).toMatchObject({ status: 201, body: { variantId: id, delta: 5, stock: 15, reason: 'delivery 4711', orderId: null } });
    await adjust(admin, id, -2, 'broken');
    const bought = (await order(buyer, id, 3)).body.id;
    await pay(buyer, bought);
    await call('POST', `orders/${bought}/cancellation`, buyer);
    const { items } = (await ledger(await aUser(app, { roles: ['support'] }), id)).body;
    expect(items.map(({ delta, stock, reason, orderId }) => [delta, stock, reason, orderId])).toEqual([
      [3, 13, 'order cancelled', bought],
      [-3, 10, 'sold', bought],
      [-2, 13, 'broken', null],
      [5, 15, 'delivery 4711', null],
      [10, 10, 'first stock', null],
    ]);
    const [row] = await sql('SELECT stock, reserved FROM variants WHERE id = $1', id);
    expect(row).toEqual({ stock: items.reduce((sum, { delta }) => sum + delta, 0), reserved: 0 });
    expect((await readVariant(null, id)).body.available).toBe(13);
  });

  it('falls neither below zero nor below what pending orders hold', async () => {
    const [admin, buyer] = [await anAdmin(app), await aUser(app)];
    const { variants } = await aProduct(app, { by: admin, stock: 10 });
    const { id } = variants[0]!;
    expect(codeOf(await adjust(admin, id, -11))).toBe('products/stock-too-low');
    await order(buyer, id, 4);
    expect((await readVariant(null, id)).body.available).toBe(6);
    expect(codeOf(await adjust(admin, id, -7))).toBe('products/stock-too-low');
    expect((await adjust(admin, id, -6)).body.stock).toBe(4);
    expect((await readVariant(null, id)).body.available).toBe(0);
  });

  it('is free again for an adjustment when an order has run out of time', async () => {
    const [admin, buyer] = [await anAdmin(app), await aUser(app)];
    const { variants } = await aProduct(app, { by: admin, stock: 10 });
    const { id } = variants[0]!;
    const placed = (await order(buyer, id, 10)).body.id;
    await sql(`UPDATE orders SET expires_at = now() - interval '1 second' WHERE id = $1`, placed);
    await sql(`UPDATE stock_reservations SET expires_at = now() - interval '1 second' WHERE order_id = $1`, placed);
    expect((await readVariant(null, id)).body.available).toBe(10);
    expect((await adjust(admin, id, -10)).body.stock).toBe(0);
  });

  it('has a greatest size', async () => {
    const admin = await anAdmin(app);
    const { variants } = await aProduct(app, { by: admin, stock: 10 });
    const answers = [];
    for (let count = 0; count < 4; count++) answers.push(await adjust(admin, variants[0]!.id, 999_999_990));
    expect(answers.map(({ status }) => status)).toEqual([201, 409, 409, 409]);
    expect((await readVariant(null, variants[0]!.id)).body.available).toBe(1_000_000_000);
  });

  it('is exact under adjustments at once', async () => {
    const admin = await anAdmin(app);
    const { variants } = await aProduct(app, { by: admin, stock: 10 });
    const { id } = variants[0]!;
    const answers = await Promise.all(Array.from({ length: 20 }, () => adjust(admin, id, -1)));
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(10);
    expect(answers.filter((answer) => answer.status === 409 && codeOf(answer) === 'products/stock-too-low')).toHaveLength(10);
    expect((await ledger(admin, id)).body.items.map(({ stock }) => stock).sort((a, b) => a - b)).toEqual([
      0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10,
    ]);
  });

  it('is adjusted once by a call that is repeated with its key', async () => {
    const admin = await anAdmin(app);
    const { variants } = await aProduct(app, { by: admin, stock: 10 });
    const { id } = variants[0]!;
    const key = unique();
    const once = () => call('POST', `variants/${id}/stock-adjustments`, admin, { delta: 1, reason: 'x' }, { 'idempotency-key': key });
    const [first, second] = [await once(), await once()];
    expect([second.status, second.text, second.headers['idempotency-replayed']]).toEqual([201, first.text, 'true']);
    expect((await readVariant(null, id)).body.available).toBe(11);
  });

  it.each([
    [0, 'x'],
    [0.5, 'x'],
    [1_000_000_001, 'x'],
    [-1_000_000_001, 'x'],
    ['1', 'x'],
    [null, 'x'],
    [1, ''],
    [1, ' '],
    [1, 'a'.repeat(201)],
    [1, 'a\nb'],
    [1, null],
    [1, 5],
  ])('is not adjusted by %j because of %j', async (delta, reason) => {
    const admin = await anAdmin(app);
    const { variants } = await aProduct(app, { by: admin });
    expect((await adjust(admin, variants[0]!.id, delta, reason)).status).toBe(400);
    expect((await readVariant(null, variants[0]!.id)).body.available).toBe(10);
  });

  it('shows its ledger to staff only, in pages', async () => {
    const admin = await anAdmin(app);
    const { variants } = await aProduct(app, { by: admin });
    const { id } = variants[0]!;
    for (let delta = 1; delta <= 4; delta++) await adjust(admin, id, delta);
    expect((await ledger(null, id)).status).toBe(401);
    for (const roles of [['customer'], ['editor']] as Person['roles'][])
      expect((await ledger(await aUser(app, { roles }), id)).status).toBe(403);
    expect((await ledger(admin, NOBODYS_ID)).status).toBe(404);
    expect((await ledger(admin, 'x')).status).toBe(400);
    expect((await ledger(admin, id, 'sort=delta')).status).toBe(400);
    const first = (await ledger(admin, id, 'limit=3')).body;
    const rest = (await ledger(admin, id, `limit=3&cursor=${first.nextCursor}`)).body;
    expect([...first.items, ...rest.items].map(({ delta }) => delta)).toEqual([4, 3, 2, 1, 10]);
    expect(rest.nextCursor).toBeNull();
  });

  it.each([
    ['more reserved than there is', 'UPDATE variants SET reserved = stock + 1 WHERE id = $1'],
    ['less than nothing reserved', 'UPDATE variants SET reserved = -1 WHERE id = $1'],
    ['less than nothing in stock', 'UPDATE variants SET stock = -1 WHERE id = $1'],
    [
      'a movement of nothing',
      `INSERT INTO stock_movements (id, variant_id, delta, balance, reason) VALUES (gen_random_uuid(), $1, 0, 1, 'x')`,
    ],
    [
      'a movement to less than nothing',
      `INSERT INTO stock_movements (id, variant_id, delta, balance, reason) VALUES (gen_random_uuid(), $1, -1, -1, 'x')`,
    ],
    ['a reservation of nothing', 'INSERT INTO stock_reservations (order_id, variant_id, quantity) VALUES (gen_random_uuid(), $1, 0)'],
  ])('is never %s, whoever writes it', async (_, statement) => {
    const { variants } = await aProduct(app);
    await expect(sql(statement, variants[0]!.id)).rejects.toMatchObject({ code: '23514' });
  });
});
