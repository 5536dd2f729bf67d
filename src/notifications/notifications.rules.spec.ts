import { describe, expect, it } from '@jest/globals';
import type { Facts, Kind } from './letters.rules.js';
import { channelsOf, guestLetterOf, isKind, isMandatory, KINDS, letterOf, titleOf } from './notifications.rules.js';

const ID = '0199f3a1-7c1e-7b3a-9a4e-0d6f1c2b3a49';
const total = { amount: 1999, currency: 'EUR' };
const FACTS: { [Of in Kind]: Facts[Of] } = {
  'order.placed': { number: 1001, total, expiresAt: '2030-01-02T08:15:00.000Z' },
  'order.paid': { number: 1001, total, items: [{ name: 'Mug, Blue', quantity: 2, total }], shipping: { amount: 490, currency: 'EUR' } },
  'order.shipped': { number: 1001, carrier: 'DHL', trackingNumber: 'JJD-1', items: [{ name: 'Mug, Blue', quantity: 2 }] },
  'order.cancelled': { number: 1001, refunded: true },
  'order.refunded': { amount: total, number: 1001 },
  'post.published': {},
  'comment.posted': { postId: ID },
  'comment.replied': { postId: ID },
  'comment.mentioned': { postId: ID },
  'comment.approved': { postId: ID },
  'comment.rejected': { postId: ID, status: 'spam' },
  'post.submitted': {},
  'post.approved': {},
  'post.returned': {},
  'password.changed': {},
  'identity.linked': { provider: 'google' },
  'identity.unlinked': { provider: 'google' },
  'session.new-device': { device: 'Firefox on Windows' },
  'factors.changed': { change: 'passkey-added' },
  'api-key.created': {},
  'api-key.rotated': {},
  'webhook.disabled': { reason: 'gone' },
  'release.failed': {},
};

describe('what people are told', () => {
  it.each(KINDS)('has words for %s', (kind) => {
    const { subject, paragraphs, facts = [], reason } = letterOf(kind, FACTS[kind] as never, ID);
    const words = [subject, ...paragraphs, ...facts.flat(), reason];
    expect(words.length).toBeGreaterThan(2);
    for (const text of words) expect(text).toMatch(/^[^\n\u00a0]*\S$/);
    expect(words.join(' ')).not.toMatch(/undefined|null|NaN|\[object|Invalid/);
    expect(titleOf(kind, FACTS[kind], ID)).toBe(subject);
  });

  it('names prices and times as people write them', () => {
    const { paragraphs, facts } = letterOf('order.placed', FACTS['order.placed'], ID);
    expect(paragraphs[0]).toContain('until 2 January 2030, 08:15 UTC');
    expect(facts).toEqual([
      ['Order', '1001'],
      ['Total', 'EUR 19.99'],
    ]);
    const refunded = (amount: number, currency: string) => titleOf('order.refunded', { amount: { amount, currency } }, ID);
    expect(refunded(500, 'JPY')).toBe('JPY 500 is paid back to you');
    expect(refunded(1, 'KWD')).toBe('KWD 0.001 is paid back to you');
    expect(refunded(1_000_000_000_000, 'USD')).toBe('USD 10,000,000,000.00 is paid back to you');
  });

  it('opens the order of a guest, its token behind the #', () => {
    const { subject, action, reason } = guestLetterOf('order.paid', FACTS['order.paid'], { orderId: ID, token: 'abc' });
    expect([subject, reason]).toEqual(['Order 1001 is paid', 'Somebody has ordered with this address.']);
    expect(action).toEqual({ label: 'Look at your order', page: `/order#id=${ID}&token=abc` });
  });

  it('says what was bought, and what is on its way', () => {
    expect(letterOf('order.paid', FACTS['order.paid'], ID).facts).toEqual([
      ['Order', '1001'],
      ['2 × Mug, Blue', 'EUR 19.99'],
      ['Shipping', 'EUR 4.90'],
      ['Total', 'EUR 19.99'],
    ]);
    expect(letterOf('order.paid', { number: 1001, total }, ID).facts).toHaveLength(2);
    expect(letterOf('order.shipped', FACTS['order.shipped'], ID).facts).toEqual([
      ['Order', '1001'],
      ['Carrier', 'DHL'],
      ['Tracking number', 'JJD-1'],
      ['In it', '2 × Mug, Blue'],
    ]);
  });

  it('has a name even when its kind is gone', () => {
    expect(isKind('order.teleported')).toBe(false);
    expect(isKind('toString')).toBe(false);
    expect(titleOf('order.teleported', {}, ID)).toBe('order.teleported');
  });
});

describe('where somebody is told', () => {
  it('is everywhere until they choose', () => {
    expect(channelsOf('order.paid', null)).toEqual({ inApp: true, email: true });
    expect(channelsOf('order.paid', { inApp: false, email: true })).toEqual({ inApp: false, email: true });
  });

  it('is always everywhere for what concerns the security of the account', () => {
    expect(KINDS.filter(isMandatory)).toEqual([
      'password.changed',
      'identity.linked',
      'identity.unlinked',
      'session.new-device',
      'factors.changed',
      'api-key.created',
      'api-key.rotated',
    ]);
    expect(channelsOf('password.changed', { inApp: false, email: false })).toEqual({ inApp: true, email: true });
  });
});
