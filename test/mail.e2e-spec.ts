import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { transaction } from '#database';
import type { JobRun } from '#jobs';
import { send, template } from '#mail';
import { Deliveries } from '../libs/mail/src/deliveries.js';
import { startApp, type TestApp } from './harness/app.js';
import { eventually } from './harness/eventually.js';
import { startMailServer, startRawMailServer, type TestMailServer } from './harness/mail-server.js';
import { aProduct, aUser, type Person, unique } from './harness/people.js';
import { startProcess, stopProcesses } from './harness/product.js';

const SECRET = 'https://example.com/reset?token=once-and-never-again';
const RUN = { signal: new AbortController().signal } as JobRun;
const letter = template<{ subject: string; text: string }>('test.letter', ({ subject, text }) => ({
  subject,
  paragraphs: [text],
  reason: 'This is a test.',
}));

/** What the server says to the next mails to an address: the errors in turn, then nothing. */
const refusals = new Map<string, { code: number; text: string }[]>();

let server: TestMailServer;
let app: TestApp;

beforeAll(async () => {
  server = await startMailServer({
    onRcptTo: ({ address }, _session, done) => {
      const refusal = refusals.get(address)?.shift();
      done(refusal && Object.assign(new Error(refusal.text), { responseCode: refusal.code }));
    },
  });
  app = await startApp({ SMTP_URL: server.url, MAIL_FROM: 'Shop <no-reply@example.com>' });
}, 60_000);

afterAll(async () => {
  await stopProcesses();
  await app.close();
  await server.close();
});

const anAddress = () => `m-${unique()}@example.org`;

/** Sends a letter to an address that is nobody's. */
async function write(
  to: string,
  { subject = 'Hello', text = 'Hello.', unsubscribeUrl = undefined as string | undefined } = {},
): Promise<void> {
  await send(app.prisma, letter, { to, data: { subject, text }, ...(unsubscribeUrl && { unsubscribeUrl }) });
}

const rowOf = (recipient: string) => app.prisma.mail.findFirstOrThrow({ where: { recipient } });
const whenIt = (recipient: string, ...statuses: string[]) =>
  eventually(async () => {
    const row = await rowOf(recipient);
    return statuses.includes(row.status) && row;
  }, 20_000);

