import { decrypt } from '#config';
import { type AuditActorKind, type AuditOutcome, type Db, type Prisma, rows } from '#database';
import { keysFor } from './keys.js';
import { contextOf, peopleOf } from './record.js';
import type { StoredEntry } from './sealing.js';

type Values = Record<string, unknown>;

/** An entry as a reader gets it. */
export interface AuditEntry extends Omit<StoredEntry, 'origin' | 'before' | 'after' | 'personal'> {
  actorKind: AuditActorKind;
  outcome: AuditOutcome;
  ip: string | null;
  userAgent: string | null;
  before: Values | null;
  after: Values | null;
  /** Whether personal values could be read; `erased`: their person was forgotten; `altered`: they are not what was written. */
  personalValues: 'readable' | 'erased' | 'altered';
}

/** Reads entries by a query that selects `STORED` (and `More`), with their personal values where their person has not been forgotten. */
export async function readEntries<More extends object>(db: Db, sql: Prisma.Sql): Promise<(AuditEntry & More)[]> {
  const stored = await rows<StoredEntry & More>(db, sql);
  const keys = await keysFor(db).toRead(
    db,
    stored.flatMap((entry) => Object.values(peopleOf(entry))),
  );
  return stored.map((entry) => ({ ...entry, ...reveal(entry, keys) }));
}

function reveal(entry: StoredEntry, keys: ReadonlyMap<string, Buffer>) {
  const people = peopleOf(entry);
  let personalValues: AuditEntry['personalValues'] = 'readable';
  const open = <T>(member: 'origin' | 'personal'): Partial<T> => {
    const sealed = entry[member];
    if (sealed === null) return {};
    const key = keys.get(people[member]);
    const plain = key && decrypt(key, contextOf(entry.id, member), sealed);
    if (plain) return JSON.parse(plain.toString('utf8')) as Partial<T>;
    personalValues = key ? 'altered' : 'erased';
    return {};
  };
  const { ip = null, userAgent = null } = open<{ ip: string; userAgent: string }>('origin');
  const hidden = open<{ before: Values; after: Values }>('personal');
  const whole = (text: string | null, values: Values | undefined) =>
    text === null ? null : { ...(JSON.parse(text) as Values), ...values };
  return {
    actorKind: entry.actorKind as AuditActorKind,
    outcome: entry.outcome as AuditOutcome,
    ip,
    userAgent,
    before: whole(entry.before, hidden.before),
    after: whole(entry.after, hidden.after),
    personalValues,
  };
}
