import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { TokensResponse } from '../src/auth/auth.dto.js';
import { startApp, type TestApp } from './harness/app.js';
import type { Answer } from './harness/client.js';
import { query } from './harness/database.js';
import { eventually } from './harness/eventually.js';
import { startMailServer, type TestMailServer } from './harness/mail-server.js';
import { aSession, aUser, PASSWORD, type Person, unique } from './harness/people.js';
import { type Product, startProcess, stopProcesses } from './harness/product.js';

const WITHIN_A_SECOND = 2_000;
const NEW_PASSWORD = 'six yellow lanterns over water';

let server: TestMailServer;
/** Two processes on one database where addresses are confirmed later, and one where they must be before anything else. */
let app: TestApp;
let other: Product;
let strict: TestApp;

beforeAll(async () => {
  server = await startMailServer();
  const settings = {
    SMTP_URL: server.url,
    MAIL_FROM: 'Shop <no-reply@example.com>',
    AUTH_LINKS_URL: 'https://app.example.com/account',
    AUTH_LOGIN_FAILURES_PER_WINDOW: '1000',
  };
  app = await startApp(settings);
  [other, strict] = await Promise.all([
    startProcess({ databaseUrl: app.databaseUrl, env: settings }),
    startApp({ ...settings, DATABASE_URL: app.databaseUrl, AUTH_EMAIL_VERIFICATION: 'required' }),
  ]);
}, 60_000);

afterAll(async () => {
  await stopProcesses();
  await strict?.close();
  await app?.close();
  await server?.close();
});

type At = Pick<TestApp, 'request'>;
const post = <Body = TokensResponse>(path: string, body: object, at: At = app, token?: string) =>
  at.request<Body>('POST', `auth/${path}`, { body, ...(token !== undefined && { token }) });
const sql = <Row extends object>(text: string, ...values: unknown[]) => query<Row>(app.databaseUrl, text, values);
const anAddress = () => `e-${unique()}@example.org`;
const newcomer = (email = anAddress()) => ({ email, name: 'Grace Hopper', password: NEW_PASSWORD });
const me = (token: string, at: At = app) => at.request('GET', 'users/me', { token });
const login = (email: string, password: string, at: At = app) => post('login', { email, password }, at);

/** Waits for the newest mail to an address with this subject. */
const mailTo = (address: string, subject: string, count = 1) =>
  eventually(() => {
    const mails = server.mails.filter(({ to, headers }) => to.includes(address) && headers['subject'] === subject);
    return mails.length >= count && mails.at(-1);
  }, 20_000);
async function linkTo(address: string, subject: string, count = 1): Promise<{ page: string; token: string }> {
  const { text } = await mailTo(address, subject, count);
  const [, page, token] = /https:\/\/app\.example\.com\/account(\/[a-z-]+)#token=([\w-]{43})/.exec(text)!;
  return { page: page!, token: token! };
}
const CONFIRM = 'Confirm your address';
const RESET = 'Set a new password';

async function forgot(email: string): Promise<string> {
  expect(await post('password/forgot', { email })).toMatchObject({ status: 202 });
  return (await linkTo(email, RESET)).token;
}

/** Waits until the jobs of this file are done. */
const quiet = () =>
  eventually(async () => {
    const [left] = await sql<{ some: boolean }>(
      `SELECT EXISTS (SELECT FROM graphile_worker.jobs WHERE task_identifier LIKE 'auth.%' OR task_identifier = 'mail.send')
         OR EXISTS (SELECT FROM events WHERE position IS NULL) OR EXISTS (SELECT FROM event_deliveries WHERE status = 'pending') AS some`,
    );
    return !left!.some;
  }, 20_000);

async function expectDead(token: string): Promise<void> {
  for (const at of [app, other]) await eventually(async () => (await me(token, at)).status === 401, WITHIN_A_SECOND);
}

