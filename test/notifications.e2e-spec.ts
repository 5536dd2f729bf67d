import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { transaction } from '#database';
import type { NotificationList, NotificationResponse } from '../src/notifications/notifications.dto.js';
import { NotificationsService } from '../src/notifications/notifications.service.js';
import type { PreferencesResponse } from '../src/notifications/preferences.dto.js';
import { UnsubscriptionsService } from '../src/notifications/unsubscriptions.service.js';
import { startApp, type TestApp } from './harness/app.js';
import { eventually } from './harness/eventually.js';
import { startMailServer, type TestMailServer } from './harness/mail-server.js';
import { anAdmin, aPost, aProduct, aUser, type Person, unique } from './harness/people.js';
import type { Wire } from './harness/wire.js';

type Notice = Wire<NotificationResponse>;

const NOBODYS_ID = '0199f3a1-7c1e-7b3a-9a4e-0d6f1c2b3a49';

let server: TestMailServer;
let app: TestApp;
let variantId: string;

beforeAll(async () => {
  server = await startMailServer();
  app = await startApp({ SMTP_URL: server.url, MAIL_FROM: 'Shop <no-reply@example.com>' });
  variantId = (await aProduct(app, { stock: 1_000 })).variants[0]!.id;
}, 60_000);

afterAll(async () => {
  await app.close();
  await server.close();
});

const post = <Body>(by: Person, path: string, body: object = {}) =>
  app.request<Body>('POST', path, { token: by.accessToken, headers: { 'idempotency-key': unique() }, body });
const order = async (by: Person) =>
  (await post<{ id: string; number: string }>(by, 'orders', { items: [{ variantId, quantity: 1 }] })).body;
const inbox = async (by: Person, query = '') =>
  (await app.request<Wire<NotificationList>>('GET', `notifications${query}`, { token: by.accessToken })).body;

/** Waits for so many notifications. */
const told = (by: Person, count: number) =>
  eventually(async () => {
    const { items } = await inbox(by, '?sort=createdAt');
    return items.length >= count && items;
  }, 20_000);
const mailsTo = ({ email }: Person) => server.mails.filter(({ to }) => to.includes(email));
const mailed = (to: Person, count: number) => eventually(() => mailsTo(to).length >= count && mailsTo(to), 20_000);
/** Waits until everything that happened so far has been dealt with. */
const quiet = () =>
  eventually(async () => {
    const [left] = await app.prisma.$queryRaw<{ some: boolean }[]>`SELECT EXISTS (SELECT FROM events WHERE position IS NULL)
      OR EXISTS (SELECT FROM event_deliveries WHERE status = 'pending') OR EXISTS (SELECT FROM mails WHERE status = 'queued') AS some`;
    return !left!.some;
  }, 20_000);

