import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Webhook as StandardWebhook } from 'standardwebhooks';
import { Webhook as SvixWebhook } from 'svix';
import type { WebhookDeliveryList, WebhookDeliveryResponse, WebhookTestResponse } from '../src/webhooks/deliveries.dto.js';
import type { CreatedWebhookEndpointResponse, RotatedSecretResponse, WebhookEndpointResponse } from '../src/webhooks/webhooks.dto.js';
import { transaction } from '#database';
import { WebhooksPrivacy } from '../src/webhooks/webhooks.privacy.js';
import { startApp, type TestApp } from './harness/app.js';
import type { Answer } from './harness/client.js';
import { query } from './harness/database.js';
import { eventually } from './harness/eventually.js';
import { anAdmin, aPost, aUser, type Person, unique } from './harness/people.js';
import { answers, aReceiver, type Behaviour, closeReceivers, type Received, type Receiver } from './harness/receiver.js';
import { fire } from './harness/schedules.js';
import type { Wire } from './harness/wire.js';

type Endpoint = Wire<WebhookEndpointResponse>;
type Created = Wire<CreatedWebhookEndpointResponse>;
type Delivery = Wire<WebhookDeliveryResponse>;

const SETTINGS = {
  OUTGOING_ALLOWED_HOSTS: '127.0.0.1',
  WEBHOOKS_RETRY_DELAYS_SECONDS: '0,0,0',
  WEBHOOKS_CIRCUIT_PAUSE_SECONDS: '0',
  WEBHOOKS_TIMEOUT_MS: '1500',
};

let app: TestApp;
let admin: Person;

beforeAll(async () => {
  app = await startApp(SETTINGS);
  admin = await anAdmin(app);
}, 60_000);

afterAll(async () => {
  await app.close();
  await closeReceivers();
});

const sql = <Row extends object>(text: string, ...values: unknown[]) => query<Row>(app.databaseUrl, text, values);

async function ok<Body>(by: Person, method: string, path: string, body?: object, headers = {}): Promise<Answer<Body>> {
  const answer = await app.request<Body>(method, path, {
    token: by.accessToken,
    ...(body && { body }),
    headers: { ...(method === 'POST' && { 'idempotency-key': unique() }), ...headers },
  });
  if (answer.status >= 300) throw new Error(`${method} ${path} was answered ${answer.status}: ${answer.text}`);
  return answer;
}

async function anEndpoint(receiver: Receiver | { url: string }, { by = admin, events = ['post.*'] } = {}): Promise<Created> {
  return (await ok<Created>(by, 'POST', 'webhooks/endpoints', { url: receiver.url, events })).body;
}
const read = async (id: string, by = admin) => (await ok<Endpoint>(by, 'GET', `webhooks/endpoints/${id}`)).body;
const deliveries = async (id: string, search = '', by = admin) =>
  (await ok<Wire<WebhookDeliveryList>>(by, 'GET', `webhooks/endpoints/${id}/deliveries${search}`)).body.items;
const theDelivery = (id: string, status: string) =>
  eventually(async () => (await deliveries(id)).find((delivery) => delivery.status === status));
const test = async (id: string, by = admin) =>
  (await ok<Wire<WebhookTestResponse>>(by, 'POST', `webhooks/endpoints/${id}/test`, {})).body.delivery!;

/** Verified by two libraries that know nothing of us. */
function verified(
  { headers, body }: Pick<Received, 'headers' | 'body'>,
  secret: string,
): { type: string; timestamp: string; data: object } {
  const standard = new StandardWebhook(secret).verify(body, headers);
  new SvixWebhook(secret).verify(body, headers); // throws unless it is right
  return standard as ReturnType<typeof verified>;
}

