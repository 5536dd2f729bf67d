/** What a role allows, as `noun:verb`. Which permissions exist is the application's affair. */
export type Permission = `${string}:${string}`;

/** A session that has not ended, or an API key, with what its user may do now. */
export interface LiveSession {
  /** The id of the session, or of the API key. */
  sessionId: string;
  userId: string;
  roles: readonly string[];
  permissions: ReadonlySet<string>;
  via: 'session' | 'api-key';
  /** When its user last proved who they are: at the login, or since (`POST /auth/step-up`). */
  provenAt: Date;
  /** Whether they may do nothing because a role of theirs asks for a second factor, which they do not have. */
  mfaMissing?: boolean;
}

/** Who is calling: a signed-in user with what they may do. Where nobody is signed in, services are handed `null`. */
export class Actor {
  readonly id: string;
  /** The id of the session, or of the API key. */
  readonly sessionId: string;
  readonly roles: readonly string[];
  readonly via: LiveSession['via'];
  readonly provenAt: Date;
  readonly mfaMissing: boolean;
  private readonly permissions: ReadonlySet<string>;

  constructor({ userId, sessionId, roles, permissions, via, provenAt, mfaMissing = false }: LiveSession) {
    this.id = userId;
    this.sessionId = sessionId;
    this.roles = roles;
    this.via = via;
    this.provenAt = provenAt;
    this.mfaMissing = mfaMissing;
    this.permissions = permissions;
  }

  can(permission: Permission): boolean {
    return this.permissions.has(permission);
  }
}

/** Where guards look up sessions; the application provides it. An ended session must be gone from it, in every process, within a second. */
export abstract class SessionDirectory {
  abstract find(sessionId: string): Promise<LiveSession | null>;
  /** Those of these sessions that live, as they are now and not as they were a moment ago: for what outlives a request. */
  abstract findAll(sessionIds: readonly string[]): Promise<LiveSession[]>;
}
