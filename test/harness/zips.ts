import { buffer } from 'node:stream/consumers';
import type { ImportResponse } from '../../src/imports/imports.dto.js';
import { ZipFile } from 'yazl';
import { eventually } from './eventually.js';
import { exchange, form } from './uploads.js';
import type { Wire } from './wire.js';

export type ImportBody = Wire<ImportResponse>;

interface Server {
  url: string;
}

/** A file of a ZIP, and how it is to be packed. */
export type Packed = string | Buffer | { bytes: string | Buffer; mode?: number; forceZip64Format?: boolean; compress?: boolean };

/** A ZIP of files, by their names. */
export async function aZip(files: Record<string, Packed>): Promise<Buffer> {
  const zip = new ZipFile();
  for (const [name, packed] of Object.entries(files)) {
    const { bytes, ...options } = typeof packed === 'string' || Buffer.isBuffer(packed) ? { bytes: packed } : packed;
    zip.addBuffer(Buffer.from(bytes), name, options);
  }
  zip.end();
  return buffer(zip.outputStream);
}

/** The ZIP with another name wherever this one stands; both are as long. */
export function renamed(zip: Buffer, from: string, to: string): Buffer {
  return Buffer.from(zip.toString('latin1').replaceAll(from, to), 'latin1');
}

const CENTRAL = Buffer.from('PK\u0001\u0002', 'latin1');

/** The ZIP with a change in what its directory says of its only file. */
export function directed(zip: Buffer, change: (header: Buffer) => void): Buffer {
  const changed = Buffer.from(zip);
  change(changed.subarray(changed.lastIndexOf(CENTRAL)));
  return changed;
}

/** Asks for the import of these bytes. */
export async function sendImport(
  server: Server,
  by: { accessToken: string } | null,
  bytes: string | Buffer,
  { name = 'blog.zip', query = '', headers = {} }: { name?: string; query?: string; headers?: Record<string, string> } = {},
) {
  const { type, body } = form([{ name, type: 'application/octet-stream', bytes }]);
  return exchange(server, 'POST', `posts/imports${query && `?${query}`}`, {
    body,
    headers: { 'content-type': type, ...(by && { authorization: `Bearer ${by.accessToken}` }), ...headers },
  });
}

/** Imports, and waits until it is over. */
export async function anImport(
  server: Server,
  by: { accessToken: string },
  bytes: string | Buffer,
  options: Parameters<typeof sendImport>[3] = {},
): Promise<ImportBody> {
  const { status, body, text } = await sendImport(server, by, bytes, options);
  if (status !== 202) throw new Error(`The import was answered ${status}: ${text}`);
  return importOver(server, by, body.id);
}

export async function importOver(server: Server, by: { accessToken: string }, id: string): Promise<ImportBody> {
  return eventually(async () => {
    const answer = await exchange(server, 'GET', `posts/imports/${id}`, { headers: { authorization: `Bearer ${by.accessToken}` } });
    const read = answer.body as unknown as ImportBody;
    return !['pending', 'running'].includes(read.status) && read;
  }, 60_000);
}
