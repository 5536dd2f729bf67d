import { mkdtemp, rm, utimes } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import sharp from 'sharp';
import { transaction } from '#database';
import { FilesService } from '../src/files/files.service.js';
import { SweepsService } from '../src/files/sweeps.service.js';
import type { UploadResponse } from '../src/files/uploads.dto.js';
import { startApp, type TestApp } from './harness/app.js';
import { query } from './harness/database.js';
import { eventually } from './harness/eventually.js';
import { actorOf, anAdmin, aUser, type Person, unique } from './harness/people.js';
import { type Product, startProcess, stopProcesses } from './harness/product.js';
import { aPng, breakOff, exchange, filesBelow, form, type Part, sha256, upload } from './harness/uploads.js';

let app: TestApp;
/** Another process on the same database and the same folder. */
let other: Product;
let folder: string;
let ada: Person;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ashlar-files-'));
  app = await startApp({ DATA_DIR: folder, FILES_MAX_BYTES: '2000000', FILES_QUOTA_BYTES: '5000000' });
  other = await startProcess({ databaseUrl: app.databaseUrl, env: { DATA_DIR: folder } });
  ada = await aUser(app);
}, 60_000);

afterAll(async () => {
  await stopProcesses();
  await app.close();
  await rm(folder, { recursive: true });
});

const bearer = (person: Person) => ({ authorization: `Bearer ${person.accessToken}` });
const stored = () => filesBelow(join(folder, 'files'));
/** What is kept for good, smaller pictures aside: those are made meanwhile. */
const settled = () =>
  eventually(async () => {
    const paths = await stored();
    return !paths.some((path) => path.startsWith('unfinished')) && paths.filter((path) => !path.includes('.'));
  });
const get = (path: string, headers: Record<string, string> = {}) => exchange(app, 'GET', path, { headers });
const aText = (bytes = `text ${unique()}`): Part => ({ name: 'notes.txt', type: 'text/plain', bytes });
/** A picture like those of cameras: lying on its side, with a place in its EXIF. */
const aPhoto = () =>
  sharp({ create: { width: 600, height: 400, channels: 3, background: { r: 200, g: 10, b: 10 } } })
    .withExif({ IFD0: { Copyright: 'secretplace' }, IFD3: { GPSLatitude: '51/1 30/1 0/1' } })
    .withMetadata({ orientation: 6 })
    .jpeg()
    .toBuffer();

async function anUpload(part: Part = aText(), by = ada) {
  const answer = await upload(app, by, part);
  expect([answer.status, answer.text]).toEqual([201, expect.any(String)]);
  return answer.body;
}

