import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { PrismaService, transaction } from '#database';
import type { ProblemDocument } from '../libs/http/src/problem.filter.js';
import type { OrderList, OrderResponse, QuoteResponse } from '../src/orders/orders.dto.js';
import { ChargesService } from '../src/orders/charges.service.js';
import type { PaymentResponse } from '../src/payments/payments.dto.js';
import { PaymentsService } from '../src/payments/payments.service.js';
import type { ProductResponse } from '../src/products/products.dto.js';
import { startApp, type TestApp } from './harness/app.js';
import type { Answer, Call } from './harness/client.js';
import { query } from './harness/database.js';
import { eventually } from './harness/eventually.js';
import { fire } from './harness/schedules.js';
import { actorOf, anAdmin, aProduct, aUser, type Person, unique } from './harness/people.js';
import { type Product, startProcess, stopProcesses } from './harness/product.js';
import { INHERITED_NAMES, type Wire } from './harness/wire.js';

const NOBODYS_ID = '0199f3a1-7c1e-7b3a-9a4e-0d6f1c2b3a49';

let app: TestApp;
/** Another process on the same database, with reservations of one second. */
let hasty: Product;

beforeAll(async () => {
  app = await startApp();
  hasty = await startProcess({ databaseUrl: app.databaseUrl, env: { ORDERS_RESERVATION_SECONDS: '1' } });
}, 60_000);

afterAll(async () => {
  await stopProcesses();
  await app.close();
});

type OrderBody = Wire<OrderResponse>;
type ListBody = Wire<OrderList>;
type PaymentBody = Wire<PaymentResponse>;

interface Item {
  variantId: string;
  quantity: number;
}

const call = <Body = OrderBody>(
  method: string,
  path: string,
  by: Person | null,
  body?: unknown,
  headers: Call['headers'] = {},
  at: Pick<TestApp, 'request'> = app,
) => at.request<Body>(method, path, { ...(by && { token: by.accessToken }), ...(body !== undefined && { body }), headers });
const keyed = (key = unique()) => ({ 'idempotency-key': key });
const place = (by: Person | null, items: unknown, more: object = {}, headers: Call['headers'] = keyed()) =>
  call('POST', 'orders', by, { items, ...more }, headers);
const quote = (by: Person | null, items: unknown) => call<Wire<QuoteResponse>>('POST', 'orders/quote', by, { items });
const read = (by: Person | null, id: string) => call('GET', `orders/${id}`, by);
const list = (by: Person | null, filters = '') => call<ListBody>('GET', `orders?${filters}`, by);
const pay = (by: Person | null, id: string, method: unknown = 'sandbox:success', headers: Call['headers'] = keyed()) =>
  call<PaymentBody>('POST', `orders/${id}/payments`, by, { method }, headers);
const cancel = (by: Person | null, id: string, headers: Call['headers'] = {}) =>
  call('POST', `orders/${id}/cancellation`, by, undefined, headers);
const available = async (variantId: string) => (await call<{ available: number }>('GET', `variants/${variantId}`, null)).body.available;
const sql = <Row extends object = Record<string, unknown>>(text: string, ...values: unknown[]) => query<Row>(app.databaseUrl, text, values);
const idsOf = (answer: Answer<ListBody>) => answer.body.items.map(({ id }) => id);
const problemOf = (answer: Answer<unknown>) => answer.body as ProblemDocument;
const codeOf = (answer: Answer<unknown>) => problemOf(answer).code;
const refusal = (answer: Answer<unknown>) => [answer.status, codeOf(answer)];
const eur = (amount: number) => ({ amount, currency: 'EUR' });
/** What a line has of discounts and tax in a shop that has neither. */
const UNTAXED = { discount: eur(0), tax: eur(0), taxRate: null };

async function aVariant(more: Parameters<typeof aProduct>[1] = {}): Promise<string> {
  return (await aProduct(app, more)).variants[0]!.id;
}

/** An order of one variant. */
async function anOrder(
  by: Person,
  { quantity = 1, ...product }: Parameters<typeof aProduct>[1] & { quantity?: number } = {},
): Promise<OrderBody & { variantId: string }> {
  const variantId = await aVariant(product);
  const { body } = await place(by, [{ variantId, quantity }]);
  return { ...body, variantId };
}

/** As if the order had been placed a day earlier. */
async function age(id: string): Promise<void> {
  await sql(`UPDATE orders SET created_at = created_at - interval '1 day', expires_at = expires_at - interval '1 day' WHERE id = $1`, id);
  await sql(`UPDATE stock_reservations SET expires_at = expires_at - interval '1 day' WHERE order_id = $1`, id);
}

const charges = (orderId: string) =>
  sql<{ outcome: string; amount: string; refunded: string }>(
    'SELECT c.outcome, c.amount, c.refunded FROM sandbox_charges c JOIN payments p ON p.id = c.payment_id WHERE p.order_id = $1 ORDER BY c.created_at',
    orderId,
  );

/** With other processes on the database, and a sweep that need not wait for its minute. */
async function whileSweeping(wait: () => Promise<unknown>): Promise<void> {
  const workers = await Promise.all([1, 2].map(() => startProcess({ databaseUrl: app.databaseUrl, env: { ROLE: 'worker' } })));
  await fire(app.databaseUrl, 'orders.sweep');
  await wait();
  await Promise.all(workers.map((worker) => worker.stop()));
}

/** What must be true of every variant, whatever happened. */
async function expectBooksToBalance(): Promise<void> {
  const wrong = await sql(`SELECT v.id, v.stock, v.reserved FROM variants v
    WHERE v.stock <> coalesce((SELECT sum(delta) FROM stock_movements m WHERE m.variant_id = v.id), 0) OR v.reserved <> coalesce((SELECT sum(quantity) FROM stock_reservations r WHERE r.variant_id = v.id), 0)`);
  expect(wrong).toEqual([]);
}

