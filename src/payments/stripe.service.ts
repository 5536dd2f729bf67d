import { Injectable } from '@nestjs/common';
import { Env } from '#config';
import type { Stripe } from 'stripe';
import { badSignature, providerUnreachable } from './payments.errors.js';
import type {
  Charge,
  ChargeName,
  ChargeOutcome,
  DisputeState,
  HeaderOf,
  NamedRefund,
  PayBack,
  PaymentProvider,
  ProviderEvent,
  RefundOutcome,
} from './payments.rules.js';
import { amountFromStripe, disputeStatusOf, ourId, paymentStatusOf, refundStatusOf, stripeAmount, subjectOf } from './stripe.rules.js';

const METHOD = /^pm_[A-Za-z0-9_]{1,90}$/;
const SIGNATURE_TOLERANCE_SECONDS = 300;
/** Two tries of that fit into the lease of an idempotency key. */
const TIMEOUT_MS = 10_000;
const RETRIES = 1;
/** Stripe forgets idempotency keys after a day; what is older is looked for before it is made again. */
const KEY_LIFE_MS = 23 * 3_600_000;

/** Stripe, by its official library: PaymentIntents, refunds and disputes. The library is loaded with the first call: it is large. */
@Injectable()
export class StripeService implements PaymentProvider {
  readonly name = 'stripe';
  readonly enabled: boolean;
  private loaded: Promise<Stripe> | undefined;

  constructor(private readonly env: Env) {
    this.enabled = env.STRIPE_SECRET_KEY !== undefined;
  }

  takes(method: string): boolean {
    return METHOD.test(method);
  }

  async charge(charge: Charge): Promise<ChargeOutcome> {
    const { id, orderId, method, amount, currency, providerRef, createdAt } = charge;
    const stripe = await this.stripe();
    const known = providerRef ?? (isOld(createdAt) ? await this.search(stripe, id) : null);
    if (known !== null) return outcomeOf(await this.answered(() => stripe.paymentIntents.retrieve(known)), charge);
    try {
      const intent = await this.answered(() =>
        stripe.paymentIntents.create(
          {
            amount: stripeAmount(amount, currency),
            currency: currency.toLowerCase(),
            payment_method: method,
            confirm: true,
            automatic_payment_methods: { enabled: true, allow_redirects: 'never' },
            metadata: { payment_id: id, order_id: orderId },
          },
          { idempotencyKey: `payment-${id}` },
        ),
      );
      // The answer to the first call again, however much has happened since.
      const stale = intent.lastResponse.headers['idempotent-replayed'] === 'true';
      return outcomeOf(stale ? await this.answered(() => stripe.paymentIntents.retrieve(intent.id)) : intent, charge);
    } catch (error) {
      const refusal = refusalOf(error);
      if (refusal === null) throw error;
      return { status: 'failed', ref: refusal.intentId, failureCode: refusal.code };
    }
  }

  async cancel(charge: Charge): Promise<ChargeOutcome> {
    const stripe = await this.stripe();
    const ref = charge.providerRef!;
    try {
      return outcomeOf(await this.answered(() => stripe.paymentIntents.cancel(ref, { cancellation_reason: 'abandoned' })), charge);
    } catch (error) {
      if (refusalOf(error) === null) throw error;
      return outcomeOf(await this.answered(() => stripe.paymentIntents.retrieve(ref)), charge); // it is too late for that
    }
  }

  async refund({ id, amount, providerRef, createdAt, payment }: PayBack): Promise<RefundOutcome> {
    const stripe = await this.stripe();
    const intentId = payment.providerRef!;
    if (providerRef !== null) return refundOutcomeOf(await this.answered(() => stripe.refunds.retrieve(providerRef)));
    if (isOld(createdAt)) {
      const { data } = await this.answered(() => stripe.refunds.list({ payment_intent: intentId, limit: 100 }));
      const made = data.find(({ metadata }) => metadata?.['refund_id'] === id);
      if (made !== undefined) return refundOutcomeOf(made);
    }
    try {
      const params = {
        payment_intent: intentId,
        amount: stripeAmount(amount, payment.currency),
        metadata: { refund_id: id, payment_id: payment.id },
      };
      return refundOutcomeOf(await this.answered(() => stripe.refunds.create(params, { idempotencyKey: `refund-${id}` })));
    } catch (error) {
      const refusal = refusalOf(error);
      if (refusal === null) throw error;
      return { status: 'failed', ref: null, failureCode: refusal.code };
    }
  }

  async refundNamed(ref: string): Promise<NamedRefund> {
    const stripe = await this.stripe();
    const refund = await this.answered(() => stripe.refunds.retrieve(ref, { expand: ['payment_intent'] }));
    const { metadata, amount, currency, payment_intent: intent } = refund;
    const refundId = ourId(metadata, 'refund_id');
    return { ...refundOutcomeOf(refund), refundId, amount: amountFromStripe(amount, currency), charge: nameOf(intent) };
  }

