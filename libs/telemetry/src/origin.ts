import { AsyncLocalStorage } from 'node:async_hooks';

/** Where work comes from: the request that asked for it, or the job that continues one. For records and logs; nothing is decided by it. */
export interface Origin {
  requestId: string;
  /** W3C Trace Context: 32 hexadecimal digits. */
  traceId: string;
  /** Of the caller; null in a job. */
  ip: string | null;
  userAgent: string | null;
}

const current = new AsyncLocalStorage<Origin>();

/** Runs `work`, and everything it starts, as coming from `origin`. */
export function withOrigin<T>(origin: Origin, work: () => T): T {
  return current.run(origin, work);
}

/** Undefined for what nobody asked for (schedules, the start). */
export function currentOrigin(): Origin | undefined {
  return current.getStore();
}
