// The shop that is put to the proof: two production processes on one durable PostgreSQL. What it says is compared with books that are kept outside
// it: those of a payment provider, of a receiver of webhooks, of a mail server, and of its customers (see ledger.ts, outside.ts and books.ts).
import { setTimeout as sleep } from 'node:timers/promises';
import { hash } from '@node-rs/argon2';
import pg from 'pg';
import { aReceiver, type Receiver } from '../../test/harness/receiver.ts';
import { aStripe, type StripeServer } from '../../test/harness/stripe-server.ts';
import { fill } from '../fill.ts';
import { freePort, logIn, makeEmptyDatabase, PASSWORD, PRODUCT, Program, query, type Server, settingsFor, startServer } from '../world.ts';
import {
  aKey,
  type Answer,
  codeOf,
  count,
  inTurns,
  isBrokenOff,
  nameOf,
  type OrderBody,
  type PaymentBody,
  type Problem,
  type Tally,
} from './answers.ts';
import { UNSETTLED } from './books.ts';
import { type Call, ordering } from './calls.ts';
import { COUPON, CURRENCY, type Customer, Ledger, OTHER_CURRENCY, type Person, type Wanted } from './ledger.ts';
import { aMailServer, aRelay, type Mail } from './outside.ts';

const SETTLES_WITHIN_MS = 600_000;
const RETRIES_WITHIN_MS = 120_000;

export class Shop {
  readonly ledger = new Ledger();
  readonly mails: Mail[] = [];
  readonly databaseUrl: string;
  readonly stripe: StripeServer;
  readonly receiver: Receiver;
  /** What the receiver's signatures are made with. */
  endpointSecret = '';
  /** Orders that were placed before it listened. */
  readonly before = new Set<string>();
  admin!: Person;
  people: Person[] = [];
  readonly programs: Program[] = [];
  /** Answers of 500 and above since it was last asked. */
  private failures: Tally = {};
  private readonly server: Server;
  private settings: Record<string, string>;
  private readonly closing: (() => Promise<unknown>)[] = [];
  private relayed = () => 0;

  private constructor(server: Server, databaseUrl: string, stripe: StripeServer, receiver: Receiver) {
    this.server = server;
    this.databaseUrl = databaseUrl;
    this.stripe = stripe;
    this.receiver = receiver;
    this.settings = {
      ...settingsFor(databaseUrl),
      ...stripe.settings,
      LOG_LEVEL: 'silent',
      PAYMENTS_SANDBOX: 'on',
      PAYMENTS_SANDBOX_DELAY_SECONDS: '1',
      AUTH_LOGIN_FAILURES_PER_WINDOW: '1000000',
      CARTS_PER_HOUR: '1000000000',
      GUEST_ORDERS_PER_HOUR: '1000000000',
      OUTGOING_ALLOWED_HOSTS: '127.0.0.1',
      WEBHOOKS_RETRY_DELAYS_SECONDS: '1,1,2,2,5,5,10,10,20,20',
      WEBHOOKS_CIRCUIT_PAUSE_SECONDS: '1',
      WEBHOOKS_ENDPOINT_CONCURRENCY: '16',
      MAIL_FROM: 'The shop <shop@example.org>',
    };
  }

  /** Opens it, with an administrator and so many people, all logged in. */
  static async open(people: number): Promise<Shop> {
    const server = await startServer();
    const stripe = await aStripe();
    // One of fifty webhooks is refused at first, as receivers do.
    const receiver = await aReceiver((response, _, nth) => void response.writeHead(nth % 50 === 0 ? 503 : 204).end());
    const databaseUrl = await makeEmptyDatabase(server, 'proof');
    const shop = new Shop(server, databaseUrl, stripe, receiver);
    shop.closing.push(
      () => server.stop(),
      () => stripe.close(),
      () => receiver.close(),
    );
    const mailServer = await aMailServer(shop.mails);
    shop.settings.SMTP_URL = mailServer.url;
    const relay = await aRelay((attempt) => shop.at(attempt).url);
    shop.relayed = relay.underWay;
    await stripe.sendTo(relay.url);
    shop.closing.push(mailServer.close, relay.close);
    const client = new pg.Client({ connectionString: databaseUrl });
    await client.connect();
    await fill(client, { users: people + 1, passwordHash: await hash(PASSWORD, { memoryCost: 19_456, timeCost: 2, parallelism: 1 }) });
    await client.query('UPDATE users SET email_verified_at = now()');
    await client.end();
    for (let index = 0; index < 2; index++)
      shop.programs.push(await Program.start(PRODUCT, { ...shop.settings, PORT: String(await freePort()) }));
    const everybody = await inTurns(8, people + 1, async (index): Promise<Person> => {
      const email = `user-${index + 1}@example.org`;
      return { email, token: await logIn(shop.at(index).url, email) };
    });
    [shop.admin, ...shop.people] = everybody as [Person, ...Person[]];
    return shop;
  }

