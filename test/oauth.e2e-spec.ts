import { createHash, randomBytes } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { TokensResponse } from '../src/auth/auth.dto.js';
import type { IdentityList, IdentityResponse } from '../src/auth/identities.dto.js';
import { startApp, type TestApp } from './harness/app.js';
import { Browser } from './harness/browser.js';
import type { Answer } from './harness/client.js';
import { query } from './harness/database.js';
import { eventually } from './harness/eventually.js';
import {
  type Account,
  aGithub,
  aLyingProvider,
  anOidcProvider,
  CLIENT,
  type Github,
  type LyingProvider,
} from './harness/identity-providers.js';
import { aSession, aUser, type Person, unique } from './harness/people.js';

const RETURN_TO = 'https://app.example.com/signed-in';
const WITH_QUERY = 'https://app.example.com/signed-in?from=ashlar';
const PUBLIC = 'http://localhost';

let app: TestApp;
let other: TestApp;
let oidc: Awaited<ReturnType<typeof anOidcProvider>>;
let liar: LyingProvider;
let github: Github;

beforeAll(async () => {
  [oidc, liar, github] = await Promise.all([anOidcProvider(`${PUBLIC}/api/v1/auth/oauth/acme/callback`), aLyingProvider(), aGithub()]);
  const providers = {
    acme: { ...CLIENT, issuer: oidc.url, name: 'Acme' },
    liar: { ...CLIENT, issuer: liar.url },
    doubted: { ...CLIENT, issuer: liar.url, trustEmail: false },
    github: { ...CLIENT, kind: 'github', issuer: github.url },
    nowhere: { ...CLIENT, issuer: 'http://127.0.0.1:1' },
  };
  const settings = {
    OAUTH_PROVIDERS: JSON.stringify(providers),
    OAUTH_RETURN_URLS: `${RETURN_TO},${WITH_QUERY}`,
    OAUTH_TIMEOUT_MS: '2000',
  };
  app = await startApp(settings);
  other = await startApp({ ...settings, DATABASE_URL: app.databaseUrl });
}, 60_000);

afterAll(async () => {
  await other?.close();
  await app?.close();
  await Promise.all([oidc, liar, github].map((server) => server?.close()));
});

beforeEach(() => void Object.assign(liar, { lie: {}, forge: false, answer: undefined }));

const sql = (text: string, ...values: unknown[]) => query<Record<string, unknown>>(app.databaseUrl, text, values);
const isReturn = (url: URL) => url.href.startsWith(RETURN_TO);
const aBrowser = (at: TestApp = app) => new Browser({ [PUBLIC]: at.url });
const anAccount = (more: Partial<Account> = {}): Account => {
  const sub = `s-${unique()}`;
  return { sub, email: `${sub}@example.org`, email_verified: true, name: 'Ada Lovelace', ...more };
};

const loginAs = (account: Account) => `login?as=${encodeURIComponent(JSON.stringify(account))}`;

/** What a client keeps to itself while its user is elsewhere. */
function aClient() {
  const verifier = randomBytes(32).toString('base64url');
  return { verifier, challenge: createHash('sha256').update(verifier).digest('base64url') };
}

const startUrl = (provider: string, { challenge }: { challenge: string }, returnTo = RETURN_TO) =>
  `${PUBLIC}/api/v1/auth/oauth/${provider}?${new URLSearchParams({ returnTo, challenge }).toString()}`;

/** Through the real provider, up to our callback, which is not opened yet. */
async function toCallback(browser: Browser, start: string, step: string): Promise<URL> {
  const page = await browser.follow(start, ({ pathname }) => pathname.startsWith('/interaction/'));
  return browser.follow(`${page.href}/${step}`, ({ pathname }) => pathname.endsWith('/callback'));
}

async function toCode(account: Account, client = aClient(), start = startUrl('acme', client)): Promise<{ code: string; verifier: string }> {
  const browser = aBrowser();
  const back = await browser.follow(await toCallback(browser, start, loginAs(account)), isReturn);
  return { code: back.searchParams.get('code')!, verifier: client.verifier };
}

const exchange = <Body = TokensResponse>(body: object, at: TestApp = app): Promise<Answer<Body>> =>
  at.request<Body>('POST', 'auth/oauth/exchange', { body });
const signIn = async (account: Account) => exchange(await toCode(account));
const refusal = async (account: Account) => exchange<{ code: string }>(await toCode(account));