describe('an address that may be confirmed later', () => {
  it('is confirmed by the link of the mail that registering sends', async () => {
    const person = newcomer();
    const { status, body } = await post('register', person);
    expect([status, body.user.emailVerified]).toEqual([201, false]);
    const { page, token } = await linkTo(person.email, CONFIRM);
    expect(page).toBe('/verify-email');
    expect((await post('email/verify', { token })).status).toBe(204);
    expect((await me(body.accessToken)).body).toMatchObject({ emailVerified: true, version: 2 });
    expect((await login(person.email, person.password)).status).toBe(200);
  });

  it('gets another link when it asks, as long as there is something to confirm', async () => {
    const person = newcomer();
    await post('register', person);
    await linkTo(person.email, CONFIRM);
    expect(await post('email/resend', { email: person.email })).toMatchObject({ status: 202, body: { status: 'verification-sent' } });
    const { token } = await linkTo(person.email, CONFIRM, 2);
    expect((await post('email/verify', { token })).status).toBe(204);
    await post('email/resend', { email: person.email });
    await quiet();
    expect(server.mails.filter(({ to }) => to.includes(person.email))).toHaveLength(2);
  });

  it('is sent a few mails in an hour, however many ask at once in two processes', async () => {
    const { email } = await aUser(app);
    for (let round = 0; round < 4; round++) {
      await Promise.all([app, other, app, other].map((at) => post('password/forgot', { email }, at)));
      await quiet();
    }
    const [{ mails }] = (await sql<{ mails: number }>(
      `SELECT count(*)::int AS mails FROM mails JOIN users ON users.id = user_id WHERE email = $1 AND template = 'auth.recovery'`,
      email,
    )) as [{ mails: number }];
    expect(mails).toBeGreaterThan(1);
    expect(mails).toBeLessThanOrEqual(5);
  });
});

describe('an address that must be confirmed first', () => {
  it('lets in once it is, and not before', async () => {
    const person = newcomer();
    const { status, headers, body } = await post<unknown>('register', person, strict);
    expect([status, body, headers['location']]).toEqual([202, { status: 'verification-sent' }, undefined]);
    const { token } = await linkTo(person.email, CONFIRM);
    expect(await login(person.email, person.password, strict)).toMatchObject({ status: 401, body: { code: 'auth/invalid-credentials' } });
    expect((await post('email/verify', { token }, strict)).status).toBe(204);
    expect(await login(person.email, person.password, strict)).toMatchObject({
      status: 200,
      body: { user: { emailVerified: true, name: person.name, roles: ['customer'] } },
    });
  });

  it('is told when somebody registers it again, and keeps its password', async () => {
    const { email } = await aUser(app);
    await sql('UPDATE users SET email_verified_at = now() WHERE email = $1', email);
    for (let round = 0; round < 5; round++) expect((await post('register', newcomer(email), strict)).status).toBe(202);
    await mailTo(email, 'You have an account already');
    await quiet();
    expect(server.mails.filter(({ to }) => to.includes(email))).toHaveLength(3);
    expect((await login(email, PASSWORD, strict)).status).toBe(200);
    expect((await login(email, NEW_PASSWORD, strict)).status).toBe(401);
  });

  it('belongs to whoever reads its mail: the password counts whose link was used', async () => {
    const email = anAddress();
    await post('register', { ...newcomer(email), password: 'planted by somebody else' }, strict);
    await linkTo(email, CONFIRM);
    await post('register', newcomer(email), strict);
    const { token } = await linkTo(email, CONFIRM, 2);
    expect((await post('email/verify', { token }, strict)).status).toBe(204);
    expect((await login(email, 'planted by somebody else', strict)).status).toBe(401);
    expect((await login(email, NEW_PASSWORD, strict)).status).toBe(200);
  });

  it('waits in the queue without its password', async () => {
    const spied = newcomer();
    const payloads = await sql<{ payload: string }>('SELECT payload::text AS payload FROM graphile_worker._private_jobs');
    await post('register', spied, strict);
    expect(JSON.stringify(payloads)).not.toContain('argon2');
    const [row] = await eventually(async () => {
      const found = await sql<{ data: object }>(
        `SELECT t.data FROM one_time_tokens t JOIN users u ON u.id = user_id WHERE email = $1`,
        spied.email,
      );
      return found.length > 0 && found;
    });
    expect(JSON.stringify(row)).not.toMatch(/argon2|six yellow/);
  });
});

