import { createHash } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { invalidate } from '#cache';
import { execute, Prisma, PrismaService, transaction } from '#database';
import { Handles, type JobRun } from '#jobs';
import { BytesNotFound, Storage } from '#storage';
import { Logger } from '#telemetry';
import { ContentsService } from './contents.service.js';
import { MakeVariants, makeVariants, RemoveBytes, removeBytes } from './files.jobs.js';
import { keyOf, keysOf, VARIANT_NAMES, VARIANT_TYPE, type VariantName, VARIANTS } from './files.rules.js';

interface Made {
  name: VariantName;
  size: number;
  sha256: Buffer;
  width: number;
  height: number;
}

/** Smaller pictures of images: turned as their camera was held, without anything else that the image says of itself (place, device, comments). */
@Injectable()
export class VariantsService {
  /** One image at a time: a large one takes more memory than all else. */
  private turn: Promise<unknown> = Promise.resolve();

  constructor(
    private readonly prisma: PrismaService,
    private readonly storage: Storage,
    private readonly contents: ContentsService,
    private readonly logger: Logger,
  ) {}

  @Handles(makeVariants)
  async make({ fileId }: MakeVariants, { signal, attempt, maxAttempts }: JobRun): Promise<void> {
    const mine = this.turn.then(() => this.build(fileId, signal));
    this.turn = mine.catch(() => undefined); // whose turn it was hears of it
    try {
      await mine;
    } catch (error) {
      if (attempt >= maxAttempts && !signal.aborted) await this.giveUp(fileId);
      throw error;
    }
  }

  /** What is left of files that are gone. */
  @Handles(removeBytes)
  async remove({ fileIds }: RemoveBytes, { signal }: JobRun): Promise<void> {
    for (const id of fileIds) {
      signal.throwIfAborted();
      for (const key of keysOf(id)) await this.storage.delete(key);
    }
  }

  private async build(fileId: string, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    const file = await this.prisma.file.findUnique({ where: { id: fileId } });
    if (file?.variants !== 'pending') return;
    const made = await this.storage
      .asFile(keyOf(fileId), (path) => this.render(fileId, path, signal))
      .catch((error: unknown) => {
        if (error instanceof BytesNotFound) return null; // deleted meanwhile, or lost: the sweep tells
        throw error;
      });
    if (made === null) return this.giveUp(fileId);
    const isThere = await transaction(this.prisma, async (db) => {
      const kept = await execute(db, Prisma.sql`UPDATE files SET variants = 'ready' WHERE id = ${fileId}::uuid`);
      invalidate(db, [`file:${fileId}`]);
      if (kept === 1)
        await db.fileVariant.createMany({
          data: made.map((one) => ({ fileId, ...one, sha256: new Uint8Array(one.sha256) })),
          skipDuplicates: true,
        });
      return kept === 1;
    });
    if (!isThere) for (const name of VARIANT_NAMES) await this.storage.delete(keyOf(fileId, name)); // it was deleted meanwhile
  }

  /** Null for an image that cannot be decoded. */
  private async render(fileId: string, path: string, signal: AbortSignal): Promise<Made[] | null> {
    const sharp = await this.contents.sharp();
    const made: Made[] = [];
    for (const name of VARIANT_NAMES) {
      signal.throwIfAborted();
      const side = VARIANTS[name];
      const picture = await sharp(path, { limitInputPixels: this.contents.maxPixels, sequentialRead: true })
        .autoOrient()
        .resize({ width: side, height: side, fit: 'inside', withoutEnlargement: true })
        .webp({ quality: 80 })
        .toBuffer({ resolveWithObject: true })
        .catch((error: unknown) => {
          this.logger.warn({ fileId, err: error }, 'An image could not be decoded; it has no variants');
          return null;
        });
      if (picture === null) return null;
      const { data, info } = picture;
      await this.storage.put(keyOf(fileId, name), once(data), VARIANT_TYPE);
      made.push({ name, size: data.length, sha256: createHash('sha256').update(data).digest(), width: info.width, height: info.height });
    }
    return made;
  }

  private async giveUp(fileId: string): Promise<void> {
    await this.prisma.file.updateMany({ where: { id: fileId, variants: 'pending' }, data: { variants: 'failed' } });
    invalidate(this.prisma, [`file:${fileId}`]);
    for (const name of VARIANT_NAMES) await this.storage.delete(keyOf(fileId, name));
  }
}

async function* once(data: Buffer): AsyncGenerator<Buffer> {
  yield data;
}
