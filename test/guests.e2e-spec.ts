import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { transaction } from '#database';
import type { ProblemDocument } from '../libs/http/src/problem.filter.js';
import { UsersService } from '../src/users/users.service.js';
import type { OrderList, PlacedOrderResponse } from '../src/orders/orders.dto.js';
import { startApp, type TestApp } from './harness/app.js';
import type { Answer } from './harness/client.js';
import { query } from './harness/database.js';
import { eventually } from './harness/eventually.js';
import { startMailServer, type TestMailServer } from './harness/mail-server.js';
import { anAdmin, aProduct, aUser, type Person, unique } from './harness/people.js';
import { type Product, startProcess, stopProcesses } from './harness/product.js';
import { fire } from './harness/schedules.js';
import type { Wire } from './harness/wire.js';

type Order = Wire<PlacedOrderResponse>;
type Server = Pick<TestApp, 'request'>;

let server: TestMailServer;
let app: TestApp;
/** Another process on the same database. */
let other: Product;
let admin: Person;
/** Of which there are plenty, at 10 EUR. */
let variantId: string;

beforeAll(async () => {
  server = await startMailServer();
  const mail = { SMTP_URL: server.url, MAIL_FROM: 'Shop <no-reply@example.com>', AUTH_LINKS_URL: 'https://shop.example.com' };
  app = await startApp(mail);
  other = await startProcess({ databaseUrl: app.databaseUrl, env: mail });
  admin = await anAdmin(app);
  variantId = (await aProduct(app, { stock: 100_000, price: 1_000, by: admin })).variants[0]!.id;
}, 60_000);
afterAll(async () => {
  await stopProcesses();
  await app.close();
  await server.close();
});

const anAddress = () => `g-${unique()}@example.org`;
const refusal = ({ status, body }: Answer<unknown>) => [status, (body as ProblemDocument).code];
const goods = (quantity = 1) => [{ variantId, quantity }];
interface How {
  key?: string;
  at?: Server;
  by?: Person;
}
const place = (body: object, { key = randomUUID(), at = app, by }: How = {}) =>
  at.request<Order>('POST', 'orders', { ...(by && { token: by.accessToken }), body, headers: { 'idempotency-key': key } });
const call = <Body = Order>(
  method: string,
  path: string,
  orderToken: string,
  body?: object,
  headers: Record<string, string> = {},
  at: Server = app,
) => at.request<Body>(method, path, { ...(body && { body }), headers: { 'x-order-token': orderToken, ...headers } });
const pay = (id: string, token: string, key: string = randomUUID(), at: Server = app) =>
  call<{ id: string; status: string }>(
    'POST',
    `orders/${id}/payments`,
    token,
    { method: 'sandbox:success' },
    { 'idempotency-key': key },
    at,
  );

async function anOrder(more: object = {}): Promise<Required<Order>> {
  const placed = await place({ items: goods(), email: anAddress(), ...more });
  if (placed.status !== 201) throw new Error(placed.text);
  return placed.body as Required<Order>;
}