describe('what happens to somebody', () => {
  it('is told them in their inbox and by mail, once', async () => {
    const ada = await aUser(app);
    const { id, number } = await order(ada);
    await post(ada, `orders/${id}/payments`, { method: 'sandbox:success' });
    await post(ada, `orders/${id}/cancellation`);
    const notices = await told(ada, 4);
    const titles = [
      `Order ${number} is placed`,
      `Order ${number} is paid`,
      `Order ${number} is cancelled`,
      'EUR 19.99 is paid back to you',
    ];
    expect(notices.map(({ title }) => title).sort()).toEqual([...titles].sort());
    expect(notices[0]).toEqual({
      id: expect.any(String),
      kind: 'order.placed',
      title: titles[0],
      resource: { type: 'order', id },
      facts: { number: Number(number), total: { amount: 1999, currency: 'EUR' }, expiresAt: expect.any(String) },
      createdAt: expect.any(String),
      readAt: null,
    });
    const mails = await mailed(ada, 4);
    expect(mails.map(({ headers }) => headers.subject).sort()).toEqual([...titles].sort());
    await quiet();
    expect(mailsTo(ada)).toHaveLength(4);
    expect((await inbox(ada)).items).toHaveLength(4);
  }, 60_000);

  it('is told with what was bought, by whom a parcel comes, and what is paid back', async () => {
    const [ada, admin] = [await aUser(app), await anAdmin(app)];
    const { id, number } = await order(ada);
    await post(ada, `orders/${id}/payments`, { method: 'sandbox:success' });
    await post(admin, `orders/${id}/shipments`, { carrier: 'Brieftauben & Söhne', trackingNumber: 'JJD-1' });
    await post(admin, `orders/${id}/refunds`, { amount: { amount: 99, currency: 'EUR' }, reason: 'x' });
    const mails = await mailed(ada, 4);
    const { name } = await app.prisma.orderLine.findFirstOrThrow({ where: { orderId: id } });
    const mailOf = (subject: string) => mails.find(({ headers }) => headers['subject'] === subject)!.text.replaceAll('\r\n', '\n');
    expect(mailOf(`Order ${number} is paid`)).toContain(`1 × ${name}: EUR 19.99\nTotal: EUR 19.99`);
    expect(mailOf(`Order ${number} is on its way`)).toContain(
      `Order: ${number}\nCarrier: Brieftauben & Söhne\nTracking number: JJD-1\nIn it: 1 × ${name}`,
    );
    expect(mailOf('EUR 0.99 is paid back to you')).toContain(`Order: ${number}\nAmount: EUR 0.99`);
  }, 60_000);

  it('is told once however often it is heard', async () => {
    const ada = await aUser(app);
    const { id } = await order(ada);
    await told(ada, 1);
    await quiet();
    const notices = app.get(NotificationsService);
    const { eventId } = await app.prisma.notification.findFirstOrThrow({ where: { userId: ada.id } });
    const facts = { number: 1, total: { amount: 1, currency: 'EUR' }, expiresAt: new Date().toISOString() };
    for (let time = 0; time < 3; time++)
      await transaction(app.prisma, (db) =>
        notices.tell({ kind: 'order.placed', userId: ada.id, eventId, resource: { type: 'order', id }, facts }, db),
      );
    await quiet();
    expect((await inbox(ada)).items).toHaveLength(1);
    expect(mailsTo(ada)).toHaveLength(1);
  }, 30_000);

  it('is told its author when an editor publishes a post, not when they do it themselves', async () => {
    const [author, editor] = [await aUser(app), await aUser(app, { roles: ['editor'] })];
    const [own, edited] = [await aPost(app, author), await aPost(app, author)];
    await app.request('PUT', `posts/${own.id}/publication`, { token: author.accessToken, body: {} });
    await app.request('PUT', `posts/${edited.id}/publication`, { token: editor.accessToken, body: {} });
    const notices = await told(author, 1);
    await quiet();
    expect((await inbox(author)).items).toHaveLength(1);
    expect(notices[0]).toMatchObject({ kind: 'post.published', resource: { type: 'post', id: edited.id }, facts: {} });
    const [mail] = await mailed(author, 1);
    expect(mail!.text).toContain(`http://localhost/api/v1/posts/${edited.id}`);
    expect((await inbox(editor)).items).toEqual([]);
  }, 30_000);

  it('is told nobody who is gone by then', async () => {
    await transaction(app.prisma, (db) =>
      app
        .get(NotificationsService)
        .tell(
          { kind: 'password.changed', userId: NOBODYS_ID, eventId: NOBODYS_ID, resource: { type: 'user', id: NOBODYS_ID }, facts: {} },
          db,
        ),
    );
    expect(await app.prisma.notification.count({ where: { eventId: NOBODYS_ID } })).toBe(0);
    expect(await app.prisma.mail.count({ where: { userId: NOBODYS_ID } })).toBe(0);
  });

  it('is kept for NOTIFICATIONS_TTL_DAYS', async () => {
    const ada = await aUser(app);
    await order(ada);
    await order(ada);
    const [old] = await told(ada, 2);
    await app.prisma.notification.update({ where: { id: old!.id }, data: { createdAt: new Date(Date.now() - 181 * 86_400_000) } });
    await app.get(NotificationsService).purge(new AbortController().signal);
    const { items } = await inbox(ada);
    expect(items).toHaveLength(1);
    expect(items[0]!.id).not.toBe(old!.id);
  });
});

