import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { isCommon } from './common-passwords.rules.js';

const packed = readFileSync(join(import.meta.dirname, 'common-passwords.bin'));

describe('the common passwords', () => {
  it('are 100,000 at least', () => {
    expect(packed.length / 5).toBeGreaterThan(100_000);
  });

  it.each([
    'passwordpassword',
    'PasswordPassword',
    '123456789012345',
    'qwertyuiopasdfgh',
    'password1234567',
    '24!password2024',
    'monkeymonkeymonkey',
    'password password',
    'Monkey-monkey_monkey',
    '!!Letmein',
    'dragon99',
    'iloveyou12345678',
  ])('count with what is put around them: %s', (password) => {
    expect(isCommon(packed, password)).toBe(true);
  });

  it.each([
    'four calm otters at dawn',
    'correct horse battery staple',
    'six yellow lanterns over water',
    'seven small boats in the rain',
    'dragon ate my third sandwich',
    'пятнадцать букв',
    'Tr0ub4dor&3-x_Y!',
    'a1b2c3d4e5f6g7h8x',
    '83920174650192 dragon 5519',
    '',
  ])('do not stand in the way of a good one: %s', (password) => {
    expect(isCommon(packed, password)).toBe(false);
  });
});