/** By a provider that is no use beyond its answer: from the start to our callback's answer. */
async function answeredBy(provider: string, answer: (question: URLSearchParams) => Record<string, string>, client = aClient()) {
  const browser = aBrowser();
  const { location } = await browser.visit(startUrl(provider, client));
  const question = location!.searchParams;
  const members = { state: question.get('state')!, ...answer(question) };
  const callback = `${PUBLIC}/api/v1/auth/oauth/${provider}/callback?${new URLSearchParams(members).toString()}`;
  return { ...(await browser.visit(callback)), client, question, callback, browser };
}

const lieOf = (question: URLSearchParams, lie: Record<string, unknown> = {}) => {
  liar.lie = { nonce: question.get('nonce'), ...lie };
  return { code: 'c', iss: liar.url };
};

async function byLiar(lie: Record<string, unknown>, provider = 'liar') {
  const { location, client } = await answeredBy(provider, (question) => lieOf(question, lie));
  return { code: location!.searchParams.get('code')!, verifier: client.verifier };
}

async function byGithub(user: unknown, emails: unknown) {
  return answeredBy('github', (question) => {
    const code = unique();
    github.codes.set(code, { challenge: question.get('code_challenge')!, user, emails });
    return { code };
  });
}

async function linkUrl(by: Person, client: { challenge: string }, provider = 'acme') {
  const body = { returnTo: RETURN_TO, challenge: client.challenge };
  return app.request<{ url: string; code: string }>('POST', `auth/identities/${provider}`, { token: by.accessToken, body });
}

async function toLinkCode(by: Person, account: Account) {
  const client = aClient();
  return toCode(account, client, (await linkUrl(by, client)).body.url);
}

const link = async (by: Person, account: Account) =>
  app.request<IdentityResponse & { code: string }>('POST', 'auth/identities', {
    token: by.accessToken,
    body: await toLinkCode(by, account),
  });
const identities = async (by: { accessToken: string }) =>
  (await app.request<IdentityList>('GET', 'auth/identities', { token: by.accessToken })).body.items;
const unlink = (by: { accessToken: string }, id: string) => app.request('DELETE', `auth/identities/${id}`, { token: by.accessToken });
const verify = (by: Person) => sql('UPDATE users SET email_verified_at = now() WHERE id = $1', by.id);

/** In the inbox and by mail. */
async function expectTold(by: Person, ...kinds: string[]): Promise<void> {
  const all = await eventually(async () => {
    const told = await sql('SELECT kind FROM notifications WHERE user_id = $1 ORDER BY kind', by.id);
    const mails = await sql('SELECT FROM mails WHERE user_id = $1', by.id);
    return told.length === kinds.length && mails.length === kinds.length && told.map(({ kind }) => kind);
  });
  expect(all).toEqual(kinds.toSorted()); // what is told in one transaction has one time
}

