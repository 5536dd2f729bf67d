import { describe, expect, it } from '@jest/globals';
import { opens, tokenOf } from './guests.rules.js';

const [key, former, foreign] = ['a', 'b', 'c'].map((letter) => Buffer.alloc(32, letter)) as [Buffer, Buffer, Buffer];
const [ID, OTHER] = ['0199f3a1-7c1e-7b3a-9a4e-0d6f1c2b3a49', '0199f3a1-7c1e-7b3a-9a4e-0d6f1c2b3a50'];

describe('the token of an order', () => {
  it('opens that order, and no other', () => {
    const token = tokenOf(key, ID);
    expect(token).toHaveLength(43);
    expect(opens([key], token, ID)).toBe(true);
    expect(opens([key], token, OTHER)).toBe(false);
  });

  it('opens it while keys follow one another, and not by a key of somebody else', () => {
    expect(opens([key, former], tokenOf(former, ID), ID)).toBe(true);
    expect(opens([key, former], tokenOf(foreign, ID), ID)).toBe(false);
    expect(opens([], tokenOf(key, ID), ID)).toBe(false);
  });

  it.each(['', 'x', '€', tokenOf(key, ID).slice(1), `${tokenOf(key, ID)}=`])('is nothing like %j', (token) => {
    expect(opens([key], token, ID)).toBe(false);
  });
});
