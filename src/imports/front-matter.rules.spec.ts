import { describe, expect, it } from '@jest/globals';
import { joinFile, partFile, type Parted } from './front-matter.rules.js';

const part = (text: string) => partFile(text) as Parted;
const refusal = (text: string) => partFile(text) as { line: number; code: string };
const values = (text: string) => Object.fromEntries(part(text).values);

describe('a file with front matter', () => {
  it.each([
    ['YAML', '---\ntitle: One\ntags: [a, b]\n---\n\nText\n'],
    ['YAML with the line ends of Windows', '---\r\ntitle: One\r\ntags: [a, b]\r\n---\r\n\r\nText\n'],
    ['YAML behind a byte order mark', '\ufeff---\ntitle: One\ntags:\n  - a\n  - b\n---\n\nText\n'],
    ['YAML behind empty lines', '\n \n---\ntitle: One\ntags: [a, b]\n---\nText\n'],
    ['YAML that ends with dots', '---\ntitle: One\ntags: [a, b]\n...\nText\n'],
    ['TOML', '+++\ntitle = "One"\ntags = ["a", "b"]\n+++\n\nText\n'],
  ])('is taken apart: %s', (_, text) => {
    expect(values(text)).toEqual({ title: 'One', tags: ['a', 'b'] });
    expect(part(text).body).toBe('Text\n');
  });

  it('may be without', () => {
    expect(part('# Only text\n---\nmore')).toMatchObject({ body: '# Only text\n---\nmore', bodyLine: 1 });
    expect(values('')).toEqual({});
    expect(values('---\n---\nx')).toEqual({});
  });

  it('loses one empty line before the text, and no other', () => {
    expect(part('---\na: 1\n---\n\n\n  x').body).toBe('\n  x');
    expect(part('---\na: 1\n---\nx').body).toBe('x');
    expect(part('---\na: 1\n---').body).toBe('');
    expect(part('---\na: 1\n---\n\nx').bodyLine).toBe(5);
  });

  it('may have fences in its text', () => {
    expect(part('---\na: 1\n---\n\n---\nb: 2\n---\n').body).toBe('---\nb: 2\n---\n');
  });

  it('knows the lines of its keys, however they are written', () => {
    const { lineOf } = part('---\ntitle: x\nLast-Mod: y\n"tags": []\n---\n');
    expect(['title', 'last_mod', 'tags', 'other'].map((key) => lineOf(key))).toEqual([2, 3, 4, 1]);
    expect(part('+++\ntitle = "x"\ndraft = true\n+++\n').lineOf('draft')).toBe(3);
  });

  it.each([
    ['is not closed', '---\ntitle: x\n', 'front-matter-open', 1],
    ['is no YAML, behind an empty line', '\n---\ntitle: x\ntags: [a\n---\n', 'front-matter-invalid', 5],
    ['is no YAML', '---\ntitle: x\ntags: [a\n---\n', 'front-matter-invalid', 4],
    ['has a key twice', '---\ntitle: x\ndate: y\ntitle: z\n---\n', 'front-matter-invalid', 4],
    ['has a colon where none may be', '---\ndate: 1\ntitle: One: two\n---\n', 'front-matter-invalid', 3],
    ['is a list', '---\n- a\n---\n', 'front-matter-invalid', 2],
    ['is no TOML', '+++\ntitle = "x"\ntags = [a\n+++\n', 'front-matter-invalid', 3],
    ['is too long', `---\ntitle: ${'x'.repeat(20_000)}\n---\n`, 'front-matter-too-long', 1],
    ['is nested in brackets', `---\na: ${'['.repeat(5_000)}\n---\n`, 'front-matter-too-deep', 2],
    ['is nested in lists', `---\n${'- '.repeat(5_000)}a\n---\n`, 'front-matter-too-deep', 2],
    ['is nested in maps', `---\n${'? '.repeat(5_000)}a\n---\n`, 'front-matter-too-deep', 2],
    ['is nested in TOML', `+++\na = ${'['.repeat(5_000)}\n+++\n`, 'front-matter-invalid', 2],
    [
      'repeats itself without end',
      `---\na: &a [x]\n${'bcdefghij'.replace(/./g, (key, at: number) => `${key}: &${key} [${`*${'abcdefghi'[at]},`.repeat(9)}]\n`)}---\n`,
      'front-matter-invalid',
      2,
    ],
  ])('is refused with its line when it %s', (_, text, code, line) => {
    expect(refusal(text)).toMatchObject({ code, line });
  });

  it('has no way to what every object inherits', () => {
    expect(part('---\n__proto__: {polluted: true}\nconstructor: 1\n---\n').values.get('__proto__')).toEqual({ polluted: true });
    expect(({} as { polluted?: boolean }).polluted).toBeUndefined();
  });
});

describe('a file that is written', () => {
  it('is read as it was', () => {
    const given = {
      title: 'yes: "1" # no',
      date: '2020-01-02T00:00:00.000Z',
      tags: ['1', 'null', '- x'],
      draft: false,
      metadata: { __proto__x: 'é\u2028' },
    };
    const file = joinFile(given, '---\n\ufeff\r\nx');
    expect(values(file)).toEqual(given);
    expect(part(file).body).toBe('---\n\ufeff\r\nx');
  });
});
