import { type Db, Prisma, rows } from '#database';
import type { AuditKeys } from './keys.js';
import { canonical, digestOf, headAfter, isMacOf, type Link, type StoredEntry } from './sealing.js';

/** The columns of an entry as `canonical` takes them; `e` is the table. */
export const STORED = Prisma.sql`e.id, e.created_at AS "createdAt", e.actor_kind::text AS "actorKind", e.actor_id AS "actorId", e.subject_id AS "subjectId",
  e.action, e.resource_type AS "resourceType", e.resource_id AS "resourceId", e.outcome::text AS outcome, e.request_id AS "requestId",
  e.origin, e.before::text AS before, e.after::text AS after, e.personal, e.mac`;

/** An entry with the MAC its writer gave it; all null where it is gone. */
export type Authentic = StoredEntry & { mac: Buffer };
export type Gone = { [K in keyof Authentic]: null };

/** A seal, and the entry that stands there now. */
export type SealedLink = Link & { head: Buffer; keyId: string; entryId: string } & (Authentic | Gone);

/**
 * What is wrong at a place: the entry's content was `altered`; the entry or its seal is `missing`; it was `inserted` past the
 * application; it stands where another was sealed (`reordered`); the chain was `cut` off here; it is not the chain whose head was kept
 * (`replaced`); the row that says where the chain ends is not ours (`unproven`); ENCRYPTION_KEYS no longer holds its key (`key-missing`).
 */
export type Breach = 'altered' | 'missing' | 'inserted' | 'reordered' | 'cut' | 'replaced' | 'unproven' | 'key-missing';

export interface Break {
  /** Null for an entry that has no place in the chain. */
  position: bigint | null;
  /** Null where nothing is left to say which it was. */
  entryId: string | null;
  reason: Breach;
}

/** A place in the chain and its head. */
export interface Place {
  position: bigint;
  head: Buffer;
}

export function readLinks(db: Db, { after, until, limit }: { after: bigint; until: bigint; limit: number }): Promise<SealedLink[]> {
  return rows<SealedLink>(
    db,
    Prisma.sql`SELECT s.position, s.entry_id AS "entryId", s.digest, s.head, s.key_id AS "keyId", s.sealed_at AS "sealedAt", ${STORED}
      FROM audit_seals s LEFT JOIN audit_entries e ON e.id = s.entry_id
      WHERE s.position > ${after} AND s.position <= ${until} ORDER BY s.position LIMIT ${limit}`,
  );
}

/** What is wrong with a link that is to follow `previous`; null when it is whole. */
export function breakAt(keys: AuditKeys, link: SealedLink, previous: Place): Break | null {
  if (link.position !== previous.position + 1n) return { position: previous.position + 1n, entryId: null, reason: 'missing' };
  const reason = breachOf(keys, link, previous.head);
  return reason && { position: link.position, entryId: link.entryId, reason };
}

function breachOf(keys: AuditKeys, link: SealedLink, previous: Buffer): Breach | null {
  const known = keys.chain.find(({ id }) => id === link.keyId);
  if (known === undefined) return 'key-missing';
  if (link.id === null) return 'missing';
  const text = canonical(link);
  const sealed = headAfter(known.key, previous, link).equals(link.head) && digestOf(text, link.mac).equals(link.digest);
  const ours = isMacOf(keys.entries, text, link.mac);
  if (sealed) return ours ? null : 'inserted'; // sealed as it is, and not written by us
  return ours ? 'reordered' : 'altered'; // an entry that is whole, but not the one that was sealed here
}
