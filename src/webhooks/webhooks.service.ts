import { Injectable } from '@nestjs/common';
import { record } from '#audit';
import { Env } from '#config';
import { type Db, defined, Prisma, PrismaService, rows, transaction, type Tx } from '#database';
import { eventCatalogue } from '#events';
import { expectVersion, type ExpectedVersions, keyset, type Page, parseSort, readCursor, toPage } from '#http';
import { type Actor, OutgoingRefused, OutgoingRequests } from '#security';
import { admit } from './deliveries.queries.js';
import { SecretsService } from './secrets.service.js';
import type { CreateWebhookEndpointDto, ListWebhookEndpointsQuery, RotateSecretDto, UpdateWebhookEndpointDto } from './webhooks.dto.js';
import { endpointNotFound, tooManyEndpoints, unknownEvents, urlRefused } from './webhooks.errors.js';
import { askFor, auditedEndpoint, disableEndpoint, type Endpoint, lockEndpoint } from './webhooks.queries.js';
import { limitsOf, unknownPatterns } from './webhooks.rules.js';

const MOST_ENDPOINTS = 100;
/** As of an endpoint that was never tried. */
const WELL = { failures: 0, failingSince: null, pausedUntil: null, slow: false };

/** Where events go. An endpoint belongs to who made it: nobody else finds it, and it is sent what that person may be told. */
@Injectable()
export class WebhooksService {
  constructor(
    private readonly prisma: PrismaService,
    private readonly env: Env,
    private readonly outgoing: OutgoingRequests,
    private readonly secrets: SecretsService,
  ) {}

  async list(actor: Actor, query: ListWebhookEndpointsQuery): Promise<Page<Endpoint>> {
    const { where, orderBy } = keyset(parseSort(query.sort), readCursor(query.cursor, query.sort, 'time'));
    const found = await this.prisma.webhookEndpoint.findMany({
      where: { AND: [where, { ownerId: actor.id }] },
      orderBy,
      take: query.limit + 1,
    });
    return toPage(
      found,
      query,
      (endpoint) => endpoint.createdAt,
      (endpoint) => endpoint,
    );
  }

  async get(actor: Actor, id: string, db: Db = this.prisma): Promise<Endpoint> {
    return orNotFound(await db.webhookEndpoint.findFirst({ where: { id, ownerId: actor.id } }));
  }

  /** The secret is in nobody's hands but the caller's afterwards. */
  async create(actor: Actor, { url, events, description }: CreateWebhookEndpointDto): Promise<{ endpoint: Endpoint; secret: string }> {
    refuseUnknown(events);
    await this.refuseUrl(url);
    return transaction(this.prisma, async (db) => {
      // Of two that are made at once, the second waits for the first and counts it.
      await rows(db, Prisma.sql`SELECT pg_advisory_xact_lock(hashtextextended(${`webhooks ${actor.id}`}, 0))`);
      if ((await db.webhookEndpoint.count({ where: { ownerId: actor.id } })) >= MOST_ENDPOINTS)
        throw tooManyEndpoints(`You have ${MOST_ENDPOINTS} webhook endpoints; delete one first.`);
      const endpoint = await db.webhookEndpoint.create({
        data: { ownerId: actor.id, url, events, description: description ?? null },
      });
      await askFor(db, events);
      const { secret } = await this.secrets.renew(endpoint.id, 0, db);
      await this.write(actor, 'webhooks.created', db, { after: endpoint });
      return { endpoint, secret };
    });
  }

  async update(actor: Actor, id: string, changes: UpdateWebhookEndpointDto, expected: ExpectedVersions): Promise<Endpoint> {
    if (changes.events !== undefined) refuseUnknown(changes.events);
    if (changes.url !== undefined) await this.refuseUrl(changes.url);
    return transaction(this.prisma, async (db) => {
      const before = await this.lock(actor, id, db);
      expectVersion(before.version, expected);
      const { enabled, ...members } = changes;
      if (enabled === false && before.disabledAt === null) await disableEndpoint(db, id, 'owner');
      const after = await db.webhookEndpoint.update({
        where: { id },
        data: {
          ...defined(members),
          ...(enabled === true && { disabledReason: null, disabledAt: null }),
          // What was wrong with it may not be any more.
          ...((enabled === true || changes.url !== undefined) && WELL),
          version: before.version + 1,
          updatedAt: new Date(),
        },
      });
      if (after.disabledAt === null) await askFor(db, after.events);
      if (changes.url !== undefined) await admit(db, after, limitsOf(this.env), new Date()); // what waited for the end of a pause
      await this.write(actor, 'webhooks.updated', db, { before, after });
      return after;
    });
  }

  /** What was on its way is not sent any more, and what was sent is forgotten. */
  async delete(actor: Actor, id: string, expected: ExpectedVersions): Promise<void> {
    await transaction(this.prisma, async (db) => {
      const before = await this.lock(actor, id, db);
      expectVersion(before.version, expected);
      await db.webhookEndpoint.delete({ where: { id } });
      await this.write(actor, 'webhooks.deleted', db, { before });
    });
  }

  async rotateSecret(actor: Actor, id: string, { overlapSeconds }: RotateSecretDto): Promise<{ secret: string; formerUntil: Date | null }> {
    return transaction(this.prisma, async (db) => {
      await this.lock(actor, id, db);
      const renewed = await this.secrets.renew(id, overlapSeconds ?? this.env.WEBHOOKS_SECRET_OVERLAP_SECONDS, db);
      await record(db, { actor, action: 'webhooks.secret-rotated', resource: auditedEndpoint(id), subject: actor.id });
      return renewed;
    });
  }

  private async lock(actor: Actor, id: string, db: Tx): Promise<Endpoint> {
    return orNotFound(await lockEndpoint(db, id, actor.id));
  }

  private async refuseUrl(url: string): Promise<void> {
    try {
      await this.outgoing.check(url);
    } catch (error) {
      if (!(error instanceof OutgoingRefused)) throw error;
      throw urlRefused(`Webhooks are not sent to this URL: ${error.message}.`, {
        fields: [{ pointer: '/url', code: 'refused', detail: error.message }],
      });
    }
  }

  private async write(
    actor: Actor,
    action: `webhooks.${string}`,
    db: Tx,
    { before, after }: { before?: Endpoint; after?: Endpoint },
  ): Promise<void> {
    const resource = auditedEndpoint((after ?? before)!.id);
    await record(db, {
      actor,
      action,
      resource,
      subject: actor.id,
      ...(before && { before: valuesOf(before) }),
      ...(after && { after: valuesOf(after) }),
    });
  }
}

const valuesOf = (endpoint: Endpoint) => ({ ...endpoint, host: new URL(endpoint.url).host, enabled: endpoint.disabledAt === null });

function orNotFound(endpoint: Endpoint | null): Endpoint {
  if (endpoint === null) throw endpointNotFound('None of your webhook endpoints has this id.');
  return endpoint;
}

function refuseUnknown(events: readonly string[]): void {
  const unknown = unknownPatterns(events, eventCatalogue().keys());
  if (unknown.length === 0) return;
  const fields = unknown.map((name) => ({ pointer: `/events/${events.indexOf(name)}`, code: 'unknown', detail: 'no event has this name' }));
  throw unknownEvents('No event has one of these names; see errors.', { fields });
}
