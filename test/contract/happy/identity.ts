import { aCode, aStart } from '../../harness/identities.js';
import { RESET_PASSWORD, VERIFY_EMAIL } from '../../../src/auth/account-mails.service.js';
import { FactorsService } from '../../../src/auth/factors.service.js';
import { MfaTokensService } from '../../../src/auth/mfa-tokens.service.js';
import type { PasskeyCreationOptions } from '../../../src/auth/passkeys.dto.js';
import { UsersService } from '../../../src/users/users.service.js';
import { type OneTimePurpose, OneTimeTokensService } from '../../../src/auth/one-time-tokens.service.js';
import { Authenticator } from '../../harness/authenticator.js';
import { anAssertion, aPasskey, aTotp, codeOf } from '../../harness/factors.js';
import { actorOf, anAdmin, aUser, type Person, unique } from '../../harness/people.js';
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
    'factors.stepUp': async () => {
      const [by, another] = [await aUser(app), await aUser(app)];
      const { authenticator } = await aPasskey(product, by);
      const { secret } = await aTotp(app, by);
      return [
        { by: another, body: { password: another.password } },
        { by, body: { code: codeOf(secret) } },
        { by, body: await anAssertion(product, authenticator) },
      ];
    },
    'factors.finishLogin': async () => {
      const by = await aUser(app);
      const { authenticator } = await aPasskey(product, by);
      const { secret, recoveryCodes } = await aTotp(app, by);
      const begin = async () => ({
        mfaToken: (await app.get(MfaTokensService).issue(await app.get(UsersService).me(actorOf(by)), { by: 'password' })).mfaToken,
      });
      return [
        { body: { ...(await begin()), code: codeOf(secret) } },
        { body: { ...(await begin()), recoveryCode: recoveryCodes[0] } },
        { body: { ...(await begin()), ...(await anAssertion(product, authenticator)) } },
      ];
    },
    'factors.beginTotp': async () => [{ by: await aUser(app) }],
    'factors.confirmTotp': async () => {
      const by = await aUser(app);
      const { secret } = await app.get(FactorsService).beginTotp(actorOf(by));
      return [{ by, body: { code: codeOf(secret) } }];
    },
    'factors.removeTotp': async () => {
      const by = await aUser(app);
      await aTotp(app, by);
      return [{ by }];
    },
    'factors.renewRecoveryCodes': async () => {
      const by = await aUser(app);
      await aTotp(app, by);
      return [{ by }];
    },
    'factors.reset': async () => [{ by: await anAdmin(app), params: { id: (await aUser(app)).id } }],
    'passkeys.registrationOptions': async () => [{ by: await aUser(app) }],
    'passkeys.register': async () => {
      const by = await aUser(app);
      const { body } = await product.request<PasskeyCreationOptions>('POST', 'auth/passkeys/registration/options', {
        token: by.accessToken,
      });
      return [{ by, body: { ...new Authenticator().create(body), name: 'My phone' } }];
    },
    'passkeys.loginOptions': async () => [{}],
    'passkeys.login': async () => {
      const { authenticator } = await aPasskey(product, await aUser(app));
      return [{ body: await anAssertion(product, authenticator) }];
    },
    'passkeys.list': async () => {
      const by = await aUser(app);
      await aPasskey(product, by);
      return [{ by }];
    },
    'passkeys.remove': async () => {
      const by = await aUser(app);
      return [{ by, params: { id: (await aPasskey(product, by)).passkey.id } }];
    },
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
