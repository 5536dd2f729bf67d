import type { ErrorKind } from './problem.js';

/** One member of the input that was refused. `pointer` is a JSON Pointer (RFC 6901) into the body, or `?name` of a query member. */
export interface FieldProblem {
  pointer: string;
  code: string;
  detail: string;
  /** Of a password that is refused: how hard it is to guess, from 0 to 4, and what would make it harder. */
  score?: number;
  suggestions?: string[];
  /** Of a member that somebody changed meanwhile: in which version of the resource, when, and by whom (null: nobody knows). */
  version?: number;
  at?: string;
  by?: { id: string; name: string } | null;
}

/** What a thrower may add: the members at fault, seconds after which a retry makes sense, and the cause (logged, never shown). */
export interface AppErrorExtras {
  fields?: FieldProblem[];
  retryAfterSeconds?: number;
  /** Of a not-found: it exists, and the caller may not know. Told to the audit log only. */
  concealed?: boolean;
  /** Of what has moved: where it is now, below the API's prefix: `/posts/another-slug`. */
  location?: string;
  cause?: unknown;
}

/**
 * A failure the caller is told about. `message` names the thing, the reason and the way out; it never holds secrets or unvalidated input.
 * Made by the factories that `problem()` returns, so that every code has a page.
 */
export class AppError extends Error {
  readonly fields: FieldProblem[] | undefined;
  readonly retryAfterSeconds: number | undefined;
  readonly concealed: boolean;
  readonly location: string | undefined;

  constructor(
    readonly kind: ErrorKind,
    readonly code: string,
    message: string,
    extras: AppErrorExtras = {},
  ) {
    super(message, { cause: extras.cause });
    this.name = 'AppError';
    this.fields = extras.fields;
    this.retryAfterSeconds = extras.retryAfterSeconds;
    this.concealed = extras.concealed ?? false;
    this.location = extras.location;
  }
}
