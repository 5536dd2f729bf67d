import { createHash, randomUUIDv7 } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { PrismaService, transaction } from '#database';
import { AppError } from '#errors';
import type { FileUpload } from '#http';
import type { Actor } from '#security';
import { BytesNotFound, Storage } from '#storage';
import { ContentsService, type Described, type Dimensions } from './contents.service.js';
import { uploadMismatch, uploadMissing } from './files.errors.js';
import { type File, findFile, type NewFile } from './files.queries.js';
import { keyOf } from './files.rules.js';
import { FilesService } from './files.service.js';
import { kindOf } from './types.rules.js';

/** What somebody announced to upload. */
export interface Announced {
  id: string;
  ownerId: string;
  name: string;
  contentType: string;
  size: bigint;
  sha256: Uint8Array;
}

/** Bytes on their way in: they go to the storage while they are looked at, under a new id, and become a file only whole and right. */
@Injectable()
export class ArrivalsService {
  constructor(
    private readonly prisma: PrismaService,
    private readonly contents: ContentsService,
    private readonly files: FilesService,
    private readonly storage: Storage,
  ) {}

  /** A file sent as a form, kept by `keep`. Of one that is refused, breaks off or repeats an earlier call nothing is left. */
  async receive<Answer>(actor: Actor, upload: FileUpload, keep: (file: NewFile) => Promise<Answer>): Promise<Answer> {
    await this.files.checkRoom(actor.id, Number(upload.header('content-length') ?? 0));
    const id = randomUUIDv7();
    const forget = () => this.storage.delete(keyOf(id));
    const file = await upload
      .file((part) => this.store(id, actor.id, part.bytes, part))
      .catch(async (error: unknown) => {
        await forget();
        throw error;
      });
    try {
      const answer = await keep(file);
      if ((await this.prisma.file.count({ where: { id } })) === 0) await forget();
      return answer;
    } catch (error) {
      // After another failure nobody knows whether it was committed: then the sweep decides.
      if (error instanceof AppError) await forget();
      throw error;
    }
  }

  /** For other features: what somebody brings along becomes a file of theirs; one of the same content that they have already is as good. */
  async bring(actor: Actor, bytes: AsyncIterable<Uint8Array>, described: Described): Promise<File> {
    const id = randomUUIDv7();
    try {
      const file = await this.store(id, actor.id, bytes, described);
      const kept = await transaction(this.prisma, async (db) => {
        const same = await findFile(db, { ownerId: actor.id, sha256: new Uint8Array(file.sha256) });
        return same ?? this.files.add(actor, file, db);
      });
      if (kept.id !== id) await this.forget(id);
      return kept;
    } catch (error) {
      if (error instanceof AppError) await this.forget(id); // after another failure the sweep decides
      throw error;
    }
  }

  /** Exactly the bytes that were announced; others leave nothing. @throws files/upload-mismatch */
  async take({ id, contentType, size, sha256 }: Announced, bytes: AsyncIterable<Uint8Array>): Promise<void> {
    const exactly = async function* () {
      const hash = createHash('sha256');
      let length = 0n;
      for await (const chunk of bytes) {
        hash.update(chunk);
        length += BigInt(chunk.length);
        if (length > size) throw uploadMismatch(`More than the ${size} bytes were sent that were announced.`);
        yield chunk;
      }
      if (length < size) throw uploadMismatch(`${length} bytes were sent; ${size} were announced.`);
      if (!hash.digest().equals(sha256)) throw uploadMismatch('The bytes have another SHA-256 than was announced.');
    };
    await this.storage.put(keyOf(id), exactly(), contentType);
  }

  /** What lies in the storage for an upload, found to be what was announced. @throws files/upload-missing, files/upload-mismatch, and as for any file */
  async verify({ id, ownerId, ...announced }: Announced): Promise<NewFile> {
    const stored = await this.storage.find(keyOf(id));
    if (stored === null) throw uploadMissing('Nothing was uploaded yet.');
    if (BigInt(stored.size) !== announced.size)
      throw uploadMismatch(`${stored.size} bytes were uploaded; ${announced.size} were announced.`);
    const inspected = await this.contents.inspect(await this.read(id), announced);
    const hash = createHash('sha256');
    for await (const chunk of inspected.bytes) hash.update(chunk);
    const sha256 = hash.digest();
    if (!sha256.equals(announced.sha256)) throw uploadMismatch('What was uploaded has another SHA-256 than was announced.');
    const dimensions = await this.contents.measureStored(id, inspected);
    return newFile({ id, ownerId, name: inspected.name, contentType: inspected.contentType, size: stored.size, sha256 }, dimensions);
  }

  /** Removes what has arrived. */
  forget(id: string): Promise<void> {
    return this.storage.delete(keyOf(id));
  }

  private async read(id: string): Promise<AsyncIterable<Uint8Array>> {
    return this.storage.get(keyOf(id)).catch((error: unknown) => {
      if (error instanceof BytesNotFound) throw uploadMissing('What was uploaded is gone.', { cause: error });
      throw error;
    });
  }

  private async store(id: string, ownerId: string, bytes: AsyncIterable<Uint8Array>, described: Described): Promise<NewFile> {
    const inspected = await this.contents.inspect(bytes, described);
    const { name, contentType } = inspected;
    const { size, sha256 } = await this.storage.put(keyOf(id), inspected.bytes, contentType);
    return newFile({ id, ownerId, name, contentType, size, sha256 }, await this.contents.measureStored(id, inspected));
  }
}

function newFile(file: Omit<NewFile, 'width' | 'height' | 'variants'>, dimensions: Dimensions | null): NewFile {
  const { width, height } = dimensions ?? { width: null, height: null };
  return { ...file, width, height, variants: kindOf(file.contentType).image ? 'pending' : 'none' };
}
