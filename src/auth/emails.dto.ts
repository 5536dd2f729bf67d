import { EmailAddress, Text } from '#http';

export class EmailDto {
  @EmailAddress()
  email: string;
}

export class TokenDto {
  /** What stands behind `#token=` in the link of the mail. */
  @Text(1, 128)
  token: string;
}

export class ResetPasswordDto extends TokenDto {
  /** A passphrase of 15 to 128 characters; 8 with a second factor. @example "seven small boats in the rain" */
  @Text(0, 1_024)
  password: string;
}

export class VerificationSentResponse {
  status: 'verification-sent';
}

export class RecoverySentResponse {
  status: 'recovery-sent';
}
