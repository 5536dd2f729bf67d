import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { ProblemDocument } from '../libs/http/src/problem.filter.js';
import type { CategoryList, CategoryResponse } from '../src/products/categories.dto.js';
import type { FacetsResponse } from '../src/products/facets.dto.js';
import type { ProductList, ProductResponse } from '../src/products/products.dto.js';
import type { VariantResponse } from '../src/products/variants.dto.js';
import { startApp, type TestApp } from './harness/app.js';
import type { Answer } from './harness/client.js';
import { query } from './harness/database.js';
import { eventually } from './harness/eventually.js';
import { anAdmin, aProduct, aUser, type Person, unique } from './harness/people.js';
import { type Product as Process, startProcess, stopProcesses } from './harness/product.js';
import { aPng, upload } from './harness/uploads.js';
import type { Wire } from './harness/wire.js';

let app: TestApp;
/** Another process on the same database. */
let other: Process;
let admin: Person;

type Category = Wire<CategoryResponse>;
type Product = Wire<ProductResponse>;
type Variant = Wire<VariantResponse>;

beforeAll(async () => {
  app = await startApp();
  other = await startProcess({ databaseUrl: app.databaseUrl });
  admin = await anAdmin(app);
}, 60_000);
afterAll(async () => {
  await stopProcesses();
  await app.close();
});

const eur = (amount: number) => ({ amount, currency: 'EUR' });
const problemOf = (answer: Answer<unknown>) => answer.body as ProblemDocument;
const refusal = (answer: Answer<unknown>) => [answer.status, problemOf(answer).code];
const call = <Body>(method: string, path: string, by: Person | null, body?: object, at: Pick<TestApp, 'request'> = app, headers = {}) =>
  at.request<Body>(method, path, {
    ...(by && { token: by.accessToken }),
    ...(body && { body }),
    headers: { ...(method === 'POST' && by && { 'idempotency-key': unique() }), ...headers },
  });
const make = (body: object, by: Person | null = admin) => call<Category>('POST', 'categories', by, body);
const move = (id: string, body: object, by: Person | null = admin, at: Pick<TestApp, 'request'> = app, headers = {}) =>
  call<Category>('PATCH', `categories/${id}`, by, body, at, headers);
const remove = (id: string, by: Person | null = admin) => call('DELETE', `categories/${id}`, by);
const readCategory = (idOrSlug: string) => call<Category>('GET', `categories/${idOrSlug}`, null);
const list = async (filters: string, by: Person | null = null) =>
  (await call<Wire<ProductList>>('GET', `products?${filters}`, by)).body.items.map(({ id }) => id);
const create = (body: object, by: Person = admin) => call<Product>('POST', 'products', by, { name: `P ${unique()}`, ...body });
const read = async (id: string, by: Person | null = null) => (await call<Product>('GET', `products/${id}`, by)).body;
const edit = (id: string, body: object, by: Person = admin) => call<Product>('PATCH', `products/${id}`, by, body);
const editVariant = (id: string, body: object) => call<Variant>('PATCH', `variants/${id}`, admin, body);
const variant = (more: object = {}) => ({ sku: `SKU-${unique()}`, name: 'Blue', price: eur(1_000), ...more });

async function aCategory(parentId: string | null = null, more: object = {}): Promise<Category> {
  const answer = await make({ name: `C ${unique()}`, parentId, ...more });
  if (answer.status !== 201) throw new Error(answer.text);
  return answer.body;
}

