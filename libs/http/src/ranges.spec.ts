import { describe, expect, it } from '@jest/globals';
import { stretchOf } from './ranges.js';

const of = { size: 1_000, etag: '"abc"', modifiedAt: new Date('2030-01-01T08:00:00Z') };

describe('a range', () => {
  it.each([
    ['bytes=0-0', { first: 0, last: 0 }],
    ['bytes=0-499', { first: 0, last: 499 }],
    ['bytes=500-', { first: 500, last: 999 }],
    ['bytes=-200', { first: 800, last: 999 }],
    ['bytes=-5000', { first: 0, last: 999 }],
    ['bytes=900-5000', { first: 900, last: 999 }],
    ['BYTES=1-2', { first: 1, last: 2 }],
  ])('%s is a stretch of what is there', (range, stretch) => {
    expect(stretchOf({ range }, of)).toEqual(stretch);
  });

  it.each(['bytes=1000-', 'bytes=1000-2000', 'bytes=-0'])('%s lies outside', (range) => {
    expect(stretchOf({ range }, of)).toBe('unsatisfiable');
  });

  it.each(['', 'bytes', 'bytes=', 'bytes=-', 'bytes=a-b', 'bytes=5-4', 'bytes=0-1,5-6', 'lines=0-1', 'bytes=1.5-2', 'bytes=--1'])(
    '%j asks for everything',
    (range) => {
      expect(stretchOf({ range }, of)).toBeNull();
    },
  );

  it('of nothing is never satisfiable', () => {
    expect(stretchOf({ range: 'bytes=0-' }, { ...of, size: 0 })).toBe('unsatisfiable');
    expect(stretchOf({ range: 'bytes=-1' }, { ...of, size: 0 })).toBe('unsatisfiable');
  });

  it.each([
    ['"abc"', true],
    ['Tue, 01 Jan 2030 08:00:00 GMT', true],
    ['W/"abc"', false],
    ['"abd"', false],
    ['Tue, 01 Jan 2030 08:00:01 GMT', false],
    ['yesterday', false],
  ])('holds with If-Range: %s only for the very same: %s', (ifRange, holds) => {
    expect(stretchOf({ range: 'bytes=0-0', ifRange }, of) !== null).toBe(holds);
  });
});
