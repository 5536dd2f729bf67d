import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { Injectable } from '@nestjs/common';
import { PrismaService } from '#database';
import { Storage } from '#storage';
import { parse } from 'csv-parse';
import { stringify } from 'csv-stringify/sync';
import { productImportUnreadable } from './variant-imports.errors.js';
import { exportVariants, type ExportedVariant } from './variant-imports.queries.js';
import { COLUMNS, type Column, headerFault, type Line, lineOf } from './variant-imports.rules.js';

/** What one line may come to: the longest texts of a product in four bytes a character, and its metadata and a variant's, escaped and quoted. */
const LONGEST_LINE = 400_000;

const BATCH = 500;

/** A line of a file, or one that has more or fewer cells than there are columns. */
export type ReadLine = Line | { line: number; cells: null };

/** Files of variants in CSV, read and written line by line: never whole in memory. */
@Injectable()
export class VariantFilesService {
  constructor(
    private readonly prisma: PrismaService,
    private readonly storage: Storage,
  ) {}

  /** What lies in the storage under a key. @throws products/import-unreadable, BytesNotFound */
  async *lines(key: string): AsyncGenerator<ReadLine> {
    yield* readLines((await this.storage.get(key)) as AsyncIterable<Uint8Array>);
  }

  /** All variants that are not withdrawn, with their products. */
  export(): Readable {
    return Readable.from(this.written(), { objectMode: false });
  }

  private async *written(): AsyncGenerator<string> {
    yield stringify([[...COLUMNS]], { record_delimiter: 'windows' });
    let last: ExportedVariant | undefined;
    do {
      const variants = await exportVariants(this.prisma, last, BATCH);
      if (variants.length > 0) yield stringify(variants.map(lineOf), { record_delimiter: 'windows' });
      last = variants.length === BATCH ? variants.at(-1) : undefined;
    } while (last !== undefined);
  }
}

/**
 * The lines of a CSV file (RFC 4180, with any line ends, also mixed, perhaps a byte order mark) behind its first, which names the columns; one at a time,
 * however large the file is. @throws products/import-unreadable, with where it cannot be read
 */
async function* readLines(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<ReadLine> {
  const parser = parse({
    bom: true,
    info: true,
    record_delimiter: ['\r\n', '\n', '\r'],
    relax_column_count: true,
    skip_empty_lines: true,
    max_record_size: LONGEST_LINE,
  });
  // What fails on the way destroys the parser, and so is thrown to whoever reads from it.
  const feeding = pipeline(Readable.from(textOf(bytes)), parser).catch(() => undefined);
  let columns: string[] | null = null;
  let countedTwice = 0;
  try {
    for await (const { record, info } of parser as AsyncIterable<{ record: string[]; info: { lines: number } }>) {
      // Counted at its end; cells may have several lines.
      const text = record.join('');
      countedTwice += text.split('\r\n').length - 1; // within quotes the parser takes \r\n for two
      const line = info.lines - countedTwice - (text.split(/\r\n|\n|\r/).length - 1);
      if (columns === null) {
        columns = record.map((name) => name.trim());
        const fault = headerFault(columns);
        if (fault !== null) throw productImportUnreadable(fault);
      } else if (record.length !== columns.length) yield { line, cells: null };
      else yield { line, cells: Object.fromEntries(columns.map((column, index) => [column as Column, record[index]!])) };
    }
  } catch (error) {
    const { code, lines, message } = error as Error & { code?: string; lines?: number };
    if (code?.startsWith('CSV_'))
      throw productImportUnreadable(
        code === 'CSV_MAX_RECORD_SIZE'
          ? `Line ${lines} is longer than ${LONGEST_LINE} characters; a quote before it may not be closed.`
          : `Line ${lines ?? 1} is no CSV: ${message}.`,
      );
    throw error;
  } finally {
    parser.destroy();
    await feeding;
  }
  if (columns === null) throw productImportUnreadable('The file is empty; its first line names the columns.');
}

/** The text of bytes, piece by piece. @throws products/import-unreadable for what is none */
async function* textOf(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  const decode = (chunk?: Uint8Array) => {
    try {
      return decoder.decode(chunk, { stream: chunk !== undefined });
    } catch (error) {
      throw productImportUnreadable('The file is not in UTF-8; save it as “CSV UTF-8”.', { cause: error });
    }
  };
  for await (const chunk of bytes) {
    const text = decode(chunk);
    if (text.includes('\0')) throw productImportUnreadable('The file holds characters that no text has; save it as “CSV UTF-8”.');
    yield text;
  }
  yield decode();
}
