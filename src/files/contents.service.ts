import { Injectable } from '@nestjs/common';
import { Env } from '#config';
import { Storage } from '#storage';
import { emptyFile, imageRefused } from './files.errors.js';
import { cleanName, keyOf } from './files.rules.js';
import { agreedType, declaredType, kindOf, scannerOf, unknownTypes } from './types.rules.js';

/** Marks and headers stand at the beginning. Of a JPEG with much before its header it is read where it is stored. */
const HEAD_BYTES = 65_536;

/** What a sender says of a file. */
export interface Described {
  name: string;
  contentType: string;
}

/** A file whose beginning was looked at; the rest is, while `bytes` are read, and fails them when it is not what it seems. */
export interface Inspected {
  name: string;
  contentType: string;
  /** Null for what is no image, and for an image that can only be measured once it is stored. */
  dimensions: Dimensions | null;
  bytes: AsyncIterable<Uint8Array>;
}

export interface Dimensions {
  width: number;
  height: number;
}

type Sharp = (typeof import('sharp'))['default'];

/** What files really are: by their content, whatever they are called. Nothing is unpacked, and of images only the header is read. */
@Injectable()
export class ContentsService {
  private library: Promise<Sharp> | undefined;

  constructor(
    private readonly env: Env,
    private readonly storage: Storage,
  ) {
    const unknown = unknownTypes(env.FILES_TYPES);
    if (unknown.length > 0) throw new Error(`FILES_TYPES names ${unknown.join(', ')}, which cannot be told by the content: leave it out.`);
  }

  /** @throws files/type-refused, files/image-refused, files/bad-name, files/empty; what `source` throws */
  async inspect(source: AsyncIterable<Uint8Array>, described: Described): Promise<Inspected> {
    const chunks = source[Symbol.asyncIterator]();
    try {
      const name = cleanName(described.name);
      const head = await readHead(chunks);
      if (head.length === 0) throw emptyFile('The file has no bytes.');
      const { fileTypeFromBuffer } = await import('file-type');
      const detected = (await fileTypeFromBuffer(head))?.mime.split(';', 1)[0];
      const declared = declaredType(described.contentType);
      const contentType = agreedType({ declared, name, detected, head: head.toString('utf8') }, this.env.FILES_TYPES);
      const dimensions = kindOf(contentType).image ? await this.measure(head) : null;
      return { name, contentType, dimensions, bytes: scanned(head, chunks, scannerOf(contentType)) };
    } catch (error) {
      await chunks.return?.();
      throw error;
    }
  }

  /** The dimensions of an image that is stored, as it is shown; null for what is no image. @throws files/image-refused */
  async measureStored(fileId: string, { contentType, dimensions }: Inspected): Promise<Dimensions | null> {
    if (!kindOf(contentType).image || dimensions !== null) return dimensions;
    const measured = await this.storage.asFile(keyOf(fileId), (path) => this.measure(path));
    if (measured === null) throw imageRefused('The image is damaged.');
    return measured;
  }

  /** The most that is decoded. */
  get maxPixels(): number {
    return this.env.FILES_IMAGE_PIXELS;
  }

  /** The image library, loaded when the first image comes: it takes 30 MB that others need not have. */
  async sharp(): Promise<Sharp> {
    this.library ??= import('sharp').then(({ default: sharp }) => {
      sharp.cache(false);
      sharp.concurrency(1);
      return sharp;
    });
    return this.library;
  }

  /** By the header alone. Null when there is none that can be read. */
  private async measure(image: Buffer | string): Promise<Dimensions | null> {
    const sharp = await this.sharp();
    const header = await sharp(image, { limitInputPixels: false })
      .metadata()
      .catch(() => null); // what it cannot read is no image: that is the answer
    if (header === null) return null;
    const { width, height, orientation = 1, pageHeight = height } = header;
    if (width * height > this.maxPixels) throw imageRefused(`The image has ${width} × ${height} pixels; ${this.maxPixels} are the most.`);
    return orientation >= 5 ? { width: pageHeight, height: width } : { width, height: pageHeight };
  }
}

async function readHead(chunks: AsyncIterator<Uint8Array>): Promise<Buffer> {
  const read: Uint8Array[] = [];
  for (let length = 0; length < HEAD_BYTES;) {
    const { done, value } = (await chunks.next()) as IteratorResult<Uint8Array, undefined>;
    if (done) break;
    read.push(value);
    length += value.length;
  }
  return Buffer.concat(read);
}

async function* scanned(
  head: Buffer,
  chunks: AsyncIterator<Uint8Array>,
  scan: (piece: Uint8Array | null) => void,
): AsyncGenerator<Uint8Array> {
  try {
    scan(head);
    yield head;
    for (;;) {
      const { done, value } = (await chunks.next()) as IteratorResult<Uint8Array, undefined>;
      if (done) break;
      scan(value);
      yield value;
    }
    scan(null);
  } finally {
    await chunks.return?.();
  }
}
