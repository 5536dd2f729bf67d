import { describe, expect, it } from '@jest/globals';
import { excerptFrom, renderMarkdown as render } from './markdown.rules.js';

const API = 'https://a.example/api/v1';
const FILE = '0199f3a1-7c1e-7b3a-9a4e-0d6f1c2b3a49';
const renderMarkdown = (text: string) => render(text, API).bodyHtml;

describe('Markdown', () => {
  it.each([
    ['# a\n\n## b\n\n### c', '<h1 id="h-a">a</h1>\n<h2 id="h-b">b</h2>\n<h3 id="h-c">c</h3>'],
    ['#### d\n\n##### e\n\n###### f', '<h4 id="h-d">d</h4>\n<h5 id="h-e">e</h5>\n<h6 id="h-f">f</h6>'],
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

describe('GFM', () => {
  it('has tasks that are shown and do nothing', () => {
    expect(renderMarkdown('- [ ] a\n- [x] b\n- [y] c')).toBe(
      '<ul>\n<li class="task-list-item"><input type="checkbox" disabled="disabled" /> a</li>\n' +
        '<li class="task-list-item"><input type="checkbox" disabled="disabled" checked="checked" /> b</li>\n<li>[y] c</li>\n</ul>',
    );
  });

  it('has footnotes, that lead there and back', () => {
    const html = renderMarkdown('a[^1] b[^x]\n\n[^1]: The *note*.');
    expect(html).toContain('<sup class="footnote-ref"><a href="#fn-note-1" id="fnref-note-1">[1]</a></sup> b[^x]');
    expect(html).toMatch(
      /<section class="footnotes">\n<ol>\n<li class="footnote-item" id="fn-note-1"><p>The <em>note<\/em>\. <a href="#fnref-note-1"/,
    );
  });

  it('shows more marks of footnotes than people make as they are written', () => {
    expect(renderMarkdown(`${'[^1] '.repeat(500)}\n\n[^1]: x`)).not.toContain('<sup');
    expect(renderMarkdown(`${'[^1] '.repeat(499)}\n\n[^1]: x`)).toContain('<sup');
  });

  it('links addresses without a scheme', () => {
    expect(renderMarkdown('www.example.com me@example.com')).toContain('<a href="http://www.example.com" rel="nofollow noopener ugc">');
    expect(renderMarkdown('me@example.com')).toContain('<a href="mailto:me@example.com"');
  });
});

describe('headings', () => {
  const contents = (text: string) => render(text, API).contents;

  it('have ids of their own, each once, that no script can take for its names', () => {
    expect(contents('# A *b* `c`\n\n# a b c\n\n## a-b-c-2\n\n# A b c\n\n# !!!').map(({ id }) => id)).toEqual([
      'h-a-b-c',
      'h-a-b-c-2',
      'h-a-b-c-2-2',
      'h-a-b-c-3',
      'h-section',
    ]);
    expect(contents('# 日本語 Ünï')).toEqual([{ id: 'h-日本語-ünï', level: 1, text: '日本語 Ünï' }]);
    expect(renderMarkdown('# constructor')).toBe('<h1 id="h-constructor">constructor</h1>');
  });

  it('in quotes and lists are none of the text’s', () => {
    expect(contents('> # a\n\n- # b\n\nc\n===')).toEqual([{ id: 'h-c', level: 1, text: 'c' }]);
  });

  it('are told of up to a number, and cut', () => {
    expect(contents('# a\n'.repeat(600))).toHaveLength(500);
    const { id, text } = contents(`# ${'😀'.repeat(300)}a${'b'.repeat(300)}`)[0]!;
    expect([text.length, text.isWellFormed(), id]).toEqual([200, true, 'h-section']);
  });
});

describe('images of ours', () => {
  it('are known, however their address is written, and kept without what opens private ones', () => {
    const path = `/api/v1/files/${FILE}/content`;
    for (const src of [path, `${API}/files/${FILE.toUpperCase()}/content`, `${path}?expires=1&signature=x`, `//a.example${path}#x`]) {
      const { bodyHtml, imageIds } = render(`![a](${src})`, API);
      expect(imageIds).toEqual([FILE]);
      expect(bodyHtml.toLowerCase()).toBe(`<p><img src="https://a.example${path}" alt="a" /></p>`);
    }
    expect(renderMarkdown(`![a](${path}?variant=thumb&signature=x)`)).toContain(`${path}?variant=thumb"`);
    expect(render(`[![a](${path})](x) **![b](${path})**`, API).imageIds).toEqual([FILE]);
  });

  it.each([`https://b.example/api/v1/files/${FILE}/content`, `/files/${FILE}/content`, `/api/v1/files/${FILE}`, '/api/v1/files/x/content'])(
    'are not those at %s',
    (src) => {
      expect(render(`![a](${src})`, API).imageIds).toEqual([]);
    },
  );
});

describe('a text', () => {
  it('with more lines or elements than people write is refused, unless it was taken before', () => {
    for (const text of ['a\n'.repeat(20_001), '[a](b)'.repeat(20_000)]) {
      expect(() => render(text, API)).toThrow('A body has at most');
      expect(render(text, API, { wasTaken: true }).minutes).toBeGreaterThan(1);
    }
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