describe('signing in with an account elsewhere', () => {
  it('makes an account the first time, and leads to the same one afterwards', async () => {
    const account = anAccount();
    const first = await signIn(account);
    expect(first.status).toBe(200);
    expect(first.body.user).toMatchObject({ email: account.email, name: 'Ada Lovelace', roles: ['customer'], emailVerified: true });
    expect((await app.request('GET', 'users/me', { token: first.body.accessToken })).status).toBe(200);
    account.email = `moved-${account.email}`;
    const again = await signIn(account);
    expect(again.body.user).toEqual(first.body.user);
    expect(await identities(again.body)).toMatchObject([{ provider: 'acme', email: account.email }]);
    expect(await sql('SELECT count(*)::int FROM passwords WHERE user_id = $1', first.body.user.id)).toEqual([{ count: 0 }]);
  });

  it('is told to the audit log and to other systems, and to its user only where there was an account before', async () => {
    const { body } = await signIn(anAccount());
    const actions = await sql('SELECT action FROM audit_entries WHERE subject_id = $1 ORDER BY created_at, id', body.user.id);
    expect(actions.map(({ action }) => action)).toEqual(['auth.registered', 'auth.identity-linked', 'auth.logged-in']);
    const events = await sql(`SELECT name, payload->>'by' AS by FROM events WHERE subject_id = $1 ORDER BY seq`, body.user.id);
    expect(events.slice(0, 2)).toEqual([
      { name: 'user.registered', by: null },
      { name: 'identity.linked', by: 'registration' },
    ]);
  });

  it('asks with PKCE, state and nonce, of which the database has none in the clear, and binds the browser', async () => {
    const browser = aBrowser();
    const { status, location, headers } = await browser.visit(startUrl('acme', aClient()));
    expect(status).toBe(302);
    const question = Object.fromEntries(location!.searchParams);
    expect(question).toMatchObject({
      client_id: 'ashlar',
      redirect_uri: 'http://localhost/api/v1/auth/oauth/acme/callback',
      response_type: 'code',
      scope: 'openid email profile',
      code_challenge_method: 'S256',
    });
    for (const secret of ['state', 'nonce', 'code_challenge']) expect(question[secret]).toMatch(/^[\w-]{43}$/);
    expect(headers.get('set-cookie')).toMatch(/^ashlar-oauth=[\w-]{43}; Path=\/; Max-Age=600; HttpOnly; SameSite=Lax$/);
    expect(headers.get('cache-control')).toBe('no-store');
    const kept = JSON.stringify(await sql('SELECT t::text FROM one_time_tokens t'));
    const cookie = browser.cookies.get(PUBLIC)!.get('ashlar-oauth')!;
    for (const secret of [question.state!, question.nonce!, cookie]) expect(kept).not.toContain(secret);
  });

  it('keeps the members of the URL it returns to', async () => {
    const client = aClient();
    const browser = aBrowser();
    const callback = await toCallback(browser, startUrl('acme', client, WITH_QUERY), loginAs(anAccount()));
    const back = await browser.follow(callback, isReturn);
    expect([...back.searchParams.keys()]).toEqual(['from', 'code']);
  });

  it('works in two tabs of one browser at once', async () => {
    const browser = aBrowser();
    const clients = [aClient(), aClient()];
    const questions = [];
    for (const client of clients) questions.push((await browser.visit(startUrl('liar', client))).location!.searchParams);
    for (const question of questions) {
      const answer = new URLSearchParams({ ...lieOf(question), state: question.get('state')! });
      const { location } = await browser.visit(`${PUBLIC}/api/v1/auth/oauth/liar/callback?${answer.toString()}`);
      expect(location!.searchParams.get('code')).toMatch(/^[\w-]{43}$/);
    }
  });

  it('works at GitHub, with the primary address where that is verified', async () => {
    const id = Math.floor(Math.random() * 1e9);
    const email = `${unique()}@example.org`;
    const emails = [
      { email: `other-${email}`, primary: false, verified: true },
      { email: email.toUpperCase(), primary: true, verified: true },
    ];
    const { location, client } = await byGithub({ id, login: 'ada', name: null }, emails);
    const { body } = await exchange({ code: location!.searchParams.get('code'), verifier: client.verifier });
    expect(body.user).toMatchObject({ email, name: 'ada', emailVerified: true });
    expect(await sql('SELECT subject, issuer FROM identities WHERE user_id = $1', body.user.id)).toEqual([
      { subject: String(id), issuer: github.url },
    ]);
  });

  it('lists the providers, without their secrets', async () => {
    const { body, text } = await app.request<{ items: object[] }>('GET', 'auth/oauth');
    expect(body.items.slice(0, 2)).toEqual([
      { id: 'acme', name: 'Acme' },
      { id: 'liar', name: 'Liar' },
    ]);
    expect(text).not.toContain(CLIENT.clientSecret);
  });

  it('is refused to the suspended', async () => {
    const account = anAccount();
    const { body } = await signIn(account);
    await sql(`UPDATE users SET status = 'suspended', access_revoked_at = now() WHERE id = $1`, body.user.id);
    expect(await refusal(account)).toMatchObject({ status: 403, body: { code: 'auth/oauth-account-inactive' } });
  });

  it('begins anew for who was erased: identity and address are free again', async () => {
    const account = anAccount();
    const { body } = await signIn(account);
    expect((await app.request('DELETE', 'users/me', { token: body.accessToken })).status).toBeLessThan(300);
    expect(await sql('SELECT FROM identities WHERE user_id = $1', body.user.id)).toEqual([]);
    expect((await signIn(account)).body.user.id).not.toBe(body.user.id);
  });

  it('makes one account of one identity, however many come at once', async () => {
    const account = anAccount();
    const codes = await Promise.all(Array.from({ length: 6 }, () => toCode(account)));
    const answers = await Promise.all(codes.map((proof, nth) => exchange(proof, nth % 2 ? app : other)));
    expect(answers.map(({ status }) => status)).toEqual(codes.map(() => 200));
    expect(new Set(answers.map(({ body }) => body.user.id)).size).toBe(1);
  });
});

