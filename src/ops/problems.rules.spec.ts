import { describe, expect, it } from '@jest/globals';
import { problemPage } from './problems.rules.js';

const page = (changes = {}) =>
  problemPage(
    {
      code: 'products/out-of-stock',
      kind: 'conflict',
      title: 'Not enough in stock',
      help: 'Order fewer, or send `quantity: 1`.',
      ...changes,
    },
    409,
  );

describe('the page about a problem', () => {
  it('says its name, its code, its status and what to do', () => {
    expect(page()).toContain('<h1>Not enough in stock</h1>');
    expect(page()).toContain('<code>products/out-of-stock</code>, status 409');
    expect(page()).toContain('Order fewer, or send <code>quantity: 1</code>.');
  });

  it('shows text as text', () => {
    const html = page({ title: '<script>alert(1)</script>', help: '`<b>` & "quotes"' });
    expect(html).not.toContain('<script>');
    expect(html).toContain('&#60;script&#62;alert(1)&#60;/script&#62;');
    expect(html).toContain('<code>&#60;b&#62;</code> &#38; &#34;quotes&#34;');
  });
});
