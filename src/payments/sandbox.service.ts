import { randomUUIDv7 } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { Injectable } from '@nestjs/common';
import { deriveKeys, Env } from '#config';
import { type DisputeStatus, execute, Prisma, PrismaService, transaction, type Tx } from '#database';
import { enqueue, Handles } from '#jobs';
import { Webhook, WebhookVerificationError } from 'standardwebhooks';
import { badSignature, providerUnreachable } from './payments.errors.js';
import {
  type Charge,
  type ChargeName,
  type ChargeOutcome,
  type DisputeState,
  type EventSubject,
  type HeaderOf,
  isSandboxMethod,
  type NamedRefund,
  type PayBack,
  type PaymentProvider,
  type ProviderEvent,
  type RefundOutcome,
  SANDBOX_METHODS,
  type Script,
} from './payments.rules.js';
import { deliverSandboxEvent, turnSandboxCharge, type TurnPayload } from './sandbox.jobs.js';

/** How long the simulator takes over an answer that is to come after its webhook. */
const SLOW_MS = 700;

interface SandboxEvent {
  id: string;
  type: string;
  createdAt: string;
  data: EventSubject;
}

/**
 * The simulator: a provider that keeps its own books, in transactions of its own, as one elsewhere would: one charge a payment and one
 * repayment a refund, however often it is asked. Its webhooks are signed (Standard Webhooks 1.0) and leave by jobs.
 */
@Injectable()
export class SandboxService implements PaymentProvider {
  readonly name = 'sandbox';
  readonly enabled: boolean;

  constructor(
    private readonly prisma: PrismaService,
    private readonly env: Env,
  ) {
    this.enabled = !env.isProduction || env.PAYMENTS_SANDBOX === 'on';
  }

  takes(method: string): boolean {
    return isSandboxMethod(method);
  }

  async charge(charge: Charge): Promise<ChargeOutcome> {
    const { id, method, amount } = charge;
    if (!isSandboxMethod(method)) throw new Error(`payment ${id} has a method that the simulator does not know`);
    const script: Script = SANDBOX_METHODS[method];
    const made = await transaction(this.prisma, async (db) => {
      // Asked again, the first charge stands.
      const data = [{ paymentId: id, method, outcome: script.outcome, amount }];
      if ((await db.sandboxCharge.createMany({ data, skipDuplicates: true })).count === 0) return false;
      for (const { type, delayed, times = 1 } of script.webhooks) {
        const event = this.event(type, { about: 'payment', ref: refOf(id), paymentId: id });
        for (let time = 0; time < times; time++) await this.send(event, db, delayed ? this.later() : undefined);
      }
      if (script.then) await enqueue(db, turnSandboxCharge, { paymentId: id, turn: script.then }, { runAt: this.later() });
      return true;
    });
    if (!made) return this.look(id);
    if (script.answer === 'lost')
      throw providerUnreachable('The payment provider did not answer; send the same call with the same key again.', {
        retryAfterSeconds: 1,
      });
    if (script.answer === 'slow') await sleep(SLOW_MS);
    return script.answer === 'outcome' ? this.look(id) : { status: 'processing', ref: refOf(id) };
  }

  /** What is on its way cannot be called back, as with a bank transfer. */
  async cancel({ id }: Charge): Promise<ChargeOutcome> {
    return this.look(id);
  }

  async refund({ id, amount, payment }: PayBack): Promise<RefundOutcome> {
    return transaction(this.prisma, async (db) => {
      const ref = refOf(id);
      const done = await db.sandboxRefund.createMany({ data: [{ refundId: id, paymentId: payment.id, amount }], skipDuplicates: true });
      if (done.count === 0) return { status: 'succeeded', ref };
      const paid = await execute(
        db,
        Prisma.sql`UPDATE sandbox_charges SET refunded = refunded + ${amount}
          WHERE payment_id = ${payment.id}::uuid AND outcome = 'succeeded' AND coalesce(dispute, 'won') = 'won' AND refunded + ${amount} <= amount`,
      );
      if (paid > 0) return { status: 'succeeded', ref };
      await db.sandboxRefund.delete({ where: { refundId: id } });
      const { dispute } = await db.sandboxCharge.findUniqueOrThrow({ where: { paymentId: payment.id } });
      return { status: 'failed', ref: null, failureCode: dispute === null || dispute === 'won' ? 'amount_too_large' : 'charge_disputed' };
    });
  }

