import { describe, expect, it } from '@jest/globals';
import { AppError } from '#errors';
import { releaseConflicts, releaseEmpty } from './releases.errors.js';
import {
  type Act,
  changesNothing,
  concerned,
  fieldsOf,
  inOrder,
  type Kind,
  kindsSeenBy,
  may,
  neededFor,
  reasonsOf,
  refuseBeyond,
  RELEASE_STATUSES,
  resourceOf,
  shown,
  statusOf,
} from './releases.rules.js';

const change = (kind: Kind, changes: object = {}, publication: 'publish' | 'unpublish' | null = null) => ({ kind, changes, publication });
const somebody = (...permissions: string[]) => ({ can: (permission: string) => permissions.includes(permission) });

describe('the life of a release', () => {
  it('leads from each state to where it may', () => {
    const acts: Act[] = ['change', 'publish', 'withdraw', 'roll back'];
    expect(Object.fromEntries(RELEASE_STATUSES.map((status) => [status, acts.filter((act) => may(act, status))]))).toEqual({
      open: ['change', 'publish'],
      scheduled: ['publish', 'withdraw'],
      published: ['roll back'],
      'rolled-back': [],
      failed: ['change', 'publish'],
    });
  });

  it('is told in words with hyphens', () => {
    expect([statusOf({ status: 'rolled_back' }), statusOf({ status: 'open' })]).toEqual(['rolled-back', 'open']);
  });
});

describe('a change', () => {
  it('needs what the same edit needs', () => {
    expect(neededFor(change('post', { title: 'x' }))).toEqual(['posts:manage', 'posts:write']);
    expect(neededFor(change('post', {}, 'unpublish'))).toEqual(['posts:manage', 'posts:publish']);
    expect(neededFor(change('post', { title: 'x' }, 'publish'))).toEqual(['posts:manage', 'posts:write', 'posts:publish']);
    for (const kind of ['product', 'variant'] as const) expect(neededFor(change(kind, { name: 'x' }))).toEqual(['products:manage']);
  });

  it('is refused whom something lacks, by name', () => {
    const changes = [change('post', {}, 'publish'), change('variant', { name: 'x' }), change('product', { name: 'x' })];
    expect(() => refuseBeyond(somebody('posts:manage', 'posts:publish', 'products:manage'), changes)).not.toThrow();
    expect(() => refuseBeyond(somebody('posts:manage'), changes)).toThrow('posts:publish, products:manage');
  });

  it('is seen by those who see what it is about', () => {
    expect(kindsSeenBy(somebody('posts:manage'))).toEqual(['post']);
    expect(kindsSeenBy(somebody('products:read'))).toEqual(['product', 'variant']);
    expect(kindsSeenBy(somebody('products:manage'))).toEqual([]);
  });

  it('changes something', () => {
    expect([change('post'), change('post', { title: 'x' }), change('post', {}, 'publish')].map(changesNothing)).toEqual([
      true,
      false,
      false,
    ]);
  });

  it('is of one resource', () => {
    expect([{ postId: 'a' }, { productId: 'b' }, { variantId: 'c' }].map(resourceOf)).toEqual(['a', 'b', 'c']);
  });

  it('is made after those of smaller ids, posts first and variants last', () => {
    const items = (['variant', 'post', 'product'] as const).flatMap((kind) => ['b', 'a'].map((resourceId) => ({ kind, resourceId })));
    expect(inOrder(items).map(({ kind, resourceId }) => `${kind} ${resourceId}`)).toEqual([
      'post a',
      'post b',
      'product a',
      'product b',
      'variant a',
      'variant b',
    ]);
  });
});

describe('what a change concerns', () => {
  const publishedAt = new Date('2030-01-01T08:00:00.000Z');
  const post = { kind: 'post', row: { title: 'T', body: 'B', tags: ['a'], publishedAt, expiresAt: null, version: 3 } } as never;
  const variant = { kind: 'variant', row: { name: 'N', sku: 'S', priceAmount: 5, currency: 'EUR', available: 9 } } as never;

  it('are the members it names, as an edit takes them', () => {
    expect(concerned(post, change('post', { title: 'x', tags: [] }))).toEqual({ title: 'T', tags: ['a'] });
    expect(concerned(variant, change('variant', { price: { amount: 1, currency: 'USD' } }))).toEqual({
      price: { amount: 5, currency: 'EUR' },
    });
  });

  it('is the time it is published at, where it publishes or takes back', () => {
    expect(concerned(post, change('post', {}, 'unpublish'))).toEqual({ publishedAt: publishedAt.toISOString(), expiresAt: null });
    const shownAt = (now: string) => shown({ publishedAt: publishedAt.toISOString() }, new Date(now)).status;
    expect([shownAt('2029-01-01T00:00:00Z'), shownAt('2031-01-01T00:00:00Z')]).toEqual(['scheduled', 'published']);
    expect(shown({ publishedAt: null }, new Date())).toEqual({ publishedAt: null, status: 'draft' });
    expect(shown({ title: 'T' }, new Date())).toEqual({ title: 'T' });
  });
});

describe('why a publication was refused', () => {
  it('is each item that was in the way, or what was in the way of all', () => {
    const conflict = { itemId: 'i', code: 'posts/slug-taken', detail: 'Taken.' };
    expect(reasonsOf(releaseConflicts('x', { fields: fieldsOf([conflict]) }))).toEqual([conflict]);
    const empty = releaseEmpty('Nothing in it.');
    expect(empty).toBeInstanceOf(AppError);
    expect(reasonsOf(empty)).toEqual([{ itemId: null, code: 'releases/empty', detail: 'Nothing in it.' }]);
  });
});
