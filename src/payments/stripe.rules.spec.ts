import { describe, expect, it } from '@jest/globals';
import { amountFromStripe, disputeStatusOf, paymentStatusOf, refundStatusOf, stripeAmount, subjectOf } from './stripe.rules.js';

describe('an amount at Stripe', () => {
  it.each([
    [1_999n, 'EUR', 1_999],
    [500n, 'JPY', 500],
    [12_340n, 'KWD', 12_340],
    [500n, 'ISK', 50_000],
    [500n, 'UGX', 50_000],
  ])('of %s %s is %s', (amount, currency, counted) => {
    expect(stripeAmount(amount, currency)).toBe(counted);
    expect(amountFromStripe(counted, currency.toLowerCase())).toBe(amount);
  });

  it('is refused where a number would not hold it', () => {
    expect(() => stripeAmount(2n ** 60n, 'EUR')).toThrow(RangeError);
  });
});

describe('what Stripe says', () => {
  it.each([
    ['succeeded', 'succeeded'],
    ['processing', 'processing'],
    ['requires_capture', 'processing'],
    ['requires_confirmation', 'processing'],
    ['requires_action', 'requires_action'],
    ['requires_payment_method', 'failed'],
    ['canceled', 'failed'],
    ['something_new', 'processing'],
  ])('of a payment: %s is %s', (status, ours) => {
    expect(paymentStatusOf(status)).toBe(ours);
  });

  it.each([
    ['succeeded', 'succeeded'],
    ['pending', 'pending'],
    ['requires_action', 'pending'],
    [null, 'pending'],
    ['failed', 'failed'],
    ['canceled', 'failed'],
  ])('of a refund: %s is %s', (status, ours) => {
    expect(refundStatusOf(status)).toBe(ours);
  });

  it.each([
    ['needs_response', 'open'],
    ['under_review', 'open'],
    ['warning_needs_response', 'open'],
    ['warning_closed', 'won'],
    ['won', 'won'],
    ['lost', 'lost'],
  ])('of a dispute: %s is %s', (status, ours) => {
    expect(disputeStatusOf(status)).toBe(ours);
  });
});

describe('an event of Stripe', () => {
  const paymentId = '0199f3a1-7c1e-7b3a-9a4e-0d6f1c2b3a49';

  it('is about a payment, a refund or a dispute', () => {
    expect(subjectOf('payment_intent.succeeded', { id: 'pi_1', metadata: { payment_id: paymentId } })).toEqual({
      about: 'payment',
      ref: 'pi_1',
      paymentId,
    });
    expect(subjectOf('charge.dispute.created', { id: 'dp_1', metadata: {} })).toEqual({ about: 'dispute', ref: 'dp_1', paymentId: null });
    for (const type of ['refund.updated', 'refund.failed', 'charge.refund.updated'])
      expect(subjectOf(type, { id: 're_1' })).toEqual({ about: 'refund', ref: 're_1', paymentId: null });
  });

  it('is of no concern otherwise', () => {
    expect(subjectOf('plan.created', { id: 'price_1' })).toBeNull();
    expect(subjectOf('charge.refunded', { id: 'ch_1' })).toBeNull();
    expect(subjectOf('payment_intent.succeeded', {})).toBeNull();
  });

  it.each(['', 'x', 7, null, `${paymentId}'`])('names no payment of ours by %j', (id) => {
    expect(subjectOf('payment_intent.succeeded', { id: 'pi_1', metadata: { payment_id: id } })?.paymentId).toBeNull();
  });
});
