import { IfPresent, Text } from '#http';
import { ApiProperty } from '@nestjs/swagger';
import { IsIn, IsOptional, IsString, Matches } from 'class-validator';
import { TransportDto } from './auth.dto.js';

const S256 = /^[A-Za-z0-9_-]{43}$/;
const VERIFIER = /^[A-Za-z0-9._~-]{43,128}$/;

export class StartSignInQuery {
  /** Where the browser comes back to, with `code` or `error`: one of OAUTH_RETURN_URLS. @example "https://app.example.com/signed-in" */
  @IsOptional()
  @Text(1, 2_000)
  returnTo?: string;

  /** BASE64URL(SHA256(verifier)) (RFC 7636, S256) of a verifier that stays with the client. @example "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM" */
  @IsOptional()
  @IsString()
  @Matches(S256, { message: '$property must be a SHA-256 in base64url, without padding' })
  @ApiProperty({ type: 'string', required: false, pattern: S256.source })
  challenge?: string;

  /**
   * `true`: the provider is to ask who it is even if they are logged in there (OpenID Connect's `max_age=0`), for a session that is fresh. Where
   * the provider tells when it last did (`auth_time`), a session is as fresh as that.
   */
  @IfPresent()
  @IsIn(['true', 'false'])
  fresh?: 'true' | 'false';

  /** Of POST /auth/identities/{provider}, instead of `returnTo` and `challenge`. */
  @IsOptional()
  @Text(1, 100)
  ticket?: string;
}

export class BeginLinkDto {
  /** Where the browser comes back to, with `code` or `error`: one of OAUTH_RETURN_URLS. @example "https://app.example.com/signed-in" */
  @Text(1, 2_000)
  returnTo: string;

  /** BASE64URL(SHA256(verifier)) (RFC 7636, S256) of a verifier that stays with the client. @example "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM" */
  @IsString()
  @Matches(S256, { message: '$property must be a SHA-256 in base64url, without padding' })
  @ApiProperty({ pattern: S256.source })
  challenge: string;
}

export class LinkUrlResponse {
  /** To be opened in the browser, once, within two minutes. */
  url: string;
}

export class LinkIdentityDto {
  /** What the browser came back with. */
  @Text(1, 512)
  code: string;

  /** The verifier whose challenge was given at the start. @example "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk" */
  @IsString()
  @Matches(VERIFIER, { message: '$property must be of 43 to 128 letters, digits, - . _ ~' })
  @ApiProperty({ minLength: 43, maxLength: 128, pattern: VERIFIER.source })
  verifier: string;
}

export class ExchangeCodeDto extends TransportDto {
  /** What the browser came back with. */
  @Text(1, 512)
  code: string;

  /** The verifier whose challenge was given at the start. @example "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk" */
  @IsString()
  @Matches(VERIFIER, { message: '$property must be of 43 to 128 letters, digits, - . _ ~' })
  @ApiProperty({ minLength: 43, maxLength: 128, pattern: VERIFIER.source })
  verifier: string;
}

export class OAuthProviderResponse {
  /** Its name in URLs. @example "google" */
  id: string;
  /** What people call it. @example "Google" */
  name: string;

  static from(this: void, { id, name }: { id: string; name: string }): OAuthProviderResponse {
    return { id, name };
  }
}

export class OAuthProviderList {
  items: OAuthProviderResponse[];
  /** Always null: there are few. */
  nextCursor: string | null;
}