describe('an upload', () => {
  it('becomes a file that is described as it is', async () => {
    const bytes = 'Grüße';
    const answer = await upload(app, ada, { name: 'notes.txt', type: 'text/plain', bytes });
    expect(answer.status).toBe(201);
    expect(answer.body).toEqual({
      id: expect.any(String),
      name: 'notes.txt',
      contentType: 'text/plain',
      size: 7,
      sha256: sha256(bytes),
      url: expect.stringContaining(`/api/v1/files/${answer.body.id}/content?`),
      isPublic: false,
      width: null,
      height: null,
      variants: [],
      variantsStatus: 'none',
      createdAt: expect.any(String),
    });
    expect(answer.headers.location).toBe(`http://localhost/api/v1/files/${answer.body.id}`);
    const read = await get(`files/${answer.body.id}`, bearer(ada));
    expect(read.body).toEqual(answer.body);
  });

  it('is read through another process', async () => {
    const bytes = Buffer.from('x'.repeat(300_000));
    const { id } = await anUpload(aText(bytes.toString()));
    const read = await exchange(other, 'GET', `files/${id}/content`, { headers: bearer(ada) });
    expect([read.status, sha256(read.bytes)]).toEqual([200, sha256(bytes)]);
  });

  it('is told to the audit log and to other systems', async () => {
    const { id } = await anUpload();
    const entries = await query(app.databaseUrl, `SELECT action FROM audit_entries WHERE resource_id = $1`, [id]);
    const events = await query(app.databaseUrl, `SELECT name, subject_id FROM events WHERE resource_id = $1`, [id]);
    expect([entries, events]).toEqual([[{ action: 'files.uploaded' }], [{ name: 'file.uploaded', subject_id: ada.id }]]);
  });

  it('sent again with its key is the same file, and another one under it is refused', async () => {
    const key = { 'idempotency-key': unique() };
    const before = (await settled()).length;
    const part = aText();
    const [first, second] = [await upload(app, ada, part, key), await upload(app, ada, part, key)];
    expect([second.text, second.headers['idempotency-replayed']]).toEqual([first.text, 'true']);
    expect((await upload(app, ada, aText(), key)).body.code).toBe('idempotency/key-reused');
    expect((await upload(app, ada, { ...part, name: 'other.txt' }, key)).body.code).toBe('idempotency/key-reused');
    expect((await settled()).length).toBe(before + 1);
  });

  it('needs a login and the permission, before a byte is read', async () => {
    const before = await settled();
    expect((await upload(app, null, aText())).status).toBe(401);
    expect((await upload(app, await aUser(app, { roles: [] }), aText())).status).toBe(403);
    expect(await settled()).toEqual(before);
  });

  it('finds no room beyond the quota, however many come at once', async () => {
    const by = await aUser(app);
    const answers = await Promise.all(Array.from({ length: 5 }, () => upload(app, by, aText('y'.repeat(1_500_000)))));
    expect(answers.map(({ status }) => status).sort()).toEqual([201, 201, 201, 409, 409]);
    expect(answers.find(({ status }) => status === 409)!.body.code).toBe('files/quota-exceeded');
    const [sum] = await query(app.databaseUrl, 'SELECT sum(size)::int AS size FROM files WHERE owner_id = $1', [by.id]);
    expect(sum).toEqual({ size: 4_500_000 });
  });

  it.each([
    ['../../etc/passwd', 'passwd'],
    ['..\\..\\boot.ini', 'boot.ini'],
    ['/', 'file'],
    ['...', 'file'],
    ['.htaccess', 'htaccess'],
    ['Grüße €.txt', 'Grüße €.txt'],
    ['gpj.\u202etxt', 'gpj.txt'],
  ])('called %j is called %j, and that is all that its name does', async (given, name) => {
    const { id, name: kept } = await anUpload({ ...aText(), name: given });
    expect(kept).toBe(name);
    const { status, headers } = await get(`files/${id}/content`, bearer(ada));
    expect(status).toBe(200);
    expect(headers['content-disposition']).toMatch(/^inline; filename="[ !#-$&-[\]-~]+"(; filename\*=UTF-8''[\w.%~-]+)?$/);
    expect(headers['x-evil']).toBeUndefined();
  });
});