describe('an endpoint', () => {
  it('shows its secret once, and keeps it encrypted', async () => {
    const receiver = await aReceiver();
    const answer = await ok<Created>(admin, 'POST', 'webhooks/endpoints', {
      url: receiver.url,
      events: ['*'],
      description: ' The warehouse ',
    });
    const { secret, ...shown } = answer.body;
    expect(secret).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/);
    expect(shown).toMatchObject({ url: receiver.url, events: ['*'], description: 'The warehouse', enabled: true, version: 1 });
    expect(answer.headers.location).toBe(`http://localhost/api/v1/webhooks/endpoints/${shown.id}`);
    expect(await read(shown.id)).toEqual(shown);
    const bytes = Buffer.from(secret.slice(6), 'base64');
    expect(bytes.length).toBe(32);
    const [kept] = await sql<{ sealed: Buffer }>('SELECT sealed FROM webhook_secrets WHERE endpoint_id = $1', shown.id);
    expect(kept!.sealed.includes(bytes)).toBe(false);
    expect(kept!.sealed.toString('latin1')).not.toContain(secret.slice(6, 20));
    const audit = await ok(admin, 'GET', `audit?resource=webhook-endpoint:${shown.id}`);
    expect(audit.text).toContain('webhooks.created');
    expect(audit.text).not.toContain(secret.slice(6, 20));
    expect(audit.text).not.toContain('/hook"');
    await ok(admin, 'DELETE', `webhooks/endpoints/${shown.id}`);
  });

  it('is changed from the version its owner has seen, disabled and deleted', async () => {
    const { id } = await anEndpoint(await aReceiver());
    const path = `webhooks/endpoints/${id}`;
    const stale = await app.request('PATCH', path, { token: admin.accessToken, body: { events: ['*'] }, headers: { 'if-match': '"7"' } });
    expect(stale).toMatchObject({ status: 412, body: { code: 'http/stale-version' } });
    const { body } = await ok<Endpoint>(admin, 'PATCH', path, { enabled: false, description: null }, { 'if-match': '"1"' });
    expect(body).toMatchObject({ version: 2, enabled: false, disabledReason: 'owner', disabledAt: expect.any(String) });
    expect((await ok<Endpoint>(admin, 'PATCH', path, { enabled: true })).body).toMatchObject({
      version: 3,
      enabled: true,
      disabledAt: null,
    });
    expect((await ok(admin, 'DELETE', path, undefined, { 'if-match': '"3"' })).status).toBe(204);
    expect((await app.request('GET', path, { token: admin.accessToken })).status).toBe(404);
  });

  it('belongs to who made it, and to nobody else; customers have none', async () => {
    const { id } = await anEndpoint(await aReceiver());
    const other = await anAdmin(app);
    const { id: deliveryId } = await test(id);
    const calls: [string, string, object?][] = [
      ['GET', `webhooks/endpoints/${id}`],
      ['PATCH', `webhooks/endpoints/${id}`, { enabled: false }],
      ['DELETE', `webhooks/endpoints/${id}`],
      ['POST', `webhooks/endpoints/${id}/secret-rotation`, {}],
      ['POST', `webhooks/endpoints/${id}/test`, {}],
      ['POST', `webhooks/endpoints/${id}/test`, { dryRun: true }],
      ['POST', `webhooks/endpoints/${id}/replay`, { from: '2020-01-01T00:00:00Z' }],
      ['GET', `webhooks/endpoints/${id}/deliveries`],
      ['GET', `webhooks/deliveries/${deliveryId}`],
      ['POST', `webhooks/deliveries/${deliveryId}/redelivery`],
    ];
    const customer = await aUser(app);
    for (const [method, path, body] of calls) {
      const call = { ...(body && { body }) };
      expect([path, (await app.request(method, path, { ...call, token: other.accessToken })).status]).toEqual([path, 404]);
      expect([path, (await app.request(method, path, { ...call, token: customer.accessToken })).status]).toEqual([path, 403]);
      expect([path, (await app.request(method, path, call)).status]).toEqual([path, 401]);
    }
    expect((await ok<{ items: unknown[] }>(other, 'GET', 'webhooks/endpoints')).body.items).toEqual([]);
  });

  it.each([
    [{ events: ['order.lost'] }, 422, 'webhooks/unknown-event'],
    [{ events: ['spaceship.*'] }, 422, 'webhooks/unknown-event'],
    [{ events: ['order.*.x'] }, 400, 'http/validation-failed'],
    [{ events: [] }, 400, 'http/validation-failed'],
    [{ events: ['*', '*'] }, 400, 'http/validation-failed'],
    [{ events: 'order.paid' }, 400, 'http/validation-failed'],
    [{ url: 'not a url' }, 400, 'http/validation-failed'],
    [{ url: 'ftp://example.com' }, 400, 'http/validation-failed'],
    [{ url: 'https:example.com' }, 400, 'http/validation-failed'],
    [{ url: 'https:/\\example.com' }, 400, 'http/validation-failed'],
    [{ url: ' https://example.com' }, 400, 'http/validation-failed'],
    [{ url: 'https://exämple.com/' }, 400, 'http/validation-failed'],
    [{ url: 'https://example.com/{id}' }, 400, 'http/validation-failed'],
    [{ url: 'HTTPS://user:word@EXAMPLE.com' }, 422, 'webhooks/url-refused'],
    [{ url: 'http://localhost./' }, 422, 'webhooks/url-refused'],
    [{ url: 'http://0x7f.2/' }, 422, 'webhooks/url-refused'],
    [{ url: 'http://[::ffff:169.254.169.254]/latest' }, 422, 'webhooks/url-refused'],
    [{ url: 'http://192.168.1.1/' }, 422, 'webhooks/url-refused'],
    [{ secret: 'whsec_mine' }, 400, 'http/validation-failed'],
  ])('of %j is refused', async (changes, status, code) => {
    const { url } = await aReceiver();
    const body = { url, events: ['*'], ...changes };
    expect(await app.request('POST', 'webhooks/endpoints', { token: admin.accessToken, body })).toMatchObject({ status, body: { code } });
  });

  it('of more than 2,000 characters is refused', async () => {
    const body = { url: `https://example.com/${'a'.repeat(2_000)}`, events: ['*'] };
    expect((await app.request('POST', 'webhooks/endpoints', { token: admin.accessToken, body })).status).toBe(400);
  });

  it('is one of a hundred at most, however many are made at once', async () => {
    const many = await aUser(app, { roles: ['editor'] });
    await sql(
      `INSERT INTO webhook_endpoints (id, owner_id, url, events) SELECT gen_random_uuid(), $1, 'https://example.com', '{post.trashed}' FROM generate_series(1, 98)`,
      many.id,
    );
    const make = () =>
      app.request('POST', 'webhooks/endpoints', { token: many.accessToken, body: { url: 'https://192.0.9.9/', events: ['*'] } });
    const statuses = (await Promise.all(Array.from({ length: 6 }, make))).map(({ status }) => status);
    expect(statuses.sort()).toEqual([201, 201, 409, 409, 409, 409]);
    await sql('DELETE FROM webhook_endpoints WHERE owner_id = $1', many.id);
  });
});