describe('the start', () => {
  it.each([
    ['a longer path', `${RETURN_TO}/evil`],
    ['a longer host', 'https://app.example.com.evil.org/signed-in'],
    ['user info', 'https://app.example.com@evil.org/signed-in'],
    ['user info before the same host', 'https://evil@app.example.com/signed-in'],
    ['another scheme', 'http://app.example.com/signed-in'],
    ['a script', 'javascript://app.example.com/signed-in'],
    ['another port', 'https://app.example.com:8443/signed-in'],
    ['no scheme', '//app.example.com/signed-in'],
    ['a path alone', '/signed-in'],
    ['upper case', 'https://APP.example.com/signed-in'],
    ['encoded letters', 'https://app.example.com/%73igned-in'],
    ['steps up', 'https://app.example.com/x/../signed-in'],
    ['a backslash', 'https://app.example.com\\@evil.org/signed-in'],
    ['a fragment', `${RETURN_TO}#x`],
    ['other members', `${RETURN_TO}?next=https://evil.org`],
    ['space around it', ` ${RETURN_TO}`],
    ['two at once', `${RETURN_TO},https://evil.org`],
  ])('sends nobody to %s', async (_, returnTo) => {
    const { status, location, text } = await aBrowser().visit(startUrl('acme', aClient(), returnTo));
    expect([status, location, (JSON.parse(text) as { code: string }).code]).toEqual([400, undefined, 'auth/return-url-not-allowed']);
  });

  it.each([
    ['nothing', '', 'auth/invalid-oauth-start'],
    ['no challenge', `returnTo=${RETURN_TO}`, 'auth/invalid-oauth-start'],
    ['two URLs', `returnTo=${RETURN_TO}&returnTo=https://evil.org&challenge=${aClient().challenge}`, 'http/validation-failed'],
    ['a challenge that is none', `returnTo=${RETURN_TO}&challenge=x`, 'http/validation-failed'],
    ['a ticket that is none', 'ticket=x', 'auth/invalid-oauth-start'],
    ['a ticket and more', `ticket=x&returnTo=${RETURN_TO}`, 'auth/invalid-oauth-start'],
    ['a member nobody knows', 'redirect=https://evil.org', 'http/validation-failed'],
  ])('is refused with %s', async (_, search, code) => {
    expect(await app.request('GET', `auth/oauth/acme?${search}`)).toMatchObject({ status: 400, body: { code } });
  });

  it.each(['unknown', 'constructor', 'ACME'])('finds no provider called %s', async (name) => {
    const found = await app.request('GET', `auth/oauth/${name}?returnTo=${RETURN_TO}&challenge=${aClient().challenge}`);
    expect(found).toMatchObject({ status: 404, body: { code: 'auth/oauth-provider-not-found' } });
    expect((await app.request('GET', `auth/oauth/${name}/callback?state=x`)).status).toBe(404);
  });

  it('says so when the provider is down, and goes on when it is back', async () => {
    const down = await app.request('GET', `auth/oauth/nowhere?returnTo=${RETURN_TO}&challenge=${aClient().challenge}`);
    expect(down).toMatchObject({ status: 503, body: { code: 'auth/oauth-provider-unavailable' }, headers: { 'retry-after': '5' } });
    const third = await anOidcProvider(`${PUBLIC}/api/v1/auth/oauth/late/callback`);
    const OAUTH_PROVIDERS = JSON.stringify({ late: { ...CLIENT, issuer: third.url } });
    const late = await startApp({ DATABASE_URL: app.databaseUrl, OAUTH_PROVIDERS, OAUTH_RETURN_URLS: RETURN_TO });
    try {
      await third.die();
      expect((await aBrowser(late).visit(startUrl('late', aClient()))).status).toBe(503);
      await third.revive();
      expect((await aBrowser(late).visit(startUrl('late', aClient()))).status).toBe(302);
      // What is known of it outlasts it; what it would have to answer does not.
      await third.die();
      const browser = aBrowser(late);
      const { location } = await browser.visit(startUrl('late', aClient()));
      const answer = new URLSearchParams({ state: location!.searchParams.get('state')!, code: 'c', iss: third.url });
      const back = await browser.visit(`${PUBLIC}/api/v1/auth/oauth/late/callback?${answer.toString()}`);
      expect(back.location!.href).toBe(`${RETURN_TO}?error=temporarily_unavailable`);
    } finally {
      await late.close();
    }
  });
});

