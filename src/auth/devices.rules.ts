import type { FastifyRequest } from 'fastify';
import type { Device } from './sessions.service.js';

/** Where a request comes from, as sessions remember it. */
export const deviceOf = (request: FastifyRequest): Device => ({ ip: request.ip, userAgent: request.headers['user-agent'] ?? '' });