describe('an event', () => {
  it('reaches an endpoint as Standard Webhooks 1.0 has it, verified by two independent libraries', async () => {
    const receiver = await aReceiver();
    const { secret } = await anEndpoint(receiver, { events: ['post.created'] });
    const post = await aPost(app, admin);
    const received = await eventually(() => receiver.received[0]);
    const [event] = await sql<{ id: string; occurred_at: Date }>(`SELECT id, occurred_at FROM events WHERE resource_id = $1`, post.id);
    expect(verified(received, secret)).toEqual({
      type: 'post.created',
      timestamp: event!.occurred_at.toISOString(),
      data: { postId: post.id, authorId: admin.id },
    });
    expect(received.headers).toMatchObject({
      'webhook-id': event!.id,
      'webhook-timestamp': expect.stringMatching(/^\d{10}$/),
      'webhook-signature': expect.stringMatching(/^v1,[A-Za-z0-9+/]{43}=$/),
      'content-type': 'application/json',
    });
    expect(() => verified({ ...received, body: received.body.replace('post', 'Post') }, secret)).toThrow();
  });

  it('goes to whoever asked for its kind, once to each', async () => {
    const [name, noun, all, other] = [await aReceiver(), await aReceiver(), await aReceiver(), await aReceiver()];
    await anEndpoint(name, { events: ['post.created', 'post.*'] });
    await anEndpoint(noun, { events: ['post.*'] });
    await anEndpoint(all, { events: ['*'] });
    await anEndpoint(other, { events: ['order.*', 'post.trashed'] });
    const post = await aPost(app, admin);
    const got = ({ received }: Receiver) => received.filter(({ body }) => body.includes(post.id)).length;
    await eventually(() => got(name) === 1 && got(noun) === 1 && got(all) === 1);
    expect([got(name), got(noun), got(all), got(other)]).toEqual([1, 1, 1, 0]);
  });

  it('is told to an owner who may be told of it: by permission, or as its subject', async () => {
    const [editor, support] = [await aUser(app, { roles: ['editor'] }), await aUser(app, { roles: ['support'] })];
    const [atEditor, atSupport] = [await aReceiver(), await aReceiver()];
    const { id } = await anEndpoint(atEditor, { by: editor, events: ['*'] });
    await anEndpoint(atSupport, { by: support, events: ['*'] });
    const [foreign, own] = [await aPost(app, admin), await aPost(app, support)];
    const got = (receiver: Receiver, post: { id: string }) => receiver.received.some(({ body }) => body.includes(post.id));
    await eventually(() => got(atEditor, foreign) && got(atEditor, own) && got(atSupport, own));
    expect(got(atSupport, foreign)).toBe(false);

    await sql(`UPDATE users SET roles = '{customer}' WHERE id = $1`, editor.id);
    const later = await aPost(app, support);
    await eventually(() => got(atSupport, later));
    expect(await sql(`SELECT FROM webhook_deliveries WHERE endpoint_id = $1 AND body LIKE '%' || $2 || '%'`, id, later.id)).toEqual([]);
  });
});

