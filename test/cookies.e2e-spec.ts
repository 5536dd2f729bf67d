import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { CsrfResponse, TokensResponse } from '../src/auth/auth.dto.js';
import { startApp, type TestApp } from './harness/app.js';
import type { Answer } from './harness/client.js';
import { aUser, PASSWORD, type Person, unique } from './harness/people.js';
import { type Product, startProcess, stopProcesses } from './harness/product.js';

const ACCESS = '__Host-ashlar-access';
const REFRESH = '__Host-ashlar-refresh';

let app: TestApp;
let other: Product;
beforeAll(async () => {
  app = await startApp({ CORS_ORIGINS: 'https://app.example.com' });
  other = await startProcess({ databaseUrl: app.databaseUrl });
}, 60_000);
afterAll(async () => {
  await stopProcesses();
  await app.close();
});

/** A browser: what cookies it has, and the CSRF token its page was told. */
interface Browser {
  cookies: Record<string, string>;
  csrf?: string;
}

const cookiesOf = ({ headers }: Answer<unknown>) =>
  Object.fromEntries([...(headers['set-cookie'] ?? '').matchAll(/(__Host-[\w-]+)=([^;,]*)/g)].map(([, name, value]) => [name!, value!]));
const headersOf = ({ cookies, csrf }: Browser) => ({
  cookie: Object.entries(cookies)
    .map(([name, value]) => `${name}=${value}`)
    .join('; '),
  ...(csrf !== undefined && { 'x-csrf-token': csrf }),
});
const call = (browser: Browser, method: string, path: string, body?: unknown, at: Pick<TestApp, 'request'> = app) =>
  at.request(method, path, { headers: headersOf(browser), ...(body !== undefined && { body }) });

async function logIn({ email }: Person): Promise<Browser> {
  const answer = await app.request('POST', 'auth/login', { body: { email, password: PASSWORD, transport: 'cookie' } });
  const browser: Browser = { cookies: cookiesOf(answer) };
  const { body } = await app.request<CsrfResponse>('GET', 'auth/csrf', { headers: headersOf(browser) });
  return { ...browser, csrf: body.csrfToken };
}