describe('a mail', () => {
  it('is sent when what it belongs to is committed, and not otherwise', async () => {
    const [never, once] = [anAddress(), anAddress()];
    await expect(
      transaction(app.prisma, async (db) => {
        await send(db, letter, { to: never, data: { subject: 'Never', text: 'Never.' } });
        throw new Error('changed my mind');
      }),
    ).rejects.toThrow('changed my mind');
    await transaction(app.prisma, (db) => send(db, letter, { to: once, data: { subject: 'Once', text: 'Once.' } }));
    await server.mailTo(once);
    await whenIt(once, 'sent');
    expect(server.mails.filter(({ to }) => to.includes(once))).toHaveLength(1);
    expect(server.mails.filter(({ to }) => to.includes(never))).toEqual([]);
    expect(await app.prisma.mail.count({ where: { recipient: never } })).toBe(0);
  });

  it('comes as HTML and as text, from the shop, and says that a machine wrote it', async () => {
    const to = anAddress();
    await write(to, { subject: 'Grüße', text: 'Größer als <b>.', unsubscribeUrl: 'https://example.com/unsubscribe?token=a' });
    const { headers, text } = await server.mailTo(to);
    expect(headers).toMatchObject({
      from: 'Shop <no-reply@example.com>',
      to,
      'auto-submitted': 'auto-generated',
      'list-unsubscribe': '<https://example.com/unsubscribe?token=a>',
      'list-unsubscribe-post': 'List-Unsubscribe=One-Click',
    });
    expect(headers['content-type']).toMatch(/^multipart\/alternative/);
    expect(text).toContain('Größer als <b>.');
    expect(text).toContain('<p>Größer als &lt;b&gt;.</p>');
  });

  it('has one Message-ID, which its row knows', async () => {
    const to = anAddress();
    await write(to);
    const row = await whenIt(to, 'sent');
    expect((await server.mailTo(to)).headers['message-id']).toBe(`<${row.id}@example.com>`);
    expect(row.messageId).toBe(`<${row.id}@example.com>`);
  });

  it('is forgotten once it is sent, but for that it was', async () => {
    const to = anAddress();
    await write(to, { text: SECRET, unsubscribeUrl: 'https://example.com/unsubscribe?token=a' });
    const row = await whenIt(to, 'sent');
    expect(row).toMatchObject({ data: null, unsubscribeUrl: null, message: null, attempts: 1, lastError: null, sentAt: expect.any(Date) });
    expect((await server.mailTo(to)).text).toContain(SECRET);
    expect(JSON.stringify(await app.prisma.$queryRaw`SELECT j::text FROM graphile_worker._private_jobs j`)).not.toContain('token=');
  });

  it('goes to the address that its user has when it is sent', async () => {
    const user = await aUser(app);
    const moved = anAddress();
    await transaction(app.prisma, async (db) => {
      await send(db, letter, { userId: user.id, data: { subject: 'Hello', text: 'Hello.' } });
      await db.user.update({ where: { id: user.id }, data: { email: moved } });
    });
    await server.mailTo(moved);
    expect(server.mails.some(({ to }) => to.includes(user.email))).toBe(false);
    expect(await app.prisma.mail.findFirst({ where: { userId: user.id } })).toMatchObject({ recipient: null });
  });

  it('to somebody who is gone is given up', async () => {
    const userId = '0199f3a1-7c1e-7b3a-9a4e-0d6f1c2b3a49';
    await send(app.prisma, letter, { userId, data: { subject: 'Hello', text: SECRET } });
    const row = await eventually(async () => {
      const found = await app.prisma.mail.findFirstOrThrow({ where: { userId } });
      return found.status === 'failed' && found;
    });
    expect(row).toMatchObject({ data: null, lastError: 'the user has no address any more' });
  });

  it.each([
    'ada@example.org\r\nBcc: eve@example.org',
    'ada@example.org, eve@example.org',
    'Ada <ada@example.org>',
    'ada@home@example.org',
    `${'a'.repeat(300)}@example.org`,
  ])('to %j is given up without asking the server', async (to) => {
    await write(to);
    expect(await whenIt(to, 'failed')).toMatchObject({ data: null, lastError: 'the address is none that mail can be sent to' });
    expect(server.mails.some((mail) => mail.to.some((address) => address.startsWith('eve@')))).toBe(false);
  });

  it('cannot be given headers by its subject', async () => {
    const to = anAddress();
    await write(to, { subject: 'Hello\r\nBcc: eve@example.org\r\n\r\nOther text' });
    const { headers, to: recipients } = await server.mailTo(to);
    expect(recipients).toEqual([to]);
    expect(headers).not.toHaveProperty('bcc');
    expect(headers.subject).toBe('Hello Bcc: eve@example.org Other text');
  });

  it('that is refused for good is not tried again, and its address is not said', async () => {
    const to = anAddress();
    refusals.set(to, [{ code: 550, text: `5.1.1 <${to}> is unknown` }]);
    await write(to, { text: SECRET });
    expect(await whenIt(to, 'failed')).toMatchObject({
      attempts: 1,
      data: null,
      lastError: 'the mail server refused the recipient (550 5.1.1)',
    });
  });

  it('that is refused for now is tried again, and says the same', async () => {
    const to = anAddress();
    refusals.set(to, [{ code: 451, text: '4.7.1 greylisted' }]);
    await write(to, { text: 'Patience.' });
    const waiting = await eventually(async () => {
      const row = await rowOf(to);
      return row.lastError !== null && row;
    });
    expect(waiting).toMatchObject({ status: 'queued', attempts: 1, lastError: 'the mail server refused the recipient (451 4.7.1)' });
    const { headers, text } = await server.mailTo(to, 30_000);
    expect(text).toContain('Patience.');
    expect(await whenIt(to, 'sent')).toMatchObject({ attempts: 2, lastError: null, messageId: headers['message-id'] });
  }, 60_000);

  it('is forgotten altogether after MAIL_TTL_DAYS', async () => {
    const [old, young] = [anAddress(), anAddress()];
    await Promise.all([write(old), write(young)]);
    await Promise.all([whenIt(old, 'sent'), whenIt(young, 'sent')]);
    await app.prisma.mail.updateMany({ where: { recipient: old }, data: { createdAt: new Date(Date.now() - 31 * 86_400_000) } });
    await app.get(Deliveries).purge(RUN);
    expect(await app.prisma.mail.findMany({ where: { recipient: { in: [old, young] } }, select: { recipient: true } })).toEqual([
      { recipient: young },
    ]);
  });
});

