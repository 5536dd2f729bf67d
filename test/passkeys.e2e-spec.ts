import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { TokensResponse } from '../src/auth/auth.dto.js';
import type { MfaRequiredResponse } from '../src/auth/factors.dto.js';
import type { PasskeyCreationOptions, PasskeyList, PasskeyRequestOptions } from '../src/auth/passkeys.dto.js';
import type { UserResponse } from '../src/users/users.dto.js';
import { startApp, type TestApp } from './harness/app.js';
import { Authenticator, type Misbehaviour } from './harness/authenticator.js';
import type { Call } from './harness/client.js';
import { query } from './harness/database.js';
import { eventually } from './harness/eventually.js';
import { anAssertion, aPasskey, aTotp } from './harness/factors.js';
import { anAdmin, aSession, aUser, type Person } from './harness/people.js';
import type { Wire } from './harness/wire.js';

const ORIGIN = 'http://localhost'; // that of PUBLIC_URL
const APP_ORIGIN = 'https://app.localhost';
const NOBODYS_ID = '0199f3a1-7c1e-7b3a-9a4e-0d6f1c2b3a49';

let app: TestApp;

beforeAll(async () => {
  app = await startApp({ CORS_ORIGINS: APP_ORIGIN });
}, 60_000);
afterAll(() => app.close());

const post = <Body>(path: string, body?: unknown, call: Call = {}) =>
  app.request<Body>('POST', `auth/${path}`, { ...(body !== undefined && { body }), ...call });
const as = ({ accessToken: token }: { accessToken: string }) => ({ token });
const sql = <Row extends object>(text: string, ...values: unknown[]) => query<Row>(app.databaseUrl, text, values);
const me = async (by: { accessToken: string }) => (await app.request<UserResponse>('GET', 'users/me', as(by))).body;
const list = async (by: { accessToken: string }) => (await app.request<Wire<PasskeyList>>('GET', 'auth/passkeys', as(by))).body.items;
const creationOptions = async (by: Person) => (await post<PasskeyCreationOptions>('passkeys/registration/options', undefined, as(by))).body;
const login = (assertion: object) => post<TokensResponse & { code?: string }>('passkeys/login', assertion);
const refused = { status: 401, body: { code: 'auth/invalid-passkey' } };
const failures = async (action: string, subject: string) =>
  (await sql('SELECT 1 FROM audit_entries WHERE action = $1 AND subject_id = $2 AND outcome = $3', action, subject, 'failed')).length;

