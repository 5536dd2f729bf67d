import { Injectable } from '@nestjs/common';
import { record, SYSTEM } from '#audit';
import { invalidate } from '#cache';
import { Env } from '#config';
import { type Db, Prisma, PrismaService, rows, transaction, type Tx } from '#database';
import { publish } from '#events';
import { attachmentName, type Content, fileTooLarge } from '#http';
import { enqueue } from '#jobs';
import { type Actor, unauthenticated } from '#security';
import { Storage } from '#storage';
import { fileInUse, fileNotFound, quotaExceeded, variantNotFound } from './files.errors.js';
import { fileDeleted, type FilePayload, fileUploaded } from './files.events.js';
import { makeVariants, removeBytes } from './files.jobs.js';
import { auditedFile, bytesOf, facts, type File, findFile, insertFile, lockQuota, type NewFile } from './files.queries.js';
import { disuseFiles, type FileUser, lockFiles, settleFiles, usedFiles, useFiles } from './uses.queries.js';
import { cleanName, downloadName, keyOf, VARIANT_TYPE, type VariantName } from './files.rules.js';
import { checkType, declaredType, kindOf } from './types.rules.js';

/** How long browsers and proxies may keep what is public: it may be taken back. */
const PUBLIC_SECONDS = 300;

/** A file that somebody wants to upload. */
export interface Announcement {
  name: string;
  contentType: string;
  size: number;
}

/** Files that are there: private to their owner and to staff, unless a feature shows one to everybody. */
@Injectable()
export class FilesService {
  constructor(
    private readonly prisma: PrismaService,
    private readonly storage: Storage,
    private readonly env: Env,
  ) {}

  async get(actor: Actor, id: string, db: Db = this.prisma): Promise<File> {
    const file = await findFile(db, { id, ...ownedBy(actor) });
    if (file === null) throw fileNotFound('No file that you may see has this id.');
    return file;
  }

  /** The bytes, for their owner, for staff, for everybody if it is public, and for whoever `isGranted` a link to them. */
  async content(actor: Actor | null, id: string, variant: VariantName | undefined, isGranted: boolean): Promise<Content> {
    const seesAll = isGranted || actor?.can('files:manage');
    const readers: Prisma.FileWhereInput[] = [{ isPublic: true }, ...(actor ? [{ ownerId: actor.id }] : [])];
    const file = await findFile(this.prisma, seesAll ? { id } : { id, OR: readers });
    if (file === null) throw fileNotFound('No file that you may see has this id.');
    const made = file.made.find(({ name }) => name === variant);
    if (variant !== undefined && made === undefined)
      throw variantNotFound(`The file has no ${variant}; its variants are ${file.variants}.`);
    const contentType = made ? VARIANT_TYPE : file.contentType;
    const { text, inline } = kindOf(contentType);
    const { size, sha256 } = made ?? file;
    return {
      size: Number(size),
      contentType: text ? `${contentType}; charset=utf-8` : contentType,
      etag: `"${Buffer.from(sha256).toString('base64url')}"`,
      modifiedAt: file.createdAt,
      disposition: attachmentName(inline ? 'inline' : 'attachment', downloadName(file.name, contentType)),
      ...(file.isPublic && { publicSeconds: PUBLIC_SECONDS }),
      open: (range) => this.storage.get(keyOf(id, variant), range),
    };
  }

  /** Makes a file of bytes that lie in the storage and were verified; in the transaction that decided it. @throws files/quota-exceeded */
  async add(actor: Actor, file: NewFile, db: Tx): Promise<File> {
    await this.claimRoom(file.ownerId, file.size, db, file.id);
    if (!(await insertFile(db, file))) throw unauthenticated('This account is gone.');
    const resource = auditedFile(file.id);
    await record(db, { actor, action: 'files.uploaded', resource, subject: file.ownerId, after: facts(file) });
    await publish(db, fileUploaded, payloadOf(file), { actor, resource: { type: 'file', id: file.id }, subject: file.ownerId });
    if (file.variants === 'pending') await enqueue(db, makeVariants, { fileId: file.id }, { key: file.id });
    return this.get(actor, file.id, db);
  }

  /** Whether a file like this may come, before it does. @throws files/type-refused, files/bad-name, http/file-too-large */
  checkAnnounced({ name, contentType, size }: { name: string; contentType: string; size: number }): Announcement {
    if (size > this.env.FILES_MAX_BYTES) throw fileTooLarge(`A file may have ${this.env.FILES_MAX_BYTES} bytes.`);
    const clean = cleanName(name);
    return { name: clean, contentType: checkType(declaredType(contentType) ?? '', clean, this.env.FILES_TYPES), size };
  }

