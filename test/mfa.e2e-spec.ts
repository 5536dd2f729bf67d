import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { PersonalDataRegister } from '#privacy';
import type { TokensResponse } from '../src/auth/auth.dto.js';
import { CodesService } from '../src/auth/codes.service.js';
import type { MfaRequiredResponse, RecoveryCodesResponse, TotpResponse } from '../src/auth/factors.dto.js';
import { MfaTokensService } from '../src/auth/mfa-tokens.service.js';
import type { UserResponse } from '../src/users/users.dto.js';
import { startApp, type TestApp } from './harness/app.js';
import type { Answer, Call } from './harness/client.js';
import { query } from './harness/database.js';
import { eventually } from './harness/eventually.js';
import { aTotp, codeOf, refreshCodes, wrongCode } from './harness/factors.js';
import { startMailServer, type TestMailServer } from './harness/mail-server.js';
import { encryptionKey } from './harness/run.js';
import { anAdmin, aSession, aUser, PASSWORD, type Person } from './harness/people.js';

const LIMIT = 10; // the default of AUTH_LOGIN_FAILURES_PER_WINDOW
const WITHIN_A_SECOND = 2_000;
const NOBODYS_ID = '0199f3a1-7c1e-7b3a-9a4e-0d6f1c2b3a49';

let mails: TestMailServer;
let app: TestApp;
let other: TestApp;

beforeAll(async () => {
  mails = await startMailServer();
  const settings = { SMTP_URL: mails.url, MAIL_FROM: 'Shop <no-reply@example.com>', AUTH_MFA_REQUIRED_ROLES: 'support' };
  app = await startApp(settings);
  other = await startApp({ ...settings, DATABASE_URL: app.databaseUrl });
}, 60_000);

afterAll(async () => {
  await other.close();
  await app.close();
  await mails.close();
});

const post = <Body>(path: string, body?: unknown, call: Call = {}, at = app) =>
  at.request<Body>('POST', `auth/${path}`, { ...(body !== undefined && { body }), ...call });
const as = ({ accessToken: token }: Person) => ({ token });
const me = async (by: Person, at = app) => (await at.request<UserResponse>('GET', 'users/me', as(by))).body;
const login = (person: Person) => post<MfaRequiredResponse>('login', { email: person.email, password: person.password });
/** What the first step gives, without its hash: passwords are slow. */
const mfaToken = async ({ id }: Person) =>
  (await app.get(MfaTokensService).issue(await app.prisma.user.findUniqueOrThrow({ where: { id } }), { by: 'password' })).mfaToken;
const finish = (body: object, at = app) => post<TokensResponse & { code?: string }>('login/mfa', body, {}, at);
const codeOfAnswer = ({ body }: Answer<unknown>) => (body as { code?: string } | undefined)?.code;
const sql = <Row extends object>(text: string, ...values: unknown[]) => query<Row>(app.databaseUrl, text, values);
const stale = (person: Person) => sql(`UPDATE sessions SET proven_at = now() - interval '1 hour' WHERE id = $1`, person.sessionId);
const audit = async (person: Person) =>
  (
    await sql<{ entry: string }>(`SELECT action || ' ' || outcome AS entry FROM audit_entries WHERE subject_id = $1 ORDER BY id`, person.id)
  ).map(({ entry }) => entry);
const tally = (answers: Answer<unknown>[]) =>
  answers.reduce<Record<number, number>>((counts, { status }) => ({ ...counts, [status]: (counts[status] ?? 0) + 1 }), {});

/** So many attempts at once, over both applications. */
const atOnce = <Body>(count: number, attempt: (at: TestApp) => Promise<Answer<Body>>) =>
  Promise.all(Array.from({ length: count }, (_, number) => attempt(number % 2 ? other : app)));

