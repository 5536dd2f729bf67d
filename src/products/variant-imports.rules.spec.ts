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

  it('is how it can be had when there is none, if that is said; an empty time is none', () => {
    const cells = { backorder: ' preorder ', available_from: ' 2030-01-01T08:00:00Z ' };
    expect(said(line(cells), null)).toMatchObject({ variant: { backorder: 'preorder', availableFrom: '2030-01-01T08:00:00Z' } });
    expect(said(line({ backorder: '', available_from: '' }), null)).toEqual({ product: {}, variant: { sku: 'A', availableFrom: null } });
  });

  it('is metadata, an object of texts in JSON, and none where the cell is empty', () => {
    const both = (cell: string) => said(line({ product_metadata: cell, variant_metadata: cell }), null);
    expect(both(' {"a":"1", "b":"ü\\n"} ')).toEqual({
      product: { metadata: { a: '1', b: 'ü\n' } },
      variant: { sku: 'A', metadata: { a: '1', b: 'ü\n' } },
    });
    expect(both('')).toEqual({ product: { metadata: {} }, variant: { sku: 'A', metadata: {} } });
    for (const cell of [
      'x',
      ' ',
      '{',
      '1',
      'null',
      '[]',
      '["a"]',
      '{"a":1}',
      '{"a":null}',
      '{"a":{"b":"c"}}',
      "{'a':'b'}",
      '['.repeat(50_000),
    ])
      expect(both(cell)).toMatchObject({
        problems: [{ column: 'product_metadata' }, { line: 7, column: 'variant_metadata', code: 'invalid' }],
      });
  });

  it('are images by their files, in order, and none where the cell is empty', () => {
    expect(said(line({ product_images: ' b  a\n' }), null)).toMatchObject({ product: { images: [{ fileId: 'b' }, { fileId: 'a' }] } });
    for (const product_images of ['', ' ']) expect(said(line({ product_images }), null)).toMatchObject({ product: { images: [] } });
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
      fc.property(text, fc.nat(1_000), fc.option(fc.nat(1_000)), fc.dictionary(text, fc.string()), (name, amount, more, texts) => {
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
          productMetadata: texts,
          images: more === null ? [] : ['f1', 'f2'],
          options: [{ name: 'Size' }],
          sku: 'A',
          name,
          priceAmount: BigInt(amount),
          compareAt: compareAt === null ? null : BigInt(compareAt),
          currency: 'EUR',
          stock: 4,
          backorder: more === null ? 'none' : 'preorder',
          availableFrom: more === null ? null : '2030-01-01T08:00:00.000Z',
          externalId: null,
          metadata: texts,
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
            metadata: texts,
            images: more === null ? [] : [{ fileId: 'f1' }, { fileId: 'f2' }],
          },
          variant: {
            sku: 'A',
            ...(name && { name }),
            price: { amount, currency: 'EUR' },
            compareAtPrice: compareAt === null ? null : { amount: compareAt, currency: 'EUR' },
            stock: 4,
            backorder: more === null ? 'none' : 'preorder',
            availableFrom: more === null ? null : '2030-01-01T08:00:00.000Z',
            externalId: null,
            metadata: texts,
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
    const members = {
      product: ['slug', 'images', 'metadata', 'version'],
      variant: ['price', 'name', 'metadata', 'availableFrom', 'images'],
    };
    expect(members.product.map((member) => columnOf('product', member))).toEqual([
      'product_slug',
      'product_images',
      'product_metadata',
      null,
    ]);
    expect(members.variant.map((member) => columnOf('variant', member))).toEqual([
      'price_amount',
      'variant_name',
      'variant_metadata',
      'available_from',
      null,
    ]);
  });
});
