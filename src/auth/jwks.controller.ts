import { Controller, Get, Header } from '@nestjs/common';
import { KeyRing, Public } from '#security';
import { JwksResponse } from './jwks.dto.js';

@Controller('.well-known')
export class JwksController {
  constructor(private readonly keys: KeyRing) {}

  /** The public keys of our access tokens, as a JWK Set (RFC 7517) */
  @Get('jwks.json')
  @Public({ credentials: 'ignored' })
  @Header('Cache-Control', 'public, max-age=300')
  keySet(): JwksResponse {
    return this.keys.jwks as JwksResponse;
  }
}