  async remove(actor: Actor, id: string): Promise<void> {
    await transaction(this.prisma, async (db) => {
      await rows(db, Prisma.sql`SELECT FROM files WHERE id = ${id}::uuid FOR UPDATE`);
      const file = await this.get(actor, id, db);
      if ((await db.fileUse.count({ where: { fileId: id } })) > 0) throw fileInUse('Something shows this file; take it out there first.');
      await db.file.delete({ where: { id } });
      invalidate(db, [`file:${id}`]);
      await record(db, { actor, action: 'files.deleted', resource: auditedFile(id), subject: file.ownerId, before: facts(file) });
      await publish(db, fileDeleted, payloadOf(file), { actor, resource: { type: 'file', id }, subject: file.ownerId });
      await enqueue(db, removeBytes, { fileIds: [id] });
    });
  }

  /**
   * For other features: shows a file of the actor's in something of theirs, from now on to everybody if `isPublic`; it cannot be deleted by hand
   * until it is taken out there. @throws files/not-found
   */
  async attach(actor: Actor, id: string, user: FileUser, { isPublic }: { isPublic: boolean }, db: Tx): Promise<File> {
    await lockFiles(db, [id]);
    await this.get(actor, id, db);
    await useFiles(db, user, [id], isPublic);
    await this.settle(actor, [id], db);
    return this.get(actor, id, db);
  }

  /** For other features: takes files out of something, or out of all of these; one that nothing shows to everybody any more is private again. */
  async detach({ type, id }: { type: string; id: string | readonly string[] }, db: Tx): Promise<void> {
    await this.settle(SYSTEM, await disuseFiles(db, type, [id].flat()), db);
  }

  /** For other features: those of these files that are there and images, whosever they are; none of them can be deleted until the transaction ends. */
  async images(ids: readonly string[], db: Tx): Promise<{ id: string; ownerId: string }[]> {
    return (await lockFiles(db, ids)).filter(({ contentType }) => kindOf(contentType).image === true);
  }

  /**
   * For other features: what something of theirs shows from now on is these files and no others, to everybody if `isPublic`. Whether it may is
   * theirs to decide, of `images`. A file is public as long as anything shows it to everybody.
   */
  async show(actor: Actor | null, user: FileUser, ids: readonly string[], { isPublic }: { isPublic: boolean }, db: Tx): Promise<void> {
    const before = await usedFiles(db, user);
    await lockFiles(db, [...before, ...ids]);
    await disuseFiles(db, user.type, [user.id], ids);
    await useFiles(db, user, ids, isPublic);
    await this.settle(actor ?? SYSTEM, [...before, ...ids], db);
  }

  /** Whether there is room for so many bytes; not to be relied upon. @throws files/quota-exceeded */
  async checkRoom(ownerId: string, size: number, db: Db = this.prisma, except: string | null = null): Promise<void> {
    const quota = this.env.FILES_QUOTA_BYTES;
    if (quota === 0) return;
    const used = await bytesOf(db, ownerId, except);
    if (used + size > quota) throw quotaExceeded(`Your files may come to ${quota} bytes, and come to ${used} already.`);
  }

  /** Makes files public or private, as what shows them is now. */
  private async settle(actor: Actor | typeof SYSTEM, ids: readonly string[], db: Tx): Promise<void> {
    for (const { id, ownerId, isPublic } of await settleFiles(db, ids)) {
      const [before, after] = [{ isPublic: !isPublic }, { isPublic }];
      const action = isPublic ? 'files.published' : 'files.withdrawn';
      await record(db, { actor, action, resource: auditedFile(id), subject: ownerId, before, after });
      invalidate(db, [`file:${id}`]);
    }
  }

  /** Room for so many bytes, until the transaction ends. @throws files/quota-exceeded */
  async claimRoom(ownerId: string, size: number, db: Tx, except: string | null = null): Promise<void> {
    await lockQuota(db, ownerId);
    await this.checkRoom(ownerId, size, db, except);
  }
}

function ownedBy(actor: Actor): Prisma.FileWhereInput {
  return actor.can('files:manage') ? {} : { ownerId: actor.id };
}

function payloadOf({
  id,
  ownerId,
  contentType,
  size,
}: {
  id: string;
  ownerId: string;
  contentType: string;
  size: number | bigint;
}): FilePayload {
  return { fileId: id, ownerId, contentType, size: Number(size) };
}
