import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { mayBecome, type OrderStatus, TRANSITIONS } from './orders.rules.js';
import { maySend, nextStatus, parcelOf, unsentOf } from './shipments.rules.js';

const line = (position: number, variantId: string, quantity: number, shipped = 0) => ({ position, variantId, quantity, shipped });
const none = new Map<number, number>();

describe('an order', () => {
  it('may be sent once it is paid, until it has come to an end', () => {
    expect((Object.keys(TRANSITIONS) as OrderStatus[]).filter(maySend)).toEqual(['paid', 'shipped']);
  });

  it('is shipped once nothing is left to be sent, and delivered once all of that has arrived', () => {
    expect(nextStatus('paid', { unsent: 1, sent: 1, underWay: 1 })).toBeNull();
    expect(nextStatus('paid', { unsent: 0, sent: 1, underWay: 1 })).toBe('shipped');
    expect(nextStatus('paid', { unsent: 0, sent: 1, underWay: 0 })).toBe('shipped');
    expect(nextStatus('shipped', { unsent: 0, sent: 1, underWay: 1 })).toBeNull();
    expect(nextStatus('shipped', { unsent: 1, sent: 1, underWay: 0 })).toBeNull();
    expect(nextStatus('shipped', { unsent: 0, sent: 1, underWay: 0 })).toBe('delivered');
  });

  it('of which nothing was sent is not shipped because all of it came back', () => {
    expect(nextStatus('paid', { unsent: 0, sent: 0, underWay: 0 })).toBeNull();
  });

  it('never goes where its life does not lead', () => {
    const counts = fc.record({ unsent: fc.nat(2), sent: fc.nat(2), underWay: fc.nat(2) });
    fc.assert(
      fc.property(fc.constantFrom(...(Object.keys(TRANSITIONS) as OrderStatus[])), counts, (status, so) => {
        const next = nextStatus(status, so);
        return next === null || mayBecome(status, next);
      }),
    );
  });
});

describe('what is left to be sent', () => {
  it('is what was bought, less what was sent and what came back', () => {
    const lines = [line(0, 'a', 3, 1), line(1, 'b', 2, 2), line(2, 'c', 1)];
    const returned = new Map([
      [0, 1],
      [1, 1],
    ]);
    expect([...unsentOf(lines, returned)]).toEqual([
      [0, 1],
      [1, 0],
      [2, 1],
    ]);
  });

  it('goes into a parcel whole, where no items are named', () => {
    const lines = [line(0, 'a', 3, 1), line(1, 'b', 2, 2)];
    expect(parcelOf(undefined, lines, unsentOf(lines, none))).toEqual({ lines: [{ position: 0, quantity: 2 }], problems: [] });
  });

  it('is all that can be named', () => {
    const lines = [line(0, 'a', 1), line(1, 'a', 2, 1)];
    const parcel = (variantId: string, quantity: number) => parcelOf([{ variantId, quantity }], lines, unsentOf(lines, none));
    expect(parcel('a', 2).lines).toEqual([
      { position: 0, quantity: 1 },
      { position: 1, quantity: 1 },
    ]);
    expect(parcel('a', 3).problems).toEqual([
      { pointer: '/items/0/quantity', code: 'orders/not-shippable', detail: 'only 2 are left to be sent' },
    ]);
    expect(parcel('b', 1).problems).toMatchObject([{ pointer: '/items/0/variantId', detail: 'is not in the order' }]);
  });

  it('and what was sent are never more than was bought, in whatever steps it goes and comes back', () => {
    const step = fc.record({ send: fc.boolean(), position: fc.nat(3), quantity: fc.integer({ min: 1, max: 4 }) });
    const anOrder = fc.array(fc.integer({ min: 1, max: 6 }), { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(anOrder, fc.array(step, { maxLength: 30 }), (quantities, steps) => {
        const lines = quantities.map((quantity, position) => line(position, String(position), quantity));
        const returned = new Map<number, number>();
        for (const { send, position, quantity } of steps) {
          const own = lines[position % lines.length]!;
          const back = returned.get(own.position) ?? 0;
          if (!send) returned.set(own.position, Math.min(own.quantity, back + quantity));
          else if (parcelOf([{ variantId: own.variantId, quantity }], lines, unsentOf(lines, returned)).problems.length === 0) {
            expect(own.shipped + quantity + back).toBeLessThanOrEqual(own.quantity);
            own.shipped += quantity;
          }
        }
        const unsent = unsentOf(lines, returned);
        for (const { position, quantity, shipped } of lines) expect(unsent.get(position)! + shipped).toBeLessThanOrEqual(quantity);
      }),
    );
  });
});
