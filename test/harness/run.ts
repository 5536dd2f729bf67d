import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** What the global set-up left for the workers. */
function published(name: string): string {
  const value = process.env[name];
  if (value === undefined)
    throw new Error(`${name} is not set: tests that need the database belong to a Jest project with the global set-up of test/harness.`);
  return value;
}

/** The migrated database that others are cloned from; nobody connects to it. */
export const templateUrl = () => published('ASHLAR_TEST_TEMPLATE_URL');

/** The folder of the product that was built for this run. */
export const productFolder = () => published('ASHLAR_TEST_PRODUCT');

/** The settings of an Ashlar under test; the same for those that run in this process and those that do not, so that they share keys. */
export function testSettings(databaseUrl: string): Record<string, string> {
  return {
    NODE_ENV: 'test',
    PUBLIC_URL: 'http://localhost',
    LOG_LEVEL: 'silent',
    DATA_DIR: published('ASHLAR_TEST_DATA_DIR'),
    DATABASE_URL: databaseUrl,
    RATE_LIMIT_REQUESTS_PER_MINUTE: '1000000',
    COMMENTS_PER_MINUTE: '1000000',
    LIKES_PER_MINUTE: '1000000',
    REPORTS_PER_MINUTE: '1000000',
    COUPON_GUESSES_PER_HOUR: '1000000',
    CARTS_PER_HOUR: '1000000',
    GUEST_ORDERS_PER_HOUR: '1000000',
    AUTH_REGISTRATIONS_PER_HOUR: '1000000',
    AUTH_MAIL_REQUESTS_PER_HOUR: '1000000',
    SHUTDOWN_DRAIN_SECONDS: '0',
  };
}

/** The key that signs access tokens in this run, as PKCS#8 PEM; there once an application has started. */
export const signingKey = (): string =>
  Buffer.from(readFileSync(join(published('ASHLAR_TEST_DATA_DIR'), 'keys/jwt-private-key'), 'utf8'), 'base64').toString('utf8');

/** What decides which requests are made up: the same ones every time, unless CONTRACT_SEED is another whole number. */
export function seedOfGeneratedTests(): number {
  const seed = Number(process.env.CONTRACT_SEED ?? 20_260_101);
  if (!Number.isInteger(seed)) throw new Error('CONTRACT_SEED must be a whole number.');
  return seed;
}

/** The key that encrypts what is stored in this run, in base64; there once an application has started. */
export const encryptionKey = (): string => readFileSync(join(published('ASHLAR_TEST_DATA_DIR'), 'keys/encryption-key'), 'utf8').trim();