describe('an authenticator app', () => {
  it('counts once a code of it has been confirmed, and comes with recovery codes', async () => {
    const person = await aUser(app);
    const begun = await post<TotpResponse>('mfa/totp', {}, as(person));
    expect(begun.status).toBe(201);
    const { secret, otpauthUrl } = begun.body;
    expect(secret).toMatch(/^[A-Z2-7]{32}$/);
    const url = new URL(otpauthUrl);
    expect([url.protocol, url.host, decodeURIComponent(url.pathname)]).toEqual(['otpauth:', 'totp', `/Shop:${person.email}`]);
    expect(Object.fromEntries(url.searchParams)).toEqual({ issuer: 'Shop', secret, algorithm: 'SHA1', digits: '6', period: '30' });
    expect((await login(person)).body).toHaveProperty('accessToken');
    expect(await post('mfa/totp/confirm', { code: wrongCode(secret) }, as(person))).toMatchObject({
      status: 401,
      body: { code: 'auth/invalid-code' },
    });
    const before = await me(person);
    const confirmed = await post<RecoveryCodesResponse>('mfa/totp/confirm', { code: codeOf(secret) }, as(person));
    expect(confirmed.status).toBe(200);
    expect(new Set(confirmed.body.recoveryCodes).size).toBe(10);
    for (const code of confirmed.body.recoveryCodes) expect(code).toMatch(/^[2-9a-hjkmnp-tv-z]{4}(-[2-9a-hjkmnp-tv-z]{4}){6}$/);
    expect(await me(person)).toMatchObject({ mfaEnabled: true, version: before.version + 1 });
    expect((await login(person)).body).toEqual({ mfaRequired: true, mfaToken: expect.any(String), methods: ['totp', 'recovery-code'] });
    const mail = await mails.mailTo(person.email);
    expect(mail.headers.subject).toMatch(/authenticator app was added|new recovery codes/);
  });

  it('is replaced by the next one until it is confirmed, and by none afterwards', async () => {
    const person = await aUser(app);
    const first = (await post<TotpResponse>('mfa/totp', {}, as(person))).body.secret;
    const second = (await post<TotpResponse>('mfa/totp', {}, as(person))).body.secret;
    expect((await post('mfa/totp/confirm', { code: codeOf(first) }, as(person))).status).toBe(401);
    expect((await post('mfa/totp/confirm', { code: codeOf(second) }, as(person))).status).toBe(200);
    expect(await post('mfa/totp', {}, as(person))).toMatchObject({ status: 409, body: { code: 'auth/totp-enabled' } });
  });

  it('is kept so that a copy of the database shows neither it nor its recovery codes', async () => {
    const person = await aUser(app);
    const { secret, recoveryCodes } = await aTotp(app, person);
    const tables = ['totp_secrets', 'recovery_codes', 'audit_entries', 'events', 'mails', 'one_time_tokens', 'notifications'];
    for (const table of tables) {
      const text = (await sql<{ row: string }>(`SELECT t::text AS row FROM ${table} t`)).map(({ row }) => row).join('\n');
      for (const hidden of [secret, ...recoveryCodes])
        for (const spelling of [hidden, hidden.replaceAll('-', ''), Buffer.from(hidden).toString('hex')])
          expect(text).not.toContain(spelling);
    }
  });

  it('goes when its user says so, with the recovery codes; both need a fresh proof', async () => {
    const person = await aUser(app);
    const { secret } = await aTotp(app, person);
    await stale(person);
    for (const [method, path] of [
      ['POST', 'mfa/totp'],
      ['DELETE', 'mfa/totp'],
      ['POST', 'mfa/recovery-codes'],
    ])
      await eventually(
        async () => codeOfAnswer(await app.request(method!, `auth/${path}`, as(person))) === 'auth/step-up-required',
        WITHIN_A_SECOND,
      );
    expect((await post('step-up', { code: codeOf(secret) }, as(person))).status).toBe(204);
    expect((await app.request('DELETE', 'auth/mfa/totp', as(person))).status).toBe(204);
    expect(await me(person)).toMatchObject({ mfaEnabled: false });
    expect(await sql('SELECT 1 FROM recovery_codes WHERE user_id = $1', person.id)).toEqual([]);
    expect((await login(person)).body).toHaveProperty('accessToken');
    expect(await app.request('DELETE', 'auth/mfa/totp', as(person))).toMatchObject({ status: 404, body: { code: 'auth/totp-not-found' } });
    expect(await post('mfa/recovery-codes', undefined, as(person))).toMatchObject({ status: 409, body: { code: 'auth/no-second-factor' } });
    await eventually(() => mails.mails.some((mail) => mail.to.includes(person.email) && /app was removed/.test(mail.headers.subject!)));
  });

  it('is sealed anew by the first of ENCRYPTION_KEYS, so that the others can be retired', async () => {
    const own = await startApp();
    const keys = `${randomBytes(32).toString('base64')},${encryptionKey()}`;
    const successor = await startApp({ DATABASE_URL: own.databaseUrl, ENCRYPTION_KEYS: keys });
    try {
      const person = await aUser(own);
      const { secret } = await aTotp(own, person);
      expect(await successor.get(CodesService).reseal(10)).toBe(1);
      expect(await successor.get(CodesService).reseal(10)).toBe(0);
      const code = codeOf(secret);
      const attempt = { userId: person.id, code, purpose: 'auth.step-up', actor: null } as const;
      await expect(own.get(CodesService).prove(attempt, async () => 'right')).rejects.toThrow('ENCRYPTION_KEYS');
      await expect(successor.get(CodesService).prove(attempt, async () => 'right')).resolves.toBe('right');
    } finally {
      await successor.close();
      await own.close();
    }
  });
});

