import { describe, expect, it } from '@jest/globals';
import type { Actor } from '#security';
import { mayChange, maySee, normaliseTags, statusOf } from './posts.rules.js';

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

describe('tags', () => {
  it('are trimmed, in small letters, with one space between words', () => {
    expect(normaliseTags(['  Node  JS\t', 'web\n\u00a0dev'])).toEqual(['node js', 'web dev']);
  });

  it('are each there once, in the order they came, however they were typed', () => {
    expect(normaliseTags(['Café', 'b', 'cafe\u0301', 'B ', 'a'])).toEqual(['café', 'b', 'a']);
    expect(normaliseTags([])).toEqual([]);
  });
});
