import type { Db } from '#database';

/** What a role allows, as `noun:verb`. Which permissions exist is the application's affair. */
export type Permission = `${string}:${string}`;

/** A session that has not ended, or an API key, with what its user may do now; or a user who left something to be done for them. */
export interface LiveSession {
  /** The id of the session, or of the API key; of who is not here, the user's. */
  sessionId: string;
  userId: string;
  roles: readonly string[];
  permissions: ReadonlySet<string>;
  via: 'session' | 'api-key' | 'schedule';
  /** When its user last proved who they are: at the login, or since (`POST /auth/step-up`). */
  provenAt: Date;
  /** Whether they may do nothing because a role of theirs asks for a second factor, which they do not have. */
  mfaMissing?: boolean;
  /** Who acts as this user: an administrator with an access token for that (RFC 8693's `act`). */
  impersonatorId?: string | null;
}

/** Who is calling: a signed-in user with what they may do. Where nobody is signed in, services are handed `null`. */
export class Actor {
  readonly id: string;
  /** The id of the session, or of the API key; of who is not here, the user's. */
  readonly sessionId: string;
  readonly roles: readonly string[];
  readonly via: LiveSession['via'];
  readonly provenAt: Date;
  readonly mfaMissing: boolean;
  /** Who acts as this user, and is named in the audit log; null for the user in person. */
  readonly impersonatorId: string | null;
  private readonly permissions: ReadonlySet<string>;

  constructor({ userId, sessionId, roles, permissions, via, provenAt, mfaMissing = false, impersonatorId }: LiveSession) {
    this.id = userId;
    this.sessionId = sessionId;
    this.roles = roles;
    this.via = via;
    this.provenAt = provenAt;
    this.mfaMissing = mfaMissing;
    this.impersonatorId = impersonatorId ?? null;
    this.permissions = permissions;
  }

  can(permission: Permission): boolean {
    return this.permissions.has(permission);
  }
}

/**
 * Where guards look up sessions and API keys; the application provides it. One that has ended must be gone from it, in every process, within
 * a second.
 */
export abstract class SessionDirectory {
  abstract find(sessionId: string): Promise<LiveSession | null>;
  /** The API key whose secret has this SHA-256, with what it may do now; notes that it was used. */
  abstract findKey(hash: Buffer): Promise<LiveSession | null>;
  /** Those of these sessions and API keys that live, as they are now and not as they were a moment ago: for what outlives a request. */
  abstract findAll(sessionIds: readonly string[]): Promise<LiveSession[]>;
  /** What a user may do now for whom something is done in their absence, because they have scheduled it; null when they are suspended or gone. */
  abstract findAbsent(userId: string, db: Db): Promise<LiveSession | null>;
}
