import { describe, expect, it } from '@jest/globals';
import type { Actor } from '#security';
import { isEditable, mayFind, mayRead, placeBelow } from './comments.rules.js';

const somebody = (id: string, ...permissions: string[]) =>
  ({ id, can: (permission: string) => permissions.includes(permission) }) as unknown as Actor;
const author = somebody('a', 'comments:write');
const stranger = somebody('s', 'comments:write', 'posts:manage');
const moderator = somebody('m', 'comments:moderate');
const comment = (status: 'pending' | 'approved' | 'rejected' | 'spam' | 'deleted', replies = 0) => ({
  status,
  replies,
  authorId: status === 'deleted' ? null : 'a',
});

describe('a comment', () => {
  it('that is approved is everybody’s to read', () => {
    for (const actor of [null, stranger, author, moderator]) expect(mayRead(actor, comment('approved'))).toBe(true);
  });

  it.each(['pending', 'rejected', 'spam'] as const)('that is %s is its author’s and the moderators’ to read', (status) => {
    for (const actor of [author, moderator]) expect(mayRead(actor, comment(status))).toBe(true);
    for (const actor of [null, stranger])
      expect([mayRead(actor, comment(status)), mayFind(actor, comment(status))]).toEqual([false, false]);
  });

  it('that others have replied to leaves its place to everybody, whatever becomes of it', () => {
    for (const status of ['pending', 'rejected', 'spam', 'deleted'] as const)
      for (const actor of [null, stranger, moderator]) expect(mayFind(actor, comment(status, 1))).toBe(true);
    for (const actor of [null, stranger, author, moderator]) expect(mayRead(actor, comment('deleted', 1))).toBe(false);
    expect([mayFind(stranger, comment('deleted')), mayFind(moderator, comment('deleted'))]).toEqual([false, true]);
  });

  it('stands below what it replies to, and beside it on the third level', () => {
    const [first, second, third] = [
      { id: '1', parentId: null, rootId: null, depth: 1 },
      { id: '2', parentId: '1', rootId: '1', depth: 2 },
      { id: '3', parentId: '2', rootId: '1', depth: 3 },
    ];
    expect(placeBelow(first)).toEqual({ parentId: '1', rootId: '1', depth: 2 });
    expect(placeBelow(second)).toEqual({ parentId: '2', rootId: '1', depth: 3 });
    expect(placeBelow(third)).toEqual({ parentId: '2', rootId: '1', depth: 3 });
  });

  it('can be changed for so long, and not a millisecond longer', () => {
    const createdAt = new Date('2026-01-01T12:00:00Z');
    expect(isEditable({ createdAt }, 60, new Date('2026-01-01T12:00:59.999Z'))).toBe(true);
    expect(isEditable({ createdAt }, 60, new Date('2026-01-01T12:01:00Z'))).toBe(false);
    expect(isEditable({ createdAt }, 0, createdAt)).toBe(false);
  });
});
