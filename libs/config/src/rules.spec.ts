import { createPrivateKey, generateKeyPairSync, randomBytes } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { type ConfigError, loadEnv } from './load.js';

const pem = (type: 'ed25519' | 'ec' | 'rsa', options: object = {}) =>
  Buffer.from(
    (generateKeyPairSync as (type: string, options: object) => { privateKey: ReturnType<typeof createPrivateKey> })(
      type,
      options,
    ).privateKey.export({ format: 'pem', type: 'pkcs8' }),
  ).toString('base64');
const SIGNING_KEY = pem('ed25519');
const ENCRYPTION_KEY = randomBytes(32).toString('base64');

/** The message of the refusal; empty when there is none. */
function refusal(source: NodeJS.ProcessEnv): string {
  try {
    loadEnv(source);
  } catch (error) {
    return (error as ConfigError).message;
  }
  return '';
}

describe('secrets', () => {
  /** RFC 8410: an Ed25519 key is its 32 bytes behind a fixed head. */
  const ed25519 = (seed: Buffer) =>
    Buffer.from(
      createPrivateKey({
        key: Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), seed]),
        format: 'der',
        type: 'pkcs8',
      }).export({ format: 'pem', type: 'pkcs8' }),
    ).toString('base64');

  /** The key of RFC 7515, appendix A.3, as PEM. */
  const p256 = (d: string) =>
    Buffer.from(
      createPrivateKey({
        key: {
          kty: 'EC',
          crv: 'P-256',
          x: 'f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU',
          y: 'x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0',
          d,
        },
        format: 'jwk',
      }).export({ format: 'pem', type: 'pkcs8' }),
    ).toString('base64');

  it.each([
    ['Ed25519', SIGNING_KEY],
    ['P-256', pem('ec', { namedCurve: 'P-256' })],
    ['32 random bytes', ed25519(randomBytes(32))],
    ['several', `${SIGNING_KEY},${pem('ed25519')}`],
  ])('may be signing keys of one’s own: %s', (_, value) => {
    expect(loadEnv({ JWT_PRIVATE_KEYS: value }).JWT_PRIVATE_KEYS).toHaveLength(value.split(',').length);
  });

  it.each([
    ['no base64 of a PEM', 'secret'],
    ['an RSA key', pem('rsa', { modulusLength: 2048 })],
    ['another curve', pem('ec', { namedCurve: 'P-384' })],
    ['the key printed in RFC 7515', p256('jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI')],
    ['a key of words', ed25519(Buffer.from('change-me-change-me-change-me-ok'))],
    ['the key printed in RFC 8037', ed25519(Buffer.from('nWGxne_9WmC6hEr0kuwsERJxWl7MmkZcDusAxyuf2A0', 'base64url'))],
    ['a key of zeros', ed25519(Buffer.alloc(32))],
    ['one bad among good ones', `${SIGNING_KEY},secret`],
  ])('are no signing key: %s', (_, value) => {
    const message = refusal({ JWT_PRIVATE_KEYS: value });
    expect(message).toContain('JWT_PRIVATE_KEYS must be');
    expect(message).not.toContain(value);
  });

  const bytes = (distinct: number) => Buffer.from(Array.from({ length: 32 }, (_, place) => 0x70 + (place % distinct)));

  it.each([
    ['base64', ENCRYPTION_KEY],
    ['base64 without padding', ENCRYPTION_KEY.replace('=', '')],
    ['base64url', Buffer.alloc(32, 'ff00fe01fd02fc03fb04fa05f906f807', 'hex').toString('base64url')],
    ['bytes that repeat', bytes(16).toString('base64')],
  ])('may be encryption keys: %s', (_, value) => {
    expect(loadEnv({ ENCRYPTION_KEYS: value }).ENCRYPTION_KEYS).toEqual([value]);
  });

  it.each([
    ['too few different bytes', bytes(15).toString('base64')],
    ['printable from end to end', Buffer.from(' abcdefghijklmnopqrstuvwxyz0123~').toString('base64')],
    ['something before it', `x${ENCRYPTION_KEY}`],
    ['something behind it', `${ENCRYPTION_KEY}x`],
    ['16 bytes', randomBytes(16).toString('base64')],
    ['33 bytes', randomBytes(33).toString('base64')],
    ['zeros', Buffer.alloc(32).toString('base64')],
    ['words', Buffer.from('change-me-change-me-change-me-ok').toString('base64')],
    ['hexadecimal', randomBytes(16).toString('hex')],
    ['one bad among good ones', `${ENCRYPTION_KEY},secret`],
  ])('are no encryption key: %s', (_, value) => {
    const message = refusal({ ENCRYPTION_KEYS: value });
    expect(message).toContain('ENCRYPTION_KEYS must be');
    expect(message).not.toContain(value);
  });
});
