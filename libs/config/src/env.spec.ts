import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from '@jest/globals';
import { Env } from './env.js';
import { Tuning } from './tuning.js';
import { ConfigError, loadEnv } from './load.js';

const SIGNING_KEY = Buffer.from(generateKeyPairSync('ed25519').privateKey.export({ format: 'pem', type: 'pkcs8' })).toString('base64');
const ENCRYPTION_KEY = randomBytes(32).toString('base64');
const PRODUCTION = {
  NODE_ENV: 'production',
  PUBLIC_URL: 'https://api.example.org',
  DATABASE_URL: 'postgresql://app:hunter2@db:5432/ashlar',
  JWT_PRIVATE_KEYS: SIGNING_KEY,
  ENCRYPTION_KEYS: ENCRYPTION_KEY,
};

const folder = mkdtempSync(join(tmpdir(), 'ashlar env '));
afterAll(() => rmSync(folder, { recursive: true }));

function file(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

/** The message of the refusal; fails when there is none. */
function refusal(source: NodeJS.ProcessEnv): string {
  try {
    loadEnv(source);
  } catch (error) {
    if (error instanceof ConfigError) return error.message;
    throw error;
  }
  throw new Error(`accepted: ${Object.keys(source).join(', ')}`);
}

describe('the environment', () => {
  it('has a default for everything outside production', () => {
    expect(loadEnv({})).toMatchObject({
      NODE_ENV: 'development',
      PORT: 3000,
      HOST: '127.0.0.1',
      PUBLIC_URL: 'http://localhost:3000',
      DATABASE_URL: undefined,
      RATE_LIMIT: 'on',
    });
  });

  it('takes numbers, texts and lists', () => {
    const env = loadEnv({
      PORT: '8080',
      DATA_DIR: '/var/lib/ashlar',
      CORS_ORIGINS: 'https://a.example.com, http://localhost:5173,',
      TRUSTED_PROXIES: '10.0.0.0/8,::1',
    });
    expect(env).toMatchObject({
      PORT: 8080,
      DATA_DIR: '/var/lib/ashlar',
      CORS_ORIGINS: ['https://a.example.com', 'http://localhost:5173'],
      TRUSTED_PROXIES: ['10.0.0.0/8', '::1'],
      PUBLIC_URL: 'http://localhost:8080',
    });
  });

  it('uses the one database for everything unless a direct way to it is named', () => {
    expect(loadEnv({ DATABASE_URL: 'postgres://pooler/a' }).DATABASE_DIRECT_URL).toBe('postgres://pooler/a');
    expect(loadEnv({ DATABASE_URL: 'postgres://pooler/a', DATABASE_DIRECT_URL: 'postgres://direct/a' }).DATABASE_DIRECT_URL).toBe(
      'postgres://direct/a',
    );
  });

  it('counts an empty value as unset', () => {
    expect(loadEnv({ PORT: '', LOG_LEVEL: '  ', CORS_ORIGINS: '' })).toMatchObject({ PORT: 3000, LOG_LEVEL: 'info', CORS_ORIGINS: [] });
  });

  it('cannot be changed once it is read, nor can its lists', () => {
    const env = loadEnv({ CORS_ORIGINS: 'https://a.example.com' }) as Env;
    expect(() => (env.PORT = 1)).toThrow(TypeError);
    expect(() => env.CORS_ORIGINS.push('https://evil.example.com')).toThrow(TypeError);
  });

  it.each([
    ['NODE_ENV', 'staging'],
    ['ROLE', 'boss'],
    ['PORT', 'http'],
    ['PORT', '65536'],
    ['PORT', '-1'],
    ['PORT', '80.5'],
    ['PORT', '0x50'],
    ['PUBLIC_URL', 'api.example.com'],
    ['PUBLIC_URL', 'ftp://api.example.com'],
    ['PUBLIC_URL', 'https://api.example.com/'],
    ['PUBLIC_URL', 'https://api.example.com/?a=b'],
    ['DATABASE_URL', 'mysql://db/ashlar'],
    ['DATABASE_DIRECT_URL', 'db'],
    ['DATABASE_DIRECT_URL', 'xpostgres://db/ashlar'],
    ['DATABASE_DIRECT_URL', 'postgresx://db/ashlar'],
    ['DATABASE_POOL_SIZE', '1'],
    ['DATABASE_POOL_TIMEOUT_MS', '99'],
    ['DATABASE_STATEMENT_TIMEOUT_MS', 'never'],
    ['LOG_LEVEL', 'loud'],
    ['TRUSTED_PROXIES', '1'],
    ['TRUSTED_PROXIES', 'loopback'],
    ['TRUSTED_PROXIES', '10.0.0.0/33'],
    ['TRUSTED_PROXIES', '10.0.0.1,proxy.internal'],
    ['TRUSTED_PROXIES', '10.0.0.0/8/8'],
    ['TRUSTED_PROXIES', '10.0.0.0/x8'],
    ['TRUSTED_PROXIES', '10.0.0.0/8x'],
    ['TRUSTED_PROXIES', '10.0.0.0/'],
    ['TRUSTED_PROXIES', '::1/129'],
    ['CORS_ORIGINS', '*'],
    ['CORS_ORIGINS', 'https://a.example.com/'],
    ['CORS_ORIGINS', 'https://*.example.com'],
    ['CORS_ORIGINS', 'null'],
    ['CORS_ORIGINS', 'ftp://a.example.com'],
    ['CORS_ORIGINS', 'xhttp://a.example.com'],
    ['CORS_ORIGINS', 'a.example.com'],
    ['HTTP_BODY_LIMIT_BYTES', '1023'],
    ['HTTP_REQUEST_TIMEOUT_MS', '0'],
    ['SHUTDOWN_DRAIN_SECONDS', '26'],
    ['RATE_LIMIT', 'no'],
    ['RATE_LIMIT_REQUESTS_PER_MINUTE', '0'],
    ['AUTH_LOGIN_FAILURES_PER_WINDOW', '0'],
    ['AUTH_REGISTRATIONS_PER_HOUR', '0'],
    ['AUTH_EMAIL_VERIFICATION', 'maybe'],
    ['SMTP_URL', 'mail.example.org:587'],
    ['SMTP_URL', 'https://mail.example.org'],
    ['SMTP_URL', 'smtp://mail.example.org/inbox'],
    ['SMTP_URL', 'smtp://mail.example.org?logger=true'],
    ['SMTP_URL', 'xsmtp://mail.example.org'],
    ['SMTP_URL', 'smtpx://mail.example.org'],
    ['SMTP_URL', 'smtp:///'],
    ['SMTP_URL', 'smtp://mail.example.org#top'],
    ['SMTP_URL', 'smtp://mail.example.org?requireTLS=yes'],
    ['SMTP_URL', 'smtp://mail.example.org?requireTLS=true&logger=true'],
    ['MAIL_FROM', 'Ashlar'],
    ['MAIL_FROM', '<a@example.org>'],
    ['MAIL_FROM', 'A\u0007shlar <a@example.org>'],
    ['MAIL_FROM', `${'A'.repeat(101)}<a@example.org>`],
    ['MAIL_FROM', 'a@example.org, b@example.org'],
    ['MAIL_FROM', 'Ashlar <a@example.org> <b@example.org>'],
    ['SMTP_TIMEOUT_MS', '99'],
    ['MAIL_TTL_DAYS', '0'],
    ['NOTIFICATIONS_TTL_DAYS', '0'],
    ['JWT_ACCESS_TTL_SECONDS', '86400'],
    ['AUTH_REFRESH_GRACE_SECONDS', '61'],
    ['AUTH_SESSION_IDLE_SECONDS', '59'],
    ['AUTH_SESSION_TTL_SECONDS', '59'],
    ['ORDERS_RESERVATION_SECONDS', '0'],
    ['CARTS_KEPT_DAYS', '0'],
    ['CARTS_PER_HOUR', '0'],
    ['GUEST_ORDERS_PER_HOUR', '0'],
    ['IDEMPOTENCY_TTL_SECONDS', '59'],
    ['PAYMENTS_SANDBOX', 'true'],
    ['PAYMENTS_SANDBOX_DELAY_SECONDS', '-1'],
    ['STRIPE_SECRET_KEY', 'pk_test_1234567890'],
    ['STRIPE_WEBHOOK_SECRET', 'secret'],
    ['STRIPE_API_URL', 'http://api.stripe.com'],
    ['DOCS', 'everybody'],
    ['STORAGE_S3_BUCKET', 'My Bucket'],
    ['STORAGE_S3_ENDPOINT', 's3.example.org'],
    ['STORAGE_S3_ACCESS_KEY_ID', 'AKIA with space'],
    ['STORAGE_S3_PATH_STYLE', 'yes'],
    ['FILES_MAX_BYTES', '1'],
    ['FILES_TYPES', 'png'],
    ['FILES_IMAGE_PIXELS', '0'],
    ['FILES_URL_TTL_SECONDS', '1'],
  ])('refuses %s=%s by name', (name, value) => {
    expect(refusal({ [name]: value })).toContain(`${name} must`);
  });

  it.each([
    ['TRUSTED_PROXIES', '10.0.0.0/32'],
    ['TRUSTED_PROXIES', '10.0.0.0/0'],
    ['TRUSTED_PROXIES', '::1/128'],
    ['TRUSTED_PROXIES', 'fd00::/48'],
    ['CORS_ORIGINS', 'http://a.example.com'],
    ['DATABASE_URL', 'postgresql://db/ashlar'],
    ['SMTP_URL', 'smtp://mail.example.org:587'],
    ['SMTP_URL', 'smtps://shop:hunter2@mail.example.org/'],
    ['SMTP_URL', 'smtp://mail.example.org?requireTLS=true'],
    ['SMTP_URL', 'smtp://mail.example.org?ignoreTLS=true&requireTLS=false'],
    ['MAIL_FROM', 'no-reply@example.org'],
    ['MAIL_FROM', 'no-reply@localhost'],
    ['MAIL_FROM', `${'A'.repeat(99)} <no-reply@example.org>`],
  ])('takes %s=%s', (name, value) => {
    expect([loadEnv({ MAIL_FROM: 'a@example.org', [name]: value })[name as 'SMTP_URL']].flat()).toEqual([value]);
  });

  it('wants a sender with a mail server, and says nothing of its password', () => {
    const message = refusal({ SMTP_URL: 'smtp://shop:hunter2@mail.example.org:587' });
    expect(message).toContain('MAIL_FROM must');
    expect(message).not.toContain('hunter2');
  });

  it('names every variable that is wrong at once, and shows no value', () => {
    const message = refusal({
      NODE_ENV: 'production',
      DATABASE_URL: 'mysql://app:hunter2@db/ashlar',
      JWT_PRIVATE_KEYS: 'c2VjcmV0LXNpZ25pbmcta2V5',
      ENCRYPTION_KEYS: 'c2VjcmV0',
      PORT: 'hunter3',
    });
    for (const name of ['DATABASE_URL', 'JWT_PRIVATE_KEYS', 'ENCRYPTION_KEYS', 'PORT', 'PUBLIC_URL']) expect(message).toContain(name);
    expect(message).not.toMatch(/hunter|c2VjcmV0|mysql/);
  });
});

describe('a variable given as a file', () => {
  it('is read from it, without the line end', () => {
    expect(loadEnv({ DATABASE_URL_FILE: file('url', 'postgres://app:pw@db/a\n') }).DATABASE_URL).toBe('postgres://app:pw@db/a');
  });

  it('is refused when the variable itself is set, too', () => {
    expect(refusal({ PORT: '3000', PORT_FILE: file('port', '3001') })).toContain('PORT and PORT_FILE are both set');
  });

  it('is refused when the file cannot be read, without showing where it should be', () => {
    const message = refusal({ ENCRYPTION_KEYS_FILE: join(folder, 'absent') });
    expect(message).toContain('ENCRYPTION_KEYS_FILE must name a readable file');
    expect(message).not.toContain(folder);
  });

  it('follows the same rules', () => {
    const message = refusal({ PORT_FILE: file('bad port', 'hunter2') });
    expect(message).toContain('PORT must');
    expect(message).not.toContain('hunter2');
  });
});

describe('production', () => {
  it('starts with what it must be given, and listens everywhere', () => {
    expect(loadEnv(PRODUCTION)).toMatchObject({ HOST: '0.0.0.0', isProduction: true, DOCS: 'staff', PAYMENTS_SANDBOX: 'off' });
  });

  it.each(['PUBLIC_URL', 'DATABASE_URL', 'JWT_PRIVATE_KEYS', 'ENCRYPTION_KEYS'] as const)('is refused without %s', (name) => {
    expect(refusal({ ...PRODUCTION, [name]: undefined })).toContain(name);
    expect(refusal({ ...PRODUCTION, [name]: ' ' })).toContain(name);
  });
});

describe('.env.example', () => {
  const lines = readFileSync('.env.example', 'utf8').split('\n');
  const listed = lines.flatMap((line) => {
    const [, name, value] = /^# ([A-Z][A-Z0-9_]+)=(.*)$/.exec(line) ?? [];
    return name === undefined ? [] : [[name, value]];
  });
  const settings = Object.entries(new Env() as unknown as Record<string, string | number | string[] | undefined>);
  const isTuning = ([name]: (typeof settings)[number]) => Object.hasOwn(new Tuning(), name);
  const defaults = [...settings.filter((setting) => !isTuning(setting)), ...settings.filter(isTuning)].map(([name, value]) => [
    name,
    String(value ?? ''),
  ]);

  it('lists the variables of Env with their defaults, in its order, and sets none', () => {
    expect(listed).toEqual(defaults);
    expect(lines.filter((line) => line !== '' && !line.startsWith('#'))).toEqual([]);
  });

  it('says what each is for', () => {
    expect(lines.filter((line, place) => /^# ?[A-Z][A-Z0-9_]+=/.test(line) && !/^# +\S/.test(lines[place - 1] ?? ''))).toEqual([]);
  });
});
