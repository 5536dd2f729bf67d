import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { creditOf, debitOf, type InvoiceContent, numberOf, sharesOf, sheetOf, yearIn } from './invoices.rules.js';

const content: InvoiceContent = {
  seller: { legalName: 'Hopper B.V.', taxId: 'NL1', line1: '1 Dam', city: 'Amsterdam', postalCode: '1012 JS', country: 'NL' },
  timeZone: 'Europe/Amsterdam',
  orderNumber: 1001,
  corrects: null,
  currency: 'EUR',
  lines: [{ sku: 'MUG', name: 'Mug, Blue', quantity: 2, unitPrice: 1_000, total: 2_000 }],
  subtotal: 2_000,
  discount: 100,
  shipping: 490,
  tax: 0,
  includedTax: 415,
  taxes: [{ name: 'BTW', ppm: 210_000, base: 2_390, amount: 415 }],
  total: 2_390,
};
const buyer = { name: 'Łukasz Ńowak', line1: 'ul. Żółta 1', city: 'Łódź', postalCode: '90-001', country: 'PL' };
const invoice = { kind: 'invoice' as const, year: 2026, number: 7, issuedAt: new Date('2026-12-31T23:30:00Z'), buyer };

describe('the number of an invoice', () => {
  it('begins anew with the year, which is that of the shop', () => {
    expect(numberOf({ year: 2026, number: 1 })).toBe('2026-000001');
    expect(numberOf({ year: 2026, number: 1_234_567 })).toBe('2026-1234567');
    const at = new Date('2026-12-31T23:30:00Z');
    expect([yearIn('UTC', at), yearIn('Europe/Amsterdam', at), yearIn('America/New_York', at)]).toEqual([2026, 2027, 2026]);
  });
});

describe('the sheet of an invoice', () => {
  it('says who sells what to whom, and what of it is tax at which rate', () => {
    expect(sheetOf(invoice, content)).toEqual({
      title: 'Invoice 2026-000007',
      seller: ['Hopper B.V.', '1 Dam', '1012 JS Amsterdam', 'NL', 'Tax ID NL1'],
      buyer: ['Łukasz Ńowak', 'ul. Żółta 1', '90-001 Łódź', 'PL'],
      facts: [
        ['Date', '1 January 2027'],
        ['Order', '1001'],
      ],
      rows: [
        ['Item', 'Quantity', 'Price', 'Amount'],
        ['Mug, Blue (MUG)', '2', 'EUR 10.00', 'EUR 20.00'],
      ],
      sums: [
        ['Subtotal', 'EUR 20.00'],
        ['Discount', '-EUR 1.00'],
        ['Shipping', 'EUR 4.90'],
        ['Including BTW 21% in EUR 23.90', 'EUR 4.15'],
      ],
      total: ['Total, paid', 'EUR 23.90'],
    });
  });

  it('does without a seller and a buyer, and without what was not', () => {
    const plain = { ...content, seller: null, discount: 0, shipping: 0, includedTax: 0, taxes: [] };
    expect(sheetOf({ ...invoice, buyer: null }, plain)).toMatchObject({ seller: [], buyer: [], sums: [['Subtotal', 'EUR 20.00']] });
  });
});

describe('a credit note', () => {
  it('about all of an invoice takes all of its tax back', () => {
    const credit = creditOf(content, '2026-000007', { amount: 2_390, reason: 'never arrived', lines: [{ position: 0, quantity: 2 }] });
    expect(credit).toMatchObject({ includedTax: 415, tax: 0, taxes: content.taxes, total: 2_390, subtotal: 2_390 });
    expect(credit.lines).toEqual([{ sku: '', name: 'never arrived: 2 × Mug, Blue', quantity: 1, unitPrice: 2_390, total: 2_390 }]);
    const sheet = sheetOf({ ...invoice, kind: 'credit_note', number: 8 }, credit);
    expect([sheet.title, sheet.facts[2], sheet.total]).toEqual([
      'Credit note 2026-000008',
      ['Corrects invoice', '2026-000007'],
      ['Paid back', 'EUR 23.90'],
    ]);
  });

  it('adds up, whatever part is paid back', () => {
    const anInvoice = fc.record({
      rates: fc.array(fc.record({ base: fc.nat(1_000_000), ppm: fc.nat(300_000) }), { maxLength: 4 }),
      onTop: fc.boolean(),
      part: fc.double({ min: 0, max: 1, noNaN: true }),
    });
    fc.assert(
      fc.property(anInvoice, ({ rates, onTop, part }) => {
        const taxes = rates.map(({ base, ppm }) => ({ name: 'VAT', ppm, base, amount: Math.floor((base * ppm) / 1_000_000) }));
        const sum = taxes.reduce((all, { amount }) => all + amount, 0);
        const bases = taxes.reduce((all, { base }) => all + base, 0);
        const total = bases + (onTop ? sum : 0);
        const whole = {
          ...content,
          taxes,
          tax: onTop ? sum : 0,
          includedTax: onTop ? 0 : sum,
          discount: 0,
          shipping: 0,
          subtotal: bases,
          total,
        };
        const credit = creditOf(whole, 'x', { amount: Math.floor(total * part), reason: 'x', lines: [] });
        expect(credit.subtotal + credit.tax).toBe(credit.total);
        expect(credit.tax + credit.includedTax).toBe(credit.taxes.reduce((all, { amount }) => all + amount, 0));
        expect(credit.tax + credit.includedTax).toBeLessThanOrEqual(sum);
      }),
    );
  });
});

describe('shares', () => {
  it('come to the part they are of, and are a unit off at most', () => {
    const shares = fc.record({
      amounts: fc.array(fc.nat(10_000), { maxLength: 6 }),
      of: fc.integer({ min: 1, max: 10_000 }),
      share: fc.nat(10_000),
    });
    fc.assert(
      fc.property(shares, ({ amounts, of, share }) => {
        const parts = sharesOf(amounts, share, of);
        const whole = Math.floor((amounts.reduce((sum, amount) => sum + amount, 0) * share) / of);
        expect(parts.reduce((sum, part) => sum + part, 0)).toBe(whole);
        for (const [index, part] of parts.entries()) expect(Math.abs(part - (amounts[index]! * share) / of)).toBeLessThanOrEqual(1);
      }),
    );
  });
});

describe('a debit note', () => {
  it('takes back all that its credit note says, and names it', () => {
    const note = creditOf(content, '2026-000007', { amount: 1_000, reason: 'scratched', lines: [{ position: 0, quantity: 1 }] });
    const debit = debitOf(note, '2026-000008');
    expect(debit).toEqual({ ...note, corrects: { number: '2026-000008', reason: 'the money did not arrive' } });
    expect(sheetOf({ ...invoice, kind: 'debit_note', number: 9 }, debit)).toMatchObject({
      title: 'Debit note 2026-000009',
      facts: expect.arrayContaining([['Takes back credit note', '2026-000008']]),
      total: ['Not paid back', 'EUR 10.00'],
    });
  });
});
