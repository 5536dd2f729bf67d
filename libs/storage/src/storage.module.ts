import { join } from 'node:path';
import { Global, Module } from '@nestjs/common';
import { Env } from '#config';
import { Logger } from '#telemetry';
import { Bucket } from './bucket.js';
import { Folder } from './folder.js';
import { Storage } from './storage.js';

/** One place for bytes: a bucket where one is set, a folder otherwise. */
@Global()
@Module({
  providers: [
    {
      provide: Storage,
      inject: [Env, Logger],
      useFactory: (env: Env, logger: Logger) => {
        if (env.STORAGE_S3_BUCKET !== undefined) return new Bucket(env);
        if (env.isProduction)
          logger.warn({}, 'STORAGE_S3_BUCKET is not set: files lie under DATA_DIR, which every process of this installation must share');
        return new Folder(join(env.DATA_DIR, 'files'));
      },
    },
  ],
  exports: [Storage],
})
export class StorageModule {}
