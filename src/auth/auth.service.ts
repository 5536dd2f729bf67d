import { Injectable } from '@nestjs/common';
import { record, SYSTEM } from '#audit';
import { isUniqueViolation, PrismaService, transaction, type Tx } from '#database';
import { publish } from '#events';
import type { Actor } from '#security';
import type { Role } from '../users/roles.rules.js';
import { auditedUser, type User, UsersService } from '../users/users.service.js';
import type { ChangePasswordDto, LoginDto, RegisterDto } from './auth.dto.js';
import { emailTaken, invalidCredentials } from './auth.errors.js';
import { passwordChanged } from './auth.events.js';
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
    return transaction(this.prisma, async (db) => {
      const user = await this.insert({ ...account, roles: ['customer'] }, hash, db);
      await record(db, { actor: user, action: 'auth.registered', resource: auditedUser(user.id), subject: user.id, after: user });
      return this.sessions.open(user, device, db);
    });
  }

  /** An account without a session, with any roles: for the command line and the demo world. */
  async createAccount(account: RegisterDto & { roles: Role[] }): Promise<User> {
    const hash = await this.passwords.hashNew(account.password, account);
    return transaction(this.prisma, async (db) => {
      const user = await this.insert(account, hash, db);
      await record(db, { actor: SYSTEM, action: 'users.created', resource: auditedUser(user.id), subject: user.id, after: user });
      return user;
    });
  }

  async login({ email, password }: LoginDto, device: Device): Promise<Tokens> {
    const user = await this.users.findByEmail(email);
    const active = user?.status === 'active' ? user : null;
    const attempt = { userId: active?.id ?? null, email, password, ip: device.ip };
    await this.passwords.prove({ ...attempt, purpose: 'auth.login', actor: null, subject: user?.id ?? null });
    if (active === null) throw invalidCredentials('The address or the password is wrong.');
    return this.sessions.open(active, device);
  }

  async changePassword(actor: Actor, { currentPassword, newPassword }: ChangePasswordDto, device: Device): Promise<void> {
    const user = await this.users.me(actor);
    const attempt = { userId: user.id, email: user.email, password: currentPassword, ip: device.ip };
    await this.passwords.prove({ ...attempt, purpose: 'auth.password-change', actor, subject: user.id });
    const hash = await this.passwords.hashNew(newPassword, user, 'newPassword');
    await transaction(this.prisma, async (db) => {
      await this.passwords.keep(user.id, hash, db);
      await record(db, { actor, action: 'auth.password-changed', resource: auditedUser(user.id), subject: user.id });
      const about = { actor, resource: { type: 'user', id: user.id }, subject: user.id };
      await publish(db, passwordChanged, { userId: user.id }, about);
      await this.sessions.endOthers(actor, 'the password was changed', db);
    });
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
