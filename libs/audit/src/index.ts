export { AuditLogModule } from './audit.module.js';
export { type Breach, STORED } from './links.js';
export { type AuditActor, type AuditRecord, audited, type AuditedResource, forget, pseudonym, record, SYSTEM } from './record.js';
export { type AuditEntry, readEntries } from './reader.js';
export { Retention } from './retention.js';
export { Sealer } from './sealer.js';
export { type KeptHead, type Verification, Verifier } from './verifier.js';
