import { Injectable } from '@nestjs/common';
import { Env } from '#config';
import { PrismaService, Signals } from '#database';
import { type LiveSession, LiveSessions, SessionDirectory } from '#security';
import { type CustomRoles, permissionsOf } from '../users/roles.rules.js';
import { customRolesAmong } from '../users/roles.service.js';
import { type KeyRow, markUsed, readKeyByHash, readKeys, readSessions, type SessionRow } from './directory.queries.js';
import { whyNotAs } from './impersonations.rules.js';

const USE_NOTED_SECONDS = 60;

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
    return [...sessions, ...found.map((key) => liveKey(key, custom))];
  }

  private async readSessions(ids: readonly string[]): Promise<LiveSession[]> {
    const found = await readSessions(this.prisma, ids, new Date(Date.now() - this.env.AUTH_SESSION_IDLE_SECONDS * 1_000));
    const custom = await this.customOf(found);
    const sets = new Map<string, ReadonlySet<string>>();
    return found.filter((row) => mayGoOn(row, custom)).map((row) => liveSession(row, custom, sets));
  }

  private async readKey(hash: Buffer): Promise<LiveSession | null> {
    const key = await readKeyByHash(this.prisma, hash);
    if (key === null) return null;
    const noted = key.lastUsedAt !== null && key.lastUsedAt.getTime() > Date.now() - USE_NOTED_SECONDS * 1_000;
    if (!noted) await markUsed(this.prisma, key.sessionId, USE_NOTED_SECONDS);
    return liveKey(key, await this.customOf([key]));
  }

  private customOf(found: readonly (KeyRow | SessionRow)[]): Promise<CustomRoles> {
    const roles = found.flatMap((row) => [...row.roles, ...(('impersonatorRoles' in row && row.impersonatorRoles) || [])]);
    return customRolesAmong(roles, this.prisma);
  }
}

/** Acting as somebody ends as soon as one of the two has other roles that do not allow it. */
function mayGoOn({ roles, impersonatorId, impersonatorRoles }: SessionRow, custom: CustomRoles): boolean {
  return impersonatorId === null || whyNotAs({ roles: impersonatorRoles ?? [] }, { roles }, custom) === null;
}

/** One set of permissions for all who have the same roles. */
function liveSession(
  { sessionId, userId, roles, provenAt, impersonatorId }: SessionRow,
  custom: CustomRoles,
  sets: Map<string, ReadonlySet<string>>,
): LiveSession {
  const key = roles.join();
  const permissions = sets.get(key) ?? permissionsOf(roles, custom);
  sets.set(key, permissions);
  return { sessionId, userId, roles, permissions, via: 'session', provenAt, impersonatorId };
}

/** A key allows those of its scopes that its owner has now. */
function liveKey({ sessionId, userId, roles, scopes, createdAt }: KeyRow, custom: CustomRoles): LiveSession {
  const owners = permissionsOf(roles, custom);
  const permissions = new Set(scopes.filter((scope) => owners.has(scope)));
  return { sessionId, userId, roles, permissions, via: 'api-key', provenAt: createdAt };
}
