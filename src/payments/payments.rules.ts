import type { DisputeStatus, PaymentStatus, RefundStatus } from '#database';

/** A payment as its provider is asked for it. Our id is the provider's idempotency key: however often it is asked, one charge. */
export interface Charge {
  id: string;
  orderId: string;
  method: string;
  amount: bigint;
  currency: string;
  /** What the provider calls it, once it has said so. */
  providerRef: string | null;
  createdAt: Date;
}

/** How a charge stands, as its provider says. */
export interface ChargeOutcome {
  status: PaymentStatus;
  ref: string | null;
  /** Of what failed: why, in the provider's word. */
  failureCode?: string | null;
  /** Of what requires an action: what the customer's browser needs to do it. */
  clientSecret?: string | null;
}

/** Money back, as its provider is asked for it; again our id is the idempotency key. */
export interface PayBack {
  id: string;
  amount: bigint;
  providerRef: string | null;
  createdAt: Date;
  payment: Charge;
}

export interface RefundOutcome {
  status: RefundStatus;
  ref: string | null;
  failureCode?: string | null;
}

/** A refund as its provider knows it. */
export interface NamedRefund extends RefundOutcome {
  /** Our own id, where it is one of ours; null for one that was made at the provider. */
  refundId: string | null;
  amount: bigint;
  charge: ChargeName;
}

/** What a provider calls something, and our own id of the payment, where it kept that. */
export interface ChargeName {
  ref: string;
  paymentId: string | null;
}

export interface DisputeState {
  ref: string;
  status: DisputeStatus;
  amount: bigint;
  reason: string;
}

/** What an event is about. How that stands is asked of the provider, so events may come in any order. */
export interface EventSubject extends ChargeName {
  about: 'payment' | 'refund' | 'dispute';
}

/** An event whose signature was right. Without a subject it is of no concern. */
export interface ProviderEvent {
  id: string;
  type: string;
  subject: EventSubject | null;
}

/** The headers of a request, by their lower-case names. */
export type HeaderOf = (name: string) => string | undefined;

/** Whoever has the money: one interface for all of them. */
export interface PaymentProvider {
  readonly name: string;
  /** Whether this installation has it. */
  readonly enabled: boolean;
  /** Whether it is the one to ask for this method. */
  takes(method: string): boolean;
  /** Makes the charge, or says how the one stands that was made. @throws payments/provider-unreachable when that is not known */
  charge(charge: Charge): Promise<ChargeOutcome>;
  /** Asks that a charge which is not made yet be not made any more, and says how it stands then. */
  cancel(charge: Charge): Promise<ChargeOutcome>;
  /** Pays back, or says how it stands. */
  refund(refund: PayBack): Promise<RefundOutcome>;
  /** The refund that the provider calls so, and how it stands. */
  refundNamed(ref: string): Promise<NamedRefund>;
  /** How a dispute stands, and which charge it is about. */
  dispute(ref: string): Promise<DisputeState & { charge: ChargeName }>;
  /** The event of a webhook. @throws payments/bad-signature */
  read(body: string, header: HeaderOf): Promise<ProviderEvent>;
}

/** How the simulator plays a method: what its books say, what it answers to the first call, and when which webhooks come. */
export interface Script {
  outcome: 'succeeded' | 'failed' | 'processing';
  /** `lost`: the charge is made, and the answer never arrives. `slow`: it arrives after the webhook. */
  answer: 'outcome' | 'processing' | 'lost' | 'slow';
  webhooks: readonly { type: string; delayed?: boolean; times?: number }[];
  /** The books change later: the charge succeeds, or the bank asks the money back. */
  then?: 'succeeds' | 'is-disputed';
}

/** The simulator's methods. */
export const SANDBOX_METHODS = {
  'sandbox:success': { outcome: 'succeeded', answer: 'outcome', webhooks: [{ type: 'charge.succeeded', delayed: true }] },
  'sandbox:decline': { outcome: 'failed', answer: 'outcome', webhooks: [{ type: 'charge.failed' }] },
  'sandbox:delay': { outcome: 'processing', answer: 'outcome', webhooks: [], then: 'succeeds' },
  'sandbox:duplicate': { outcome: 'succeeded', answer: 'processing', webhooks: [{ type: 'charge.succeeded', times: 2 }] },
  'sandbox:reorder': {
    outcome: 'succeeded',
    answer: 'slow',
    webhooks: [{ type: 'charge.succeeded' }, { type: 'charge.processing', delayed: true }],
  },
  'sandbox:lost': { outcome: 'succeeded', answer: 'processing', webhooks: [] },
  'sandbox:timeout': { outcome: 'succeeded', answer: 'lost', webhooks: [{ type: 'charge.succeeded', delayed: true }] },
  'sandbox:dispute': { outcome: 'succeeded', answer: 'outcome', webhooks: [{ type: 'charge.succeeded' }], then: 'is-disputed' },
} as const satisfies Record<string, Script>;

export type SandboxMethod = keyof typeof SANDBOX_METHODS;

export function isSandboxMethod(method: string): method is SandboxMethod {
  return Object.hasOwn(SANDBOX_METHODS, method);
}

const FIRST_ASK_SECONDS = 10;
const LONGEST_ASK_SECONDS = 3_600;

/** When a provider that did not know yet is asked again: after ten seconds, half a minute, a minute and a half … an hour. */
export function askAgainSeconds(asks: number): number {
  return Math.min(FIRST_ASK_SECONDS * 3 ** Math.min(asks, 10), LONGEST_ASK_SECONDS);
}

/** Payments of an order that take its place: another may be begun only once these have failed. */
export const UNDER_WAY = ['processing', 'requires_action'] as const satisfies readonly PaymentStatus[];