describe('a forgotten password', () => {
  it('is replaced by the link, and every session ends in every process (Strapi CVE-2026-22706)', async () => {
    const person = await aUser(app);
    const second = await aSession(app, person.id);
    for (const token of [person.accessToken, second.accessToken]) expect((await me(token, other)).status).toBe(200);
    const token = await forgot(person.email);
    expect((await post('password/reset', { token, password: NEW_PASSWORD }, other)).status).toBe(204);
    for (const { accessToken } of [person, second]) await expectDead(accessToken);
    for (const { refreshToken } of [person, second]) expect((await post('refresh', { refreshToken })).status).toBe(401);
    expect((await login(person.email, person.password)).status).toBe(401);
    expect(await login(person.email, NEW_PASSWORD)).toMatchObject({ status: 200, body: { user: { emailVerified: true } } });
    await mailTo(person.email, 'Your password was changed');
  });

  it('kills every other link to a new password', async () => {
    const { email } = await aUser(app);
    const first = await forgot(email);
    await post('password/forgot', { email });
    const { token } = await linkTo(email, RESET, 2);
    expect((await post('password/reset', { token, password: NEW_PASSWORD })).status).toBe(204);
    expect(await post('password/reset', { token: first, password: PASSWORD })).toMatchObject({
      status: 400,
      body: { code: 'auth/invalid-one-time-token' },
    });
  });

  it('is not replaced by one that is too weak, and the link stays good', async () => {
    const { email, name } = await aUser(app);
    const token = await forgot(email);
    expect(await post('password/reset', { token, password: `${name} 1815` })).toMatchObject({
      status: 400,
      body: { code: 'auth/weak-password', errors: [{ pointer: '/password' }] },
    });
    expect((await post('password/reset', { token, password: NEW_PASSWORD })).status).toBe(204);
  });

  it('is not sent to who is suspended or unknown', async () => {
    const suspended = await aUser(app);
    await sql(`UPDATE users SET status = 'suspended' WHERE id = $1`, suspended.id);
    const nobody = anAddress();
    for (const email of [suspended.email, nobody]) expect((await post('password/forgot', { email })).status).toBe(202);
    await quiet();
    expect(server.mails.filter(({ to }) => to.includes(suspended.email) || to.includes(nobody))).toEqual([]);
  });

  it('takes the account from who planted it (better-auth GHSA-qq9h-g4jm-xgf3)', async () => {
    const victim = newcomer();
    const planted = (await post('register', { ...victim, password: 'planted by somebody else' })).body;
    const theirs = await linkTo(victim.email, CONFIRM);
    const token = await forgot(victim.email);
    expect((await post('password/reset', { token, password: victim.password })).status).toBe(204);
    await expectDead(planted.accessToken);
    expect((await post('refresh', { refreshToken: planted.refreshToken })).status).toBe(401);
    expect((await login(victim.email, 'planted by somebody else')).status).toBe(401);
    expect((await post('email/verify', { token: theirs.token })).status).toBe(400);
    expect((await login(victim.email, victim.password)).status).toBe(200);
  });

  it('ends a log-in that was under way with the old one', async () => {
    const person = await aUser(app);
    const token = await forgot(person.email);
    const [reset, ...logins] = await Promise.all([
      post('password/reset', { token, password: NEW_PASSWORD }),
      ...Array.from({ length: 8 }, (_, place) => login(person.email, person.password, place % 2 ? app : other)),
    ]);
    expect(reset.status).toBe(204);
    for (const { status, body } of logins) if (status === 200) await expectDead(body.accessToken);
  });
});

describe('the token of a link', () => {
  it.each(['email/verify', 'password/reset'] as const)('is good once, of 100 that try at once in two processes: %s', async (path) => {
    const person = newcomer();
    await post('register', person);
    const { token } = path === 'email/verify' ? await linkTo(person.email, CONFIRM) : { token: await forgot(person.email) };
    const body = path === 'email/verify' ? { token } : { token, password: 'seven small boats in the rain' };
    const answers = await Promise.all(Array.from({ length: 100 }, (_, place) => post(path, body, place % 2 ? app : other)));
    const statuses = answers.map(({ status }) => status).sort();
    expect(statuses).toEqual([204, ...Array<number>(99).fill(400)]);
  });

  it('is good for nothing else, not when it is old, and not in another form', async () => {
    const person = newcomer();
    await post('register', person);
    const verify = (await linkTo(person.email, CONFIRM)).token;
    const reset = await forgot(person.email);
    const refused = { status: 400, body: { code: 'auth/invalid-one-time-token' } };
    expect(await post('password/reset', { token: verify, password: PASSWORD })).toMatchObject(refused);
    for (const token of [reset, `${verify} `, verify.toLowerCase(), 'x', 'x'.repeat(43)])
      expect(await post('email/verify', { token })).toMatchObject(refused);
    await sql('UPDATE one_time_tokens SET expires_at = now() WHERE user_id = (SELECT id FROM users WHERE email = $1)', person.email);
    expect(await post('email/verify', { token: verify })).toMatchObject(refused);
    expect(await post('password/reset', { token: reset, password: PASSWORD })).toMatchObject(refused);
    expect((await post('email/verify', { token: { startsWith: 'a' } })).status).toBe(400);
    expect((await post('email/verify', {})).status).toBe(400);
  });

  it('stands nowhere in the database, while the mail waits neither', async () => {
    const person = newcomer();
    await post('register', person);
    const { token } = await linkTo(person.email, CONFIRM);
    await sql('SELECT 1');
    const rows = await sql<{ text: string }>(
      `SELECT t::text AS text FROM one_time_tokens t UNION ALL SELECT m::text FROM mails m UNION ALL SELECT e::text FROM audit_entries e
         UNION ALL SELECT e::text FROM events e UNION ALL SELECT payload::text FROM graphile_worker._private_jobs`,
    );
    expect(rows.some(({ text }) => text.includes(token))).toBe(false);
    expect(rows.length).toBeGreaterThan(10);
  });

  it('may be tried only so often from one address', async () => {
    const limited = await startApp({ DATABASE_URL: app.databaseUrl, AUTH_LOGIN_FAILURES_PER_WINDOW: '1' });
    try {
      await sql(`DELETE FROM budgets WHERE bucket LIKE 'one-time-token%'`);
      const tries = await Promise.all(Array.from({ length: 30 }, () => post('email/verify', { token: 'x'.repeat(43) }, limited)));
      expect(tries.filter(({ status }) => status === 400)).toHaveLength(10);
      expect(tries.filter(({ status }) => status === 429)).toHaveLength(20);
      await sql(`DELETE FROM budgets WHERE bucket LIKE 'one-time-token%'`);
    } finally {
      await limited.close();
    }
  });
});

