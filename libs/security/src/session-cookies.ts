import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import type {} from '@fastify/cookie';
import { Env } from '#config';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { KeyRing } from './keys.js';
import { csrfTokenInvalid } from './security.errors.js';

// The prefix binds a cookie to this very host, to TLS and to the whole of its paths (RFC 6265bis, 4.1.3.2).
const ACCESS = '__Host-ashlar-access';
const REFRESH = '__Host-ashlar-refresh';
const OPTIONS = { path: '/', secure: true, httpOnly: true, sameSite: 'strict' } as const;
const SAFE_METHODS = ['GET', 'HEAD', 'OPTIONS'];
const CSRF_TOKEN = /^([\w-]{22})\.([\w-]{43})$/;

/** What a browser is to keep. */
export interface CookieTokens {
  accessToken: string;
  refreshToken: string;
  /** Seconds the access token lives. */
  expiresIn: number;
}

/** The access token that a request carries as a cookie; a header goes before it. */
export function accessCookieOf(request: FastifyRequest): string | undefined {
  return request.headers.authorization === undefined && request.headers.cookie?.includes(ACCESS) ? request.cookies[ACCESS] : undefined;
}

/**
 * Sessions of browsers, whose scripts never see a token: it lies in cookies that only this host gets. A browser sends them with whatever
 * anybody's page has it send, so a call that changes something also shows a token that only our own answers tell: an HMAC of the session
 * and a random value (OWASP CSRF Prevention Cheat Sheet, signed double-submit), which needs no row.
 */
@Injectable()
export class SessionCookies {
  private readonly keys: Buffer[];

  constructor(
    keys: KeyRing,
    private readonly env: Env,
  ) {
    this.keys = keys.derive('csrf');
  }

  set(reply: FastifyReply, { accessToken, refreshToken, expiresIn }: CookieTokens): void {
    reply.setCookie(ACCESS, accessToken, { ...OPTIONS, maxAge: expiresIn });
    reply.setCookie(REFRESH, refreshToken, { ...OPTIONS, maxAge: this.env.AUTH_SESSION_IDLE_SECONDS });
  }

  clear(reply: FastifyReply): void {
    for (const name of [ACCESS, REFRESH]) reply.clearCookie(name, OPTIONS);
  }

  /** The refresh token that a browser keeps, shown with the session's CSRF token. @throws auth/csrf-token-invalid */
  refreshToken(request: FastifyRequest): string | undefined {
    const token = request.cookies[REFRESH];
    if (token !== undefined && !this.isShown(request, token.slice(0, 36)))
      throw csrfTokenInvalid('Send the token that GET /api/v1/auth/csrf gives in the header X-CSRF-Token.');
    return token;
  }

  csrfToken(sessionId: string): string {
    const random = randomBytes(16).toString('base64url');
    return `${random}.${this.mac(this.keys[0]!, sessionId, random).toString('base64url')}`;
  }

  /** Whether a call by cookie may go on: it changes nothing, or shows the CSRF token of its session. */
  isMeant(request: FastifyRequest, sessionId: string): boolean {
    return SAFE_METHODS.includes(request.method) || this.isShown(request, sessionId);
  }

  private isShown({ headers }: FastifyRequest, sessionId: string): boolean {
    const [, random, mac] = CSRF_TOKEN.exec(String(headers['x-csrf-token'])) ?? [];
    if (random === undefined || mac === undefined) return false;
    return this.keys.some((key) => timingSafeEqual(this.mac(key, sessionId, random), Buffer.from(mac, 'base64url')));
  }

  private mac(key: Buffer, sessionId: string, random: string): Buffer {
    return createHmac('sha256', key).update(`${sessionId} ${random}`).digest();
  }
}
