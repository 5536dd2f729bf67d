import { EmailAddress, IfPresent, Line, Text } from '#http';
import { ApiProperty } from '@nestjs/swagger';
import { IsIn, ValidateIf } from 'class-validator';
import { UserResponse } from '../users/users.dto.js';
import type { Session, Tokens } from './sessions.service.js';

export class TransportDto {
  /** Where the tokens go: into the answer, or into cookies that a page's scripts cannot read. */
  @IfPresent()
  @IsIn(['body', 'cookie'])
  transport?: 'body' | 'cookie';
}

export class RegisterDto extends TransportDto {
  @EmailAddress()
  email: string;

  /** A passphrase of 15 to 128 characters. @example "correct horse battery staple" */
  @Text(0, 1_024)
  password: string;

  /** @example "Ada Lovelace" */
  @Line(1, 100)
  name: string;
}

export class LoginDto extends TransportDto {
  @EmailAddress()
  email: string;

  /** @example "correct horse battery staple" */
  @Text(1, 1_024)
  password: string;
}

export class RefreshDto extends TransportDto {
  /** The refresh token of the last answer; with `"transport": "cookie"` that of the cookie, where it is left out. */
  @ValidateIf(({ transport, refreshToken }: RefreshDto) => transport !== 'cookie' || refreshToken !== undefined)
  @Text(1, 512)
  refreshToken?: string;
}

export class ChangePasswordDto {
  /** @example "correct horse battery staple" */
  @Text(1, 1_024)
  currentPassword: string;

  /** A passphrase of 15 to 128 characters. @example "seven small boats in the rain" */
  @Text(0, 1_024)
  newPassword: string;
}

export class TokensResponse {
  user: UserResponse;
  /** Send it as `Authorization: Bearer <accessToken>`. In a cookie, and not here, where the call says `"transport": "cookie"`. */
  @ApiProperty({ required: false })
  accessToken: string;
  /** Good for one call of POST /auth/refresh, which answers with its successor. In a cookie, and not here, likewise. */
  @ApiProperty({ required: false })
  refreshToken: string;
  /** Seconds the access token lives. @example 600 */
  expiresIn: number;

  static from(this: void, { user, ...tokens }: Tokens): TokensResponse {
    return { user: UserResponse.from(user), ...tokens };
  }
}

export class CsrfResponse {
  /** Send it as `X-CSRF-Token` with each call that changes something, where the tokens are in cookies. Good as long as the session. */
  csrfToken: string;
}

export class SessionResponse {
  id: string;
  createdAt: Date;
  lastUsedAt: Date;
  /** @example "192.0.2.1" */
  ip: string;
  /** @example "Mozilla/5.0" */
  userAgent: string;
  /** Whether it is the session of this call. */
  current: boolean;
  /** The id of who acts as you in this session; null for your own. */
  impersonatedBy: string | null;

  static from(session: Session, currentId: string): SessionResponse {
    return {
      id: session.id,
      createdAt: session.createdAt,
      lastUsedAt: session.lastUsedAt,
      ip: session.ip,
      userAgent: session.userAgent,
      current: session.id === currentId,
      impersonatedBy: session.impersonatorId,
    };
  }
}

export class SessionList {
  items: SessionResponse[];
  /** Always null: nobody has that many sessions. */
  nextCursor: string | null;
}
