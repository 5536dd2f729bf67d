import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { contradictions, percentageOf, ppmOf, regionOf } from './settings.rules.js';

describe('a percentage', () => {
  it.each([
    ['0', 0],
    ['19', 190_000],
    ['8.875', 88_750],
    ['5.5', 55_000],
    ['0.0001', 1],
    ['100', 1_000_000],
  ])('%s is kept exactly', (text, ppm) => {
    expect([ppmOf(text), percentageOf(ppm)]).toEqual([ppm, text]);
  });

  it('comes back as it was, whatever it is', () => {
    fc.assert(fc.property(fc.nat(1_000_000), (ppm) => ppmOf(percentageOf(ppm)) === ppm));
  });
});

describe('a region', () => {
  it('is the same in small and capital letters', () => {
    expect(['on', ' ON ', null, undefined].map(regionOf)).toEqual(['ON', 'ON', '', '']);
  });
});

describe('settings', () => {
  const settings = {
    currencies: ['EUR'],
    country: null,
    pricesIncludeTax: true,
    timeZone: 'UTC',
    seller: null,
    taxClasses: ['standard'],
    taxRates: [],
    shippingMethods: [],
  };
  const rate = { country: 'NL', region: '', taxClass: 'standard', name: 'VAT', ppm: 1 };
  const method = { code: 'post', name: 'Post', countries: [], currency: 'EUR', price: 1, freeFrom: null, taxClass: 'standard' };

  it('may be as they are made', () => {
    expect(contradictions({ ...settings, taxRates: [rate, { ...rate, region: 'X' }], shippingMethods: [method] })).toEqual([]);
  });

  it('contradict each other where one names what is not there, or what is there twice', () => {
    const wrong = {
      ...settings,
      taxClasses: ['reduced'],
      taxRates: [rate, rate],
      shippingMethods: [
        { ...method, taxClass: 'reduced', currency: 'USD' },
        { ...method, taxClass: 'reduced', currency: 'USD' },
      ],
    };
    expect(contradictions(wrong).map(({ pointer, code }) => `${pointer} ${code}`)).toEqual([
      '/taxClasses standard',
      '/taxRates/0/taxClass unknown',
      '/taxRates/1/taxClass unknown',
      '/taxRates/1 duplicate',
      '/shippingMethods/1 duplicate',
      '/shippingMethods/0/price/currency unknown',
      '/shippingMethods/1/price/currency unknown',
    ]);
  });
});