describe('registering a passkey', () => {
  it('asks for one that is discoverable and verifies its user, and names those that are there', async () => {
    const person = await aUser(app);
    const { passkey } = await aPasskey(app, person);
    const { status, headers, body } = await post<PasskeyCreationOptions>('passkeys/registration/options', undefined, as(person));
    expect(status).toBe(200);
    expect(headers['cache-control']).toBe('no-store');
    expect(body).toMatchObject({
      rp: { id: 'localhost', name: 'Ashlar' },
      user: { id: Buffer.from(person.id.replaceAll('-', ''), 'hex').toString('base64url'), name: person.email, displayName: person.name },
      challenge: expect.stringMatching(/^[\w-]{43}$/),
      attestation: 'none',
      authenticatorSelection: { residentKey: 'required', userVerification: 'required' },
      excludeCredentials: [{ id: (await list(person))[0]!.credentialId, type: 'public-key' }],
    });
    expect(passkey.recoveryCodes).toHaveLength(10);
  });

  it('makes it a second factor, and gives recovery codes with the first one only', async () => {
    const person = await aUser(app);
    const first = await aPasskey(app, person);
    expect(first.passkey.recoveryCodes).toHaveLength(10);
    expect(await me(person)).toMatchObject({ mfaEnabled: true });
    expect((await aPasskey(app, person)).passkey.recoveryCodes).toBeNull();
    expect(await list(person)).toMatchObject([
      { id: first.passkey.id, name: 'My phone', backedUp: true, transports: ['internal'], lastUsedAt: null },
      { name: 'My phone' },
    ]);
  });

  it.each<[string, Misbehaviour]>([
    ['another origin', { origin: 'https://evil.example' }],
    ['an origin that begins alike', { origin: `${ORIGIN}.evil.example` }],
    ['another port', { origin: `${ORIGIN}:8080` }],
    ['another domain', { rpId: 'evil.example' }],
    ['an unverified user', { unverified: true }],
    ['another ceremony', { type: 'webauthn.get' }],
    ['another challenge', { challenge: 'A'.repeat(43) }],
    ['no challenge of ours', { challenge: '' }],
  ])('refuses %s', async (_, wrong) => {
    const person = await aUser(app);
    const body = new Authenticator().create(await creationOptions(person), wrong);
    expect(await post('passkeys/registration', body, as(person))).toMatchObject({ status: 400, body: { code: 'auth/passkey-refused' } });
    expect(await list(person)).toEqual([]);
  });

  it('is refused when it is a repetition, another session’s, another user’s or too late', async () => {
    const [ada, eve] = [await aUser(app), await aUser(app)];
    const second = { ...ada, ...(await aSession(app, ada.id)) };
    const register = (by: Person, body: object) => post<{ code?: string }>('passkeys/registration', body, as(by));
    const code = async (by: Person, body: object) => (await register(by, body)).body.code;
    const used = new Authenticator().create(await creationOptions(ada));
    expect((await register(ada, used)).status).toBe(201);
    expect(await code(ada, used)).toBe('auth/passkey-refused');
    const begun = async () => new Authenticator().create(await creationOptions(ada));
    expect(await code(second, await begun())).toBe('auth/passkey-refused');
    expect(await code(eve, await begun())).toBe('auth/passkey-refused');
    const late = await begun();
    await sql(`UPDATE one_time_tokens SET expires_at = now() - interval '1 second' WHERE user_id = $1`, ada.id);
    expect(await code(ada, late)).toBe('auth/passkey-refused');
    const taken = { ...new Authenticator().create(await creationOptions(eve)) };
    expect((await register(eve, taken)).status).toBe(201);
    expect([(await list(ada)).length, (await list(eve)).length]).toEqual([1, 1]);
  });

  it('takes no passkey that is registered already', async () => {
    const [ada, eve] = [await aUser(app), await aUser(app)];
    const { authenticator } = await aPasskey(app, ada);
    const body = authenticator.create(await creationOptions(eve));
    const { credentialId } = (await list(ada))[0]!;
    await sql('UPDATE passkeys SET credential_id = $1 WHERE credential_id = $2', body.id, credentialId);
    expect(await post('passkeys/registration', body, as(eve))).toMatchObject({ status: 409, body: { code: 'auth/passkey-taken' } });
  });

  it('ends at twenty', async () => {
    const person = await aUser(app);
    await sql(
      `INSERT INTO passkeys (id, user_id, credential_id, public_key, backed_up, name) SELECT gen_random_uuid(), $1::uuid, 'x' || n, '', false, 'x' FROM generate_series(1, 20) n`,
      person.id,
    );
    const body = new Authenticator().create(await creationOptions(person));
    expect(await post('passkeys/registration', body, as(person))).toMatchObject({ status: 409, body: { code: 'auth/too-many-passkeys' } });
  });

  it('needs a fresh proof, as removing one does', async () => {
    const person = await aUser(app);
    const { passkey } = await aPasskey(app, person);
    await sql(`UPDATE sessions SET proven_at = now() - interval '1 hour' WHERE id = $1`, person.sessionId);
    const code = async (method: string, path: string) => (await app.request(method, `auth/passkeys${path}`, as(person))).body?.code;
    await eventually(async () => (await code('POST', '/registration/options')) === 'auth/step-up-required');
    expect(await code('POST', '/registration')).toBe('auth/step-up-required');
    expect(await code('DELETE', `/${passkey.id}`)).toBe('auth/step-up-required');
  });
});

