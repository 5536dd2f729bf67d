import type { Tx } from '#database';
import { changingFactors } from './factors.queries.js';

/**
 * Takes away what lets somebody in by itself, whoever has put it there: the password, linked accounts, passkeys and API keys; `factors` says
 * whether the second factors go, too. Sessions and links are ended by who calls this.
 */
export async function removeCredentials(userId: string, { factors }: { factors: boolean }, db: Tx): Promise<void> {
  const whose = { where: { userId } };
  await db.password.deleteMany(whose);
  await db.identity.deleteMany(whose);
  await db.apiKey.deleteMany(whose);
  await changingFactors(userId, db, async () => {
    await db.passkey.deleteMany(whose);
    if (factors) await db.totpSecret.deleteMany(whose);
  });
}
