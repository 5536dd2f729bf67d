import { randomUUIDv7 } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { audited, record } from '#audit';
import { Env } from '#config';
import { type Db, execute, Prisma, PrismaService, signal, transaction, type Tx } from '#database';
import { publish } from '#events';
import { type Actor, KeyRing } from '#security';
import type { User } from '../users/users.service.js';
import { invalidRefreshToken, sessionNotFound } from './auth.errors.js';
import { sessionEnded, sessionStarted } from './auth.events.js';
import type { Proven } from './proofs.rules.js';
import { firstToken, readToken, type RefreshToken, successorOf } from './refresh-tokens.rules.js';

export type Session = Prisma.SessionGetPayload<object>;

const auditedSession = audited('session', { endedBecause: 'plain', by: 'plain' });
const auditedSessions = audited('user', { endedSessions: 'plain', endedBecause: 'plain' });

/** Where somebody logs in from. */
export interface Device {
  ip: string;
  userAgent: string;
}

/** What a login or a refresh hands out. */
export interface Tokens {
  user: User;
  accessToken: string;
  refreshToken: string;
  expiresIn: number;
}

const withAccess = { user: { select: { status: true, accessRevokedAt: true } } } satisfies Prisma.SessionInclude;

/** Whether the account lets its session in: it is active, and was not suspended since the session began. */
function hasAccess({ createdAt, user }: Prisma.SessionGetPayload<{ include: typeof withAccess }>): boolean {
  return user.status === 'active' && (user.accessRevokedAt === null || user.accessRevokedAt < createdAt);
}

/** Log-ins in progress. Guards ask the directory for them; endings are signalled to every process at once. */
@Injectable()
export class SessionsService {
  private readonly refreshKeys: Buffer[];

  constructor(
    private readonly prisma: PrismaService,
    private readonly env: Env,
    private readonly keys: KeyRing,
  ) {
    this.refreshKeys = keys.derive('refresh-tokens');
  }

  /** Whether somebody who proves that an account is theirs gets a session. */
  admits({ status, emailVerifiedAt }: User): boolean {
    return status === 'active' && (emailVerifiedAt !== null || this.env.AUTH_EMAIL_VERIFICATION === 'optional');
  }

  /** Begins a session for somebody who has just proven to be this user; fresh it is from when they did. */
  async open(user: User, device: Device, { by, at: provenAt = new Date() }: Proven, db: Db = this.prisma): Promise<Tokens> {
    const expiresAt = new Date(Date.now() + this.env.AUTH_SESSION_TTL_SECONDS * 1_000);
    const token = firstToken(this.refreshKeys, randomUUIDv7());
    await transaction(db, async (tx) => {
      await tx.session.create({
        data: {
          id: token.sessionId,
          userId: user.id,
          refreshHash: token.hash,
          ip: device.ip,
          userAgent: device.userAgent.slice(0, 500),
          provenAt,
          expiresAt,
        },
      });
      const resource = auditedSession(token.sessionId);
      await record(tx, { actor: user, action: 'auth.logged-in', resource, subject: user.id, after: { by } });
      const about = { actor: user, resource: { type: 'session', id: token.sessionId }, subject: user.id };
      await publish(tx, sessionStarted, { sessionId: token.sessionId, userId: user.id }, about);
    });
    return this.tokens(user, token);
  }

  /** A session in which somebody acts as this user: it cannot be refreshed, and shows the user nothing of where the other is. */
  async impersonate(actor: Actor, user: User, db: Db): Promise<{ sessionId: string; accessToken: string; expiresIn: number }> {
    const expiresIn = this.env.AUTH_IMPERSONATION_SECONDS;
    const { sessionId, hash } = firstToken(this.refreshKeys, randomUUIDv7()); // nobody is given it
    const expiresAt = new Date(Date.now() + expiresIn * 1_000);
    const data = { id: sessionId, userId: user.id, impersonatorId: actor.id, refreshHash: hash, ip: '', userAgent: '', expiresAt };
    await db.session.create({ data });
    const accessToken = await this.keys.sign({ sub: user.id, sid: sessionId, act: { sub: actor.id } }, expiresIn);
    return { sessionId, accessToken, expiresIn };
  }

  /**
   * The next pair. Used again within the grace period a token gives the same successor; later, somebody else may have it, so its whole
   * session ends. @throws auth/invalid-refresh-token
   */
  async refresh(text: string, device: Device): Promise<Tokens> {
    const token = readToken(this.refreshKeys, text);
    if (token === null) throw invalidRefreshToken('The refresh token is not one of ours; log in again.');
    const next = successorOf(this.refreshKeys, token);
    const session = await this.findLive(token.sessionId);
    if (session === null || !((await this.rotate(token, next, device)) || (await this.repeat(token, next))))
      throw invalidRefreshToken('The refresh token was used before or its session has ended; log in again.');
    const user = await this.prisma.user.findUniqueOrThrow({ where: { id: session.userId } });
    return this.tokens(user, next);
  }

  async list(actor: Actor): Promise<Session[]> {
    const sessions = await this.prisma.session.findMany({
      where: { userId: actor.id, ...this.alive() },
      include: withAccess,
      orderBy: { createdAt: 'desc' },
      take: 100,
    });
    return sessions.filter(hasAccess);
  }