describe('a session in cookies', () => {
  it('hands its tokens to no script', async () => {
    const { email } = await aUser(app);
    const answer = await app.request<TokensResponse>('POST', 'auth/login', { body: { email, password: PASSWORD, transport: 'cookie' } });
    expect([answer.status, Object.keys(answer.body).sort()]).toEqual([200, ['expiresIn', 'user']]);
    const set = answer.headers['set-cookie']!.split(/,(?=__Host-)/);
    expect(set.map((text) => text.split('=', 1)[0])).toEqual([ACCESS, REFRESH]);
    for (const text of set)
      expect(text.split('; ').slice(1)).toEqual([
        expect.stringMatching(/^Max-Age=\d+$/),
        'Path=/',
        'HttpOnly',
        'Secure',
        'SameSite=Strict',
      ]);
  });

  it('begins with the account, too', async () => {
    const person = { email: `c-${unique()}@example.org`, name: 'Grace Hopper', password: 'six yellow lanterns over water' };
    const answer = await app.request('POST', 'auth/register', { body: { ...person, transport: 'cookie' } });
    expect([answer.status, Object.keys(cookiesOf(answer))]).toEqual([201, [ACCESS, REFRESH]]);
    expect((await call({ cookies: cookiesOf(answer) }, 'GET', 'users/me')).body).toMatchObject({ email: person.email });
  });

  it('reads by its cookie, and changes only with its CSRF token, in every process', async () => {
    const browser = await logIn(await aUser(app));
    for (const at of [app, other]) {
      expect((await call({ cookies: browser.cookies }, 'GET', 'users/me', undefined, at)).status).toBe(200);
      expect(await call({ cookies: browser.cookies }, 'PATCH', 'users/me', { name: 'Forged' }, at)).toMatchObject({
        status: 403,
        body: { code: 'auth/csrf-token-invalid' },
      });
      expect((await call(browser, 'PATCH', 'users/me', { name: 'Ada King' }, at)).status).toBe(200);
    }
  });

  it.each(['PUT', 'DELETE', 'POST', 'PATCH'])('lets no page forge a %s', async (method) => {
    const [browser, eve] = [await logIn(await aUser(app)), await logIn(await aUser(app))];
    const path = { PUT: 'notifications/read', DELETE: 'auth/sessions', POST: 'posts', PATCH: 'users/me' }[method]!;
    const tokens = [
      undefined,
      '',
      'undefined',
      eve.csrf!,
      browser.csrf!.slice(0, -1),
      `${browser.csrf!}A`,
      browser.csrf!.replace(/^./, (first) => (first === '_' ? '-' : '_')),
    ];
    for (const csrf of tokens) {
      const { status, body } = await call({ cookies: browser.cookies, ...(csrf !== undefined && { csrf }) }, method, path, {});
      expect([csrf, status, body.code]).toEqual([csrf, 403, 'auth/csrf-token-invalid']);
    }
  });

  it('is what a header says, where there is one', async () => {
    const [ada, eve] = [await aUser(app), await logIn(await aUser(app))];
    const headers = { ...headersOf({ cookies: eve.cookies }), authorization: `Bearer ${ada.accessToken}` };
    expect((await app.request('PATCH', 'users/me', { headers, body: { name: 'Ada King' } })).body).toMatchObject({
      id: ada.id,
      name: 'Ada King',
    });
    expect((await app.request('GET', 'users/me', { headers: { ...headers, authorization: 'Bearer x' } })).status).toBe(401);
  });

  it('goes on by its cookie, with its CSRF token', async () => {
    const browser = await logIn(await aUser(app));
    const refresh = (of: Browser) => call(of, 'POST', 'auth/refresh', { transport: 'cookie' });
    expect((await refresh({ cookies: browser.cookies })).body.code).toBe('auth/csrf-token-invalid');
    const answer = await refresh({ ...browser, cookies: { [REFRESH]: browser.cookies[REFRESH]! } }); // the other one has run out
    const next = cookiesOf(answer);
    expect([answer.status, Object.keys(answer.body).sort()]).toEqual([200, ['expiresIn', 'user']]);
    expect(next[REFRESH]).not.toBe(browser.cookies[REFRESH]);
    expect((await call({ cookies: next, csrf: browser.csrf! }, 'PATCH', 'users/me', { name: 'Ada King' })).status).toBe(200);
    expect((await refresh({ cookies: {} })).body.code).toBe('auth/invalid-refresh-token');
    expect((await call(browser, 'POST', 'auth/refresh', {})).body.code).toBe('http/validation-failed');
  });

  it('ends with its cookies', async () => {
    const browser = await logIn(await aUser(app));
    const answer = await call(browser, 'POST', 'auth/logout');
    expect(answer.status).toBe(204);
    expect(cookiesOf(answer)).toEqual({ [ACCESS]: '', [REFRESH]: '' });
    expect((await call(browser, 'GET', 'users/me')).body.code).toBe('auth/invalid-token');
  });

  it('opens streams, and sees what a stranger does not', async () => {
    const ada = await aUser(app);
    const browser = await logIn(ada);
    expect((await call({ cookies: browser.cookies }, 'GET', 'events/stream')).status).toBe(200);
    const { body: post } = await app.request<{ id: string }>('POST', 'posts', {
      headers: headersOf(browser),
      body: { title: `Draft ${unique()}`, body: 'Not yet.' },
    });
    expect((await app.request('GET', `posts/${post.id}`)).status).toBe(404);
    const own = await call({ cookies: browser.cookies }, 'GET', `posts/${post.id}`);
    expect([own.status, own.headers['cache-control']]).toEqual([200, 'no-store']);
    expect((await app.request('GET', 'posts')).headers.vary).toContain('Cookie');
  });

  it('is nothing that other cookies or spellings are taken for', async () => {
    const { accessToken } = await aUser(app);
    for (const cookie of [
      `access=${accessToken}`,
      `__host-ashlar-access=${accessToken}`,
      `x${ACCESS}=${accessToken}`,
      `${ACCESS}=`,
      `${ACCESS}=%`,
    ])
      expect([cookie, (await app.request('GET', 'users/me', { headers: { cookie } })).status]).toEqual([cookie, 401]);
  });

  it('may be used by the origins that are named, and by no other', async () => {
    const headers = {
      origin: 'https://app.example.com',
      'access-control-request-method': 'PATCH',
      'access-control-request-headers': 'x-csrf-token',
    };
    expect((await app.request('OPTIONS', 'users/me', { headers })).headers).toMatchObject({
      'access-control-allow-origin': 'https://app.example.com',
      'access-control-allow-credentials': 'true',
      'access-control-allow-headers': 'x-csrf-token',
    });
    const evil = await app.request('OPTIONS', 'users/me', { headers: { ...headers, origin: 'https://app.example.com.evil.example' } });
    expect(evil.headers['access-control-allow-origin']).toBeUndefined();
  });
});
