import { Injectable } from '@nestjs/common';
import { isUniqueViolation, PrismaService, transaction, type Tx } from '#database';
import type { Actor } from '#security';
import type { Role } from '../users/roles.rules.js';
import { type User, UsersService } from '../users/users.service.js';
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

  async register(account: RegisterDto, device: Device): Promise<Tokens> {
    const hash = await this.passwords.hashNew(account.password, account);
    return transaction(this.prisma, async (db) =>
      this.sessions.open(await this.insert({ ...account, roles: ['customer'] }, hash, db), device, db),
    );
  }

  /** An account without a session, with any roles: for the command line and the demo world. */
  async createAccount(account: RegisterDto & { roles: Role[] }): Promise<User> {
    const hash = await this.passwords.hashNew(account.password, account);
    return transaction(this.prisma, (db) => this.insert(account, hash, db));
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
    const hash = await this.passwords.hashNew(newPassword, user, 'newPassword');
    const ended = await transaction(this.prisma, async (db) => {
      await this.passwords.keep(user.id, hash, db);
      return this.sessions.endOthers(actor, 'the password was changed', db);
    });
    this.sessions.announce(ended);
  }

  private async insert({ email, name, roles }: { email: string; name: string; roles: Role[] }, hash: string, db: Tx): Promise<User> {
    const user = await this.users.create({ email, name, roles }, db).catch((error: unknown) => {
      if (isUniqueViolation(error, 'email')) throw emailTaken('An account with this address exists; log in with it instead.');
      throw error;
    });
    await this.passwords.keep(user.id, hash, db);
    return user;
  }
}