describe('the second step of a log-in', () => {
  it('survives wrong codes, ends with a right one, and opens a fresh session', async () => {
    const person = await aUser(app);
    const { secret } = await aTotp(app, person);
    const token = await mfaToken(person);
    for (const body of [{ code: wrongCode(secret) }, { recoveryCode: 'k7wq-39fa-x2mn-b8tc' }])
      expect(await finish({ mfaToken: token, ...body })).toMatchObject({ status: 401, body: { code: 'auth/invalid-code' } });
    const { status, headers, body } = await finish({ mfaToken: token, code: codeOf(secret) });
    expect(status).toBe(200);
    expect(headers['cache-control']).toBe('no-store');
    expect(body.user).toMatchObject({ id: person.id, mfaEnabled: true });
    expect((await app.request('POST', 'auth/passkeys/registration/options', { token: body.accessToken })).status).toBe(200);
    await refreshCodes(app, person);
    expect(await finish({ mfaToken: token, code: codeOf(secret) })).toMatchObject({
      status: 401,
      body: { code: 'auth/invalid-mfa-token' },
    });
    expect(await audit(person)).toEqual(expect.arrayContaining(['auth.login-failed failed', 'auth.logged-in succeeded']));
  });

  it.each(['x', 'A'.repeat(43), "' OR 1=1 --"])('does not begin with the token %j', async (token) => {
    expect(await finish({ mfaToken: token, code: '123456' })).toMatchObject({ status: 401, body: { code: 'auth/invalid-mfa-token' } });
  });

  it.each([
    ['nothing', {}],
    ['two proofs', { code: '123456', recoveryCode: 'k7wq-39fa-x2mn-b8tc' }],
    ['a password', { password: PASSWORD }],
    ['part of a passkey', { id: 'AAAA' }],
    ['an empty list for an answer', { id: 'AAAA', rawId: 'AAAA', type: 'public-key', response: [] }],
    ['five digits', { code: '12345' }],
    ['a number', { code: 123456 }],
    ['other digits', { code: '１２３４５６' }],
  ])('is refused with %s', async (_, body) => {
    const person = await aUser(app);
    await aTotp(app, person);
    expect((await finish({ mfaToken: await mfaToken(person), ...body })).status).toBe(400);
  });

  it('dies with another password, a suspension, even one that is over, and a reset', async () => {
    const admin = await anAdmin(app);
    const changes: ((person: Person) => Promise<unknown>)[] = [
      (person) => sql('UPDATE passwords SET changed_at = now() WHERE user_id = $1', person.id),
      (person) => app.request('PATCH', `users/${person.id}`, { ...as(admin), body: { status: 'suspended' } }),
      async (person) => {
        for (const status of ['suspended', 'active']) await app.request('PATCH', `users/${person.id}`, { ...as(admin), body: { status } });
      },
      (person) => app.request('DELETE', `users/${person.id}/mfa`, as(admin)),
    ];
    for (const change of changes) {
      const person = await aUser(app);
      const { secret } = await aTotp(app, person);
      const token = await mfaToken(person);
      await change(person);
      expect(await finish({ mfaToken: token, code: codeOf(secret) })).toMatchObject({
        status: 401,
        body: { code: 'auth/invalid-mfa-token' },
      });
    }
  });

  it('is no other token, and no other token is it', async () => {
    const person = await aUser(app);
    const { secret } = await aTotp(app, person);
    const { body } = await post<{ challenge: string }>('passkeys/login/options');
    for (const token of [body.challenge, person.refreshToken, person.accessToken])
      expect((await finish({ mfaToken: token.slice(0, 512), code: codeOf(secret) })).status).toBe(401);
    expect((await app.request('GET', 'users/me', { token: await mfaToken(person) })).status).toBe(401);
  });

  it('is told apart by what is nobody else’s: another user’s code opens nothing', async () => {
    const [ada, eve] = [await aUser(app), await aUser(app)];
    await aTotp(app, ada);
    const eves = await aTotp(app, eve);
    const token = await mfaToken(ada);
    for (const body of [{ code: codeOf(eves.secret) }, { recoveryCode: eves.recoveryCodes[0]! }])
      expect((await finish({ mfaToken: token, ...body })).status).toBe(401);
  });
});

