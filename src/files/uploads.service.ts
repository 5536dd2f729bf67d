import { randomUUIDv7 } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { record } from '#audit';
import { type Db, PrismaService, transaction } from '#database';
import { AppError } from '#errors';
import type { FileUpload } from '#http';
import type { Actor } from '#security';
import { type Announced, ArrivalsService } from './arrivals.service.js';
import { uploadMismatch, uploadNotFound } from './files.errors.js';
import { auditedFile, facts, type File, findFile } from './files.queries.js';
import { FilesService } from './files.service.js';
import { LinksService, type UploadRequest } from './links.service.js';
import type { BeginUploadDto } from './uploads.dto.js';

/** Direct uploads: announced here, sent to the storage by the client itself, and a file once they were found to be what was announced. */
@Injectable()
export class UploadsService {
  constructor(
    private readonly prisma: PrismaService,
    private readonly arrivals: ArrivalsService,
    private readonly files: FilesService,
    private readonly links: LinksService,
  ) {}

  async begin(actor: Actor, announced: BeginUploadDto, db: Db = this.prisma): Promise<UploadRequest> {
    const { name, contentType, size } = this.files.checkAnnounced(announced);
    const sha256 = Buffer.from(announced.sha256, 'hex');
    const upload = await transaction(db, async (tx) => {
      await this.files.claimRoom(actor.id, size, tx);
      const expiresAt = this.links.uploadExpiry();
      const data = { id: randomUUIDv7(), ownerId: actor.id, name, contentType, size: BigInt(size), sha256, expiresAt };
      const begun = await tx.fileUpload.create({ data });
      await record(tx, { actor, action: 'files.upload-begun', resource: auditedFile(begun.id), subject: actor.id, after: facts(begun) });
      return begun;
    });
    return this.links.uploadRequest(upload);
  }

  /** The bytes of an upload, sent by whoever has its link, with the headers it names. */
  async take(id: string, upload: FileUpload): Promise<void> {
    const announced = await this.find({ id });
    if (announced === null) throw uploadNotFound('No upload that runs has this id.');
    const { 'content-type': contentType, ...headers } = this.links.uploadHeaders(announced);
    const asAnnounced =
      upload.contentType === contentType && Object.entries(headers).every(([name, value]) => upload.header(name) === value);
    if (!asAnnounced) throw uploadMismatch('Send exactly the headers that were given with the URL.');
    await this.arrivals.take(announced, upload.bytes());
    await record(this.prisma, { actor: null, action: 'files.bytes-received', resource: auditedFile(id), subject: announced.ownerId });
  }

  /** Makes a file of an upload; again, once it is one, the same answer. An upload that is found to be something else is over. */
  async complete(actor: Actor, id: string): Promise<File> {
    // In this order: in the moment in which the upload is not there any more, its file is.
    const announced = await this.find({ id, ownerId: actor.id });
    if (announced === null) return this.completed(actor, id);
    try {
      const file = await this.arrivals.verify(announced);
      return await transaction(this.prisma, async (db) => {
        const { count } = await db.fileUpload.deleteMany({ where: { id } });
        return count === 1 ? this.files.add(actor, file, db) : this.completed(actor, id, db);
      });
    } catch (error) {
      if (error instanceof AppError && REFUSALS.has(error.kind)) await this.giveUp(id);
      throw error;
    }
  }

  /** Whoever takes the row away removes the bytes: a completion that has succeeded meanwhile keeps them. */
  private async giveUp(id: string): Promise<void> {
    const { count } = await this.prisma.fileUpload.deleteMany({ where: { id } });
    if (count === 1) await this.arrivals.forget(id);
  }

  private async completed(actor: Actor, id: string, db: Db = this.prisma): Promise<File> {
    const file = await findFile(db, { id, ownerId: actor.id });
    if (file === null) throw uploadNotFound('You have begun no upload with this id, or it is over.');
    return file;
  }

  private find(where: { id: string; ownerId?: string }): Promise<Announced | null> {
    return this.prisma.fileUpload.findFirst({ where: { ...where, expiresAt: { gt: new Date() } } });
  }
}

/** What is wrong with the bytes themselves, and will be so again. */
const REFUSALS = new Set(['unprocessable', 'unsupported-media', 'invalid']);