describe('another address', () => {
  const change = (by: Person, email: string) => post('email/change', { email }, app, by.accessToken);

  it('is the account’s once it has confirmed, and the former one is told', async () => {
    const person = await aUser(app);
    const [former, next] = [person.email, anAddress()];
    const recovery = await forgot(former);
    expect((await change(person, next.toUpperCase())).status).toBe(202);
    await mailTo(former, 'Your account is to have another address');
    expect((await me(person.accessToken)).body).toMatchObject({ email: former });
    const { token } = await linkTo(next, 'Confirm your new address');
    expect((await post('email/verify', { token }, other)).status).toBe(204);
    expect((await me(person.accessToken)).body).toMatchObject({ email: next, emailVerified: true });
    expect((await login(former, PASSWORD)).status).toBe(401);
    expect((await login(next, PASSWORD)).status).toBe(200);
    await mailTo(former, 'Your account has another address now');
    // What went to the former mailbox lets nobody in any more.
    expect((await post('password/reset', { token: recovery, password: NEW_PASSWORD })).status).toBe(400);
  });

  it('can be taken back by the former one, whoever changed it, and how often', async () => {
    const person = await aUser(app);
    const [former, intruders, further] = [person.email, anAddress(), anAddress()];
    await change(person, intruders);
    await post('email/verify', { token: (await linkTo(intruders, 'Confirm your new address')).token });
    const { page, token } = await linkTo(former, 'Your account has another address now');
    expect(page).toBe('/undo-email-change');
    await change(person, further);
    await post('email/verify', { token: (await linkTo(further, 'Confirm your new address')).token });
    const theirs = await linkTo(intruders, 'Your account has another address now');
    // Nobody gets the former address meanwhile.
    expect((await post('register', newcomer(former))).status).toBe(409);
    expect((await post('email/verify', { token })).status).toBe(204);
    await expectDead(person.accessToken);
    expect((await post('email/verify', { token: theirs.token })).status).toBe(400);
    for (const email of [former, intruders, further]) expect((await login(email, PASSWORD)).status).toBe(401);
    const link = await linkTo(former, RESET);
    expect((await post('password/reset', { token: link.token, password: NEW_PASSWORD })).status).toBe(204);
    expect((await login(former, NEW_PASSWORD)).status).toBe(200);
  });

  it('that is somebody’s is answered alike, and its owner is told', async () => {
    const [person, owner] = [await aUser(app), await aUser(app)];
    const answers = [await change(person, owner.email), await change(person, anAddress())].map(withoutOccurrence);
    expect(answers[0]).toEqual(answers[1]);
    await mailTo(owner.email, 'Somebody wants to use your address');
    await mailTo(person.email, 'Your account is to have another address', 2);
    await quiet();
    expect(server.mails.filter(({ to, headers }) => to.includes(owner.email) && headers['subject'] === 'Confirm your new address')).toEqual(
      [],
    );
  });

  it('needs a fresh session, and an address', async () => {
    const person = await aUser(app);
    expect((await app.request('POST', 'auth/email/change', { body: { email: anAddress() } })).status).toBe(401);
    expect((await change(person, 'ada')).status).toBe(400);
    await sql(`UPDATE sessions SET proven_at = now() - interval '1 hour' WHERE id = $1`, person.sessionId);
    await eventually(async () => (await change(person, anAddress())).status === 403, WITHIN_A_SECOND);
  });
});