  async dispute(ref: string): Promise<DisputeState & { charge: ChargeName }> {
    const stripe = await this.stripe();
    const dispute = await this.answered(() => stripe.disputes.retrieve(ref, { expand: ['payment_intent'] }));
    const { payment_intent: intent, status, amount, currency, reason } = dispute;
    return { ref, charge: nameOf(intent), status: disputeStatusOf(status), amount: amountFromStripe(amount, currency), reason };
  }

  async read(body: string, header: HeaderOf): Promise<ProviderEvent> {
    const stripe = await this.stripe();
    try {
      const event = await stripe.webhooks.constructEventAsync(
        body,
        header('stripe-signature') ?? '',
        this.env.STRIPE_WEBHOOK_SECRET!,
        SIGNATURE_TOLERANCE_SECONDS,
      );
      return { id: event.id, type: event.type, subject: subjectOf(event.type, event.data.object as { id?: unknown }) };
    } catch (error) {
      if ((error as { type?: unknown }).type !== 'StripeSignatureVerificationError') throw error;
      throw badSignature('The webhook has no signature of Stripe that fits it and is recent.');
    }
  }

  private async search(stripe: Stripe, paymentId: string): Promise<string | null> {
    const { data } = await this.answered(() => stripe.paymentIntents.search({ query: `metadata['payment_id']:'${paymentId}'` }));
    return data[0]?.id ?? null;
  }

  /** @throws payments/provider-unreachable when Stripe has not said what became of it; what Stripe throws when it has refused */
  private async answered<T>(call: () => Promise<T>): Promise<T> {
    try {
      return await call();
    } catch (error) {
      if (refusalOf(error) !== null || !isOfStripe(error) || error.type === 'StripeIdempotencyError') throw error;
      throw providerUnreachable('The payment provider did not answer; send the same call with the same key again.', {
        retryAfterSeconds: 5,
        cause: error,
      });
    }
  }

  private stripe(): Promise<Stripe> {
    return (this.loaded ??= this.load());
  }

  private async load(): Promise<Stripe> {
    const { Stripe } = await import('stripe');
    const { STRIPE_SECRET_KEY: key, STRIPE_API_URL: at } = this.env;
    if (key === undefined) throw new Error('STRIPE_SECRET_KEY is not set, and a payment was made with Stripe: set it again.');
    const { protocol, hostname, port } = new URL(at);
    return new Stripe(key, {
      protocol: protocol === 'http:' ? 'http' : 'https',
      host: hostname,
      port: port || (protocol === 'http:' ? 80 : 443),
      timeout: TIMEOUT_MS,
      maxNetworkRetries: RETRIES,
      telemetry: false,
    });
  }
}

type Intent = Pick<Stripe.PaymentIntent, 'id' | 'status' | 'amount' | 'currency' | 'client_secret' | 'last_payment_error'>;

function outcomeOf(intent: Intent, { id, amount, currency }: Charge): ChargeOutcome {
  if (intent.amount !== stripeAmount(amount, currency) || intent.currency !== currency.toLowerCase())
    throw new Error(`payment ${id} has another amount at Stripe than here`);
  const status = paymentStatusOf(intent.status);
  if (status === 'requires_action') return { status, ref: intent.id, clientSecret: intent.client_secret };
  if (status !== 'failed') return { status, ref: intent.id };
  const { last_payment_error: error } = intent;
  return { status, ref: intent.id, failureCode: error?.decline_code ?? error?.code ?? intent.status };
}

function refundOutcomeOf({ id, status, failure_reason }: Stripe.Refund): RefundOutcome {
  const ours = refundStatusOf(status);
  return { status: ours, ref: id, failureCode: ours === 'failed' ? (failure_reason ?? status) : null };
}

/** What an expanded PaymentIntent is called. */
function nameOf(intent: string | Stripe.PaymentIntent | null): ChargeName {
  const { ref = '', paymentId = null } =
    subjectOf('payment_intent.named', typeof intent === 'object' ? (intent ?? {}) : { id: intent }) ?? {};
  return { ref, paymentId };
}

function isOfStripe(error: unknown): error is Stripe.errors.StripeError {
  return error instanceof Error && String((error as { type?: unknown }).type).startsWith('Stripe');
}

/** Why Stripe has refused for good; null for any other failure. 409 is another call that holds the key, and says nothing of this one. */
function refusalOf(error: unknown): { code: string; intentId: string | null } | null {
  if (!isOfStripe(error) || (error.type !== 'StripeCardError' && error.type !== 'StripeInvalidRequestError')) return null;
  if (error.statusCode === 409 || error.statusCode === 429) return null;
  return { code: error.decline_code ?? error.code ?? 'refused', intentId: error.payment_intent?.id ?? null };
}

function isOld(createdAt: Date): boolean {
  return Date.now() - createdAt.getTime() > KEY_LIFE_MS;
}
