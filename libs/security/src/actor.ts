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

/** Where guards look up sessions; the application provides it. An ended session must be gone from it, in every process, within a second. */
export abstract class SessionDirectory {
  abstract find(sessionId: string): Promise<LiveSession | null>;
}
