import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { ProblemDocument } from '../libs/http/src/problem.filter.js';
import type { NoteList, NoteResponse } from '../src/orders/notes.dto.js';
import type { OrderResponse } from '../src/orders/orders.dto.js';
import type { ShipmentList, ShipmentResponse } from '../src/orders/shipments.dto.js';
import type { OrderEventList } from '../src/orders/timelines.dto.js';
import { startApp, type TestApp } from './harness/app.js';
import type { Answer } from './harness/client.js';
import { query } from './harness/database.js';
import { anAdmin, aProduct, aUser, type Person, unique } from './harness/people.js';
import { type Product, startProcess, stopProcesses } from './harness/product.js';
import type { Wire } from './harness/wire.js';

const NOBODYS_ID = '0199f3a1-7c1e-7b3a-9a4e-0d6f1c2b3a49';

let app: TestApp;
let other: Product;
let admin: Person;
let support: Person;
let buyer: Person;

beforeAll(async () => {
  app = await startApp();
  other = await startProcess({ databaseUrl: app.databaseUrl });
  [admin, buyer, support] = [await anAdmin(app), await aUser(app), await aUser(app, { roles: ['support'] })];
}, 60_000);

afterAll(async () => {
  await stopProcesses();
  await app.close();
});

type At = Pick<TestApp, 'request'>;
type ShipmentBody = Wire<ShipmentResponse>;

const sql = <Row extends object = Record<string, unknown>>(text: string, ...values: unknown[]) => query<Row>(app.databaseUrl, text, values);
const refusal = (answer: Answer<unknown>) => [answer.status, (answer.body as ProblemDocument).code];
const pointers = (answer: Answer<unknown>) => (answer.body as ProblemDocument).errors?.map(({ pointer }) => pointer);
const call = <Body>(method: string, path: string, by: Person | null, body?: object, { key, at = app }: { key?: string; at?: At } = {}) =>
  at.request<Body>(method, path, {
    ...(by && { token: by.accessToken }),
    ...(body && { body }),
    ...(key !== undefined && { headers: { 'idempotency-key': key } }),
  });
const parcel = (items?: { variantId: string; quantity: number }[]) => ({
  carrier: 'DHL',
  trackingNumber: 'JJD-1',
  ...(items && { items }),
});
const ship = (
  id: string,
  items?: { variantId: string; quantity: number }[],
  { by = admin, at = app }: { by?: Person | null; at?: At } = {},
) => call<ShipmentBody>('POST', `orders/${id}/shipments`, by, parcel(items), { at });
const deliver = (id: string, by: Person | null = admin) => call<ShipmentBody>('POST', `shipments/${id}/delivery`, by);
const list = async (id: string, by = admin) => (await call<Wire<ShipmentList>>('GET', `orders/${id}/shipments`, by)).body.items;
const statusOf = async (id: string) => (await call<Wire<OrderResponse>>('GET', `orders/${id}`, admin)).body.status;
const refund = (id: string, body: object, at: At = app) =>
  call('POST', `orders/${id}/refunds`, admin, { reason: 'x', ...body }, { key: unique(), at });
const cancel = (id: string, at: At = app) => call('POST', `orders/${id}/cancellation`, buyer, undefined, { at });
const shippedOf = async (id: string) =>
  (await sql<{ shipped: number }>('SELECT shipped FROM order_lines WHERE order_id = $1 ORDER BY position', id)).map(
    ({ shipped }) => shipped,
  );

async function anOrder(quantities: number[], { paid = true } = {}) {
  const variants = await Promise.all(
    quantities.map(async () => (await aProduct(app, { price: 1_000, stock: 20, by: admin })).variants[0]!.id),
  );
  const items = variants.map((variantId, index) => ({ variantId, quantity: quantities[index]! }));
  const { body } = await call<Wire<OrderResponse>>('POST', 'orders', buyer, { items }, { key: unique() });
  if (paid)
    expect((await call('POST', `orders/${body.id}/payments`, buyer, { method: 'sandbox:success' }, { key: unique() })).status).toBe(201);
  return { id: body.id, variants };
}

