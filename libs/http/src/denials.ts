import { audited, record } from '#audit';
import type { PrismaService } from '#database';
import { tooManyAttempts } from '#security';
import type { Logger } from '#telemetry';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { LRUCache } from 'lru-cache';

const LIMITED_MS = 60_000;
const LIMITED_CALLERS = 10_000;

const auditedOperation = audited('operation', { code: 'plain', path: 'personal' });

/**
 * Writes denials into the audit log: a 403 before it is answered; a 404 for what is there but not theirs after it, so that its time does not
 * tell the two apart; a used-up budget of attempts once a minute for each caller and operation, or the log would be a way to fill the disk.
 */
export function recordDenials(fastify: FastifyInstance, db: PrismaService, logger: Logger): void {
  const limited = new LRUCache<string, true>({ max: LIMITED_CALLERS, ttl: LIMITED_MS });

  const write = async (request: FastifyRequest, action: 'access.denied' | 'access.limited') => {
    const resource = auditedOperation(`${request.method} ${request.routeOptions.url}`);
    const after = { code: request.problemCode, path: request.url.split('?', 1)[0]!.slice(0, 500) };
    await record(db, { actor: request.actor ?? null, action, resource, after, outcome: 'denied' }).catch((error: unknown) =>
      // It is denied all the same.
      logger.error({ err: error, code: request.problemCode }, 'A denial could not be written into the audit log'),
    );
  };

  fastify.addHook('onSend', async (request, reply, payload) => {
    if (reply.statusCode === 403) await write(request, 'access.denied');
    else if (reply.statusCode === 429 && request.problemCode === tooManyAttempts.code) {
      const caller = `${request.actor?.id ?? request.ip} ${request.method} ${request.routeOptions.url}`;
      if (!limited.has(caller)) {
        limited.set(caller, true);
        await write(request, 'access.limited');
      }
    }
    return payload;
  });

  fastify.addHook('onResponse', async (request) => {
    if (request.concealed && request.actor) await write(request, 'access.denied');
  });
}
