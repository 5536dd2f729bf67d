import { randomUUIDv7 } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { record } from '#audit';
import { Env } from '#config';
import { type Db, execute, firstIdAt, Prisma, PrismaService, transaction, type Tx } from '#database';
import { eventCatalogue, mayBeTold, type Published, readEventsOf } from '#events';
import { type Page, readCursor, toPage } from '#http';
import { enqueue, Handles, inBatches, type JobRun } from '#jobs';
import type { Actor } from '#security';
import { type CustomRoles, permissionsOf } from '../users/roles.rules.js';
import { customRolesAmong } from '../users/roles.service.js';
import { UsersService } from '../users/users.service.js';
import { requestHeaders } from './attempts.service.js';
import type { ListWebhookDeliveriesQuery, ReplayWebhooksDto } from './deliveries.dto.js';
import { admit, type Delivery, enqueueAttempt, findDelivery, listDeliveries, queueAgain, schedule } from './deliveries.queries.js';
import { SecretsService } from './secrets.service.js';
import { deliveryNotFound, deliveryUnderWay, endpointDisabled, endpointNotFound } from './webhooks.errors.js';
import { replayEvents, type ReplayPayload } from './webhooks.jobs.js';
import { auditedEndpoint, type Endpoint, lockEndpoint, type Recipient, recipientsOf } from './webhooks.queries.js';
import { bodyOf, limitsOf, namesOf, patternsOf, TEST_TYPE } from './webhooks.rules.js';

/** A request as it would be made. */
export interface Rehearsal {
  url: string;
  headers: Record<string, string>;
  body: string;
}

/** A stretch of time that is sent again. */
export interface Replay {
  from: Date;
  until: Date;
  again: boolean;
}

const SORT = '-createdAt';
const PIECE = 200;

/** What is sent to endpoints: of each event, what their owners may be told of now, and what they ask for again. */
@Injectable()
export class DeliveriesService {
  constructor(
    private readonly prisma: PrismaService,
    private readonly env: Env,
    private readonly secrets: SecretsService,
    private readonly users: UsersService,
  ) {}

  /** Has an event sent to the endpoints that asked for its kind, in the transaction that marks it as dealt with. */
  async fanOut(event: Published, db: Tx): Promise<void> {
    const recipients = await recipientsOf(db, patternsOf(event.name));
    const custom = await customRolesAmong(
      recipients.flatMap(({ roles }) => roles),
      db,
    );
    const told = recipients.filter((recipient) => mayTell(recipient, event, custom));
    if (told.length > 0)
      await schedule(
        db,
        told.map(({ id }) => id),
        messageOf(event),
      );
  }

  async list(actor: Actor, endpointId: string, query: ListWebhookDeliveriesQuery): Promise<Page<Delivery>> {
    const position = readCursor(query.cursor, SORT, 'time');
    await this.own(actor, endpointId, this.prisma);
    const found = await listDeliveries(this.prisma, endpointId, query, position);
    return toPage(
      found,
      { limit: query.limit, sort: SORT },
      (delivery) => delivery.createdAt,
      (delivery) => delivery,
    );
  }

  async get(actor: Actor, id: string, db: Db = this.prisma): Promise<Delivery> {
    const delivery = await findDelivery(db, id, actor.id);
    if (delivery === null) throw deliveryNotFound('None of your webhook endpoints has a delivery with this id.');
    return delivery;
  }

  /** What a test would send, without sending it. */
  async rehearse(actor: Actor, endpointId: string, db: Db = this.prisma): Promise<Rehearsal> {
    const { id, url } = await this.own(actor, endpointId, db);
    const { message, at } = aTest(id);
    await record(db, { actor, action: 'webhooks.rehearsed', resource: auditedEndpoint(id), subject: actor.id });
    return { url, headers: requestHeaders(await this.secrets.headersFor(id, message, at, db)), body: message.body };
  }

  /** Sends a message that means nothing, once. */
  async test(actor: Actor, endpointId: string, db: Db = this.prisma): Promise<Delivery> {
    return transaction(db, async (tx) => {
      const { id } = await this.lockEnabled(actor, endpointId, tx);
      const [deliveryId] = await schedule(tx, [id], aTest(id).message, true);
      await this.resumeNow(id, tx);
      await record(tx, { actor, action: 'webhooks.tested', resource: auditedEndpoint(id), subject: actor.id });
      return this.get(actor, deliveryId!, tx);
    });
  }

