import { type CallHandler, type ExecutionContext, Injectable, type NestInterceptor, UseInterceptors } from '@nestjs/common';
import { SessionCookies } from '#security';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { map, type Observable } from 'rxjs';
import type { TokensResponse, TransportDto } from './auth.dto.js';

/** Puts the tokens of an answer into cookies, where the body of the request says `"transport": "cookie"`. */
@Injectable()
export class TransportInterceptor implements NestInterceptor<object, object> {
  constructor(private readonly cookies: SessionCookies) {}

  intercept(context: ExecutionContext, next: CallHandler<object>): Observable<object> {
    const { body } = context.switchToHttp().getRequest<FastifyRequest<{ Body: TransportDto | null }>>(); // not looked at by the pipe yet
    if (body?.transport !== 'cookie') return next.handle();
    const reply = context.switchToHttp().getResponse<FastifyReply>();
    return next.handle().pipe(
      map((answer) => {
        const { accessToken, refreshToken, ...rest } = answer as Partial<TokensResponse>;
        if (accessToken === undefined || refreshToken === undefined) return answer; // another factor is asked for first
        this.cookies.set(reply, { accessToken, refreshToken, expiresIn: rest.expiresIn! });
        return rest;
      }),
    );
  }
}

/** The route answers with tokens; its body extends `TransportDto`. */
export const HandsOutTokens = () => UseInterceptors(TransportInterceptor);