describe('placing an order', () => {
  it('takes prices and names from the catalogue and holds the stock', async () => {
    const buyer = await aUser(app);
    const mug = await aProduct(app, { name: `Mug ${unique()}`, price: 1_490, stock: 5 });
    const lamp = await aProduct(app, { name: `Lamp ${unique()}`, price: 8_900, stock: 5 });
    const [blue, black] = [mug.variants[0]!, lamp.variants[0]!];
    const address = { name: 'Ada Lovelace', line1: '12 Dean Street', city: 'London', postalCode: 'SW1Y 4JH', country: 'GB' };
    const externalId = `web-${unique()}`;
    const { status, headers, body } = await place(
      buyer,
      [
        { variantId: blue.id, quantity: 2 },
        { variantId: black.id, quantity: 1 },
      ],
      { shippingAddress: address, billingAddress: null, externalId, metadata: { cart: '7' } },
    );
    expect(status).toBe(201);
    expect(headers).toMatchObject({
      location: `http://localhost/api/v1/orders/${body.id}`,
      etag: expect.stringMatching(/^"1-/),
      'cache-control': 'no-store',
    });
    expect(body).toEqual({
      id: body.id,
      number: expect.stringMatching(/^\d{4,}$/),
      status: 'pending',
      customerId: buyer.id,
      guestEmail: null,
      items: [
        {
          variantId: blue.id,
          sku: blue.sku,
          name: `${mug.name}, Standard`,
          quantity: 2,
          unitPrice: eur(1_490),
          total: eur(2_980),
          ...UNTAXED,
        },
        {
          variantId: black.id,
          sku: black.sku,
          name: `${lamp.name}, Standard`,
          quantity: 1,
          unitPrice: eur(8_900),
          total: eur(8_900),
          ...UNTAXED,
        },
      ],
      subtotal: eur(11_880),
      discount: eur(0),
      tax: eur(0),
      includedTax: eur(0),
      shipping: eur(0),
      total: eur(11_880),
      taxes: [],
      shippingMethod: null,
      couponCode: null,
      expiresAt: new Date(Date.parse(body.createdAt) + 900_000).toISOString(),
      shippingAddress: address,
      billingAddress: null,
      externalId,
      metadata: { cart: '7' },
      version: 1,
      createdAt: expect.stringMatching(/Z$/),
      updatedAt: expect.stringMatching(/Z$/),
    });
    expect((await read(buyer, body.id)).body).toEqual(body);
    expect([await available(blue.id), await available(black.id)]).toEqual([3, 4]);
    await expectBooksToBalance();
  });

  it('keeps the price of the moment', async () => {
    const [admin, buyer] = [await anAdmin(app), await aUser(app)];
    const placed = await anOrder(buyer, { price: 100 });
    await call('PATCH', `variants/${placed.variantId}`, admin, { price: eur(999), name: 'Renamed' });
    expect((await read(buyer, placed.id)).body).toMatchObject({ items: [{ unitPrice: eur(100) }], total: eur(100) });
    expect((await pay(buyer, placed.id)).body.amount).toEqual(eur(100));
    expect((await quote(buyer, [{ variantId: placed.variantId, quantity: 1 }])).body.total).toEqual(eur(999));
  });

  it('is asked first what it would come to, with nothing kept or held', async () => {
    const buyer = await aUser(app);
    const variantId = await aVariant({ price: 333, stock: 2 });
    const { status, body } = await quote(buyer, [{ variantId, quantity: 3 }]);
    expect([status, body.total, Object.keys(body).sort()]).toEqual([
      200,
      eur(999),
      [
        'couponCode',
        'discount',
        'includedTax',
        'items',
        'shipping',
        'shippingMethod',
        'shippingOptions',
        'subtotal',
        'tax',
        'taxes',
        'total',
      ],
    ]);
    expect([await available(variantId), (await list(buyer)).body.items]).toEqual([2, []]);
    expect((await quote(null, [{ variantId, quantity: 1 }])).status).toBe(401);
  });

  it('needs a login', async () => {
    const answer = await app.request('POST', 'orders', {
      headers: { 'idempotency-key': `${unique()}${unique()}` },
      body: { items: [{ variantId: await aVariant(), quantity: 1 }] },
    });
    expect([answer.status, answer.headers['www-authenticate']]).toEqual([401, 'Bearer']);
  });

  it('lets no client say what it costs, whose it is or how it stands', async () => {
    const buyer = await aUser(app);
    const variantId = await aVariant();
    for (const [name, value] of Object.entries({
      id: NOBODYS_ID,
      userId: NOBODYS_ID,
      customerId: NOBODYS_ID,
      status: 'paid',
      total: 1,
      subtotal: eur(1),
      discount: 1,
      tax: 0,
      shipping: 0,
      number: '1',
      expiresAt: null,
      version: 1,
      createdAt: '2020-01-01T00:00:00Z',
    })) {
      const answer = await place(buyer, [{ variantId, quantity: 1 }], { [name]: value });
      expect([name, answer.status, problemOf(answer).errors?.[0]]).toEqual([
        name,
        400,
        expect.objectContaining({ pointer: `/${name}`, code: 'unknown' }),
      ]);
    }
    for (const [name, value] of Object.entries({
      price: 1,
      unitPrice: eur(1),
      total: eur(1),
      currency: 'EUR',
      discount: 1,
      sku: 'x',
      name: 'x',
    })) {
      for (const answer of [
        await place(buyer, [{ variantId, quantity: 1, [name]: value }]),
        await quote(buyer, [{ variantId, quantity: 1, [name]: value }]),
      ]) {
        expect([name, answer.status, problemOf(answer).errors?.[0]]).toEqual([
          name,
          400,
          expect.objectContaining({ pointer: `/items/0/${name}`, code: 'unknown' }),
        ]);
      }
    }
    for (const name of INHERITED_NAMES)
      expect([
        name,
        (await call('POST', 'orders/quote', buyer, `{"items":[{"variantId":"${variantId}","quantity":1,"${name}":1}]}`)).status,
      ]).toEqual([name, 400]);
    expect(await available(variantId)).toBe(10);
  });

  it.each([
    '0',
    '-0',
    '-1',
    '0.1',
    '1.5',
    '"1"',
    'null',
    'true',
    '[1]',
    '{}',
    'NaN',
    'Infinity',
    '1e9',
    '100001',
    '2147483648',
    '9007199254740992',
    '1e400',
    '""',
  ])('refuses a quantity of %s', async (quantity) => {
    const buyer = await aUser(app);
    const variantId = await aVariant({ stock: 1_000_000 });
    for (const path of ['orders', 'orders/quote']) {
      const answer = await call('POST', path, buyer, `{"items":[{"variantId":"${variantId}","quantity":${quantity}}]}`, keyed());
      expect([path, answer.status]).toEqual([path, 400]);
    }
    expect(await available(variantId)).toBe(1_000_000);
  });

  it.each([
    ['no lines', []],
    ['null', null],
    ['a text', 'x'],
    ['one line that is no list', { variantId: NOBODYS_ID, quantity: 1 }],
    ['a list that is an object', { 0: { variantId: NOBODYS_ID, quantity: 1 }, length: 1 }],
    ['a line of null', [null]],
    ['a line of text', ['x']],
    ['a line of nothing', [{}]],
    ['a line in a line', [[{ variantId: NOBODYS_ID, quantity: 1 }]]],
    ['an empty list in it', [[]]],
    ['no variant', [{ quantity: 1 }]],
    ['an id that is none', [{ variantId: 'x', quantity: 1 }]],
    ['a list of ids', [{ variantId: [NOBODYS_ID], quantity: 1 }]],
    ['an id with more behind it', [{ variantId: `${NOBODYS_ID}'`, quantity: 1 }]],
    ['a filter for an id', [{ variantId: { not: NOBODYS_ID }, quantity: 1 }]],
    ['101 lines', Array.from({ length: 101 }, () => ({ variantId: NOBODYS_ID, quantity: 1 }))],
  ])('refuses %s', async (_, items) => {
    const buyer = await aUser(app);
    for (const answer of [await place(buyer, items), await quote(buyer, items)])
      expect(refusal(answer)).toEqual([400, 'http/validation-failed']);
  });

  it.each<object>([
    { name: '' },
    { country: 'gb' },
    { country: 'XX' },
    { country: 'GBR' },
    { postalCode: 'x'.repeat(21) },
    { line1: 'a\nb' },
    { city: null },
    { planet: 'Earth' },
    { constructor: 'x' },
  ])('refuses an address with %j', async (wrong) => {
    const address = { name: 'Ada', line1: '12 Dean Street', city: 'London', postalCode: 'SW1Y 4JH', country: 'GB', ...wrong };
    const variantId = await aVariant();
    for (const name of ['shippingAddress', 'billingAddress']) {
      for (const value of [address, {}, [], [address], 'x'])
        expect((await place(await aUser(app), [{ variantId, quantity: 1 }], { [name]: value })).status).toBe(400);
    }
  });

  it('takes a hundred lines', async () => {
    const variantId = await aVariant({ stock: 100 });
    const { status, body } = await place(
      await aUser(app),
      Array.from({ length: 100 }, () => ({ variantId, quantity: 1 })),
    );
    expect([status, body.items.length, await available(variantId)]).toEqual([201, 100, 0]);
  });

  it('adds up the lines of one variant, in any spelling of its id', async () => {
    const buyer = await aUser(app);
    const variantId = await aVariant({ stock: 3 });
    const lines = [
      { variantId, quantity: 2 },
      { variantId: variantId.toUpperCase(), quantity: 2 },
    ];
    const refused = await place(buyer, lines);
    expect(refusal(refused)).toEqual([409, 'products/out-of-stock']);
    expect(problemOf(refused).errors?.map(({ pointer }) => pointer)).toEqual(['/items/0/quantity', '/items/1/quantity']);
    expect(await available(variantId)).toBe(3);
    const placed = await place(buyer, [
      { variantId, quantity: 2 },
      { variantId: variantId.toUpperCase(), quantity: 1 },
    ]);
    expect([placed.status, placed.body.items.map((item) => [item.variantId, item.quantity]), await available(variantId)]).toEqual([
      201,
      [
        [variantId, 2],
        [variantId, 1],
      ],
      0,
    ]);
    await pay(buyer, placed.body.id);
    await cancel(buyer, placed.body.id);
    expect(await available(variantId)).toBe(3);
    await expectBooksToBalance();
  });

  it('is refused with each line that is short, and holds nothing of the others', async () => {
    const [plenty, few, none] = [await aVariant({ stock: 9 }), await aVariant({ stock: 2 }), await aVariant({ stock: 0 })];
    const answer = await place(await aUser(app), [
      { variantId: plenty, quantity: 9 },
      { variantId: few, quantity: 3 },
      { variantId: none, quantity: 1 },
    ]);
    expect(refusal(answer)).toEqual([409, 'products/out-of-stock']);
    expect(problemOf(answer).errors).toEqual([
      { pointer: '/items/1/quantity', code: 'products/out-of-stock', detail: expect.stringMatching(/only 2 of/) },
      { pointer: '/items/2/quantity', code: 'products/out-of-stock', detail: expect.stringMatching(/only 0 of/) },
    ]);
    expect([await available(plenty), await available(few)]).toEqual([9, 2]);
  });

  it('is refused with each line that is not on sale', async () => {
    const admin = await anAdmin(app);
    const good = await aVariant();
    const [draft, archived] = [await aVariant({ status: 'draft' }), await aVariant({ status: 'archived' })];
    const withdrawn = await aProduct(app, { by: admin });
    await call('DELETE', `products/${withdrawn.id}`, admin);
    const alone = await aVariant();
    await call('DELETE', `variants/${alone}`, admin);
    const missing = [draft, archived, withdrawn.variants[0]!.id, alone, NOBODYS_ID];
    const lines = [good, ...missing].map((variantId) => ({ variantId, quantity: 1 }));
    for (const by of [await aUser(app), admin]) {
      for (const answer of [await place(by, lines), await quote(by, lines)]) {
        expect(refusal(answer)).toEqual([404, 'products/variant-not-found']);
        expect(problemOf(answer).errors?.map(({ pointer }) => pointer)).toEqual(missing.map((_, index) => `/items/${index + 1}/variantId`));
      }
    }
    expect(await available(good)).toBe(10);
  });

  it('has one currency', async () => {
    const buyer = await aUser(app);
    const lines = [
      { variantId: await aVariant(), quantity: 1 },
      { variantId: await aVariant({ currency: 'USD' }), quantity: 1 },
    ];
    for (const answer of [await place(buyer, lines), await quote(buyer, lines)])
      expect(refusal(answer)).toEqual([409, 'orders/mixed-currencies']);
    expect(await available(lines[0]!.variantId)).toBe(10);
    expect((await quote(buyer, [lines[1]!])).body.total).toEqual({ amount: 1_999, currency: 'USD' });
  });

  it('adds up exactly, however much it is, and refuses what is too much', async () => {
    const buyer = await aUser(app);
    const [dear, cheap] = [await aVariant({ price: 999_999_999_999, stock: 100_000 }), await aVariant({ price: 1, stock: 5 })];
    const { body } = await place(buyer, [
      { variantId: dear, quantity: 999 },
      { variantId: cheap, quantity: 1 },
    ]);
    expect(body).toMatchObject({ items: [{ total: eur(998_999_999_999_001) }, {}], total: eur(998_999_999_999_002) });
    expect((await pay(buyer, body.id)).body.amount).toEqual(eur(998_999_999_999_002));
    expect(await charges(body.id)).toEqual([{ outcome: 'succeeded', amount: '998999999999002', refunded: '0' }]);
    for (const answer of [
      await place(buyer, [{ variantId: dear, quantity: 1_001 }]),
      await quote(
        buyer,
        Array.from({ length: 100 }, () => ({ variantId: dear, quantity: 100_000 })),
      ),
    ])
      expect(refusal(answer)).toEqual([400, 'orders/too-large']);
    expect(await available(dear)).toBe(99_001);
  });

  it('of nothing costs nothing and is paid all the same', async () => {
    const buyer = await aUser(app);
    const { id, total } = await anOrder(buyer, { price: 0 });
    expect(total).toEqual(eur(0));
    expect((await pay(buyer, id)).body.status).toBe('succeeded');
    expect((await cancel(buyer, id)).body.status).toBe('cancelled');
  });

  it('has an external id of its own', async () => {
    const buyer = await aUser(app);
    const variantId = await aVariant();
    const externalId = unique();
    expect((await place(buyer, [{ variantId, quantity: 1 }], { externalId })).status).toBe(201);
    expect(refusal(await place(await aUser(app), [{ variantId, quantity: 1 }], { externalId }))).toEqual([409, 'orders/external-id-taken']);
    expect(await available(variantId)).toBe(9);
  });
});

describe('an Idempotency-Key', () => {
  it('is required to place and to pay', async () => {
    const buyer = await aUser(app);
    const { id, variantId } = await anOrder(buyer);
    expect(refusal(await place(buyer, [{ variantId, quantity: 1 }], {}, {}))).toEqual([400, 'idempotency/key-required']);
    expect(refusal(await pay(buyer, id, 'sandbox:success', {}))).toEqual([400, 'idempotency/key-required']);
    expect((await read(buyer, id)).body.status).toBe('pending');
  });

  it.each(['', ' ', '""', 'a b', 'ü', 'a'.repeat(256), `"${'a'.repeat(256)}"`, 'a\tb', 'a, b'])('is not %j', async (key) => {
    const buyer = await aUser(app);
    const variantId = await aVariant();
    expect(
      refusal(await place(buyer, [{ variantId, quantity: 1 }], {}, { 'idempotency-key': Buffer.from(key, 'utf8').toString('latin1') })),
    ).toEqual([400, 'idempotency/key-malformed']);
    expect(await available(variantId)).toBe(10);
  });

  it.each(['a', '!~', 'a'.repeat(255), `"${'a'.repeat(255)}"`, '00000000-0000-0000-0000-000000000000'])('may be %j', async (key) => {
    expect((await place(await aUser(app), [{ variantId: await aVariant(), quantity: 1 }], {}, { 'idempotency-key': key })).status).toBe(
      201,
    );
  });

  it('gives the first answer again, byte for byte, bare or quoted, whatever happened since', async () => {
    const buyer = await aUser(app);
    const variantId = await aVariant();
    const key = unique();
    const items = [{ variantId, quantity: 1 }];
    const first = await place(buyer, items, {}, keyed(key));
    expect(first.headers['idempotency-replayed']).toBeUndefined();
    await cancel(buyer, first.body.id);
    for (const again of [await place(buyer, items, {}, keyed(key)), await place(buyer, items, {}, keyed(`"${key}"`))]) {
      expect([again.status, again.text, again.headers['idempotency-replayed']]).toEqual([201, first.text, 'true']);
      for (const name of ['content-type', 'location', 'etag']) expect(again.headers[name]).toBe(first.headers[name]);
      expect(again.headers['x-request-id']).not.toBe(first.headers['x-request-id']);
    }
    expect((await list(buyer)).body.items).toHaveLength(1);
    expect(await available(variantId)).toBe(10);
  });

  it('belongs to one body and one path', async () => {
    const buyer = await aUser(app);
    const variantId = await aVariant();
    const key = unique();
    const first = await place(buyer, [{ variantId, quantity: 1 }], {}, keyed(key));
    for (const other of [
      await place(buyer, [{ variantId, quantity: 2 }], {}, keyed(key)),
      await place(buyer, [{ variantId, quantity: 1 }], { metadata: {} }, keyed(key)),
      await pay(buyer, first.body.id, 'sandbox:success', keyed(key)),
      await cancel(buyer, first.body.id, keyed(key)),
      await call('POST', 'posts', buyer, { title: 't', body: 'b' }, keyed(key)),
    ]) {
      expect(refusal(other)).toEqual([422, 'idempotency/key-reused']);
    }
    expect((await read(buyer, first.body.id)).body.status).toBe('pending');
  });

  it('belongs to one caller', async () => {
    const variantId = await aVariant();
    const key = unique();
    const answers = [];
    for (const by of [await aUser(app), await aUser(app)]) answers.push(await place(by, [{ variantId, quantity: 1 }], {}, keyed(key)));
    expect(answers.map(({ status, headers }) => [status, headers['idempotency-replayed']])).toEqual([
      [201, undefined],
      [201, undefined],
    ]);
    expect(answers[0]!.body.id).not.toBe(answers[1]!.body.id);
  });

  it('may be used again after a call that failed', async () => {
    const [admin, buyer] = [await anAdmin(app), await aUser(app)];
    const variantId = await aVariant({ stock: 0, by: admin });
    const key = keyed();
    const items = [{ variantId, quantity: 1 }];
    expect(refusal(await place(buyer, items, {}, key))).toEqual([409, 'products/out-of-stock']);
    await call('POST', `variants/${variantId}/stock-adjustments`, admin, { delta: 1, reason: 'delivery' });
    const placed = await place(buyer, items, {}, key);
    expect([placed.status, placed.headers['idempotency-replayed']]).toEqual([201, undefined]);
    const paying = keyed();
    expect((await pay(buyer, placed.body.id, 'sandbox:nonsense', paying)).status).toBe(400);
    expect((await pay(buyer, placed.body.id, 'sandbox:success', paying)).status).toBe(201);
  });

  it('is forgotten after a day', async () => {
    const buyer = await aUser(app);
    const variantId = await aVariant();
    const key = keyed();
    const first = await place(buyer, [{ variantId, quantity: 1 }], {}, key);
    const [row] = await sql<{ hours: number }>(
      'SELECT extract(epoch FROM expires_at - created_at)::float / 3600 AS hours FROM idempotency_keys WHERE scope = $1',
      buyer.id,
    );
    expect(row!.hours).toBeCloseTo(24, 1);
    await sql(`UPDATE idempotency_keys SET expires_at = now() - interval '1 second' WHERE scope = $1`, buyer.id);
    const second = await place(buyer, [{ variantId, quantity: 1 }], {}, key);
    expect([second.status, second.body.id === first.body.id]).toEqual([201, false]);
  });
});

describe('reading orders', () => {
  it('is for the customer and for staff; to others they do not exist', async () => {
    const buyer = await aUser(app);
    const { id } = await anOrder(buyer);
    for (const by of [buyer, await aUser(app, { roles: ['support'] }), await anAdmin(app)])
      expect((await read(by, id)).body).toMatchObject({ id, customerId: buyer.id });
    const stranger = await aUser(app);
    for (const by of [stranger, await aUser(app, { roles: ['editor'] })])
      expect(refusal(await read(by, id))).toEqual([404, 'orders/not-found']);
    expect(problemOf(await read(stranger, NOBODYS_ID)).detail).toBe(problemOf(await read(stranger, id)).detail);
    expect((await read(null, id)).status).toBe(401);
    expect((await read(buyer, 'x')).status).toBe(400);
    expect((await read(buyer, id.toUpperCase())).status).toBe(200);
  });

  it('lists one’s own, and everybody’s for staff', async () => {
    const [buyer, other] = [await aUser(app), await aUser(app)];
    const [first, second, foreign] = [await anOrder(buyer), await anOrder(buyer), await anOrder(other)];
    expect(idsOf(await list(buyer))).toEqual([second.id, first.id]);
    expect(idsOf(await list(buyer, 'sort=createdAt'))).toEqual([first.id, second.id]);
    const all = idsOf(await list(await aUser(app, { roles: ['support'] }), 'limit=100'));
    for (const { id } of [first, second, foreign]) expect(all).toContain(id);
    expect((await list(null)).status).toBe(401);
  });

  it('is narrowed by customer and number for staff only', async () => {
    const buyer = await aUser(app);
    const support = await aUser(app, { roles: ['support'] });
    const externalId = `web-${unique()}`;
    const { body } = await place(buyer, [{ variantId: await aVariant(), quantity: 1 }], { externalId });
    await anOrder(await aUser(app));
    for (const filters of [
      `customer=${buyer.id}`,
      `customer=${buyer.id.toUpperCase()}`,
      `q=${body.number}`,
      `q=${externalId}`,
      `q=${body.number}&customer=${buyer.id}`,
    ])
      expect(idsOf(await list(support, filters))).toEqual([body.id]);
    for (const filters of [
      `customer=${NOBODYS_ID}`,
      'q=999999999',
      'q=99999999999999999999',
      "q='",
      'q=%25',
      `q=${body.number}&customer=${support.id}`,
    ])
      expect(idsOf(await list(support, filters))).toEqual([]);
    for (const filters of [`customer=${buyer.id}`, `q=${body.number}`])
      expect(refusal(await list(buyer, filters))).toEqual([403, 'auth/forbidden']);
  });

  it('is narrowed by time and status', async () => {
    const buyer = await aUser(app);
    const [pending, paid, cancelled, expired] = [await anOrder(buyer), await anOrder(buyer), await anOrder(buyer), await anOrder(buyer)];
    await pay(buyer, paid.id);
    await cancel(buyer, cancelled.id);
    await age(expired.id);
    for (const [status, one] of Object.entries({ pending, paid, cancelled, expired })) {
      const { items } = (await list(buyer, `status=${status}`)).body;
      expect(items.map((order) => [order.id, order.status])).toEqual([[one.id, status]]);
    }
    expect(idsOf(await list(buyer, 'status=shipped'))).toEqual([]);
    const createdAt = (await read(buyer, paid.id)).body.createdAt;
    expect(idsOf(await list(buyer, `from=${createdAt}`))).toEqual([cancelled.id, paid.id]);
    expect(idsOf(await list(buyer, `to=${createdAt}`))).toEqual([pending.id, expired.id]);
    const inIndia = new Date(Date.parse(createdAt) + 19_800_000).toISOString().replace('Z', '+05:30');
    expect(idsOf(await list(buyer, `from=${encodeURIComponent(inIndia)}`))).toEqual([cancelled.id, paid.id]);
    expect(idsOf(await list(buyer, `from=1815-12-10T08:00:00Z&to=9999-12-31T23:59:59Z`))).toHaveLength(4);
  });

  it('pages through every order once', async () => {
    const buyer = await aUser(app);
    const ids = [];
    for (let count = 0; count < 5; count++) ids.push((await anOrder(buyer)).id);
    await sql(`UPDATE orders SET created_at = '2024-05-05T05:05:05.005Z' WHERE user_id = $1`, buyer.id);
    const seen: string[] = [];
    for (let path: string | undefined = '/api/v1/orders?limit=2'; path !== undefined;) {
      const page: Answer<ListBody> = await call<ListBody>('GET', path, buyer);
      seen.push(...idsOf(page));
      if (seen.length === 2) await anOrder(buyer);
      path = /^<http:\/\/localhost([^>]+)>/.exec(page.headers.link ?? '')?.[1];
    }
    expect(seen).toEqual(ids.toReversed());
  });

  it.each([
    'status=open',
    'status[in]=paid',
    'from=yesterday',
    'from=2026',
    'from=2026-01-01',
    'from=2026-01-01T00:00:00',
    'from=2026-02-30T00:00:00Z',
    'from=0000-01-01T00:00:00Z',
    'from=2030-W01-1T00:00Z',
    'to=',
    'to=1e9',
    'customer=me',
    'customer[not]=x',
    'userId=1',
    'q=',
    'sort=total',
    'sort=-number',
    'limit=0',
    'cursor=x',
    'where[user][email]=x',
    'include=user',
    ...INHERITED_NAMES.map((name) => `${name}=1`),
  ])('refuses ?%s', async (filters) => {
    expect((await list(await aUser(app, { roles: ['support'] }), filters)).status).toBe(400);
  });
});

describe('paying', () => {
  it('makes the order paid and takes the stock', async () => {
    const buyer = await aUser(app);
    const { id, variantId, total } = await anOrder(buyer, { quantity: 2, stock: 5 });
    const { status, headers, body } = await pay(buyer, id);
    expect(status).toBe(201);
    expect(headers.location).toBe(`http://localhost/api/v1/orders/${id}`);
    expect(body).toMatchObject({ orderId: id, status: 'succeeded', amount: total, method: 'sandbox:success', failureCode: null });
    expect((await read(buyer, id)).body).toMatchObject({ status: 'paid', expiresAt: null });
    expect(await charges(id)).toEqual([{ outcome: 'succeeded', amount: String(total.amount), refunded: '0' }]);
    expect((await sql('SELECT stock, reserved FROM variants WHERE id = $1', variantId))[0]).toEqual({ stock: 3, reserved: 0 });
    await expectBooksToBalance();
  });

  it('may be declined; the order stays pending for the time it had, and may be paid in another way', async () => {
    const buyer = await aUser(app);
    const { id, expiresAt, variantId } = await anOrder(buyer, { stock: 1 });
    const declined = await pay(buyer, id, 'sandbox:decline');
    expect([declined.status, declined.body]).toEqual([201, expect.objectContaining({ status: 'failed', failureCode: 'card_declined' })]);
    expect((await read(buyer, id)).body).toMatchObject({ status: 'pending', expiresAt });
    expect(await available(variantId)).toBe(0);
    const [held] = await sql<{ expires_at: Date }>('SELECT expires_at FROM stock_reservations WHERE order_id = $1', id);
    expect(held!.expires_at.toISOString()).toBe(expiresAt);
    expect((await pay(buyer, id, 'sandbox:decline')).body.id).not.toBe(declined.body.id);
    expect((await pay(buyer, id)).body.status).toBe('succeeded');
    expect((await charges(id)).map(({ outcome }) => outcome)).toEqual(['failed', 'failed', 'succeeded']);
  });

  it('is done once: with the same key it is repeated, with another it is refused', async () => {
    const buyer = await aUser(app);
    const { id } = await anOrder(buyer);
    const key = keyed();
    const first = await pay(buyer, id, 'sandbox:success', key);
    const again = await pay(buyer, id, 'sandbox:success', key);
    expect([again.status, again.text, again.headers['idempotency-replayed']]).toEqual([201, first.text, 'true']);
    expect(refusal(await pay(buyer, id))).toEqual([409, 'orders/not-payable']);
    expect(await charges(id)).toHaveLength(1);
  });

  it('is the customer’s own affair', async () => {
    const buyer = await aUser(app);
    const { id } = await anOrder(buyer);
    expect((await pay(null, id)).status).toBe(401);
    expect(refusal(await pay(await aUser(app), id))).toEqual([404, 'orders/not-found']);
    for (const by of [await aUser(app, { roles: ['support'] }), await anAdmin(app)])
      expect(refusal(await pay(by, id))).toEqual([403, 'auth/forbidden']);
    expect(refusal(await pay(buyer, NOBODYS_ID))).toEqual([404, 'orders/not-found']);
    expect((await pay(buyer, 'x')).status).toBe(400);
    expect((await read(buyer, id)).body.status).toBe('pending');
  });

  it.each([
    '',
    'sandbox',
    'sandbox:',
    'sandbox:free',
    'SANDBOX:SUCCESS',
    ' sandbox:success',
    'constructor',
    '__proto__',
    'pm_card_visa',
    'x'.repeat(101),
    1,
    null,
    ['sandbox:success'],
    { toString: 'x' },
  ])('takes no method like %j', async (method) => {
    const buyer = await aUser(app);
    const { id } = await anOrder(buyer);
    expect((await pay(buyer, id, method)).status).toBe(400);
    expect((await read(buyer, id)).body).toMatchObject({ status: 'pending', version: 1 });
  });

  it('takes no amount from the client', async () => {
    const buyer = await aUser(app);
    const { id } = await anOrder(buyer);
    for (const more of [{ amount: 1 }, { amount: eur(1) }, { currency: 'EUR' }, { status: 'succeeded' }])
      expect((await call('POST', `orders/${id}/payments`, buyer, { method: 'sandbox:success', ...more }, keyed())).status).toBe(400);
    expect(await charges(id)).toEqual([]);
  });

  it('is too late once the order is cancelled or out of time', async () => {
    const buyer = await aUser(app);
    const [cancelled, late] = [await anOrder(buyer), await anOrder(buyer)];
    await cancel(buyer, cancelled.id);
    await age(late.id);
    expect(refusal(await pay(buyer, cancelled.id))).toEqual([409, 'orders/not-payable']);
    expect(refusal(await pay(buyer, late.id))).toEqual([409, 'orders/expired']);
    for (const { id } of [cancelled, late]) expect(await charges(id)).toEqual([]);
  });

  it('is refused when others took a part of what had run out, though our clock says there is time', async () => {
    const [buyer, next] = [await aUser(app), await aUser(app)];
    const [gone, left] = [await aVariant({ stock: 1 }), await aVariant({ stock: 1 })];
    const { body } = await place(buyer, [
      { variantId: gone, quantity: 1 },
      { variantId: left, quantity: 1 },
    ]);
    await sql(`UPDATE stock_reservations SET expires_at = now() - interval '1 ms' WHERE order_id = $1 AND variant_id = $2`, body.id, gone); // the database's clock is ahead
    const taken = await place(next, [{ variantId: gone, quantity: 1 }]);
    expect(taken.status).toBe(201);
    expect(refusal(await pay(buyer, body.id))).toEqual([409, 'orders/expired']);
    expect(await charges(body.id)).toEqual([]);
    expect((await pay(next, taken.body.id)).body.status).toBe('succeeded');
    await expectBooksToBalance();
  });
});

describe('a payment whose process died', () => {
  /** What a process leaves that dies after the first transaction, or after the charge too. */
  async function anAbandonedPayment({ charged }: { charged: boolean }) {
    const buyer = await aUser(app);
    const order = await anOrder(buyer, { stock: 1 });
    const { begin } = app.get(ChargesService).payment(actorOf(buyer), order.id, 'sandbox:success', ({ id }) => id);
    const paymentId = await transaction(app.get(PrismaService), begin);
    if (charged) await app.get(PaymentsService).charge(paymentId);
    const grow = () => sql(`UPDATE payments SET updated_at = updated_at - interval '1 hour' WHERE id = $1`, paymentId);
    return { buyer, order, paymentId, grow };
  }

  it('holds the stock and keeps others out while it may still be running', async () => {
    const { buyer, order } = await anAbandonedPayment({ charged: false });
    const second = await pay(buyer, order.id);
    expect([...refusal(second), second.headers['retry-after']]).toEqual([409, 'payments/in-progress', expect.stringMatching(/^\d+$/)]);
    const cancelled = await cancel(buyer, order.id);
    expect([...refusal(cancelled), cancelled.headers['retry-after']]).toEqual([
      409,
      'orders/not-cancellable',
      expect.stringMatching(/^\d+$/),
    ]);
    await age(order.id);
    expect([(await read(buyer, order.id)).body.status, await available(order.variantId)]).toEqual(['pending', 0]);
    expect(refusal(await place(await aUser(app), [{ variantId: order.variantId, quantity: 1 }]))).toEqual([409, 'products/out-of-stock']);
  });

  it.each([{ charged: false }, { charged: true }])('is taken up by the next attempt, and charged once ($charged)', async ({ charged }) => {
    const { buyer, order, paymentId, grow } = await anAbandonedPayment({ charged });
    await grow();
    expect((await pay(buyer, order.id)).body).toMatchObject({ id: paymentId, status: 'succeeded' });
    expect(await charges(order.id)).toHaveLength(1);
    expect((await read(buyer, order.id)).body.status).toBe('paid');
  });

  it.each([{ charged: false }, { charged: true }])('is brought to an end though nobody comes back ($charged)', async ({ charged }) => {
    const { buyer, order, grow } = await anAbandonedPayment({ charged });
    await grow();
    await whileSweeping(() => eventually(async () => (await read(buyer, order.id)).body.status === 'paid'));
    expect(await charges(order.id)).toEqual([expect.objectContaining({ outcome: 'succeeded', refunded: '0' })]);
    expect((await cancel(buyer, order.id)).body.status).toBe('cancelled');
    await expectBooksToBalance();
  });
});

describe('cancelling', () => {
  it('gives the stock of a pending order back', async () => {
    const buyer = await aUser(app);
    const { id, variantId } = await anOrder(buyer, { quantity: 4, stock: 10 });
    expect(await available(variantId)).toBe(6);
    const { status, body } = await cancel(buyer, id);
    expect([status, body.status, body.expiresAt, body.version]).toEqual([200, 'cancelled', null, 2]);
    expect(await available(variantId)).toBe(10);
    expect(await charges(id)).toEqual([]);
    await expectBooksToBalance();
  });

  it('refunds a paid order wholly and puts its stock back', async () => {
    const buyer = await aUser(app);
    const { id, variantId, total } = await anOrder(buyer, { quantity: 4, stock: 10 });
    await pay(buyer, id, 'sandbox:decline');
    await pay(buyer, id);
    expect((await cancel(buyer, id)).body.status).toBe('cancelled');
    expect(await available(variantId)).toBe(10);
    // The provider is asked by a job.
    await eventually(async () => (await charges(id)).some(({ refunded }) => refunded !== '0'));
    expect((await charges(id)).map(({ outcome, refunded }) => [outcome, refunded])).toEqual([
      ['failed', '0'],
      ['succeeded', String(total.amount)],
    ]);
    expect(await sql('SELECT r.amount FROM refunds r JOIN payments p ON p.id = r.payment_id WHERE p.order_id = $1', id)).toEqual([
      { amount: String(total.amount) },
    ]);
    await expectBooksToBalance();
  });

  it('is done once', async () => {
    const buyer = await aUser(app);
    const { id, variantId } = await anOrder(buyer);
    await pay(buyer, id);
    const answers = await Promise.all(Array.from({ length: 6 }, () => cancel(buyer, id)));
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 409, 409, 409, 409, 409]);
    expect(refusal(await cancel(buyer, id))).toEqual([409, 'orders/not-cancellable']);
    expect([await available(variantId), (await charges(id)).length]).toEqual([10, 1]);
    const key = keyed();
    const other = await anOrder(buyer);
    const [first, second] = [await cancel(buyer, other.id, key), await cancel(buyer, other.id, key)];
    expect([second.status, second.text, second.headers['idempotency-replayed']]).toEqual([200, first.text, 'true']);
  });

  it('is not possible once the order has run out of time', async () => {
    const buyer = await aUser(app);
    const { id } = await anOrder(buyer);
    await age(id);
    expect(refusal(await cancel(buyer, id))).toEqual([409, 'orders/not-cancellable']);
  });

  it('is for the customer and for who manages orders', async () => {
    const buyer = await aUser(app);
    const { id } = await anOrder(buyer);
    expect((await cancel(null, id)).status).toBe(401);
    expect(refusal(await cancel(await aUser(app), id))).toEqual([404, 'orders/not-found']);
    expect(refusal(await cancel(await aUser(app, { roles: ['support'] }), id))).toEqual([403, 'auth/forbidden']);
    expect((await cancel(buyer, 'x')).status).toBe(400);
    expect((await call('POST', `orders/${id}/cancellation`, buyer, { reason: 'x' })).status).toBe(400);
    expect((await cancel(await anAdmin(app), id)).body.status).toBe('cancelled');
  });
});