describe('a mail server that hangs', () => {
  it('keeps only a few workers busy, and costs the mails behind it no attempt', async () => {
    let hang = true;
    const slow = await startRawMailServer((socket, line) => {
      if (!hang) socket.destroy();
      else if (line === null) socket.write('220 here\r\n');
    });
    const other = await startApp({ SMTP_URL: slow.url, MAIL_FROM: 'no-reply@example.com', SMTP_TIMEOUT_MS: '6000' });
    try {
      for (let count = 0; count < 30; count++)
        await send(other.prisma, letter, { to: anAddress(), data: { subject: 'Hello', text: 'Hello.' } });
      await eventually(() => slow.connections === 5, 30_000);
      await eventually(
        async () =>
          (await other.prisma.$queryRaw<unknown[]>`SELECT 1 FROM graphile_worker._private_jobs WHERE run_at > now() + interval '1 second'`)
            .length >= 25,
        30_000,
      );
      expect(slow.connections).toBe(5);
      expect(await other.prisma.mail.groupBy({ by: ['attempts'], _count: true, orderBy: { attempts: 'asc' } })).toEqual([
        { attempts: 0, _count: 25 },
        { attempts: 1, _count: 5 },
      ]);
    } finally {
      hang = false;
      await other.close();
      await slow.close();
    }
  }, 60_000);
});

describe('production', () => {
  const production = (databaseUrl: string) => ({
    NODE_ENV: 'production',
    HOST: '127.0.0.1',
    PUBLIC_URL: 'http://localhost:3000',
    DATABASE_URL: databaseUrl,
    JWT_PRIVATE_KEYS: Buffer.from(generateKeyPairSync('ed25519').privateKey.export({ format: 'pem', type: 'pkcs8' })).toString('base64'),
    ENCRYPTION_KEYS: randomBytes(32).toString('base64'),
    LOG_LEVEL: 'info',
  });

  it('has no mailbox, holds mails while it has no mail server, and sends them when it has one', async () => {
    const api = await startApp({ ROLE: 'api' });
    const to = anAddress();
    try {
      const without = await startProcess({ databaseUrl: api.databaseUrl, env: production(api.databaseUrl) });
      expect(without.log.some(({ msg, level }) => level === 40 && msg.startsWith('SMTP_URL is not set'))).toBe(true);
      await send(api.prisma, letter, { to, data: { subject: 'Hello', text: 'Late, but here.' } });
      const held = await eventually(async () => (await api.prisma.mail.findFirst({ where: { status: 'held' } })) ?? undefined, 20_000);
      expect(held).toMatchObject({ attempts: 0, message: null });
      for (const path of ['/dev/mailbox', `/dev/mailbox/${held.id}`, `/dev/mailbox/${held.id}/text`, `/dev/mailbox/${held.id}/links`])
        for (const method of ['GET', 'HEAD', 'OPTIONS', 'POST'])
          expect([method, path, (await without.request(method, path)).status]).toEqual([method, path, 404]);
      await without.stop();
      const later = await startApp({ DATABASE_URL: api.databaseUrl, SMTP_URL: server.url, MAIL_FROM: 'no-reply@example.com' });
      try {
        await later.get(Deliveries).resume(RUN);
        expect((await server.mailTo(to)).text).toContain('Late, but here.');
      } finally {
        await later.close();
      }
    } finally {
      await api.close();
    }
  }, 90_000);

  it('has no mailbox with a mail server either, and says nothing of its password', async () => {
    const password = `secret-${unique()}`;
    const url = server.url.replace('://', `://shop:${password}@`);
    const env = { ...production(app.databaseUrl), SMTP_URL: url, MAIL_FROM: 'Shop <no-reply@example.com>', LOG_LEVEL: 'trace' };
    const product = await startProcess({ databaseUrl: app.databaseUrl, env });
    expect((await product.request('GET', '/dev/mailbox')).status).toBe(404);
    expect((await product.request('GET', '/dev/mailbox')).body.code).toBe('http/not-found');
    await product.stop();
    expect(product.output()).not.toContain(password);
  }, 60_000);
});

