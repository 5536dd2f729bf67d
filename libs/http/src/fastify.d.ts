import type { Actor } from '#security';

declare module 'fastify' {
  interface FastifyRequest {
    /** The code of the problem this request was answered with. */
    problemCode?: string;
    /** Whether it was answered 404 for want of a permission. */
    concealed: boolean;
    /** The version of the resource in the answer. */
    version?: number;
    traceId: string;
    actor?: Actor | null;
  }
}
