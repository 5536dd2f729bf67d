import { EmailAddress, IfPresent, Line } from '#http';
import { ArrayMaxSize, ArrayNotEmpty, ArrayUnique, IsArray } from 'class-validator';
import { RoleName } from '../users/roles.dto.js';

export class InviteUserDto {
  @EmailAddress()
  email: string;

  /** @example "Ada Lovelace" */
  @Line(1, 100)
  name: string;

  /** The roles of the new user; `customer` alone by default. @example ["editor"] */
  @IfPresent()
  @IsArray()
  @ArrayNotEmpty()
  @ArrayMaxSize(20)
  @ArrayUnique()
  @RoleName({ each: true })
  roles?: string[];
}
