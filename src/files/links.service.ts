import { Injectable } from '@nestjs/common';
import { deriveKeys, Env } from '#config';
import { apiUrl } from '#http';
import { type PresignedUpload, Storage } from '#storage';
import { fileNotFound, linkExpired, uploadNotFound } from './files.errors.js';
import { keyOf } from './files.rules.js';
import { expiryOf, type Purpose, sign, verdictOn } from './links.rules.js';

/** A request that sends the bytes of an upload. */
export interface UploadRequest extends PresignedUpload {
  id: string;
  expiresAt: Date;
}

interface LinkParameters {
  expires?: string;
  signature?: string;
}

export type UploadHeaders = Record<'content-type' | 'content-length' | 'x-amz-checksum-sha256', string>;

interface AnnouncedUpload {
  id: string;
  contentType: string;
  size: bigint;
  sha256: Uint8Array;
  expiresAt: Date;
}

/** Links that are a permission themselves, for some minutes: browsers fetch images without a login. */
@Injectable()
export class LinksService {
  private readonly keys: Buffer[];
  private readonly api: string;

  constructor(
    private readonly env: Env,
    private readonly storage: Storage,
  ) {
    this.keys = deriveKeys(env, 'file-links');
    this.api = apiUrl(env);
  }

  /** To a file's content, or to a variant of it; for a public file without an end. */
  toContent({ id, isPublic }: { id: string; isPublic: boolean }, variant?: string): string {
    const parameters = new URLSearchParams();
    if (variant !== undefined) parameters.set('variant', variant);
    if (!isPublic) this.grant(parameters, 'read', id, expiryOf(new Date(), this.env.FILES_URL_TTL_SECONDS));
    return `${this.api}/files/${id}/content${parameters.size > 0 ? `?${parameters.toString()}` : ''}`;
  }

  /** The end of an upload that is announced now. */
  uploadExpiry(): Date {
    return new Date(Math.ceil(Date.now() / 1_000 + this.env.FILES_DIRECT_UPLOAD_TTL_SECONDS) * 1_000);
  }

  /** How the bytes of an upload are sent: to the bucket itself, or here where there is none. Either takes these very bytes and no others. */
  async uploadRequest(upload: AnnouncedUpload): Promise<UploadRequest> {
    const { id, contentType, size, sha256, expiresAt } = upload;
    const expected = { contentType, size: Number(size), sha256: Buffer.from(sha256) };
    const direct = await this.storage.presign(keyOf(id), expected, this.env.FILES_DIRECT_UPLOAD_TTL_SECONDS);
    return { id, expiresAt, ...(direct ?? { method: 'PUT', url: this.toUpload(id, expiresAt), headers: this.uploadHeaders(upload) }) };
  }

  /** What must be sent with the bytes of an upload. */
  uploadHeaders({ contentType, size, sha256 }: Pick<AnnouncedUpload, 'contentType' | 'size' | 'sha256'>): UploadHeaders {
    return {
      'content-type': contentType,
      'content-length': String(size),
      'x-amz-checksum-sha256': Buffer.from(sha256).toString('base64'), // S3's name, so that clients need know one
    };
  }

  /** Lets a link of ours pass. @throws files/link-expired; files/not-found or files/upload-not-found for what is no link of ours */
  check(purpose: Purpose, id: string, { expires = '', signature = '' }: LinkParameters): void {
    const verdict = verdictOn(this.keys, purpose, id, { expires: Number(expires), signature }, new Date());
    if (verdict === 'expired') throw linkExpired('This link has expired; ask for a new one.');
    if (verdict === 'forged')
      throw purpose === 'read' ? fileNotFound('No file has this link.') : uploadNotFound('No upload has this link.');
  }

  /** Whether a request came by a link; one that is no good is refused, whoever sends it. @throws as `check` */
  isGranted(purpose: Purpose, id: string, link: LinkParameters): boolean {
    if (link.expires === undefined && link.signature === undefined) return false;
    this.check(purpose, id, link);
    return true;
  }

  private toUpload(id: string, expiresAt: Date): string {
    const parameters = new URLSearchParams();
    this.grant(parameters, 'upload', id, Math.floor(expiresAt.getTime() / 1_000));
    return `${this.api}/files/uploads/${id}/content?${parameters.toString()}`;
  }

  private grant(parameters: URLSearchParams, purpose: Purpose, id: string, expires: number): void {
    parameters.set('expires', String(expires));
    parameters.set('signature', sign(this.keys[0]!, purpose, id, expires));
  }
}
