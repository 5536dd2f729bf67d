import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

/** What Stripe is called and signs with in tests. */
export const STRIPE = { secretKey: 'sk_test_ashlar0123456789', webhookSecret: 'whsec_ashlar0123456789' };

interface Books {
  intents: {
    id: string;
    status: string;
    amount: number;
    currency: string;
    amount_refunded_here?: number;
    metadata: Record<string, string>;
  }[];
  refunds: { id: string; status: string; amount: number; payment_intent: string }[];
  events: { id: string; type: string; data: { object: { id: string } } }[];
  calls: { method: string; path: string; key?: string; replayed: boolean }[];
}

/** A server that speaks Stripe's API (see stripe.program.ts) in a process of its own. */
export interface StripeServer {
  url: string;
  /** Settings with which an Ashlar asks this one. */
  settings: Record<string, string>;
  /** Where it sends its webhooks; with `hold` only when told to. */
  sendTo(url: string, options?: { hold: boolean }): Promise<void>;
  /** Of the next POSTs to this path so many end like that. */
  weather(path: string, kind: 'lost' | 'broken' | 'slow', times: number): Promise<void>;
  /** What it has written down. */
  books(): Promise<Books>;
  /** Sends an event, signed as of `at` (seconds); the status it was answered with. */
  deliver(eventId: string, at?: number): Promise<number>;
  /** The customer confirms, or the bank pays. */
  succeed(intentId: string): Promise<void>;
  endDispute(intentId: string, status: 'won' | 'lost'): Promise<void>;
  endRefund(intentId: string): Promise<void>;
  /** Somebody refunds in Stripe's dashboard. */
  refund(intentId: string, amount: number): Promise<void>;
  /** Something else happens. */
  happen(type: string, object: object): Promise<void>;
  /** A day passes, after which it knows no idempotency key any more. */
  forgetKeys(): Promise<void>;
  close(): Promise<void>;
}

export async function aStripe(): Promise<StripeServer> {
  const child = fork(join(import.meta.dirname, 'stripe.program.ts'), [STRIPE.secretKey], {
    execArgv: ['--disable-warning=ExperimentalWarning'],
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  const [url] = (await once(child, 'message')) as [string];
  const wish = async <T = void>(path: string, body: object = {}): Promise<T> => {
    const answer = await fetch(`${url}/_/${path}`, { method: 'POST', body: JSON.stringify(body) });
    if (!answer.ok) throw new Error(`the Stripe of the tests does not know ${path}`);
    return (await answer.json()) as T;
  };
  return {
    url,
    settings: { STRIPE_SECRET_KEY: STRIPE.secretKey, STRIPE_WEBHOOK_SECRET: STRIPE.webhookSecret, STRIPE_API_URL: url },
    sendTo: (at, { hold } = { hold: false }) =>
      wish('hook', { url: `${at}/api/v1/payments/webhooks/stripe`, secret: STRIPE.webhookSecret, hold }),
    weather: (path, kind, times) => wish('weather', { path, kind, times }),
    books: () => wish<Books>('books'),
    deliver: async (id, at) => (await wish<{ status: number }>('deliver', { id, ...(at !== undefined && { at }) })).status,
    succeed: (id) => wish('succeed', { id }),
    endDispute: (id, status) => wish('dispute-ends', { id, status }),
    refund: (id, amount) => wish('refund', { id, amount }),
    endRefund: (id) => wish('refund-ends', { id }),
    happen: (type, object) => wish('happen', { type, object }),
    forgetKeys: () => wish('forget-keys'),
    close: async () => {
      child.kill('SIGKILL');
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
    },
  };
}
