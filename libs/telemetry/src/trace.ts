import { randomUUID } from 'node:crypto';

const TRACEPARENT = /^00-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-([0-9a-f]{2})$/;
const REQUEST_ID = /^[A-Za-z0-9._:/+=-]{8,128}$/;

/** The id of the trace a request belongs to: the caller's, when its `traceparent` (W3C Trace Context, version 00) is well-formed, or a new one. */
export function traceIdFrom(traceparent: unknown): string {
  const match = typeof traceparent === 'string' ? TRACEPARENT.exec(traceparent) : null;
  return match?.[1] ?? randomUUID().replaceAll('-', '');
}

/** Keeps the caller's request id when it is sane (8–128 of `A-Za-z0-9._:/+=-`); makes one otherwise. */
export function requestIdFrom(header: unknown): string {
  return typeof header === 'string' && REQUEST_ID.test(header) ? header : randomUUID();
}
