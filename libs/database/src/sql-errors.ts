interface DriverCause {
  kind?: string;
  code?: string;
  originalCode?: string;
  constraint?: { index?: string };
}

/** What the driver said beneath a Prisma error: `error.meta.driverAdapterError.cause`, or the driver's own error. */
function driverCause(error: unknown): DriverCause {
  const outer = error as { code?: string; meta?: { driverAdapterError?: { cause?: DriverCause } }; cause?: DriverCause } | null;
  return outer?.meta?.driverAdapterError?.cause ?? outer?.cause ?? {};
}

function prismaCode(error: unknown): string | undefined {
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === 'string' ? code : undefined;
}

/** The SQLSTATE (PostgreSQL manual, appendix A) beneath an error, where there is one. */
export function sqlState(error: unknown): string | undefined {
  const cause = driverCause(error);
  const own = prismaCode(error);
  return cause.originalCode ?? cause.code ?? (own !== undefined && /^[0-9A-Z]{5}$/.test(own) && !own.startsWith('P2') ? own : undefined);
}

/** Whether the same transaction may succeed when it is run again. */
export function isRetryable(error: unknown): boolean {
  const state = sqlState(error);
  return state === '40001' || state === '40P01' || prismaCode(error) === 'P2034' || driverCause(error).kind === 'TransactionWriteConflict';
}

/** Whether a unique constraint refused the write. `constraint` narrows it to the one of this name: `users_email_key`, `users_pkey`. */
export function isUniqueViolation(error: unknown, constraint?: string): boolean {
  if (prismaCode(error) !== 'P2002' && sqlState(error) !== '23505') return false;
  return constraint === undefined || constraint === (driverCause(error).constraint?.index ?? (error as { constraint?: string }).constraint);
}

/**
 * Whether a foreign key refused the write: what it names is not there, or what was to go is named by something (a RESTRICT has a state of its
 * own since PostgreSQL 18).
 */
export function isForeignKeyViolation(error: unknown): boolean {
  return prismaCode(error) === 'P2003' || ['23503', '23001'].includes(sqlState(error) ?? '');
}

/** Whether a CHECK constraint refused the write. */
export function isCheckViolation(error: unknown): boolean {
  return sqlState(error) === '23514';
}

/** Whether a table is missing: the migrations have not been applied. */
export function isMissingTable(error: unknown): boolean {
  return sqlState(error) === '42P01' || prismaCode(error) === 'P2021' || driverCause(error).kind === 'TableDoesNotExist';
}

const UNREACHABLE_STATES = new Set(['57P01', '57P02', '57P03', '53300', '53400', '25006', '57014', '55P03']);
const UNREACHABLE_CODES = new Set([
  'P1001',
  'P1002',
  'P1008',
  'P1017',
  'P2024',
  'P2028',
  'ECONNREFUSED',
  'ECONNRESET',
  'ENOTFOUND',
  'ETIMEDOUT',
  'EPIPE',
]);
const UNREACHABLE_KINDS = new Set([
  'DatabaseNotReachable',
  'ConnectionClosed',
  'SocketTimeout',
  'TooManyConnections',
  'DatabaseDoesNotExist',
  'AuthenticationFailed',
  'TlsConnectionError',
]);
const UNREACHABLE_TEXTS =
  /Connection terminated|timeout exceeded when trying to connect|Query read timeout|Connection ended unexpectedly|not queryable|ECONNREFUSED|ECONNRESET|EPIPE|socket has been ended|write after end|shutting down|starting up|in recovery mode|Can't reach database/i;

/** Whether the database could not be asked now (down, restarting, overloaded, too slow), as opposed to having refused. */
export function isUnavailable(error: unknown): boolean {
  const state = sqlState(error);
  const cause = driverCause(error);
  if (state !== undefined && (state.startsWith('08') || UNREACHABLE_STATES.has(state))) return true;
  if (UNREACHABLE_CODES.has(prismaCode(error) ?? '') || UNREACHABLE_KINDS.has(cause.kind ?? '')) return true;
  const name = (error as Error | null)?.name ?? '';
  const ofDatabase = name.startsWith('Prisma') || name === 'DriverAdapterError' || name === 'Error';
  return ofDatabase && UNREACHABLE_TEXTS.test((error as Error | null)?.message ?? '');
}
