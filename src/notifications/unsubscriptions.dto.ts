import { IsString, MaxLength } from 'class-validator';

export class UnsubscribeQuery {
  /** As the mail's link has it. */
  @IsString()
  @MaxLength(1_000)
  token: string;
}
