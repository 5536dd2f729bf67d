import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type Browser, launch, type Page } from 'puppeteer-core';
import type { TokensResponse } from '../../src/auth/auth.dto.js';
import type { RegisteredPasskeyResponse } from '../../src/auth/passkeys.dto.js';
import { startApp, type TestApp } from '../harness/app.js';
import { CHROMIUM } from '../harness/chromium.js';
import { aUser, type Person } from '../harness/people.js';
import type { Wire } from '../harness/wire.js';

/** The browser application: what a team would write, without a framework. */
const PAGE = `<!doctype html><title>Passkeys</title><script type="module">
  const call = async (path, { token, body } = {}) => {
    const headers = { ...(token && { authorization: 'Bearer ' + token }), ...(body && { 'content-type': 'application/json' }) };
    const answer = await fetch(window.API + '/api/v1/auth/' + path, { method: 'POST', headers, body: body && JSON.stringify(body) });
    return { status: answer.status, body: answer.status === 204 ? null : await answer.json() };
  };
  const assert = async () => {
    const { body } = await call('passkeys/login/options');
    const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(body);
    return (await navigator.credentials.get({ publicKey })).toJSON();
  };
  window.register = async (token, name) => {
    const { body } = await call('passkeys/registration/options', { token });
    const publicKey = PublicKeyCredential.parseCreationOptionsFromJSON(body);
    const credential = await navigator.credentials.create({ publicKey });
    return call('passkeys/registration', { token, body: { ...credential.toJSON(), name } });
  };
  window.login = async () => call('passkeys/login', { body: await assert() });
  window.finish = async (mfaToken) => call('login/mfa', { body: { mfaToken, ...(await assert()) } });
  window.stepUp = async (token) => call('step-up', { token, body: await assert() });
</script>`;

/** What the page offers to the test. */
interface Ceremonies {
  API: string;
  register(token: string, name: string): Promise<Result<Wire<RegisteredPasskeyResponse>>>;
  login(): Promise<Result<Wire<TokensResponse>>>;
  finish(mfaToken: string): Promise<Result<Wire<TokensResponse>>>;
  stepUp(token: string): Promise<Result<null>>;
}
interface Result<Body> {
  status: number;
  body: Body;
}

let site: Server;
let app: TestApp;
let browser: Browser;
let person: Person;

beforeAll(async () => {
  site = createServer((_, answer) => answer.setHeader('content-type', 'text/html').end(PAGE)).listen(0, '127.0.0.1');
  await once(site, 'listening');
  app = await startApp({ CORS_ORIGINS: originOfSite() });
  browser = await launch(CHROMIUM);
  person = await aUser(app);
}, 120_000);

afterAll(async () => {
  await browser?.close();
  await app?.close();
  site?.close();
});

const originOfSite = () => `http://localhost:${(site.address() as AddressInfo).port}`;

/** The page in a browser of its own, with an authenticator that verifies its user when it is asked to. */
async function open({ verifies = true }: { verifies?: boolean } = {}): Promise<{ page: Page; copyTo(other: Page): Promise<void> }> {
  const page = await (await browser.createBrowserContext()).newPage();
  await page.goto(originOfSite());
  await page.evaluate((api) => ((globalThis as unknown as Ceremonies).API = api), app.url);
  const devtools = await page.createCDPSession();
  await devtools.send('WebAuthn.enable');
  const options = { protocol: 'ctap2', transport: 'internal', hasResidentKey: true, hasUserVerification: true } as const;
  const { authenticatorId } = await devtools.send('WebAuthn.addVirtualAuthenticator', {
    options: { ...options, isUserVerified: verifies, automaticPresenceSimulation: true },
  });
  const copyTo = async (other: Page) => {
    const { credentials } = await devtools.send('WebAuthn.getCredentials', { authenticatorId });
    const session = await other.createCDPSession();
    await session.send('WebAuthn.enable');
    const copy = await session.send('WebAuthn.addVirtualAuthenticator', {
      options: { ...options, isUserVerified: true, automaticPresenceSimulation: true },
    });
    for (const credential of credentials)
      await session.send('WebAuthn.addCredential', { authenticatorId: copy.authenticatorId, credential: { ...credential, signCount: 1 } });
  };
  return { page, copyTo };
}

const register = (page: Page, token: string) =>
  page.evaluate((own) => (globalThis as unknown as Ceremonies).register(own, 'This browser'), token);
const login = (page: Page) => page.evaluate(() => (globalThis as unknown as Ceremonies).login());

describe('a real browser', () => {
  it('registers a passkey and logs in with it, from an origin of CORS_ORIGINS', async () => {
    const { page } = await open();
    const registered = await register(page, person.accessToken);
    expect(registered).toMatchObject({ status: 201, body: { name: 'This browser', transports: ['internal'] } });
    expect(registered.body.recoveryCodes).toHaveLength(10);
    for (let time = 0; time < 2; time++) {
      const answer = await login(page);
      expect(answer).toMatchObject({ status: 200, body: { user: { id: person.id, mfaEnabled: true } } });
      expect((await app.request('GET', 'users/me', { token: answer.body.accessToken })).status).toBe(200);
    }
    await expect(register(page, person.accessToken)).rejects.toThrow(/InvalidStateError|previously registered|already/i); // excludeCredentials
  }, 60_000);

  it('finishes a log-in that a password began, and steps a session up', async () => {
    const by = await aUser(app);
    const { page } = await open();
    await register(page, by.accessToken);
    const { body } = await app.request<{ mfaToken: string }>('POST', 'auth/login', { body: { email: by.email, password: by.password } });
    const finished = await page.evaluate((token) => (globalThis as unknown as Ceremonies).finish(token), body.mfaToken);
    expect(finished).toMatchObject({ status: 200, body: { user: { id: by.id } } });
    const stepped = await page.evaluate((token) => (globalThis as unknown as Ceremonies).stepUp(token), by.accessToken);
    expect(stepped).toEqual({ status: 204, body: null });
  }, 60_000);

  it('registers nothing where its user is not verified', async () => {
    const by = await aUser(app);
    const { page } = await open({ verifies: false });
    await expect(register(page, by.accessToken)).rejects.toThrow(/NotAllowedError|not allowed|timed out/i);
  }, 60_000);

  it('is refused with a copy of a passkey that has counted less', async () => {
    const by = await aUser(app);
    const [original, thief] = [await open(), await (await browser.createBrowserContext()).newPage()];
    await register(original.page, by.accessToken);
    for (let time = 0; time < 3; time++) expect((await login(original.page)).status).toBe(200);
    await thief.goto(originOfSite());
    await thief.evaluate((api) => ((globalThis as unknown as Ceremonies).API = api), app.url);
    await original.copyTo(thief);
    expect(await login(thief)).toMatchObject({ status: 401, body: { code: 'auth/invalid-passkey' } });
  }, 60_000);
});
