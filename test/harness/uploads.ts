import { createHash, randomBytes } from 'node:crypto';
import { readdir, stat } from 'node:fs/promises';
import { request as httpRequest } from 'node:http';
import { join } from 'node:path';
import { crc32, deflateSync } from 'node:zlib';

/** What is answered: a file, or a problem. The yardstick uses this file, too, so it knows nothing of the product's types. */
interface Uploaded {
  id: string;
  name: string;
  contentType: string;
  size: number;
  sha256: string;
  url: string;
  isPublic: boolean;
  width: number | null;
  height: number | null;
  variants: { name: string; url: string; size: number; width: number; height: number }[];
  variantsStatus: string;
  code: string;
}

export interface Exchanged {
  status: number;
  headers: Record<string, string>;
  body: Uploaded;
  text: string;
  bytes: Buffer;
}

/** Who uploads. */
interface Uploader {
  accessToken: string;
}

/** One part of a form. */
export interface Part {
  field?: string;
  /** The file's name; null for a field that is none. */
  name?: string | null;
  type?: string;
  bytes: string | Buffer;
}

interface Server {
  url: string;
}

/** A form as browsers write it. */
export function form(parts: Part[], boundary = `b${randomBytes(8).toString('hex')}`): { type: string; body: Buffer } {
  const pieces = parts.flatMap(({ field = 'file', name = 'a.txt', type, bytes }) => [
    `--${boundary}\r\nContent-Disposition: form-data; name="${field}"${name === null ? '' : `; filename="${name}"`}\r\n`,
    type === undefined ? '\r\n' : `Content-Type: ${type}\r\n\r\n`,
    bytes,
    '\r\n',
  ]);
  const body = Buffer.concat([...pieces, `--${boundary}--\r\n`].map((piece) => Buffer.from(piece)));
  return { type: `multipart/form-data; boundary=${boundary}`, body };
}

/** Sends bytes, and reads bytes. */
export function exchange(
  server: Server,
  method: string,
  path: string,
  { body, headers = {} }: { body?: Buffer; headers?: Record<string, string> } = {},
): Promise<Exchanged> {
  const url = new URL(path.startsWith('http') ? path : path.startsWith('/') ? path : `/api/v1/${path}`, server.url);
  const { hostname, port } = path.startsWith('http') && url.hostname !== 'localhost' ? url : new URL(server.url);
  return new Promise((resolve, reject) => {
    const outgoing = httpRequest(
      {
        hostname,
        port,
        method,
        path: url.pathname + url.search,
        headers: { ...(body && { 'content-length': String(body.length) }), ...headers },
        agent: false,
      },
      (incoming) => {
        const chunks: Buffer[] = [];
        incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
        incoming.once('error', reject);
        incoming.once('end', () => {
          const bytes = Buffer.concat(chunks);
          const text = bytes.toString('utf8');
          const known = Object.fromEntries(Object.entries(incoming.headers).map(([name, value]) => [name, String(value)]));
          const json = /json/.test(known['content-type'] ?? '') && !path.includes('/content');
          const read: unknown = json || known['content-type'] === 'application/problem+json' ? JSON.parse(text) : undefined;
          resolve({ status: incoming.statusCode!, headers: known, body: read as never, text, bytes });
        });
      },
    );
    outgoing.once('error', reject);
    outgoing.end(body);
  });
}

/** Uploads a form. */
export function upload(server: Server, by: Uploader | null, parts: Part | Part[], headers: Record<string, string> = {}) {
  const { type, body } = form([parts].flat());
  return exchange(server, 'POST', 'files', {
    body,
    headers: { 'content-type': type, ...(by && { authorization: `Bearer ${by.accessToken}` }), ...headers },
  });
}

/** Begins an upload and breaks it off after these bytes. */
export async function breakOff(server: Server, by: Uploader, part: Part, afterBytes: number): Promise<void> {
  const { type, body } = form([part]);
  const { hostname, port } = new URL(server.url);
  const headers = { authorization: `Bearer ${by.accessToken}`, 'content-type': type, 'content-length': String(body.length) };
  const outgoing = httpRequest({ hostname, port, method: 'POST', path: '/api/v1/files', headers, agent: false });
  outgoing.on('error', () => undefined); // it is we who break it off
  outgoing.write(body.subarray(0, afterBytes), () => setTimeout(() => outgoing.destroy(), 5));
  await new Promise((resolve) => outgoing.once('close', resolve));
}

export const sha256 = (bytes: string | Buffer, encoding: 'hex' | 'base64' = 'hex') => createHash('sha256').update(bytes).digest(encoding);

async function isFile(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isFile();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false; // gone meanwhile
    throw error;
  }
}

/** Every file below a folder, by its path within. */
export async function filesBelow(folder: string): Promise<string[]> {
  const names = await readdir(folder, { recursive: true }).catch(() => []); // nobody has written there yet
  const files = await Promise.all(names.map(async (name) => ((await isFile(join(folder, name))) ? [name] : [])));
  return files.flat().sort();
}

/** A PNG whose header says whatever it is told; its pixels are one grey. */
export function aPng(width: number, height: number, rows = height): Buffer {
  const chunk = (type: string, data: Buffer) => {
    const head = Buffer.alloc(8);
    head.writeUInt32BE(data.length);
    head.write(type, 4, 'latin1');
    const sum = Buffer.alloc(4);
    sum.writeUInt32BE(crc32(Buffer.concat([head.subarray(4), data])));
    return Buffer.concat([head, data, sum]);
  };
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width);
  header.writeUInt32BE(height, 4);
  header.set([8, 0, 0, 0, 0], 8);
  const pixels = deflateSync(Buffer.alloc(rows * (width + 1)));
  return Buffer.concat([
    Buffer.from('89504e470d0a1a0a', 'hex'),
    chunk('IHDR', header),
    chunk('IDAT', pixels),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}