describe('a secret', () => {
  it('that was renewed signs beside the new one until its time is over', async () => {
    const receiver = await aReceiver();
    const { id, secret: first } = await anEndpoint(receiver);
    const { secret: second, formerUntil } = (
      await ok<Wire<RotatedSecretResponse>>(admin, 'POST', `webhooks/endpoints/${id}/secret-rotation`, {})
    ).body;
    expect(second).not.toBe(first);
    expect(Date.parse(formerUntil!) - Date.now()).toBeGreaterThan(86_000_000);
    await test(id);
    const received = await eventually(() => receiver.received[0]);
    expect(received.headers['webhook-signature']!.split(' ')).toHaveLength(2);
    for (const secret of [first, second]) verified(received, secret);

    await sql(`UPDATE webhook_secrets SET expires_at = now() WHERE expires_at IS NOT NULL AND endpoint_id = $1`, id);
    await test(id);
    const next = await eventually(() => receiver.received[1]);
    verified(next, second);
    expect(() => verified(next, first)).toThrow();
    await fire(app.databaseUrl, 'webhooks.purge');
    await eventually(async () => (await sql('SELECT FROM webhook_secrets WHERE endpoint_id = $1', id)).length === 1);
  });

  it('that has become known to others ends at once', async () => {
    const receiver = await aReceiver();
    const { id, secret: first } = await anEndpoint(receiver);
    const path = `webhooks/endpoints/${id}/secret-rotation`;
    const { secret, formerUntil } = (await ok<Wire<RotatedSecretResponse>>(admin, 'POST', path, { overlapSeconds: 0 })).body;
    expect(formerUntil).toBeNull();
    await test(id);
    const received = await eventually(() => receiver.received[0]);
    verified(received, secret);
    expect(() => verified(received, first)).toThrow();
  });

  it('is one of three at most, however often it is renewed', async () => {
    const receiver = await aReceiver();
    const { id } = await anEndpoint(receiver);
    const secrets = [];
    for (let turn = 0; turn < 4; turn++)
      secrets.push((await ok<Wire<RotatedSecretResponse>>(admin, 'POST', `webhooks/endpoints/${id}/secret-rotation`, {})).body.secret);
    await test(id);
    const received = await eventually(() => receiver.received[0]);
    expect(received.headers['webhook-signature']!.split(' ')).toHaveLength(3);
    for (const secret of secrets.slice(1)) verified(received, secret);
  });
});