describe('what is refused', () => {
  const gif = 'GIF89a\x01\x00\x01\x00\x00\x00\x00;';
  const asf = Buffer.alloc(55);
  Buffer.from('3026b2758e66cf11a6d900aa0062ce6c', 'hex').copy(asf);
  const zip = Buffer.from('504b0304140000000800', 'hex');
  const png = aPng(1, 1);

  it.each<[string, Part | Part[], string]>([
    ['a type that the bytes are not', { name: 'a.png', type: 'image/png', bytes: 'no picture' }, 'files/type-refused'],
    ['a picture of another kind', { name: 'a.jpg', type: 'image/jpeg', bytes: png }, 'files/type-refused'],
    ['a GIF that is a page, as a JPEG', { name: 'a.jpg', type: 'image/jpeg', bytes: `GIF89a/*<html><script>*/` }, 'files/type-refused'],
    ['a GIF that is a page', { name: 'a.gif', type: 'image/gif', bytes: `${gif}<script>alert(1)</script>` }, 'files/image-refused'],
    ['a GIF that is a page, named .jpg', { name: 'a.jpg', type: 'image/gif', bytes: `${gif}<html>` }, 'files/type-refused'],
    ['a PDF with a script, as a JPEG', { name: 'a.jpg', type: 'image/jpeg', bytes: '%PDF-1.7\n/JavaScript' }, 'files/type-refused'],
    [
      'a picture that is a PDF',
      { name: 'a.png', type: 'image/png', bytes: Buffer.concat([png, Buffer.from('%PDF-1.7')]) },
      'files/image-refused',
    ],
    ['50,000 × 50,000 pixels', { name: 'a.png', type: 'image/png', bytes: aPng(50_000, 50_000, 1) }, 'files/image-refused'],
    ['a page that is named as a picture', { name: 'a.png', type: 'text/html', bytes: '<html>' }, 'files/type-refused'],
    ['a picture that is named as a program', { name: 'a.exe', type: 'image/png', bytes: png }, 'files/type-refused'],
    ['half a picture', { name: 'a.png', type: 'image/png', bytes: png.subarray(0, 30) }, 'files/image-refused'],
    ['55 bytes of ASF (CVE-2026-31808)', { name: 'a.asf', type: 'video/x-ms-asf', bytes: asf }, 'files/type-refused'],
    ['55 bytes of ASF as anything', { name: 'a', type: 'application/octet-stream', bytes: asf }, 'files/type-refused'],
    ['an archive', { name: 'a.zip', type: 'application/zip', bytes: zip }, 'files/type-refused'],
    ['text with NUL', { name: 'a.txt', type: 'text/plain', bytes: 'a\0b' }, 'files/type-refused'],
    ['text that is not UTF-8', { name: 'a.txt', type: 'text/plain', bytes: Buffer.from([0x61, 0xff, 0xfe]) }, 'files/type-refused'],
    ['a type that nobody takes', { name: 'a', type: 'application/x-msdownload', bytes: 'MZ' }, 'files/type-refused'],
    ['no bytes', { ...aText(''), bytes: '' }, 'files/empty'],
    ['a name over two lines', { ...aText(), name: 'a\u0085b.txt' }, 'files/bad-name'],
    ['a name over two lines, as browsers write it', { ...aText(), name: 'a%0D%0Ab.txt' }, 'files/bad-name'],
    ['a name that ends its header', { ...aText(), name: 'a\r\nX-Evil: 1' }, 'http/upload-malformed'],
    ['more than the limit', aText('z'.repeat(2_000_001)), 'http/file-too-large'],
    ['two files', [aText(), aText()], 'http/upload-malformed'],
    ['a file and a field', [aText(), { field: 'owner', name: null, bytes: 'x' }], 'http/upload-malformed'],
    ['a field before the file', [{ field: 'owner', name: null, bytes: 'x' }, aText()], 'http/upload-malformed'],
    ['a field alone', { field: 'file', name: null, bytes: 'x' }, 'http/validation-failed'],
    ['another field', { ...aText(), field: 'picture' }, 'http/validation-failed'],
    ['no file', [], 'http/upload-malformed'],
    ['10,000 parts', Array.from({ length: 10_000 }, () => aText('a')), 'http/upload-malformed'],
    ['10,000 fields', Array.from({ length: 10_000 }, () => ({ field: 'a', name: null, bytes: 'a' })), 'http/upload-malformed'],
  ])('is %s, within a second and without a trace', async (_, part, code) => {
    const [files, before] = [await settled(), process.memoryUsage().rss];
    const started = performance.now();
    const answer = await upload(app, ada, part);
    const ms = performance.now() - started;
    expect([answer.status >= 400 && answer.status < 500, answer.body.code]).toEqual([true, code]);
    expect(ms).toBeLessThan(5_000); // generous: machines differ
    expect(await settled()).toEqual(files);
    expect(process.memoryUsage().rss - before).toBeLessThan(128 * 1_048_576);
  });

  it.each([
    ['application/json', 'http/unsupported-media-type'],
    ['multipart/form-data', 'http/upload-malformed'],
    ['multipart/mixed; boundary=x', 'http/unsupported-media-type'],
    ['application/x-ashlar-stream', 'http/unsupported-media-type'],
  ])('is a body of the type %s', async (type, code) => {
    const answer = await exchange(app, 'POST', 'files', { body: Buffer.from('{}'), headers: { ...bearer(ada), 'content-type': type } });
    expect(answer.body.code).toBe(code);
  });

  it('is a stream where JSON is due', async () => {
    const answer = await exchange(app, 'POST', 'posts', {
      body: Buffer.from('{}'),
      headers: { ...bearer(ada), 'content-type': 'application/x-ashlar-stream' },
    });
    expect(answer.body.code).toBe('http/unsupported-media-type');
  });

  it('leaves nothing when it is refused while it arrives, however many are', async () => {
    const files = await settled();
    const parts = [aText('z'.repeat(2_000_001)), aText(`${'z'.repeat(1_000_000)}\0`), { ...aText('z'.repeat(1_000_000)), field: 'other' }];
    const answers = await Promise.all(Array.from({ length: 30 }, (_, n) => upload(app, ada, parts[n % 3]!)));
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([413, 415, 400]));
    expect(await settled()).toEqual(files);
  });

  it('leaves nothing when it breaks off', async () => {
    const [files, rows] = [await settled(), await app.prisma.file.count()];
    const part = aText('w'.repeat(1_000_000));
    await Promise.all(Array.from({ length: 40 }, (_, n) => breakOff(other, ada, part, 1_000 + n * 20_000)));
    await eventually(() => other.log.filter(({ msg, route }) => msg === 'request broken off' && route === '/api/v1/files').length === 40);
    expect(await settled()).toEqual(files);
    expect(await app.prisma.file.count()).toBe(rows);
  });

  it('is given up when it takes too long, and only then', async () => {
    const hasty = await startApp({
      DATABASE_URL: app.databaseUrl,
      DATA_DIR: folder,
      FILES_UPLOAD_TIMEOUT_SECONDS: '1',
      HTTP_REQUEST_TIMEOUT_MS: '60000',
    });
    const { type, body } = form([aText('slow'.repeat(10_000))]);
    const head = (path: string, contentType: string) =>
      `${path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${ada.accessToken}\r\nContent-Type: ${contentType}\r\nContent-Length: ${body.length}\r\n\r\n`;
    const files = await settled();
    const answer = await hasty.raw(Buffer.concat([Buffer.from(head('POST /api/v1/files', type)), body.subarray(0, 30_000)]));
    expect([answer.status, answer.body.code]).toEqual([408, 'http/request-timeout']);
    expect(await settled()).toEqual(files);
    await hasty.close();
  });

  it('leaves nothing when its form does not end', async () => {
    const files = await settled();
    const { type, body } = form([aText()]);
    const answer = await exchange(app, 'POST', 'files', { body: body.subarray(0, -10), headers: { ...bearer(ada), 'content-type': type } });
    expect([answer.status, answer.body.code]).toEqual([400, 'http/upload-malformed']);
    expect(await settled()).toEqual(files);
  });
});

