import { createHash, createHmac, timingSafeEqual } from 'node:crypto';

/** Who somebody is elsewhere, as the provider says it. */
export interface Profile {
  provider: string;
  issuer: string;
  subject: string;
  /** Normalised as ours are; null when the provider tells none. */
  email: string | null;
  /** Whether the provider says, and is trusted to say, that the address is this person's. */
  emailVerified: boolean;
  name: string | null;
  /** When the provider asked who they are (`auth_time`, in seconds); left out when it does not say. */
  provenAtSeconds?: number;
}

/** A session is as fresh as the provider's own proof: one that was let through by an old session there is none. Who does not say is believed. */
export function provenAt({ provenAtSeconds }: Pick<Profile, 'provenAtSeconds'>, now: Date): Date {
  return provenAtSeconds === undefined ? now : new Date(Math.min(now.getTime(), Math.max(0, provenAtSeconds * 1_000)));
}

/** What a sign-in with an identity that nobody has linked comes to. */
export type Verdict = 'link' | 'create' | 'refuse-unproven' | 'refuse-taken' | 'refuse-nameless' | 'refuse-suspended';

/**
 * An address proves whose account it is only if both sides have proven it: a provider that has not lets anybody claim it there, and an
 * account that has not may have been planted here, with a password and sessions of somebody else's (CVE-2026-53516, GHSA-qq9h-g4jm-xgf3).
 */
export function verdictOn(
  { email, emailVerified }: Pick<Profile, 'email' | 'emailVerified'>,
  account: { emailVerifiedAt: Date | null; status: string } | null,
  verification: 'optional' | 'required',
): Verdict {
  if (email === null) return 'refuse-nameless';
  // Said before anything is said of the account, so that unproven addresses cannot be asked for.
  if (!emailVerified && verification === 'required') return 'refuse-nameless';
  if (account === null) return 'create';
  if (!emailVerified || account.emailVerifiedAt === null) return emailVerified ? 'refuse-unproven' : 'refuse-taken';
  return account.status === 'active' ? 'link' : 'refuse-suspended';
}

/** PKCE verifier and nonce of a sign-in follow from its state, so they are stored nowhere; only who has the key can tell them. */
export function secretsOf(key: Buffer, state: string): { verifier: string; nonce: string } {
  const of = (what: string) => createHmac('sha256', key).update(`${what} ${state}`).digest('base64url');
  return { verifier: of('verifier'), nonce: of('nonce') };
}

/** RFC 7636, 4.6: whether a verifier is the one whose S256 challenge was given at the start. */
export function provesChallenge(verifier: string, challenge: string): boolean {
  const made = createHash('sha256').update(verifier, 'ascii').digest();
  const given = Buffer.from(challenge, 'base64url');
  return given.length === made.length && timingSafeEqual(made, given);
}

/** Why a client gets no code, in the words of RFC 6749, 4.1.2.1. */
export type ReturnError = 'access_denied' | 'temporarily_unavailable' | 'server_error';

/** Where the browser goes back to: the client's own URL, with what has come of it. */
export function returnUrl(returnTo: string, outcome: { code: string } | { error: ReturnError }): string {
  const url = new URL(returnTo);
  for (const [name, value] of Object.entries(outcome)) url.searchParams.set(name, String(value));
  return url.href;
}

/** The cookie that ties a sign-in to the browser it began in. Without TLS (development) no browser takes the prefix. */
export const cookieName = (publicUrl: string): string => (publicUrl.startsWith('https:') ? '__Host-ashlar-oauth' : 'ashlar-oauth');

/** SameSite=Lax: the provider sends the browser back by a navigation. */
export function browserCookie(publicUrl: string, value: string, seconds: number): string {
  const secure = publicUrl.startsWith('https:') ? '; Secure' : '';
  return `${cookieName(publicUrl)}=${value}; Path=/; Max-Age=${seconds}; HttpOnly; SameSite=Lax${secure}`;
}

/** What the browser's cookie says; null without one that can be ours. */
export function browserOf(publicUrl: string, header: string | undefined): string | null {
  const name = `${cookieName(publicUrl)}=`;
  const values = (header ?? '')
    .split(';')
    .map((pair) => pair.trim())
    .filter((pair) => pair.startsWith(name))
    .map((pair) => pair.slice(name.length));
  return values.length === 1 && /^[\w-]{43}$/.test(values[0]!) ? values[0]! : null;
}

const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null;

/**
 * What a provider says of somebody, in our form: what is no address of ours (`isAddress` tells, of one in small letters) is none, and a name that
 * is none is left out. Null for who has no subject.
 */
export function profileOf(
  provider: { id: string; trustEmail: boolean },
  said: { issuer: string; subject: unknown; email?: unknown; emailVerified?: unknown; name?: unknown; authTime?: unknown },
  isAddress: (text: string) => boolean,
): Profile | null {
  const { issuer, subject, email, emailVerified, name, authTime } = said;
  if (typeof subject !== 'string' || subject.length < 1 || subject.length > 255 || /[\0\ud800-\udfff]/u.test(subject)) return null;
  const address = typeof email === 'string' ? email.trim().normalize('NFC').toLowerCase() : '';
  const known = address.length <= 254 && isAddress(address);
  const line =
    typeof name === 'string'
      ? name
          .replace(/[\s\p{C}]+/gu, ' ')
          .trim()
          .normalize('NFC')
      : '';
  return {
    provider: provider.id,
    issuer,
    subject,
    email: known ? address : null,
    // Apple says it as a text.
    emailVerified: known && provider.trustEmail && (emailVerified === true || emailVerified === 'true'),
    name: [...line].slice(0, 100).join('').trim() || null,
    ...(typeof authTime === 'number' && { provenAtSeconds: authTime }),
  };
}

/** What a new account is called whose provider tells no name. */
export const nameFor = ({ name, email }: Profile): string => name ?? email?.split('@')[0] ?? '';

/** The address that GitHub calls primary, of its list of a user's addresses. */
export function primaryAddress(list: unknown): { email?: unknown; emailVerified?: unknown } {
  const primary = Array.isArray(list) ? (list as unknown[]).find((entry) => isRecord(entry) && entry['primary'] === true) : undefined;
  return isRecord(primary) ? { email: primary['email'], emailVerified: primary['verified'] } : {};
}
