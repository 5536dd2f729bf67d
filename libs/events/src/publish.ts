import { randomUUIDv7 } from 'node:crypto';
import { type Db, defer, Prisma, signalSparingly, timeOfId } from '#database';
import { currentOrigin } from '#telemetry';
import { plainToInstance } from 'class-transformer';
import { validateSync, type ValidationError } from 'class-validator';
import type { EventDefinition } from './catalogue.js';

/** Something was published: for whoever gives events their place, in whichever process. */
export const EVENTS_PUBLISHED = 'events';

/** What an event happened to, and by whom. */
export interface Circumstances {
  /** Who did it, and who acts as them: an `Actor` is one; null for somebody who is no user (a guest), `system` when nobody did (a schedule, a time that ran out). */
  actor: { id: string; impersonatorId?: string | null } | 'system' | null;
  /** What it happened to. Events of one resource reach each consumer in the order of the transactions that published them. */
  resource: { type: string; id: string };
  /** The user whose event it is, who may be told of it when the catalogue says `subject`. */
  subject?: string | null;
}

/**
 * Writes down that something happened, in the transaction that makes it true: either both are there or neither. Publish after the
 * statement that locks or writes the resource, so that the order of events is the order of the changes. One prepared INSERT.
 * @throws TypeError when the payload is not as its class says, extra members included: a programming error
 */
export async function publish<Payload extends object>(
  db: Db,
  definition: EventDefinition<Payload>,
  payload: Payload,
  { actor, resource, subject }: Circumstances,
): Promise<void> {
  if (resource.type !== definition.resource)
    throw new TypeError(`${definition.name} happens to resources of the type ${definition.resource}, not ${resource.type}.`);
  refuseBadPayload(definition, payload);
  const id = randomUUIDv7();
  const actorId = (actor !== 'system' && (actor?.impersonatorId || actor?.id)) || null;
  const isAnonymous = actor === null;
  const origin = currentOrigin();
  await defer(
    db,
    Prisma.sql`INSERT INTO events (id, name, version, resource_type, resource_id, actor_id, is_anonymous, subject_id, payload, request_id, trace_id, occurred_at)
      VALUES (${id}::uuid, ${definition.name}, ${definition.version}, ${resource.type}, ${resource.id}, ${actorId}::uuid, ${isAnonymous},
        ${subject ?? null}::uuid, ${JSON.stringify(payload)}::jsonb, ${origin?.requestId ?? null}, ${origin?.traceId ?? null}, ${timeOfId(id)})`,
  );
  signalSparingly(db, EVENTS_PUBLISHED, '');
}

function refuseBadPayload({ name, payload: Payload }: EventDefinition, payload: object): void {
  const faults = validateSync(plainToInstance(Payload, payload), { whitelist: true, forbidNonWhitelisted: true });
  if (faults.length > 0) throw new TypeError(`${name} cannot be published like this: ${describe(faults)}.`);
}

function describe(faults: ValidationError[]): string {
  return faults
    .map(({ constraints, children = [] }) => [...Object.values(constraints ?? {}), describe(children)].filter(Boolean).join(', '))
    .join(', ');
}