describe('a file', () => {
  it('is its owner’s and staff’s, and does not exist for anybody else', async () => {
    const { id } = await anUpload();
    const [admin, eve] = [await anAdmin(app), await aUser(app, { roles: ['editor', 'support'] })];
    for (const path of [`files/${id}`, `files/${id}/content`]) {
      expect((await get(path, bearer(ada))).status).toBe(200);
      expect((await get(path, bearer(admin))).status).toBe(200);
      expect((await get(path, bearer(eve))).body.code).toBe('files/not-found');
    }
    expect((await get(`files/${id}/content`)).body.code).toBe('files/not-found');
    expect((await get(`files/${id}`)).status).toBe(401);
    const nothing = await exchange(app, 'DELETE', `files/${id}`, { headers: bearer(eve) });
    expect(nothing.body.code).toBe('files/not-found');
  });

  it('is read by its link without a login, until that ends', async () => {
    const { id, url } = await anUpload(aText('by link'));
    expect((await get(url)).text).toBe('by link');
    const link = new URL(url);
    const ends = Number(link.searchParams.get('expires')) - Date.now() / 1_000;
    expect(ends).toBeGreaterThan(440);
    expect(ends).toBeLessThanOrEqual(900);
    const changed = (changes: Record<string, string>) => {
      const forged = new URL(url);
      for (const [name, value] of Object.entries(changes)) forged.searchParams.set(name, value);
      return forged.href;
    };
    expect((await get(changed({ expires: '99999999999' }))).body.code).toBe('files/not-found');
    expect((await get(changed({ signature: 'A'.repeat(43) }))).body.code).toBe('files/not-found');
    const another = await anUpload();
    expect((await get(url.replace(id, another.id))).body.code).toBe('files/not-found');
    const brief = await startApp({ DATABASE_URL: app.databaseUrl, DATA_DIR: folder, FILES_URL_TTL_SECONDS: '2' });
    const { body } = await exchange(brief, 'GET', `files/${id}`, { headers: bearer(ada) });
    await eventually(async () => (await get(body.url)).body?.code === 'files/link-expired');
    await brief.close();
  });

  it('is read in parts, and not at all by who has it', async () => {
    const { id, url } = await anUpload(aText('0123456789'));
    const whole = await get(url);
    expect(whole.headers).toMatchObject({
      'accept-ranges': 'bytes',
      'content-length': '10',
      'content-type': 'text/plain; charset=utf-8',
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
      etag: `"${Buffer.from(sha256('0123456789'), 'hex').toString('base64url')}"`,
    });
    expect(whole.headers['content-security-policy']).toContain('sandbox');
    const part = await get(url, { range: 'bytes=2-4' });
    expect([part.status, part.text, part.headers['content-range'], part.headers['content-length']]).toEqual([
      206,
      '234',
      'bytes 2-4/10',
      '3',
    ]);
    expect((await get(url, { range: 'bytes=-3' })).text).toBe('789');
    expect((await get(url, { range: 'bytes=2-4', 'if-range': whole.headers.etag! })).status).toBe(206);
    expect((await get(url, { range: 'bytes=2-4', 'if-range': '"other"' })).text).toBe('0123456789');
    expect((await get(url, { range: 'bytes=2-4', 'if-range': whole.headers['last-modified']! })).status).toBe(206);
    const outside = await get(url, { range: 'bytes=10-' });
    expect([outside.status, outside.headers['content-range'], outside.body.code]).toEqual([
      416,
      'bytes */10',
      'http/range-not-satisfiable',
    ]);
    for (const tag of [whole.headers.etag!, '*', `"x", W/${whole.headers.etag}`]) {
      const same = await get(url, { 'if-none-match': tag, range: 'bytes=0-1' });
      expect([same.status, same.text, same.headers.etag]).toEqual([304, '', whole.headers.etag]);
    }
    const head = await exchange(app, 'HEAD', `files/${id}/content`, { headers: { ...bearer(ada), range: 'bytes=0-1' } });
    expect([head.status, head.headers['content-length'], head.text]).toEqual([200, '10', '']);
  });

  it.each([
    ['a.html', 'text/html', '<!doctype html><script>alert(1)</script>'],
    ['a.svg', 'image/svg+xml', '<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'],
    ['a.svg', 'image/svg+xml', '<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"></svg>'],
    ['a.pdf', 'application/pdf', '%PDF-1.7\n%%EOF'],
  ])('that a browser could run is saved and not shown: %s', async (name, type, bytes) => {
    const { url, contentType } = await anUpload({ name, type, bytes });
    const { headers } = await get(url);
    expect([contentType, headers['content-disposition'], headers['x-content-type-options']]).toEqual([
      type,
      `attachment; filename="${name}"`,
      'nosniff',
    ]);
  });

  it('that is deleted takes its bytes along', async () => {
    const { id } = await anUpload();
    expect((await stored()).some((path) => path.endsWith(id))).toBe(true);
    expect((await exchange(app, 'DELETE', `files/${id}`, { headers: bearer(ada) })).status).toBe(204);
    expect((await get(`files/${id}`, bearer(ada))).body.code).toBe('files/not-found');
    await eventually(async () => !(await stored()).some((path) => path.endsWith(id)));
    const events = await query(app.databaseUrl, `SELECT name FROM events WHERE resource_id = $1 ORDER BY seq`, [id]);
    expect(events).toEqual([{ name: 'file.uploaded' }, { name: 'file.deleted' }]);
  });

  it('that something shows is public while it does, and cannot be deleted by hand', async () => {
    const { id } = await anUpload();
    const files = app.get(FilesService);
    const post = { type: 'post', id: unique() };
    await transaction(app.prisma, (db) => files.attach(actorOf(ada), id, post, { isPublic: true }, db));
    const { body } = await get(`files/${id}`, bearer(ada));
    expect([body.isPublic, body.url]).toEqual([true, `http://localhost/api/v1/files/${id}/content`]);
    const shown = await get(`files/${id}/content`);
    expect([shown.status, shown.headers['cache-control']]).toEqual([200, 'public, max-age=300']);
    expect((await exchange(app, 'DELETE', `files/${id}`, { headers: bearer(ada) })).body.code).toBe('files/in-use');
    await transaction(app.prisma, (db) => files.detach(post, db));
    expect((await get(`files/${id}/content`)).body.code).toBe('files/not-found');
    expect((await exchange(app, 'DELETE', `files/${id}`, { headers: bearer(ada) })).status).toBe(204);
  });

  it('of somebody else cannot be shown in something of one’s own', async () => {
    const { id } = await anUpload();
    const eve = actorOf(await aUser(app));
    const attach = transaction(app.prisma, (db) =>
      app.get(FilesService).attach(eve, id, { type: 'post', id: 'x' }, { isPublic: true }, db),
    );
    await expect(attach).rejects.toMatchObject({ code: 'files/not-found' });
  });
});