describe('sending an order', () => {
  it('as a whole makes it shipped, and its arrival delivered', async () => {
    const { id, variants } = await anOrder([2, 1]);
    const { status, body, headers } = await ship(id);
    expect(status).toBe(201);
    expect(headers['location']).toMatch(`/api/v1/orders/${id}/shipments`);
    expect(body).toEqual({
      id: body.id,
      orderId: id,
      status: 'shipped',
      carrier: 'DHL',
      trackingNumber: 'JJD-1',
      items: [
        { variantId: variants[0], quantity: 2 },
        { variantId: variants[1], quantity: 1 },
      ],
      createdAt: expect.any(String),
      deliveredAt: null,
    });
    expect(await statusOf(id)).toBe('shipped');
    expect(refusal(await ship(id))).toEqual([409, 'orders/not-shippable']);
    const delivered = await deliver(body.id);
    expect(delivered.body).toMatchObject({ id: body.id, status: 'delivered', deliveredAt: expect.any(String) });
    expect(await statusOf(id)).toBe('delivered');
    expect((await deliver(body.id)).body).toEqual(delivered.body);
    const events = await sql<{ name: string }>(`SELECT name FROM events WHERE resource_id = $1 ORDER BY seq`, id);
    expect(events.map(({ name }) => name).slice(2)).toEqual(['shipment.created', 'order.shipped', 'shipment.delivered', 'order.delivered']);
    const acts = await sql<{ action: string }>(`SELECT action FROM audit_entries WHERE resource_id IN ($1, $2) ORDER BY id`, id, body.id);
    expect(acts.map(({ action }) => action).slice(-4)).toEqual([
      'shipments.created',
      'orders.shipped',
      'shipments.delivered',
      'orders.delivered',
    ]);
  });

  it('in parts leaves it paid until the last has gone, and shipped until the last has arrived', async () => {
    const { id, variants } = await anOrder([3]);
    const some = (quantity: number) => [{ variantId: variants[0]!, quantity }];
    const first = await ship(id, some(1));
    expect([await statusOf(id), await shippedOf(id)]).toEqual(['paid', [1]]);
    await deliver(first.body.id);
    expect(await statusOf(id)).toBe('paid');
    const tooMany = await ship(id, some(3));
    expect([...refusal(tooMany), pointers(tooMany)]).toEqual([409, 'orders/not-shippable', ['/items/0/quantity']]);
    const second = await ship(id);
    expect(second.body.items).toEqual(some(2));
    expect(await statusOf(id)).toBe('shipped');
    await deliver(second.body.id);
    expect([await statusOf(id), await shippedOf(id)]).toEqual(['delivered', [3]]);
    expect((await list(id)).map(({ id: own }) => own)).toEqual([second.body.id, first.body.id]);
  });

  it('leaves out what has come back; an order is shipped, too, when the rest is refunded', async () => {
    const { id, variants } = await anOrder([2, 2]);
    const [one, two] = variants as [string, string];
    await refund(id, { items: [{ variantId: one, quantity: 1 }] });
    const tooMany = await ship(id, [{ variantId: one, quantity: 2 }]);
    expect(pointers(tooMany)).toEqual(['/items/0/quantity']);
    const { body } = await ship(id, [{ variantId: one, quantity: 1 }]);
    await deliver(body.id);
    expect(await statusOf(id)).toBe('paid');
    await refund(id, { items: [{ variantId: two, quantity: 2 }] });
    expect(await statusOf(id)).toBe('delivered');
    expect(refusal(await ship(id))).toEqual([409, 'orders/not-shippable']);
  });

  it('is for what is paid for, and still is', async () => {
    const { id } = await anOrder([1], { paid: false });
    expect(refusal(await ship(id))).toEqual([409, 'orders/not-shippable']);
    await cancel(id);
    expect(refusal(await ship(id))).toEqual([409, 'orders/not-shippable']);
    const { id: refunded } = await anOrder([1]);
    await refund(refunded, {});
    expect(refusal(await ship(refunded))).toEqual([409, 'orders/not-shippable']);
  });

  it('ends that it can be cancelled, but not that it can be refunded', async () => {
    const { id, variants } = await anOrder([2]);
    await ship(id, [{ variantId: variants[0]!, quantity: 1 }]);
    expect(refusal(await cancel(id))).toEqual([409, 'orders/not-cancellable']);
    expect(await statusOf(id)).toBe('paid');
    expect((await refund(id, {})).status).toBe(201);
    expect(await statusOf(id)).toBe('refunded');
  });

  it('is done once for a key', async () => {
    const { id, variants } = await anOrder([5]);
    const key = unique();
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, index) =>
        call('POST', `orders/${id}/shipments`, admin, parcel([{ variantId: variants[0]!, quantity: 1 }]), {
          key,
          at: index % 2 ? app : other,
        }),
      ),
    );
    expect(new Set(answers.filter(({ status }) => status === 201).map(({ text }) => text)).size).toBe(1);
    for (const answer of answers.filter(({ status }) => status !== 201)) expect(refusal(answer)).toEqual([409, 'idempotency/in-progress']);
    expect(await shippedOf(id)).toEqual([1]);
  });

  it('is for who manages orders; the customer follows it, others do not', async () => {
    const { id } = await anOrder([1]);
    expect((await ship(id, undefined, { by: null })).status).toBe(401);
    for (const by of [buyer, support]) expect(refusal(await ship(id, undefined, { by }))).toEqual([403, 'auth/forbidden']);
    expect(refusal(await ship(NOBODYS_ID))).toEqual([404, 'orders/not-found']);
    const { body } = await ship(id);
    expect(await list(id, buyer)).toEqual([body]);
    expect(await list(id, support)).toEqual([body]);
    const foreign = await aUser(app);
    expect(refusal(await call('GET', `orders/${id}/shipments`, foreign))).toEqual([404, 'orders/not-found']);
    expect((await call('GET', `orders/${id}/shipments`, null)).status).toBe(401);
    for (const by of [buyer, support]) expect(refusal(await deliver(body.id, by))).toEqual([403, 'auth/forbidden']);
    expect((await deliver(body.id, null)).status).toBe(401);
    expect(refusal(await deliver(NOBODYS_ID))).toEqual([404, 'orders/shipment-not-found']);
    expect(await statusOf(id)).toBe('shipped');
  });

  it.each([
    [{ trackingNumber: '1' }, ['/carrier']],
    [{ carrier: 'DHL' }, ['/trackingNumber']],
    [{ carrier: '', trackingNumber: '1' }, ['/carrier']],
    [{ carrier: 'DHL', trackingNumber: 1 }, ['/trackingNumber']],
    [{ ...parcel(), items: [] }, ['/items']],
    [{ ...parcel(), items: [{ variantId: NOBODYS_ID, quantity: 0 }] }, ['/items/0/quantity']],
    [{ ...parcel(), items: [{ variantId: NOBODYS_ID, quantity: 0.5 }] }, ['/items/0/quantity']],
    [{ ...parcel(), deliveredAt: '2030-01-01T00:00:00Z' }, ['/deliveredAt']],
  ])('refuses %j', async (body, at) => {
    const answer = await call('POST', `orders/${NOBODYS_ID}/shipments`, admin, body);
    expect([...refusal(answer), pointers(answer)]).toEqual([400, 'http/validation-failed', at]);
  });

  it('does not take what was not bought', async () => {
    const { id } = await anOrder([1]);
    const answer = await ship(id, [{ variantId: NOBODYS_ID, quantity: 1 }]);
    expect([...refusal(answer), pointers(answer)]).toEqual([409, 'orders/not-shippable', ['/items/0/variantId']]);
    expect(await statusOf(id)).toBe('paid');
  });
});

