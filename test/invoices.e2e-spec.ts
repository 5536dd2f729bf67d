import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { transaction } from '#database';
import { extractText } from 'unpdf';
import type { ProblemDocument } from '../libs/http/src/problem.filter.js';
import type { InvoiceList } from '../src/orders/invoices.dto.js';
import { InvoicesService } from '../src/orders/invoices.service.js';
import type { OrderResponse } from '../src/orders/orders.dto.js';
import { OrdersPrivacy } from '../src/orders/orders.privacy.js';
import { OrdersService } from '../src/orders/orders.service.js';
import { startApp, type TestApp } from './harness/app.js';
import type { Answer } from './harness/client.js';
import { query } from './harness/database.js';
import { eventually } from './harness/eventually.js';
import { actorOf, anAdmin, aProduct, aUser, type Person, unique } from './harness/people.js';
import { type Product, startProcess, stopProcesses } from './harness/product.js';
import type { Wire } from './harness/wire.js';

let app: TestApp;
let other: Product;
let admin: Person;
let buyer: Person;

const ADDRESS = { name: 'Łukasz Ńowak', line1: 'Straße 1', city: 'Αθήνα', postalCode: '10431', country: 'GR' };
const SELLER = {
  legalName: 'Hopper Trading B.V.',
  taxId: 'NL001234567B01',
  line1: '1 Dam',
  city: 'Amsterdam',
  postalCode: '1012 JS',
  country: 'NL',
};

beforeAll(async () => {
  app = await startApp();
  other = await startProcess({ databaseUrl: app.databaseUrl });
  [admin, buyer] = [await anAdmin(app), await aUser(app)];
  const settings = {
    seller: SELLER,
    country: 'NL',
    pricesIncludeTax: true,
    taxRates: [
      { country: 'GR', taxClass: 'standard', name: 'BTW', rate: '21' },
      { country: 'GR', taxClass: 'reduced', name: 'BTW', rate: '9' },
    ],
  };
  expect((await call('PATCH', 'shop/settings', admin, settings)).status).toBe(200);
}, 60_000);

afterAll(async () => {
  await stopProcesses();
  await app.close();
});

type At = Pick<TestApp, 'request'>;
const sql = <Row extends object = Record<string, unknown>>(text: string, ...values: unknown[]) => query<Row>(app.databaseUrl, text, values);
const refusal = (answer: Answer<unknown>) => [answer.status, (answer.body as ProblemDocument).code];
const call = <Body>(method: string, path: string, by: Person | null, body?: object, at: At = app) =>
  at.request<Body>(method, path, {
    ...(by && { token: by.accessToken }),
    ...(body && { body }),
    headers: { 'idempotency-key': unique() },
  });
const pay = (id: string, at: At = app) => call('POST', `orders/${id}/payments`, buyer, { method: 'sandbox:success' }, at);
const list = async (id: string, by = buyer) => (await call<Wire<InvoiceList>>('GET', `orders/${id}/invoices`, by)).body.items;

async function anOrder({ quantity = 2, more = {} }: { quantity?: number; more?: object } = {}): Promise<string> {
  const mug = await aProduct(app, { name: 'Mug', price: 1_210, stock: 100, by: admin });
  const book = await aProduct(app, { name: 'Bücher für Žofie', price: 1_090, by: admin, taxClass: 'reduced' });
  const items = [
    { variantId: mug.variants[0]!.id, quantity },
    { variantId: book.variants[0]!.id, quantity: 1 },
  ];
  const { body } = await call<Wire<OrderResponse>>('POST', 'orders', buyer, { items, shippingAddress: ADDRESS, ...more });
  return body.id;
}

async function download(path: string): Promise<{ headers: Headers; bytes: Uint8Array; text: string }> {
  const answer = await fetch(`${app.url}/api/v1/${path}`, { headers: { authorization: `Bearer ${buyer.accessToken}` } });
  expect(answer.status).toBe(200);
  const bytes = new Uint8Array(await answer.arrayBuffer());
  const { text } = await extractText(Uint8Array.from(bytes), { mergePages: true });
  return { headers: answer.headers, bytes, text: text.replaceAll(/\s+/g, ' ') };
}

