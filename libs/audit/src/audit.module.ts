import { Global, Module } from '@nestjs/common';
import { AuditKeys } from './keys.js';
import { Retention } from './retention.js';
import { Sealer } from './sealer.js';
import { Verifier } from './verifier.js';

/** Gives this process its audit log: what `record` needs, the sealer, and the verifier. */
@Global()
@Module({ providers: [AuditKeys, Sealer, Verifier, Retention], exports: [AuditKeys, Sealer, Verifier, Retention] })
export class AuditLogModule {}