describe('the development mailbox', () => {
  interface Entry {
    id: string;
    to: string;
    subject: string;
    template: string;
    text: string;
    html: string;
    links: string[];
    headers: Record<string, string>;
  }
  let dev: TestApp;
  let ada: Person;
  const json = { headers: { accept: 'application/json' } };

  beforeAll(async () => {
    dev = await startApp();
    ada = await aUser(dev);
  }, 60_000);
  afterAll(() => dev.close());

  const deliver = async (to: string, subject: string, text = 'Hello.') => {
    await send(dev.prisma, letter, { to, data: { subject, text }, unsubscribeUrl: 'https://example.com/unsubscribe?token=a&b=c' });
    return eventually(async () => (await dev.request<{ items: Entry[] }>('GET', `/dev/mailbox?to=${to}`, json)).body.items[0]);
  };

  it('shows what would have been sent, the newest first', async () => {
    const [first, second] = [anAddress(), anAddress()];
    await deliver(first, 'The first');
    await deliver(second, 'The second');
    const { items } = (await dev.request<{ items: Entry[] }>('GET', '/dev/mailbox', json)).body;
    expect(items.slice(0, 2).map(({ to, subject }) => [to, subject])).toEqual([
      [second, 'The second'],
      [first, 'The first'],
    ]);
    const page = await dev.request('GET', '/dev/mailbox', { headers: { accept: 'text/html' } });
    expect(page.headers['content-type']).toBe('text/html; charset=utf-8');
    expect(page.text.indexOf('The second')).toBeLessThan(page.text.indexOf('The first'));
  });

  it('shows a mail as HTML that can do nothing, as text, its links, and everything as JSON', async () => {
    const to = anAddress();
    const { id } = await deliver(to, 'All of it', 'Größer <script>alert(1)</script>');
    const html = await dev.request('GET', `/dev/mailbox/${id}`);
    expect(html.headers).toMatchObject({ 'content-type': 'text/html; charset=utf-8', 'cache-control': 'no-store' });
    expect(html.headers['content-security-policy']).toMatch(/^sandbox; default-src 'none'/);
    expect(html.text).toContain('Größer &lt;script&gt;');
    const text = await dev.request('GET', `/dev/mailbox/${id}/text`);
    expect(text.headers['content-type']).toBe('text/plain; charset=utf-8');
    expect(text.text).toContain('Größer <script>alert(1)</script>');
    const links = await dev.request<{ items: string[] }>('GET', `/dev/mailbox/${id}/links`);
    expect(links.body).toEqual({ items: ['https://example.com/unsubscribe?token=a&b=c'] });
    const { body } = await dev.request<Entry>('GET', `/dev/mailbox/${id}`, json);
    expect(body).toMatchObject({
      id,
      to,
      subject: 'All of it',
      template: 'test.letter',
      text: text.text,
      html: html.text,
      links: links.body.items,
    });
    expect(body.headers).toHaveProperty('List-Unsubscribe');
  });

  it('shows text as text in its list', async () => {
    await deliver(anAddress(), '<img src=x onerror=alert(1)>');
    const page = await dev.request('GET', '/dev/mailbox');
    expect(page.text).toContain('&lt;img src=x');
    expect(page.text).not.toContain('<img');
    expect(page.headers['content-security-policy']).toMatch(/^default-src 'none'/);
  });

  it('has nothing under other ids, and refuses what is none', async () => {
    for (const rest of ['', '/text', '/links']) {
      expect((await dev.request('GET', `/dev/mailbox/0199f3a1-7c1e-7b3a-9a4e-0d6f1c2b3a49${rest}`)).status).toBe(404);
      expect((await dev.request('GET', `/dev/mailbox/x${rest}`)).status).toBe(400);
    }
    expect((await dev.request('GET', '/dev/mailbox?to=x')).status).toBe(400);
    expect((await dev.request('GET', '/dev/mailbox?from=x')).status).toBe(400);
  });

  it('gets what the shop writes to its customers', async () => {
    const { variants } = await aProduct(dev);
    const { body: order } = await dev.request<{ number: string }>('POST', 'orders', {
      token: ada.accessToken,
      headers: { 'idempotency-key': unique() },
      body: { items: [{ variantId: variants[0]!.id, quantity: 2 }] },
    });
    const mail = await eventually(
      async () => (await dev.request<{ items: Entry[] }>('GET', `/dev/mailbox?to=${ada.email}`, json)).body.items[0],
      20_000,
    );
    expect(mail.subject).toBe(`Order ${order.number} is placed`);
    expect(mail.text).toContain('Total: EUR 39.98');
    expect(mail.links).toEqual([expect.stringMatching(/^http:\/\/localhost\/unsubscribe\?token=/)]);
  });

  it('is not there when mails are really sent', async () => {
    expect((await app.request('GET', '/dev/mailbox')).status).toBe(404);
  });
});
