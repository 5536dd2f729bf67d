import { randomUUIDv7 } from 'node:crypto';
import { encrypt } from '#config';
import { type AuditActorKind, type AuditOutcome, type Db, defer, Prisma, timeOfId } from '#database';
import { currentOrigin } from '#telemetry';
import { difference, type Members } from './difference.js';
import { type AuditKeys, keysFor, NOBODY } from './keys.js';
import { canonical, macOf } from './sealing.js';

/** The application itself: schedules, the command line. */
export const SYSTEM = 'system';

/** Who acts: a signed-in user (and who acts as them), the application, or (null) somebody who is not logged in. */
export type AuditActor = { readonly id: string; readonly impersonatorId?: string | null } | typeof SYSTEM | null;

/** What an act is about. */
export interface AuditedResource {
  type: string;
  id: string;
  /** What of it is kept; without it `before` and `after` are refused. */
  members?: Members;
}

export interface AuditRecord {
  actor: AuditActor;
  /** `noun.what-was-done`, in the past: `posts.published`. */
  action: `${string}.${string}`;
  resource: AuditedResource;
  /** The person the values are about, where that is not the actor; their key encrypts them. */
  subject?: string | null;
  before?: object;
  after?: object;
  outcome?: AuditOutcome;
}

/**
 * Declares what the audit log keeps of a resource, and returns what names one: `const auditedPost = audited('post', { title: 'personal' })`,
 * then `resource: auditedPost(id)`. An allow-list: what is not named (a hash, a token, the column somebody adds next year) is never kept.
 */
export function audited<M extends Members>(type: string, members: M): (id: string) => AuditedResource & { members: M } {
  return (id) => ({ type, id, members });
}

/**
 * Writes down an act in the transaction that performs it: who (and where from, by `currentOrigin`), what, and what changed. One prepared
 * statement; the entry is sealed into the chain seconds after the commit.
 */
export async function record(
  db: Db,
  { actor, action, resource, subject: about = null, before, after, outcome = 'succeeded' }: AuditRecord,
): Promise<void> {
  if (resource.members === undefined && (before ?? after) !== undefined)
    throw new Error(`${action} gives values of a ${resource.type} that nobody has declared: name it by what audited() returned.`);
  const keys = keysFor(db);
  const origin = currentOrigin();
  const changed = difference(resource.members ?? {}, before, after);
  const id = randomUUIDv7();
  const { actorId, actingAs } = whoActs(actor);
  const subject = about ?? actingAs;
  if (actingAs !== null) changed.after = { ...changed.after, actingAs };
  const actorKind: AuditActorKind = actor === SYSTEM ? 'system' : actorId === null ? 'anonymous' : 'user';
  const people = peopleOf({ actorId, subjectId: subject });
  // A failed attempt costs the same whether or not somebody known is concerned, or its time would tell.
  const write = { db, keys, id, fresh: outcome === 'failed' };
  const entry = {
    id,
    createdAt: timeOfId(id),
    actorKind,
    actorId,
    subjectId: subject,
    action,
    resourceType: resource.type,
    resourceId: resource.id,
    outcome,
    requestId: origin?.requestId ?? null,
    origin:
      origin?.ip || origin?.userAgent ? await hidden('origin', { ip: origin.ip, userAgent: origin.userAgent }, people.origin, write) : null,
    before: changed.before && JSON.stringify(changed.before),
    after: changed.after && JSON.stringify(changed.after),
    personal: changed.personal && (await hidden('personal', changed.personal, people.personal, write)),
  };
  const mac = macOf(keys.entries[0]!.key, canonical(entry));
  await defer(
    db,
    Prisma.sql`WITH entry AS (
        INSERT INTO audit_entries (id, created_at, actor_kind, actor_id, subject_id, action, resource_type, resource_id, outcome, request_id, origin, before, after, personal, mac)
        VALUES (${id}::uuid, ${entry.createdAt}, ${actorKind}::audit_actor_kind, ${actorId}::uuid, ${subject}::uuid, ${action}, ${entry.resourceType}, ${entry.resourceId},
          ${outcome}::audit_outcome, ${entry.requestId}, ${entry.origin}, ${entry.before}::json, ${entry.after}::json, ${entry.personal}, ${mac})
      )
      INSERT INTO audit_unsealed (entry_id) VALUES (${id}::uuid)`,
  );
}

/** Makes what is encrypted about a person unreadable for good, in the caller's transaction. The chain stays whole: it covers the ciphertext. */
export function forget(db: Db, userId: string): Promise<void> {
  return keysFor(db).forget(db, userId);
}

/** A name for an address that belongs to no account: always the same, and it does not give the address away. */
export function pseudonym(db: Db, text: string): string {
  return keysFor(db).pseudonym(text);
}

/** Whose keys encrypt an entry's values: those of the caller where it came from, those of the person concerned what changed. */
export function peopleOf({ actorId, subjectId }: { actorId: string | null; subjectId: string | null }) {
  return { origin: actorId ?? subjectId ?? NOBODY, personal: subjectId ?? actorId ?? NOBODY };
}

/** What a ciphertext is bound to, so that it cannot be moved to another entry or member. */
export function contextOf(entryId: string, member: 'origin' | 'personal'): string {
  return `${entryId} ${member}`;
}

/** Who acts as somebody else is who does it, and where they are is theirs; whom they act as is said beside it. */
function whoActs(actor: AuditActor): { actorId: string | null; actingAs: string | null } {
  if (actor === null || actor === SYSTEM) return { actorId: null, actingAs: null };
  const { id, impersonatorId } = actor;
  return impersonatorId ? { actorId: impersonatorId, actingAs: id } : { actorId: id, actingAs: null };
}

async function hidden(
  member: 'origin' | 'personal',
  value: object,
  person: string,
  { db, keys, id, fresh }: { db: Db; keys: AuditKeys; id: string; fresh: boolean },
): Promise<Buffer<ArrayBuffer>> {
  return encrypt(await keys.toWrite(db, person, { fresh }), contextOf(id, member), JSON.stringify(value));
}