describe('an invoice', () => {
  it('is issued with the payment: a PDF with its number, the lines, the totals and the tax of each rate', async () => {
    const id = await anOrder();
    expect(refusal(await call('GET', `orders/${id}/invoice`, buyer))).toEqual([404, 'orders/invoice-not-found']);
    await pay(id);
    const [invoice, ...more] = await list(id);
    expect(more).toEqual([]);
    expect(invoice).toEqual({
      id: expect.any(String),
      orderId: id,
      kind: 'invoice',
      number: expect.stringMatching(/^\d{4}-\d{6}$/),
      total: { amount: 3_510, currency: 'EUR' },
      refundId: null,
      issuedAt: expect.any(String),
    });
    const { headers, bytes, text } = await download(`orders/${id}/invoice`);
    expect(headers.get('content-type')).toBe('application/pdf');
    expect(headers.get('content-disposition')).toBe(`attachment; filename="invoice-${invoice!.number}.pdf"`);
    expect(Buffer.from(bytes.subarray(0, 5)).toString()).toBe('%PDF-');
    const order = (await call<Wire<OrderResponse>>('GET', `orders/${id}`, buyer)).body;
    for (const words of [
      `Invoice ${invoice!.number}`,
      `Order: ${order.number}`,
      'Hopper Trading B.V.',
      'Tax ID NL001234567B01',
      'Łukasz Ńowak',
      'Αθήνα',
      'Bücher für Žofie',
      `(${order.items[0]!.sku})`,
      'EUR 12.10',
      'EUR 24.20',
      'Including BTW 21% in EUR 24.20 EUR 4.20',
      'Including BTW 9% in EUR 10.90 EUR 0.90',
      'Total, paid EUR 35.10',
    ])
      expect(text).toContain(words);
    const again = await download(`orders/${id}/invoices/${invoice!.id}`);
    expect(Buffer.compare(again.bytes, bytes)).toBe(0);
  });

  it('stays as it was issued, whatever the shop and its customer change', async () => {
    const id = await anOrder();
    await pay(id);
    const { bytes } = await download(`orders/${id}/invoice`);
    await call('PATCH', 'shop/settings', admin, { seller: { ...SELLER, legalName: 'Another Ltd' }, timeZone: 'Asia/Tokyo' });
    await sql(`UPDATE orders SET billing_address = '{"name": "Somebody else"}' WHERE id = $1`, id);
    expect(Buffer.compare((await download(`orders/${id}/invoice`)).bytes, bytes)).toBe(0);
    await call('PATCH', 'shop/settings', admin, { seller: SELLER, timeZone: 'UTC' });
  });

  it('has as many pages as it needs', async () => {
    const lines = await Promise.all(
      Array.from(
        { length: 60 },
        async () => (await aProduct(app, { name: `Long ${'name '.repeat(12)}`, price: 1, by: admin })).variants[0]!,
      ),
    );
    const items = lines.map(({ id }) => ({ variantId: id, quantity: 1 }));
    const { body } = await call<Wire<OrderResponse>>('POST', 'orders', buyer, { items });
    await pay(body.id);
    const { bytes, text } = await download(`orders/${body.id}/invoice`);
    expect((await extractText(bytes)).totalPages).toBeGreaterThan(2);
    for (const { sku } of lines) expect(text.replaceAll(' ', '')).toContain(sku);
  });

  it('is followed by a credit note for each refund', async () => {
    const id = await anOrder();
    await pay(id);
    const refund = (body: object) => call<{ id: string }>('POST', `orders/${id}/refunds`, admin, body);
    const part = await refund({ amount: { amount: 1_000, currency: 'EUR' }, reason: 'scratched' });
    const rest = await refund({ reason: 'the rest' });
    expect(rest.status).toBe(201);
    const [invoice, first, second] = await list(id);
    expect(first).toMatchObject({ kind: 'credit-note', total: { amount: 1_000 }, refundId: part.body.id });
    expect(second).toMatchObject({ kind: 'credit-note', total: { amount: 2_510 } });
    const { text, headers } = await download(`orders/${id}/invoices/${first!.id}`);
    expect(headers.get('content-disposition')).toBe(`attachment; filename="credit-note-${first!.number}.pdf"`);
    for (const words of [`Credit note ${first!.number}`, `Corrects invoice: ${invoice!.number}`, 'scratched', 'Paid back EUR 10.00'])
      expect(text).toContain(words);
    expect((await download(`orders/${id}/invoices/${second!.id}`)).text).toContain(
      'the rest: 2 × Mug, Standard, 1 × Bücher für Žofie, Standard',
    );
  });

  it('is for the customer and for staff', async () => {
    const id = await anOrder();
    await pay(id);
    const [invoice] = await list(id, await aUser(app, { roles: ['support'] }));
    const foreign = await aUser(app);
    for (const path of [`orders/${id}/invoice`, `orders/${id}/invoices`, `orders/${id}/invoices/${invoice!.id}`]) {
      expect((await call('GET', path, null)).status).toBe(401);
      expect(refusal(await call('GET', path, foreign))).toEqual([404, 'orders/not-found']);
    }
    const another = await anOrder();
    await pay(another);
    expect(refusal(await call('GET', `orders/${another}/invoices/${invoice!.id}`, buyer))).toEqual([404, 'orders/invoice-not-found']);
  });

  it('keeps whom it is to when the person is erased, for as long as the law asks', async () => {
    const id = await anOrder();
    await pay(id);
    const buyerOf = async () => (await sql<{ buyer: object | null }>('SELECT buyer FROM invoices WHERE order_id = $1', id))[0]!.buyer;
    await sql('UPDATE orders SET anonymised_at = now() WHERE id = $1', id);
    await app.get(OrdersPrivacy).forgetAddresses();
    expect(await buyerOf()).toMatchObject({ name: ADDRESS.name });
    await sql(`UPDATE orders SET created_at = now() - interval '11 years' WHERE id = $1`, id);
    await app.get(OrdersPrivacy).forgetAddresses();
    expect(await buyerOf()).toBeNull();
    expect((await download(`orders/${id}/invoice`)).text).not.toContain(ADDRESS.name);
  });
});

