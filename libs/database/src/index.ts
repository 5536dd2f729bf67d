export * from '../generated/enums.js';
export { Prisma } from '../generated/client.js';
export { DatabaseModule } from './database.module.js';
export { type Db, PrismaService, type Tx } from './prisma.service.js';
export { firstIdAt, timeOfId } from './ids.js';
export { signal, signalSparingly, Signals } from './signals.js';
export {
  isCheckViolation,
  isForeignKeyViolation,
  isMissingTable,
  isRetryable,
  isUnavailable,
  isUniqueViolation,
  sqlState,
} from './sql-errors.js';
export { afterCommit, clientOf, transaction } from './transaction.js';
export { defined } from './defined.js';
export { type Embedded, EmbeddedError, startEmbedded } from './embedded.js';
export { applyMigrations, MigrationError, pendingMigrations } from './migrations.js';
export { joinEmbedded } from './embedded-join.js';
export { type Invariant, Invariants, type Remark } from './invariants.js';
export { defer, execute, listed, look, rows, rowsPlannedAnew } from './rows.js';
