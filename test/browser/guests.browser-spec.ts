import { randomUUID } from 'node:crypto';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type Browser, launch, type Page } from 'puppeteer-core';
import type { PlacedOrderResponse } from '../../src/orders/orders.dto.js';
import { startApp, type TestApp } from '../harness/app.js';
import { CHROMIUM } from '../harness/chromium.js';
import { eventually } from '../harness/eventually.js';
import { anAdmin, aProduct, type Person, unique } from '../harness/people.js';
import type { Wire } from '../harness/wire.js';

let app: TestApp;
let browser: Browser;
let admin: Person;
let variantId: string;

beforeAll(async () => {
  app = await startApp();
  browser = await launch(CHROMIUM);
  const name = `Mug <b>${unique()}</b>`;
  admin = await anAdmin(app);
  variantId = (await aProduct(app, { name, stock: 100, price: 1_999, by: admin })).variants[0]!.id;
}, 120_000);

afterAll(async () => {
  await browser?.close();
  await app?.close();
});

async function anOrder(): Promise<Wire<PlacedOrderResponse>> {
  const body = { email: `g-${unique()}@example.org`, items: [{ variantId, quantity: 2 }] };
  const placed = await app.request<Wire<PlacedOrderResponse>>('POST', 'orders', { body, headers: { 'idempotency-key': randomUUID() } });
  expect(placed.status).toBe(201);
  return placed.body;
}

/** The page that the link of a mail about the order opens. */
async function open({ id, token }: { id: string; token?: string }): Promise<Page> {
  const page = await (await browser.createBrowserContext()).newPage();
  await page.goto(`${app.url}/auth/order#id=${id}&token=${token}`);
  return page;
}
const shows = (page: Page, text: string) =>
  eventually(async () => String(await page.evaluate('document.body.innerText')).includes(text) || undefined);
const press = (page: Page, label: string) => page.locator(`::-p-text(${label})`).click();

describe('the page behind the link in a guest’s mail', () => {
  it('shows the order, and cancels it when it is told to', async () => {
    const order = await anOrder();
    const page = await open(order);
    page.on('dialog', (dialog) => void dialog.accept());
    await shows(page, `Order ${order.number}`);
    await shows(page, 'waits for your payment');
    await shows(page, `2 × ${order.items[0]!.name}`);
    await shows(page, '€39.98');
    await press(page, 'Cancel the order');
    await shows(page, 'It is cancelled.');
    const headers = { 'x-order-token': order.token! };
    expect((await app.request<{ status: string }>('GET', `orders/${order.id}`, { headers })).body.status).toBe('cancelled');
  });

  it('has the invoice of one that is paid, and the notes that are shared', async () => {
    const order = await anOrder();
    for (const [text, shared] of [
      ['It leaves <b>today</b>', true],
      ['For staff only', false],
    ] as const)
      await app.request('POST', `orders/${order.id}/notes`, { token: admin.accessToken, body: { text, shared } });
    const headers = { 'x-order-token': order.token!, 'idempotency-key': randomUUID() };
    const paid = await app.request<{ status: string }>('POST', `orders/${order.id}/payments`, {
      body: { method: 'sandbox:success' },
      headers,
    });
    expect(paid.body.status).toBe('succeeded');
    const page = await open(order);
    const folder = await mkdtemp(join(tmpdir(), 'ashlar-downloads-'));
    const devtools = await browser.target().createCDPSession();
    await devtools.send('Browser.setDownloadBehavior', {
      behavior: 'allow',
      browserContextId: page.browserContext().id!,
      downloadPath: folder,
    });
    await shows(page, 'It is paid for.');
    await shows(page, 'It leaves <b>today</b>');
    expect(await page.evaluate('document.body.innerText')).not.toContain('For staff only');
    await press(page, 'Invoice ');
    await eventually(async () => (await readdir(folder)).some((name) => /^invoice-\d{4}-\d+\.pdf$/.test(name)) || undefined);
    await rm(folder, { recursive: true });
  });

  it('says what is wrong with the link', async () => {
    const { id } = await anOrder();
    for (const link of [
      { id, token: 'another' },
      { id: 'x', token: 'y' },
    ]) {
      const page = await open(link);
      const said = await eventually(
        async () => String(await page.evaluate(`document.querySelector('[role=status]').textContent`)) || undefined,
      );
      expect([link, said]).toEqual([link, expect.stringMatching(/no order with this id|must be|is not an id|not a/)]);
      expect(await page.evaluate(`document.querySelector('main').textContent`)).toBe('');
    }
  });
});
