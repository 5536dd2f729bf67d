import { describe, expect, it } from '@jest/globals';
import { lastChange, postUrl, xmlText } from './feeds.rules.js';

describe('the text of a feed', () => {
  it('has only the characters that XML has', () => {
    expect(xmlText('a\u0000b\u000bc\u001fd\ufffee\uffff')).toBe('abcde');
    expect(xmlText('\ud800x')).toBe('\ufffdx');
    expect(xmlText('\t\n\r é 👩‍👩‍👧 ]]> & <')).toBe('\t\n\r é 👩‍👩‍👧 ]]> & <');
  });
});

describe('a link', () => {
  it('leads to where the pattern says', () => {
    const post = { id: '0199f3a1-7c1e-7b3a-9a4e-0d6f1c2b3a49', slug: 'on-engines' };
    expect(postUrl('https://example.org/blog/{slug}', post)).toBe('https://example.org/blog/on-engines');
    expect(postUrl('https://example.org/p/{id}.html', post)).toBe(`https://example.org/p/${post.id}.html`);
  });
});

describe('the last change', () => {
  it('is the latest edit or appearance', () => {
    const at = (updated: string, published: string) => ({ updatedAt: new Date(updated), publishedAt: new Date(published) }) as never;
    expect(lastChange([at('2026-01-02', '2026-01-01'), at('2026-01-01', '2026-01-03')])).toEqual(new Date('2026-01-03'));
    expect(lastChange([])).toEqual(new Date(0));
  });
});
