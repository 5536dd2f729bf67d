import { randomBytes, randomUUID } from 'node:crypto';

/** The trace a request belongs to, as W3C Trace Context names it. */
export interface TraceContext {
  traceId: string;
  /** What goes into `traceparent` of calls this one makes. */
  traceparent: string;
}

const TRACEPARENT = /^00-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-([0-9a-f]{2})$/;
const REQUEST_ID = /^[A-Za-z0-9._:/+=-]{8,128}$/;

/** Continues the caller's trace when its `traceparent` (W3C Trace Context, version 00) is well-formed; begins one otherwise. */
export function traceFrom(traceparent: unknown): TraceContext {
  const match = typeof traceparent === 'string' ? TRACEPARENT.exec(traceparent) : null;
  const traceId = match?.[1] ?? randomBytes(16).toString('hex');
  return { traceId, traceparent: `00-${traceId}-${randomBytes(8).toString('hex')}-${match?.[2] ?? '01'}` };
}

/** Keeps the caller's request id when it is sane (8–128 of `A-Za-z0-9._:/+=-`); makes one otherwise. */
export function requestIdFrom(header: unknown): string {
  return typeof header === 'string' && REQUEST_ID.test(header) ? header : randomUUID();
}
