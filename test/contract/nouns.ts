import { randomUUID } from 'node:crypto';
import { transaction } from '#database';
import type { UploadResponse } from '../../src/files/uploads.dto.js';
import { NotificationsService } from '../../src/notifications/notifications.service.js';
import { UnsubscriptionsService } from '../../src/notifications/unsubscriptions.service.js';
import type { TestApp } from '../harness/app.js';
import { query } from '../harness/database.js';
import { eventually } from '../harness/eventually.js';
import { aPost, aProduct, aUser, type Person, unique } from '../harness/people.js';
import type { Product } from '../harness/product.js';
import { aPng, type Part, sha256, upload } from '../harness/uploads.js';

/** Where operations are tried: the built product, and the application in this process, on one database. */
export interface World {
  app: TestApp;
  product: Product;
}

/** A consumer that no worker has, so that nobody deals with its events on its own. */
export const IDLE_CONSUMER = 'test.contract';
const A_TEXT: Part = { name: 'a.txt', type: 'text/plain', bytes: 'text' };

/** What paths name beside people, posts and products. */
export function nounsOf({ app, product }: World) {
  async function anOrder(by: Person, more: object = {}): Promise<string> {
    const { variants } = await aProduct(app);
    const { body } = await product.request<{ id: string }>('POST', 'orders', {
      token: by.accessToken,
      headers: { 'idempotency-key': unique() },
      body: { items: [{ variantId: variants[0]!.id, quantity: 1 }], ...more },
    });
    return body.id;
  }

  /** A user's cart, or a guest's with its token, with one thing in it. */
  async function aCart(by: Person | null): Promise<{ id: string; token: string | null; variantId: string }> {
    const token = by && { token: by.accessToken };
    const { body } = await product.request<{ id: string; token: string | null }>('POST', 'carts', { ...token });
    const variantId = (await aProduct(app)).variants[0]!.id;
    const headers: Record<string, string> = body.token === null ? {} : { 'x-cart-token': body.token };
    await product.request('PUT', `carts/${body.id}/items/${variantId}`, { ...token, headers, body: { quantity: 1 } });
    return { ...body, variantId };
  }

  async function aCoupon(by: Person): Promise<{ id: string; code: string }> {
    const body = { code: unique(), kind: 'percentage', percentage: '15' };
    const headers = { 'idempotency-key': unique() };
    return (await product.request<{ id: string; code: string }>('POST', 'coupons', { token: by.accessToken, headers, body })).body;
  }

  async function aLocation(by: Person): Promise<string> {
    const [body, headers] = [{ code: `l-${unique()}`, name: 'A shop' }, { 'idempotency-key': unique() }];
    return (await product.request<{ id: string }>('POST', 'stock/locations', { token: by.accessToken, headers, body })).body.id;
  }

  async function aCategory(by: Person, more: object = {}): Promise<{ id: string; slug: string }> {
    const body = { name: `Category ${unique()}`, ...more };
    return (await product.request<{ id: string; slug: string }>('POST', 'categories', { token: by.accessToken, body })).body;
  }

  async function aPaidOrder(by: Person): Promise<string> {
    const id = await anOrder(by);
    await product.request('POST', `orders/${id}/payments`, {
      token: by.accessToken,
      headers: { 'idempotency-key': unique() },
      body: { method: 'sandbox:success' },
    });
    return id;
  }

  async function aShipment(by: Person, orderId: string): Promise<string> {
    const body = { carrier: 'DHL', trackingNumber: unique() };
    return (await product.request<{ id: string }>('POST', `orders/${orderId}/shipments`, { token: by.accessToken, body })).body.id;
  }

  async function aNotification(to: Person): Promise<string> {
    const resource = { type: 'user', id: to.id };
    await transaction(app.prisma, (db) =>
      app.get(NotificationsService).tell({ kind: 'password.changed', userId: to.id, eventId: randomUUID(), resource, facts: {} }, db),
    );
    return (await app.prisma.notification.findFirstOrThrow({ where: { userId: to.id }, orderBy: { createdAt: 'desc' } })).id;
  }

  /** The query of the link that ends mails of a kind. */
  async function anUnsubscription(userId?: string): Promise<string> {
    const url = await app.get(UnsubscriptionsService).urlFor(userId ?? (await aUser(app)).id, 'order.paid');
    return new URL(url!).search.slice(1);
  }

  async function aFile(by: Person, part = A_TEXT): Promise<{ id: string; url: string }> {
    return (await upload(product, by, part)).body;
  }

  const anImage = (by: Person) => aFile(by, { name: 'a.png', type: 'image/png', bytes: aPng(30, 20) });

  async function aSeries(by: Person): Promise<{ id: string; slug: string }> {
    const body = { title: `Series ${unique()}` };
    return (await product.request<{ id: string; slug: string }>('POST', 'series', { token: by.accessToken, body })).body;
  }

  async function anUpload(by: Person): Promise<UploadResponse> {
    const body = { name: 'a.txt', contentType: 'text/plain', size: 4, sha256: sha256('text') };
    return (await product.request<UploadResponse>('POST', 'files/uploads', { token: by.accessToken, body })).body;
  }

  /** A comment on a post of somebody else's; it waits, unless its author is trusted. */
  async function aComment(
    by: Person,
    { postId, parentId }: { postId?: string; parentId?: string } = {},
  ): Promise<{ id: string; postId: string }> {
    const on = postId ?? (await aPost(app, await aUser(app), { published: true })).id;
    const body = { body: 'Well *said*.', ...(parentId !== undefined && { parentId }) };
    return (await product.request<{ id: string; postId: string }>('POST', `posts/${on}/comments`, { token: by.accessToken, body })).body;
  }

  async function aReportedComment(by: Person): Promise<string> {
    const { id } = await aComment(by);
    const { accessToken: token } = await aUser(app);
    await product.request('POST', `comments/${id}/reports`, { token, body: { reason: 'It is unkind.' } });
    return id;
  }

  async function aPreviewLink(by: Person, postId: string): Promise<{ linkId: string; token: string }> {
    const { body } = await product.request<{ id: string; url: string }>('POST', `posts/${postId}/preview-links`, { token: by.accessToken });
    return { linkId: body.id, token: new URL(body.url).searchParams.get('token')! };
  }

  /** A job that nobody does, since its name is of an older version. */
  async function aJob(): Promise<string> {
    const [job] = await query<{ id: string }>(
      app.databaseUrl,
      `SELECT id::text FROM graphile_worker.add_job('orders.forgotten', '{"payload":{"a":1}}')`,
    );
    return job!.id;
  }

  async function aDeadJob(): Promise<string> {
    const id = await aJob();
    await query(app.databaseUrl, `SELECT id FROM graphile_worker.permanently_fail_jobs(ARRAY[$1::bigint], 'no luck')`, [id]);
    return id;
  }

  /** An event that an idle consumer has failed with too often. */
  async function aStuckEvent(consumer = IDLE_CONSUMER): Promise<string> {
    const { id } = await aPost(app, await aUser(app));
    const [event] = await app.prisma.event.findMany({ where: { resourceId: id } });
    await app.prisma.eventSubscription.createMany({ data: [{ consumer, event: 'post.created' }], skipDuplicates: true });
    const eventId = event!.id;
    const stuck = { position: 1n, resource: `post:${id}`, status: 'stuck' as const, attempts: 12, lastError: 'x' };
    // Once the subscription is known, the dispatcher may have been first.
    await app.prisma.eventDelivery.upsert({
      where: { eventId_consumer: { eventId, consumer } },
      create: { consumer, eventId, ...stuck },
      update: stuck,
    });
    return eventId;
  }

  /** An endpoint that nobody can reach, with a delivery that waits for its next attempt. */
  async function anEndpoint(by: Person): Promise<{ id: string; deliveryId: string }> {
    const { body } = await product.request<{ id: string }>('POST', 'webhooks/endpoints', {
      token: by.accessToken,
      body: { url: 'https://hooks.invalid/ashlar', events: ['post.trashed'] },
    });
    const delivery = await app.prisma.webhookDelivery.create({
      data: {
        endpointId: body.id,
        messageId: randomUUID(),
        type: 'post.trashed',
        body: '{}',
        status: 'scheduled',
        attempts: 1,
        nextAttemptAt: new Date(Date.now() + 3_600_000),
        log: {
          create: { number: 1, startedAt: new Date(), durationMs: 7, sentHeaders: { 'webhook-id': 'x' }, statusCode: 500, answer: 'no' },
        },
      },
    });
    return { id: body.id, deliveryId: delivery.id };
  }

  async function anExport(by: Person, status: 'pending' | 'ready'): Promise<string> {
    const { body } = await product.request<{ id: string }>('POST', 'users/me/export', { token: by.accessToken });
    await eventually(async () => {
      const made = await product.request<{ status: string }>('GET', `users/me/exports/${body.id}`, { token: by.accessToken });
      return status === 'pending' || made.body.status === status;
    }, 60_000);
    return body.id;
  }

  /** An import that waits, and whose job is not there. */
  async function anImport(by: Person): Promise<string> {
    const problem = { file: 'a.md', line: 3, code: 'title-missing', detail: 'There is no `title`.' };
    const problems = { create: [problem, { ...problem, note: true, count: 2 }] };
    return (await app.prisma.postImport.create({ data: { ownerId: by.id, authorId: by.id, name: 'blog.zip', problems } })).id;
  }

  /** There are only so many at a time: others that are under way are cancelled. */
  async function aVariantImport(by: Person, status: 'pending' | 'done'): Promise<string> {
    const ended = { completedAt: new Date() };
    await app.prisma.productImport.updateMany({ where: { completedAt: null }, data: { status: 'cancelled', ...ended } });
    const problems = { create: [2, 3].map((line) => ({ line, column: 'sku', code: 'missing', detail: 'there is no SKU' })) };
    const data = { ownerId: by.id, name: 'a.csv', status, ...(status === 'done' && ended), problems };
    return (await app.prisma.productImport.create({ data })).id;
  }

  async function aPriceList(by: Person, variantIds: readonly string[] = []): Promise<string> {
    const token = by.accessToken;
    const body = { name: 'Summer', currency: 'EUR', active: false };
    const { id } = (await product.request<{ id: string }>('POST', 'shop/price-lists', { token, body })).body;
    const prices = variantIds.map((variantId) => ({ variantId, amount: 5 }));
    if (prices.length > 0) await product.request('PATCH', `shop/price-lists/${id}/prices`, { token, body: { prices } });
    return id;
  }

  return {
    aVariantImport,
    aPriceList,
    anOrder,
    aCart,
    aCategory,
    aCoupon,
    aLocation,
    aPaidOrder,
    aShipment,
    aNotification,
    anUnsubscription,
    aFile,
    anImage,
    aSeries,
    anUpload,
    aComment,
    aReportedComment,
    aPreviewLink,
    aJob,
    aDeadJob,
    aStuckEvent,
    anEndpoint,
    anExport,
    anImport,
  };
}
