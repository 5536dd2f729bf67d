import { Injectable } from '@nestjs/common';
import { decrypt, encrypt, Env, type NamedKey, namedKeys } from '#config';
import { type Db, execute, Prisma, rows, type Tx } from '#database';
import { Webhook } from 'standardwebhooks';
import { newSecret } from './webhooks.rules.js';

interface SecretRow {
  id: string;
  endpointId: string;
  sealed: Buffer;
  keyId: string;
}

/** A message, with what its signature covers. */
export interface Signable {
  messageId: string;
  body: string;
}

/** So many signatures a message has at most: whoever makes new secrets faster ends the oldest. */
const MOST_SECRETS = 3;
const RESEALED_AT_ONCE = 500;

/** The secrets of endpoints: shown when they are made, kept encrypted, and read only to sign. */
@Injectable()
export class SecretsService {
  private readonly keys: readonly NamedKey[];

  constructor(env: Env) {
    this.keys = namedKeys(env, 'webhook-secret');
  }

  /** Makes the secret that signs from now on; those before it sign beside it for so long. */
  async renew(endpointId: string, overlapSeconds: number, db: Tx): Promise<{ secret: string; formerUntil: Date | null }> {
    const [former] = await rows<{ until: Date | null }>(
      db,
      Prisma.sql`WITH former AS (
          UPDATE webhook_secrets SET expires_at = now() + make_interval(secs => ${overlapSeconds})
          WHERE endpoint_id = ${endpointId}::uuid AND expires_at IS NULL RETURNING expires_at
        ), surplus AS (
          DELETE FROM webhook_secrets WHERE id IN (
            SELECT id FROM webhook_secrets WHERE endpoint_id = ${endpointId}::uuid ORDER BY id DESC OFFSET ${MOST_SECRETS - 1})
            OR (endpoint_id = ${endpointId}::uuid AND ${overlapSeconds} = 0 AND expires_at IS NOT NULL)
        ) SELECT max(expires_at) AS until FROM former`,
    );
    const secret = newSecret();
    const [first] = this.keys;
    await db.webhookSecret.create({ data: { endpointId, sealed: encrypt(first!.key, endpointId, secret), keyId: first!.id } });
    return { secret, formerUntil: overlapSeconds === 0 ? null : former!.until };
  }

  /** The three headers of Standard Webhooks 1.0, with a signature by each secret that has not ended, the newest first. */
  async headersFor(endpointId: string, { messageId, body }: Signable, at: Date, db: Db): Promise<Record<string, string>> {
    const found = await rows<SecretRow>(
      db,
      Prisma.sql`${SELECT} WHERE endpoint_id = ${endpointId}::uuid AND (expires_at IS NULL OR expires_at > now()) ORDER BY id DESC`,
    );
    return {
      'webhook-id': messageId,
      'webhook-timestamp': String(Math.floor(at.getTime() / 1_000)),
      'webhook-signature': found.map((row) => new Webhook(this.open(row)).sign(messageId, at, body)).join(' '),
    };
  }

  /** Removes what has ended, and seals anew what an earlier of ENCRYPTION_KEYS has sealed, so that it may be retired. */
  async tidy(db: Tx): Promise<void> {
    const [first] = this.keys;
    await execute(db, Prisma.sql`DELETE FROM webhook_secrets WHERE expires_at < now()`);
    const old = await rows<SecretRow>(
      db,
      Prisma.sql`${SELECT} WHERE key_id <> ${first!.id} ORDER BY id LIMIT ${RESEALED_AT_ONCE} FOR UPDATE SKIP LOCKED`,
    );
    for (const row of old)
      await execute(
        db,
        Prisma.sql`UPDATE webhook_secrets SET sealed = ${encrypt(first!.key, row.endpointId, this.open(row))}, key_id = ${first!.id} WHERE id = ${row.id}::uuid`,
      );
  }

  private open({ endpointId, sealed, keyId }: SecretRow): string {
    const sealing = this.keys.find(({ id }) => id === keyId);
    const secret = sealing && decrypt(sealing.key, endpointId, sealed);
    if (!secret)
      throw new Error(`A webhook secret was sealed by another of ENCRYPTION_KEYS (${keyId}): put the retired one back, behind the first.`);
    return secret.toString('utf8');
  }
}

const SELECT = Prisma.sql`SELECT id, endpoint_id AS "endpointId", sealed, key_id AS "keyId" FROM webhook_secrets`;
