import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import type { Answer } from '../harness/client.js';
import { query } from '../harness/database.js';
import { anAdmin } from '../harness/people.js';
import { pathOf, streams, takes, Trial } from './trial.js';

/** Operations that change something and leave no entry, and why. */
const UNAUDITED: Record<string, string> = {
  'passkeys.registrationOptions': 'asks for a challenge; what is done with it is kept',
  'passkeys.loginOptions': 'asks for a challenge; what is done with it is kept',
  'identities.begin': 'answers a URL; what it leads to is kept, or that it failed',
  'tickets.issue': 'lets in as the session that asks for it, once within half a minute',
  'auth.refresh': 'continues a session whose beginning and end are kept; a token that turns up twice is, too',
  'orders.quote': 'keeps nothing',
  'carts.begin': 'concerns nobody but who thinks of buying; what is bought is kept',
  'carts.update': 'concerns nobody but who thinks of buying; what is bought is kept',
  'carts.remove': 'concerns nobody but who thinks of buying; what is bought is kept',
  'carts.set': 'concerns nobody but who thinks of buying; what is bought is kept',
  'carts.unset': 'concerns nobody but who thinks of buying; what is bought is kept',
  'carts.merge': 'concerns nobody but who thinks of buying; what is bought is kept',
  'paymentWebhooks.receive': 'only says what to look at; what is seen there is kept',
  'autosaves.keep': 'comes with every few letters that somebody types, is theirs alone, and changes nothing',
  'autosaves.discard': 'concerns nobody but who typed it',
  'likes.like': 'is a public gesture that can be taken back; its event says whose',
  'likes.unlike': 'takes that back',
  'notifications.read': 'concerns nobody but its reader, and nothing they may do',
  'notifications.readAll': 'concerns nobody but its reader, and nothing they may do',
};

/** Reads whose answer differs each time, and why. */
const NEVER_ALIKE: Record<string, string> = {
  'oauth.start': 'it leads to the provider with secrets that are good once',
  'oauth.finish': 'it is the end of one sign-in',
  'auth.csrf': 'each token has a random part, so that compression tells nothing about it',
  'invariants.check': 'it says when it looked, and how long that took',
  'streams.open': 'it tells what happens next, for as long as somebody listens (see the client of the harness)',
  'postExports.zip': 'it is made while it is sent',
  'statistics.csv': 'the same',
  'statistics.get': 'it says until when it counts: now, unless something else is asked for',
  'variantImports.export': 'it is made while it is sent',
  'releases.preview': 'it says what would be so now, with the time of that',
  'jobs.list': 'jobs of others come and go',
  'audit.verify': 'it counts what is in the log, and is itself written into it',
};

/** Each test asks all operations. */
jest.setTimeout(180_000);

let trial: Trial;

beforeAll(async () => {
  trial = await Trial.start();
}, 60_000);

afterAll(() => trial.end());

