import { createHash, createHmac } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type IncomingMessage, request as httpRequest } from 'node:http';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';

interface S3rver {
  run(): Promise<AddressInfo>;
  close(): Promise<void>;
}

// The package has no types of its own.
const S3rver = createRequire(import.meta.url)('s3rver') as new (options: object) => S3rver;

const BUCKET = 'ashlar-test';
const KEY = 'S3RVER';

export interface TestS3 {
  /** What an application needs to keep its files here. */
  settings: Record<string, string>;
  url: string;
  close(): Promise<void>;
}

/**
 * An S3 server: s3rver, which believes every signature, behind a door that believes none. Presigned requests pass only with the signature that
 * AWS Signature Version 4 gives to what was really sent, in time, and with bytes that have the checksum they announce, as Amazon's pass.
 */
export async function startS3(): Promise<TestS3> {
  const directory = await mkdtemp(join(tmpdir(), 'ashlar-s3-'));
  const s3rver = new S3rver({
    address: '127.0.0.1',
    port: 0,
    silent: true,
    directory,
    configureBuckets: [{ name: BUCKET }],
    allowMismatchedSignatures: true,
  });
  const { port } = await s3rver.run();
  const door = createServer((incoming, answer) => {
    void (async () => {
      const url = new URL(incoming.url!, `http://${incoming.headers.host}`);
      const presigned = url.searchParams.has('X-Amz-Signature');
      const body = presigned ? await buffer(incoming) : undefined;
      const refusal = body && refusalOf(incoming, url, body);
      if (refusal) return void answer.writeHead(refusal.status).end(`<Error><Code>${refusal.code}</Code></Error>`);
      const passed = httpRequest(
        { port, host: '127.0.0.1', method: incoming.method, path: incoming.url, headers: incoming.headers, agent: false },
        (reply) => {
          answer.writeHead(reply.statusCode!, reply.headers);
          reply.pipe(answer);
        },
      );
      passed.on('error', () => answer.destroy());
      incoming.on('error', () => passed.destroy());
      incoming.on('close', () => incoming.readableEnded || passed.destroy());
      if (body) passed.end(body);
      else incoming.pipe(passed);
    })();
  });
  door.listen(0, '127.0.0.1');
  await once(door, 'listening');
  const url = `http://127.0.0.1:${(door.address() as AddressInfo).port}`;
  return {
    url,
    settings: {
      STORAGE_S3_BUCKET: BUCKET,
      STORAGE_S3_ENDPOINT: url,
      STORAGE_S3_ACCESS_KEY_ID: KEY,
      STORAGE_S3_SECRET_ACCESS_KEY: KEY,
      STORAGE_S3_PATH_STYLE: 'on',
    },
    close: async () => {
      door.closeAllConnections();
      door.close();
      await s3rver.close();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

function refusalOf(request: IncomingMessage, url: URL, body: Buffer): { status: number; code: string } | null {
  const given = Object.fromEntries(url.searchParams);
  const began = Date.parse(given['X-Amz-Date']!.replace(/^(....)(..)(..T..)(..)(..Z)$/, '$1-$2-$3:$4:$5'));
  if (Date.now() > began + Number(given['X-Amz-Expires']) * 1_000) return { status: 403, code: 'AccessDenied' };
  if (given['X-Amz-Signature'] !== signatureOf(request, url)) return { status: 403, code: 'SignatureDoesNotMatch' };
  const checksum = request.headers['x-amz-checksum-sha256'];
  if (checksum !== undefined && checksum !== createHash('sha256').update(body).digest('base64')) return { status: 400, code: 'BadDigest' };
  return null;
}

/** As Amazon describes it: docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html */
function signatureOf(request: IncomingMessage, url: URL): string {
  const names = url.searchParams.get('X-Amz-SignedHeaders')!;
  const [, ...scope] = url.searchParams.get('X-Amz-Credential')!.split('/');
  const encode = (text: string) => encodeURIComponent(text).replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);
  const parameters = [...url.searchParams].filter(([name]) => name !== 'X-Amz-Signature').map((pair) => pair.map(encode).join('='));
  const canonical = [
    request.method,
    url.pathname,
    parameters.sort().join('&'),
    ...names.split(';').map((name) => `${name}:${String(request.headers[name] ?? '').trim()}`),
    '',
    names,
    'UNSIGNED-PAYLOAD',
  ].join('\n');
  const text = [
    'AWS4-HMAC-SHA256',
    url.searchParams.get('X-Amz-Date'),
    scope.join('/'),
    createHash('sha256').update(canonical).digest('hex'),
  ].join('\n');
  const key = scope.reduce<Buffer | string>((secret, part) => createHmac('sha256', secret).update(part).digest(), `AWS4${KEY}`);
  return createHmac('sha256', key).update(text).digest('hex');
}
