import { Injectable } from '@nestjs/common';
import { audited, record } from '#audit';
import { Env } from '#config';
import { isUniqueViolation, Prisma, PrismaService, transaction, type Tx } from '#database';
import { publish } from '#events';
import type { Actor } from '#security';
import { auditedUser, type User, UsersService } from '../users/users.service.js';
import { identityNotFound, identityTaken, lastWayToLogIn } from './identities.errors.js';
import { identityLinked, identityUnlinked, type LinkedBy } from './identities.events.js';
import type { LinkIdentityDto } from './oauth.dto.js';
import { oauthAccountExists, oauthAccountInactive, oauthAddressUnproven } from './oauth.errors.js';
import { nameFor, type Profile, verdictOn } from './oauth.rules.js';
import { OAuthService } from './oauth.service.js';

export type Identity = Prisma.IdentityGetPayload<object>;

const auditedIdentity = audited('identity', { provider: 'plain', email: 'personal' });

/** Accounts elsewhere that users sign in with. One belongs to one user; the unique index on issuer and subject decides races. */
@Injectable()
export class IdentitiesService {
  constructor(
    private readonly prisma: PrismaService,
    private readonly env: Env,
    private readonly users: UsersService,
    private readonly oauth: OAuthService,
  ) {}

  /**
   * The active user somebody from elsewhere is: the one they are linked to; the one whose address both sides have proven, linked now; or a
   * new one. @throws auth/oauth-account-exists, auth/oauth-account-inactive, auth/oauth-address-unproven; a unique violation when another
   * was first, who is found the next time
   */
  async userOf(profile: Profile, db: Tx): Promise<User> {
    const { issuer, subject, email } = profile;
    const [identity] = await db.identity.updateManyAndReturn({ where: { issuer, subject }, data: { lastUsedAt: new Date(), email } });
    if (identity === undefined) return this.welcome(profile, db);
    const user = await this.users.find(identity.userId, db);
    if (user?.status !== 'active') throw oauthAccountInactive('The account is suspended.');
    return user;
  }

  async list(actor: Actor): Promise<Identity[]> {
    return this.prisma.identity.findMany({ where: { userId: actor.id }, orderBy: { id: 'asc' }, take: 100 });
  }

  /** Links the account elsewhere that a code stands for; once more changes nothing. @throws auth/identity-taken, auth/invalid-oauth-code */
  async link(actor: Actor, proof: LinkIdentityDto): Promise<Identity> {
    return repeatedOnce(() =>
      transaction(this.prisma, async (db) => {
        const profile = await this.oauth.redeem(proof, actor.sessionId, db);
        const { issuer, subject } = profile;
        const linked = await db.identity.findUnique({ where: { issuer_subject: { issuer, subject } } });
        if (linked === null) return this.add(profile, actor, 'user', db);
        if (linked.userId === actor.id) return linked;
        throw identityTaken('This account elsewhere signs somebody else in.');
      }),
    );
  }

  /** @throws auth/identity-not-found, auth/last-way-to-log-in */
  async unlink(actor: Actor, id: string): Promise<void> {
    await transaction(this.prisma, async (db) => {
      await db.$queryRaw`SELECT id FROM users WHERE id = ${actor.id}::uuid FOR UPDATE`; // or two could each leave the other as the last
      const identities = await db.identity.findMany({ where: { userId: actor.id }, select: { id: true } });
      if (!identities.some((identity) => identity.id === id)) {
        const others = await db.identity.count({ where: { id } });
        throw identityNotFound('You have no linked account with this id.', { concealed: others > 0 });
      }
      const passwords = await db.password.count({ where: { userId: actor.id } });
      if (identities.length + passwords === 1)
        throw lastWayToLogIn('Nothing else lets you log in; set a password or link another account first.');
      await this.remove({ id, userId: actor.id }, actor, db);
    });
  }

  private async welcome(profile: Profile, db: Tx): Promise<User> {
    const account = profile.email === null ? null : await this.users.findByEmail(profile.email, db);
    switch (verdictOn(profile, account, this.env.AUTH_EMAIL_VERIFICATION)) {
      case 'link':
        await this.add(profile, account!, 'address', db);
        return account!;
      case 'create':
        return this.register(profile, profile.email!, db);
      case 'refuse-unproven':
        throw oauthAccountExists(
          'An account with this address exists that has never confirmed it; log in to it, or set a password by mail, and link from there.',
        );
      case 'refuse-taken':
        throw oauthAccountExists(
          'An account with this address exists, and the provider does not say that the address is yours; log in to it and link from there.',
        );
      case 'refuse-nameless':
        throw oauthAddressUnproven('The provider vouches for no address of yours; confirm one there, or register with a password.');
      case 'refuse-suspended':
        throw oauthAccountInactive('The account with this address is suspended.');
    }
  }

  private async register(profile: Profile, email: string, db: Tx): Promise<User> {
    const emailVerifiedAt = profile.emailVerified ? new Date() : null;
    const user = await this.users.create({ email, name: nameFor(profile), roles: ['customer'], emailVerifiedAt }, db);
    await record(db, { actor: user, action: 'auth.registered', resource: auditedUser(user.id), subject: user.id, after: user });
    await this.add(profile, user, 'registration', db);
    return user;
  }

  private async add({ provider, issuer, subject, email }: Profile, user: { id: string }, by: LinkedBy, db: Tx): Promise<Identity> {
    const identity = await db.identity.create({ data: { userId: user.id, provider, issuer, subject, email } });
    const { id } = identity;
    await record(db, { actor: user, action: 'auth.identity-linked', resource: auditedIdentity(id), subject: user.id, after: identity });
    const about = { actor: user, resource: { type: 'identity', id }, subject: user.id };
    await publish(db, identityLinked, { identityId: id, userId: user.id, provider, by }, about);
    return identity;
  }

  private async remove(which: { id?: string; userId: string }, actor: Actor | null, db: Tx): Promise<void> {
    const removed = await db.identity.findMany({ where: which });
    await db.identity.deleteMany({ where: which });
    for (const before of removed) {
      const { id, userId, provider } = before;
      await record(db, { actor, action: 'auth.identity-unlinked', resource: auditedIdentity(id), subject: userId, before });
      const about = { actor, resource: { type: 'identity', id }, subject: userId };
      await publish(db, identityUnlinked, { identityId: id, userId, provider }, about);
    }
  }
}

/** Runs it again when another was first to make what is unique: then it is there to be found. */
export async function repeatedOnce<T>(work: () => Promise<T>): Promise<T> {
  return work().catch((error: unknown) => {
    if (isUniqueViolation(error)) return work();
    throw error;
  });
}