describe('logging in by a passkey', () => {
  it('needs neither address nor password nor second factor', async () => {
    const person = await aUser(app);
    await aTotp(app, person);
    const { authenticator } = await aPasskey(app, person);
    const options = await post<PasskeyRequestOptions>('passkeys/login/options');
    expect(options.body).toMatchObject({
      rpId: 'localhost',
      userVerification: 'required',
      challenge: expect.stringMatching(/^[\w-]{43}$/),
    });
    expect(options.body.allowCredentials ?? []).toEqual([]);
    const { status, body } = await login(authenticator.get(options.body));
    expect(status).toBe(200);
    expect(body).toMatchObject({ user: { id: person.id }, expiresIn: 600 });
    expect(await me(body)).toMatchObject({ id: person.id });
    expect((await list(person))[0]!.lastUsedAt).not.toBeNull();
    expect((await login(await anAssertion(app, authenticator))).status).toBe(200);
  });

  it('works from a browser application of CORS_ORIGINS', async () => {
    const { authenticator } = await aPasskey(app, await aUser(app), new Authenticator(APP_ORIGIN));
    expect((await login(await anAssertion(app, authenticator))).status).toBe(200);
  });

  it.each<[string, Misbehaviour]>([
    ['another origin', { origin: 'https://evil.example' }],
    ['another domain', { rpId: 'evil.example' }],
    ['an unverified user', { unverified: true }],
    ['another ceremony', { type: 'webauthn.create' }],
    ['another challenge', { challenge: 'A'.repeat(43) }],
    ['another user’s handle', { userHandle: Buffer.from(NOBODYS_ID.replaceAll('-', ''), 'hex').toString('base64url') }],
  ])('refuses %s, and the failure is on record', async (_, wrong) => {
    const person = await aUser(app);
    const { authenticator } = await aPasskey(app, person);
    expect(await login(await anAssertion(app, authenticator, wrong))).toMatchObject(refused);
    expect(await failures('auth.login-failed', person.id)).toBe(1);
  });

  it('takes an answer once, also when fifty send it at once', async () => {
    const { authenticator } = await aPasskey(app, await aUser(app));
    const assertion = await anAssertion(app, authenticator);
    const answers = await Promise.all(Array.from({ length: 50 }, () => login(assertion)));
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
    expect(answers.filter(({ status }) => status === 401)).toHaveLength(49);
  });

  it('refuses a signature that is not the passkey’s', async () => {
    const [ada, eve] = [await aPasskey(app, await aUser(app)), await aPasskey(app, await aUser(app))];
    const eves = await anAssertion(app, eve.authenticator);
    const adas = await anAssertion(app, ada.authenticator);
    expect(await login({ ...eves, id: adas.id, rawId: adas.rawId })).toMatchObject(refused);
    const { response, ...rest } = await anAssertion(app, ada.authenticator);
    expect(await login({ ...rest, response: { ...response, signature: eves.response.signature } })).toMatchObject(refused);
  });

  it('refuses a counter that does not go up, and keeps that on record', async () => {
    const person = await aUser(app);
    const { authenticator } = await aPasskey(app, person);
    expect((await login(await anAssertion(app, authenticator, { counter: 7 }))).status).toBe(200);
    for (const counter of [7, 6, 0]) expect(await login(await anAssertion(app, authenticator, { counter }))).toMatchObject(refused);
    expect(await failures('auth.passkey-counter-reversed', person.id)).toBe(3);
    expect((await login(await anAssertion(app, authenticator, { counter: 8 }))).status).toBe(200);
  });

  it('takes one of two that count alike at once', async () => {
    const { authenticator } = await aPasskey(app, await aUser(app));
    const assertions = await Promise.all(Array.from({ length: 10 }, () => anAssertion(app, authenticator, { counter: 5 })));
    const answers = await Promise.all(assertions.map((assertion) => login(assertion)));
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
  });

  it('takes authenticators that do not count', async () => {
    const { authenticator } = await aPasskey(app, await aUser(app));
    for (let time = 0; time < 2; time++) expect((await login(await anAssertion(app, authenticator, { counter: 0 }))).status).toBe(200);
  });

  it('is over for who was suspended, reset or removed it', async () => {
    const admin = await anAdmin(app);
    const changes: ((person: Person, id: string) => Promise<unknown>)[] = [
      (person) => app.request('PATCH', `users/${person.id}`, { ...as(admin), body: { status: 'suspended' } }),
      (person) => app.request('DELETE', `users/${person.id}/mfa`, as(admin)),
      (person, id) => app.request('DELETE', `auth/passkeys/${id}`, as(person)),
      (person) => app.request('DELETE', 'users/me', as(person)),
    ];
    for (const change of changes) {
      const person = await aUser(app);
      const { authenticator, passkey } = await aPasskey(app, person);
      await change(person, passkey.id);
      expect(await login(await anAssertion(app, authenticator))).toMatchObject(refused);
    }
  });

  it.each([
    ['no JSON', { clientDataJSON: 'AAAA' }],
    ['a number for JSON', { clientDataJSON: Buffer.from('1').toString('base64url') }],
    ['null for JSON', { clientDataJSON: Buffer.from('null').toString('base64url') }],
    ['a list for a challenge', { clientDataJSON: Buffer.from('{"challenge":["x"]}').toString('base64url') }],
    ['no authenticator data', { authenticatorData: 'AAAA' }],
    ['no signature', { signature: 'AAAA' }],
  ])('refuses %s', async (_, wrong) => {
    const { authenticator } = await aPasskey(app, await aUser(app));
    const { response, ...rest } = await anAssertion(app, authenticator);
    expect(await login({ ...rest, response: { ...response, ...wrong } })).toMatchObject(refused);
  });

  it.each([
    ['no answer', { response: undefined }],
    ['a list for an answer', { response: [] }],
    ['no id', { id: undefined }],
    ['an id that is not base64url', { id: 'a+b=' }],
    ['another type', { type: 'password' }],
    ['unknown members', { userId: NOBODYS_ID }],
  ])('does not understand %s', async (_, wrong) => {
    const { authenticator } = await aPasskey(app, await aUser(app));
    expect((await login({ ...(await anAssertion(app, authenticator)), ...wrong })).status).toBe(400);
  });
});

