import { AppError, type AppErrorExtras } from './app-error.js';

/** Why a call failed, in words of the domain; `libs/http` gives each kind its status. */
export type ErrorKind =
  /** No failure of anybody's: it is found elsewhere, and the client goes on there. */
  | 'moved'
  | 'invalid'
  | 'unauthenticated'
  | 'forbidden'
  | 'not-found'
  | 'method-not-allowed'
  | 'not-acceptable'
  | 'timeout'
  | 'conflict'
  | 'stale'
  | 'too-large'
  | 'unsupported-media'
  | 'out-of-range'
  | 'unprocessable'
  | 'too-many'
  | 'internal'
  | 'unavailable'
  /** Out of order it is not: there is no room for one more just now. */
  | 'full';

/** An entry of the vocabulary of failure: what `/problems/<code>` shows and what operations refer to in the OpenAPI document. */
export interface ProblemDefinition {
  readonly code: string;
  readonly kind: ErrorKind;
  /** A short name, the same for every occurrence (RFC 9457 `title`). */
  readonly title: string;
  /** For the page: why it happens and what the caller can do. */
  readonly help: string;
}

export interface ProblemFactory extends ProblemDefinition {
  (detail: string, extras?: AppErrorExtras): AppError;
}

const catalogue = new Map<string, ProblemDefinition>();

/**
 * Defines a failure once and returns the factory that throws it: `throw outOfStock('Only 3 of BK-1 are left; order fewer.')`.
 * `code` is `module/what`; defining a code twice is a programming error.
 */
export function problem(code: string, kind: ErrorKind, title: string, help: string): ProblemFactory {
  if (catalogue.has(code)) throw new Error(`The problem ${code} is defined twice; reuse the first definition.`);
  const definition: ProblemDefinition = { code, kind, title, help };
  catalogue.set(code, definition);
  return Object.assign((detail: string, extras?: AppErrorExtras) => new AppError(kind, code, detail, extras), definition);
}

/** Every problem defined so far, by code. */
export function problemCatalogue(): ReadonlyMap<string, ProblemDefinition> {
  return catalogue;
}