describe('the inbox', () => {
  let ada: Person;
  let notices: Notice[];
  beforeAll(async () => {
    ada = await aUser(app);
    // One after the other, so that no two of them are of the same millisecond.
    for (let count = 1; count <= 3; count++) {
      await order(ada);
      notices = await told(ada, count);
    }
  }, 30_000);

  it('is one’s own', async () => {
    const eve = await anAdmin(app);
    expect((await inbox(eve)).items).toEqual([]);
    const answer = await app.request('PUT', `notifications/${notices[0]!.id}/read`, { token: eve.accessToken });
    expect([answer.status, answer.body.code]).toEqual([404, 'notifications/not-found']);
    const nobodys = await app.request('PUT', `notifications/${NOBODYS_ID}/read`, { token: eve.accessToken });
    expect([nobodys.status, nobodys.body.code]).toEqual([404, 'notifications/not-found']);
    expect(nobodys.body.detail).toBe(answer.body.detail);
    await app.request('PUT', 'notifications/read', { token: eve.accessToken, body: {} });
    expect((await inbox(ada, '?unread=true')).items).toHaveLength(3);
  });

  it.each([
    ['GET', 'notifications'],
    ['GET', 'notifications/unread'],
    ['PUT', 'notifications/read'],
    ['PUT', `notifications/${NOBODYS_ID}/read`],
    ['GET', 'notifications/preferences'],
    ['PUT', 'notifications/preferences'],
  ])('is closed without a login: %s %s', async (method, path) => {
    const { status, body } = await app.request(method, path, method === 'PUT' ? { body: {} } : {});
    expect([status, body.code]).toEqual([401, 'auth/unauthenticated']);
  });

  it('is read page by page, in either direction', async () => {
    for (const sort of ['-createdAt', 'createdAt']) {
      const seen: string[] = [];
      for (let cursor: string | null = ''; cursor !== null;) {
        const page: Wire<NotificationList> = await inbox(ada, `?limit=1&sort=${sort}${cursor && `&cursor=${cursor}`}`);
        seen.push(...page.items.map(({ id }) => id));
        cursor = page.nextCursor;
      }
      expect(sort === 'createdAt' ? seen : seen.reverse()).toEqual(notices.map(({ id }) => id));
    }
  });

  it('counts what is unread, and knows what has been read', async () => {
    const me = { token: ada.accessToken };
    const unread = async () => (await app.request<{ count: number }>('GET', 'notifications/unread', me)).body.count;
    expect(await unread()).toBe(3);
    const first = await app.request<Notice>('PUT', `notifications/${notices[0]!.id}/read`, me);
    expect(first.status).toBe(200);
    expect(first.body).toEqual({ ...notices[0], readAt: expect.any(String) });
    const again = await app.request<Notice>('PUT', `notifications/${notices[0]!.id}/read`, me);
    expect(again.body.readAt).toBe(first.body.readAt);
    expect(await unread()).toBe(2);
    expect((await inbox(ada, '?unread=true')).items.map(({ id }) => id).sort()).toEqual([notices[1]!.id, notices[2]!.id].sort());
    expect((await inbox(ada, '?unread=false')).items.map(({ id }) => id)).toEqual([notices[0]!.id]);
  });

  it('is marked as read up to what was seen, or altogether', async () => {
    const me = { token: ada.accessToken };
    expect((await app.request('PUT', 'notifications/read', { ...me, body: { until: notices[1]!.createdAt } })).status).toBe(204);
    expect((await inbox(ada, '?unread=true')).items.map(({ id }) => id)).toEqual([notices[2]!.id]);
    expect((await app.request('PUT', 'notifications/read', me)).status).toBe(204);
    expect((await inbox(ada, '?unread=true')).items).toEqual([]);
  });

  it.each(['?unread=yes', '?sort=title', '?limit=0', '?cursor=x', '?kind=order.paid'])('refuses %s', async (query) => {
    expect((await app.request('GET', `notifications${query}`, { token: ada.accessToken })).status).toBe(400);
  });

  it('refuses a time that is none and an id that is none', async () => {
    const me = { token: ada.accessToken };
    expect((await app.request('PUT', 'notifications/read', { ...me, body: { until: 'yesterday' } })).status).toBe(400);
    expect((await app.request('PUT', 'notifications/read', { ...me, body: { before: notices[0]!.createdAt } })).status).toBe(400);
    expect((await app.request('PUT', 'notifications/x/read', me)).status).toBe(400);
  });
});

