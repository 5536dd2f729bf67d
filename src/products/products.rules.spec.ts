import { describe, expect, it } from '@jest/globals';
import { madeOf, misfit, readOptions } from './products.rules.js';

const product = (status: 'draft' | 'active' | 'archived', ...ids: string[]) => ({
  status,
  images: [] as { fileId: string; url: string }[],
  variants: ids.map((id) => ({ id })),
});

describe('the values of a variant', () => {
  const options = [
    { name: 'Colour', values: ['Blue', 'Red'] },
    { name: 'Size', values: ['S', 'M'] },
  ];

  it('are one of each option, or none', () => {
    expect(misfit(options, { Size: 'M', Colour: 'Blue' })).toBeNull();
    expect(misfit(options, {})).toBeNull();
    expect(misfit([], {})).toBeNull();
    expect(misfit(options, { Colour: 'Blue' })).toBe('has no value of Size');
    expect(misfit(options, { Colour: 'Green', Size: 'M' })).toBe('has a value of Colour that the product does not offer');
    expect(misfit(options, { Colour: 'Blue', Size: 'M', Cut: 'Slim' })).toBe('names Cut, which is no option of the product');
    expect(misfit([], { Colour: 'Blue' })).toContain('no option');
  });

  it('are asked for by option, any of several', () => {
    expect([...readOptions('Colour:Blue,Size:M,Colour:Red')]).toEqual([
      ['Colour', ['Blue', 'Red']],
      ['Size', ['M']],
    ]);
    expect([...readOptions('Scale:1:10')]).toEqual([['Scale', ['1:10']]]);
    expect(readOptions(undefined).size).toBe(0);
  });

  it('are not mistaken for what every object has', () => {
    expect(misfit([{ name: 'toString', values: ['x'] }], { Colour: 'x' })).toContain('no option');
    expect(misfit([...options, { name: 'constructor', values: ['x'] }], { Colour: 'Blue', Size: 'S' })).toBe('has no value of constructor');
  });
});

describe('what an answer about products is made of', () => {
  it('is the catalogue or the product, and every variant that is shown', () => {
    expect(madeOf([product('active', 'a', 'b'), product('active', 'c')], 'products')).toEqual([
      'products',
      'variant:a',
      'variant:b',
      'variant:c',
    ]);
    expect(madeOf([product('active')], 'product:p')).toEqual(['product:p']);
  });

  it('names its pictures, and is for nobody else when the link to one of them ends', () => {
    const pictured = (url: string) => [{ ...product('active', 'a'), images: [{ fileId: 'f', url }] }];
    expect(madeOf(pictured('https://shop.example/files/f/content'), 'products')).toEqual(['products', 'file:f', 'variant:a']);
    expect(madeOf(pictured('https://shop.example/files/f/content?expires=1&signature=x'), 'products')).toBeNull();
  });

  it.each(['draft', 'archived'] as const)('is for nobody else when one of them is %s', (status) => {
    expect(madeOf([product('active', 'a'), product(status, 'b')], 'products')).toBeNull();
  });
});