describe('every operation', () => {
  it('does its job, and its answers are as described, to the last member', async () => {
    const faults = await trial.each(trial.operations, async (operation) => {
      const calls = await trial.happyOf(operation);
      const faults = calls.length === 0 ? [trial.notCalled(operation)] : [];
      for (const happy of calls) {
        const answer = await trial.send(operation, happy);
        faults.push(...trial.unless(answer.status < 300 || answer.status === 302, operation, answer, 'its job'));
      }
      return faults;
    });
    expect(faults).toEqual([]);
    const ids = trial.operations.map(({ operationId }) => operationId);
    expect(Object.keys(trial.happy).filter((id) => !ids.includes(id))).toEqual([]);
  });

  it('that changes something leaves an entry in the audit log, and no secret in it', async () => {
    const { app, product } = trial.world;
    const secrets = new Set<unknown>();
    const audited = trial.operations.filter(({ method, operationId }) => method !== 'GET' && !(operationId in UNAUDITED));
    const faults = await trial.each(audited, async (operation) => {
      const faults = [];
      for (const happy of await trial.happyOf(operation)) {
        const answer = await trial.send(operation, happy);
        for (const given of [happy.by, happy.body, answer.body])
          for (const [name, value] of Object.entries(given ?? {})) if (/password|token|secret/i.test(name)) secrets.add(value);
        const [written] = await query<{ entries: number }>(
          app.databaseUrl,
          'SELECT count(*)::int AS entries FROM audit_entries WHERE request_id = $1',
          [answer.headers['x-request-id']],
        );
        if (written!.entries === 0) faults.push(`${operation.id} (${operation.operationId}) leaves no entry: record() it where it is done`);
      }
      return faults;
    });
    expect(faults).toEqual([]);

    const { accessToken } = await anAdmin(app);
    let read = JSON.stringify(await query(app.databaseUrl, `SELECT e::text FROM audit_entries e`));
    for (let cursor: string | null = ''; cursor !== null;) {
      const page: Answer<{ nextCursor: string | null }> = await product.request('GET', `audit?limit=100${cursor && `&cursor=${cursor}`}`, {
        token: accessToken,
      });
      read += page.text;
      cursor = page.body.nextCursor;
    }
    expect(secrets.size).toBeGreaterThan(10);
    expect([...secrets].filter((secret) => typeof secret === 'string' && secret.length > 6 && read.includes(secret))).toEqual([]);
    for (const hidden of ['argon2', 'refreshHash', '"hash"']) expect(read).not.toContain(hidden);
  });

  it('is known to this test by a check that sees what is not described', async () => {
    const operation = trial.operations.find(({ operationId }) => operationId === 'users.me')!;
    const [happy] = await trial.happyOf(operation);
    const answer = await trial.send(operation, happy!);
    const body = answer.body as object;
    const faultsOf = (changed: object) => trial.faultsOf(operation, { ...answer, ...changed });
    expect(faultsOf({})).toEqual([]);
    expect(faultsOf({ body: { ...body, passwordHash: 'x' } })).toEqual([expect.stringContaining('passwordHash')]);
    expect(faultsOf({ body: { ...body, createdAt: 'yesterday' } })).toEqual([expect.stringContaining('date-time')]);
    expect(faultsOf({ body: {} })).toHaveLength(1);
    expect(faultsOf({ status: 202 })).not.toEqual([]);
    const refused = await trial.world.product.request('GET', 'users/me');
    expect(trial.faultsOf(operation, refused)).toEqual([]);
    expect(trial.faultsOf(operation, { ...refused, body: { ...refused.body, code: 'auth/other' } })).not.toEqual([]);
  });

  it('that takes an Idempotency-Key refuses what is none, and repeats its answer to one that is', async () => {
    const faults = await trial.overAll(
      (operation) => takes(operation, 'Idempotency-Key'),
      async (operation, happy) => {
        const faults = [];
        for (const key of ['', 'a b', 'x'.repeat(256)]) {
          const answer = await trial.send(operation, happy, { call: { headers: { 'idempotency-key': key } } });
          faults.push(...trial.unlessRefused(operation, answer, 400, 'idempotency/key-malformed'));
        }
        const required = operation.parameters.find(({ name }) => name === 'Idempotency-Key')!.required === true;
        if (required) {
          const answer = await trial.send(operation, happy, { call: { headers: {} } });
          faults.push(...trial.unlessRefused(operation, answer, 400, 'idempotency/key-required'));
        }
        const headers = { 'idempotency-key': randomUUID() };
        const repeated = { ...headers, ...(happy.form && { 'content-type': happy.form.type }) };
        const [first, second] = [
          await trial.send(operation, happy, { call: { headers: repeated } }),
          await trial.send(operation, happy, { call: { headers: repeated } }),
        ];
        const again = second.status === first.status && second.text === first.text && second.headers['idempotency-replayed'] === 'true';
        faults.push(
          ...trial.unless(first.status < 300, operation, first, 'its job'),
          ...trial.unless(again, operation, second, 'the first answer again'),
        );
        if (streams(operation)) return faults;
        const body = { ...happy.body, metadata: { other: 'body' } };
        const other = await trial.send(operation, happy, { call: { headers, body } });
        if (other.status !== 400) faults.push(...trial.unlessRefused(operation, other, 422));
        return faults;
      },
    );
    expect(faults).toEqual([]);
  });

  it('that takes If-Match refuses another version', async () => {
    const faults = await trial.overAll(
      (operation) => takes(operation, 'If-Match'),
      async (operation, happy) => {
        const faults = [];
        for (const version of ['"999999"', '"999999-abc"', 'x', '""']) {
          const answer = await trial.send(operation, happy, { call: { headers: { 'if-match': version } } });
          faults.push(...trial.unlessRefused(operation, answer, 412, 'http/stale-version'));
        }
        return faults;
      },
    );
    expect(faults).toEqual([]);
  });

  it('that reads answers HEAD like GET, without the body, and 304 to who has it', async () => {
    const { product } = trial.world;
    const faults = await trial.overAll(
      ({ method, operationId }) => method === 'GET' && !(operationId in NEVER_ALIKE),
      async (operation, happy) => {
        const path = pathOf(operation, happy.params, happy.query);
        const call = { ...(happy.by && { token: happy.by.accessToken }) };
        const got = await product.request('GET', path, call);
        const head = await product.request('HEAD', path, call);
        const same = await product.request('GET', path, { ...call, headers: { 'if-none-match': got.headers.etag ?? '' } });
        return [
          ...(head.status === got.status && head.text === '' && head.headers['content-type'] === got.headers['content-type']
            ? []
            : [`${operation.id} answers HEAD with ${head.status}: ${head.text}`]),
          ...(same.status === 304 && same.text === ''
            ? []
            : [`${operation.id} answers ${same.status} to If-None-Match: ${got.headers.etag}`]),
        ];
      },
      { alone: true },
    );
    expect(faults).toEqual([]);
  });

  it('has left no error of its own in the log', () => trial.expectQuietLog());
});