describe('the way back', () => {
  const refused = { status: 400, location: undefined };

  it('is open once', async () => {
    const browser = aBrowser();
    const callback = await toCallback(browser, startUrl('acme', aClient()), loginAs(anAccount()));
    expect((await browser.visit(callback)).location?.searchParams.get('code')).toMatch(/^[\w-]{43}$/);
    expect(await browser.visit(callback)).toMatchObject({ ...refused, text: expect.stringContaining('auth/invalid-oauth-state') });
  });

  it('is closed to another browser, which spoils nothing (login CSRF)', async () => {
    const browser = aBrowser();
    const callback = await toCallback(browser, startUrl('acme', aClient()), loginAs(anAccount()));
    expect(await aBrowser().visit(callback)).toMatchObject(refused);
    const elsewhere = aBrowser();
    await elsewhere.visit(startUrl('acme', aClient()));
    expect(await elsewhere.visit(callback)).toMatchObject(refused);
    expect((await browser.visit(callback)).location?.searchParams.has('code')).toBe(true);
  });

  it.each([
    ['no state', (url: URL) => url.searchParams.delete('state')],
    ['a state of nobody', (url: URL) => url.searchParams.set('state', randomBytes(32).toString('base64url'))],
    ['a state that is none', (url: URL) => url.searchParams.set('state', 'x')],
    ['two states', (url: URL) => url.searchParams.append('state', 'x')],
    ['the path of another provider', (url: URL) => (url.pathname = url.pathname.replace('acme', 'liar'))],
  ])('is closed with %s', async (_, change) => {
    const browser = aBrowser();
    const callback = await toCallback(browser, startUrl('acme', aClient()), loginAs(anAccount()));
    change(callback);
    expect(await browser.visit(callback)).toMatchObject(refused);
  });

  it('overlooks what a provider adds', async () => {
    const { location } = await answeredBy('liar', (question) => ({ ...lieOf(question), session_state: 'x', authuser: '0' }));
    expect(location!.searchParams.has('code')).toBe(true);
  });

  it('tells the client that its user has cancelled', async () => {
    const browser = aBrowser();
    const back = await browser.follow(await toCallback(browser, startUrl('acme', aClient()), 'abort'), isReturn);
    expect(back.href).toBe(`${RETURN_TO}?error=access_denied`);
  });

  it.each([
    ['an answer that another provider gave (mix-up)', { iss: 'https://evil.org' }],
    ['an answer that does not say whose it is', { iss: undefined }],
    ['an error of its own words', { code: undefined, error: '<script>' }],
    ['two codes', { code: undefined, 'code[]': 'x' }],
    ['a token for another sign-in (nonce)', {}, { nonce: 'other' }],
    ['a token without a nonce', {}, { nonce: undefined }],
    ['a token for another client', {}, { aud: 'somebody-else' }],
    ['a token of another issuer', {}, { iss: 'https://evil.org' }],
    ['a token that is over', {}, { exp: Math.floor(Date.now() / 1_000) - 600 }],
    ['a token without a subject', {}, { sub: undefined }],
    ['a token with an endless subject', {}, { sub: 'x'.repeat(300) }],
  ])(
    'tells the client that the provider gave %s',
    async (_, changed: Record<string, string | undefined>, lie: Record<string, unknown> = {}) => {
      const { location } = await answeredBy('liar', (question) => {
        const answer = { ...lieOf(question, lie), ...changed };
        return Object.fromEntries(Object.entries(answer).filter(([, value]) => value !== undefined));
      });
      expect(location!.href).toBe(`${RETURN_TO}?error=server_error`);
    },
  );

  it('tells the client that the token was signed by somebody else', async () => {
    liar.forge = true;
    const { location } = await answeredBy('liar', (question) => lieOf(question));
    expect(location!.href).toBe(`${RETURN_TO}?error=server_error`);
    const failures = await sql(`SELECT resource_id FROM audit_entries WHERE action = 'auth.oauth-failed' ORDER BY created_at DESC LIMIT 1`);
    expect(failures[0]!.resource_id).toMatch(/^liar OAUTH_/);
  });

  it.each([
    ['refuses the code', { status: 400, body: { error: 'invalid_grant' } }, 'server_error'],
    ['refuses us', { status: 401, body: { error: 'invalid_client' } }, 'server_error'],
    ['breaks', { status: 500, body: {} }, 'temporarily_unavailable'],
    ['says nothing of use', { status: 200, body: 'x' }, 'server_error'],
  ])('tells the client that the provider %s', async (_, answer, error) => {
    liar.answer = answer;
    const { location } = await answeredBy('liar', (question) => lieOf(question));
    expect(location!.href).toBe(`${RETURN_TO}?error=${error}`);
  });

  it.each([
    ['a code for another sign-in', () => answeredBy('github', () => ({ code: 'nobodys' }))],
    ['a user without an id', () => byGithub({ login: 'ada' }, [])],
  ])('tells the client that GitHub gave %s', async (_, come) => {
    expect((await come()).location!.href).toBe(`${RETURN_TO}?error=server_error`);
  });
});

