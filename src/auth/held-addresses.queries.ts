import { type Db, Prisma, rows } from '#database';

/** Whether an address was an account's until lately, and may be that account's again: nobody else gets it meanwhile. */
export async function isHeld(db: Db, email: string): Promise<boolean> {
  const held = await rows(
    db,
    Prisma.sql`SELECT 1 AS one FROM one_time_tokens WHERE purpose = 'email:undo' AND data->>'email' = ${email} AND expires_at > now() LIMIT 1`,
  );
  return held.length > 0;
}
