import { type Db, execute, Prisma, rows, signal, type Tx } from '#database';
import type { FactorMethod } from './factors.rules.js';

/** By which second steps somebody can finish a log-in. */
export async function methodsOf(userId: string, db: Db): Promise<FactorMethod[]> {
  const found = await rows<{ method: FactorMethod }>(
    db,
    Prisma.sql`SELECT 'totp' AS method FROM totp_secrets WHERE user_id = ${userId}::uuid AND confirmed_at IS NOT NULL
      UNION ALL SELECT 'passkey' WHERE EXISTS (SELECT 1 FROM passkeys WHERE user_id = ${userId}::uuid)
      UNION ALL SELECT 'recovery-code' WHERE EXISTS (SELECT 1 FROM recovery_codes WHERE user_id = ${userId}::uuid AND used_at IS NULL)`,
  );
  return found.map(({ method }) => method);
}

/**
 * Changes somebody's second factors by `work`: one change at a time for each user, and afterwards `mfaEnabled` says what is true, in every
 * process within a second. With the last factor the recovery codes go.
 */
export async function changingFactors<T>(userId: string, db: Tx, work: () => Promise<T>): Promise<T> {
  await execute(db, Prisma.sql`SELECT 1 FROM users WHERE id = ${userId}::uuid FOR UPDATE`);
  const result = await work();
  const changed = await rows<{ enabled: boolean }>(
    db,
    Prisma.sql`UPDATE users SET mfa_enabled = now_enabled, version = version + 1, updated_at = now()
      FROM (SELECT EXISTS (SELECT 1 FROM totp_secrets WHERE user_id = ${userId}::uuid AND confirmed_at IS NOT NULL)
        OR EXISTS (SELECT 1 FROM passkeys WHERE user_id = ${userId}::uuid) AS now_enabled) AS factors
      WHERE id = ${userId}::uuid AND mfa_enabled <> now_enabled RETURNING mfa_enabled AS enabled`,
  );
  if (changed[0]?.enabled === false) await execute(db, Prisma.sql`DELETE FROM recovery_codes WHERE user_id = ${userId}::uuid`);
  signal(db, 'user', userId);
  return result;
}
