import { createHash } from 'node:crypto';
import { mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { S3Client } from '@aws-sdk/client-s3';
import type { OnApplicationShutdown } from '@nestjs/common';
import type { Env } from '#config';
import {
  type ByteRange,
  BytesNotFound,
  checkKey,
  type ExpectedBytes,
  type PresignedUpload,
  Storage,
  type StoredBytes,
  type WrittenBytes,
} from './storage.js';

type Sdk = typeof import('@aws-sdk/client-s3');

const PREFIX = 'files/';
/** The least that S3 takes as a part; one upload holds one part in memory. */
const PART_BYTES = 5 * 1_024 * 1_024;

/** A bucket of S3 or of a server that speaks like it. */
export class Bucket extends Storage implements OnApplicationShutdown {
  private connection: Promise<{ sdk: Sdk; client: S3Client }> | undefined;

  constructor(private readonly env: Env) {
    super();
  }

  async put(key: string, bytes: AsyncIterable<Uint8Array>, contentType: string): Promise<WrittenBytes> {
    const { client } = await this.connect();
    const { Upload } = await import('@aws-sdk/lib-storage');
    const hash = createHash('sha256');
    let size = 0;
    let failure: unknown;
    const counted = async function* () {
      try {
        for await (const chunk of bytes) {
          hash.update(chunk);
          size += chunk.length;
          yield chunk;
        }
      } catch (error) {
        failure = error;
        throw error;
      }
    };
    const params = { ...this.at(key), Body: Readable.from(counted(), { objectMode: false }), ContentType: contentType };
    const upload = new Upload({ client, params, queueSize: 1, partSize: PART_BYTES, leavePartsOnError: false });
    // What fails on the way is aborted by it. Should that fail, too, the parts are cleared later, and the first failure is what counts.
    await upload.done().catch((error: unknown) => {
      throw failure ?? error;
    });
    return { size, sha256: hash.digest() };
  }

  async get(key: string, range?: ByteRange): Promise<Readable> {
    const { sdk, client } = await this.connect();
    try {
      const { Body } = await client.send(
        new sdk.GetObjectCommand({ ...this.at(key), ...(range && { Range: `bytes=${range.first}-${range.last}` }) }),
      );
      return Body as Readable;
    } catch (error) {
      if (isAbsence(error)) throw new BytesNotFound(key, { cause: error });
      throw error;
    }
  }

  async find(key: string): Promise<StoredBytes | null> {
    const { sdk, client } = await this.connect();
    try {
      const { ContentLength: size = 0, LastModified: modifiedAt = new Date() } = await client.send(new sdk.HeadObjectCommand(this.at(key)));
      return { key, size, modifiedAt };
    } catch (error) {
      if (isAbsence(error)) return null;
      throw error;
    }
  }

  async delete(key: string): Promise<void> {
    const { sdk, client } = await this.connect();
    await client.send(new sdk.DeleteObjectCommand(this.at(key)));
  }

  async *list(): AsyncGenerator<StoredBytes> {
    const { sdk, client } = await this.connect();
    for await (const page of sdk.paginateListObjectsV2({ client }, { Bucket: this.bucket, Prefix: PREFIX }))
      for (const { Key = '', Size: size = 0, LastModified: modifiedAt = new Date() } of page.Contents ?? [])
        yield { key: Key.slice(PREFIX.length), size, modifiedAt };
  }

  async asFile<T>(key: string, work: (path: string) => Promise<T>): Promise<T> {
    const folder = await mkdtemp(join(tmpdir(), 'ashlar-file-'));
    try {
      const path = join(folder, 'bytes');
      const bytes = await this.get(key);
      const file = await open(path, 'wx', 0o600); // opened before it can fail: it would be made after its folder was removed
      await pipeline(bytes, file.createWriteStream());
      return await work(path);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }

  /** Size, type and checksum are headers that the signature covers (SigV4), so the server refuses whatever differs from them. */
  async presign(key: string, { size, contentType, sha256 }: ExpectedBytes, seconds: number): Promise<PresignedUpload> {
    const { sdk, client } = await this.connect();
    const { getSignedUrl } = await import('@aws-sdk/s3-request-presigner');
    const checksum = sha256.toString('base64');
    const url = await getSignedUrl(
      client,
      new sdk.PutObjectCommand({ ...this.at(key), ContentLength: size, ContentType: contentType, ChecksumSHA256: checksum }),
      {
        expiresIn: seconds,
        signableHeaders: new Set(['host', 'content-type', 'content-length', 'x-amz-checksum-sha256']),
        unhoistableHeaders: new Set(['x-amz-checksum-sha256']), // a parameter of the URL would bind nobody
      },
    );
    return {
      method: 'PUT',
      url,
      headers: { 'content-type': contentType, 'content-length': String(size), 'x-amz-checksum-sha256': checksum },
    };
  }

  async clearUnfinished(before: Date): Promise<number> {
    const { sdk, client } = await this.connect();
    const { Uploads = [] } = await client
      .send(new sdk.ListMultipartUploadsCommand({ Bucket: this.bucket, Prefix: PREFIX }))
      .catch((error: unknown) => {
        if ((error as Error).name === 'NotImplemented') return { Uploads: [] }; // some servers cannot list them
        throw error;
      });
    const old = Uploads.filter(({ Initiated }) => Initiated !== undefined && Initiated < before);
    for (const { Key, UploadId } of old) await client.send(new sdk.AbortMultipartUploadCommand({ Bucket: this.bucket, Key, UploadId }));
    return old.length;
  }

  async onApplicationShutdown(): Promise<void> {
    (await this.connection)?.client.destroy();
  }

  private get bucket(): string {
    return this.env.STORAGE_S3_BUCKET!;
  }

  private at(key: string): { Bucket: string; Key: string } {
    return { Bucket: this.bucket, Key: PREFIX + checkKey(key) };
  }

  /** The SDK takes longer to load than all else at the start, so it is loaded when somebody needs it. */
  private connect(): Promise<{ sdk: Sdk; client: S3Client }> {
    this.connection ??= import('@aws-sdk/client-s3').then((sdk) => ({ sdk, client: this.clientOf(sdk) }));
    return this.connection;
  }

  private clientOf({ S3Client }: Sdk): S3Client {
    const {
      STORAGE_S3_ENDPOINT: endpoint,
      STORAGE_S3_ACCESS_KEY_ID: accessKeyId,
      STORAGE_S3_SECRET_ACCESS_KEY: secretAccessKey,
    } = this.env;
    return new S3Client({
      region: this.env.STORAGE_S3_REGION,
      forcePathStyle: this.env.STORAGE_S3_PATH_STYLE === 'on',
      // A checksum that nobody asked for (CRC32) would be signed into presigned uploads, and other servers do not know it.
      requestChecksumCalculation: 'WHEN_REQUIRED',
      responseChecksumValidation: 'WHEN_REQUIRED',
      requestHandler: { connectionTimeout: 3_000, requestTimeout: 60_000 },
      ...(endpoint && { endpoint }),
      ...(accessKeyId && secretAccessKey && { credentials: { accessKeyId, secretAccessKey } }),
    });
  }
}

function isAbsence(error: unknown): boolean {
  return ['NoSuchKey', 'NotFound'].includes((error as Error).name);
}