describe('preferences', () => {
  const read = async (by: Person) =>
    (await app.request<PreferencesResponse>('GET', 'notifications/preferences', { token: by.accessToken })).body;
  const choose = (by: Person, preferences: unknown[]) =>
    app.request<PreferencesResponse>('PUT', 'notifications/preferences', { token: by.accessToken, body: { preferences } });
  const set = async (by: Person, kind: string, channels: { inApp: boolean; email: boolean }) => {
    const { status, body } = await choose(by, [{ kind, ...channels }]);
    expect(status).toBe(200);
    return body.preferences.find((preference) => preference.kind === kind);
  };

  it('begin with everything on, and hold for one person and one kind', async () => {
    const [ada, eve] = [await aUser(app), await aUser(app)];
    const { preferences } = await read(ada);
    const mandatory = [
      'password.changed',
      'identity.linked',
      'identity.unlinked',
      'session.new-device',
      'factors.changed',
      'api-key.created',
      'api-key.rotated',
    ];
    expect(preferences.map(({ kind }) => kind)).toEqual([
      'order.placed',
      'order.paid',
      'order.shipped',
      'order.cancelled',
      'order.refunded',
      'post.published',
      'comment.posted',
      'comment.replied',
      'comment.mentioned',
      'comment.approved',
      'comment.rejected',
      'post.submitted',
      'post.approved',
      'post.returned',
      ...mandatory,
      'webhook.disabled',
      'release.failed',
    ]);
    expect(preferences.every(({ inApp, email }) => inApp && email)).toBe(true);
    expect(preferences.filter((preference) => preference.mandatory).map(({ kind }) => kind)).toEqual(mandatory);
    expect(await set(ada, 'order.paid', { inApp: true, email: false })).toMatchObject({ inApp: true, email: false });
    expect((await read(ada)).preferences.filter(({ email }) => !email).map(({ kind }) => kind)).toEqual(['order.paid']);
    expect(await read(eve)).toEqual({ preferences });
  });

  it('take what they gave', async () => {
    const ada = await aUser(app);
    await set(ada, 'post.published', { inApp: false, email: true });
    const before = await read(ada);
    const { status, body } = await choose(ada, before.preferences);
    expect([status, body]).toEqual([200, before]);
  });

  it('are heeded on both channels', async () => {
    const [quietly, loudly, never] = [await aUser(app), await aUser(app), await aUser(app)];
    await set(quietly, 'order.placed', { inApp: true, email: false });
    await set(loudly, 'order.placed', { inApp: false, email: true });
    await set(never, 'order.placed', { inApp: false, email: false });
    for (const person of [quietly, loudly, never]) await order(person);
    await told(quietly, 1);
    await mailed(loudly, 1);
    await quiet();
    expect(mailsTo(quietly)).toEqual([]);
    expect((await inbox(loudly)).items).toEqual([]);
    expect((await app.request<{ count: number }>('GET', 'notifications/unread', { token: loudly.accessToken })).body.count).toBe(0);
    expect([(await inbox(never)).items, mailsTo(never)]).toEqual([[], []]);
  }, 30_000);

  it('cannot switch off what concerns the security of the account', async () => {
    const ada = await aUser(app);
    for (const channels of [
      { inApp: false, email: true },
      { inApp: true, email: false },
    ]) {
      const { status, body } = await app.request('PUT', 'notifications/preferences', {
        token: ada.accessToken,
        body: {
          preferences: [
            { kind: 'order.paid', inApp: false, email: false },
            { kind: 'password.changed', ...channels },
          ],
        },
      });
      expect([status, body.code, body.errors?.[0]?.pointer]).toEqual([422, 'notifications/mandatory', '/preferences/1']);
    }
    expect((await read(ada)).preferences.every(({ inApp, email }) => inApp && email)).toBe(true);
    await app.prisma.notificationPreference.create({ data: { userId: ada.id, kind: 'password.changed', inApp: false, email: false } });
    await app.request('POST', 'auth/password/change', {
      token: ada.accessToken,
      body: { currentPassword: ada.password, newPassword: 'six yellow lanterns over water' },
    });
    const [mail] = await mailed(ada, 1);
    expect(mail!.headers).toMatchObject({ subject: 'Your password was changed' });
    expect(mail!.headers).not.toHaveProperty('list-unsubscribe');
    expect(mail!.text).not.toContain('/unsubscribe');
    expect((await told(ada, 1))[0]).toMatchObject({ kind: 'password.changed', resource: { type: 'user', id: ada.id } });
  }, 30_000);

  it.each([
    ['kinds nobody knows', [{ kind: 'order.teleported', inApp: true, email: true }]],
    ['names that every object has', [{ kind: 'toString', inApp: true, email: true }]],
    ['a kind twice', [1, 2].map(() => ({ kind: 'order.paid', inApp: true, email: true }))],
    ['half a choice', [{ kind: 'order.paid', email: true }]],
    ['words for truth', [{ kind: 'order.paid', inApp: 'yes', email: 1 }]],
    ['other channels', [{ kind: 'order.paid', inApp: true, email: true, sms: true }]],
    ['what is no preference', [null, 1]],
    ['more than there are', Array.from({ length: 50 }, () => ({ kind: 'order.paid', inApp: true, email: true }))],
  ])('refuse %s', async (_what, preferences) => {
    const ada = await aUser(app);
    const before = await read(ada);
    expect((await choose(ada, preferences)).status).toBe(400);
    expect(await read(ada)).toEqual(before);
  });
});

