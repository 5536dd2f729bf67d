import { applyDecorators } from '@nestjs/common';
import { ApiProperty } from '@nestjs/swagger';
import { IfPresent, Text } from '#http';
import { IsIn, Matches } from 'class-validator';
import { TokensResponse } from './auth.dto.js';
import type { FactorMethod } from './factors.rules.js';
import type { LoginOutcome } from './logins.service.js';
import { OptionalAssertionDto } from './passkeys.dto.js';

/** What an authenticator app shows. */
const TotpCode = () =>
  applyDecorators(
    Matches(/^[0-9]{6}$/, { message: '$property must be the six digits that the authenticator app shows' }),
    ApiProperty({ type: 'string', pattern: '^[0-9]{6}$', example: '123456' }),
  );

export class ConfirmTotpDto {
  /** What the authenticator app shows. */
  @TotpCode()
  code: string;
}

/** Exactly one of: `password`, `code`, or all that a passkey answers. */
export class StepUpDto extends OptionalAssertionDto {
  /** @example "correct horse battery staple" */
  @IfPresent()
  @Text(1, 1_024)
  password?: string;

  /** What the authenticator app shows. */
  @IfPresent()
  @TotpCode()
  code?: string;
}

/** The token, and exactly one of: `code`, `recoveryCode`, or all that a passkey answers. */
export class SecondStepDto extends OptionalAssertionDto {
  /** What the first step answered with. */
  @Text(1, 512)
  mfaToken: string;

  /** What the authenticator app shows. */
  @IfPresent()
  @TotpCode()
  code?: string;

  /** One of the ten that were shown once; case, spaces and hyphens do not matter. @example "k7wq-39fa-x2mn-b8tc-5hpz-q3vd-y6jr" */
  @IfPresent()
  @Text(1, 100)
  recoveryCode?: string;

  /** Where the tokens go: into the answer, or into cookies that a page's scripts cannot read. */
  @IfPresent()
  @IsIn(['body', 'cookie'])
  transport?: 'body' | 'cookie';
}

export class TotpResponse {
  /** For whoever types it: base32. It counts once a code of it has been confirmed. @example "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP" */
  secret: string;
  /** For a QR code. @example "otpauth://totp/Ashlar:ada%40example.com?issuer=Ashlar&secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP&algorithm=SHA1&digits=6&period=30" */
  otpauthUrl: string;
}

export class RecoveryCodesResponse {
  /** Ten codes, each good once. Shown only now. @example ["k7wq-39fa-x2mn-b8tc-5hpz-q3vd-y6jr"] */
  recoveryCodes: string[];
}

/** The first step of a log-in was right; the second one is due. */
export class MfaRequiredResponse {
  @ApiProperty({ type: 'boolean', enum: [true] })
  mfaRequired: true;
  /** Give it to POST /api/v1/auth/login/mfa, together with the second factor, within five minutes. */
  mfaToken: string;
  /** What can be given. @example ["totp", "recovery-code"] */
  methods: FactorMethod[];
}

/** What a log-in answers: tokens, or the question for the second factor. */
export function loginAnswer(outcome: LoginOutcome): TokensResponse | MfaRequiredResponse {
  if ('accessToken' in outcome) return TokensResponse.from(outcome);
  return { mfaRequired: true, mfaToken: outcome.mfaToken, methods: outcome.methods };
}