describe('a code of the authenticator app', () => {
  it('may be one step early or late, and no more', async () => {
    const person = await aUser(app);
    const { secret } = await aTotp(app, person);
    const codes = app.get(CodesService);
    const prove = (code: string) => codes.prove({ userId: person.id, code, purpose: 'auth.step-up', actor: null }, async () => 'right');
    const step = Math.floor(Date.now() / 30_000);
    for (const drift of [-3, 3]) await expect(prove(codeOf(secret, drift))).rejects.toMatchObject({ code: 'auth/invalid-code' });
    await expect(prove(codeOf(secret))).resolves.toBe('right');
    const [row] = await sql<{ last_step: number }>('SELECT last_step FROM totp_secrets WHERE user_id = $1', person.id);
    expect([step, step + 1]).toContain(row!.last_step);
  });

  it('is good once, also when a hundred try it at once in two processes, which counts as no failure', async () => {
    const person = await aUser(app);
    const { secret } = await aTotp(app, person);
    const tokens = await Promise.all(Array.from({ length: 4 }, () => mfaToken(person)));
    const code = codeOf(secret);
    let turn = 0;
    const answers = await atOnce(100, (at) => finish({ mfaToken: tokens[turn++ % 4], code }, at));
    expect(tally(answers)).toEqual({ 200: 1, 401: 99 });
    const sessions = await sql('SELECT 1 FROM sessions WHERE user_id = $1 AND id <> $2', person.id, person.sessionId);
    expect(sessions).toHaveLength(1);
    await refreshCodes(app, person);
    expect((await finish({ mfaToken: await mfaToken(person), code: codeOf(secret) })).status).toBe(200);
  });

  it('is guessed ten times at most from fifty sockets over many log-ins and channels (Keycloak CVE-2024-4629, CVE-2026-9798)', async () => {
    const person = await aUser(app);
    const { secret } = await aTotp(app, person);
    const tokens = await Promise.all(Array.from({ length: 10 }, () => mfaToken(person)));
    const wrong = wrongCode(secret);
    let turn = 0;
    const answers = await atOnce(200, (at) => {
      turn += 1;
      if (turn % 3 === 0) return post('step-up', { code: wrong }, as(person), at);
      return finish({ mfaToken: tokens[turn % 10], ...(turn % 3 === 1 ? { code: wrong } : { recoveryCode: 'k7wq-39fa-x2mn-b8tc' }) }, at);
    });
    expect(tally(answers)).toEqual({ 401: LIMIT, 429: 200 - LIMIT });
    expect(await finish({ mfaToken: tokens[0], code: codeOf(secret) })).toMatchObject({
      status: 429,
      body: { code: 'auth/too-many-attempts' },
    });
    expect((await login(person)).status).toBe(200); // another bucket
  }, 30_000);

  it('is guessed fifty times at most in a day, whatever right ones come between', async () => {
    const person = await aUser(app);
    const { secret } = await aTotp(app, person);
    const guess = (code: string) => post('step-up', { code }, as(person));
    const wrong = wrongCode(secret);
    for (let round = 0; round < 5; round++) {
      expect(tally(await Promise.all(Array.from({ length: 10 }, () => guess(wrong))))).toEqual({ 401: 10 });
      await sql(`UPDATE budgets SET window_ends_at = now() WHERE bucket = $1`, `second-factor ${person.id}`); // a quarter of an hour later
      if (round === 3) expect((await guess(codeOf(secret))).status).toBe(204);
    }
    await refreshCodes(app, person);
    const { status, headers } = await guess(codeOf(secret));
    expect(status).toBe(429);
    expect(Number(headers['retry-after'])).toBeGreaterThan(23 * 3_600);
    await sql(`UPDATE budgets SET window_ends_at = now() WHERE bucket = $1`, `second-factor-day ${person.id}`);
    expect((await guess(codeOf(secret))).status).toBe(204);
  }, 30_000);
});

