import { describe, expect, it } from '@jest/globals';
import type { Actor } from '#security';
import {
  madeOf,
  mayChange,
  mayRewrite,
  maySee,
  POST_STATUSES,
  type PostFacts,
  type PostStatus,
  publicationOf,
  statusOf,
} from './posts.rules.js';

const now = new Date('2026-01-01T12:00:00Z');
const before = new Date('2026-01-01T11:59:59.999Z');
const after = new Date('2026-01-01T12:00:00.001Z');

const somebody = (id: string, ...permissions: string[]) =>
  ({ id, can: (permission: string) => permissions.includes(permission) }) as unknown as Actor;
const author = somebody('a', 'posts:write');
const stranger = somebody('s', 'posts:write', 'posts:publish', 'users:manage');
const editor = somebody('e', 'posts:manage');

const post = (publishedAt: Date | null, more: Partial<PostFacts> = {}): PostFacts => ({
  authorId: 'a',
  publishedAt,
  expiresAt: null,
  review: null,
  trashedAt: null,
  ...more,
});

describe('a post', () => {
  it('is a draft without a time, scheduled before it, and published from it on', () => {
    expect(statusOf(post(null), now)).toBe('draft');
    expect(statusOf(post(after), now)).toBe('scheduled');
    expect(statusOf(post(now), now)).toBe('published');
    expect(statusOf(post(before), now)).toBe('published');
  });

  it('has ended from the end of its publication on', () => {
    expect(statusOf(post(before, { expiresAt: after }), now)).toBe('published');
    expect(statusOf(post(before, { expiresAt: now }), now)).toBe('expired');
    expect(statusOf(post(after, { expiresAt: after }), now)).toBe('scheduled');
  });

  it('that is not out is where it stands with the editors', () => {
    expect(statusOf(post(null, { review: 'submitted' }), now)).toBe('in-review');
    expect(statusOf(post(null, { review: 'approved' }), now)).toBe('approved');
  });

  it('in the trash is nothing else', () => {
    for (const time of [null, before, after]) expect(statusOf(post(time, { trashedAt: before }), now)).toBe('trashed');
  });

  it('that is out is everybody’s to read', () => {
    for (const actor of [null, stranger, author, editor])
      for (const time of [now, before]) expect(maySee(actor, post(time), now)).toBe(true);
  });

  it.each([
    post(null),
    post(after),
    post(before, { expiresAt: now }),
    post(null, { review: 'submitted' }),
    post(null, { review: 'approved' }),
    post(before, { trashedAt: before }),
  ])('that is not (%j) is its author’s and the editors’ to read', (hidden) => {
    for (const actor of [author, editor]) expect(maySee(actor, hidden, now)).toBe(true);
    for (const actor of [null, stranger]) expect(maySee(actor, hidden, now)).toBe(false);
  });

  it.each([null, before, after])('is its author’s and the editors’ to change, whether it is out or not (%p)', (time) => {
    for (const actor of [author, editor]) expect(mayChange(actor, post(time))).toBe(true);
    for (const actor of [null, stranger]) expect(mayChange(actor, post(time))).toBe(false);
  });

  it('that is out, or will be by itself, is rewritten only by who may publish', () => {
    const publisher = somebody('a', 'posts:write', 'posts:publish');
    for (const open of [post(null), post(null, { review: 'approved' }), post(before, { expiresAt: now })])
      for (const actor of [author, publisher]) expect(mayRewrite(actor, open, now)).toBe(true);
    for (const out of [post(before), post(after)])
      expect([mayRewrite(author, out, now), mayRewrite(publisher, out, now)]).toEqual([false, true]);
  });
});

describe('a publication', () => {
  const later = new Date('2026-02-01T12:00:00Z');

  it('is now, unless it is given a time or is out already', () => {
    expect(publicationOf(post(null), {}, now)).toEqual({ publishedAt: now, expiresAt: null });
    expect(publicationOf(post(after), {}, now)).toEqual({ publishedAt: now, expiresAt: null });
    expect(publicationOf(post(before), {}, now)).toEqual({ publishedAt: before, expiresAt: null });
    expect(publicationOf(post(before), { at: after }, now)).toEqual({ publishedAt: after, expiresAt: null });
  });

  it('keeps an end that is to come, until it is given another or none', () => {
    const ending = post(before, { expiresAt: later });
    expect(publicationOf(ending, {}, now)).toEqual({ publishedAt: before, expiresAt: later });
    expect(publicationOf(ending, { until: after }, now)).toEqual({ publishedAt: before, expiresAt: after });
    expect(publicationOf(ending, { until: null }, now)).toEqual({ publishedAt: before, expiresAt: null });
  });

  it('that has ended begins anew, without its end', () => {
    expect(publicationOf(post(before, { expiresAt: now }), {}, now)).toEqual({ publishedAt: now, expiresAt: null });
  });

  it('cannot end before it begins, nor in the past', () => {
    expect(publicationOf(post(null), { until: now }, now)).toBeNull();
    expect(publicationOf(post(null), { at: before, until: before }, now)).toBeNull();
    expect(publicationOf(post(null), { at: later, until: after }, now)).toBeNull();
    expect(publicationOf(post(before, { expiresAt: after }), { at: later }, now)).toBeNull();
  });
});

describe('what strangers are answered', () => {
  const answered = { id: 'p', author: { id: 'a' }, status: 'published' as PostStatus, expiresAt: null, cover: null, series: null };
  const cover = (url: string) => ({ fileId: 'f', url });

  it('is made of posts, their counts, authors, covers and series', () => {
    const all = { ...answered, cover: cover('http://a.example/files/f/content'), series: { id: 's' } };
    expect(madeOf([answered], 'post:p')).toEqual(['post:p', 'counts:p', 'user:a']);
    expect(madeOf([answered, all], 'posts')).toEqual(['posts', 'counts:p', 'user:a', 'file:f', 'series:s']);
  });

  it('is kept until the next post ends, when one of them will', () => {
    expect(madeOf([{ ...answered, expiresAt: after }], 'post:p')).toEqual(['post:p', 'posts', 'counts:p', 'user:a']);
  });

  it('is kept for nobody while it shows what is not out, or with a link that ends', () => {
    for (const status of POST_STATUSES.filter((status) => status !== 'published'))
      expect(madeOf([answered, { ...answered, status }], 'posts')).toBeNull();
    expect(madeOf([{ ...answered, cover: cover('http://a.example/files/f/content?expires=1&signature=x') }], 'post:p')).toBeNull();
  });
});
