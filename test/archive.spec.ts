import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { describe, expect, it } from '@jest/globals';
import { unzip } from './harness/archive.js';
import { archive, inPieces } from '../libs/privacy/src/archive.js';
import { type ExportedFile, few, paged } from '../libs/privacy/src/personal-data.js';

async function* filesOf(...files: ExportedFile[]): AsyncGenerator<ExportedFile> {
  yield* files;
}

const rowsOf = (name: string, rows: AsyncIterable<object>): ExportedFile => ({ name, about: `All ${name}`, rows });
const read = async (files: AsyncIterable<ExportedFile>) => unzip(await buffer(archive(files)));

describe('an archive', () => {
  it('holds the rows of each file as JSON, and says what the files are', async () => {
    const files = await read(
      filesOf(rowsOf('a.json', few(Promise.resolve([{ a: 1 }, { b: 'ü' }]))), rowsOf('b.json', few(Promise.resolve([])))),
    );
    expect([...files.keys()]).toEqual(['a.json', 'b.json', 'contents.json']);
    expect(JSON.parse(files.get('a.json')!)).toEqual([{ a: 1 }, { b: 'ü' }]);
    expect(JSON.parse(files.get('b.json')!)).toEqual([]);
    expect(JSON.parse(files.get('contents.json')!)).toEqual([
      { name: 'a.json', about: 'All a.json' },
      { name: 'b.json', about: 'All b.json' },
    ]);
  });

  it('holds bytes as they are', async () => {
    const files = await read(
      filesOf({ name: 'files/x.bin', about: 'A file', bytes: Readable.from([Buffer.from('one'), Buffer.from('two')]) }),
    );
    expect(files.get('files/x.bin')).toBe('onetwo');
  });

  it('writes amounts as numbers, and what is larger than those digit by digit', async () => {
    const files = await read(filesOf(rowsOf('a.json', few(Promise.resolve([{ small: 1999n, large: 2n ** 63n, at: new Date(0) }])))));
    expect(JSON.parse(files.get('a.json')!)).toEqual([{ small: 1999, large: '9223372036854775808', at: '1970-01-01T00:00:00.000Z' }]);
  });

  it('asks for a page of rows only when the one before has gone out', async () => {
    let asked = 0;
    const endless = paged(async () =>
      Array.from({ length: 100 }, () => ({ page: ++asked, filler: crypto.getRandomValues(new Uint8Array(500)).join() })),
    );
    for await (const piece of inPieces(archive(filesOf(rowsOf('a.json', endless))), 200_000)) {
      expect(piece.length).toBeGreaterThanOrEqual(200_000);
      break;
    }
    const soFar = asked;
    expect(soFar).toBeLessThan(2_000);
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(asked).toBe(soFar);
  });

  it.each(['first', 'later'])('fails when rows cannot be read, at the %s', async (when) => {
    async function* broken(): AsyncGenerator<object> {
      if (when === 'later') yield { a: 1 };
      throw new Error('the database is gone');
    }
    await expect(buffer(archive(filesOf(rowsOf('a.json', broken()))))).rejects.toThrow('the database is gone');
  });

  it('fails when a file cannot be read, or the list of files', async () => {
    const bytes = new Readable({ read: () => undefined });
    setImmediate(() => bytes.destroy(new Error('no such file')));
    await expect(buffer(archive(filesOf({ name: 'x', about: '', bytes })))).rejects.toThrow('no such file');
    const broken = paged<ExportedFile>(() => Promise.reject(new Error('nobody knows')));
    await expect(buffer(archive(broken))).rejects.toThrow('nobody knows');
  });

  it('closes what it was reading when nobody wants the rest', async () => {
    const bytes = new Readable({ read: () => undefined });
    bytes.push(Buffer.alloc(200_000, crypto.getRandomValues(new Uint8Array(1_000))));
    for await (const chunk of archive(filesOf({ name: 'x', about: '', bytes }))) {
      expect(chunk.length).toBeGreaterThan(0);
      break;
    }
    expect(bytes.destroyed).toBe(true);
  });
});