describe('an order out of time', () => {
  it('frees its stock at once, for the eye and for the next buyer, and reads as expired', async () => {
    const [buyer, next] = [await aUser(app), await aUser(app)];
    const variantId = await aVariant({ stock: 3 });
    const { body } = await place(buyer, [{ variantId, quantity: 3 }]);
    expect(refusal(await place(next, [{ variantId, quantity: 1 }]))).toEqual([409, 'products/out-of-stock']);
    await age(body.id);
    expect(await available(variantId)).toBe(3);
    const product = (await sql<{ product_id: string }>('SELECT product_id FROM variants WHERE id = $1', variantId))[0]!.product_id;
    expect((await call<Wire<ProductResponse>>('GET', `products/${product}`, null)).body.variants[0]!.available).toBe(3);
    expect((await read(buyer, body.id)).body.status).toBe('expired');
    expect((await place(next, [{ variantId, quantity: 2 }])).status).toBe(201);
    expect(await available(variantId)).toBe(1);
    expect(refusal(await pay(buyer, body.id))).toEqual([409, 'orders/expired']);
    await expectBooksToBalance();
  });

  it('gives up only what the next buyer needs, and never more than it held', async () => {
    const [buyer, next] = [await aUser(app), await aUser(app)];
    const [one, two] = [await aVariant({ stock: 2 }), await aVariant({ stock: 2 })];
    const late = (
      await place(buyer, [
        { variantId: one, quantity: 2 },
        { variantId: two, quantity: 1 },
      ])
    ).body;
    const live = (await place(buyer, [{ variantId: two, quantity: 1 }])).body;
    await age(late.id);
    const answers = await Promise.all(
      Array.from({ length: 4 }, () =>
        place(next, [
          { variantId: two, quantity: 1 },
          { variantId: one, quantity: 1 },
        ]),
      ),
    );
    expect(answers.map(({ status }) => status).sort()).toEqual([201, 409, 409, 409]);
    expect((await pay(buyer, live.id)).body.status).toBe('succeeded');
    expect([await available(one), await available(two)]).toEqual([1, 0]);
    await expectBooksToBalance();
  });

  it('comes to that by itself', async () => {
    const buyer = await aUser(app);
    const variantId = await aVariant({ stock: 1 });
    const { body } = await call(
      'POST',
      'orders',
      buyer,
      { items: [{ variantId, quantity: 1 }] } satisfies { items: Item[] },
      keyed(),
      hasty,
    );
    expect(Date.parse(body.expiresAt!) - Date.parse(body.createdAt)).toBe(1_000);
    await eventually(async () => (await available(variantId)) === 1);
    expect(Date.now()).toBeGreaterThanOrEqual(Date.parse(body.expiresAt!));
    expect((await read(buyer, body.id)).body.status).toBe('expired');
    expect(refusal(await pay(buyer, body.id))).toEqual([409, 'orders/expired']);
  });

  it('is written down by the sweep, which leaves all others alone', async () => {
    const buyer = await aUser(app);
    const [late, live, paid] = [await anOrder(buyer), await anOrder(buyer), await anOrder(buyer)];
    await pay(buyer, paid.id);
    await age(late.id);
    await age(paid.id);
    const row = async () => (await sql('SELECT status, version FROM orders WHERE id = $1', late.id))[0]!;
    await whileSweeping(() => eventually(async () => (await row()).status !== 'pending'));
    expect(await row()).toEqual({ status: 'expired', version: 2 });
    expect(await sql('SELECT 1 FROM stock_reservations WHERE order_id = $1', late.id)).toEqual([]);
    expect([(await read(buyer, live.id)).body.status, (await read(buyer, paid.id)).body.status]).toEqual(['pending', 'paid']);
    await expectBooksToBalance();
  });
});

