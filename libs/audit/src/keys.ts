import { createHmac, randomBytes } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { decrypt, deriveKeys, encrypt, Env, type NamedKey, namedKeys } from '#config';
import { afterCommit, clientOf, type Db, execute, Prisma, PrismaService, rows, signal, Signals } from '#database';
import { LRUCache } from 'lru-cache';

/** In place of a person, where nobody was logged in and the act concerns nobody known. */
export const NOBODY = '00000000-0000-0000-0000-000000000000';

const TOPIC = 'audit-key';
const CACHED_KEYS = 10_000;
const CACHED_MS = 600_000;
const REWRAPPED_AT_ONCE = 500;

interface KeyRow {
  personId: string;
  wrapped: Buffer | null;
  keyId: string | null;
}

const ofClient = new WeakMap<PrismaService, AuditKeys>();

/** The keys of the application that `db` belongs to. */
export function keysFor(db: Db): AuditKeys {
  const keys = ofClient.get(clientOf(db));
  if (keys === undefined) throw new Error('This client has no audit log: import AuditLogModule where it is made.');
  return keys;
}

/** A key for each person, made with their first entry and destroyed when they are forgotten; and the keys of the log itself. */
@Injectable()
export class AuditKeys {
  /** For entries: the first makes their MAC, all verify. */
  readonly entries: readonly NamedKey[];
  /** For the chain, likewise. */
  readonly chain: readonly NamedKey[];
  private readonly wrapping: readonly NamedKey[];
  private readonly naming: Buffer;
  private readonly cached = new LRUCache<string, Buffer>({ max: CACHED_KEYS, ttl: CACHED_MS });

  constructor(env: Env, prisma: PrismaService, signals: Signals) {
    this.entries = namedKeys(env, 'audit-entry');
    this.chain = namedKeys(env, 'audit-chain');
    this.wrapping = namedKeys(env, 'audit');
    // The last one, so that one address keeps one name as long as possible when keys follow one another.
    this.naming = deriveKeys(env, 'audit-pseudonym').at(-1)!;
    signals.on(TOPIC, (personId) => this.cached.delete(personId));
    signals.onGap(() => this.cached.clear());
    ofClient.set(prisma, this);
  }

  /** The key that encrypts a person's values from now on; one that nobody keeps, if they were forgotten. `fresh` always asks the database. */
  async toWrite(db: Db, personId: string, { fresh = false } = {}): Promise<Buffer> {
    const known = fresh ? undefined : this.cached.get(personId);
    if (known !== undefined) return known;
    let key = await this.find(db, personId);
    if (key === undefined) key = (await this.make(db, personId)) ?? (await this.find(db, personId));
    if (!key) return randomBytes(32);
    // What this transaction wrote may yet be undone.
    afterCommit(db, () => this.cached.set(personId, key));
    return key;
  }

  /** The keys of those who have not been forgotten, as the database has them now. */
  async toRead(db: Db, personIds: readonly string[]): Promise<Map<string, Buffer>> {
    if (personIds.length === 0) return new Map();
    const found = await rows<KeyRow>(db, Prisma.sql`${SELECT} WHERE person_id = ANY (${[...new Set(personIds)]}::uuid[])`);
    return new Map(found.flatMap((row) => (row.wrapped === null ? [] : [[row.personId, this.unwrap(row)]])));
  }

  /** Destroys a person's key, in the caller's transaction: from its commit their values cannot be read, now or ever. */
  async forget(db: Db, personId: string): Promise<void> {
    await execute(
      db,
      Prisma.sql`INSERT INTO audit_keys (person_id, forgotten_at) VALUES (${personId}::uuid, now())
        ON CONFLICT (person_id) DO UPDATE SET wrapped = NULL, key_id = NULL, forgotten_at = coalesce(audit_keys.forgotten_at, now())`,
    );
    signal(db, TOPIC, personId);
  }

  /** Wraps anew what an earlier of ENCRYPTION_KEYS wraps, so that it may be retired. Returns how many. */
  async rewrap(db: Db): Promise<number> {
    const [first] = this.wrapping;
    const old = await rows<KeyRow>(
      db,
      Prisma.sql`${SELECT} WHERE wrapped IS NOT NULL AND key_id <> ${first!.id} ORDER BY person_id LIMIT ${REWRAPPED_AT_ONCE} FOR UPDATE SKIP LOCKED`,
    );
    for (const row of old)
      await execute(
        db,
        Prisma.sql`UPDATE audit_keys SET wrapped = ${encrypt(first!.key, row.personId, this.unwrap(row))}, key_id = ${first!.id} WHERE person_id = ${row.personId}::uuid`,
      );
    return old.length;
  }

  /** A name for a text (an address that nobody has) which is always the same and does not give the text away. */
  pseudonym(text: string): string {
    return createHmac('sha256', this.naming).update(text).digest('base64url').slice(0, 22);
  }

  /** Undefined: there is none yet. Null: the person was forgotten. */
  private async find(db: Db, personId: string): Promise<Buffer | null | undefined> {
    const [row] = await rows<KeyRow>(db, Prisma.sql`${SELECT} WHERE person_id = ${personId}::uuid`);
    return row && (row.wrapped === null ? null : this.unwrap(row));
  }

  /** Null when somebody else has just made it. */
  private async make(db: Db, personId: string): Promise<Buffer | null> {
    const key = randomBytes(32);
    const [first] = this.wrapping;
    const made = await execute(
      db,
      Prisma.sql`INSERT INTO audit_keys (person_id, wrapped, key_id) VALUES (${personId}::uuid, ${encrypt(first!.key, personId, key)}, ${first!.id})
        ON CONFLICT (person_id) DO NOTHING`,
    );
    return made === 1 ? key : null;
  }

  private unwrap({ personId, wrapped, keyId }: KeyRow): Buffer {
    const wrapping = this.wrapping.find(({ id }) => id === keyId);
    const key = wrapping && decrypt(wrapping.key, personId, wrapped!);
    if (!key)
      throw new Error(
        `The audit log's key of ${personId} was wrapped by another of ENCRYPTION_KEYS (${keyId}): put the retired one back, behind the first.`,
      );
    return key;
  }
}

const SELECT = Prisma.sql`SELECT person_id AS "personId", wrapped, key_id AS "keyId" FROM audit_keys`;
