import { describe, expect, it } from '@jest/globals';
import { isSold, mayBecome, type OrderStatus, statusAt, TRANSITIONS } from './orders.rules.js';

const now = new Date('2026-01-01T12:00:00Z');
const before = new Date('2026-01-01T11:59:59.999Z');
const after = new Date('2026-01-01T12:00:00.001Z');

describe('the life of an order', () => {
  it('is pending → paid → shipped → delivered, and ends nowhere else but cancelled, expired or refunded', () => {
    const allowed = Object.entries(TRANSITIONS).flatMap(([from, all]) => all.map((to) => `${from} → ${to}`));
    expect(allowed.sort()).toEqual([
      'delivered → refunded',
      'paid → cancelled',
      'paid → refunded',
      'paid → shipped',
      'pending → cancelled',
      'pending → expired',
      'pending → paid',
      'shipped → delivered',
      'shipped → refunded',
    ]);
  });

  it('leads nowhere from an end', () => {
    for (const end of ['cancelled', 'expired', 'refunded'] as OrderStatus[])
      for (const to of Object.keys(TRANSITIONS) as OrderStatus[]) expect(mayBecome(end, to)).toBe(false);
  });
});

describe('an order', () => {
  it('is sold from its payment on, until it is cancelled; a refund does not undo it', () => {
    expect((Object.keys(TRANSITIONS) as OrderStatus[]).filter(isSold)).toEqual(['paid', 'shipped', 'delivered', 'refunded']);
  });
});

describe('a pending order', () => {
  it('counts as expired from its time on, and not before', () => {
    expect(statusAt({ status: 'pending', expiresAt: after }, now)).toBe('pending');
    expect(statusAt({ status: 'pending', expiresAt: now }, now)).toBe('expired');
    expect(statusAt({ status: 'pending', expiresAt: before }, now)).toBe('expired');
  });

  it('does not expire while a payment is under way', () => {
    expect(statusAt({ status: 'pending', expiresAt: null }, now)).toBe('pending');
  });

  it('stays paid, whatever its time was', () => {
    expect(statusAt({ status: 'paid', expiresAt: before }, now)).toBe('paid');
  });
});
