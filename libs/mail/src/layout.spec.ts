import { describe, expect, it } from '@jest/globals';
import { render } from './layout.js';
import type { Letter } from './template.js';

const letter = (changes: Partial<Letter> = {}): Letter => ({
  subject: 'Order 1001 is paid',
  paragraphs: ['Your payment has arrived.', 'Thank you.'],
  reason: 'You get mails about your orders.',
  ...changes,
});
const around = {
  product: 'Shop',
  publicUrl: 'https://api.example.com',
  linksUrl: 'https://app.example.com',
  unsubscribeUrl: 'https://api.example.com/unsubscribe?token=a&b=c',
};
const rendered = (changes: Partial<Letter> = {}) => render(letter(changes), around);

describe('the layout of mails', () => {
  it('says the same as HTML and as plain text', () => {
    const { subject, html, text } = rendered({ facts: [['Total', 'EUR 19.99']], action: { label: 'See it', path: '/orders/1' } });
    expect(subject).toBe('Order 1001 is paid');
    expect(text).toBe(`Order 1001 is paid

Your payment has arrived.

Thank you.

Total: EUR 19.99

See it: https://api.example.com/orders/1

-- 
Shop
You get mails about your orders.
Unsubscribe: https://api.example.com/unsubscribe?token=a&b=c
`);
    for (const words of [
      'Order 1001 is paid',
      'Your payment has arrived.',
      'Thank you.',
      'Total',
      'EUR 19.99',
      'See it',
      'Shop',
      'You get mails',
    ])
      expect(html).toContain(words);
    expect(html).toContain('href="https://api.example.com/orders/1"');
    expect(html).toContain('href="https://api.example.com/unsubscribe?token=a&amp;b=c"');
  });

  it('takes text for text, wherever it stands', () => {
    const evil = `</title><script>alert("1")</script>'&`;
    const { html } = render(
      letter({ subject: evil, paragraphs: [evil], facts: [[evil, evil]], action: { label: evil, path: `/"><img src=x>` }, reason: evil }),
      { ...around, product: evil },
    );
    expect(html).not.toMatch(/<script|<img|"1"/);
    expect(html.split('&lt;/title&gt;&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt;&#39;&amp;')).toHaveLength(9);
  });

  it('leaves out what a mail does not have', () => {
    const { html, text } = render(letter(), { ...around, unsubscribeUrl: null });
    expect(html).not.toMatch(/<table|<a |Unsubscribe|null|undefined/);
    expect(text).not.toMatch(/Unsubscribe|null|undefined/);
  });

  it('has subjects of one line that end', () => {
    const { subject, html } = rendered({ subject: `Hello\r\nBcc: eve@example.org\r\n\r\n<b>\u2028${'x'.repeat(500)}` });
    expect(subject).toMatch(/^Hello Bcc: eve@example\.org <b> x+…$/);
    expect(subject).toHaveLength(200);
    expect(html).not.toContain('\r');
  });

  it('never cuts a character in two', () => {
    expect(rendered({ subject: '😀'.repeat(150) }).subject.isWellFormed()).toBe(true);
  });

  it('loads nothing and can be read in the dark', () => {
    const { html } = rendered({ action: { label: 'See it', path: '/' } });
    expect(html).not.toMatch(/<(?:script|link|img|style)|url\(|background:#f|;color:#[0-4]/i);
    expect(html).toMatch(/<meta name="color-scheme" content="light dark" ?\/?>/);
  });
});
