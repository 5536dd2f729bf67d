import { Injectable } from '@nestjs/common';
import { Env } from '#config';
import { type Db, PrismaService, Signals } from '#database';
import { type LiveSession, LiveSessions, SessionDirectory } from '#security';
import { type CustomRoles, permissionsOf } from '../users/roles.rules.js';
import { customRolesAmong } from '../users/roles.service.js';
import { type KeyRow, markUsed, readKeyByHash, readKeys, readSessions, readUser, type SessionRow } from './directory.queries.js';
import { lacksFactor } from './factors.rules.js';
import { whyNotAs } from './impersonations.rules.js';

const USE_NOTED_SECONDS = 60;
/** What somebody may do whose role asks for a second factor that they do not have. */
const NOTHING = { permissions: new Set<string>(), mfaMissing: true };

/** Where the guards learn who calls: sessions and API keys, each with what its user may do now. */
@Injectable()
export class DirectoryService extends SessionDirectory {
  private readonly sessions: LiveSessions;
  private readonly keys: LiveSessions;

  constructor(
    private readonly prisma: PrismaService,
    private readonly env: Env,
    signals: Signals,
  ) {
    super();
    this.sessions = new LiveSessions(async (id) => (await this.readSessions([id]))[0] ?? null, signals);
    this.keys = new LiveSessions((hash) => this.readKey(Buffer.from(hash, 'base64url')), signals);
  }

  override find(sessionId: string): Promise<LiveSession | null> {
    return this.sessions.find(sessionId);
  }

  override findKey(hash: Buffer): Promise<LiveSession | null> {
    return this.keys.find(hash.toString('base64url'));
  }

  /** Asked once a second for every open stream. */
  override async findAll(ids: readonly string[]): Promise<LiveSession[]> {
    const sessions = await this.readSessions(ids);
    const known = new Set(sessions.map(({ sessionId }) => sessionId));
    const rest = ids.filter((id) => !known.has(id));
    if (rest.length === 0) return sessions;
    const found = await readKeys(this.prisma, rest);
    const custom = await this.customOf(found);
    return [...sessions, ...found.map((key) => this.liveKey(key, custom))];
  }

  override async findAbsent(userId: string, db: Db): Promise<LiveSession | null> {
    const user = await readUser(db, userId);
    if (user === null) return null;
    const found = { sessionId: userId, userId, roles: user.roles, via: 'schedule', provenAt: new Date() } as const;
    if (this.lacksFactor(user)) return { ...found, ...NOTHING };
    return { ...found, permissions: permissionsOf(user.roles, await customRolesAmong(user.roles, db)) };
  }

  private async readSessions(ids: readonly string[]): Promise<LiveSession[]> {
    const found = await readSessions(this.prisma, ids, new Date(Date.now() - this.env.AUTH_SESSION_IDLE_SECONDS * 1_000));
    const custom = await this.customOf(found);
    const sets = new Map<string, ReadonlySet<string>>();
    return found.filter((row) => this.mayGoOn(row, custom)).map((row) => this.liveSession(row, custom, sets));
  }

  private async readKey(hash: Buffer): Promise<LiveSession | null> {
    const key = await readKeyByHash(this.prisma, hash);
    if (key === null) return null;
    const noted = key.lastUsedAt !== null && key.lastUsedAt.getTime() > Date.now() - USE_NOTED_SECONDS * 1_000;
    if (!noted) await markUsed(this.prisma, key.sessionId, USE_NOTED_SECONDS);
    return this.liveKey(key, await this.customOf([key]));
  }

  private customOf(found: readonly (KeyRow | SessionRow)[]): Promise<CustomRoles> {
    const roles = found.flatMap((row) => [...row.roles, ...(('impersonatorRoles' in row && row.impersonatorRoles) || [])]);
    return customRolesAmong(roles, this.prisma);
  }

  /** Acting as somebody ends as soon as one of the two has other roles that do not allow it, or lacks a factor that their role asks for. */
  private mayGoOn({ roles, impersonatorId, impersonatorRoles, impersonatorMfaEnabled }: SessionRow, custom: CustomRoles): boolean {
    if (impersonatorId === null) return true;
    const impersonator = { roles: impersonatorRoles ?? [], mfaEnabled: impersonatorMfaEnabled ?? false };
    return !this.lacksFactor(impersonator) && whyNotAs(impersonator, { roles }, custom) === null;
  }

  /** One set of permissions for all who have the same roles. */
  private liveSession(row: SessionRow, custom: CustomRoles, sets: Map<string, ReadonlySet<string>>): LiveSession {
    const { sessionId, userId, roles, provenAt, impersonatorId } = row;
    const found = { sessionId, userId, roles, via: 'session', provenAt, impersonatorId } as const;
    if (this.lacksFactor(row)) return { ...found, ...NOTHING };
    const key = roles.join();
    const permissions = sets.get(key) ?? permissionsOf(roles, custom);
    sets.set(key, permissions);
    return { ...found, permissions };
  }

  /** A key allows those of its scopes that its owner has now. */
  private liveKey(row: KeyRow, custom: CustomRoles): LiveSession {
    const { sessionId, userId, roles, scopes, createdAt } = row;
    const found = { sessionId, userId, roles, via: 'api-key', provenAt: createdAt } as const;
    if (this.lacksFactor(row)) return { ...found, ...NOTHING };
    const owners = permissionsOf(roles, custom);
    return { ...found, permissions: new Set(scopes.filter((scope) => owners.has(scope))) };
  }

  private lacksFactor(user: { roles: readonly string[]; mfaEnabled: boolean }): boolean {
    return lacksFactor(user, this.env.AUTH_MFA_REQUIRED_ROLES);
  }
}