describe('a delivery', () => {
  it('is tried by the schedule under one webhook-id, with a new timestamp and signature, and then has failed', async () => {
    const receiver = await aReceiver(answers(500, { 'content-type': 'text/plain' }, 'no\0way'));
    const { id, secret } = await anEndpoint(receiver);
    await aPost(app, admin);
    const delivery = await theDelivery(id, 'failed');
    expect(receiver.received).toHaveLength(4);
    expect(new Set(receiver.received.map(({ headers }) => headers['webhook-id']))).toEqual(new Set([delivery.webhookId]));
    for (const received of receiver.received) verified(received, secret);
    expect(delivery).toMatchObject({ type: 'post.created', test: false, nextAttemptAt: null, completedAt: expect.any(String) });
    expect(delivery.body).toBe(receiver.received[0]!.body);
    expect(delivery.attempts.map(({ number, statusCode, answer, error }) => ({ number, statusCode, answer, error }))).toEqual(
      [1, 2, 3, 4].map((number) => ({ number, statusCode: 500, answer: 'no\ufffdway', error: null })),
    );
    const sent = receiver.received.map(({ headers }) => headers['webhook-signature']);
    expect(delivery.attempts.map(({ sentHeaders }) => sentHeaders['webhook-signature'])).toEqual(sent);
    expect(await read(id)).toMatchObject({ failures: 4, failingSince: expect.any(String), enabled: true });
  });

  it.each<[string, Behaviour, object]>([
    ['is redirected', (response) => void response.writeHead(302, { location: 'http://127.0.0.1:1/' }).end(), { statusCode: 302 }],
    ['is not found', answers(404), { statusCode: 404 }],
    ['hangs', () => undefined, { statusCode: null, error: 'there was no answer within 1500 ms' }],
    [
      'drips',
      (response) => void setInterval(() => response.writeProcessing(), 50).unref(),
      { statusCode: null, error: expect.stringMatching(/1500 ms/) },
    ],
    ['resets', (response) => void response.destroy(), { statusCode: null, error: expect.stringMatching(/^there was no answer \(\w+\)$/) }],
    ['answers no HTTP', (response) => void response.socket!.end('hello\r\n\r\n'), { statusCode: null, error: 'the answer is not HTTP' }],
  ])('that %s has failed and is tried again', async (_, behaviour, attempt) => {
    const receiver = await aReceiver((response, request, nth) => (nth === 1 ? behaviour : answers(200))(response, request, nth));
    const { id } = await anEndpoint(receiver);
    await aPost(app, admin);
    const delivery = await theDelivery(id, 'delivered');
    expect(delivery.attempts[0]).toMatchObject(attempt);
    expect(delivery.attempts.at(-1)).toMatchObject({ statusCode: 200, error: null });
    expect(await read(id)).toMatchObject({ failures: 0, failingSince: null });
  });

  it('to a port where nobody listens says so, and not where', async () => {
    const receiver = await aReceiver();
    const { id } = await anEndpoint(receiver);
    await receiver.close();
    const { id: deliveryId } = await test(id);
    const delivery = await theDelivery(id, 'failed');
    expect(delivery).toMatchObject({ id: deliveryId, test: true });
    expect(delivery.attempts.map(({ error }) => error)).toEqual(['there was no answer (ECONNREFUSED)']);
  });

  it('that is answered with too much keeps the beginning of the answer, and is delivered', async () => {
    const receiver = await aReceiver((response) => {
      response.writeHead(200);
      const more = () => void (response.write('é'.repeat(50_000)) && !response.destroyed && setImmediate(more));
      response.on('drain', more).on('error', () => undefined);
      more();
    });
    const { id } = await anEndpoint(receiver);
    await test(id);
    const { attempts } = await theDelivery(id, 'delivered');
    expect(attempts[0]).toMatchObject({ statusCode: 200, truncated: true, answer: 'é'.repeat(2_048) });
    await eventually(() => receiver.atOnce.now === 0);
  });

  it('whose answer begins well and does not end is delivered', async () => {
    const receiver = await aReceiver((response) => void response.writeHead(200).write('so far'));
    const { id } = await anEndpoint(receiver);
    await test(id);
    expect((await theDelivery(id, 'delivered')).attempts[0]).toMatchObject({ statusCode: 200, truncated: true, answer: 'so far' });
  });

  it.each([
    ['seconds', () => '3600'],
    ['a date', () => new Date(Date.now() + 3_600_000).toUTCString()],
  ])('is not tried before the Retry-After of the receiver, in %s, and neither is any other', async (_, retryAfter) => {
    const receiver = await aReceiver((response) => answers(503, { 'retry-after': retryAfter() })(response, response.req, 1));
    const { id } = await anEndpoint(receiver);
    await aPost(app, admin);
    const [delivery] = await eventually(async () => {
      const found = await deliveries(id);
      return found[0]?.attempts.length === 1 && found;
    });
    const wait = Date.parse(delivery!.nextAttemptAt!) - Date.now();
    expect(wait).toBeGreaterThan(3_500_000);
    expect(wait).toBeLessThan(3_700_000);
    expect(Date.parse((await read(id)).pausedUntil!) - Date.now()).toBeGreaterThan(3_500_000);
    await aPost(app, admin);
    await eventually(
      async () => (await sql(`SELECT FROM webhook_deliveries WHERE endpoint_id = $1 AND status = 'waiting'`, id)).length === 1,
    );
    expect(receiver.received).toHaveLength(1);
    receiver.behave(answers(204));
    await test(id); // somebody who asks for one by hand ends the pause
    await eventually(async () => (await deliveries(id, '?status=delivered')).length === 2);
  });

  it('that is answered 410 disables its endpoint, ends what waits, and tells its owner', async () => {
    const owner = await anAdmin(app);
    const receiver = await aReceiver(answers(410));
    const { id } = await anEndpoint(receiver, { by: owner });
    await aPost(app, owner);
    await eventually(async () => !(await read(id, owner)).enabled);
    expect(await read(id, owner)).toMatchObject({ disabledReason: 'gone', version: 2 });
    expect((await deliveries(id, '', owner)).map(({ status }) => status)).toEqual(['failed']);
    const inbox = await eventually(async () => {
      const { items } = (await ok<{ items: { kind: string; title: string }[] }>(owner, 'GET', 'notifications')).body;
      return items.find(({ kind }) => kind === 'webhook.disabled');
    });
    expect(inbox.title).toBe('A webhook endpoint of yours is disabled');
    expect((await ok(owner, 'GET', `audit?resource=webhook-endpoint:${id}&action=webhooks.disabled`)).text).toContain('"system"');
    const received = receiver.received.length;
    const post = await aPost(app, owner);
    await eventually(
      async () =>
        (
          await sql(
            `SELECT FROM event_deliveries d JOIN events e ON e.id = d.event_id
      WHERE e.resource_id = $1 AND d.consumer = 'webhooks.fan-out' AND d.status = 'done'`,
            post.id,
          )
        ).length === 1,
    );
    expect(receiver.received).toHaveLength(received);
    for (const [path, body] of [
      [`endpoints/${id}/test`, {}],
      [`endpoints/${id}/replay`, { from: '2020-01-01T00:00:00Z' }],
    ] as const)
      expect(await app.request('POST', `webhooks/${path}`, { token: owner.accessToken, body })).toMatchObject({
        status: 409,
        body: { code: 'webhooks/endpoint-disabled' },
      });
  });

  it('that fails after days of nothing but failures disables its endpoint', async () => {
    const receiver = await aReceiver(answers(500));
    const { id } = await anEndpoint(receiver);
    await sql(`UPDATE webhook_endpoints SET failures = 9, failing_since = now() - interval '121 hours' WHERE id = $1`, id);
    await test(id);
    await eventually(async () => (await read(id)).disabledReason === 'failing');
    expect((await ok<Endpoint>(admin, 'PATCH', `webhooks/endpoints/${id}`, { enabled: true })).body).toMatchObject({
      failures: 0,
      failingSince: null,
    });
  });

  it('is sent again under the same webhook-id when its owner asks for it, with all its attempts before it', async () => {
    const receiver = await aReceiver(answers(500));
    const { id } = await anEndpoint(receiver);
    await aPost(app, admin);
    const failed = await theDelivery(id, 'failed');
    receiver.behave((response, _, nth) => void response.writeHead(nth < 7 ? 500 : 200).end());
    const answer = await ok<Delivery>(admin, 'POST', `webhooks/deliveries/${failed.id}/redelivery`);
    expect(answer).toMatchObject({ status: 202, body: { id: failed.id, status: 'pending', webhookId: failed.webhookId } });
    expect(answer.headers.location).toBe(`http://localhost/api/v1/webhooks/deliveries/${failed.id}`);
    const delivered = await theDelivery(id, 'delivered');
    expect(delivered.attempts.map(({ statusCode }) => statusCode)).toEqual([500, 500, 500, 500, 500, 500, 200]);
    expect(new Set(receiver.received.map(({ headers, body }) => headers['webhook-id']! + body)).size).toBe(1);
    const again = await ok<Delivery>(admin, 'POST', `webhooks/deliveries/${failed.id}/redelivery`);
    expect(again.body.status).toBe('pending');
    await eventually(() => receiver.received.length === 8);
  });

  it('that is under way is not sent a second time', async () => {
    const receiver = await aReceiver(() => undefined);
    const { id } = await anEndpoint(receiver);
    const { id: deliveryId } = await test(id);
    await eventually(() => receiver.received.length === 1);
    const answer = await app.request('POST', `webhooks/deliveries/${deliveryId}/redelivery`, { token: admin.accessToken });
    expect(answer).toMatchObject({ status: 409, body: { code: 'webhooks/delivery-under-way' } });
  });

  it('of an endpoint that is deleted meanwhile leaves nothing behind', async () => {
    const receiver = await aReceiver(async (response) => void setTimeout(() => response.end(), 100));
    const { id } = await anEndpoint(receiver);
    await test(id);
    await eventually(() => receiver.received.length === 1);
    await ok(admin, 'DELETE', `webhooks/endpoints/${id}`);
    await eventually(
      async () =>
        (await sql(`SELECT FROM graphile_worker.jobs WHERE task_identifier = 'webhooks.attempt' AND locked_at IS NOT NULL`)).length === 0,
    );
    expect(await sql(`SELECT FROM graphile_worker.jobs WHERE task_identifier = 'webhooks.attempt' AND last_error IS NOT NULL`)).toEqual([]);
  });
});