describe('categories', () => {
  it('are a tree: made, read, renamed, moved and deleted', async () => {
    const top = await aCategory();
    const name = `Mugs & Cups ${unique()}`;
    const made = await make({ name, parentId: top.id, position: 3 });
    expect(made.status).toBe(201);
    expect(made.headers.location).toBe(`http://localhost/api/v1/categories/${made.body.id}`);
    const slug = name.toLowerCase().replace(' & ', '-').replaceAll(' ', '-');
    const step = ({ id, slug, name }: Category) => ({ id, slug, name });
    expect(made.body).toEqual({
      id: made.body.id,
      slug,
      name,
      parentId: top.id,
      path: [step(top), step(made.body)],
      position: 3,
      version: 1,
      createdAt: expect.any(String),
      updatedAt: expect.any(String),
    });
    expect((await readCategory(slug)).body).toEqual(made.body);
    const renamed = (await move(made.body.id, { name: 'Cups', parentId: null })).body;
    expect(renamed).toMatchObject({ slug, name: 'Cups', parentId: null, position: 3, version: 2, path: [{ name: 'Cups' }] });
    expect((await readCategory(made.body.id)).body).toEqual(renamed);
    expect((await remove(made.body.id)).status).toBe(204);
    expect(refusal(await readCategory(made.body.id))).toEqual([404, 'categories/not-found']);
    expect(
      await query(app.databaseUrl, `SELECT action, before->>'name' AS was FROM audit_entries WHERE resource_id = $1 ORDER BY id`, [
        renamed.id,
      ]),
    ).toEqual([
      { action: 'categories.created', was: null },
      { action: 'categories.updated', was: name },
      { action: 'categories.deleted', was: 'Cups' },
    ]);
  });

  it('are listed by their place or name, page by page, and below one', async () => {
    const top = await aCategory();
    const made = [];
    for (const position of [2, 0, 1]) made.push(await aCategory(top.id, { position, name: `${['b', 'c', 'a'][position]} ${unique()}` }));
    const ids = async (filters: string) => {
      const seen: string[] = [];
      let cursor = '';
      do {
        const { body } = await call<Wire<CategoryList>>('GET', `categories?parent=${top.id}&limit=2&${filters}${cursor}`, null);
        seen.push(...body.items.map(({ id }) => id));
        cursor = body.nextCursor === null ? '' : `&cursor=${body.nextCursor}`;
      } while (cursor !== '');
      return seen;
    };
    const [third, first, second] = made.map(({ id }) => id);
    expect(await ids('')).toEqual([first, second, third]);
    expect(await ids('sort=name')).toEqual([third, first, second]);
    expect(await ids('sort=-name')).toEqual([second, first, third]);
    expect((await call('GET', 'categories?limit=3', null)).status).toBe(200);
  });

  it('that a product is the first to name are made at the top, by it', async () => {
    const word = `Kitchen ${unique()}`;
    const product = await aProduct(app, { by: admin, category: word });
    expect((await readCategory(encodeURIComponent(word))).body).toMatchObject({ slug: word, name: word, parentId: null });
    await edit(product.id, { category: `${word}!` });
    expect((await readCategory(encodeURIComponent(`${word}!`))).status).toBe(200);
    expect((await read(product.id)).category).toBe(`${word}!`);
  });

  it('hold what lies in those below them, and say so at once when they are moved', async () => {
    const [home, kitchen] = [await aCategory(), await aCategory()];
    const mugs = await aCategory(kitchen.id);
    const ids: string[] = [];
    for (const [category, name] of [
      [mugs, 'c'],
      [kitchen, 'a'],
      [mugs, 'b'],
      [home, 'd'],
    ] as const)
      ids.push((await aProduct(app, { by: admin, category: category.slug, name: `${name} ${unique()}` })).id);
    const [one, two, three, four] = ids;
    expect(await list(`category=${kitchen.slug}`)).toEqual([three, two, one]);
    expect(await list(`category=${kitchen.slug}&sort=name`)).toEqual([two, three, one]);
    expect(await list(`category=${mugs.slug}`)).toEqual([three, one]);
    expect(await list(`category=${home.slug}`)).toEqual([four]);
    await move(kitchen.id, { parentId: home.id });
    expect(await list(`category=${home.slug}&sort=createdAt`)).toEqual(ids);
    const paged: string[] = [];
    let cursor = '';
    do {
      const path = `products?category=${home.slug}&sort=-name&limit=1${cursor}`;
      const { body } = await call<Wire<ProductList>>('GET', path, null);
      paged.push(...body.items.map(({ id }) => id));
      cursor = body.nextCursor === null ? '' : `&cursor=${body.nextCursor}`;
    } while (cursor !== '');
    expect(paged).toEqual([four, one, three, two]);
  });

  it('cannot be below themselves, nor more than ten deep', async () => {
    const chain = [await aCategory()];
    while (chain.length < 10) chain.push(await aCategory(chain.at(-1)!.id));
    expect(refusal(await make({ name: 'Deep', parentId: chain.at(-1)!.id }))).toEqual([409, 'categories/misplaced']);
    expect(refusal(await move(chain[0]!.id, { parentId: chain[4]!.id }))).toEqual([409, 'categories/misplaced']);
    expect(refusal(await move(chain[0]!.id, { parentId: chain[0]!.id }))).toEqual([409, 'categories/misplaced']);
    const pair = await aCategory((await aCategory()).id);
    // Two levels, below the ninth of ten.
    expect(refusal(await move(pair.parentId!, { parentId: chain[8]!.id }))).toEqual([409, 'categories/misplaced']);
    expect((await move(pair.parentId!, { parentId: chain[7]!.id })).status).toBe(200);
    expect((await readCategory(pair.id)).body.path).toHaveLength(10);
  });

  it('that two processes move below each other’s at once stay a tree', async () => {
    for (let round = 0; round < 15; round++) {
      const [a, b] = [await aCategory(), await aCategory()];
      const answers = await Promise.all([move(a.id, { parentId: b.id }), move(b.id, { parentId: a.id }, admin, other)]);
      expect(answers.map(({ status }) => status).sort()).toEqual([200, 409]);
    }
  });

  it('with something in them stay; what is withdrawn does not count', async () => {
    const top = await aCategory();
    const below = await aCategory(top.id);
    expect(refusal(await remove(top.id))).toEqual([409, 'categories/in-use']);
    const product = await aProduct(app, { by: admin, category: below.slug });
    expect(refusal(await remove(below.id))).toEqual([409, 'categories/in-use']);
    await call('DELETE', `products/${product.id}`, admin);
    expect((await remove(below.id)).status).toBe(204);
    expect((await remove(top.id)).status).toBe(204);
  });

  it('are changed by whoever manages products, who says how', async () => {
    const { id, slug } = await aCategory();
    for (const by of [null, await aUser(app), await aUser(app, { roles: ['editor'] })])
      for (const answer of [await make({ name: 'x' }, by), await move(id, { name: 'x' }, by), await remove(id, by)])
        expect(answer.status).toBe(by === null ? 401 : 403);
    expect(refusal(await make({ name: 'x', slug }))).toEqual([409, 'categories/slug-taken']);
    const nobodys = '0199f3a1-7c1e-7b3a-9a4e-0d6f1c2b3a49';
    expect(refusal(await make({ name: 'x', parentId: nobodys }))).toEqual([400, 'categories/unknown-parent']);
    expect(refusal(await move(nobodys, { name: 'x' }))).toEqual([404, 'categories/not-found']);
    expect(refusal(await move(id, { name: 'x' }, admin, app, { 'if-match': '"7"' }))).toEqual([412, 'http/stale-version']);
    for (const body of [
      {},
      { name: '' },
      { name: 'x', slug: 'A b' },
      { name: 'x', position: -1 },
      { name: 'x', parentId: 'x' },
      { name: 'x', path: [] },
    ])
      expect([body, (await make(body)).status]).toEqual([body, 400]);
    for (const body of [{ slug: 'x' }, { name: null }, { position: null }])
      expect([body, (await move(id, body)).status]).toEqual([body, 400]);
    expect((await call('GET', 'categories?parent=x', null)).status).toBe(400);
  });
});