  /** Sends a message anew under the same `webhook-id`, at once and with all its attempts before it. */
  async redeliver(actor: Actor, id: string, db: Db = this.prisma): Promise<Delivery> {
    return transaction(db, async (tx) => {
      const { endpointId } = await this.get(actor, id, tx);
      await this.lockEnabled(actor, endpointId, tx);
      // A statement of its own: what it finds is as the lock's last holder left it.
      const { status, attempts } = await this.get(actor, id, tx);
      if (status === 'sending') throw deliveryUnderWay('An attempt at this delivery is under way; look again when it has ended.');
      await tx.webhookDelivery.update({
        where: { id },
        data: { status: 'scheduled', nextAttemptAt: new Date(), attemptsBefore: attempts, completedAt: null },
      });
      await enqueueAttempt(tx, id, attempts + 1);
      await this.resumeNow(endpointId, tx);
      await record(tx, { actor, action: 'webhooks.redelivered', resource: auditedEndpoint(endpointId), subject: actor.id });
      return this.get(actor, id, tx);
    });
  }

  /** Has what happened in a stretch of time sent to an endpoint, as far as its owner may be told of it and it asks for it now. */
  async replay(actor: Actor, endpointId: string, { from, until, again }: ReplayWebhooksDto, db: Db = this.prisma): Promise<Replay> {
    return transaction(db, async (tx) => {
      await this.lockEnabled(actor, endpointId, tx);
      const now = new Date();
      const stretch = { from: new Date(from), until: until === undefined || new Date(until) > now ? now : new Date(until), again };
      const times = { from: stretch.from.toISOString(), until: stretch.until.toISOString() };
      await enqueue(tx, replayEvents, { endpointId, ...times, again });
      await record(tx, { actor, action: 'webhooks.replayed', resource: auditedEndpoint(endpointId), subject: actor.id });
      return stretch;
    });
  }

  @Handles(replayEvents)
  async replayPiece({ endpointId, from, until, after = undefined, again }: ReplayPayload, run: JobRun): Promise<void> {
    await run.once(this.prisma, async (db) => {
      const endpoint = await lockEndpoint(db, endpointId);
      if (endpoint === null || endpoint.disabledAt !== null) return;
      const owner = await this.users.find(endpoint.ownerId, db);
      if (owner === null || owner.status !== 'active') return;
      const names = namesOf(endpoint.events, eventCatalogue().keys());
      const stretch = { from: new Date(from), until: new Date(until), names, after: after ?? null, limit: PIECE };
      const events = await readEventsOf(db, stretch);
      const custom = await customRolesAmong(owner.roles, db);
      const told = events.filter((event) => mayTell({ id: endpointId, ownerId: owner.id, roles: owner.roles }, event, custom));
      await queueAgain(db, endpointId, told.map(messageOf), again);
      await admit(db, endpoint, limitsOf(this.env), new Date());
      if (events.length === PIECE) await enqueue(db, replayEvents, { endpointId, from, until, after: events.at(-1)!.id, again });
    });
  }

  /** Forgets what came to its end long ago. */
  async purge(signal: AbortSignal): Promise<void> {
    const before = firstIdAt(new Date(Date.now() - this.env.WEBHOOKS_DELIVERIES_TTL_DAYS * 86_400_000));
    await inBatches(signal, (limit) =>
      execute(
        this.prisma,
        Prisma.sql`DELETE FROM webhook_deliveries WHERE id IN (
          SELECT id FROM webhook_deliveries WHERE id < ${before}::uuid AND status IN ('delivered', 'failed') ORDER BY id LIMIT ${limit})`,
      ),
    );
  }

  private async own(actor: Actor, id: string, db: Db): Promise<Endpoint> {
    const endpoint = await db.webhookEndpoint.findFirst({ where: { id, ownerId: actor.id } });
    if (endpoint === null) throw endpointNotFound('None of your webhook endpoints has this id.');
    return endpoint;
  }

  private async lockEnabled(actor: Actor, id: string, db: Tx): Promise<Endpoint> {
    const endpoint = await lockEndpoint(db, id, actor.id);
    if (endpoint === null) throw endpointNotFound('None of your webhook endpoints has this id.');
    if (endpoint.disabledAt !== null) throw endpointDisabled('Nothing is sent to a disabled endpoint; enable it first.');
    return endpoint;
  }

  /** Whoever sends something by hand wants to know how it goes now, not when a pause is over. */
  private async resumeNow(id: string, db: Tx): Promise<void> {
    await db.webhookEndpoint.update({ where: { id }, data: { pausedUntil: null } });
  }
}

/** An owner who may not have endpoints any more is told nothing. */
function mayTell({ ownerId, roles }: Recipient, event: Pick<Published, 'name' | 'subjectId'>, custom: CustomRoles): boolean {
  const permissions = permissionsOf(roles, custom);
  return permissions.has('webhooks:manage') && mayBeTold({ id: ownerId, can: (permission) => permissions.has(permission) }, event);
}

function messageOf({ id, name, occurredAt, payload }: Pick<Published, 'id' | 'name' | 'occurredAt' | 'payload'>) {
  return { messageId: id, type: name, body: bodyOf(name, occurredAt, payload) };
}

function aTest(endpointId: string) {
  const at = new Date();
  return { at, message: { messageId: randomUUIDv7(), type: TEST_TYPE, body: bodyOf(TEST_TYPE, at, { endpointId }) } };
}
