import { job } from '#jobs';
import { IsEmail, IsString, IsUUID } from 'class-validator';

export class RegisterAccount {
  @IsEmail()
  email: string;

  @IsString()
  name: string;

  /** The password's hash, encrypted. */
  @IsString()
  prepared: string;
}

export class MailAddress {
  @IsEmail()
  email: string;
}

export class ChangeAddress extends MailAddress {
  @IsUUID()
  userId: string;
}

export const registerAccount = job('auth.register', RegisterAccount);
export const mailVerification = job('auth.mail-verification', MailAddress);
export const mailRecovery = job('auth.mail-recovery', MailAddress);
export const changeAddress = job('auth.change-address', ChangeAddress);
