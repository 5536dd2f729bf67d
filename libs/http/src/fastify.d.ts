import type { Actor, Guest } from '#security';

declare module 'fastify' {
  interface FastifyRequest {
    /** The code of the problem this request was answered with. */
    problemCode?: string;
    /** Whether it was answered 404 for want of a permission. */
    concealed: boolean;
    /** The version of the resource in the answer. */
    version?: number;
    /** Of an answer whose status only its content decides; Nest would set that of the route. */
    answerStatus?: 202 | 206 | 304;
    /** The Content-Type of a body that is not parsed but read as a stream. */
    streamType: string;
    traceId: string;
    actor?: Actor | null;
    /** Who shows a secret in place of a login, where the route takes it. */
    guest?: Guest;
  }
}
