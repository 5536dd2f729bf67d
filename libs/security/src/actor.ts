/** What a role allows, as `noun:verb`. Which permissions exist is the application's affair. */
export type Permission = `${string}:${string}`;

/** Who is calling: a signed-in user with what they may do. Where nobody is signed in, services are handed `null`. */
export class Actor {
  constructor(
    readonly id: string,
    readonly sessionId: string,
    readonly roles: readonly string[],
    private readonly permissions: ReadonlySet<string>,
  ) {}

  can(permission: Permission): boolean {
    return this.permissions.has(permission);
  }
}

/** A session that has not ended, with what its user may do now. */
export interface LiveSession {
  sessionId: string;
  userId: string;
  roles: readonly string[];
  permissions: ReadonlySet<string>;
}

/** A live session's user, with what they may do now. */
export function actorOf({ userId, sessionId, roles, permissions }: LiveSession): Actor {
  return new Actor(userId, sessionId, roles, permissions);
}

/** Where guards look up sessions; the application provides it. An ended session must be gone from it, in every process, within a second. */
export abstract class SessionDirectory {
  abstract find(sessionId: string): Promise<LiveSession | null>;
  /** Those of these sessions that live, as they are now and not as they were a moment ago: for what outlives a request. */
  abstract findAll(sessionIds: readonly string[]): Promise<LiveSession[]>;
}
