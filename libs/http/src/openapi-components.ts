import type { ProblemDefinition } from '#errors';
import { STATUS } from './problem.filter.js';

/** Headers that many answers have. */
export const HEADERS = {
  'X-Request-Id': { description: 'Names this request in our logs.', schema: { type: 'string' as const } },
  'Retry-After': { description: 'Seconds to wait before trying again.', schema: { type: 'integer' as const } },
  Location: { description: 'Where the new resource is.', schema: { type: 'string' as const, format: 'uri' } },
  ETag: {
    description: '`"<version>-<digest>"`; give it as If-Match with a write, as If-None-Match with a read.',
    schema: { type: 'string' as const },
  },
  'Idempotency-Replayed': {
    description: '`true` when this is the kept answer of an earlier call with the same key.',
    schema: { type: 'string' as const },
  },
};

/** The schema of every failure: see `ProblemDocument`. */
export const PROBLEM_SCHEMA = {
  type: 'object',
  description: 'What went wrong and what to do about it (RFC 9457).',
  required: ['type', 'title', 'status', 'detail', 'instance', 'code', 'requestId'],
  properties: {
    type: { type: 'string', format: 'uri', description: 'A page about this kind of problem.' },
    title: { type: 'string', description: 'The kind of problem.' },
    status: { type: 'integer', minimum: 300, maximum: 599 },
    detail: { type: 'string', description: 'What happened this time, and the way out.' },
    instance: { type: 'string', description: 'The path of the request.' },
    code: { type: 'string', pattern: '^[a-z-]+/[a-z-]+$', description: 'The kind of problem, for programs.' },
    requestId: { type: 'string' },
    errors: {
      type: 'array',
      description: 'The members at fault.',
      items: {
        type: 'object',
        required: ['pointer', 'code', 'detail'],
        properties: {
          pointer: { type: 'string', description: 'JSON Pointer into the body, or `?name` of a query member.' },
          code: { type: 'string' },
          detail: { type: 'string' },
          score: { type: 'integer', minimum: 0, maximum: 4, description: 'Of a new password: how hard it is to guess.' },
          suggestions: { type: 'array', items: { type: 'string' }, description: 'What would make a new password harder to guess.' },
          version: { type: 'integer', description: 'Of a member that was changed meanwhile: the version that last changed it.' },
          at: { type: 'string', format: 'date-time', description: 'When that was.' },
          by: {
            description: 'Who did it; null when nobody knows any more.',
            anyOf: [
              { type: 'object', required: ['id', 'name'], properties: { id: { type: 'string' }, name: { type: 'string' } } },
              { type: 'null' },
            ],
          },
        },
      },
    },
  },
};

export const BEARER = {
  type: 'http' as const,
  scheme: 'bearer',
  bearerFormat: 'JWT',
  description: 'The `accessToken` that registering, logging in or refreshing answers with. It lives for ten minutes.',
};

export const COOKIE = {
  type: 'apiKey' as const,
  in: 'cookie',
  name: '__Host-ashlar-access',
  description:
    'What a log-in with `"transport": "cookie"` sets. Each call that changes something also sends the token of `GET /auth/csrf` in the header `X-CSRF-Token`.',
};

export const TICKET = {
  type: 'apiKey' as const,
  in: 'query',
  name: 'ticket',
  description: 'What `POST /events/tickets` answers with, where no header can be sent. It is good once, for 30 seconds.',
};

export const CART_TOKEN = {
  type: 'apiKey' as const,
  in: 'header',
  name: 'X-Cart-Token',
  description: 'The `token` that `POST /carts` answers whom it does not know, once. It opens that cart.',
};

export const ORDER_TOKEN = {
  type: 'apiKey' as const,
  in: 'header',
  name: 'X-Order-Token',
  description: 'The `token` that `POST /orders` answers a guest, and that the mails about the order bear. It opens that order.',
};

/** A reference to one of `HEADERS`. */
export function header(name: keyof typeof HEADERS) {
  return { $ref: `#/components/headers/${name}` } as never;
}

/** `auth/email-taken` → `auth.email-taken`: components' names have no slash. */
export function componentName({ code }: ProblemDefinition): string {
  return code.replace('/', '.');
}

/** The example of a problem, as a document of it would be answered. */
export function exampleOf({ code, title, help, kind }: ProblemDefinition) {
  return {
    summary: title,
    value: {
      type: `https://api.example.com/problems/${code}`,
      title,
      status: STATUS[kind],
      detail: help,
      instance: '/api/v1',
      code,
      requestId: '7f1f6a3e-1a52-4f6e-9a51-2a4f1c0f7d10',
    },
  };
}

/** Says what a parameter of a path is, which its name tells where its controller does not. */
export function describeParameter(parameter: { in: string; name: string; description?: string; schema?: object }): void {
  if (parameter.in !== 'path') return;
  const isDeclared = Object.keys(parameter.schema ?? {}).length > 1;
  parameter.description ??= parameter.name === 'id' ? 'The id of the resource.' : `The ${parameter.name} of the resource.`;
  if (isDeclared) return;
  if (parameter.name === 'n') parameter.schema = { type: 'integer', minimum: 1, maximum: 2_147_483_647 };
  else if (/(^i|I)d$/.test(parameter.name)) parameter.schema = { type: 'string', format: 'uuid' };
  else
    parameter.schema = {
      type: 'string',
      minLength: 1,
      maxLength: 120,
      pattern: parameter.name === 'idOrSlug' ? '^[A-Za-z0-9-]+$' : '^[A-Za-z0-9.-]+$',
    };
}

/** `/api/v1/orders/{id}` → `Orders`. */
export function tagOf(path: string): string {
  const noun = path.replace(/^\/api\/v1/, '').split('/')[1] ?? '';
  const name = noun.startsWith('.') || ['health', 'ops', 'problems', 'docs', 'openapi.json'].includes(noun) ? 'operations' : noun;
  return name.charAt(0).toUpperCase() + name.slice(1);
}
