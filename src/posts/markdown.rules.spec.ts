import { describe, expect, it } from '@jest/globals';
import { excerptFrom, renderMarkdown } from './markdown.rules.js';

describe('Markdown', () => {
  it.each([
    ['# a\n\n## b\n\n### c', '<h1>a</h1>\n<h2>b</h2>\n<h3>c</h3>'],
    ['#### d\n\n##### e\n\n###### f', '<h4>d</h4>\n<h5>e</h5>\n<h6>f</h6>'],
    ['one\n\ntwo  \nthree\n\n---', '<p>one</p>\n<p>two<br />\nthree</p>\n<hr />'],
    ['> a\n\n- b\n\n3. c', '<blockquote>\n<p>a</p>\n</blockquote>\n<ul>\n<li>b</li>\n</ul>\n<ol start="3">\n<li>c</li>\n</ol>'],
    ['**a** *b* ~~c~~ `d`', '<p><strong>a</strong> <em>b</em> <s>c</s> <code>d</code></p>'],
    ['```ts\na < b\n```', '<pre><code class="language-ts">a &lt; b\n</code></pre>'],
    ['![a](https://a.example/b "c")', '<p><img src="https://a.example/b" alt="a" title="c" /></p>'],
    [
      '|a|b|c|\n|:-|:-:|-:|\n|d|e|f|',
      '<table>\n<thead>\n<tr>\n<th style="text-align:left">a</th>\n<th style="text-align:center">b</th>\n<th style="text-align:right">c</th>\n</tr>\n</thead>\n' +
        '<tbody>\n<tr>\n<td style="text-align:left">d</td>\n<td style="text-align:center">e</td>\n<td style="text-align:right">f</td>\n</tr>\n</tbody>\n</table>',
    ],
    ['"quotes" -- (c)', '<p>"quotes" -- (c)</p>'],
  ])('%j is %s', (text, html) => {
    expect(renderMarkdown(text)).toBe(html);
  });

  it.each([
    ['[a](https://a.example "t")', 'https://a.example', ' title="t"'],
    ['[a](http://a.example)', 'http://a.example', ''],
    ['[a](mailto:a@b.example)', 'mailto:a@b.example', ''],
    ['[a](/path)', '/path', ''],
  ])('links with %s, and recommends nobody', (text, href, title) => {
    expect(renderMarkdown(text)).toBe(`<p><a href="${href}"${title} rel="nofollow noopener ugc">a</a></p>`);
  });

  it('links what looks like an address', () => {
    expect(renderMarkdown('https://a.example')).toBe(
      '<p><a href="https://a.example" rel="nofollow noopener ugc">https://a.example</a></p>',
    );
  });

  it.each(['[a](javascript:x)', '[a](ftp://a.example/b)', '[a](tel:1)', '![a](data:image/svg+xml,x)'])('leads nowhere with %s', (text) => {
    expect(renderMarkdown(text)).not.toMatch(/href="|src="/);
  });

  it('shows HTML as text', () => {
    expect(renderMarkdown('<b onclick="x">a</b>')).toBe('<p>&lt;b onclick="x"&gt;a&lt;/b&gt;</p>');
  });

  it('ends where nesting goes beyond people', () => {
    const depth = (levels: number) => renderMarkdown(`${'> '.repeat(levels)}a`).split('<blockquote>').length - 1;
    expect([depth(40), depth(100), depth(1_000)]).toEqual([40, 50, 50]);
  });
});

describe('an excerpt', () => {
  it('is the text without its markup, in one line', () => {
    expect(excerptFrom('<h1>A <em>title</em></h1>\n<p>and  more</p>\n')).toBe('A title and more');
    expect(excerptFrom('<p>1 &lt; 2 &gt; 0 &amp; &quot;x&quot; &amp;lt;</p>')).toBe('1 < 2 > 0 & "x" &lt;');
  });

  it('of a short text is all of it', () => {
    const text = `${'a'.repeat(99)} ${'b'.repeat(100)}`;
    expect(excerptFrom(`<p>${text}</p>`)).toBe(text);
  });

  it('of a long one is cut between words, or in the middle of one that has no end', () => {
    expect(excerptFrom(`<p>${'word '.repeat(50)}</p>`)).toBe(`${'word '.repeat(39)}word…`);
    expect(excerptFrom(`<p>${'words '.repeat(50)}</p>`)).toBe(`${'words '.repeat(32)}words…`);
    expect(excerptFrom(`<p>${'a'.repeat(150)} ${'b'.repeat(100)}</p>`)).toBe(`${'a'.repeat(150)}…`);
    expect(excerptFrom(`<p>${'&amp; '.repeat(500)}</p>`)).toBe(`${'& '.repeat(100).trim()}…`);
    expect(excerptFrom('<p><em>a</em> <em>b</em></p>'.repeat(200))).toBe(`${'a b'.repeat(66)}a…`);
    expect(excerptFrom(`<p>${'a'.repeat(50)} ${'b'.repeat(200)}</p>`)).toBe(`${'a'.repeat(50)} ${'b'.repeat(49)}…`);
  });

  it('holds no half of a character', () => {
    expect(excerptFrom(`<p>${'a'.repeat(99)}${'😀'.repeat(60)}</p>`)).toBe(`${'a'.repeat(99)}…`);
    expect(excerptFrom(`<p>${'😀'.repeat(120)}</p>`)).toBe(`${'😀'.repeat(50)}…`);
  });
});
