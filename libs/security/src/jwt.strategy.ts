import { Injectable } from '@nestjs/common';
import { PassportStrategy } from '@nestjs/passport';
import type { FastifyRequest } from 'fastify';
import { ExtractJwt, Strategy } from 'passport-jwt';
import { Actor, SessionDirectory } from './actor.js';
import { type AccessClaims, KeyRing } from './keys.js';
import { accessCookieOf } from './session-cookies.js';

// passport-jwt verifies with jsonwebtoken, which refuses Ed25519; its own seam takes another verifier.
type Verifier = (token: string, keys: KeyRing, options: unknown, done: (error: Error | null, claims?: AccessClaims) => void) => void;
const verifyWithKeyRing: Verifier = (token, keys, _options, done) => {
  keys.verify(token).then(
    (claims) => done(null, claims),
    (error: Error) => done(error),
  );
};
(Strategy as unknown as { JwtVerifier: Verifier }).JwtVerifier = verifyWithKeyRing;

/** Token → session → actor. A token is as good as its session: one that has ended is refused though the signature holds. */
@Injectable()
export class JwtStrategy extends PassportStrategy(Strategy, 'jwt') {
  constructor(
    keys: KeyRing,
    private readonly sessions: SessionDirectory,
  ) {
    super({
      jwtFromRequest: ExtractJwt.fromExtractors([
        ExtractJwt.fromAuthHeaderAsBearerToken(),
        (request: FastifyRequest) => accessCookieOf(request) ?? null,
      ]),
      secretOrKeyProvider: (_request: unknown, _token: unknown, done: (error: unknown, key: unknown) => void) => done(null, keys),
    } as unknown as ConstructorParameters<typeof Strategy>[0]);
  }

  async validate(claims: AccessClaims): Promise<Actor | false> {
    const session = await this.sessions.find(claims.sid);
    if (session === null || session.userId !== claims.sub) return false;
    return new Actor(session);
  }
}