describe('an order without a login', () => {
  it('is placed, read, paid and looked into by its token alone', async () => {
    const email = anAddress();
    const placed = await place({ items: goods(2), email: ` ${email.toUpperCase()} ` });
    expect(placed.status).toBe(201);
    expect(placed.body).toMatchObject({
      status: 'pending',
      customerId: null,
      guestEmail: email,
      token: expect.stringMatching(/^[\w-]{43}$/),
    });
    const { token, id, ...order } = placed.body as Required<Order>;
    const read = await call('GET', `orders/${id}`, token);
    expect(read.body).toEqual({ id, ...order });
    expect(refusal(await call('GET', `orders/${id}/invoice`, token))).toEqual([404, 'orders/invoice-not-found']);
    const paid = await pay(id, token);
    expect([paid.status, paid.body.status]).toEqual([201, 'succeeded']);
    expect((await call('GET', `orders/${id}`, token)).body.status).toBe('paid');
    const { body: payments } = await call<{ items: { id: string }[] }>('GET', `orders/${id}/payments`, token);
    expect(payments.items.map((payment) => payment.id)).toEqual([paid.body.id]);
    const invoice = await call('GET', `orders/${id}/invoice`, token);
    expect([invoice.status, invoice.headers['content-type'], invoice.text.slice(0, 5)]).toEqual([200, 'application/pdf', '%PDF-']);
    const { body: invoices } = await call<{ items: { id: string }[] }>('GET', `orders/${id}/invoices`, token);
    expect((await call('GET', `orders/${id}/invoices/${invoices.items[0]!.id}`, token)).status).toBe(200);
    expect((await call<{ items: object[] }>('GET', `orders/${id}/shipments`, token)).body.items).toEqual([]);
    expect((await call('POST', `orders/${id}/cancellation`, token)).body.status).toBe('cancelled');
  });

  it('has a timeline and the notes that are shared, by its token; nobody else sees them, and of staff it says nothing', async () => {
    const { id, token } = await anOrder();
    const other = await anOrder();
    await pay(id, token);
    const by = await anAdmin(app);
    for (const [text, shared] of [
      ['For staff only', false],
      ['Your parcel is on its way', true],
    ] as const)
      await app.request('POST', `orders/${id}/notes`, { token: by.accessToken, body: { text, shared } });
    type Moment = { name: string; by: string; actorId: string | null; note: { text: string; authorId: string | null } | null };
    const { body } = await call<{ items: Moment[] }>('GET', `orders/${id}/events`, token);
    expect(body.items.map(({ name }) => name)).toEqual([
      'order.placed',
      'payment.processing',
      'payment.succeeded',
      'order.paid',
      'order.note-shared',
    ]);
    expect(body.items.map(({ actorId }) => actorId)).toEqual(body.items.map(() => null));
    expect(body.items.map(({ by }) => by)).toEqual(['customer', 'customer', 'customer', 'customer', 'staff']);
    expect(body.items.at(-1)).toMatchObject({ note: { text: 'Your parcel is on its way', authorId: null } });
    const notes = await call<{ items: { text: string }[] }>('GET', `orders/${id}/notes`, token);
    expect(notes.body.items.map(({ text }) => text)).toEqual(['Your parcel is on its way']);
    for (const path of ['events', 'notes']) {
      expect(refusal(await call('GET', `orders/${id}/${path}`, other.token))).toEqual([404, 'orders/not-found']);
      expect(refusal(await app.request('GET', `orders/${id}/${path}`))).toEqual([401, 'auth/unauthenticated']);
    }
  });

  it('is told to the address that was given, with a link that opens it', async () => {
    const email = anAddress();
    const { id, token } = await anOrder({ email });
    await pay(id, token);
    await call('POST', `orders/${id}/cancellation`, token);
    const mails = await eventually(() => {
      const found = server.mails.filter(({ to }) => to.includes(email));
      return found.length >= 4 && found;
    }, 20_000);
    expect(mails.map(({ headers }) => headers['subject']!.replace(/\d+/, 'n')).sort()).toEqual(
      ['EUR n.00 is paid back to you', 'Order n is cancelled', 'Order n is paid', 'Order n is placed'].sort(),
    );
    for (const { text } of mails) expect(text).toContain(`https://shop.example.com/order#id=${id}&token=${token}`);
  });

  it('needs an address, and with a login takes none', async () => {
    const by = await aUser(app);
    expect(refusal(await place({ items: goods() }))).toEqual([401, 'auth/unauthenticated']);
    expect(refusal(await place({ items: goods(), email: by.email }, { by }))).toEqual([422, 'orders/customer-unclear']);
    for (const email of ['', 'x', null, 1, `${'x'.repeat(250)}@a.b`])
      expect(refusal(await place({ items: goods(), email }))).toEqual([400, 'http/validation-failed']);
  });

  it('needs the permission of whoever does log in', async () => {
    const { body } = await app.request<{ key: string }>('POST', 'auth/api-keys', {
      token: (await aUser(app)).accessToken,
      body: { name: 'reads', scopes: ['files:write'] },
    });
    const headers = { 'idempotency-key': randomUUID() };
    expect(refusal(await app.request('POST', 'orders', { token: body.key, headers, body: { items: goods() } }))).toEqual([
      403,
      'auth/forbidden',
    ]);
  });

  it('is not there for anybody else', async () => {
    const [order, foreign, stranger] = [await anOrder(), await anOrder(), await aUser(app)];
    const paths = ['', '/payments', '/invoice', '/invoices', '/shipments'].map((path) => `orders/${order.id}${path}`);
    for (const token of [foreign.token, 'x', '€', `${order.token}x`, order.token.slice(1)])
      for (const path of paths)
        expect([path, ...refusal(await call('GET', path, encodeURIComponent(token)))]).toEqual([path, 404, 'orders/not-found']);
    expect(refusal(await pay(order.id, foreign.token))).toEqual([404, 'orders/not-found']);
    expect(refusal(await call('POST', `orders/${order.id}/cancellation`, foreign.token))).toEqual([404, 'orders/not-found']);
    for (const path of paths) {
      expect(refusal(await app.request('GET', path))).toEqual([401, 'auth/unauthenticated']);
      expect(refusal(await app.request('GET', path, { token: stranger.accessToken }))).toEqual([404, 'orders/not-found']);
    }
    // Of a user's order there is no token, and a token opens nothing that only logins do.
    const { body: users } = await place({ items: goods() }, { by: stranger });
    expect(users.token).toBeUndefined();
    expect(refusal(await call('GET', `orders/${users.id}`, order.token))).toEqual([404, 'orders/not-found']);
    for (const [method, path] of [
      ['GET', 'orders'],
      ['POST', `orders/${order.id}/notes`],
    ] as const)
      expect(refusal(await call(method, path, order.token))).toEqual([401, 'auth/unauthenticated']);
    expect((await call('GET', `orders/${order.id}`, order.token)).body.status).toBe('pending');
  });

  it('is found by staff, by its number and its address', async () => {
    const { id, number, guestEmail } = await anOrder();
    for (const q of [number, guestEmail!, guestEmail!.toUpperCase()]) {
      const { body } = await app.request<Wire<OrderList>>('GET', `orders?q=${encodeURIComponent(q)}`, { token: admin.accessToken });
      expect(body.items.map((order) => [order.id, order.guestEmail])).toEqual([[id, guestEmail]]);
    }
    expect((await app.request('POST', `orders/${id}/cancellation`, { token: admin.accessToken })).status).toBe(200);
  });

  it('is limited from one network', async () => {
    const strict = await startApp({ DATABASE_URL: app.databaseUrl, TRUSTED_PROXIES: '127.0.0.1', GUEST_ORDERS_PER_HOUR: '1', ROLE: 'api' });
    const headers = () => ({ 'x-forwarded-for': '203.0.113.9', 'idempotency-key': randomUUID() });
    const order = () => strict.request('POST', 'orders', { headers: headers(), body: { items: goods(), email: anAddress() } });
    expect([(await order()).status, (await order()).status]).toEqual([201, 429]);
    const by = await aUser(app);
    expect((await strict.request('POST', 'orders', { token: by.accessToken, headers: headers(), body: { items: goods() } })).status).toBe(
      201,
    );
    await strict.close();
  });
});

