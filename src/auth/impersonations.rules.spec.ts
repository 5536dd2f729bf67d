import { describe, expect, it } from '@jest/globals';
import { whyNotAs } from './impersonations.rules.js';

const CUSTOM = new Map([
  ['helper', ['users:impersonate', 'users:read', 'orders:place', 'posts:write', 'posts:publish', 'comments:write', 'files:write']],
  ['clerk', ['orders:manage']],
]);
const why = (impersonator: string[], user: string[]) => whyNotAs({ roles: impersonator }, { roles: user }, CUSTOM);

describe('acting as somebody else', () => {
  it.each([
    [['admin'], ['customer']],
    [['admin'], ['editor', 'support', 'clerk']],
    [['admin'], []],
    [['helper'], ['customer']],
  ])('is allowed to %j as %j', (impersonator, user) => {
    expect(why(impersonator, user)).toBeNull();
  });

  it.each([
    ['without the permission', ['support'], ['customer'], /any more/],
    ['as an administrator, even to one', ['admin'], ['customer', 'admin'], /administrator/],
    ['as who may do more', ['helper'], ['editor'], /may do what you may not/],
    ['as who may do more by a role that somebody made', ['helper'], ['clerk'], /may do what you may not/],
  ])('is refused %s', (_, impersonator, user, reason) => {
    expect(why(impersonator, user)).toMatch(reason);
  });
});