  async end(actor: Actor, id: string, because = 'ended by its user'): Promise<void> {
    await transaction(this.prisma, async (db) => {
      const [ended] = await this.close({ id, userId: actor.id, ...this.alive() }, actor, because, db);
      if (ended === undefined) {
        const others = await db.session.count({ where: { id, userId: { not: actor.id } } });
        throw sessionNotFound('You have no running session with this id.', { concealed: others > 0 });
      }
      const action = id === actor.sessionId ? 'auth.logged-out' : 'auth.session-ended';
      await record(db, { actor, action, resource: auditedSession(id), subject: actor.id, after: ended });
    });
  }

  /** Ends all of the actor's sessions but this one. */
  async endOthers(actor: Actor, because: string, db: Db = this.prisma): Promise<void> {
    await transaction(db, async (tx) => {
      const ended = await this.close({ userId: actor.id, id: { not: actor.sessionId }, endedAt: null }, actor, because, tx);
      const after = { endedSessions: ended.map(({ id }) => id), endedBecause: because };
      await record(tx, { actor, action: 'auth.sessions-ended', resource: auditedSessions(actor.id), subject: actor.id, after });
    });
  }

  /** Ends all sessions of a user, for whatever has become of their account; `actor` is null where something else than a session asks for it. */
  async endAll(userId: string, because: string, db: Tx, actor: Actor | null = null): Promise<void> {
    const ended = await this.close({ userId, endedAt: null }, actor, because, db);
    const after = { endedSessions: ended.map(({ id }) => id), endedBecause: because };
    await record(db, { actor, action: 'auth.sessions-ended', resource: auditedSessions(userId), subject: userId, after });
  }

  /** Notes that the user of this session has just proven who they are. */
  async refreshProof({ id, sessionId }: Actor, within: Db = this.prisma): Promise<void> {
    await transaction(within, async (db) => {
      const { count } = await db.session.updateMany({
        where: { id: sessionId, userId: id, ...this.alive() },
        data: { provenAt: new Date() },
      });
      if (count === 0) throw sessionNotFound('The session has ended; log in again.');
      await record(db, { actor: { id }, action: 'auth.stepped-up', resource: auditedSession(sessionId), subject: id });
      signal(db, 'session', sessionId);
    });
  }

  /** Deletes at most so many sessions that ended long ago, and says how many. */
  async purge(limit: number): Promise<number> {
    const cutoff = new Date(Date.now() - this.env.AUTH_SESSION_HISTORY_SECONDS * 1_000);
    const lastRotation = new Date(cutoff.getTime() - this.env.AUTH_SESSION_IDLE_SECONDS * 1_000);
    return execute(
      this.prisma,
      Prisma.sql`DELETE FROM sessions WHERE id IN (SELECT id FROM sessions
        WHERE ended_at < ${cutoff} OR expires_at < ${cutoff} OR rotated_at < ${lastRotation} LIMIT ${limit} FOR UPDATE SKIP LOCKED)`,
    );
  }

  private alive() {
    return {
      endedAt: null,
      expiresAt: { gt: new Date() },
      rotatedAt: { gt: new Date(Date.now() - this.env.AUTH_SESSION_IDLE_SECONDS * 1_000) },
    };
  }

  private async findLive(id: string) {
    const session = await this.prisma.session.findFirst({ where: { id, ...this.alive() }, include: withAccess });
    return session !== null && hasAccess(session) ? session : null;
  }

  /** Of many that present the current token at once, this statement lets one rotate it. */
  private async rotate(token: RefreshToken, next: RefreshToken, device: Device): Promise<boolean> {
    const now = new Date();
    const { count } = await this.prisma.session.updateMany({
      where: { id: token.sessionId, refreshHash: token.hash, ...this.alive() },
      data: {
        refreshHash: next.hash,
        previousRefreshHash: token.hash,
        rotatedAt: now,
        lastUsedAt: now,
        ip: device.ip,
        userAgent: device.userAgent.slice(0, 500),
      },
    });
    return count === 1;
  }

  /** A genuine token that is not the current one: a repetition within the grace period, or a reuse that ends the session. */
  private async repeat(token: RefreshToken, next: RefreshToken): Promise<boolean> {
    const session = await this.prisma.session.findFirst({ where: { id: token.sessionId, ...this.alive() } });
    if (session === null) return false;
    const inGrace = session.rotatedAt.getTime() > Date.now() - this.env.AUTH_REFRESH_GRACE_SECONDS * 1_000;
    if (inGrace && token.hash.equals(session.previousRefreshHash ?? Buffer.alloc(0)) && next.hash.equals(session.refreshHash)) return true;
    await transaction(this.prisma, async (db) => {
      const [after] = await this.close({ id: session.id, endedAt: null }, null, 'a used refresh token turned up again', db);
      const resource = auditedSession(session.id);
      await record(db, { actor: null, action: 'auth.refresh-reused', resource, subject: session.userId, after, outcome: 'failed' });
    });
    return false;
  }

  /** Ends the sessions there are of these, and returns them. */
  private async close(which: Prisma.SessionWhereInput, actor: Actor | null, because: string, db: Tx) {
    const ended = await db.session.updateManyAndReturn({
      where: which,
      data: { endedAt: new Date(), endedBecause: because },
      select: { id: true, userId: true, endedAt: true, endedBecause: true },
    });
    for (const { id, userId } of ended) {
      const about = { actor, resource: { type: 'session', id }, subject: userId };
      await publish(db, sessionEnded, { sessionId: id, userId, because }, about);
      signal(db, 'session', id);
    }
    return ended;
  }

  private async tokens(user: User, token: RefreshToken): Promise<Tokens> {
    const accessToken = await this.keys.sign({ sub: user.id, sid: token.sessionId });
    return { user, accessToken, refreshToken: token.text, expiresIn: this.env.JWT_ACCESS_TTL_SECONDS };
  }
}
