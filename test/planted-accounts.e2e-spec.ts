import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { RESET_PASSWORD } from '../src/auth/account-mails.service.js';
import type { TokensResponse } from '../src/auth/auth.dto.js';
import { OneTimeTokensService } from '../src/auth/one-time-tokens.service.js';
import type { UserResponse } from '../src/users/users.dto.js';
import { startApp, type TestApp } from './harness/app.js';
import { eventually } from './harness/eventually.js';
import { anAssertion, aPasskey, aTotp } from './harness/factors.js';
import { aCode, WITH_ACME } from './harness/identities.js';
import { anAdmin, aUser, type Person, unique } from './harness/people.js';

const CHOSEN = 'six yellow lanterns over water';

let app: TestApp;
beforeAll(async () => {
  app = await startApp(WITH_ACME);
}, 60_000);
afterAll(() => app.close());

const reset = async ({ id: userId, email }: { id: string; email: string }) => {
  const token = await app.get(OneTimeTokensService).issue({ purpose: RESET_PASSWORD, userId, data: { email }, seconds: 60 });
  return app.request('POST', 'auth/password/reset', { body: { token, password: CHOSEN } });
};
const login = (email: string, password: string) => app.request<TokensResponse>('POST', 'auth/login', { body: { email, password } });

/** Every way of logging in that there is, of one account. */
async function everyWayInto(person: Person) {
  const provider = { subject: unique() };
  const linked = await app.request('POST', 'auth/identities', { token: person.accessToken, body: await aCode(app, person, provider) });
  const key = await app.request<{ key: string }>('POST', 'auth/api-keys', { token: person.accessToken, body: { name: 'spy', scopes: [] } });
  const { authenticator } = await aPasskey(app, person);
  await aTotp(app, person);
  expect([linked.status, key.status]).toEqual([201, 201]);
  return { provider, key: key.body.key, authenticator };
}

describe('an account that somebody has made with the address of somebody else', () => {
  it('lets nobody else in from the moment its owner proves the address (better-auth GHSA-qq9h-g4jm-xgf3)', async () => {
    const planted = await aUser(app);
    const ways = await everyWayInto(planted);
    expect((await app.request('GET', 'users/me', { token: ways.key })).status).toBe(200);
    expect((await reset(planted)).status).toBe(204);
    for (const token of [planted.accessToken, ways.key])
      await eventually(async () => (await app.request('GET', 'users/me', { token })).status === 401, 2_000);
    expect((await login(planted.email, planted.password)).status).toBe(401);
    expect((await app.request('POST', 'auth/refresh', { body: { refreshToken: planted.refreshToken } })).status).toBe(401);
    const passkey = await app.request('POST', 'auth/passkeys/login', { body: await anAssertion(app, ways.authenticator) });
    expect(passkey.status).toBe(401);
    const elsewhere = await app.request<TokensResponse>('POST', 'auth/oauth/exchange', {
      body: await aCode(app, undefined, ways.provider),
    });
    expect(elsewhere.body.user.id).not.toBe(planted.id);
    // Nor does anything keep its owner out: no authenticator app of somebody else's is asked for.
    const owner = await login(planted.email, CHOSEN);
    expect([owner.status, owner.body.user]).toEqual([
      200,
      expect.objectContaining({ id: planted.id, emailVerified: true, mfaEnabled: false }),
    ]);
  });

  it('is no such account once its address is confirmed: a reset leaves the other ways in', async () => {
    const ada = await aUser(app);
    await app.prisma.user.update({ where: { id: ada.id }, data: { emailVerifiedAt: new Date() } });
    const { provider, key } = await everyWayInto(ada);
    expect((await reset(ada)).status).toBe(204);
    expect((await app.request('GET', 'users/me', { token: key })).status).toBe(200);
    expect((await login(ada.email, CHOSEN)).body).toMatchObject({ mfaRequired: true });
    const elsewhere = await app.request('POST', 'auth/oauth/exchange', { body: await aCode(app, undefined, provider) });
    expect(elsewhere.body).toMatchObject({ mfaRequired: true }); // a second factor is asked for whichever way the first was proven
  });
});

describe('an invitation', () => {
  it('leads to a password, by the link that was sent', async () => {
    const admin = await anAdmin(app);
    const email = `i-${unique()}@example.org`;
    const invited = await app.request<UserResponse>('POST', 'users', { token: admin.accessToken, body: { email, name: 'Grace Hopper' } });
    expect(invited.status).toBe(201);
    const mail = await app.prisma.mail.findFirstOrThrow({ where: { userId: invited.body.id } });
    const links = await eventually(async () => {
      const answer = await app.request('GET', `/dev/mailbox/${mail.id}/links`);
      return answer.status === 200 && answer;
    });
    const [, token] = /reset-password#token=([\w-]+)/.exec(links.text) ?? [];
    expect((await app.request('POST', 'auth/password/reset', { body: { token, password: CHOSEN } })).status).toBe(204);
    expect((await login(email, CHOSEN)).body.user).toMatchObject({ email, emailVerified: true, name: 'Grace Hopper' });
  });
});