describe('a receiver that is not public', () => {
  it('is refused at delivery, too: what was public then may not be now', async () => {
    const inside = await aReceiver(answers(200), '127.0.0.2');
    const { id } = await anEndpoint(await aReceiver());
    for (const url of [inside.url, inside.url.replace('127.0.0.2', '[::ffff:127.0.0.2]'), inside.url.replace('127.0.0.2', 'localhost')]) {
      await sql('UPDATE webhook_endpoints SET url = $1 WHERE id = $2', url, id);
      const { id: deliveryId } = await test(id);
      const delivery = await eventually(async () => (await deliveries(id, '?status=failed')).find((each) => each.id === deliveryId));
      expect(delivery.attempts).toMatchObject([{ statusCode: null, error: 'The URL is refused: its host is not public.' }]);
    }
    expect(inside.received).toEqual([]);
  });

  it('is refused in a change, too', async () => {
    const { id } = await anEndpoint(await aReceiver());
    const body = { url: 'http://127.0.0.2:8080/' };
    const answer = await app.request('PATCH', `webhooks/endpoints/${id}`, { token: admin.accessToken, body });
    expect(answer).toMatchObject({ status: 422, body: { code: 'webhooks/url-refused', errors: [{ pointer: '/url' }] } });
    expect(answer.text).not.toContain('127.0.0.2');
  });
});

describe('the log of an endpoint', () => {
  it('is paged, and found by status and event', async () => {
    const receiver = await aReceiver();
    const { id } = await anEndpoint(receiver, { events: ['post.*'] });
    await aPost(app, admin, { published: true });
    await eventually(async () => (await deliveries(id, '?status=delivered')).length === 2);
    expect((await deliveries(id, '?event=post.published')).map(({ type }) => type)).toEqual(['post.published']);
    expect(await deliveries(id, '?status=failed')).toEqual([]);
    expect(await deliveries(id, '?status=pending&event=post.created')).toEqual([]);
    const first = (await ok<Wire<WebhookDeliveryList>>(admin, 'GET', `webhooks/endpoints/${id}/deliveries?limit=1`)).body;
    const second = await ok<Wire<WebhookDeliveryList>>(
      admin,
      'GET',
      `webhooks/endpoints/${id}/deliveries?limit=1&cursor=${first.nextCursor}`,
    );
    expect([...first.items, ...second.body.items].map(({ type }) => type).sort()).toEqual(['post.created', 'post.published']);
    expect(second.body.nextCursor).toBeNull();
  });

  it('is forgotten after its time, but for what is still under way', async () => {
    const receiver = await aReceiver(answers(503, { 'retry-after': '3600' }));
    const { id } = await anEndpoint(receiver);
    const old = '0180f3a1-7c1e-7b3a-9a4e-0d6f1c2b3a4';
    for (const [n, status] of ['delivered', 'failed', 'waiting'].entries())
      await sql(
        `INSERT INTO webhook_deliveries (id, endpoint_id, message_id, type, body, status, completed_at, next_attempt_at)
         VALUES ($1, $2, gen_random_uuid(), 'a.b', '{}', $3::webhook_delivery_status, CASE WHEN $3 <> 'waiting' THEN now() END, CASE WHEN $3 = 'waiting' THEN now() END)`,
        old + n,
        id,
        status,
      );
    await fire(app.databaseUrl, 'webhooks.purge');
    await eventually(async () => (await deliveries(id)).length === 1);
    expect((await deliveries(id)).map(({ status }) => status)).toEqual(['pending']);
  });
});

