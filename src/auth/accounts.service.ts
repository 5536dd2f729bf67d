import { Injectable } from '@nestjs/common';
import { record, SYSTEM } from '#audit';
import { isUniqueViolation, PrismaService, transaction, type Tx } from '#database';
import type { Role } from '../users/roles.rules.js';
import { auditedUser, type User, UsersService } from '../users/users.service.js';
import type { RegisterDto } from './auth.dto.js';
import { emailTaken } from './auth.errors.js';
import { PasswordsService } from './passwords.service.js';
import { type Device, SessionsService, type Tokens } from './sessions.service.js';

/** How accounts with a password come to be. */
@Injectable()
export class AccountsService {
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
  async create(account: RegisterDto & { roles: Role[] }): Promise<User> {
    const hash = await this.passwords.hashNew(account.password, account);
    return transaction(this.prisma, async (db) => {
      const user = await this.insert(account, hash, db);
      await record(db, { actor: SYSTEM, action: 'users.created', resource: auditedUser(user.id), subject: user.id, after: user });
      return user;
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
