import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { linesOf, paidFor, restOf, returnedSoFar } from './returns.rules.js';

const line = (position: number, variantId: string, quantity: number, unitPrice: bigint, { discount = 0n, tax = 0n } = {}) => ({
  position,
  variantId,
  quantity,
  total: unitPrice * BigInt(quantity),
  discount,
  tax,
});
const lines = [line(0, 'a', 2, 1_000n), line(1, 'b', 3, 333n), line(2, 'a', 1, 1_000n)];
const none = new Map<number, number>();

describe('what has come back', () => {
  it('counts in every refund that has not failed', () => {
    const one = (status: string) => ({ status, lines: [{ position: 1, quantity: 1 }] });
    expect(returnedSoFar([one('succeeded'), one('pending'), one('failed')])).toEqual(new Map([[1, 2]]));
  });

  it('leaves the rest', () => {
    expect(
      restOf(
        lines,
        new Map([
          [0, 2],
          [1, 1],
        ]),
      ),
    ).toEqual([
      { position: 1, quantity: 2 },
      { position: 2, quantity: 1 },
    ]);
  });
});

describe('the lines of what comes back', () => {
  it('are the first that have some of the variant left', () => {
    expect(linesOf([{ variantId: 'a', quantity: 2 }], lines, new Map([[0, 1]])).lines).toEqual([
      { position: 0, quantity: 1 },
      { position: 2, quantity: 1 },
    ]);
  });

  it('are not more than were bought, however the items are split', () => {
    const { problems } = linesOf(
      [
        { variantId: 'a', quantity: 3 },
        { variantId: 'a', quantity: 1 },
        { variantId: 'c', quantity: 1 },
      ],
      lines,
      none,
    );
    expect(problems.map(({ pointer, detail }) => [pointer, detail])).toEqual([
      ['/items/1/quantity', 'only 0 have not been returned'],
      ['/items/2/variantId', 'is not in the order'],
    ]);
  });
});

describe('what was paid for it', () => {
  it('is the price where nothing was discounted', () => {
    const order = { lines, tax: 0n };
    expect(paidFor([{ position: 1, quantity: 1 }], order, none)).toBe(333n);
    expect(paidFor([{ position: 0, quantity: 1 }], order, none)).toBe(1_000n);
  });

  it('is less its discount, and with the tax only where that came on top', () => {
    const bought = [line(0, 'a', 2, 1_000n, { discount: 500n, tax: 300n })];
    expect(paidFor([{ position: 0, quantity: 1 }], { lines: bought, tax: 0n }, none)).toBe(750n);
    expect(paidFor([{ position: 0, quantity: 1 }], { lines: bought, tax: 393n }, none)).toBe(900n);
  });

  it('is nothing of nothing', () => {
    expect(paidFor([{ position: 0, quantity: 1 }], { lines: [line(0, 'a', 1, 0n)], tax: 0n }, none)).toBe(0n);
  });

  it('comes to what all goods cost, to the cent, in whatever steps they come back', () => {
    const anOrder = fc.record({
      lines: fc.array(fc.record({ quantity: fc.integer({ min: 1, max: 9 }), unitPrice: fc.bigInt({ min: 0n, max: 100_000n }) }), {
        minLength: 1,
        maxLength: 6,
      }),
      percent: fc.bigInt({ min: 0n, max: 100n }),
      rate: fc.bigInt({ min: 0n, max: 30n }),
      order: fc.array(fc.nat(), { minLength: 60, maxLength: 60 }),
    });
    fc.assert(
      fc.property(anOrder, ({ lines: drawn, percent, rate, order: dice }) => {
        const bought = drawn.map(({ quantity, unitPrice }, position) => {
          const total = unitPrice * BigInt(quantity);
          const discount = (total * percent) / 100n;
          return line(position, String(position), quantity, unitPrice, { discount, tax: ((total - discount) * rate) / 100n });
        });
        const tax = bought.reduce((so, { tax }) => so + tax, 0n);
        const goods = bought.reduce((so, { total, discount }) => so + total - discount, tax);
        const order = { lines: bought, tax };
        const pieces = bought
          .flatMap(({ position, quantity }) => Array.from({ length: quantity }, () => position))
          .map((position, index) => ({ position, rank: dice[index % dice.length]! }))
          .sort((a, b) => a.rank - b.rank);
        const before = new Map<number, number>();
        let paid = 0n;
        for (const { position } of pieces) {
          const due = paidFor([{ position, quantity: 1 }], order, before);
          expect(due >= 0n).toBe(true);
          paid += due;
          before.set(position, (before.get(position) ?? 0) + 1);
        }
        expect(paid).toBe(goods);
      }),
    );
  });
});
