import { createHash } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { hash } from '@node-rs/argon2';
import { AppError } from '#errors';
import { PasswordsService } from '../src/auth/passwords.service.js';
import { startApp, type TestApp } from './harness/app.js';
import { query } from './harness/database.js';
import { aUser, PASSWORD, unique } from './harness/people.js';

const BREACHED = 'a passphrase that leaked somewhere';
const OWNER = { name: 'Grace Hopper', email: 'grace@example.org' };

/** Knows passwords of breaches, in the format of Have I Been Pwned, unless a test says otherwise. */
let service: Server;
let asked: string[];
let behave: 'answer' | 'hang' | 'fail';
let app: TestApp;

beforeAll(async () => {
  const digits = createHash('sha1').update(BREACHED).digest('hex').toUpperCase();
  service = createServer((request, response) => {
    asked.push(request.url!);
    if (behave === 'hang') return;
    if (behave === 'fail') return void response.writeHead(503).end();
    const padding = `${'0'.repeat(35)}:0\r\n`;
    response.end(request.url === `/range/${digits.slice(0, 5)}` ? `${padding}${digits.slice(5)}:17\r\n` : padding);
  });
  await new Promise<void>((resolve) => service.listen(0, '127.0.0.1', resolve));
  app = await startApp({
    AUTH_PASSWORDS_BREACHED_URL: `http://127.0.0.1:${(service.address() as AddressInfo).port}/range/`,
    OUTGOING_ALLOWED_HOSTS: '127.0.0.1',
  });
}, 60_000);

afterAll(async () => {
  await app?.close();
  service.closeAllConnections();
  service.close();
});

const register = (password: string) => {
  asked = [];
  return app.request('POST', 'auth/register', { body: { email: `p-${unique()}@example.org`, name: 'Grace Hopper', password } });
};
const sql = <Row extends object>(text: string, ...values: unknown[]) => query<Row>(app.databaseUrl, text, values);

describe('a new password', () => {
  it('that is common is refused, with what the meter says', async () => {
    behave = 'answer';
    for (const password of ['passwordpassword', 'Qwertyuiop12345', 'iloveyou12345678']) {
      const { status, body } = await register(password);
      expect([status, body.code]).toEqual([400, 'auth/weak-password']);
      expect(body.detail).toContain('most common passwords');
      expect(body.errors).toEqual([
        { pointer: '/password', code: 'weak', detail: body.detail, score: expect.any(Number), suggestions: expect.any(Array) },
      ]);
      expect(body.errors![0]!.score).toBeLessThan(2);
      expect(body.errors![0]!.suggestions!.join(' ')).toMatch(/Add more words/);
    }
    expect(asked).toEqual([]); // what is known here is asked of nobody
  });

  it('that was breached is refused, and the service learns five digits of its hash', async () => {
    behave = 'answer';
    const { status, body } = await register(BREACHED);
    expect([status, body.code]).toEqual([400, 'auth/weak-password']);
    expect(body.detail).toContain('data breach');
    expect(asked).toEqual([expect.stringMatching(/^\/range\/[0-9A-F]{5}$/)]);
    expect((await register(PASSWORD)).status).toBe(201);
  });

  it.each(['hang', 'fail'] as const)('is taken when the service for breaches does: %s', async (how) => {
    behave = how;
    const began = performance.now();
    expect((await register(BREACHED)).status).toBe(201);
    expect(asked).toHaveLength(1);
    expect(performance.now() - began).toBeLessThan(10_000);
    behave = 'answer';
  });

  it('is measured by its beginning, so that a long one costs no more', async () => {
    const began = performance.now();
    for (let round = 0; round < 5; round++) expect((await register('p4ssw0rd'.repeat(128))).status).toBe(400);
    expect(performance.now() - began).toBeLessThan(5_000);
  });

  it('may be shorter where a second factor is asked for, too', async () => {
    const passwords = app.get(PasswordsService);
    await expect(passwords.hashNew('xk3mq9zw', OWNER, { secondFactor: true })).resolves.toMatch(/^\$argon2id\$/);
    const refused = [
      passwords.hashNew('xk3mq9zw', OWNER),
      passwords.hashNew('xk3mq9z', OWNER, { secondFactor: true }),
      passwords.hashNew('dragon99', OWNER, { secondFactor: true }),
      passwords.hashNew('Grace815', OWNER, { secondFactor: true }),
    ];
    for (const refusal of refused) await expect(refusal).rejects.toThrow(AppError);
  });
});

describe('the hash of a password', () => {
  const hashOf = async (id: string) => (await sql<{ hash: string }>('SELECT hash FROM passwords WHERE user_id = $1', id))[0]!.hash;
  const login = (email: string, password: string) => app.request('POST', 'auth/login', { body: { email, password } });

  it.each([
    ['less memory', { memoryCost: 8_192, timeCost: 2, parallelism: 1 }],
    ['fewer rounds', { memoryCost: 19_456, timeCost: 1, parallelism: 1 }],
    ['another function', { memoryCost: 19_456, timeCost: 2, parallelism: 1, algorithm: 1 }],
  ])('that was made with %s is made anew by the next log-in', async (_, parameters) => {
    const { id, email } = await aUser(app);
    const weaker = await hash(PASSWORD, parameters);
    await sql('UPDATE passwords SET hash = $1 WHERE user_id = $2', weaker, id);
    expect((await login(email, 'wrong for everybody here')).status).toBe(401);
    expect(await hashOf(id)).toBe(weaker);
    expect((await login(email, PASSWORD)).status).toBe(200);
    const upgraded = await hashOf(id);
    expect(upgraded).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$/);
    expect((await login(email, PASSWORD)).status).toBe(200);
    expect(await hashOf(id)).toBe(upgraded);
  });
});