  /** Has the receiver hear of all that happens to orders and money from now on. */
  async subscribe(): Promise<void> {
    const body = { url: this.receiver.url, events: ['order.*', 'payment.*', 'refund.*'] };
    const { secret } = await this.done<{ secret: string }>(0, 'POST', 'webhooks/endpoints', { by: this.admin, body });
    this.endpointSecret = secret;
    for (const id of this.ledger.orders.keys()) this.before.add(id);
  }

  at(index: number): Program {
    return this.programs[index % this.programs.length]!;
  }

  async sql<Row extends object>(statement: string): Promise<Row[]> {
    return query<Row>(this.databaseUrl, statement);
  }

  async request<Body = Problem>(at: number, method: string, path: string, { by, shows, key, body }: Call): Promise<Answer<Body>> {
    const response = await fetch(`${this.at(at).url}/api/v1/${path}`, {
      method,
      headers: {
        ...(by.token !== undefined && { authorization: `Bearer ${by.token}` }),
        ...shows,
        ...(body !== undefined && { 'content-type': 'application/json' }),
        ...(key !== undefined && { 'idempotency-key': key }),
      },
      ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
      signal: AbortSignal.timeout(60_000),
    });
    const said = await response.text();
    const answer = { status: response.status, headers: response.headers, body: JSON.parse(said || 'null') as Body, text: said };
    if (answer.status >= 500) count(this.failures, nameOf(answer));
    return answer;
  }

  /** A request that has to be answered well. */
  async done<Body>(at: number, method: string, path: string, call: Call): Promise<Body> {
    const answer = await this.request<Body>(at, method, path, call);
    if (answer.status >= 300) throw new Error(`${method} ${path} is answered ${answer.status}: ${answer.text}`);
    return answer.body;
  }

  /**
   * Sends a request with its key, or one that may be said twice, to whichever process, again and again until it is answered by something other than a
   * broken connection, a failure or 409 `idempotency/in-progress`, and when it is told to. `retried` is told how often it was sent again.
   */
  async insist<Body = Problem>(
    random: () => number,
    method: string,
    path: string,
    call: Call,
    retried: (times: number) => void,
  ): Promise<Answer<Body>> {
    const until = performance.now() + RETRIES_WITHIN_MS;
    for (let times = 0; ; times++) {
      let wait = 100 + 200 * random();
      try {
        const answer = await this.request<Body>(Math.floor(random() * 2), method, path, call);
        if (answer.status < 500 && codeOf(answer) !== 'idempotency/in-progress') {
          retried(times);
          return answer;
        }
        wait = Math.max(wait, Number(answer.headers.get('retry-after') ?? 0) * 1_000);
      } catch (error) {
        if (!isBrokenOff(error)) throw error;
      }
      if (performance.now() > until)
        throw new Error(`${method} ${path} was not answered within ${RETRIES_WITHIN_MS / 1_000} s of retries.`);
      await sleep(wait);
    }
  }

  /** Products of one variant each, whose price and stock the ledger knows; their ids. */
  async stock(items: { stock: number; price: number }[]): Promise<string[]> {
    return inTurns(4, items.length, async (index) => {
      const { stock, price } = items[index]!;
      const sku = `SKU-${this.ledger.stock.size}-${index}-${Math.random().toString(36).slice(2)}`;
      const variants = [{ sku, name: 'Standard', price: { amount: price, currency: CURRENCY }, stock }];
      const body = { name: `Product ${sku}`, status: 'active', variants };
      const product = await this.done<{ variants: { id: string }[] }>(index, 'POST', 'products', { by: this.admin, body });
      const { id } = product.variants[0]!;
      this.ledger.stock.set(id, { stock, prices: { [CURRENCY]: price } });
      return id;
    });
  }

