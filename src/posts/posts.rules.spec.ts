import { describe, expect, it } from '@jest/globals';
import type { Actor } from '#security';
import { madeOf, mayChange, maySee, statusOf } from './posts.rules.js';

const now = new Date('2026-01-01T12:00:00Z');
const before = new Date('2026-01-01T11:59:59.999Z');
const after = new Date('2026-01-01T12:00:00.001Z');

const somebody = (id: string, ...permissions: string[]) =>
  ({ id, can: (permission: string) => permissions.includes(permission) }) as unknown as Actor;
const author = somebody('a', 'posts:write');
const stranger = somebody('s', 'posts:write', 'posts:publish', 'users:manage');
const editor = somebody('e', 'posts:manage');

const post = (publishedAt: Date | null) => ({ authorId: 'a', publishedAt });

describe('a post', () => {
  it('is a draft without a time, scheduled before it, and published from it on', () => {
    expect(statusOf(post(null), now)).toBe('draft');
    expect(statusOf(post(after), now)).toBe('scheduled');
    expect(statusOf(post(now), now)).toBe('published');
    expect(statusOf(post(before), now)).toBe('published');
  });

  it('that is out is everybody’s to read', () => {
    for (const actor of [null, stranger, author, editor])
      for (const time of [now, before]) expect(maySee(actor, post(time), now)).toBe(true);
  });

  it.each([null, after])('that is not (%p) is its author’s and the editors’ to read', (time) => {
    for (const actor of [author, editor]) expect(maySee(actor, post(time), now)).toBe(true);
    for (const actor of [null, stranger]) expect(maySee(actor, post(time), now)).toBe(false);
  });

  it.each([null, before, after])('is its author’s and the editors’ to change, whether it is out or not (%p)', (time) => {
    for (const actor of [author, editor]) expect(mayChange(actor, post(time))).toBe(true);
    for (const actor of [null, stranger]) expect(mayChange(actor, post(time))).toBe(false);
  });
});

describe('an answer', () => {
  const answered = { id: 'p', author: { id: 'a' }, status: 'published' as const, cover: null, series: null };

  it('is out of date when its counts, author, cover or series is', () => {
    const cover = { fileId: 'f', url: 'http://a.example/files/f/content' };
    expect(madeOf([answered, { ...answered, cover, series: { id: 's' } }], 'posts')).toEqual([
      'posts',
      'counts:p',
      'user:a',
      'file:f',
      'series:s',
    ]);
  });

  it('is kept for nobody while it shows what is not out, or with a link that ends', () => {
    const cover = { fileId: 'f', url: 'http://a.example/files/f/content?expires=1&signature=x' };
    expect(madeOf([answered, { ...answered, status: 'draft' }], 'posts')).toBeNull();
    expect(madeOf([{ ...answered, cover }], 'post:p')).toBeNull();
  });
});
