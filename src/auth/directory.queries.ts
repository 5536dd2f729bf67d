import { type Db, execute, listed, Prisma, rows } from '#database';

/** A session of an account that lets it in, and of whom acts in it. */
export interface SessionRow {
  sessionId: string;
  userId: string;
  roles: string[];
  mfaEnabled: boolean;
  provenAt: Date;
  impersonatorId: string | null;
  impersonatorRoles: string[] | null;
  impersonatorMfaEnabled: boolean | null;
}

/** An API key of an account that lets it in. */
export interface KeyRow {
  sessionId: string;
  userId: string;
  roles: string[];
  mfaEnabled: boolean;
  scopes: string[];
  createdAt: Date;
  lastUsedAt: Date | null;
}

/** Those of these sessions that live: neither ended nor expired nor idle, and neither their user nor who acts as them was suspended since. */
export function readSessions(db: Db, ids: readonly string[], idleSince: Date): Promise<SessionRow[]> {
  return rows<SessionRow>(
    db,
    Prisma.sql`SELECT s.id AS "sessionId", s.user_id AS "userId", u.roles, u.mfa_enabled AS "mfaEnabled", s.proven_at AS "provenAt",
        s.impersonator_id AS "impersonatorId", i.roles AS "impersonatorRoles", i.mfa_enabled AS "impersonatorMfaEnabled"
      FROM sessions s JOIN users u ON u.id = s.user_id LEFT JOIN users i ON i.id = s.impersonator_id
      WHERE s.id = ANY (${listed(ids, 'uuid')}) AND s.ended_at IS NULL AND s.expires_at > now() AND s.rotated_at > ${idleSince}
        AND u.status = 'active' AND (u.access_revoked_at IS NULL OR u.access_revoked_at < s.created_at)
        AND (i.id IS NULL OR (i.status = 'active' AND (i.access_revoked_at IS NULL OR i.access_revoked_at < s.created_at)))`,
  );
}

const KEYS = Prisma.sql`SELECT k.id AS "sessionId", k.user_id AS "userId", u.roles, u.mfa_enabled AS "mfaEnabled", k.scopes, k.created_at AS "createdAt", k.last_used_at AS "lastUsedAt"
  FROM api_keys k JOIN users u ON u.id = k.user_id
  WHERE (k.expires_at IS NULL OR k.expires_at > now()) AND u.status = 'active'`;

/** The API key with this hash, or whose former key has it and has not ended. */
export async function readKeyByHash(db: Db, hash: Buffer): Promise<KeyRow | null> {
  const [found] = await rows<KeyRow>(
    db,
    Prisma.sql`${KEYS} AND (k.hash = ${hash} OR (k.former_hash = ${hash} AND k.former_until > now()))`,
  );
  return found ?? null;
}

/** Those of these API keys that live. */
export function readKeys(db: Db, ids: readonly string[]): Promise<KeyRow[]> {
  return rows<KeyRow>(db, Prisma.sql`${KEYS} AND k.id = ANY (${listed(ids, 'uuid')})`);
}

/** Of many that use a key at once, over all processes, one writes it down. */
export async function markUsed(db: Db, id: string, seconds: number): Promise<void> {
  await execute(
    db,
    Prisma.sql`UPDATE api_keys SET last_used_at = now()
      WHERE id = ${id}::uuid AND (last_used_at IS NULL OR last_used_at < now() - make_interval(secs => ${seconds}))`,
  );
}

/** Somebody whose account lets them in, whether or not they are logged in. */
export async function readUser(db: Db, id: string): Promise<{ roles: string[]; mfaEnabled: boolean } | null> {
  const [found] = await rows<{ roles: string[]; mfaEnabled: boolean }>(
    db,
    Prisma.sql`SELECT roles, mfa_enabled AS "mfaEnabled" FROM users WHERE id = ${id}::uuid AND status = 'active' AND erased_at IS NULL`,
  );
  return found ?? null;
}
