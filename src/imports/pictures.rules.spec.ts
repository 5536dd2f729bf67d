import { describe, expect, it } from '@jest/globals';
import { pathsOf, picturesIn, withPictures } from './pictures.rules.js';

describe('pictures of a text', () => {
  const text = [
    '![a](a.png)',
    '![b](<b c.png> "Title")',
    '![c][ref]',
    '[ref]: ./c.png',
    '[no picture](d.png)',
    '`![e](e.png)`',
    '',
    '    ![f](f.png)',
  ].join('\n');

  it('are what Markdown shows as such', () => {
    expect(picturesIn('![a](a.png) ![b](<b c.png> "Title") [d](d.png) `![e](e.png)`\n\n![c][ref]\n\n[ref]: ./c.png\n')).toEqual([
      'a.png',
      'b%20c.png',
      './c.png',
    ]);
    expect(picturesIn('no picture')).toEqual([]);
  });

  it('get other addresses, and the rest stays as it is', () => {
    const addresses = new Map([
      ['a.png', '/1'],
      ['b%20c.png', '/2'],
      ['./c.png', '/3'],
    ]);
    expect(withPictures(text, addresses)).toBe(text.replace('(a.png)', '(/1)').replace('<b c.png>', '/2').replace('./c.png', '/3'));
    expect(withPictures(text, new Map())).toBe(text);
  });

  it('lie beside the text, or where the generator keeps what begins with a slash', () => {
    expect(pathsOf('img/a.png', 'posts/2020/x.md')).toEqual(['posts/2020/img/a.png']);
    expect(pathsOf('../a%20b.png?v=1#x', 'posts/2020/x.md')).toEqual(['posts/a b.png']);
    expect(pathsOf('/img/a.png', 'posts/x.md')).toEqual([
      'img/a.png',
      'static/img/a.png',
      'public/img/a.png',
      'assets/img/a.png',
      'src/img/a.png',
      'source/img/a.png',
    ]);
    expect(pathsOf('100%.png', 'x.md')).toEqual(['100%.png']);
  });

  it('elsewhere are left alone', () => {
    for (const address of ['https://example.org/a.png', '//example.org/a.png', 'data:image/png;base64,x', '#a'])
      expect(pathsOf(address, 'x.md')).toEqual([]);
    expect(pathsOf('../../etc/passwd', 'posts/x.md')).toEqual([]);
  });
});
