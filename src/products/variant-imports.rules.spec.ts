import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { changesOf, columnOf, COLUMNS, headerFault, lineOf, readCell, said, withValues, writeCell } from './variant-imports.rules.js';

const text = fc.stringMatching(/^['=+\-@\t\ra-z ,"]{0,8}$/);

describe('a cell', () => {
  it('is never a formula, and is read as what was written', () => {
    fc.assert(
      fc.property(text, (value) => {
        expect(/^[=+\-@\t\r]/.test(writeCell(value))).toBe(false);
        expect(readCell(writeCell(value))).toBe(value);
      }),
    );
    expect(writeCell('=SUM(A1)')).toBe("'=SUM(A1)");
    expect(writeCell("'=x")).toBe("''=x");
    expect(writeCell("'x")).toBe("'x");
  });
});

describe('the first line', () => {
  it('names columns that there are, each once, the SKU among them', () => {
    expect(headerFault([...COLUMNS])).toBeNull();
    expect(headerFault(['price_amount', 'sku'])).toBeNull();
    expect(headerFault(['sku', 'SKU'])).toContain('"SKU" is no column');
    expect(headerFault(['sku', 'sku'])).toContain('two columns');
    expect(headerFault(['stock'])).toContain('no column "sku"');
    expect(headerFault(['sku', 'option2_value'])).toContain('go together');
  });
});

describe('what a line says', () => {
  const line = (cells: object) => ({ line: 7, cells: { sku: 'A', ...cells } });

  it('is nothing where there is no column, and none where a cell is empty that may be', () => {
    expect(said(line({}), null)).toEqual({ product: {}, variant: { sku: 'A' } });
    expect(
      said(line({ product_category: '', product_name: '', product_description: '', compare_at_amount: '', external_id: '' }), null),
    ).toEqual({
      product: { category: null, description: '' },
      variant: { sku: 'A', compareAtPrice: null, externalId: null },
    });
  });

  it('is a price in the currency that the variant has, unless it says another', () => {
    const known = { priceAmount: 5, currency: 'EUR' };
    expect(said(line({ price_amount: ' 7 ' }), known)).toMatchObject({ variant: { price: { amount: 7, currency: 'EUR' } } });
    expect(said(line({ currency: 'JPY' }), known)).toMatchObject({ variant: { price: { amount: 5, currency: 'JPY' } } });
    expect(said(line({ price_amount: '7' }), null)).toMatchObject({ problems: [{ line: 7, column: 'currency' }] });
    for (const amount of ['1.5', '-1', '1e3', '0x1', '1,5', 'x', '9999999999999999'])
      expect(said(line({ price_amount: amount }), known)).toMatchObject({ problems: [{ line: 7, column: 'price_amount' }] });
  });

  it('is stock of new variants alone', () => {
    expect(said(line({ stock: '3' }), null)).toMatchObject({ variant: { stock: 3 } });
    expect(said(line({ stock: '3' }), { priceAmount: 5, currency: 'EUR' })).not.toMatchObject({ variant: { stock: 3 } });
  });

  it('is a value of each option that is named', () => {
    const options = { option1_name: 'Colour', option1_value: 'Blue', option2_name: 'Size', option2_value: '' };
    expect(said(line(options), null)).toMatchObject({ variant: { optionValues: { Colour: 'Blue' } } });
    const twice = { ...options, option2_name: 'Colour', option2_value: 'Red' };
    expect(said(line(twice), null)).toMatchObject({ problems: [{ column: 'option2_name' }] });
    expect(said(line({ option1_name: '', option1_value: 'Blue' }), null)).toMatchObject({ problems: [{ column: 'option1_name' }] });
  });

  it('is what was exported', () => {
    fc.assert(
      fc.property(text, fc.nat(1_000), fc.option(fc.nat(1_000)), (name, amount, more) => {
        const compareAt = more === null ? null : amount + more + 1;
        const exported = lineOf({
          id: 'i',
          productId: 'p',
          slug: 's',
          productName: name,
          description: name,
          status: 'active',
          category: null,
          taxClass: 'standard',
          productExternalId: null,
          options: [{ name: 'Size' }],
          sku: 'A',
          name,
          priceAmount: BigInt(amount),
          compareAt: compareAt === null ? null : BigInt(compareAt),
          currency: 'EUR',
          stock: 4,
          externalId: null,
          optionValues: { Size: 'M' },
        });
        const cells = Object.fromEntries(COLUMNS.map((column, index) => [column, exported[index]!]));
        expect(said({ line: 2, cells }, null)).toEqual({
          product: {
            slug: 's',
            ...(name && { name }),
            description: name,
            status: 'active',
            category: null,
            taxClass: 'standard',
            externalId: null,
          },
          variant: {
            sku: 'A',
            ...(name && { name }),
            price: { amount, currency: 'EUR' },
            compareAtPrice: compareAt === null ? null : { amount: compareAt, currency: 'EUR' },
            stock: 4,
            externalId: null,
            optionValues: { Size: 'M' },
          },
        });
      }),
    );
  });
});

describe('what is otherwise', () => {
  it('is told by what members hold, in whatever order', () => {
    expect(changesOf({ a: { x: 1, y: 2 }, b: [1], c: null, d: 'x' }, { a: { y: 2, x: 1 }, b: [2], c: null, d: 'y' })).toEqual({
      b: [1],
      d: 'x',
    });
    expect(changesOf({ a: null }, {})).toEqual({ a: null });
  });

  it('are options with values that are new, behind the others', () => {
    const options = [{ name: 'Colour', values: ['Blue'] }];
    expect(withValues(options, { Colour: 'Red', Size: 'M' })).toEqual([
      { name: 'Colour', values: ['Blue', 'Red'] },
      { name: 'Size', values: ['M'] },
    ]);
    expect(withValues(options, { Colour: 'Blue' })).toEqual(options);
    expect(options[0]!.values).toEqual(['Blue']);
  });

  it('stands in a column', () => {
    expect([columnOf('product', 'slug'), columnOf('variant', 'price'), columnOf('variant', 'name'), columnOf('product', 'images')]).toEqual(
      ['product_slug', 'price_amount', 'variant_name', null],
    );
  });
});
