import { describe, expect, it } from '@jest/globals';
import { slugFrom } from './slug.js';

describe('a slug', () => {
  it.each([
    ['Über uns & mehr', 'uber-uns-mehr'],
    ['  What’s new in Node 26?  ', 'whats-new-in-node-26'],
    ["It's here", 'its-here'],
    ['ﬁne №1', 'fine-no1'],
    ['---a---b---', 'a-b'],
    ['Grüße, Ærø', 'grusse-aero'],
    ['U\u0308ber', 'uber'],
    ['Привет, мир', 'privet-mir'],
    ['漢字', 'hanzi'],
  ])('of %j is %s', (title, slug) => {
    expect(slugFrom(title, 'post')).toBe(slug);
  });

  it.each(['', '---', '\u0301', '!?'])('of %j, which has nothing for it, is the noun', (title) => {
    expect(slugFrom(title, 'post')).toBe('post');
  });

  it('has 100 characters at most, and ends in none that joins', () => {
    expect(slugFrom('a'.repeat(101), 'post')).toBe('a'.repeat(100));
    expect(slugFrom(`${'a'.repeat(99)} b`, 'post')).toBe('a'.repeat(99));
    expect(slugFrom(`${'-'.repeat(5)}${'a'.repeat(100)}`, 'post')).toBe('a'.repeat(99));
  });

  it('never looks like an id', () => {
    expect(slugFrom('0199F3A1 7c1e 7b3a', 'post')).toBe('post-0199f3a1-7c1e-7b3a');
    for (const title of ['0199f3a1-7c1', 'x0199f3a1-7c1e-7', '0199f3a1-7c1e', '0199f3a1-7c1g-7b3a'])
      expect(slugFrom(title, 'post')).toBe(title);
  });
});