describe('how long ago the provider asked who somebody is', () => {
  const minutesAgo = (minutes: number) => Math.floor(Date.now() / 1_000) - minutes * 60;

  it.each([
    ['just now', { auth_time: minutesAgo(0) }, true],
    ['an hour ago', { auth_time: minutesAgo(60) }, false],
    ['in the future', { auth_time: minutesAgo(-60) }, true],
    ['it does not say', {}, true],
  ])('%s: says whether the session is fresh', async (_when, lie, fresh) => {
    const sub = `s-${unique()}`;
    const { status, body } = await exchange(await byLiar({ sub, email: `${sub}@example.org`, email_verified: true, ...lie }));
    expect(status).toBe(200);
    const attempt = await app.request<{ code?: string }>('POST', 'auth/passkeys/registration/options', { token: body.accessToken });
    expect([attempt.status, attempt.body.code]).toEqual(fresh ? [200, undefined] : [403, 'auth/step-up-required']);
    const [session] = await sql('SELECT proven_at > now() AS ahead FROM sessions ORDER BY created_at DESC, id DESC LIMIT 1');
    expect(session).toEqual({ ahead: false });
  });

  it('is asked for where the provider can be asked, and asked anew on demand', async () => {
    const question = async (provider: string, more = '') =>
      (await aBrowser().visit(startUrl(provider, aClient()) + more)).location!.searchParams;
    expect(JSON.parse((await question('liar')).get('claims')!)).toEqual({ id_token: { auth_time: { essential: true } } });
    expect((await question('liar')).get('max_age')).toBeNull();
    expect((await question('liar', '&fresh=false')).get('max_age')).toBeNull();
    expect((await question('liar', '&fresh=true')).get('max_age')).toBe('0');
    const ofGithub = await question('github', '&fresh=true');
    expect([ofGithub.get('claims'), ofGithub.get('max_age')]).toEqual([null, null]);
  });

  it('is just now when the client asked for that, whatever session there is at the provider', async () => {
    const account = anAccount();
    const browser = aBrowser();
    const first = await browser.follow(await toCallback(browser, startUrl('acme', aClient()), loginAs(account)), isReturn);
    expect(first.searchParams.has('code')).toBe(true);
    const isPage = ({ pathname }: URL) => pathname.startsWith('/interaction/');
    const silent = await browser.follow(startUrl('acme', aClient()), (url) => isPage(url) || isReturn(url));
    expect(isReturn(silent)).toBe(true);
    const asked = await browser.follow(`${startUrl('acme', aClient())}&fresh=true`, (url) => isPage(url) || isReturn(url));
    expect(isPage(asked)).toBe(true);
  });
});

describe('a code', () => {
  const invalid = { status: 401, body: { code: 'auth/invalid-oauth-code' } };

  it('is good once, however many try at once, over two processes', async () => {
    const proof = await toCode(anAccount());
    const answers = await Promise.all(Array.from({ length: 100 }, (_, nth) => exchange(proof, nth % 2 ? app : other)));
    const statuses = answers.map(({ status }) => status);
    expect(statuses.filter((status) => status === 200)).toHaveLength(1);
    expect(statuses.filter((status) => status === 401)).toHaveLength(99);
  });

  it('is good for the client that began alone, and not spoilt by another', async () => {
    const proof = await toCode(anAccount());
    expect(await exchange({ ...proof, verifier: aClient().verifier })).toMatchObject(invalid);
    expect((await exchange(proof)).status).toBe(200);
    const failed = await sql(`SELECT count(*)::int FROM audit_entries WHERE action = 'auth.oauth-login-failed'`);
    expect(failed[0]!.count).toBeGreaterThan(0);
  });

  it('is over after two minutes', async () => {
    const proof = await toCode(anAccount());
    await sql(`UPDATE one_time_tokens SET expires_at = now() - interval '1 second' WHERE purpose = 'oauth:login'`);
    expect(await exchange(proof)).toMatchObject(invalid);
  });

  it.each([
    ['nobody’s code', { code: randomBytes(32).toString('base64url'), verifier: aClient().verifier }, 401],
    ['a code that is none', { code: '1', verifier: aClient().verifier }, 401],
    ['no verifier', { code: 'x' }, 400],
    ['a short verifier', { code: 'x', verifier: 'x' }, 400],
    ['a list of codes', { code: ['x'], verifier: aClient().verifier }, 400],
  ])('is refused: %s', async (_, body, status) => {
    expect((await exchange(body)).status).toBe(status);
  });
});