describe('a test', () => {
  it('that is dry shows what would be sent, to the letter, and sends nothing', async () => {
    const receiver = await aReceiver();
    const { id, secret } = await anEndpoint(receiver);
    const { request, delivery } = (await ok<Wire<WebhookTestResponse>>(admin, 'POST', `webhooks/endpoints/${id}/test`, { dryRun: true }))
      .body;
    expect(delivery).toBeNull();
    expect(verified(request!, secret)).toEqual({ type: 'webhook.test', timestamp: expect.any(String), data: { endpointId: id } });
    expect(request).toMatchObject({ url: receiver.url, headers: { 'content-type': 'application/json' } });
    expect(await deliveries(id)).toEqual([]);
    await test(id);
    const received = await eventually(() => receiver.received[0]);
    const { host: _h, connection: _c, 'content-length': _l, ...sent } = received.headers;
    expect(Object.keys(sent).sort()).toEqual(Object.keys(request!.headers).sort());
    expect(receiver.received).toHaveLength(1);
  });

  it('is tried once', async () => {
    const receiver = await aReceiver(answers(500));
    const { id } = await anEndpoint(receiver);
    const { id: deliveryId } = await test(id);
    await theDelivery(id, 'failed');
    expect((await ok<Delivery>(admin, 'GET', `webhooks/deliveries/${deliveryId}`)).body.attempts).toHaveLength(1);
  });
});

describe('a replay', () => {
  it('sends what was missed and what failed, under the ids of the events, and with `again` everything', async () => {
    const owner = await aUser(app, { roles: ['editor'] });
    const from = new Date(Date.now() - 1_000).toISOString();
    const missed = await aPost(app, owner);
    const receiver = await aReceiver();
    const { id } = await anEndpoint(receiver, { by: owner, events: ['post.created'] });
    const got = (post: { id: string }) => receiver.received.filter(({ body }) => body.includes(post.id));
    const delivered = await aPost(app, owner);
    await eventually(() => got(delivered).length === 1);
    receiver.behave(answers(500));
    const failed = await aPost(app, owner);
    await eventually(async () => (await deliveries(id, '?status=failed', owner)).length === 1);
    receiver.behave(answers(200));
    const before = got(failed).length;

    const answer = await ok(owner, 'POST', `webhooks/endpoints/${id}/replay`, { from });
    expect(answer).toMatchObject({ status: 202, body: { from, again: false, until: expect.any(String) } });
    await eventually(() => got(missed).length === 1 && got(failed).length === before + 1);
    expect(got(delivered)).toHaveLength(1);
    const [event] = await sql<{ id: string }>(`SELECT id FROM events WHERE resource_id = $1`, missed.id);
    expect(got(missed)[0]!.headers['webhook-id']).toBe(event!.id);
    await eventually(async () => (await deliveries(id, '?status=pending', owner)).length === 0);

    await ok(owner, 'POST', `webhooks/endpoints/${id}/replay`, { from, until: new Date(Date.now() + 60_000).toISOString(), again: true });
    await eventually(() => got(missed).length === 2 && got(delivered).length === 2 && got(failed).length === before + 2);
  });

  it('of many pieces sends each once, a few at a time', async () => {
    const owner = await aUser(app, { roles: ['support'] });
    const receiver = await aReceiver((response) => void setTimeout(() => response.end(), 2));
    const { id } = await anEndpoint(receiver, { by: owner, events: ['user.suspended'] });
    await sql(
      `INSERT INTO events (id, name, version, resource_type, resource_id, subject_id, payload, occurred_at, position)
       SELECT ('0000' || lpad(to_hex(n), 4, '0') || '-0000-7000-8000-000000000000')::uuid, 'user.suspended', 1, 'user', $1::text, $1::uuid, '{}', now(), -n FROM generate_series(1, 210) n`,
      owner.id,
    );
    await ok(owner, 'POST', `webhooks/endpoints/${id}/replay`, { from: '1970-01-01T00:00:00Z', until: '2001-01-01T00:00:00Z' });
    await eventually(() => receiver.received.length >= 210, 20_000);
    expect(new Set(receiver.received.map(({ headers }) => headers['webhook-id'])).size).toBe(210);
    expect(receiver.received).toHaveLength(210);
    expect(receiver.atOnce.most).toBeLessThanOrEqual(4);
  });
});

