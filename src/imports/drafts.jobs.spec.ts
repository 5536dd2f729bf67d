import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { fileNameOf, fileOf } from './exports.rules.js';
import { type FileDraft, type ReadFile, readDraft } from './drafts.jobs.js';
import { readPath, readText } from './drafts.rules.js';
import { moment } from './moments.rules.js';

type Taken = { draft: FileDraft; notes: { code: string; detail: string; line: number | null }[] };
const taken = (front: string, { path = 'a-title.md', body = 'Text' } = {}) => {
  const read = readDraft(path, `---\n${front}\n---\n\n${body}`);
  if ('problems' in read) throw new Error(JSON.stringify(read.problems));
  return read;
};
const problems = (read: ReadFile) => ('problems' in read ? read.problems.map(({ code, line }) => `${code} in line ${line}`) : []);
const refusals = (front: string, body = 'Text') => problems(readDraft('a.md', `---\n${front}\n---\n\n${body}`));
const codes = (read: Taken) => read.notes.map(({ code }) => code);

describe('front matter of', () => {
  it('Jekyll', () => {
    const { draft } = taken(
      'layout: post\ntitle: "Hello"\ndate: 2020-01-02 10:00:00 +0100\ncategories: [News]\ntags: [a, b]\npermalink: /news/hello-there/',
      {
        path: '_posts/2020-01-02-hello.md',
      },
    );
    expect(draft).toMatchObject({
      post: { title: 'Hello', tags: ['a', 'b', 'news'], slug: 'hello-there' },
      slugIsGiven: false,
      isDraft: false,
    });
    expect(draft.date).toEqual(new Date('2020-01-02T09:00:00Z'));
    expect(taken('title: x\npublished: false').draft.isDraft).toBe(true);
    expect(taken('title: x', { path: '_drafts/x.md' }).draft.isDraft).toBe(true);
  });

  it('Hugo', () => {
    const read = readDraft(
      'posts/my-post/index.md',
      '+++\ntitle = "Hugo"\ndate = 2021-05-06T07:08:09Z\nlastmod = 2022-01-01\ndraft = true\ndescription = "In short"\n+++\nText',
    );
    expect(read).toMatchObject({ draft: { post: { title: 'Hugo', excerpt: 'In short', slug: 'my-post' }, isDraft: true } });
    expect((read as Taken).draft.date).toEqual(new Date('2021-05-06T07:08:09Z'));
    expect((read as Taken).draft.updatedAt).toEqual(new Date('2022-01-01T00:00:00Z'));
  });

  it('Astro', () => {
    const { draft, notes } = taken(
      "title: 'Astro'\ndescription: 'x'\npubDate: 'Jul 08 2022'\nupdatedDate: 'August 9, 2022'\nheroImage: '../a.jpg'",
    );
    expect([draft.date, draft.updatedAt]).toEqual([new Date('2022-07-08T00:00:00Z'), new Date('2022-08-09T00:00:00Z')]);
    expect([draft.cover, notes]).toEqual([{ address: '../a.jpg', line: 6 }, []]);
  });

  it('Ghost, and of other exports', () => {
    const { draft } = taken(
      'title: Ghost\nslug: ghost\nstatus: draft\ndate_published: x\npublished_at: 2019-03-04T05:06:07.000Z\ncustom_excerpt: y\ntags:\n  - name: Getting Started\n    slug: getting-started',
    );
    expect(draft).toMatchObject({ post: { tags: ['getting started'], excerpt: 'y', slug: 'ghost' }, slugIsGiven: true, isDraft: true });
    expect(taken('title: x\nstatus: publish').draft.isDraft).toBe(false);
    expect(taken('title: x\npublished: 2019-03-04').draft).toMatchObject({ date: new Date('2019-03-04T00:00:00Z'), isDraft: false });
    expect(taken('title: x\ntags: one, two words').draft.post.tags).toEqual(['one', 'two words']);
  });
});

