import { describe, expect, it } from '@jest/globals';
import { countLinks, nameInHtml, nameInText, plainText, renderComment, tokenOf } from './comments-markdown.rules.js';

const ID = '0199f3a1-7c1e-7b3a-9a4e-0d6f1c2b3a49';
const html = (text: string) => renderComment(text).bodyHtml;

describe('the Markdown of a comment', () => {
  it.each([
    ['one\ntwo', '<p>one<br />\ntwo</p>'],
    ['**a** *b* ~~c~~ `d`', '<p><strong>a</strong> <em>b</em> <s>c</s> <code>d</code></p>'],
    ['> a\n\n- b\n\n3. c', '<blockquote>\n<p>a</p>\n</blockquote>\n<ul>\n<li>b</li>\n</ul>\n<ol start="3">\n<li>c</li>\n</ol>'],
    ['```ts\na < b\n```', '<pre><code class="language-ts">a &lt; b\n</code></pre>'],
    ['[a](https://a.example)', '<p><a href="https://a.example" rel="nofollow noopener ugc">a</a></p>'],
    ['see https://a.example', '<p>see <a href="https://a.example" rel="nofollow noopener ugc">https://a.example</a></p>'],
  ])('%j is %s', (text, expected) => {
    expect(html(text)).toBe(expected);
  });

  it('has no headings, images and tables', () => {
    expect(html('# a\n\n![b](https://a.example/c)\n\n|a|\n|-|\n|b|')).not.toMatch(/<(?:h1|img|table)/);
  });

  it.each(['<script>alert(1)</script>', '<img src=x onerror=alert(1)>', '[a](javascript:alert(1))', '<span data-user="x">@Admin</span>'])(
    'shows %s as text',
    (text) => {
      expect(html(text)).not.toMatch(/<script|<img|href="javascript|<span/);
    },
  );

  it('ends where nesting goes beyond people', () => {
    expect(html(`${'> '.repeat(10_000)}a`).split('<blockquote>').length - 1).toBeLessThan(25);
  });

  it('has no marks that turn the direction of what follows', () => {
    expect(renderComment('a\u202eb\u2066c').body).toBe('abc');
  });

  it('says how many links it has, and what is read of it', () => {
    expect(countLinks(html('[a](https://a.example) https://b.example'))).toBe(2);
    expect(plainText(html('ca*si*no'))).toBe('casino');
  });
});

describe('a mention', () => {
  const mentioned = [{ id: ID, name: 'Ada <b> & Co' }];

  it('is kept by its id, and shown by the name of today', () => {
    const { body, bodyHtml, mentioned: ids } = renderComment(`Hello @[Somebody else](user:${ID.toUpperCase()})!`);
    expect(ids).toEqual([ID]);
    expect(body).toBe(`Hello @[](user:${ID})!`);
    expect(nameInText(body, mentioned)).toBe(`Hello @[Ada <b> & Co](user:${ID})!`);
    expect(nameInHtml(bodyHtml, mentioned)).toBe(`<p>Hello <span data-user="${ID}">@Ada &lt;b&gt; &amp; Co</span>!</p>`);
  });

  it('of somebody who is gone has no name', () => {
    const { body, bodyHtml } = renderComment(`@[Ada](user:${ID})`);
    expect(nameInText(body, [])).toBe(`@[Deleted user](user:${ID})`);
    expect(nameInHtml(bodyHtml, [])).toContain('>@Deleted user</span>');
  });

  it('comes back as the same when what was read is sent again', () => {
    const token = tokenOf({ id: ID, name: 'A[d]a\n]($&' });
    expect(renderComment(token).body).toBe(`@[](user:${ID})`);
    expect(nameInText(`@[](user:${ID})`, [{ id: ID, name: '$&' }])).toBe(`@[$&](user:${ID})`);
  });

  it.each(['`@[a](user:ID)`', '```\n@[a](user:ID)\n```', '\\@[a](user:ID)', '@[a](user:1)', '@[a](https://a.example)'])(
    'is not made by %j',
    (text) => {
      expect(renderComment(text.replace('ID', ID)).mentioned).toEqual([]);
    },
  );
});