describe('an image', () => {
  it('gets smaller pictures, upright and without what the camera wrote', async () => {
    const photo = await aPhoto();
    const { id, width, height, variantsStatus } = await anUpload({ name: 'a.jpg', type: 'image/jpeg', bytes: photo });
    expect({ width, height, variantsStatus }).toEqual({ width: 400, height: 600, variantsStatus: 'pending' });
    const { variants } = await eventually(async () => {
      const { body } = await get(`files/${id}`, bearer(ada));
      return body.variantsStatus === 'ready' && body;
    });
    expect(variants.map(({ name, width, height }) => [name, width, height])).toEqual([
      ['thumb', 133, 200],
      ['medium', 400, 600],
      ['large', 400, 600],
    ]);
    for (const { url, size, name } of variants) {
      const { bytes, headers } = await get(url);
      expect([bytes.length, headers['content-type']]).toEqual([size, 'image/webp']);
      expect(headers['content-disposition']).toBe('inline; filename="a.jpg.webp"');
      const { format, exif } = await sharp(bytes).metadata();
      expect([format, exif]).toEqual(['webp', undefined]);
      expect((await get(`files/${id}/content?variant=${name}`, bearer(ada))).bytes.equals(bytes)).toBe(true);
    }
    expect((await get(`files/${id}/content?variant=huge`, bearer(ada))).body.code).toBe('http/validation-failed');
    await exchange(app, 'DELETE', `files/${id}`, { headers: bearer(ada) });
    await eventually(async () => !(await stored()).some((path) => path.includes(id)));
  });

  it.each(['png', 'webp', 'gif', 'avif'] as const)('of the kind %s does so, too', async (kind) => {
    const bytes = await sharp(await aPhoto())
      [kind]()
      .toBuffer();
    const { id } = await anUpload({ name: `a.${kind}`, type: `image/${kind}`, bytes });
    await eventually(async () => (await get(`files/${id}`, bearer(ada))).body.variants.length === 3);
  });

  it('that is damaged behind its header has none, and says so', async () => {
    const photo = await sharp({
      create: { width: 900, height: 900, channels: 3, noise: { type: 'gaussian', mean: 128, sigma: 60 }, background: 'red' },
    })
      .png()
      .toBuffer();
    const { id } = await anUpload({ name: 'a.png', type: 'image/png', bytes: photo.subarray(0, photo.length / 2) });
    await eventually(async () => (await get(`files/${id}`, bearer(ada))).body.variantsStatus === 'failed');
    expect((await get(`files/${id}/content?variant=thumb`, bearer(ada))).body.code).toBe('files/variant-not-found');
  });

  it('whose header lies far behind its beginning is measured where it is stored', async () => {
    const photo = await aPhoto();
    const comment = Buffer.concat([Buffer.from('fffeffff', 'hex'), Buffer.alloc(65_533, 0x20)]);
    const bytes = Buffer.concat([photo.subarray(0, 2), ...Array.from({ length: 6 }, () => comment), photo.subarray(2)]);
    const { width } = await anUpload({ name: 'a.jpg', type: 'image/jpeg', bytes });
    expect(width).toBe(400);
  });
});

