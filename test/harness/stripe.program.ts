// A server that speaks Stripe's HTTP API as far as payments need it, in a process of its own: `node stripe.program.ts <secret key>`. Its objects have
// the shapes of Stripe's own fixtures. Test payment methods end as Stripe's do. What is not Stripe's lies under `/_/`: for tests, which are the
// customer, the bank, and the weather.
import { createHmac, randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';

type Thing = Record<string, unknown> & { id: string };
type Params = Record<string, unknown>;
interface Answer {
  status: number;
  body: object;
}

const [, , secretKey] = process.argv;
const { resources } = JSON.parse(readFileSync(join(import.meta.dirname, 'stripe-fixtures.json'), 'utf8')) as {
  resources: Record<string, Thing>;
};
const things = { payment_intent: new Map<string, Thing>(), refund: new Map<string, Thing>(), dispute: new Map<string, Thing>() };
const keys = new Map<string, { call: string; answer: Promise<Answer> }>();
const events: Thing[] = [];
const calls: { method: string; path: string; key: string | undefined; replayed: boolean }[] = [];
let hook: { url: string; secret: string; hold: boolean } | undefined;
/** How the next of these POSTs end: `lost` does what is asked and breaks the connection off, `broken` answers 500, `slow` takes its time. */
let weather: { path: string; kind: 'lost' | 'broken' | 'slow'; times: number } | undefined;

const anId = (prefix: string) => `${prefix}_${randomBytes(12).toString('hex')}`;
const now = () => Math.floor(Date.now() / 1_000);

class Refusal extends Error {
  readonly answer: Answer;
  constructor(status: number, type: string, code: string | undefined, message: string, more: object = {}) {
    super(message);
    this.answer = { status, body: { error: { type, ...(code !== undefined && { code }), message, ...more } } };
  }
}

const invalid = (code: string, message: string, param?: string) =>
  new Refusal(400, 'invalid_request_error', code, message, param === undefined ? {} : { param });

function made(kind: keyof typeof things, prefix: string, members: object): Thing {
  const thing = { ...structuredClone(resources[kind]!), ...members, id: anId(prefix), created: now() };
  things[kind].set(thing.id, thing);
  return thing;
}

function found(kind: keyof typeof things, id: string): Thing {
  const thing = things[kind].get(id);
  if (thing === undefined) throw new Refusal(404, 'invalid_request_error', 'resource_missing', `No such ${kind}: '${id}'`, { param: 'id' });
  return thing;
}

function whole(params: Params, name: string): number {
  const number = Number(params[name]);
  if (!Number.isInteger(number) || number < 1) throw invalid('parameter_invalid_integer', `Invalid integer: ${name}`, name);
  return number;
}

/** Something happened: an event with the object as it is now. */
function happened(type: string, object: Thing): void {
  const event = {
    ...structuredClone(resources['event']!),
    id: anId('evt'),
    type,
    created: now(),
    data: { object: structuredClone(object) },
  };
  events.push(event);
  if (hook !== undefined && !hook.hold) void deliver(event).catch(() => undefined); // nobody is there
}

async function deliver(event: object, at = now()): Promise<number> {
  const body = JSON.stringify(event, null, 2);
  const signature = createHmac('sha256', hook!.secret).update(`${at}.${body}`).digest('hex');
  const headers = { 'content-type': 'application/json; charset=utf-8', 'stripe-signature': `t=${at},v1=${signature}` };
  return (await fetch(hook!.url, { method: 'POST', headers, body })).status;
}

/** Stripe's own test methods, and how a charge by them ends. */
function confirm(intent: Thing): void {
  switch (intent.payment_method) {
    case 'pm_card_visa':
    case 'pm_card_refundFail':
    case 'pm_card_pendingRefund':
      return succeed(intent);
    case 'pm_card_createDispute':
      succeed(intent);
      return dispute(intent);
    case 'pm_card_chargeDeclined': {
      const error = { type: 'card_error', code: 'card_declined', decline_code: 'generic_decline', message: 'Your card was declined.' };
      Object.assign(intent, { status: 'requires_payment_method', last_payment_error: error });
      happened('payment_intent.payment_failed', intent);
      throw new Refusal(402, 'card_error', 'card_declined', error.message, { decline_code: 'generic_decline', payment_intent: intent });
    }
    case 'pm_card_threeDSecureRequired': {
      const next_action = { type: 'use_stripe_sdk', use_stripe_sdk: {} };
      Object.assign(intent, { status: 'requires_action', next_action });
      return happened('payment_intent.requires_action', intent);
    }
    case 'pm_usBankAccount_processing':
      intent.status = 'processing';
      return happened('payment_intent.processing', intent);
    default:
      things.payment_intent.delete(intent.id);
      throw invalid('resource_missing', `No such PaymentMethod: '${String(intent.payment_method)}'`, 'payment_method');
  }
}

function succeed(intent: Thing): void {
  const more = {
    status: 'succeeded',
    amount_received: intent.amount,
    latest_charge: anId('ch'),
    last_payment_error: null,
    next_action: null,
  };
  Object.assign(intent, more, { amount_refunded_here: 0, disputed_here: false });
  happened('payment_intent.succeeded', intent);
}

function dispute(intent: Thing): void {
  intent.disputed_here = true;
  const { amount, currency, id, latest_charge: charge } = intent;
  const members = { amount, currency, charge, payment_intent: id, reason: 'fraudulent', status: 'needs_response' };
  happened('charge.dispute.created', made('dispute', 'dp', members));
}

function createIntent(params: Params): Thing {
  const amount = whole(params, 'amount');
  const { currency, payment_method, confirm: confirmed, metadata = {} } = params;
  if (typeof currency !== 'string' || !/^[a-z]{3}$/.test(currency))
    throw invalid('parameter_missing', 'Missing required param: currency.', 'currency');
  const untouched = { canceled_at: null, last_payment_error: null, next_action: null, processing: null };
  const intent = made('payment_intent', 'pi', { amount, currency, payment_method, metadata, ...untouched });
  intent.client_secret = `${intent.id}_secret_${randomBytes(12).toString('hex')}`;
  if (confirmed === 'true') confirm(intent);
  return intent;
}

function cancelIntent(intent: Thing): Thing {
  if (['succeeded', 'processing', 'canceled'].includes(String(intent.status)))
    throw invalid(
      'payment_intent_unexpected_state',
      `You cannot cancel this PaymentIntent because it has a status of ${String(intent.status)}.`,
    );
  Object.assign(intent, { status: 'canceled', canceled_at: now(), cancellation_reason: 'abandoned' });
  happened('payment_intent.canceled', intent);
  return intent;
}

function createRefund(params: Params): Thing {
  const intent = found('payment_intent', String(params.payment_intent));
  const amount = whole(params, 'amount');
  if (intent.status !== 'succeeded')
    throw invalid('payment_intent_unexpected_state', 'This PaymentIntent has no successful charge to refund.');
  if (intent.disputed_here === true) throw invalid('charge_disputed', 'This charge has been charged back.');
  const left = Number(intent.amount) - Number(intent.amount_refunded_here);
  if (left === 0) throw invalid('charge_already_refunded', 'The charge has already been refunded.');
  if (amount > left)
    throw invalid('refund_amount_too_large', 'The refund amount is greater than the unrefunded amount on the charge.', 'amount');
  intent.amount_refunded_here = Number(intent.amount_refunded_here) + amount;
  const status = intent.payment_method === 'pm_card_pendingRefund' ? 'pending' : 'succeeded';
  const { currency, latest_charge: charge } = intent;
  const { metadata = {} } = params;
  const refund = made('refund', 're', { amount, currency, charge, payment_intent: intent.id, status, metadata });
  happened('refund.created', refund);
  if (intent.payment_method === 'pm_card_refundFail') setTimeout(() => failRefund(refund), 200);
  return refund;
}

function failRefund(refund: Thing): void {
  const intent = found('payment_intent', String(refund.payment_intent));
  intent.amount_refunded_here = Number(intent.amount_refunded_here) - Number(refund.amount);
  Object.assign(refund, { status: 'failed', failure_reason: 'expired_or_canceled_card' });
  happened('refund.failed', refund);
}

const listOf = (data: Thing[], url: string) => ({ object: 'list', url, has_more: false, data });

function expanded(one: Thing, { searchParams }: URL): Thing {
  const wished = [...searchParams].some(([name, value]) => /^expand\[\d*\]$/.test(name) && value === 'payment_intent');
  return wished ? { ...one, payment_intent: found('payment_intent', String(one.payment_intent)) } : one;
}

function stripe(method: string, url: URL, params: Params): object {
  const [, , noun, id, verb] = url.pathname.split('/');
  const what = `${method} ${noun}${id === undefined ? '' : ' id'}${verb === undefined ? '' : ` ${verb}`}`;
  if (what === 'POST payment_intents') return createIntent(params);
  if (what === 'GET payment_intents id' && id === 'search') {
    const [, paymentId] = /^metadata\['payment_id'\]:'([0-9a-f-]{36})'$/.exec(url.searchParams.get('query') ?? '') ?? [];
    if (paymentId === undefined) throw invalid('parameter_invalid', 'We were unable to parse your search query.', 'query');
    const data = [...things.payment_intent.values()].filter(({ metadata }) => (metadata as Params).payment_id === paymentId);
    return { ...listOf(data, url.pathname), object: 'search_result' };
  }
  if (what === 'GET payment_intents id') return found('payment_intent', id!);
  if (what === 'POST payment_intents id cancel') return cancelIntent(found('payment_intent', id!));
  if (what === 'POST refunds') return createRefund(params);
  if (what === 'GET refunds id') return expanded(found('refund', id!), url);
  if (what === 'GET refunds') {
    const intent = url.searchParams.get('payment_intent');
    return listOf(
      [...things.refund.values()].filter(({ payment_intent }) => payment_intent === intent),
      url.pathname,
    );
  }
  if (what === 'GET disputes id') return expanded(found('dispute', id!), url);
  throw new Refusal(404, 'invalid_request_error', undefined, `Unrecognized request URL (${method}: ${url.pathname}).`);
}

/** What is not Stripe's. */
async function backstage(path: string, wish: Params): Promise<unknown> {
  const intent = () => found('payment_intent', String(wish.id));
  switch (path) {
    case '/_/hook':
      hook = wish as unknown as typeof hook;
      return {};
    case '/_/weather':
      weather = wish as unknown as typeof weather;
      return {};
    case '/_/books':
      return { intents: [...things.payment_intent.values()], refunds: [...things.refund.values()], events, calls };
    case '/_/deliver':
      return {
        status: await deliver(
          events.find(({ id }) => id === wish.id)!,
          wish.at === undefined ? now() : Number(wish.at),
        ),
      };
    case '/_/succeed': // the customer has confirmed, or the bank has paid; neither can once it is cancelled
      return intent().status === 'canceled' ? {} : succeed(intent());
    case '/_/dispute-ends': {
      const one = [...things.dispute.values()].find(({ payment_intent }) => payment_intent === wish.id)!;
      one.status = wish.status;
      intent().disputed_here = wish.status !== 'won';
      return happened('charge.dispute.closed', one);
    }
    case '/_/happen':
      return happened(String(wish.type), wish.object as Thing);
    case '/_/refund': // somebody in the shop, in the dashboard
      return createRefund({ payment_intent: wish.id, amount: wish.amount });
    case '/_/refund-ends': {
      const one = [...things.refund.values()].find(({ payment_intent }) => payment_intent === wish.id)!;
      one.status = 'succeeded';
      return happened('refund.updated', one);
    }
    case '/_/forget-keys': // a day has passed
      return keys.clear();
    default:
      throw new Error(`nothing is at ${path}`);
  }
}

/** `a[b]=c` as `{ a: { b: 'c' } }`, two levels deep. */
function formOf(body: string): Params {
  const params: Params = {};
  for (const [name, value] of new URLSearchParams(body)) {
    const [, outer, inner] = /^([^[]+)(?:\[([^\]]+)\])?$/.exec(name) ?? [];
    if (inner === undefined) params[outer!] = value;
    else params[outer!] = { ...(params[outer!] as Params | undefined), [inner]: value };
  }
  return params;
}

function attempt(work: () => object): Answer {
  try {
    return { status: 200, body: structuredClone(work()) };
  } catch (error) {
    if (error instanceof Refusal) return structuredClone(error.answer);
    throw error;
  }
}

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const method = request.method!;
  const url = new URL(request.url!, 'http://stripe');
  const body = await text(request);
  const send = ({ status, body: json }: Answer, headers: Record<string, string> = {}) =>
    void response
      .writeHead(status, { 'content-type': 'application/json', 'request-id': anId('req'), ...headers })
      .end(JSON.stringify(json));
  if (url.pathname.startsWith('/_/'))
    return send({ status: 200, body: (await backstage(url.pathname, JSON.parse(body || '{}') as Params)) ?? {} });
  if (request.headers.authorization !== `Bearer ${secretKey}`)
    return send(new Refusal(401, 'invalid_request_error', undefined, 'Invalid API Key provided').answer);
  const key = request.headers['idempotency-key'] as string | undefined;
  const call = `${method} ${url.pathname} ${body}`;
  const earlier = method === 'POST' && key !== undefined ? keys.get(key) : undefined;
  calls.push({ method, path: url.pathname, key, replayed: earlier !== undefined });
  if (earlier !== undefined && earlier.call !== call)
    return send(
      new Refusal(
        400,
        'idempotency_error',
        undefined,
        'Keys for idempotent requests can only be used with the same parameters they were first used with.',
      ).answer,
    );
  const storm = weather !== undefined && weather.times > 0 && method === 'POST' && url.pathname === weather.path ? weather : undefined;
  if (storm !== undefined) storm.times -= 1;
  if (storm?.kind === 'broken') return send(new Refusal(500, 'api_error', undefined, 'Something went wrong on our end.').answer);
  const answered = earlier?.answer ?? Promise.resolve(attempt(() => stripe(method, url, formOf(body))));
  if (method === 'POST' && key !== undefined) keys.set(key, { call, answer: answered });
  const result = await answered;
  if (storm?.kind === 'lost') return void response.destroy();
  if (storm?.kind === 'slow') await sleep(1_000);
  return send(result, earlier === undefined ? {} : { 'idempotent-replayed': 'true' });
}

const server = createServer((request, response) => void answer(request, response).catch(() => response.destroy()));
await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
process.once('disconnect', () => process.exit(1)); // who outlives the test is in the way
process.send?.(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
