import { describe, expect, it } from '@jest/globals';
import { normalise, weakness } from './passwords.rules.js';

const ADA = { name: 'Ada Lovelace', email: 'ada.lovelace@example.com' };

describe('a new password', () => {
  it.each([
    'four calm otters at dawn',
    'correct horse battery staple',
    'пятнадцать букв',
    '漢字漢字漢字漢字漢字かなかなカ',
    'Tr0ub4dor&3-x_Y!',
  ])('may be %j', (password) => {
    expect(weakness(password, ADA)).toBeNull();
  });

  it('has 15 characters at least, and 128 at most, as people count them', () => {
    const letters = 'abcdefghij'.repeat(20);
    expect(weakness(letters.slice(0, 14), ADA)).toContain('14 characters');
    expect(weakness(letters.slice(0, 15), ADA)).toBeNull();
    expect(weakness(letters.slice(0, 128), ADA)).toBeNull();
    expect(weakness(letters.slice(0, 129), ADA)).toContain('129 characters');
    expect(weakness('😀😁😂🤣😃😄😅😆😉😊😋😎😍😘', ADA)).toContain('14 characters');
  });

  it.each(['aaaaaaaaaaaaaaaaaaaa', 'abababababababababab', 'AaBbAaBbAaBbAaBb1212'])(
    'does not repeat the same few characters: %s',
    (password) => {
      expect(weakness(password, ADA)).toContain('repeats');
    },
  );

  it.each(['ada.lovelace@example.com', 'Ada Lovelace 1815', 'ashlarashlarashlar1', 'Ashlar Ada Lovelace!'])(
    'is not made of names: %s',
    (password) => {
      expect(weakness(password, ADA)).toContain('your own name');
    },
  );

  it('may hold a name among other words', () => {
    expect(weakness('ada lovelace walks seven dogs', ADA)).toBeNull();
  });

  it('is not held against short names', () => {
    expect(weakness('four calm otters at dawn', { name: 'Al', email: 'a@b.example' })).toBeNull();
  });

  it('is never repeated in the advice', () => {
    for (const password of ['shortsecret', 'zzzzzzzzzzzzzzzzzzzz', 'Ada Lovelace 1815'])
      expect(weakness(password, ADA)).not.toContain(password);
  });

  it('is the same however its characters were typed', () => {
    expect(normalise('cafe\u0301')).toBe('caf\u00e9');
    expect(normalise('Café')).not.toBe(normalise('café'));
  });
});
