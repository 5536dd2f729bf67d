import { Injectable } from '@nestjs/common';
import { isUniqueViolation, PrismaService, transaction } from '#database';
import type { Actor } from '#security';
import { UsersService } from '../users/users.service.js';
import type { ChangePasswordDto, LoginDto, RegisterDto } from './auth.dto.js';
import { emailTaken, invalidCredentials } from './auth.errors.js';
import { PasswordsService } from './passwords.service.js';
import { type Device, SessionsService, type Tokens } from './sessions.service.js';

/** Proving who you are by password, and what follows: a session. */
@Injectable()
export class AuthService {
  constructor(
    private readonly prisma: PrismaService,
    private readonly users: UsersService,
    private readonly passwords: PasswordsService,
    private readonly sessions: SessionsService,
  ) {}

  async register({ email, name, password }: RegisterDto, device: Device): Promise<Tokens> {
    const hash = await this.passwords.hashNew(password, { email, name });
    return transaction(this.prisma, async (db) => {
      const user = await this.users.create({ email, name, roles: ['customer'] }, db).catch((error: unknown) => {
        if (isUniqueViolation(error, 'email')) throw emailTaken('An account with this address exists; log in with it instead.');
        throw error;
      });
      await this.passwords.keep(user.id, hash, db);
      return this.sessions.open(user, device, db);
    });
  }

  async login({ email, password }: LoginDto, device: Device): Promise<Tokens> {
    const user = await this.users.findByEmail(email);
    const active = user?.status === 'active' ? user : null;
    await this.passwords.prove({ userId: active?.id ?? null, email, password, ip: device.ip });
    if (active === null) throw invalidCredentials('The address or the password is wrong.');
    return this.sessions.open(active, device);
  }

  async changePassword(actor: Actor, { currentPassword, newPassword }: ChangePasswordDto, device: Device): Promise<void> {
    const user = await this.users.me(actor);
    await this.passwords.prove({ userId: user.id, email: user.email, password: currentPassword, ip: device.ip });
    const hash = await this.passwords.hashNew(newPassword, user);
    const ended = await transaction(this.prisma, async (db) => {
      await this.passwords.keep(user.id, hash, db);
      return this.sessions.endOthers(actor, 'the password was changed', db);
    });
    this.sessions.announce(ended);
  }
}