describe('the database', () => {
  it.each([
    ['a total that is not the sum', `UPDATE orders SET total = total - 1 WHERE id = $1`],
    ['a discount beyond the total', `UPDATE orders SET discount = subtotal + 1, total = -1 WHERE id = $1`],
    ['less than no tax', `UPDATE orders SET tax = -1, total = total - 1 WHERE id = $1`],
    ['a line that is not price times quantity', `UPDATE order_lines SET total = total - 1 WHERE order_id = $1`],
    ['a line of nothing', `UPDATE order_lines SET quantity = 0, total = 0 WHERE order_id = $1`],
    ['a line at less than nothing', `UPDATE order_lines SET unit_price = -1, total = -1 WHERE order_id = $1`],
    ['a payment of less than nothing', `UPDATE payments SET amount = -1 WHERE order_id = $1`],
    [
      'a refund of less than nothing',
      `INSERT INTO refunds (id, payment_id, amount, reason) SELECT gen_random_uuid(), id, -1, 'x' FROM payments WHERE order_id = $1`,
    ],
    [
      'more refunded than was charged',
      `UPDATE sandbox_charges SET refunded = amount + 1 WHERE payment_id IN (SELECT id FROM payments WHERE order_id = $1)`,
    ],
  ])('refuses %s, whoever writes it', async (_, statement) => {
    const buyer = await aUser(app);
    const { id } = await anOrder(buyer);
    await pay(buyer, id);
    await expect(sql(statement, id)).rejects.toMatchObject({ code: '23514' });
  });

  it('refuses a second payment that is under way or has succeeded', async () => {
    const buyer = await aUser(app);
    const { id } = await anOrder(buyer);
    await pay(buyer, id);
    for (const status of ['processing', 'requires_action', 'succeeded']) {
      await expect(
        sql(
          `INSERT INTO payments (id, order_id, provider, method, status, amount, currency) VALUES (gen_random_uuid(), $1, 'sandbox', 'x', $2::payment_status, 1, 'EUR')`,
          id,
          status,
        ),
      ).rejects.toMatchObject({ code: '23505' });
    }
  });
});
