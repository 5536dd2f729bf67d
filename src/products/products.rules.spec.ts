import { describe, expect, it } from '@jest/globals';
import { madeOf } from './products.rules.js';

const product = (status: 'draft' | 'active' | 'archived', ...ids: string[]) => ({ status, variants: ids.map((id) => ({ id })) });

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

  it.each(['draft', 'archived'] as const)('is for nobody else when one of them is %s', (status) => {
    expect(madeOf([product('active', 'a'), product(status, 'b')], 'products')).toBeNull();
  });
});