describe('options', () => {
  const COLOUR = { name: 'Colour', values: ['Blue', 'Red'] };
  const SIZE = { name: 'Size', values: ['S', 'M'] };

  it('are what variants differ in: one value of each, never the same twice', async () => {
    const { body, status } = await create({
      options: [COLOUR, SIZE],
      status: 'active',
      variants: [
        variant({ optionValues: { Colour: 'Blue', Size: 'S' } }),
        variant({ optionValues: { Size: 'M', Colour: 'Blue' } }),
        variant(),
      ],
    });
    expect(status).toBe(201);
    expect(body.options).toEqual([COLOUR, SIZE]);
    expect(body.variants.map(({ optionValues }) => optionValues)).toEqual([
      { Colour: 'Blue', Size: 'S' },
      { Colour: 'Blue', Size: 'M' },
      {},
    ]);
    expect(await read(body.id)).toEqual(body);
    const [first, second] = body.variants;
    const add = (optionValues: object) => call<Variant>('POST', `products/${body.id}/variants`, admin, variant({ optionValues }));
    expect(refusal(await add({ Colour: 'Blue', Size: 'S' }))).toEqual([409, 'products/option-values-taken']);
    expect(refusal(await editVariant(second!.id, { optionValues: { Colour: 'Blue', Size: 'S' } }))).toEqual([
      409,
      'products/option-values-taken',
    ]);
    for (const values of [{ Colour: 'Blue' }, { Colour: 'Green', Size: 'S' }, { Colour: 'Blue', Size: 'S', Cut: 'x' }]) {
      expect(refusal(await add(values))).toEqual([400, 'products/options-misfit']);
      expect(refusal(await editVariant(first!.id, { optionValues: values }))).toEqual([400, 'products/options-misfit']);
    }
    const refused = await create({ options: [COLOUR], variants: [variant(), variant({ optionValues: { Colour: 'Green' } })] });
    expect(problemOf(refused).errors).toMatchObject([{ pointer: '/variants/1/optionValues' }]);
    // What is withdrawn is in nobody's way.
    await call('DELETE', `variants/${first!.id}`, admin);
    expect((await add({ Colour: 'Blue', Size: 'S' })).status).toBe(201);
  });

  it('keep the values that variants have', async () => {
    const { body } = await create({ options: [COLOUR], variants: [variant({ optionValues: { Colour: 'Red' } })] });
    const refused = await edit(body.id, { options: [{ name: 'Colour', values: ['Blue'] }] });
    expect(refusal(refused)).toEqual([409, 'products/options-in-use']);
    expect(problemOf(refused).errors).toMatchObject([{ detail: expect.stringContaining(body.variants[0]!.sku) }]);
    expect(refusal(await edit(body.id, { options: [] }))).toEqual([409, 'products/options-in-use']);
    expect((await edit(body.id, { options: [{ name: 'Colour', values: ['Red', 'Green'] }] })).body.options[0]!.values).toEqual([
      'Red',
      'Green',
    ]);
    await editVariant(body.variants[0]!.id, { optionValues: {} });
    expect((await edit(body.id, { options: [] })).body.options).toEqual([]);
  });

  it('are given by only one of two who want the same at once', async () => {
    const { body } = await create({ options: [COLOUR], variants: [] });
    const add = (at: Pick<TestApp, 'request'>) =>
      call('POST', `products/${body.id}/variants`, admin, variant({ optionValues: { Colour: 'Red' } }), at);
    const answers = await Promise.all([app, other, app, other].map(add));
    expect(answers.map(({ status }) => status).sort()).toEqual([201, 409, 409, 409]);
    const raced = answers.find(({ status }) => status === 201)!.body as Variant;
    // The value goes, or is taken: never both.
    await editVariant(raced.id, { optionValues: {} });
    for (let round = 0; round < 10; round++) {
      const [gone, taken] = await Promise.all([
        edit(body.id, { options: [{ name: 'Colour', values: ['Blue'] }] }),
        call('PATCH', `variants/${raced.id}`, admin, { optionValues: { Colour: 'Red' } }, other),
      ]);
      expect([gone.status, taken.status].sort()).not.toEqual([200, 200]);
      await editVariant(raced.id, { optionValues: {} });
      await edit(body.id, { options: [COLOUR] });
    }
  });

  it.each([
    [{ options: [{ name: 'x', values: [] }] }],
    [{ options: [{ name: '', values: ['a'] }] }],
    [{ options: [{ name: 'x', values: ['a', 'a'] }] }],
    [{ options: [{ name: 'x', values: [' a'] }] }],
    [{ options: [{ name: 'x', values: [1] }] }],
    [{ options: [{ name: 'x', values: ['a'.repeat(61)] }] }],
    [{ options: [COLOUR, COLOUR] }],
    [{ options: [null] }],
    [{ options: ['a', 'b', 'c', 'd'].map((name) => ({ name, values: ['x'] })) }],
    [{ variants: [variant({ optionValues: [] })] }],
    [{ variants: [variant({ optionValues: { a: 1 } })] }],
    [{ variants: [variant({ optionValues: null })] }],
  ])('are refused when they are none: %j', async (body) => {
    expect((await create(body)).status).toBe(400);
  });
});