  /** Sells these in another currency, too, and by a coupon. */
  async offer(variants: string[]): Promise<void> {
    const amountOf = (euros: number) => Math.ceil(euros * 1.17);
    const prices = variants.map((variantId) => {
      const { prices: known } = this.ledger.stock.get(variantId)!;
      return { variantId, amount: (known[OTHER_CURRENCY] = amountOf(known[CURRENCY]!)) };
    });
    const list = { name: 'Abroad', currency: OTHER_CURRENCY };
    const { id } = await this.done<{ id: string }>(0, 'POST', 'shop/price-lists', { by: this.admin, body: list });
    await this.done(0, 'PATCH', `shop/price-lists/${id}/prices`, { by: this.admin, body: { prices } });
    const { items } = await this.done<{ items: object[] }>(0, 'GET', `coupons?code=${COUPON.code}`, { by: this.admin });
    if (items.length === 0) await this.done(0, 'POST', 'coupons', { by: this.admin, body: COUPON });
  }

  /** What its customer calls with about an order. */
  about(orderId: string): Call {
    const { by, token } = this.ledger.orders.get(orderId)!;
    return { by, ...(token !== undefined && { shows: { 'x-order-token': token } }) };
  }

  /** Places an order; where it is placed, the ledger knows it. */
  async place(at: number, by: Customer, wanted: Wanted, key = aKey()): Promise<Answer<OrderBody>> {
    const answer = await this.request<OrderBody>(at, 'POST', 'orders', { ...ordering(by, wanted), key });
    if (answer.status === 201) this.ledger.placed(answer.body, by, wanted);
    return answer;
  }

  async pay(at: number, orderId: string, method: string, key = aKey()): Promise<Answer<PaymentBody>> {
    this.ledger.tries(orderId);
    return this.request<PaymentBody>(at, 'POST', `orders/${orderId}/payments`, { ...this.about(orderId), key, body: { method } });
  }

  async cancel(at: number, orderId: string): Promise<Answer<Problem>> {
    return this.request(at, 'POST', `orders/${orderId}/cancellation`, { ...this.about(orderId), body: {} });
  }

  /** The processes start anew, with other settings. */
  async restart(settings: Record<string, string>): Promise<void> {
    this.settings = { ...this.settings, ...settings };
    await Promise.all(this.programs.map((program) => program.stop()));
    for (const index of this.programs.keys()) await this.start(index);
  }

  /** `kill -9` of a process; milliseconds until it is ready again. */
  async kill(index: number): Promise<number> {
    const began = performance.now();
    await this.programs[index]!.stop('SIGKILL');
    await this.start(index);
    return performance.now() - began;
  }

  /** `kill -9` of PostgreSQL; milliseconds until it and both processes are ready again. */
  async killDatabase(): Promise<number> {
    const before = await this.server.postmaster();
    const began = performance.now();
    process.kill(before, 'SIGKILL');
    const again = async () => (await this.server.postmaster()) !== before && (await this.sql('SELECT 1')).length === 1;
    while (!(await again().catch(() => false))) await sleep(20);
    for (const { url } of this.programs)
      while (
        !(await fetch(`${url}/health/ready`).then(
          ({ ok }) => ok,
          () => false,
        ))
      )
        await sleep(20);
    return performance.now() - began;
  }

  /** Has the sweep of orders run now, as it does every minute. */
  async sweep(): Promise<void> {
    await this.sql(`SELECT graphile_worker.add_job('orders.sweep', queue_name => 'orders.sweep', job_key => 'orders.sweep')`);
  }

  /** Waits until nothing is under way any more; what is after ten minutes. */
  async settle(): Promise<string[]> {
    const until = performance.now() + SETTLES_WITHIN_MS;
    for (;;) {
      await this.sweep();
      await sleep(500);
      const left = (await this.sql<{ what: string; count: number }>(UNSETTLED)).filter((row) => row.count > 0);
      if (this.relayed() > 0) left.push({ what: 'webhooks of the provider', count: this.relayed() });
      if (left.length === 0) return [];
      if (performance.now() > until)
        return left.map((row) => `after ${SETTLES_WITHIN_MS / 1_000} s ${row.count} ${row.what} are still under way`);
    }
  }

  /** Answers of 500 and above since the last call. */
  takeFailures(): Tally {
    const failures = this.failures;
    this.failures = {};
    return failures;
  }

  async close(): Promise<void> {
    await Promise.all(this.programs.map((program) => program.stop()));
    for (const close of this.closing.toReversed()) await close();
  }

  private async start(index: number): Promise<void> {
    const PORT = new URL(this.programs[index]!.url).port;
    this.programs[index] = await Program.start(PRODUCT, { ...this.settings, PORT });
  }
}
