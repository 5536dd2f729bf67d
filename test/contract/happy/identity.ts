import { aCode, aStart } from '../../harness/identities.js';
import { RESET_PASSWORD, VERIFY_EMAIL } from '../../../src/auth/account-mails.service.js';
import { type OneTimePurpose, OneTimeTokensService } from '../../../src/auth/one-time-tokens.service.js';
import { aUser, type Person, unique } from '../../harness/people.js';
import type { World } from '../nouns.js';
import type { Happy, HappyCalls } from './happy.js';

/** Calls that ought to succeed, of the ways of logging in. */
export function happyCallsOfIdentity({ app, product }: World): HappyCalls {
  /** Where a sign-in with an account elsewhere begins. */
  const aSignIn = () => {
    const { returnTo, challenge } = aStart();
    return new URLSearchParams({ returnTo, challenge }).toString();
  };

  /** The way back of one that its user has cancelled, with the cookie of its browser. */
  const aWayBack = async (): Promise<Happy> => {
    const { headers } = await product.request('GET', `auth/oauth/acme?${aSignIn()}`);
    const state = new URL(headers['location']!).searchParams.get('state')!;
    const cookie = headers['set-cookie']!.split(';')[0]!;
    return { params: { provider: 'acme' }, query: `error=access_denied&state=${state}`, headers: { cookie } };
  };

  const anIdentity = async (by: Person): Promise<string> => {
    const body = await aCode(app, by);
    return (await product.request<{ id: string }>('POST', 'auth/identities', { token: by.accessToken, body })).body.id;
  };

  /** What the link of a mail would hold. */
  const aToken = (purpose: OneTimePurpose, { id: userId, email }: Person) =>
    app.get(OneTimeTokensService).issue({ purpose, userId, data: { email }, seconds: 60 });

  const HAPPY: HappyCalls = {
    'emails.verifyEmail': async () => [{ body: { token: await aToken(VERIFY_EMAIL, await aUser(app)) } }],
    'emails.resendVerification': async () => [
      { body: { email: (await aUser(app)).email } },
      { body: { email: `n-${unique()}@example.org` } },
    ],
    'emails.changeEmail': async () => [{ by: await aUser(app), body: { email: `n-${unique()}@example.org` } }],
    'emails.forgotPassword': async () => [{ body: { email: (await aUser(app)).email } }, { body: { email: `n-${unique()}@example.org` } }],
    'emails.resetPassword': async () => [
      { body: { token: await aToken(RESET_PASSWORD, await aUser(app)), password: 'six yellow lanterns over water' } },
    ],
    'oauth.list': async () => [{}],
    'oauth.start': async () => [{ params: { provider: 'acme' }, query: aSignIn() }],
    'oauth.finish': async () => [await aWayBack()],
    'oauth.exchange': async () => [{ body: await aCode(app) }],
    'identities.list': async () => {
      const by = await aUser(app);
      await anIdentity(by);
      return [{ by }];
    },
    'identities.begin': async () => {
      const { returnTo, challenge } = aStart();
      return [{ by: await aUser(app), params: { provider: 'acme' }, body: { returnTo, challenge } }];
    },
    'identities.link': async () => {
      const by = await aUser(app);
      return [{ by, body: await aCode(app, by) }];
    },
    'identities.unlink': async () => {
      const by = await aUser(app);
      const id = await anIdentity(by);
      return [{ by, params: { id, provider: id } }];
    },
  };
  return HAPPY;
}
