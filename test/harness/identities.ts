import { createHash, randomBytes } from 'node:crypto';
import { OneTimeTokensService } from '../../src/auth/one-time-tokens.service.js';
import type { Profile } from '../../src/auth/oauth.rules.js';
import type { TestApp } from './app.js';
import { type Person, unique } from './people.js';

/** Settings of an Ashlar that people may sign in to with `acme`, which nobody has to reach for a sign-in to begin. */
export const WITH_ACME = {
  OAUTH_PROVIDERS: JSON.stringify({ acme: { kind: 'github', clientId: 'ashlar', clientSecret: 'between us' } }),
  OAUTH_RETURN_URLS: 'https://app.example.com/signed-in',
};

/** What a sign-in begins with, and the verifier that stays with the client. */
export function aStart() {
  const verifier = randomBytes(32).toString('base64url');
  const challenge = createHash('sha256').update(verifier).digest('base64url');
  return { returnTo: WITH_ACME.OAUTH_RETURN_URLS, challenge, verifier };
}

/** What a client has when its user is back from a provider: to sign in with, or to link to somebody's account by this session of theirs. */
export async function aCode(app: TestApp, by?: Pick<Person, 'id' | 'sessionId'>, more: Partial<Profile> = {}) {
  const { verifier, challenge } = aStart();
  const subject = unique();
  const profile = {
    provider: 'acme',
    issuer: 'https://github.com',
    subject,
    email: `${subject}@example.org`,
    emailVerified: true,
    name: null,
  };
  const code = await app.get(OneTimeTokensService).issue({
    purpose: by ? 'oauth:link' : 'oauth:login',
    ...(by && { userId: by.id }),
    data: { challenge, profile: { ...profile, ...more }, ...(by && { sessionId: by.sessionId }) },
    seconds: 60,
  });
  return { code, verifier };
}
