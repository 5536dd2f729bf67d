import { createPrivateKey } from 'node:crypto';
import { isIP } from 'node:net';
import { isEmail, ValidateBy, type ValidationArguments, type ValidationOptions } from 'class-validator';
import { isReturnUrl, oauthProviderFaults } from './oauth-providers.js';

const rule = (name: string, message: string, holds: (value: string) => boolean) => (options?: ValidationOptions) =>
  ValidateBy(
    {
      name,
      validator: {
        validate: (value) => typeof value === 'string' && holds(value),
        defaultMessage: () => `${options?.each ? 'each of ' : ''}$property must be ${message}`,
      },
    },
    options,
  );

/** Fewer than 16 different bytes, or nothing but printable text: somebody's example rather than 32 random bytes. */
function looksLikeASample(bytes: Buffer): boolean {
  return new Set(bytes).size < 16 || bytes.every((byte) => byte >= 0x20 && byte <= 0x7e);
}

/** Keys printed in RFC 8037 (A.1) and RFC 7515 (A.3), as the private member `d` of their JWK. */
const PUBLISHED_KEYS = new Set(['nWGxne_9WmC6hEr0kuwsERJxWl7MmkZcDusAxyuf2A0', 'jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI']);

function isSigningKey(value: string): boolean {
  try {
    const jwk = createPrivateKey({ key: Buffer.from(value, 'base64').toString('utf8'), format: 'pem', type: 'pkcs8' }).export({
      format: 'jwk',
    });
    const known = (jwk.kty === 'OKP' && jwk.crv === 'Ed25519') || (jwk.kty === 'EC' && jwk.crv === 'P-256');
    return known && typeof jwk.d === 'string' && !PUBLISHED_KEYS.has(jwk.d) && !looksLikeASample(Buffer.from(jwk.d, 'base64url'));
  } catch {
    return false; // createPrivateKey throws for everything that is not a PKCS#8 key: that is the answer
  }
}

function isEncryptionKey(value: string): boolean {
  if (!/^[A-Za-z0-9+/_-]{43}=?$/.test(value)) return false;
  const bytes = Buffer.from(value, 'base64');
  return bytes.length === 32 && !looksLikeASample(bytes);
}

function parseUrl(value: string): URL | null {
  return URL.canParse(value) ? new URL(value) : null;
}

function isAddressOrRange(value: string): boolean {
  const [address = '', bits, ...rest] = value.split('/');
  const family = isIP(address);
  if (family === 0 || rest.length > 0) return false;
  return bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= (family === 4 ? 32 : 128));
}

function isExactOrigin(value: string): boolean {
  return /^https?:$/.test(parseUrl(value)?.protocol ?? '') && parseUrl(value)?.origin === value && !value.includes('*');
}

const SMTP_OPTIONS = ['requireTLS', 'ignoreTLS'];

function isSmtpUrl(value: string): boolean {
  const url = parseUrl(value);
  if (!url || !/^smtps?:$/.test(url.protocol) || url.hostname === '' || !['', '/'].includes(url.pathname) || url.hash !== '') return false;
  return [...url.searchParams].every(([name, flag]) => SMTP_OPTIONS.includes(name) && ['true', 'false'].includes(flag));
}

/** `Name <address>` or an address. */
function isMailbox(value: string): boolean {
  const [, address = value] = /^[^<>\u0000-\u001f]{1,100}<([^<>]*)>$/.exec(value) ?? [];
  return !/[\u0000-\u001f\u007f]/.test(value) && isEmail(address, { require_tld: false });
}

export const IsPostgresUrl = rule('isPostgresUrl', 'a URL like postgresql://user:password@host:5432/database', (value) =>
  /^postgres(ql)?:$/.test(parseUrl(value)?.protocol ?? ''),
);
export const IsRedisUrl = rule('isRedisUrl', 'a URL like redis://user:password@host:6379/0, or rediss:// where it is encrypted', (value) =>
  /^rediss?:$/.test(parseUrl(value)?.protocol ?? ''),
);
export const IsSmtpUrl = rule(
  'isSmtpUrl',
  'a URL like smtps://user:password@mail.example.org:465 or smtp://…:587, with requireTLS or ignoreTLS as its only options',
  isSmtpUrl,
);
export const IsMailbox = rule('isMailbox', 'an address like no-reply@example.org or Name <no-reply@example.org>', isMailbox);
export const IsExactOrigin = rule('isExactOrigin', 'an exact origin like https://app.example.com, without a path', isExactOrigin);
export const IsPostsUrl = rule(
  'isPostsUrl',
  'a URL like https://www.example.org/blog/{slug}, with {slug} or {id} in its path',
  (value) => /^https?:\/\/[^/{}]+\/[^{}?#\s]*\{(?:slug|id)\}[^{}?#\s]*$/.test(value) && parseUrl(value) !== null,
);
export const IsPasskeyOrigin = rule(
  'isPasskeyOrigin',
  'an exact origin like https://app.example.com, or android:apk-key-hash: with the SHA-256 of its certificate in base64url',
  (value) => isExactOrigin(value) || /^android:apk-key-hash:[\w-]{43}$/.test(value),
);
export const IsAddressOrRange = rule('isAddressOrRange', 'an IP address or a CIDR range like 10.0.0.0/8', isAddressOrRange);
export const IsHostOrRange = rule(
  'isHostOrRange',
  'a host name, an IP address or a CIDR range like 10.0.0.0/8',
  (value) => isAddressOrRange(value) || /^(?=.{1,253}$)[a-z0-9-]{1,63}(?:\.[a-z0-9-]{1,63})*$/i.test(value),
);
export const IsSigningKey = rule(
  'isSigningKey',
  'a PKCS#8 PEM private key (Ed25519 or P-256) of your own, base64-encoded: openssl genpkey -algorithm ed25519 | base64 -w0',
  isSigningKey,
);
export const IsEncryptionKey = rule('isEncryptionKey', '32 random bytes in base64: openssl rand -base64 32', isEncryptionKey);

const isProduction = (args?: ValidationArguments) => (args?.object as { NODE_ENV?: string } | undefined)?.NODE_ENV === 'production';

/** What is wrong is said of each member, so that nobody has to guess in a line of JSON. */
export const IsOAuthProviders = () =>
  ValidateBy({
    name: 'isOAuthProviders',
    validator: {
      validate: (value, args) => typeof value === 'string' && oauthProviderFaults(value, isProduction(args)).length === 0,
      defaultMessage: (args) => `OAUTH_PROVIDERS: ${oauthProviderFaults(String(args?.value), isProduction(args)).join('; ')}`,
    },
  });
export const IsReturnUrl = (options: ValidationOptions) =>
  ValidateBy(
    {
      name: 'isReturnUrl',
      validator: {
        validate: (value, args) => typeof value === 'string' && isReturnUrl(value, isProduction(args)),
        defaultMessage: () =>
          'each of $property must be a whole URL like https://app.example.com/signed-in or com.example.app:/signed-in, without a fragment; in production http only on localhost',
      },
    },
    options,
  );