describe('a price to compare with', () => {
  it('is more than the price, in its currency', async () => {
    const { body } = await create({ status: 'active', variants: [variant({ compareAtPrice: eur(1_500) })] });
    const { id } = body.variants[0]!;
    expect(body.variants[0]).toMatchObject({ price: eur(1_000), compareAtPrice: eur(1_500) });
    for (const changes of [
      { compareAtPrice: eur(1_000) },
      { compareAtPrice: { amount: 2_000, currency: 'USD' } },
      { price: eur(1_500) },
      { price: { amount: 10, currency: 'USD' } },
    ])
      expect(refusal(await editVariant(id, changes))).toEqual([400, 'products/compare-at-invalid']);
    expect(refusal(await create({ variants: [variant({ compareAtPrice: eur(999) })] }))).toEqual([400, 'products/compare-at-invalid']);
    expect((await editVariant(id, { price: eur(2_000), compareAtPrice: eur(2_500) })).body).toMatchObject({ compareAtPrice: eur(2_500) });
    expect((await editVariant(id, { name: 'x' })).body).toMatchObject({ compareAtPrice: eur(2_500) });
    expect((await editVariant(id, { compareAtPrice: null })).body).toMatchObject({ price: eur(2_000), compareAtPrice: null });
  });
});

describe('images', () => {
  const anImage = async (by: Person) => (await upload(app, by, { name: 'a.png', type: 'image/png', bytes: aPng(30, 20) })).body;
  const isPublic = async (id: string) => (await call('GET', `files/${id}/content`, null)).status === 200;

  it('are shown in order, and are public as long as the product is on sale', async () => {
    const [front, back] = [await anImage(admin), await anImage(admin)];
    const { body } = await create({ images: [{ fileId: front.id, alt: 'The front' }, { fileId: back.id }], variants: [variant()] });
    expect(body.images).toMatchObject([
      { fileId: front.id, alt: 'The front', width: 30, height: 20 },
      { fileId: back.id, alt: '' },
    ]);
    expect([await isPublic(front.id), await isPublic(back.id)]).toEqual([false, false]);
    const active = (await edit(body.id, { status: 'active' })).body;
    expect(active.images[0]!.url).toBe(`http://localhost/api/v1/files/${front.id}/content`);
    const links = ({ images }: Product) => images.map(({ fileId, url }) => [fileId, url]); // smaller pictures are made meanwhile
    expect(links(await read(body.id))).toEqual(links(active));
    expect([await isPublic(front.id), await isPublic(back.id)]).toEqual([true, true]);
    expect(refusal(await call('DELETE', `files/${front.id}`, admin))).toEqual([409, 'files/in-use']);
    await edit(body.id, { images: [{ fileId: back.id, alt: 'The back' }] });
    expect((await read(body.id)).images).toMatchObject([{ fileId: back.id, alt: 'The back' }]);
    expect([await isPublic(front.id), await isPublic(back.id)]).toEqual([false, true]);
    await call('DELETE', `products/${body.id}`, admin);
    expect(await isPublic(back.id)).toBe(false);
  });

  it('are images of whoever shows them, each once', async () => {
    const shopkeeper = await anAdmin(app);
    const { id } = (await create({ status: 'active' })).body;
    const text = (await upload(app, admin, { name: 'a.txt', type: 'text/plain', bytes: 'text' })).body;
    const refused = await edit(id, { images: [{ fileId: (await anImage(admin)).id }, { fileId: text.id }] });
    expect(refusal(refused)).toEqual([400, 'products/image-unusable']);
    expect(problemOf(refused).errors).toMatchObject([{ pointer: '/images/1/fileId' }]);
    const image = await anImage(shopkeeper);
    expect((await edit(id, { images: [{ fileId: image.id }] }, shopkeeper)).status).toBe(200);
    for (const images of [
      [{ fileId: image.id }, { fileId: image.id }],
      [{ fileId: 'x' }],
      [{}],
      [image.id],
      [{ fileId: image.id, url: 'x' }],
      null,
    ])
      expect([images, (await edit(id, { images })).status]).toEqual([images, 400]);
  });

  it('of somebody else are not shown by whoever may only manage products', async () => {
    const body = { name: `r-${unique()}`, permissions: ['products:manage', 'products:read', 'files:write'] };
    const role = (await call<{ name: string }>('POST', 'roles', admin, body)).body.name;
    const keeper = await aUser(app, { roles: ['customer', role] as never });
    const foreign = await anImage(await aUser(app));
    expect(refusal(await call('POST', 'products', keeper, { name: 'x', images: [{ fileId: foreign.id }] }))).toEqual([
      400,
      'products/image-unusable',
    ]);
    const own = await anImage(keeper);
    const made = await call<Product>('POST', 'products', keeper, { name: `P ${unique()}`, images: [{ fileId: own.id }] });
    expect(made.status).toBe(201);
  });
});