describe('a file', () => {
  it('is dated by its name when it says no date', () => {
    expect(taken('title: x', { path: '2020-01-02-x.md' }).draft.date).toEqual(new Date('2020-01-02T00:00:00Z'));
    expect(taken('title: x\ndate: 2021-01-02', { path: '2020-01-02-x.md' }).draft.date).toEqual(new Date('2021-01-02T00:00:00Z'));
    expect(taken('title: x').draft.date).toBeNull();
    expect(readPath('a/2020-1-2-x-y/index.md')).toEqual({ name: 'x-y', date: '2020-1-2', isDraft: false });
  });

  it('says what it leaves out', () => {
    const read = taken('title: x\nlayout: post\nauthor: Ada\ntags: ["C/C++ & more"]\npermalink: /:year/:title/');
    expect(codes(read)).toEqual(['unknown-key', 'left-out', 'tags-changed']);
    expect(read.draft.post).toMatchObject({ tags: ['c c++ more'], slug: 'a-title' });
  });

  it('names its cover in one of many ways', () => {
    const coverOf = (front: string) => taken(`title: x\n${front}`).draft.cover?.address;
    expect(coverOf('image: /img/a.png\ncover: b.png')).toBe('b.png');
    expect(coverOf('cover:\n  image: " a b.png "\n  alt: x')).toBe('a b.png');
    expect(coverOf('image: { path: a.png }')).toBe('a.png');
    expect(coverOf('cover: ""\nfeature-image: c.png')).toBe('c.png');
    expect(coverOf('layout: post')).toBeUndefined();
    for (const cover of ['true', '[a.png]', '{ alt: x }', '"  "']) {
      const read = taken(`title: x\ncover: ${cover}`);
      expect([read.draft.cover, codes(read)]).toEqual([null, ['left-out']]);
    }
    expect(codes(taken('title: x\nimages: [a.png]\nog-image: b.png'))).toEqual(['left-out', 'left-out']);
  });

  it('keeps the beginning of a long description', () => {
    const read = taken(`title: x\nexcerpt: ${'word '.repeat(200)}`);
    expect([read.draft.post.excerpt!.length, codes(read)]).toEqual([500, ['excerpt-cut']]);
  });

  it.each([
    ['has no title', 'tags: [a]', ['title-missing in line 1']],
    ['has an empty title', 'tags: [a]\ntitle: ""', ['title-missing in line 3']],
    ['has too long a title', `date: 2020-01-01\ntitle: ${'x'.repeat(201)}`, ['title-invalid in line 3']],
    ['has a title that turns around', 'title: "a \\u202e b"', ['title-bidi in line 2']],
    ['has a date of no calendar', 'title: x\ndate: 2020-02-30', ['date-invalid in line 3']],
    ['has too many tags', `title: x\ntags: [${Array.from({ length: 21 }, (_, n) => `t${n}`).join()}]`, ['tags-invalid in line 3']],
    ['has too long a tag', `title: x\ntags: [${'x'.repeat(41)}]`, ['tags-invalid in line 3']],
    ['has a slug that cannot be', 'title: x\nslug: "Not A Slug"', ['slug-invalid in line 3']],
    ['has an externalId that cannot be', 'title: x\nexternalId: "a b"', ['externalId-invalid in line 3']],
    ['has metadata that cannot be', 'title: x\nmetadata: [1]', ['metadata-invalid in line 3']],
    ['has several faults', 'slug: X\ndate: never', ['title-missing in line 1', 'slug-invalid in line 2', 'date-invalid in line 3']],
  ])('that %s is refused with its lines', (_, front, expected) => {
    expect(refusals(front)).toEqual(expected);
  });

  it('without a text, with too much of it or with control characters is refused', () => {
    expect(refusals('title: x', '  \n')).toEqual(['body-missing in line 5']);
    expect(refusals('title: x', 'x'.repeat(500_001))).toEqual(['body-invalid in line 5']);
    expect(refusals('title: x', 'one\ntwo\u0007')).toEqual(['body-invalid in line 6']);
  });

  it('is text in UTF-8', () => {
    expect(readText(Buffer.from('one\ntwo é\n'))).toBe('one\ntwo é\n');
    expect(readText(Buffer.concat([Buffer.from('one\ntwo '), Buffer.from([0xe9, 0x0a])]))).toMatchObject({ code: 'not-utf-8', line: 2 });
    expect(readText(Buffer.from('one\n\ntwo\0'))).toMatchObject({ code: 'nul', line: 3 });
    expect(readText(Buffer.alloc(2_100_001, 'x'))).toMatchObject({ code: 'too-large' });
  });
});

