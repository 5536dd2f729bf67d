import { afterAll, describe, expect, it } from '@jest/globals';
import { startApp } from '../harness/app.js';
import { query } from '../harness/database.js';
import { eventually } from '../harness/eventually.js';
import { startRawMailServer } from '../harness/mail-server.js';
import { aProduct, aUser, unique } from '../harness/people.js';
import { startProcess, stopProcesses } from '../harness/product.js';
import { aZip, importOver, sendImport } from '../harness/zips.js';

afterAll(stopProcesses);

describe('a process that is killed', () => {
  it('half-way through an import of posts leaves it to another, which goes on without doubles', async () => {
    const files = Object.fromEntries(
      Array.from({ length: 300 }, (_, n) => [`${n}.md`, `---\ntitle: Crash ${n}\nslug: crash-${unique()}\n---\n\nSome *text*.`]),
    );
    const alone = await startApp({ ROLE: 'api' });
    try {
      const bob = await aUser(alone);
      const first = await startProcess({ databaseUrl: alone.databaseUrl });
      const { id } = (await sendImport(first, bob, await aZip(files))).body;
      const done = async () => (await alone.prisma.postImport.findUniqueOrThrow({ where: { id } })).done;
      await eventually(async () => (await done()) > 10, 30_000);
      await first.stop('SIGKILL');
      expect(await done()).toBeLessThan(300);
      await query(alone.databaseUrl, `UPDATE job_workers SET seen_at = now() - interval '1 hour'`);
      const second = await startProcess({ databaseUrl: alone.databaseUrl });
      expect(await importOver(second, bob, id)).toMatchObject({ status: 'done', created: 300, updated: 0, unchanged: 0, failed: 0 });
      expect(await alone.prisma.post.count({ where: { authorId: bob.id } })).toBe(300);
      await second.stop();
    } finally {
      await alone.close();
    }
  }, 120_000);

  it('between a mail server’s taking a mail and its own noticing leaves it to another, which sends it again under the same Message-ID', async () => {
    const received: string[] = [];
    let onTaken: (() => void) | null = null;
    const sockets = new WeakMap<object, { data: boolean }>();
    const post = await startRawMailServer((socket, line) => {
      const state = sockets.get(socket) ?? { data: false };
      sockets.set(socket, state);
      if (line === null) socket.write('220 here\r\n');
      else if (state.data) {
        const [, id] = /^Message-ID: (.*)$/i.exec(line) ?? [];
        if (id) received.push(id);
        if (line !== '.') return;
        state.data = false;
        if (onTaken) onTaken();
        else socket.write('250 taken\r\n');
      } else {
        state.data = line === 'DATA';
        socket.write(state.data ? '354 go\r\n' : '250 ok\r\n');
      }
    });
    const settings = { SMTP_URL: post.url, MAIL_FROM: 'no-reply@example.com', SMTP_TIMEOUT_MS: '60000' };
    const api = await startApp({ ROLE: 'api' });
    try {
      const { variants } = await aProduct(api);
      const customer = await aUser(api);
      const first = await startProcess({ databaseUrl: api.databaseUrl, env: settings });
      const taken = new Promise<void>((resolve) => (onTaken = resolve));
      await api.request('POST', 'orders', {
        token: customer.accessToken,
        headers: { 'idempotency-key': unique() },
        body: { items: [{ variantId: variants[0]!.id, quantity: 1 }] },
      });
      await taken;
      await startProcess({ databaseUrl: api.databaseUrl, env: settings });
      await first.stop('SIGKILL');
      expect(await api.prisma.mail.findFirst()).toMatchObject({ status: 'queued', attempts: 1 });
      onTaken = null;
      const sent = await eventually(async () => (await api.prisma.mail.findFirst({ where: { status: 'sent' } })) ?? undefined, 90_000);
      expect(sent).toMatchObject({ attempts: 2, data: null });
      expect(received).toEqual([sent.messageId, sent.messageId]);
    } finally {
      await api.close();
      await post.close();
    }
  }, 150_000);
});
