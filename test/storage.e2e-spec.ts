import { randomBytes, randomUUIDv7 } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer, text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Storage } from '#storage';
import { SweepsService } from '../src/files/sweeps.service.js';
import type { UploadResponse } from '../src/files/uploads.dto.js';
import { startApp, type TestApp } from './harness/app.js';
import { eventually } from './harness/eventually.js';
import { aUser, type Person } from './harness/people.js';
import { startS3, type TestS3 } from './harness/s3-server.js';
import { aPng, breakOff, exchange, sha256, upload } from './harness/uploads.js';

let s3: TestS3;
let folder: string;
const apps: Partial<Record<'a folder' | 'a bucket', TestApp>> = {};

beforeAll(async () => {
  s3 = await startS3();
  folder = await mkdtemp(join(tmpdir(), 'ashlar-storage-'));
  apps['a folder'] = await startApp({ DATA_DIR: folder });
  apps['a bucket'] = await startApp(s3.settings);
}, 60_000);

afterAll(async () => {
  for (const app of Object.values(apps)) await app.close();
  await s3.close();
  await rm(folder, { recursive: true });
});

async function keysOf(storage: Storage): Promise<string[]> {
  const keys: string[] = [];
  for await (const { key } of storage.list()) keys.push(key);
  return keys;
}

async function* pieces(...all: (string | Buffer | Error)[]): AsyncGenerator<Buffer> {
  for (const piece of all) {
    if (piece instanceof Error) throw piece;
    yield Buffer.from(piece);
  }
}

describe.each(['a folder', 'a bucket'] as const)('what is kept in %s', (where) => {
  const storage = () => apps[where]!.get(Storage);

  it('is what was put there, whole or in part', async () => {
    const key = randomUUIDv7();
    expect(await storage().put(key, pieces('abc', 'def'), 'text/plain')).toEqual({ size: 6, sha256: Buffer.from(sha256('abcdef'), 'hex') });
    expect(await text(await storage().get(key))).toBe('abcdef');
    expect(await text(await storage().get(key, { first: 1, last: 3 }))).toBe('bcd');
    expect(await storage().find(key)).toEqual({ key, size: 6, modifiedAt: expect.anything() });
    expect(await storage().asFile(key, (path) => readFile(path, 'utf8'))).toBe('abcdef');
    await storage().put(key, pieces('again'), 'text/plain');
    expect(await text(await storage().get(key))).toBe('again');
  });

  it('may be larger than what is held in memory at once', async () => {
    const [key, chunk] = [randomUUIDv7(), randomBytes(1_000_000)];
    const whole = Buffer.concat(Array.from({ length: 12 }, () => chunk));
    const { size, sha256: hash } = await storage().put(key, pieces(...Array.from({ length: 12 }, () => chunk)), 'text/plain');
    expect([size, hash.toString('hex')]).toEqual([12_000_000, sha256(whole)]);
    expect((await buffer(await storage().get(key))).equals(whole)).toBe(true);
    await storage().delete(key);
  });

  it('is not there when it did not arrive whole, large or small', async () => {
    for (const size of [10, 8_000_000]) {
      const key = randomUUIDv7();
      await expect(storage().put(key, pieces(randomBytes(size), new Error('broke off')), 'text/plain')).rejects.toThrow('broke off');
      expect(await storage().find(key)).toBeNull();
    }
  });

  it('is gone when it is deleted, twice if need be', async () => {
    const key = randomUUIDv7();
    await storage().put(key, pieces('x'), 'text/plain');
    await storage().delete(key);
    await storage().delete(key);
    expect(await storage().find(key)).toBeNull();
    await expect(storage().get(key)).rejects.toMatchObject({ name: 'BytesNotFound' });
    await expect(storage().asFile(key, async () => 1)).rejects.toMatchObject({ name: 'BytesNotFound' });
  });

  it('is listed in the order of its keys', async () => {
    const ids = Array.from({ length: 5 }, () => randomUUIDv7());
    const put = ids.flatMap((id) => [id, `${id}.thumb`]);
    for (const key of put.toReversed()) await storage().put(key, pieces('x'), 'text/plain');
    const listed = await keysOf(storage());
    expect(listed).toEqual(listed.toSorted());
    expect(listed).toEqual(expect.arrayContaining(put));
  });

  it.each(['../x', 'a/b', '', 'x', `${randomUUIDv7()}/../y`, `${randomUUIDv7()}.a.b`])('has no key like %j', async (key) => {
    await expect(storage().put(key, pieces('x'), 'text/plain')).rejects.toThrow(TypeError);
  });

  it('can be swept while it holds what is unfinished', async () => {
    expect(await storage().clearUnfinished(new Date())).toEqual(expect.any(Number));
  });
});