describe('a recovery code', () => {
  it('logs in once, however it is typed, and its user is told', async () => {
    const person = await aUser(app);
    const { recoveryCodes } = await aTotp(app, person);
    const [first, second] = recoveryCodes as [string, string];
    expect((await finish({ mfaToken: await mfaToken(person), recoveryCode: ` ${first.toUpperCase().replaceAll('-', ' ')}` })).status).toBe(
      200,
    );
    expect(await finish({ mfaToken: await mfaToken(person), recoveryCode: first })).toMatchObject({
      status: 401,
      body: { code: 'auth/invalid-code' },
    });
    expect((await finish({ mfaToken: await mfaToken(person), recoveryCode: second })).status).toBe(200);
    await eventually(() =>
      mails.mails.some((mail) => mail.to.includes(person.email) && /recovery code of yours/.test(mail.headers.subject!)),
    );
    const used = await sql<{ left: number }>(
      `SELECT (payload->>'left')::int AS left FROM events WHERE name = 'recovery-code.used' AND subject_id = $1 ORDER BY seq`,
      person.id,
    );
    expect(used.map(({ left }) => left)).toEqual([9, 8]);
  });

  it('is good once when a hundred try it at once in two processes', async () => {
    const person = await aUser(app);
    const { recoveryCodes } = await aTotp(app, person);
    const tokens = await Promise.all(Array.from({ length: 4 }, () => mfaToken(person)));
    let turn = 0;
    const answers = await atOnce(100, (at) => finish({ mfaToken: tokens[turn++ % 4], recoveryCode: recoveryCodes[3] }, at));
    expect(tally(answers)).toEqual({ 200: 1, 401: 99 });
  });

  it('is worthless once there is a new set', async () => {
    const person = await aUser(app);
    const { recoveryCodes } = await aTotp(app, person);
    const { status, body } = await post<RecoveryCodesResponse>('mfa/recovery-codes', undefined, as(person));
    expect(status).toBe(200);
    expect(new Set([...body.recoveryCodes, ...recoveryCodes]).size).toBe(20);
    expect((await finish({ mfaToken: await mfaToken(person), recoveryCode: recoveryCodes[0] })).status).toBe(401);
    expect((await finish({ mfaToken: await mfaToken(person), recoveryCode: body.recoveryCodes[0] })).status).toBe(200);
  });

  it('is no proof for a step-up', async () => {
    const person = await aUser(app);
    const { recoveryCodes } = await aTotp(app, person);
    expect((await post('step-up', { recoveryCode: recoveryCodes[0] }, as(person))).status).toBe(400);
  });
});

describe('a step-up', () => {
  it('takes the second factor where there is one, and the password where there is none', async () => {
    const person = await aUser(app);
    const { secret } = await aTotp(app, person);
    const fresh = async () => (await app.request('POST', 'auth/passkeys/registration/options', as(person))).status === 200;
    const grow = async () => {
      await stale(person);
      await eventually(async () => !(await fresh()), WITHIN_A_SECOND);
    };
    await grow();
    const byPassword = () => post('step-up', { password: person.password }, as(person));
    expect(await byPassword()).toMatchObject({ status: 403, body: { code: 'auth/second-factor-required' } });
    expect(await fresh()).toBe(false);
    expect((await post('step-up', { code: codeOf(secret) }, as(person))).status).toBe(204);
    await eventually(fresh, WITHIN_A_SECOND);
    expect((await app.request('DELETE', 'auth/mfa/totp', as(person))).status).toBe(204);
    await grow();
    expect((await byPassword()).status).toBe(204);
    await eventually(fresh, WITHIN_A_SECOND);
  });

  it('takes exactly one proof, once', async () => {
    const person = await aUser(app);
    const { secret } = await aTotp(app, person);
    expect((await post('step-up', { code: codeOf(secret) }, as(person))).status).toBe(204);
    expect(await post('step-up', { code: codeOf(secret) }, as(person))).toMatchObject({ status: 401, body: { code: 'auth/invalid-code' } });
    for (const body of [{}, { code: '123456', password: 'x' }]) expect((await post('step-up', body, as(person))).status).toBe(400);
  });
});

