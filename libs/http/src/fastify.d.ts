import type { Actor } from '#security';

declare module 'fastify' {
  interface FastifyRequest {
    /** The code of the problem this request was answered with. */
    problemCode?: string;
    /** The version of the resource in the answer. */
    version?: number;
    traceId: string;
    actor?: Actor | null;
  }
}