describe('what fails before a byte of it came', () => {
  it('leaves nothing in a folder: it is there, to be removed, before it is asked for', async () => {
    const unfinished = () => readdirSync(join(folder, 'files', 'unfinished'));
    const before = unfinished().length;
    let asked: number | undefined;
    async function* failing(): AsyncGenerator<Buffer> {
      asked = unfinished().length;
      yield* pieces(new Error('broke off'));
    }
    await expect(apps['a folder']!.get(Storage).put(randomUUIDv7(), failing(), 'text/plain')).rejects.toThrow('broke off');
    expect([asked, unfinished().length]).toEqual([before + 1, before]);
  });
});

describe('files in a bucket', () => {
  let app: TestApp;
  let ada: Person;
  beforeAll(async () => {
    app = apps['a bucket']!;
    ada = await aUser(app);
  });
  const bearer = () => ({ authorization: `Bearer ${ada.accessToken}` });
  const begin = async (bytes: string) =>
    (
      await app.request<UploadResponse>('POST', 'files/uploads', {
        token: ada.accessToken,
        body: { name: 'notes.txt', contentType: 'text/plain', size: bytes.length, sha256: sha256(bytes) },
      })
    ).body;
  const send = ({ method, url, headers }: UploadResponse, bytes: string, changed: Record<string, string> = {}) =>
    exchange({ url: s3.url }, method, url, { body: Buffer.from(bytes), headers: { ...headers, ...changed } });
  const complete = (id: string) => exchange(app, 'PUT', `files/uploads/${id}/completion`, { headers: bearer() });

  it('are uploaded, read in parts, made smaller and deleted like any others', async () => {
    const { status, body } = await upload(app, ada, { name: 'a.png', type: 'image/png', bytes: aPng(500, 300) });
    expect([status, body.width]).toEqual([201, 500]);
    expect((await exchange(app, 'GET', body.url, { headers: { range: 'bytes=1-3' } })).text).toBe('PNG');
    await eventually(async () => (await exchange(app, 'GET', `files/${body.id}`, { headers: bearer() })).body.variants.length === 3);
    await exchange(app, 'DELETE', `files/${body.id}`, { headers: bearer() });
    await eventually(async () => !(await keysOf(app.get(Storage))).some((key) => key.startsWith(body.id)));
  });

  it('leave nothing when they break off or are refused', async () => {
    const before = new Set(await keysOf(app.get(Storage)));
    const part = { name: 'a.txt', type: 'text/plain', bytes: 'w'.repeat(7_000_000) };
    await Promise.all(Array.from({ length: 4 }, (_, n) => breakOff(app, ada, part, 1_000 + n * 2_000_000)));
    const { body } = await upload(app, ada, { ...part, bytes: `${'w'.repeat(7_000_000)}\0` });
    expect(body.code).toBe('files/type-refused');
    await eventually(async () => (await keysOf(app.get(Storage))).every((key) => before.has(key)));
  });

  it('are sent to it directly, as announced and not otherwise', async () => {
    const announced = await begin('direct');
    expect(announced.url).toMatch(new RegExp(`^${s3.url}/ashlar-test/files/${announced.id}\\?`));
    const signed = new URL(announced.url).searchParams;
    expect(signed.get('X-Amz-SignedHeaders')).toBe('content-length;content-type;host;x-amz-checksum-sha256');
    expect(Number(signed.get('X-Amz-Expires'))).toBe(3_600);
    const refused = await Promise.all([
      send(announced, 'DIRECT'),
      send(announced, 'DIRECT', { 'x-amz-checksum-sha256': sha256('DIRECT', 'base64') }),
      send(announced, 'direct+', { 'content-length': '7' }),
      send(announced, 'direct', { 'content-type': 'text/html' }),
      send({ ...announced, url: announced.url.replace(announced.id, randomUUIDv7()) }, 'direct'),
    ]);
    expect(refused.map(({ text }) => /<Code>(\w+)/.exec(text)?.[1])).toEqual([
      'BadDigest',
      ...Array<string>(4).fill('SignatureDoesNotMatch'),
    ]);
    expect((await complete(announced.id)).body.code).toBe('files/upload-missing');
    expect((await send(announced, 'direct')).status).toBe(200);
    const { status, body } = await complete(announced.id);
    expect([status, body.sha256]).toEqual([200, sha256('direct')]);
    expect((await exchange(app, 'GET', body.url)).text).toBe('direct');
  });

  it('that a server took although they were not announced are refused at the completion', async () => {
    const announced = await begin('direct');
    await app.get(Storage).put(announced.id, pieces('DIRECT'), 'text/plain');
    expect((await complete(announced.id)).body.code).toBe('files/upload-mismatch');
    expect(await app.get(Storage).find(announced.id)).toBeNull();
  });

  it('are swept', async () => {
    const [orphan, now] = [randomUUIDv7(), new Date(Date.now() + 2 * 86_400_000)];
    await app.get(Storage).put(orphan, pieces('x'), 'text/plain');
    await app.get(SweepsService).sweep({ signal: new AbortController().signal }, now);
    expect(await app.get(Storage).find(orphan)).toBeNull();
  });
});