describe('a role that requires a second factor', () => {
  const users = (by: Person, at = app) => at.request('GET', 'users?limit=1', as(by));

  it('gives nothing without one, and everything within a second after it is there; it goes with the factor', async () => {
    const person = await aUser(app, { roles: ['support'] });
    expect((await login(person)).status).toBe(200);
    for (const at of [app, other]) expect(await users(person, at)).toMatchObject({ status: 403, body: { code: 'auth/mfa-required' } });
    expect((await app.request('POST', 'posts', { ...as(person), body: { title: 'x', body: 'y' } })).status).toBe(403);
    expect(await me(person)).toMatchObject({ roles: ['support'], mfaEnabled: false });
    await aTotp(app, person);
    for (const at of [app, other]) await eventually(async () => (await users(person, at)).status === 200, WITHIN_A_SECOND);
    expect((await app.request('DELETE', 'auth/mfa/totp', as(person))).status).toBe(204);
    for (const at of [app, other]) await eventually(async () => (await users(person, at)).status === 403, WITHIN_A_SECOND);
  });

  it('does not concern others', async () => {
    expect((await users(await anAdmin(app))).status).toBe(200);
    expect(await users(await aUser(app))).toMatchObject({ status: 403, body: { code: 'auth/forbidden' } });
  });
});

describe('somebody who has lost their second factors', () => {
  it('is helped by an administrator: all of them go, the sessions end, and they are told', async () => {
    const [admin, person, bystander] = [await anAdmin(app), await aUser(app), await aUser(app)];
    await aTotp(app, person);
    await aTotp(app, bystander);
    const second = await aSession(app, person.id);
    expect((await app.request('DELETE', `users/${person.id}/mfa`, as(admin))).status).toBe(204);
    for (const token of [person.accessToken, second.accessToken])
      for (const at of [app, other])
        await eventually(async () => (await at.request('GET', 'users/me', { token })).status === 401, WITHIN_A_SECOND);
    expect((await login(person)).body).toMatchObject({ user: { mfaEnabled: false } });
    expect(await me(bystander)).toMatchObject({ mfaEnabled: true });
    await eventually(() =>
      mails.mails.some((mail) => mail.to.includes(person.email) && /factors of your account were/.test(mail.headers.subject!)),
    );
    expect(await audit(person)).toEqual(expect.arrayContaining(['auth.factors-reset succeeded', 'auth.sessions-ended succeeded']));
  });

  it('is nobody whom others may help', async () => {
    const [admin, person] = [await anAdmin(app), await aUser(app)];
    const reset = (id: string, call: Call) => app.request('DELETE', `users/${id}/mfa`, call);
    expect((await reset(person.id, {})).status).toBe(401);
    expect((await reset(person.id, as(person))).status).toBe(403);
    expect((await reset(NOBODYS_ID, as(admin))).status).toBe(404);
    await stale(admin);
    await eventually(async () => codeOfAnswer(await reset(person.id, as(admin))) === 'auth/step-up-required', WITHIN_A_SECOND);
  });
});

describe('what is held about second factors', () => {
  it('is exported without secrets, and gone with the account', async () => {
    const person = await aUser(app);
    await aTotp(app, person);
    const privacy = app.get(PersonalDataRegister).all.find(({ name }) => name === 'factors')!;
    const rows: object[] = [];
    for await (const file of privacy.export(person.id, app.prisma)) if ('rows' in file) for await (const row of file.rows) rows.push(row);
    expect(rows).toHaveLength(11);
    expect(rows.flatMap(Object.keys).filter((name) => /hash|sealed|key/i.test(name))).toEqual([]);
    expect((await app.request('DELETE', 'users/me', as(person))).status).toBe(204);
    for (const table of ['totp_secrets', 'recovery_codes', 'passkeys'])
      expect(await sql(`SELECT 1 FROM ${table} WHERE user_id = $1`, person.id)).toEqual([]);
  });
});