describe('a direct upload', () => {
  const begin = (bytes: string | Buffer, more: object = {}, by = ada) =>
    app.request<UploadResponse & { code: string }>('POST', 'files/uploads', {
      token: by.accessToken,
      body: { name: 'notes.txt', contentType: 'text/plain', size: Buffer.byteLength(bytes), sha256: sha256(bytes), ...more },
    });
  const send = ({ method, url, headers }: UploadResponse, bytes: string, changed: Record<string, string> = {}) =>
    exchange(app, method, url, { body: Buffer.from(bytes), headers: { ...headers, ...changed } });
  const complete = (id: string, by = ada) => exchange(app, 'PUT', `files/uploads/${id}/completion`, { headers: bearer(by) });

  it('is announced, sent and completed', async () => {
    const { status, body } = await begin('direct');
    expect(status).toBe(201);
    expect(body.headers).toEqual({
      'content-type': 'text/plain',
      'content-length': '6',
      'x-amz-checksum-sha256': sha256('direct', 'base64'),
    });
    expect((await complete(body.id)).body.code).toBe('files/upload-missing');
    expect((await send(body, 'direct')).status).toBe(204);
    const file = await complete(body.id);
    expect([file.status, file.body]).toMatchObject([200, { id: body.id, name: 'notes.txt', size: 6, sha256: sha256('direct') }]);
    expect((await complete(body.id)).body.id).toBe(body.id);
    expect((await get(file.body.url)).text).toBe('direct');
    expect((await send(body, 'direct')).body.code).toBe('files/upload-not-found');
  });

  it.each<[string, string, Record<string, string>]>([
    ['fewer bytes', 'direc', {}],
    ['other bytes', 'DIRECT', {}],
    ['another type', 'direct', { 'content-type': 'text/html' }],
    ['JSON', 'direct', { 'content-type': 'application/json' }],
    ['a form', 'direct', { 'content-type': 'multipart/form-data; boundary=x' }],
    ['another checksum', 'direct', { 'x-amz-checksum-sha256': sha256('other', 'base64') }],
    ['another length', 'direct+', { 'content-length': '7' }],
  ])('takes nothing but what was announced: not %s', async (_, bytes, headers) => {
    const { body } = await begin('direct');
    const files = await settled();
    const answer = await send(body, bytes, { 'content-length': String(bytes.length), ...headers });
    expect([answer.status, answer.body.code]).toEqual([422, 'files/upload-mismatch']);
    expect(await settled()).toEqual(files);
    expect((await send(body, 'direct')).status).toBe(204);
  });

  it('is sent by its link alone', async () => {
    const { body } = await begin('direct');
    const forged = (url: string) => exchange(app, 'PUT', url, { body: Buffer.from('direct'), headers: body.headers });
    expect((await forged(body.url.replace(/signature=.*/, `signature=${'A'.repeat(43)}`))).body.code).toBe('files/upload-not-found');
    expect((await forged(body.url.replace(body.id, (await begin('direct')).body.id))).body.code).toBe('files/upload-not-found');
    expect((await forged(body.url.split('?')[0]!)).body.code).toBe('files/upload-not-found');
    expect((await complete(body.id, await aUser(app))).body.code).toBe('files/upload-not-found');
  });

  it('that turns out to be of another type is over, and leaves nothing', async () => {
    const { body } = await begin('no picture', { name: 'a.png', contentType: 'image/png' });
    const files = await settled();
    await send(body, 'no picture');
    expect((await complete(body.id)).body.code).toBe('files/type-refused');
    expect(await settled()).toEqual(files);
    expect((await complete(body.id)).body.code).toBe('files/upload-not-found');
  });

  it('completed ten times at once is one file', async () => {
    const { body } = await begin('at once');
    await send(body, 'at once');
    const answers = await Promise.all(Array.from({ length: 10 }, () => complete(body.id)));
    expect(answers.map(({ status }) => status)).toEqual(Array(10).fill(200));
    const events = await query(app.databaseUrl, `SELECT name FROM events WHERE resource_id = $1`, [body.id]);
    expect(events).toEqual([{ name: 'file.uploaded' }]);
  });

  it.each([
    [{ size: 2_000_001 }, 'http/file-too-large'],
    [{ size: 0 }, 'http/validation-failed'],
    [{ contentType: 'application/x-msdownload' }, 'files/type-refused'],
    [{ name: 'a.exe' }, 'files/type-refused'],
    [{ name: 'a\r\nb' }, 'http/validation-failed'],
    [{ sha256: 'abc' }, 'http/validation-failed'],
  ])('is refused with %j before a byte is sent', async (more, code) => {
    expect((await begin('direct', more)).body.code).toBe(code);
  });

  it('takes its room when it is announced', async () => {
    const by = await aUser(app);
    for (const room of [201, 201, 409]) expect((await begin('x', { size: 2_000_000 }, by)).status).toBe(room);
  });
});