describe('the endpoints of a person', () => {
  it('are in their export without their secrets, get nothing once the person is gone, and are erased with all they got', async () => {
    const owner = await aUser(app, { roles: ['editor'] });
    const receiver = await aReceiver(answers(200, {}, 'thank you'));
    const { id, secret } = await anEndpoint(receiver, { by: owner });
    await test(id, owner);
    await eventually(async () => (await deliveries(id, '?status=delivered', owner)).length === 1);
    const privacy = app.get(WebhooksPrivacy);
    const rows = [];
    for await (const file of privacy.export(owner.id, app.prisma)) if ('rows' in file) for await (const row of file.rows) rows.push(row);
    const text = JSON.stringify(rows);
    for (const part of [receiver.url, 'webhook.test', 'thank you']) expect(text).toContain(part);
    expect(text).not.toContain('sealed');
    expect(text).not.toContain(secret.slice(6, 20));

    await transaction(app.prisma, (db) => privacy.close(owner, db));
    expect(await read(id, owner)).toMatchObject({ enabled: false });
    await transaction(app.prisma, (db) => privacy.erase(owner.id, db));
    for (const table of ['webhook_endpoints WHERE id', 'webhook_secrets WHERE endpoint_id', 'webhook_deliveries WHERE endpoint_id'])
      expect(await sql(`SELECT FROM ${table} = $1`, id)).toEqual([]);
  });
});

describe('what has lost its job', () => {
  it('is found', async () => {
    const receiver = await aReceiver();
    const { id } = await anEndpoint(receiver);
    for (const [status, attempts] of [
      ['scheduled', 0],
      ['sending', 0],
      ['waiting', 0],
    ] as const)
      await sql(
        `INSERT INTO webhook_deliveries (id, endpoint_id, message_id, type, body, status, next_attempt_at, attempts)
         VALUES (gen_random_uuid(), $1, gen_random_uuid(), 'a.b', '{}', $2::webhook_delivery_status, now() - interval '2 minutes', $3)`,
        id,
        status,
        attempts,
      );
    await fire(app.databaseUrl, 'webhooks.sweep');
    await eventually(async () => (await deliveries(id, '?status=delivered')).length === 3);
    expect(receiver.received).toHaveLength(3);
  });
});

describe('an endpoint that is in a bad way', () => {
  let other: TestApp;
  let owner: Person;
  beforeAll(async () => {
    other = await startApp({
      ...SETTINGS,
      WEBHOOKS_TIMEOUT_MS: '60000',
      WEBHOOKS_CIRCUIT_FAILURES: '2',
      WEBHOOKS_CIRCUIT_PAUSE_SECONDS: '86400',
      WEBHOOKS_RETRY_DELAYS_SECONDS: '600',
    });
    owner = await anAdmin(other);
  }, 60_000);
  afterAll(async () => {
    await closeReceivers(); // what hangs there would hold up the end
    await other.close();
  });

  const make = async (receiver: Receiver, event = 'post.created') =>
    (await other.request<Created>('POST', 'webhooks/endpoints', { token: owner.accessToken, body: { url: receiver.url, events: [event] } }))
      .body;
  const states = async (id: string) =>
    (
      await query<{ status: string; count: number }>(
        other.databaseUrl,
        'SELECT status, count(*)::int FROM webhook_deliveries WHERE endpoint_id = $1 GROUP BY 1 ORDER BY 1',
        [id],
      )
    ).map(({ status, count }) => `${count} ${status}`);

  it('is only probed, one delivery at a time, and gets the rest when it is well again', async () => {
    const receiver = await aReceiver(answers(500));
    const { id } = await make(receiver, 'post.published');
    for (let n = 0; n < 6; n++) await aPost(other, owner, { published: true });
    // Pauses end by themselves, too, so more may have been tried by the time one looks; but never all of them.
    const probed = async (atLeast: number) => {
      const tried = receiver.received.length;
      return tried >= atLeast && tried < 6 && (await states(id)).join() === `${tried} scheduled,${6 - tried} waiting`;
    };
    await eventually(() => probed(2));

    const endPause = async () => {
      await query(other.databaseUrl, 'UPDATE webhook_endpoints SET paused_until = now() WHERE id = $1', [id]);
      await fire(other.databaseUrl, 'webhooks.sweep');
    };
    await endPause();
    await eventually(() => probed(3));
    receiver.behave(answers(204));
    await endPause();
    await eventually(async () => (await states(id)).every((state) => /scheduled|delivered/.test(state)) && receiver.received.length >= 6);
  });

  it('holds its own places and nobody else’s: one that hangs does not keep the others from getting all of theirs', async () => {
    const hanging = await aReceiver(() => undefined);
    const others = await Promise.all(Array.from({ length: 5 }, () => aReceiver()));
    const { id } = await make(hanging);
    for (const receiver of others) await make(receiver);
    for (let n = 0; n < 12; n++) await aPost(other, owner);
    await eventually(() => others.every(({ received }) => received.length === 12), 20_000);
    expect(hanging.received.length).toBe(4);
    await eventually(async () => (await states(id)).join() === '8 waiting,4 sending');
  });
});
