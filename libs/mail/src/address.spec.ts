import { describe, expect, it } from '@jest/globals';
import { isSendable, senderOf } from './address.js';

const long = (length: number) => 'a'.repeat(length);

describe('an address that mail is sent to', () => {
  it.each([
    'ada@example.org',
    'ADA@EXAMPLE.ORG',
    'ada+orders@example.org',
    '-ada@example.org',
    "o'hara@example.org",
    'a|b@example.org',
    '"ada lovelace"@example.org',
    '"ada@home"@example.org',
    'ada@bücher.example',
    'ada@xn--bcher-kva.example',
    'ä@example.org',
    `${long(64)}@example.org`,
  ])('may be %s', (address) => expect(isSendable(address)).toBe(true));

  it.each([
    '',
    'ada',
    'ada@',
    '@example.org',
    'ada@home@example.org',
    'ada(at home)@example.org',
    'ada@example.org (Ada)',
    'Ada <ada@example.org>',
    '<ada@example.org>',
    'ada@example.org, eve@example.org',
    'ada@example.org;eve@example.org',
    'friends: ada@example.org, eve@example.org;',
    'ada@example.org\r\nBcc: eve@example.org',
    'ada@example.org\nRCPT TO:<eve@example.org>',
    '"ada\r\nDATA\r\n"@example.org',
    '"ada\u0000"@example.org',
    'ada@example.org\u0085',
    '.ada@example.org',
    'ada..lovelace@example.org',
    'ada@-example.org',
    'ada@[127.0.0.1]',
    'ada@localhost',
    `${long(65)}@example.org`,
    `ada@${long(63)}.${long(63)}.${long(63)}.${long(63)}.org`,
  ])('is not %j', (address) => expect(isSendable(address)).toBe(false));
});

describe('who mails are from', () => {
  it('is the name and the address of MAIL_FROM, and has a name in any case', () => {
    expect(senderOf('Shop <no-reply@example.org>')).toEqual({ name: 'Shop', address: 'no-reply@example.org' });
    expect(senderOf('"Shop, Ltd." <no-reply@example.org>')).toEqual({ name: 'Shop, Ltd.', address: 'no-reply@example.org' });
    expect(senderOf('no-reply@example.org')).toEqual({ name: 'Ashlar', address: 'no-reply@example.org' });
  });
});