  async refundNamed(ref: string): Promise<NamedRefund> {
    const refundId = idOf(ref);
    const { amount, paymentId } = await this.prisma.sandboxRefund.findUniqueOrThrow({ where: { refundId } });
    return { status: 'succeeded', ref, refundId, amount, charge: { ref: refOf(paymentId), paymentId } };
  }

  async dispute(ref: string): Promise<DisputeState & { charge: ChargeName }> {
    const id = idOf(ref);
    const { amount, dispute } = await this.prisma.sandboxCharge.findUniqueOrThrow({ where: { paymentId: id } });
    return { ref, charge: { ref: refOf(id), paymentId: id }, status: dispute as DisputeStatus, amount, reason: 'fraudulent' };
  }

  async read(body: string, header: HeaderOf): Promise<ProviderEvent> {
    const names = ['webhook-id', 'webhook-timestamp', 'webhook-signature'];
    const headers = Object.fromEntries(names.map((name) => [name, header(name) ?? '']));
    for (const webhook of this.webhooks) {
      try {
        const { id, type, data } = webhook.verify(body, headers) as SandboxEvent;
        return { id, type, subject: data };
      } catch (error) {
        if (!(error instanceof WebhookVerificationError)) throw error;
      }
    }
    throw badSignature('The webhook has no signature of the simulator that fits it and is recent.');
  }

  /** The headers that a webhook of this body is sent with. */
  sign(body: string, at: Date): Record<string, string> {
    const { id } = JSON.parse(body) as SandboxEvent;
    return {
      'webhook-id': id,
      'webhook-timestamp': String(Math.floor(at.getTime() / 1_000)),
      'webhook-signature': this.webhooks[0]!.sign(id, at, body),
    };
  }

  @Handles(turnSandboxCharge)
  async turn({ paymentId, turn }: TurnPayload): Promise<void> {
    await transaction(this.prisma, async (db) => {
      if (turn === 'succeeds') {
        const where = { paymentId, outcome: 'processing' };
        if ((await db.sandboxCharge.updateMany({ where, data: { outcome: 'succeeded' } })).count === 0) return;
        await this.send(this.event('charge.succeeded', { about: 'payment', ref: refOf(paymentId), paymentId }), db);
      } else {
        if ((await db.sandboxCharge.updateMany({ where: { paymentId, dispute: null }, data: { dispute: 'open' } })).count === 0) return;
        await this.send(this.event('dispute.created', { about: 'dispute', ref: refOf(paymentId), paymentId }), db);
      }
    });
  }

  private get webhooks(): Webhook[] {
    return deriveKeys(this.env, 'sandbox-webhooks').map((key) => new Webhook(key.toString('base64')));
  }

  private async look(paymentId: string): Promise<ChargeOutcome> {
    const { outcome } = await this.prisma.sandboxCharge.findUniqueOrThrow({ where: { paymentId } });
    const ref = refOf(paymentId);
    if (outcome === 'failed') return { status: 'failed', ref, failureCode: 'card_declined' };
    return { status: outcome as Exclude<Script['outcome'], 'failed'>, ref };
  }

  private event(type: string, data: EventSubject): SandboxEvent {
    return { id: `evt_${randomUUIDv7()}`, type, createdAt: new Date().toISOString(), data };
  }

  private async send(event: SandboxEvent, db: Tx, runAt?: Date): Promise<void> {
    await enqueue(db, deliverSandboxEvent, { body: JSON.stringify(event) }, runAt ? { runAt } : {});
  }

  private later(): Date {
    return new Date(Date.now() + this.env.PAYMENTS_SANDBOX_DELAY_SECONDS * 1_000);
  }
}

function refOf(id: string): string {
  return `sandbox_${id}`;
}

function idOf(ref: string): string {
  return ref.slice('sandbox_'.length);
}
