import { Body, Controller, HttpCode, Ip, Post } from '@nestjs/common';
import { Problems } from '#http';
import { Actor, Caller, LimitedPerAddress, Public, SignedIn, StepUp, tooManyAttempts } from '#security';
import { weakPassword } from './auth.errors.js';
import { ConfirmationsService } from './confirmations.service.js';
import { EmailDto, RecoverySentResponse, ResetPasswordDto, TokenDto, VerificationSentResponse } from './emails.dto.js';
import { EmailsService } from './emails.service.js';
import { invalidOneTimeToken } from './one-time-tokens.errors.js';
import { RecoveriesService } from './recoveries.service.js';

const MAILS = { name: 'mail-requests', limit: 'AUTH_MAIL_REQUESTS_PER_HOUR', windowSeconds: 3_600 } as const;

@Controller('auth')
export class EmailsController {
  constructor(
    private readonly emails: EmailsService,
    private readonly confirmations: ConfirmationsService,
    private readonly recoveries: RecoveriesService,
  ) {}

  /**
   * Use the link of a mail about an address
   *
   * Confirms the address somebody has registered with, or the new one of an account, or takes a change of address back; which of them the
   * token knows.
   */
  @Post('email/verify')
  @Public({ credentials: 'ignored' })
  @HttpCode(204)
  @Problems(invalidOneTimeToken, tooManyAttempts)
  async verifyEmail(@Body() { token }: TokenDto, @Ip() ip: string): Promise<void> {
    await this.confirmations.confirm(token, ip);
  }

  /** Ask for another link that confirms my address; the answer does not tell whether one was sent */
  @Post('email/resend')
  @Public({ credentials: 'ignored' })
  @LimitedPerAddress(MAILS)
  @HttpCode(202)
  @Problems(tooManyAttempts)
  async resendVerification(@Body() { email }: EmailDto): Promise<VerificationSentResponse> {
    await this.emails.resend(email);
    return { status: 'verification-sent' };
  }

  /**
   * Give my account another address
   *
   * It is changed once the new address has confirmed it. The present one is told, and can take the change back for some days. The answer
   * does not tell whether the new address has an account.
   */
  @Post('email/change')
  @SignedIn()
  @StepUp()
  @HttpCode(202)
  @Problems(tooManyAttempts)
  async changeEmail(@Caller() actor: Actor, @Body() { email }: EmailDto): Promise<VerificationSentResponse> {
    await this.emails.change(actor, email);
    return { status: 'verification-sent' };
  }

  /** Ask for a link to a new password; the answer does not tell whether one was sent */
  @Post('password/forgot')
  @Public({ credentials: 'ignored' })
  @LimitedPerAddress(MAILS)
  @HttpCode(202)
  @Problems(tooManyAttempts)
  async forgotPassword(@Body() { email }: EmailDto): Promise<RecoverySentResponse> {
    await this.emails.forgot(email);
    return { status: 'recovery-sent' };
  }

  /** Set a new password by the link of a mail; all my sessions end */
  @Post('password/reset')
  @Public({ credentials: 'ignored' })
  @HttpCode(204)
  @Problems(invalidOneTimeToken, weakPassword, tooManyAttempts)
  async resetPassword(@Body() body: ResetPasswordDto, @Ip() ip: string): Promise<void> {
    await this.recoveries.reset(body, ip);
  }
}