describe('the numbers of invoices', () => {
  it('have no gap and no double, with sixty payments over two processes and some that are undone', async () => {
    const ids = await Promise.all(Array.from({ length: 60 }, () => anOrder({ quantity: 1 })));
    const undone = await Promise.all(Array.from({ length: 20 }, () => anOrder({ quantity: 1 })));
    const orders = await Promise.all(undone.map((id) => app.get(OrdersService).get(actorOf(buyer), id)));
    const failing = orders.map((order) =>
      transaction(app.prisma, async (db) => {
        await app.get(InvoicesService).issue(order, db);
        await db.$queryRaw`SELECT 1`; // sends what was deferred: the number is taken, and the counter is locked
        throw new Error('undone');
      }),
    );
    const [paid] = await Promise.all([Promise.all(ids.map((id, index) => pay(id, index % 2 ? app : other))), Promise.allSettled(failing)]);
    expect(paid.map(({ status }) => status)).toEqual(paid.map(() => 201));
    const numbers = await sql<{ year: number; number: number }>('SELECT year, number FROM invoices ORDER BY year, number');
    expect(numbers.length).toBeGreaterThanOrEqual(60);
    const [{ year } = { year: 0 }] = numbers;
    expect(numbers).toEqual(numbers.map((_, index) => ({ year, number: index + 1 })));
    expect(await sql('SELECT last FROM invoice_counters')).toEqual([{ last: numbers.length }]);
    expect(await sql('SELECT FROM invoices WHERE order_id = ANY ($1)', undone)).toEqual([]);
  });

  it('are given to what a job has found paid, too, and once', async () => {
    const id = await anOrder();
    await call('POST', `orders/${id}/payments`, buyer, { method: 'sandbox:duplicate' });
    await eventually(async () => (await list(id)).length === 1);
    expect(await list(id)).toHaveLength(1);
  });
});

describe('the database', () => {
  it.each([
    ['that an invoice is changed', `UPDATE invoices SET content = '{}' WHERE order_id = $1`],
    ['that its number is changed', `UPDATE invoices SET number = number + 1000 WHERE order_id = $1`],
    ['that somebody else is put into it', `UPDATE invoices SET buyer = '{"name": "x"}' WHERE order_id = $1`],
    ['that one is deleted', `DELETE FROM invoices WHERE order_id = $1`],
  ])('refuses %s', async (_, statement) => {
    const id = await anOrder();
    await pay(id);
    await expect(sql(statement, id)).rejects.toMatchObject({ code: '23514' });
  });

  it('refuses a second invoice of an order, and a number twice', async () => {
    const id = await anOrder();
    await pay(id);
    const copy = (number: string) =>
      sql(
        `INSERT INTO invoices (id, kind, order_id, year, number, content, issued_at) SELECT gen_random_uuid(), kind, order_id, year, ${number}, content, issued_at FROM invoices WHERE order_id = $1`,
        id,
      );
    await expect(copy('999999')).rejects.toMatchObject({ code: '23505', constraint: 'invoices_one_per_order_key' });
    await expect(copy('number')).rejects.toMatchObject({ code: '23505' });
  });
});