describe('the Idempotency-Key of a guest', () => {
  it('makes one order of many calls at once, over two processes', async () => {
    const [key, body] = [randomUUID(), { items: goods(), email: anAddress() }];
    const answers = await Promise.all(Array.from({ length: 30 }, (_, n) => place(body, { key, at: n % 2 ? app : other })));
    const placed = answers.filter(({ status }) => status === 201);
    expect(new Set(placed.map(({ text }) => text)).size).toBe(1);
    expect(answers.filter(({ status }) => status !== 201).map(refusal)).toEqual(
      Array(30 - placed.length).fill([409, 'idempotency/in-progress']),
    );
    const again = await place(body, { key, at: other });
    expect([again.text, again.headers['idempotency-replayed']]).toEqual([placed[0]!.text, 'true']);
    expect(await app.prisma.order.count({ where: { guestEmail: body.email } })).toBe(1);
    expect(refusal(await place({ ...body, items: goods(2) }, { key }))).toEqual([422, 'idempotency/key-reused']);
  });

  it('is no other guest’s, and no user’s', async () => {
    const key = randomUUID();
    const [one, two] = [
      await place({ items: goods(), email: anAddress() }, { key }),
      await place({ items: goods(), email: anAddress() }, { key }),
    ];
    const users = await place({ items: goods() }, { key, by: await aUser(app) });
    expect([one, two, users].map(({ status }) => status)).toEqual([201, 201, 201]);
    expect(new Set([one, two, users].map(({ body }) => body.id)).size).toBe(3);
    const [scope] = await query<{ found: number }>(
      app.databaseUrl,
      `SELECT count(*)::int AS found FROM idempotency_keys WHERE scope LIKE '%' || $1 || '%'`,
      [one.body.guestEmail],
    );
    expect(scope!.found).toBe(0);
  });

  it('cannot be short enough to be guessed', async () => {
    expect(refusal(await place({ items: goods(), email: anAddress() }, { key: 'order-1' }))).toEqual([400, 'idempotency/key-guessable']);
  });

  it('pays once, and repeats the answer to nobody without the token', async () => {
    const { id, token } = await anOrder();
    const key = randomUUID();
    const answers = await Promise.all(Array.from({ length: 10 }, (_, n) => pay(id, token, key, n % 2 ? app : other)));
    expect(answers.filter(({ status }) => status === 201).length).toBeGreaterThan(0);
    const [paid] = await query<{ payments: number }>(
      app.databaseUrl,
      'SELECT count(*)::int AS payments FROM payments WHERE order_id = $1',
      [id],
    );
    expect(paid!.payments).toBe(1);
    expect((await pay(id, token, key)).headers['idempotency-replayed']).toBe('true');
    expect(refusal(await pay(id, (await anOrder()).token, key))).toEqual([404, 'orders/not-found']);
  });
});