describe('a moment', () => {
  it.each([
    ['2020-01-02', '2020-01-02T00:00:00.000Z'],
    ['2020/1/2', '2020-01-02T00:00:00.000Z'],
    ['2020-01-02 3:04', '2020-01-02T03:04:00.000Z'],
    ['2020-01-02T03:04:05.678-05:00', '2020-01-02T08:04:05.678Z'],
    ['2020-01-02 03:04:05 +0530', '2020-01-01T21:34:05.000Z'],
    ['Thu, 02 Jan 2020 03:04:05 +0000', '2020-01-02T03:04:05.000Z'],
    ['2 January 2020', '2020-01-02T00:00:00.000Z'],
  ])('is read: %s', (text, expected) => {
    expect(moment(text)?.toISOString()).toBe(expected);
  });

  it.each(['2020-13-01', '2021-02-29', 'soon', '20200102', '2020-01-02T25:00', ''])('is not made up: %s', (text) => {
    expect(moment(text)).toBeNull();
  });
});

describe('a post that is exported and imported', () => {
  const line = (min: number, max: number) =>
    fc
      .string({ unit: 'grapheme', minLength: min, maxLength: max })
      .map((text) =>
        text
          .replace(/[\p{Cc}\p{Cf}\p{Default_Ignorable_Code_Point}\u2028\u2029\ufff0-\ufffb]/gu, '')
          .trim()
          .normalize('NFC'),
      )
      .filter((text) => [...text].length >= min && [...text].length <= max);
  const odd = fc.constantFrom(
    '---',
    '---\ntitle: x\n---\n',
    '\ufeff',
    '\r\n',
    '\n\n',
    '+++',
    '# x',
    '![a](b.png)',
    '\u2028',
    '...',
    '\t',
    '  ',
    'null',
    '- - -',
    '```\n---\n```',
  );
  const body = fc
    .array(fc.oneof(odd, fc.string({ unit: 'grapheme' })), { minLength: 1, maxLength: 8 })
    .map((pieces) =>
      pieces
        .join('')
        .replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f]/g, '')
        .normalize('NFC'),
    )
    .filter((text) => text.trim() !== '');
  const tag = fc.stringMatching(/^[a-z0-9é.+#_-]{1,20}( [a-z0-9.+#_-]{1,15})?$/).map((text) => text.normalize('NFC'));
  const post = fc.record({
    id: fc.uuid(),
    slug: fc.stringMatching(/^[a-z][a-z0-9]{0,20}(-[a-z0-9]{1,20}){0,3}$/),
    title: line(1, 200),
    excerpt: fc.option(line(1, 300)),
    body,
    tags: fc.uniqueArray(tag, { maxLength: 20 }),
    externalId: fc.option(fc.stringMatching(/^[!-~]{1,60}$/), { nil: null }),
    metadata: fc.dictionary(
      fc.stringMatching(/^[\w.:-]{1,20}$/).filter((name) => !(name in {})),
      fc.string({ unit: 'grapheme', maxLength: 100 }),
      { maxKeys: 5 },
    ),
    publishedAt: fc.option(fc.date({ min: new Date('0100-01-01'), max: new Date('9999-01-01'), noInvalidDate: true }), { nil: null }),
    createdAt: fc.date({ min: new Date('2000-01-01'), max: new Date('2030-01-01'), noInvalidDate: true }),
    updatedAt: fc.date({ min: new Date('2000-01-01'), max: new Date('2030-01-01'), noInvalidDate: true }),
  });

  it('is the same, whatever stands in it', () => {
    fc.assert(
      fc.property(post, ({ excerpt, ...given }) => {
        const whole = { ...given, excerpt: excerpt?.replace(/\s+/g, ' ') ?? 'Made.', ownExcerpt: excerpt !== null, authorName: 'Ada' };
        const read = readDraft(fileNameOf(whole), fileOf(whole));
        if ('problems' in read) throw new Error(JSON.stringify(read.problems));
        const { post: made, date, updatedAt, isDraft } = read.draft;
        expect(made).toEqual({
          title: whole.title,
          slug: whole.slug,
          body: whole.body,
          tags: whole.tags,
          ...(whole.ownExcerpt && { excerpt: whole.excerpt }),
          ...(whole.externalId !== null && { externalId: whole.externalId }),
          ...(Object.keys(whole.metadata).length > 0 && { metadata: whole.metadata }),
        });
        expect([date, updatedAt, isDraft]).toEqual([whole.publishedAt ?? whole.createdAt, whole.updatedAt, whole.publishedAt === null]);
      }),
      { numRuns: 100 },
    );
  });
});