describe('over two processes at once', () => {
  const at = (index: number) => (index % 2 ? app : other);

  it('thirty parcels hold what was bought, each piece once', async () => {
    const { id, variants } = await anOrder([7]);
    const answers = await Promise.all(
      Array.from({ length: 30 }, (_, index) => ship(id, [{ variantId: variants[0]!, quantity: 1 }], { at: at(index) })),
    );
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(7);
    for (const answer of answers.filter(({ status }) => status !== 201)) expect(refusal(answer)).toEqual([409, 'orders/not-shippable']);
    expect([await shippedOf(id), await statusOf(id)]).toEqual([[7], 'shipped']);
  });

  it('an order is either sent or cancelled', async () => {
    const ends = new Set<string>();
    for (let round = 0; round < 10; round++) {
      const { id, variants } = await anOrder([1]);
      const first = round % 2 === 0;
      const both = [() => ship(id, undefined, { at: at(round) }), () => cancel(id, at(round + 1))];
      const [sent, cancelled] = first
        ? await Promise.all([both[0]!(), both[1]!()])
        : ((await Promise.all([both[1]!(), both[0]!()])).reverse() as [Answer<unknown>, Answer<unknown>]);
      const status = await statusOf(id);
      ends.add(status);
      const [stock] = await sql<{ stock: number }>('SELECT stock FROM variants WHERE id = $1', variants[0]);
      if (status === 'shipped') {
        expect([sent.status, ...refusal(cancelled), stock!.stock]).toEqual([201, 409, 'orders/not-cancellable', 19]);
      } else {
        expect([status, cancelled.status, ...refusal(sent), stock!.stock]).toEqual(['cancelled', 200, 409, 'orders/not-shippable', 20]);
      }
    }
    expect(ends.size).toBeGreaterThan(0);
  });

  it('no piece is both sent and refunded as unsent', async () => {
    const { id, variants } = await anOrder([6]);
    const items = [{ variantId: variants[0]!, quantity: 1 }];
    const answers = await Promise.all(
      Array.from({ length: 24 }, (_, index) => (index % 4 < 2 ? ship(id, items, { at: at(index) }) : refund(id, { items }, at(index)))),
    );
    const sent = answers.filter(({ status }, index) => index % 4 < 2 && status === 201).length;
    const [{ back } = { back: 0 }] = await sql<{ back: number }>(
      `SELECT coalesce(sum(l.quantity), 0)::int AS back FROM refund_lines l JOIN refunds r ON r.id = l.refund_id JOIN payments p ON p.id = r.payment_id WHERE p.order_id = $1 AND r.status <> 'failed'`,
      id,
    );
    expect(await shippedOf(id)).toEqual([sent]);
    expect(sent).toBeLessThanOrEqual(6);
    expect(back).toBeLessThanOrEqual(6);
    expect(sent + back).toBeGreaterThanOrEqual(6);
    expect(await statusOf(id)).toBe(back === 6 ? 'refunded' : 'shipped');
  });
});