describe('a coupon with a limit for each customer', () => {
  it('counts guests by their addresses, also when they order at once', async () => {
    const code = `C-${unique()}`.toUpperCase();
    const terms = { code, kind: 'percentage', percentage: '10', perCustomerLimit: 1 };
    await app.request('POST', 'coupons', { token: admin.accessToken, body: terms });
    const email = anAddress();
    const answers = await Promise.all(
      Array.from({ length: 8 }, (_, n) =>
        place({ items: goods(), email: n % 3 ? email : email.toUpperCase(), couponCode: code }, { at: n % 2 ? app : other }),
      ),
    );
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(1);
    expect(answers.filter(({ status }) => status !== 201).map(refusal)).toEqual(Array(7).fill([409, 'coupons/used-by-you']));
    expect((await place({ items: goods(), email: anAddress(), couponCode: code })).status).toBe(201);
  });
});

describe('who a guest was', () => {
  it('is the account that proves the address, and not one that only says so', async () => {
    const email = anAddress();
    const { id, token } = await anOrder({ email });
    const user = await aUser(app, { email });
    await app.request('PATCH', 'users/me', { token: user.accessToken, body: { name: 'Somebody' } });
    const handled = async () => {
      const [left] = await query<{ left: number }>(
        app.databaseUrl,
        `SELECT count(*)::int AS left FROM event_deliveries WHERE consumer = 'orders.guests' AND status = 'pending'`,
      );
      const [unread] = await query<{ left: number }>(app.databaseUrl, 'SELECT count(*)::int AS left FROM events WHERE position IS NULL');
      return left!.left + unread!.left === 0;
    };
    await eventually(handled, 20_000);
    expect((await call('GET', `orders/${id}`, token)).status).toBe(200);
    await transaction(app.prisma, (db) => app.get(UsersService).confirmEmail(user.id, { to: email }, db));
    const theirs = () => app.request<Order>('GET', `orders/${id}`, { token: user.accessToken });
    await eventually(async () => (await theirs()).status === 200, 20_000);
    expect((await theirs()).body).toMatchObject({ customerId: user.id, guestEmail: null });
    expect(refusal(await call('GET', `orders/${id}`, token))).toEqual([404, 'orders/not-found']);
  });

  it('is forgotten when nothing came of the order, or the law no longer asks', async () => {
    const address = { name: 'Ada Lovelace', line1: '12 Dean Street', city: 'London', postalCode: 'SW1Y 4JH', country: 'GB' };
    const orders = await Promise.all(Array.from({ length: 4 }, () => anOrder({ shippingAddress: address, metadata: { a: 'b' } })));
    for (const { id, token } of orders.slice(0, 2)) await call('POST', `orders/${id}/cancellation`, token);
    for (const { id, token } of orders.slice(2)) await pay(id, token);
    const age = (id: string, days: number) =>
      query(
        app.databaseUrl,
        `UPDATE orders SET created_at = created_at - make_interval(days => $2), status = CASE status WHEN 'paid' THEN 'delivered' ELSE status END WHERE id = $1`,
        [id, days],
      );
    await age(orders[1]!.id, 31);
    await age(orders[2]!.id, 31);
    await age(orders[3]!.id, 365 * 11);
    await fire(app.databaseUrl, 'orders.forget-addresses');
    const row = (index: number) => app.prisma.order.findUniqueOrThrow({ where: { id: orders[index]!.id } });
    await eventually(async () => (await row(1)).shippingAddress === null && (await row(3)).shippingAddress === null, 20_000);
    for (const index of [0, 2])
      expect(await row(index)).toMatchObject({ guestEmail: orders[index]!.guestEmail, shippingAddress: address, anonymisedAt: null });
    for (const index of [1, 3]) {
      expect(await row(index)).toMatchObject({ guestEmail: null, userId: null, metadata: {}, anonymisedAt: expect.any(Date) });
      expect(refusal(await call('GET', `orders/${orders[index]!.id}`, orders[index]!.token))).toEqual([404, 'orders/not-found']);
    }
    expect((await app.request('GET', `orders/${orders[1]!.id}`, { token: admin.accessToken })).status).toBe(200);
  });

  it('is not in the audit log', async () => {
    const { id } = await anOrder();
    const entries = await app.prisma.auditEntry.findMany({ where: { resourceId: id } });
    expect(entries.map(({ action, actorKind, subjectId, personal }) => [action, actorKind, subjectId, personal])).toEqual([
      ['orders.placed', 'anonymous', null, null],
    ]);
  });
});