describe('facets', () => {
  type Facets = Wire<FacetsResponse>;
  const facets = async (filters: string) => {
    const answer = await call<Facets>('GET', `products/facets?${filters}`, null);
    if (answer.status !== 200) throw new Error(answer.text);
    return answer.body;
  };

  /** A category with two below it, of products that differ in all that is counted. */
  async function aShelf() {
    const top = await aCategory();
    const [left, right] = [await aCategory(top.id), await aCategory(top.id)];
    const word = `w${unique()}`;
    const options = [
      { name: 'Colour', values: ['Blue', 'Red', 'Green'] },
      { name: 'Size', values: ['S', 'M'] },
    ];
    const of = (Colour: string, Size: string, amount: number, stock: number) =>
      variant({ optionValues: { Colour, Size }, price: eur(amount), stock });
    const sold = [
      { category: left.slug, variants: [of('Blue', 'S', 100, 1), of('Red', 'M', 5_000, 0)] },
      { category: left.slug, name: `A ${word}`, variants: [of('Blue', 'M', 900, 0)] },
      { category: right.slug, variants: [of('Red', 'S', 1_100, 3), of('Green', 'S', 1_100, 0)] },
      { category: top.slug, name: `The ${word}`, variants: [variant({ price: { amount: 700, currency: 'JPY' }, stock: 1 })] },
      { category: right.slug, variants: [] },
    ];
    for (const product of sold) expect((await create({ options, status: 'active', ...product })).status).toBe(201);
    expect((await create({ options, status: 'draft', ...sold[0], variants: [] })).status).toBe(201);
    return { top, left, right, word };
  }

  it('count what lies below, by what it could be narrowed down by', async () => {
    const { top, left, right } = await aShelf();
    expect(await facets(`category=${top.slug}`)).toEqual({
      total: 5,
      categories: expect.arrayContaining([
        { slug: left.slug, name: left.name, count: 2 },
        { slug: right.slug, name: right.name, count: 2 },
      ]),
      options: [
        {
          name: 'Colour',
          values: [
            { value: 'Blue', count: 2 },
            { value: 'Red', count: 2 },
            { value: 'Green', count: 1 },
          ],
        },
        {
          name: 'Size',
          values: [
            { value: 'M', count: 2 },
            { value: 'S', count: 2 },
          ],
        },
      ],
      prices: [
        {
          currency: 'EUR',
          min: 100,
          max: 5_000,
          ranges: [
            { from: 100, to: 1_080, count: 2 },
            { from: 1_081, to: 2_061, count: 1 },
            { from: 4_024, to: 5_004, count: 1 },
          ],
        },
        { currency: 'JPY', min: 700, max: 700, ranges: [{ from: 700, to: 700, count: 1 }] },
      ],
      availability: { available: 3, unavailable: 2 },
    });
  });

  it('are what the list has, whatever is filtered by', async () => {
    const { top, left, word } = await aShelf();
    const found = async (filters: string) => (await list(`${filters}&limit=100`)).length;
    for (const filters of [
      '',
      'available=true',
      'option=Colour:Blue',
      'option=Colour:Blue,Colour:Red',
      'option=Colour:Blue,Size:M',
      'option=Colour:Red&available=true',
      'minPrice=600&maxPrice=1100',
      'maxPrice=1000&option=Size:S&available=true',
      `q=${word}`,
      'option=Colour:None',
    ]) {
      const within = `category=${top.slug}&${filters}`;
      const { total, categories, options, prices, availability } = await facets(within);
      expect([filters, total]).toEqual([filters, await found(within)]);
      const search = new URLSearchParams(filters);
      const others = (...names: string[]) => {
        const left = new URLSearchParams(search);
        for (const name of names) left.delete(name);
        return `category=${top.slug}&${left.toString()}`;
      };
      for (const { slug, count } of categories) {
        const below = others().replace(top.slug, slug);
        expect([filters, slug, count]).toEqual([filters, slug, await found(below)]);
      }
      for (const { name, values } of options)
        for (const { value, count } of values) {
          const kept = (search.get('option') ?? '').split(',').filter((each) => each !== '' && !each.startsWith(`${name}:`));
          const option = [...kept, `${name}:${value}`].join(',');
          expect([filters, option, count]).toEqual([filters, option, await found(`${others('option')}&option=${option}`)]);
        }
      // One currency at a time: the list compares amounts alone.
      if (prices.length === 1)
        for (const { from, to, count } of prices[0]!.ranges) {
          if (search.has('minPrice') || search.has('maxPrice')) continue;
          expect([filters, from, count]).toEqual([filters, from, await found(`${others()}&minPrice=${from}&maxPrice=${to}`)]);
        }
      expect([filters, availability.available]).toEqual([filters, await found(`${others('available')}&available=true`)]);
      expect([filters, availability.available + availability.unavailable]).toEqual([filters, await found(others('available'))]);
    }
    expect((await facets(`category=${left.slug}`)).categories).toEqual([]);
    expect((await facets('category=never')).total).toBe(0);
  });

  it('see a change of the catalogue at once, and stock within seconds', async () => {
    const { left } = await aShelf();
    const path = `category=${left.slug}`;
    const before = await facets(path);
    const { body } = await create({ status: 'active', category: left.slug, variants: [variant({ stock: 0 })] });
    expect((await facets(path)).total).toBe(before.total + 1);
    await call('POST', `variants/${body.variants[0]!.id}/stock-adjustments`, admin, { delta: 1, reason: 'found' });
    const { available } = before.availability;
    await eventually(async () => (await facets(path)).availability.available === available + 1, 15_000);
  });

  it('count as available what can be ordered before it comes', async () => {
    const { left } = await aShelf();
    const path = `category=${left.slug}`;
    const before = (await facets(path)).availability;
    await create({ status: 'active', category: left.slug, variants: [variant({ stock: 0, backorder: 'backorder' })] });
    expect((await facets(path)).availability).toEqual({ ...before, available: before.available + 1 });
    expect(await list(`${path}&available=true`)).toHaveLength(before.available + 1);
  });

  it.each([
    'option=Colour',
    'option=',
    'option=a:b,',
    'available=false',
    'available=1',
    'limit=1',
    'sort=name',
    'option[a]=b',
    'option=a:b&option=c:d',
  ])('refuse what they do not know: %s', async (filters) =>
    expect((await call('GET', `products/facets?${filters}`, null)).status).toBe(400),
  );

  it('leave their words to themselves', async () => {
    expect((await create({ slug: 'facets' })).status).toBe(400);
    expect((await create({ name: 'Facets' })).body.slug).toMatch(/^facets-/);
    expect((await create({ name: 'Imports' })).body.slug).toMatch(/^imports-/);
  });
});

describe('what is withdrawn', () => {
  it('keeps the orders true that it was sold in', async () => {
    const customer = await aUser(app);
    const product = await aProduct(app, { by: admin, price: 700, name: `Sold ${unique()}` });
    const placed = await call<{ id: string; items: object[] }>('POST', 'orders', customer, {
      items: [{ variantId: product.variants[0]!.id, quantity: 2 }],
    });
    await call('DELETE', `products/${product.id}`, admin);
    expect((await call('GET', `products/${product.id}`, admin)).status).toBe(404);
    const { body } = await call<{ items: object[] }>('GET', `orders/${placed.body.id}`, customer);
    expect(body.items).toEqual(placed.body.items);
    expect(body.items).toMatchObject([{ sku: product.variants[0]!.sku, unitPrice: eur(700), quantity: 2 }]);
  });
});
