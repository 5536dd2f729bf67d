import { join } from 'node:path';
import { Global, Module } from '@nestjs/common';
import { Env } from '#config';
import { Bucket } from './bucket.js';
import { Folder } from './folder.js';
import { Storage } from './storage.js';

/** One place for bytes: a bucket where one is set, a folder otherwise. */
@Global()
@Module({
  providers: [
    {
      provide: Storage,
      inject: [Env],
      useFactory: (env: Env) => (env.STORAGE_S3_BUCKET === undefined ? new Folder(join(env.DATA_DIR, 'files')) : new Bucket(env)),
    },
  ],
  exports: [Storage],
})
export class StorageModule {}