describe('who has an account', () => {
  /** One of each, by what is known of the address. */
  async function addresses(): Promise<Record<string, string>> {
    const [known, suspended, unverified] = [await aUser(app), await aUser(app), await aUser(app)];
    await sql('UPDATE users SET email_verified_at = now() WHERE id = ANY ($1)', [known.id, suspended.id]);
    await sql(`UPDATE users SET status = 'suspended' WHERE id = $1`, suspended.id);
    return { unknown: anAddress(), known: known.email, suspended: suspended.email, unverified: unverified.email };
  }

  it.each([
    ['login', (email: string) => ({ email, password: 'wrong for everybody here' }), 401],
    ['login', (email: string, what: string) => ({ email, password: what === 'known' ? `${PASSWORD}!` : PASSWORD }), 401],
    ['register', (email: string) => newcomer(email), 202],
    ['password/forgot', (email: string) => ({ email }), 202],
    ['email/resend', (email: string) => ({ email }), 202],
  ])('is not told by %s', async (path, bodyFor, expected) => {
    const answers = [];
    for (const [what, email] of Object.entries(await addresses()))
      answers.push(withoutOccurrence(await post<object>(path, bodyFor(email, what), strict)));
    expect(answers[0]!.status).toBe(expected);
    for (const answer of answers) expect(answer).toEqual(answers[0]);
  });

  it('costs one verification of a password on every way of logging in, and none elsewhere', async () => {
    const found = await addresses();
    let verifications = 0;
    const count = () => void (verifications += 1);
    subscribe('ashlar:password-verification', count);
    try {
      for (const email of Object.values(found)) {
        for (const password of [PASSWORD, 'wrong for everybody here']) {
          verifications = 0;
          await login(email, password, strict);
          expect(verifications).toBe(1);
        }
        verifications = 0;
        for (const path of ['password/forgot', 'email/resend']) await post(path, { email }, strict);
        expect(verifications).toBe(0);
      }
    } finally {
      unsubscribe('ashlar:password-verification', count);
    }
  });
});

describe('a log-in', () => {
  const FIREFOX = 'Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0';
  const from = (email: string, userAgent: string, password = PASSWORD) =>
    app.request('POST', 'auth/login', { body: { email, password }, headers: { 'user-agent': userAgent } });
  const SUBJECT = 'Your account was logged in to from a new device';

  it('from a device that was never seen is mailed, once for each', async () => {
    const { email } = await aUser(app);
    await from(email, FIREFOX);
    const { text } = await mailTo(email, SUBJECT);
    expect(text).toContain('Device: Firefox on Windows');
    await from(email, FIREFOX.replaceAll('140', '141'));
    await quiet();
    expect(server.mails.filter(({ to, headers }) => to.includes(email) && headers['subject'] === SUBJECT)).toHaveLength(1);
  });

  it('that is the first, of the registration, is not', async () => {
    const person = newcomer();
    await app.request('POST', 'auth/register', { body: person, headers: { 'user-agent': FIREFOX } });
    await linkTo(person.email, CONFIRM);
    await quiet();
    expect(server.mails.filter(({ to }) => to.includes(person.email))).toHaveLength(1);
  });
});

describe('the pages of the links', () => {
  it.each(['verify-email', 'reset-password', 'undo-email-change'])('are there without a front end: %s', async (page) => {
    const { status, headers, text } = await app.request('GET', `/auth/${page}`);
    expect(status).toBe(200);
    expect(headers).toMatchObject({ 'content-type': 'text/html; charset=utf-8', 'referrer-policy': 'no-referrer' });
    expect(headers['content-security-policy']).toMatch(/^default-src 'none';.*script-src 'sha256-[^']+';/);
    expect(text).toContain('<form data-call="../api/v1/auth/');
  });
});

/** An answer without what differs from one occurrence to the next. */
function withoutOccurrence<Body extends object>({ status, headers, body }: Answer<Body>) {
  const { 'x-request-id': _id, date: _date, ratelimit: _left, ...same } = headers;
  const { requestId: _requestId, ...rest } = body as Body & { requestId?: string };
  return { status, headers: same, body: rest as Record<string, unknown> };
}