describe('an address that both sides know', () => {
  it('links the account here, if it is proven at both ends, and tells its user', async () => {
    const ada = await aUser(app);
    await verify(ada);
    const { body } = await signIn(anAccount({ email: ada.email.toUpperCase() }));
    expect(body.user.id).toBe(ada.id);
    await expectTold(ada, 'identity.linked');
  });

  it('CVE-2026-53516, GHSA-qq9h-g4jm-xgf3: leads into no account that was planted before', async () => {
    const planted = await aUser(app);
    const account = anAccount({ email: planted.email });
    const { status, body } = await refusal(account);
    expect([status, body.code]).toEqual([409, 'auth/oauth-account-exists']);
    expect(await identities(planted)).toEqual([]);
    // Who has the mailbox proves the address by a reset, which takes away all that was there before; then it is theirs.
    await sql('UPDATE users SET email_verified_at = now() WHERE id = $1', planted.id);
    expect((await signIn(account)).body.user.id).toBe(planted.id);
  });

  it('lets nobody plant an account after its owner came', async () => {
    const account = anAccount();
    const { body } = await signIn(account);
    const planted = { email: account.email, name: 'Eve', password: 'six yellow lanterns over water' };
    expect((await app.request('POST', 'auth/register', { body: planted })).body.code).toBe('auth/email-taken');
    expect(await refusal(anAccount({ email: account.email!, email_verified: false }))).toMatchObject({ status: 409 });
    expect(await identities(body)).toHaveLength(1);
  });

  it('links nothing by the word of a provider that does not vouch for it', async () => {
    const ada = await aUser(app);
    await verify(ada);
    for (const email_verified of [false, undefined, 'false', 1])
      expect(await exchange(await byLiar({ sub: unique(), email: ada.email, email_verified }))).toMatchObject({
        status: 409,
        body: { code: 'auth/oauth-account-exists' },
      });
    expect(await exchange(await byLiar({ sub: unique(), email: ada.email, email_verified: true }, 'doubted'))).toMatchObject({
      status: 409,
    });
    expect((await exchange(await byLiar({ sub: unique(), email: ada.email, email_verified: 'true' }))).status).toBe(200);
  });

  it('Auth.js GHSA-7rqj-j65f-68wh: is none when it only looks like one', async () => {
    for (const email of [
      'ada＠example.org',
      'ada@example.org@evil.org',
      'ada',
      { $ne: 'x' },
      ['a@example.org'],
      `${'a'.repeat(250)}@b.org`,
    ])
      expect(await exchange(await byLiar({ sub: unique(), email, email_verified: true }))).toMatchObject({
        status: 403,
        body: { code: 'auth/oauth-address-unproven' },
      });
  });

  it('counts as unverified here where the provider does not vouch for it', async () => {
    const { body } = await signIn(anAccount({ email_verified: false }));
    expect(body.user).toMatchObject({ emailVerified: false, roles: ['customer'] });
  });

  it('opens no suspended account', async () => {
    const ada = await aUser(app);
    await verify(ada);
    await sql(`UPDATE users SET status = 'suspended' WHERE id = $1`, ada.id);
    expect(await refusal(anAccount({ email: ada.email }))).toMatchObject({ status: 403, body: { code: 'auth/oauth-account-inactive' } });
  });
});

