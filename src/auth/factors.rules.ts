import { createHash, randomInt } from 'node:crypto';
import { Secret, TOTP } from 'otpauth';

/** What can be the second step of a log-in. */
export type FactorMethod = 'totp' | 'recovery-code' | 'passkey';

/** Whether a role of theirs asks for a second factor, and they have none. */
export function lacksFactor(user: { roles: readonly string[]; mfaEnabled: boolean }, requiredRoles: readonly string[]): boolean {
  return !user.mfaEnabled && user.roles.some((role) => requiredRoles.includes(role));
}

const PERIOD_SECONDS = 30;
const DRIFT_STEPS = 1; // RFC 6238, 5.2: a clock that is off by one step, and whoever types slowly
const SIX_DIGITS = /^[0-9]{6}$/;
const SECRET_BYTES = 20; // RFC 4226, 4 (R6)

/** The secret of an authenticator app in base32 (RFC 4648), which is how people type it. */
export function newTotpSecret(): string {
  return new Secret({ size: SECRET_BYTES }).base32;
}

/** What an authenticator app reads from a QR code (Google's Key URI format). */
export function otpauthUrl(secret: string, { issuer, account }: { issuer: string; account: string }): string {
  return totpOf(secret, { issuer, label: account }).toString();
}

/** The time step (RFC 6238, 4.2) whose code this is: the current one, the one before or the one after; null for any other code. */
export function timeStepOf(secret: string, code: string, now: Date): number | null {
  if (!SIX_DIGITS.test(code)) return null; // the library throws at digits of other scripts
  const delta = totpOf(secret).validate({ token: code, timestamp: now.getTime(), window: DRIFT_STEPS });
  return delta === null ? null : Math.floor(now.getTime() / 1_000 / PERIOD_SECONDS) + delta;
}

function totpOf(secret: string, names: { issuer?: string; label?: string } = {}): TOTP {
  return new TOTP({ ...names, secret: Secret.fromBase32(secret), algorithm: 'SHA1', digits: 6, period: PERIOD_SECONDS });
}

export const RECOVERY_CODES = 10;
const ALPHABET = '23456789abcdefghjkmnpqrstvwxyz'; // no 0 o, 1 i l, no u beside v: what people confuse when they copy by hand
const GROUPS = 7;
const GROUP_LENGTH = 4;

/** `k7wq-39fa-…`: 28 characters, 137 bits, so that a fast hash is enough (ASVS 6.5.2). */
export function newRecoveryCode(): string {
  const group = () => Array.from({ length: GROUP_LENGTH }, () => ALPHABET[randomInt(ALPHABET.length)]).join('');
  return Array.from({ length: GROUPS }, group).join('-');
}

/** What is kept of a recovery code: SHA-256 of it and of whose it is, however it was typed. */
export function recoveryCodeHash(userId: string, code: string): Buffer<ArrayBuffer> {
  const bare = code.toLowerCase().replace(/[\s-]/g, '');
  return Buffer.from(createHash('sha256').update(`${userId} ${bare}`).digest());
}