describe('the database', () => {
  it.each([
    ['more sent than bought', `UPDATE order_lines SET shipped = quantity + 1 WHERE order_id = $1`],
    ['less than nothing sent', `UPDATE order_lines SET shipped = -1 WHERE order_id = $1`],
    [
      'a parcel with nothing of a line',
      `INSERT INTO shipment_lines (shipment_id, position, quantity) SELECT id, 7, 0 FROM shipments WHERE order_id = $1`,
    ],
  ])('refuses %s, whoever writes it', async (_, statement) => {
    const { id } = await anOrder([1]);
    await ship(id);
    await expect(sql(statement, id)).rejects.toMatchObject({ code: '23514' });
  });
});

describe('the timeline of an order', () => {
  const events = async (id: string, by: Person, search = '') =>
    (await call<Wire<OrderEventList>>('GET', `orders/${id}/events?${search}`, by)).body;
  const note = (id: string, body: object, by: Person | null = admin) => call<Wire<NoteResponse>>('POST', `orders/${id}/notes`, by, body);
  const notes = async (id: string, by: Person) => (await call<Wire<NoteList>>('GET', `orders/${id}/notes`, by)).body.items;

  it('says what happened, to staff more than to the customer', async () => {
    const { id } = await anOrder([1]);
    const secret = await note(id, { text: 'Has complained before.' });
    expect(secret.status).toBe(201);
    const shared = await note(id, { text: 'We wait for the red ones.', shared: true });
    const sent = await ship(id);
    await refund(id, { amount: { amount: 10, currency: 'EUR' } });
    const mine = (await events(id, buyer)).items;
    expect(mine.map(({ name, by }) => `${name} ${by}`)).toEqual([
      'order.placed customer',
      'payment.processing customer',
      'payment.succeeded customer',
      'order.paid customer',
      'order.note-shared staff',
      'shipment.created staff',
      'order.shipped staff',
      'refund.created staff',
      'refund.succeeded staff',
    ]);
    expect(mine.every(({ actorId }) => actorId === null)).toBe(true);
    expect(mine[4]!.note).toEqual({ ...shared.body, authorId: null });
    expect(mine[5]!.payload).toMatchObject({ shipmentId: sent.body.id });
    expect(JSON.stringify(mine)).not.toContain('complained');
    const all = (await events(id, support)).items;
    expect(all).toHaveLength(mine.length + 1);
    expect(all[4]).toMatchObject({ name: 'order.note-added', actorId: admin.id, note: secret.body });
    expect(await notes(id, buyer)).toEqual([{ ...shared.body, authorId: null }]);
    expect(await notes(id, support)).toEqual([shared.body, secret.body]);
  });

  it('is paged, in both directions', async () => {
    const { id } = await anOrder([1]);
    const whole = (await events(id, buyer)).items.map(({ id: own }) => own);
    expect(whole).toHaveLength(4);
    for (const sort of ['occurredAt', '-occurredAt']) {
      const found: string[] = [];
      for (let cursor: string | null = ''; cursor !== null;) {
        const page: Wire<OrderEventList> = await events(id, buyer, `limit=3&sort=${sort}${cursor && `&cursor=${cursor}`}`);
        found.push(...page.items.map(({ id: own }) => own));
        cursor = page.nextCursor;
      }
      expect(found).toEqual(sort === 'occurredAt' ? whole : whole.toReversed());
    }
    expect(refusal(await call('GET', `orders/${id}/events?cursor=x`, buyer))).toEqual([400, 'http/invalid-cursor']);
  });

  it('and its notes are no business of others', async () => {
    const { id } = await anOrder([1]);
    const foreign = await aUser(app);
    for (const what of ['events', 'notes']) {
      expect((await call('GET', `orders/${id}/${what}`, null)).status).toBe(401);
      expect(refusal(await call('GET', `orders/${id}/${what}`, foreign))).toEqual([404, 'orders/not-found']);
    }
    expect((await note(id, { text: 'x' }, null)).status).toBe(401);
    for (const by of [buyer, support]) expect(refusal(await note(id, { text: 'x' }, by))).toEqual([403, 'auth/forbidden']);
    expect(refusal(await note(NOBODYS_ID, { text: 'x' }))).toEqual([404, 'orders/not-found']);
    expect(await notes(id, admin)).toEqual([]);
  });

  it.each([
    [{}, ['/text']],
    [{ text: '' }, ['/text']],
    [{ text: 'x', shared: 'yes' }, ['/shared']],
    [{ text: 'x', shared: null }, ['/shared']],
    [{ text: 'x', authorId: NOBODYS_ID }, ['/authorId']],
  ])('takes no note like %j', async (body, at) => {
    const answer = await note(NOBODYS_ID, body);
    expect([...refusal(answer), pointers(answer)]).toEqual([400, 'http/validation-failed', at]);
  });
});
