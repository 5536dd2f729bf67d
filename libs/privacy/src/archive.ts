import { Readable } from 'node:stream';
import { finished } from 'node:stream/promises';
import { ZipFile } from 'yazl';
import type { ExportedFile } from './personal-data.js';

/**
 * A ZIP of files that are read one after the other, as they are asked for: neither a file nor the archive is ever whole in memory. The last
 * entry, `contents.json`, says what the others are.
 */
export async function* archive(files: AsyncIterable<ExportedFile>): AsyncGenerator<Buffer> {
  const zip = new ZipFile();
  const output = zip.outputStream as Readable;
  let reading: Readable | undefined;
  const add = async (name: string, bytes: Readable) => {
    reading = bytes;
    zip.addReadStream(bytes, name);
    await finished(bytes); // also when it fails, which yazl would overlook and wait for ever
  };
  const feed = async () => {
    const contents: object[] = [];
    for await (const file of files) {
      await add(file.name, 'rows' in file ? Readable.from(jsonArray(file.rows), { objectMode: false }) : file.bytes);
      contents.push({ name: file.name, about: file.about });
    }
    await add('contents.json', Readable.from([`${JSON.stringify(contents, null, 2)}\n`], { objectMode: false }));
    zip.end();
  };
  const feeding = feed().catch((error: Error) => void output.destroy(error));
  try {
    for await (const chunk of output) yield chunk as Buffer;
    await feeding;
  } finally {
    reading?.destroy(); // whoever stops early leaves nothing open
  }
}

/** Pieces of at least `size` bytes, the last one aside. */
export async function* inPieces(bytes: AsyncIterable<Buffer>, size: number): AsyncGenerator<Buffer> {
  let waiting: Buffer[] = [];
  let length = 0;
  for await (const chunk of bytes) {
    waiting.push(chunk);
    length += chunk.length;
    if (length < size) continue;
    yield Buffer.concat(waiting);
    [waiting, length] = [[], 0];
  }
  if (length > 0) yield Buffer.concat(waiting);
}

async function* jsonArray(rows: AsyncIterable<object>): AsyncGenerator<string> {
  let separator = '[\n';
  for await (const row of rows) {
    yield separator + JSON.stringify(row, plain);
    separator = ',\n';
  }
  yield separator === '[\n' ? '[]\n' : '\n]\n';
}

/** Amounts are minor units, far below 2^53; what is larger keeps its digits as a text. */
function plain(_name: string, value: unknown): unknown {
  if (typeof value !== 'bigint') return value;
  return Number.isSafeInteger(Number(value)) ? Number(value) : String(value);
}