describe('what nobody owns', () => {
  const run = { signal: new AbortController().signal };
  const tomorrow = () => new Date(Date.now() + 2 * 86_400_000);

  it('is an upload that was not completed in time', async () => {
    const { body } = await app.request<UploadResponse>('POST', 'files/uploads', {
      token: ada.accessToken,
      body: { name: 'notes.txt', contentType: 'text/plain', size: 3, sha256: sha256('abc') },
    });
    await exchange(app, 'PUT', body.url, { body: Buffer.from('abc'), headers: body.headers });
    await app.get(SweepsService).expire(run, tomorrow());
    expect((await stored()).some((path) => path.endsWith(body.id))).toBe(false);
    expect(await app.prisma.fileUpload.count({ where: { id: body.id } })).toBe(0);
  });

  it('is removed after a day; rows without bytes are reported, and everything else stays', async () => {
    const [kept, orphan, lost] = [await anUpload(), await anUpload(), await anUpload()];
    await app.prisma.file.delete({ where: { id: orphan.id } });
    const lostPath = (await stored()).find((path) => path.endsWith(lost.id))!;
    await rm(join(folder, 'files', lostPath));
    expect(await app.get(SweepsService).sweep(run)).toMatchObject({ removed: 0 });
    expect(await app.get(SweepsService).sweep(run, tomorrow())).toEqual({ removed: 1, missing: [lost.id] });
    const paths = await stored();
    expect([kept.id, orphan.id].map((id) => paths.some((path) => path.endsWith(id)))).toEqual([true, false]);
    expect((await get(`files/${kept.id}/content`, bearer(ada))).status).toBe(200);
    await app.prisma.file.delete({ where: { id: lost.id } });
  });

  it('is what a killed process leaves', async () => {
    const victim = await startProcess({ databaseUrl: app.databaseUrl, env: { DATA_DIR: folder } });
    const uploads = Array.from({ length: 8 }, () => upload(victim, ada, aText('v'.repeat(1_900_000))).catch(() => null));
    await eventually(async () => (await stored()).some((path) => path.startsWith('unfinished')));
    await victim.stop('SIGKILL');
    await Promise.all(uploads);
    const rows = await app.prisma.file.findMany({ select: { id: true } });
    await Promise.all((await stored()).map((path) => utimes(join(folder, 'files', path), 0, 0)));
    const { missing } = await app.get(SweepsService).sweep(run);
    expect(missing).toEqual([]);
    const originals = (await stored()).map((path) => path.split('/').at(-1)!).filter((name) => !name.includes('.'));
    const uploadsOpen = await app.prisma.fileUpload.findMany({ select: { id: true } });
    expect(originals.filter((id) => ![...rows, ...uploadsOpen].some((row) => row.id === id))).toEqual([]);
    expect(await stored()).not.toContainEqual(expect.stringContaining('unfinished'));
  }, 60_000);
});
