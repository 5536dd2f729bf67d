import { Injectable } from '@nestjs/common';
import { record, SYSTEM } from '#audit';
import { decrypt, encrypt, Env, type NamedKey, namedKeys } from '#config';
import { isUniqueViolation, PrismaService, transaction, type Tx } from '#database';
import type { Role } from '../users/roles.rules.js';
import { auditedUser, type User, UsersService } from '../users/users.service.js';
import type { RegisterDto } from './auth.dto.js';
import { emailTaken } from './auth.errors.js';
import { isHeld } from './held-addresses.queries.js';
import { PasswordsService } from './passwords.service.js';

/** How accounts with a password come to be. */
@Injectable()
export class AccountsService {
  /** Whether an account can be used only after its address was confirmed. */
  readonly mustConfirm: boolean;
  private readonly keys: readonly NamedKey[];

  constructor(
    private readonly prisma: PrismaService,
    private readonly users: UsersService,
    private readonly passwords: PasswordsService,
    env: Env,
  ) {
    this.mustConfirm = env.AUTH_EMAIL_VERIFICATION === 'required';
    this.keys = namedKeys(env, 'registration');
  }

  /** An account without a session, with any roles and a confirmed address: for the command line and the demo world. */
  async create(account: RegisterDto & { roles: Role[] }): Promise<User> {
    const hash = await this.passwords.hashNew(account.password, account);
    return transaction(this.prisma, async (db) => {
      const { id } = await this.insert(account, hash, db);
      const user = await db.user.update({ where: { id }, data: { emailVerifiedAt: new Date() } });
      await record(db, { actor: SYSTEM, action: 'users.created', resource: auditedUser(id), subject: id, after: user });
      return user;
    });
  }

  /** @throws auth/email-taken */
  async insert({ email, name, roles }: { email: string; name: string; roles: Role[] }, hash: string, db: Tx): Promise<User> {
    if (await isHeld(db, email)) throw emailTaken('An account had this address until lately; register with another one.');
    const user = await this.users.create({ email, name, roles }, db).catch((error: unknown) => {
      if (isUniqueViolation(error, 'users_email_key')) throw emailTaken('An account with this address exists; log in with it instead.');
      throw error;
    });
    await this.passwords.keep(user.id, hash, db);
    return user;
  }

  /** @throws auth/weak-password */
  hash({ email, name, password }: RegisterDto): Promise<string> {
    return this.passwords.hashNew(password, { email, name });
  }

  /** The hash of somebody's password while it waits for the proof that the address is theirs. @throws auth/weak-password */
  async prepare(account: RegisterDto): Promise<string> {
    const { id, key } = this.keys[0]!;
    return `${id}.${encrypt(key, account.email, await this.hash(account)).toString('base64url')}`;
  }

  /** What `prepare` was given; null when its key is not there any more. */
  unprepared(email: string, prepared: string): string | null {
    const [id, sealed = ''] = prepared.split('.');
    const key = this.keys.find((each) => each.id === id)?.key;
    return (key && decrypt(key, email, Buffer.from(sealed, 'base64url'))?.toString('utf8')) ?? null;
  }

  /**
   * Confirms the address that an account was registered with. Where several registered with one address before it was confirmed, the
   * password of whose link is used counts, and nobody else's. Null: the account is gone, or has another address by now.
   */
  async confirm(userId: string, { email, prepared }: { email: string; prepared?: string | undefined }, db: Tx): Promise<User | null> {
    const confirmed = await this.users.confirmEmail(userId, { from: email, to: email }, db);
    const hash = prepared === undefined ? null : this.unprepared(email, prepared);
    if (confirmed?.before.emailVerifiedAt === null && hash !== null) await this.passwords.keep(userId, hash, db);
    return confirmed?.after ?? null;
  }

  /**
   * Gives an account an address that its user has proven to be theirs; null where it is gone, or has another one than `from` by now. Fails
   * with the unique violation of `users.email`.
   */
  async move(userId: string, change: { from?: string; to: string }, db: Tx): Promise<User | null> {
    return (await this.users.confirmEmail(userId, change, db))?.after ?? null;
  }
}