describe('the unsubscribe link of a mail', () => {
  const ONE_CLICK = { body: 'List-Unsubscribe=One-Click', headers: { 'content-type': 'application/x-www-form-urlencoded' } };
  const linkOf = async (person: Person) => {
    await order(person);
    const [mail] = await mailed(person, 1);
    const link = /^<(.*)>$/.exec(mail!.headers['list-unsubscribe']!)![1]!;
    expect(mail!.headers['list-unsubscribe-post']).toBe('List-Unsubscribe=One-Click');
    expect(mail!.text).toContain(`Unsubscribe: ${link}`);
    expect(link).toMatch(/^http:\/\/localhost\/unsubscribe\?token=[\w.-]+$/);
    return link.slice('http://localhost'.length);
  };
  const wants = async (person: Person) => {
    const { body } = await app.request<PreferencesResponse>('GET', 'notifications/preferences', { token: person.accessToken });
    return body.preferences.filter(({ email, inApp }) => !(email && inApp)).map(({ kind, inApp, email }) => ({ kind, inApp, email }));
  };
  const ENDED = [{ kind: 'order.placed', inApp: true, email: false }];

  it('asks first when it is opened, and changes nothing', async () => {
    const ada = await aUser(app);
    const link = await linkOf(ada);
    for (const method of ['GET', 'HEAD']) expect((await app.request(method, link)).status).toBe(200);
    const page = await app.request('GET', link);
    expect(page.headers).toMatchObject({
      'content-type': 'text/html; charset=utf-8',
      'referrer-policy': 'no-referrer',
      'cache-control': 'no-store',
    });
    expect(page.headers['content-security-policy']).toContain("form-action 'self'");
    expect(page.text).toMatch(/<form method="post">.*orders you have placed|orders you have placed[\s\S]*<form method="post">/);
    expect(await wants(ada)).toEqual([]);
  }, 30_000);

  it.each([
    ['a form', ONE_CLICK],
    ['a form with its encoding', { ...ONE_CLICK, headers: { 'content-type': 'application/x-www-form-urlencoded; charset=UTF-8' } }],
    [
      'a form of several parts',
      {
        body: '--b\r\nContent-Disposition: form-data; name="List-Unsubscribe"\r\n\r\nOne-Click\r\n--b--\r\n',
        headers: { 'content-type': 'multipart/form-data; boundary=b' },
      },
    ],
    ['nothing', {}],
  ])(
    'ends mails of its kind by one click, sent as %s, however often',
    async (_what, call) => {
      const ada = await aUser(app);
      const link = await linkOf(ada);
      for (let time = 0; time < 3; time++) {
        const { status, text } = await app.request('POST', link, call);
        expect([status, text]).toEqual([200, expect.stringContaining('no more mails about orders you have placed')]);
      }
      expect(await wants(ada)).toEqual(ENDED);
      await order(ada);
      await told(ada, 2);
      await quiet();
      expect(mailsTo(ada)).toHaveLength(1);
    },
    30_000,
  );

  it('works without a login, and whoever is logged in, for its own person only', async () => {
    const [ada, eve] = [await aUser(app), await aUser(app)];
    const link = await linkOf(ada);
    await app.request('POST', link, { ...ONE_CLICK, headers: { ...ONE_CLICK.headers, authorization: `Bearer ${eve.accessToken}` } });
    expect(await wants(eve)).toEqual([]);
    expect(await wants(ada)).toEqual(ENDED);
  }, 30_000);

  it('can be taken back, and used again', async () => {
    const ada = await aUser(app);
    const link = await linkOf(ada);
    await app.request('POST', link, ONE_CLICK);
    await app.request('PUT', 'notifications/preferences', {
      token: ada.accessToken,
      body: { preferences: [{ kind: 'order.placed', inApp: false, email: true }] },
    });
    await app.request('POST', link, ONE_CLICK);
    expect(await wants(ada)).toEqual([{ kind: 'order.placed', inApp: false, email: false }]);
  }, 30_000);

  it('names a user and a kind and nothing else', async () => {
    const ada = await aUser(app);
    const link = await linkOf(ada);
    const [head, body] = link.slice(link.indexOf('token=') + 6).split('.');
    expect(JSON.parse(Buffer.from(head!, 'base64url').toString())).toEqual({ alg: 'HS256' });
    expect(JSON.parse(Buffer.from(body!, 'base64url').toString())).toEqual({ kind: 'order.placed', sub: ada.id });
  }, 30_000);

  it('of somebody who is gone still says that it is done', async () => {
    const link = (await app.get(UnsubscriptionsService).urlFor(NOBODYS_ID, 'order.paid'))!.slice('http://localhost'.length);
    expect((await app.request('POST', link, ONE_CLICK)).status).toBe(200);
    expect(await app.prisma.notificationPreference.count({ where: { userId: NOBODYS_ID } })).toBe(0);
  });

  it('cannot be forged', async () => {
    const [ada, eve] = [await aUser(app), await aUser(app)];
    const link = await linkOf(ada);
    const [head, body, signature] = link.slice(link.indexOf('token=') + 6).split('.') as [string, string, string];
    const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
    const eves = encode({ kind: 'order.placed', sub: eve.id });
    const forged = [
      '',
      'x',
      'a.b.c',
      `${head}.${eves}.${signature}`,
      `${head}.${body}.`,
      `${head}.${body}`,
      `${head}.${body}.${signature.slice(0, -2)}`,
      `${encode({ alg: 'none' })}.${eves}.`,
      `${encode({ alg: 'none' })}.${eves}.${signature}`,
      `${encode({ alg: 'EdDSA' })}.${eves}.${signature}`,
      eve.accessToken,
      ada.accessToken,
    ];
    for (const token of forged)
      for (const method of ['GET', 'POST']) {
        const { status, body } = await app.request(method, `/unsubscribe?token=${token}`, method === 'POST' ? ONE_CLICK : {});
        expect([token, status, body.code]).toEqual([token, 400, 'notifications/unsubscribe-link-invalid']);
      }
    expect(await wants(eve)).toEqual([]);
    expect((await app.request('POST', '/unsubscribe', ONE_CLICK)).body.code).toBe('http/validation-failed');
    expect((await app.request('POST', `${link}&token=b`, ONE_CLICK)).status).toBe(400);
  }, 30_000);
});

describe('a form', () => {
  it.each(['application/x-www-form-urlencoded', 'multipart/form-data; boundary=b'])(
    'as %s is taken where a route says so, and nowhere else',
    async (type) => {
      const ada = await aUser(app);
      const call = { token: ada.accessToken, body: 'title=x&body=y', headers: { 'content-type': type } };
      for (const [method, path] of [
        ['POST', 'posts'],
        ['POST', 'auth/login'],
        ['POST', 'orders'],
        ['PUT', 'notifications/read'],
      ] as const) {
        const { status, body } = await app.request(method, path, call);
        expect([path, status, body.code]).toEqual([path, 415, 'http/unsupported-media-type']);
      }
    },
  );

  it('that is too large is refused', async () => {
    const { status } = await app.request('POST', '/unsubscribe?token=x', {
      body: 'x'.repeat(20_000),
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
    });
    expect(status).toBe(413);
  });
});