describe('a linked account', () => {
  it('is linked by a signed-in user, whatever its address, and signs them in', async () => {
    const ada = await aUser(app);
    const account = anAccount();
    const { status, body } = await link(ada, account);
    expect([status, body.provider, body.email]).toEqual([201, 'acme', account.email]);
    expect(await identities(ada)).toEqual([body]);
    expect((await signIn(account)).body.user.id).toBe(ada.id);
    expect((await link(ada, account)).body.id).toBe(body.id);
    await expectTold(ada, 'identity.linked');
  });

  it('belongs to one user', async () => {
    const [ada, eve] = [await aUser(app), await aUser(app)];
    const account = anAccount();
    await link(ada, account);
    expect(await link(eve, account)).toMatchObject({ status: 409, body: { code: 'auth/identity-taken' } });
    expect(await identities(eve)).toEqual([]);
  });

  it('is linked by the session that asked for it alone', async () => {
    const [ada, eve] = [await aUser(app), await aUser(app)];
    const account = anAccount();
    const proof = await toLinkCode(ada, account);
    const second = await aSession(app, ada.id);
    for (const { accessToken } of [eve, second])
      expect((await app.request('POST', 'auth/identities', { token: accessToken, body: proof })).body.code).toBe('auth/invalid-oauth-code');
    expect((await exchange<{ code: string }>(proof)).body.code).toBe('auth/invalid-oauth-code');
    expect((await app.request('POST', 'auth/identities', { token: ada.accessToken, body: proof })).status).toBe(201);
    // A code for signing in links nothing, either.
    const login = await toCode(anAccount());
    expect((await app.request('POST', 'auth/identities', { token: ada.accessToken, body: login })).body.code).toBe(
      'auth/invalid-oauth-code',
    );
  });

  it('is linked by who began, not by whom they lure to the provider', async () => {
    const eve = await aUser(app);
    const victim = anAccount();
    const client = aClient();
    const { body } = await linkUrl(eve, client);
    const { code } = await toCode(victim, client, body.url); // the victim's browser comes to the application with a code
    expect((await exchange({ code, verifier: aClient().verifier })).status).toBe(401); // and that knows no verifier of it
    expect(await identities(eve)).toEqual([]);
    expect((await aBrowser().visit(body.url)).status).toBe(400); // the URL is good once
  });

  it('is linked and removed by a fresh session only', async () => {
    const ada = await aUser(app);
    const { body } = await link(ada, anAccount());
    await sql(`UPDATE sessions SET proven_at = now() - interval '1 hour' WHERE id = $1`, ada.sessionId);
    await eventually(async () => (await linkUrl(ada, aClient())).body.code === 'auth/step-up-required');
    expect(await unlink(ada, body.id)).toMatchObject({ status: 403, body: { code: 'auth/step-up-required' } });
    const proof = { code: 'x', verifier: aClient().verifier };
    expect((await app.request('POST', 'auth/identities', { token: ada.accessToken, body: proof })).status).toBe(403);
  });

  it('is removed by its user, who is told', async () => {
    const ada = await aUser(app);
    const account = anAccount();
    const { body } = await link(ada, account);
    expect((await unlink(ada, body.id)).status).toBe(204);
    expect((await unlink(ada, body.id)).status).toBe(404);
    expect((await signIn(account)).body.user.id).not.toBe(ada.id);
    await expectTold(ada, 'identity.linked', 'identity.unlinked');
    const [entry] = await sql(`SELECT outcome FROM audit_entries WHERE action = 'auth.identity-unlinked' AND resource_id = $1`, body.id);
    expect(entry).toEqual({ outcome: 'succeeded' });
  });

  it('is not there for others', async () => {
    const [ada, eve] = [await aUser(app), await aUser(app)];
    const { body } = await link(ada, anAccount());
    expect(await unlink(eve, body.id)).toMatchObject({ status: 404, body: { code: 'auth/identity-not-found' } });
    expect(await identities(ada)).toHaveLength(1);
  });

  it('stays when it is the last way to log in, even if two are removed at once', async () => {
    const account = anAccount();
    const { body } = await signIn(account);
    const [only] = await identities(body);
    expect(await unlink(body, only!.id)).toMatchObject({ status: 409, body: { code: 'auth/last-way-to-log-in' } });
    const person = { accessToken: body.accessToken } as Person;
    await link(person, anAccount());
    const both = await identities(body);
    expect(both).toHaveLength(2);
    const answers = await Promise.all(both.map(({ id }) => unlink(body, id)));
    expect(answers.map(({ status }) => status).sort()).toEqual([204, 409]);
    expect(await identities(body)).toHaveLength(1);
  });

  it('is in its user’s export', async () => {
    const ada = await aUser(app);
    const { body } = await link(ada, anAccount());
    const [row] = await sql('SELECT subject FROM identities WHERE id = $1', body.id);
    expect(row!.subject).toMatch(/^s-/);
    expect((await app.request('GET', 'auth/identities')).status).toBe(401);
  });
});