describe('a passkey as a second factor', () => {
  const mfaToken = async ({ email, password }: Person) => (await post<MfaRequiredResponse>('login', { email, password })).body;

  it('finishes a log-in that a password began', async () => {
    const person = await aUser(app);
    const { authenticator } = await aPasskey(app, person);
    const step = await mfaToken(person);
    expect(step).toMatchObject({ mfaRequired: true, methods: ['passkey', 'recovery-code'] });
    const body = { mfaToken: step.mfaToken, ...(await anAssertion(app, authenticator)) };
    expect(await post('login/mfa', body)).toMatchObject({ status: 200, body: { user: { id: person.id } } });
    expect(await post('login/mfa', { mfaToken: step.mfaToken, ...(await anAssertion(app, authenticator)) })).toMatchObject({
      status: 401,
      body: { code: 'auth/invalid-mfa-token' },
    });
  });

  it('must be the user’s own', async () => {
    const [ada, eve] = [await aUser(app), await aUser(app)];
    await aPasskey(app, ada);
    const { authenticator } = await aPasskey(app, eve);
    const { mfaToken: token } = await mfaToken(ada);
    expect(await post('login/mfa', { mfaToken: token, ...(await anAssertion(app, authenticator)) })).toMatchObject(refused);
    expect(await post('step-up', await anAssertion(app, authenticator), as(ada))).toMatchObject(refused);
  });

  it('steps a session up', async () => {
    const person = await aUser(app);
    const { authenticator, passkey } = await aPasskey(app, person);
    await sql(`UPDATE sessions SET proven_at = now() - interval '1 hour' WHERE id = $1`, person.sessionId);
    const remove = () => app.request('DELETE', `auth/passkeys/${passkey.id}`, as(person));
    await eventually(async () => (await remove()).body?.code === 'auth/step-up-required');
    expect((await post('step-up', await anAssertion(app, authenticator), as(person))).status).toBe(204);
    await eventually(async () => (await remove()).status === 204);
    expect(await me(person)).toMatchObject({ mfaEnabled: false });
  });
});

describe('the list of passkeys', () => {
  it('is its user’s own, and so is removing them', async () => {
    const [ada, eve] = [await aUser(app), await aUser(app)];
    const { passkey } = await aPasskey(app, ada);
    expect(await list(eve)).toEqual([]);
    expect((await app.request('GET', 'auth/passkeys')).status).toBe(401);
    expect(await app.request('DELETE', `auth/passkeys/${passkey.id}`, as(eve))).toMatchObject({
      status: 404,
      body: { code: 'auth/passkey-not-found' },
    });
    expect((await app.request('DELETE', `auth/passkeys/${NOBODYS_ID}`, as(eve))).status).toBe(404);
    expect(await list(ada)).toHaveLength(1);
  });
});
