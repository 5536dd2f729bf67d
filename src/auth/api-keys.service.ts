import { Injectable } from '@nestjs/common';
import { audited, record } from '#audit';
import { Env } from '#config';
import { type Db, Prisma, PrismaService, rows, signal, transaction, type Tx } from '#database';
import { type EventDefinition, publish } from '#events';
import { type Actor, newApiKey, readApiKey } from '#security';
import { ALL_PERMISSIONS, lacking } from '../users/roles.rules.js';
import type { CreateApiKeyDto, RotateApiKeyDto } from './api-keys.dto.js';
import { apiKeyNotFound, expiryPassed, scopeRefused, tooManyApiKeys } from './api-keys.errors.js';
import { apiKeyCreated, apiKeyDeleted, type ApiKeyPayload, apiKeyRotated } from './api-keys.events.js';

const SECRETS = { hash: true, formerHash: true } as const;
const OVERLAP_SECONDS = 86_400;

export type ApiKey = Prisma.ApiKeyGetPayload<{ omit: typeof SECRETS }>;

const auditedKey = audited('api-key', { name: 'personal', prefix: 'plain', scopes: 'plain', expiresAt: 'plain', formerUntil: 'plain' });

/** What programs prove with that they act for somebody. A key is shown to who makes it, and is nowhere afterwards but there. */
@Injectable()
export class ApiKeysService {
  constructor(
    private readonly prisma: PrismaService,
    private readonly env: Env,
  ) {}

  list(actor: Actor): Promise<ApiKey[]> {
    return this.prisma.apiKey.findMany({
      where: { userId: actor.id },
      omit: SECRETS,
      orderBy: [{ createdAt: 'desc' }, { id: 'desc' }],
      take: 1_000,
    });
  }

  async get(actor: Actor, id: string, db: Db = this.prisma): Promise<ApiKey> {
    return orNotFound(await db.apiKey.findFirst({ where: { id, userId: actor.id }, omit: SECRETS }));
  }

  async create(actor: Actor, { name, scopes, expiresAt }: CreateApiKeyDto): Promise<{ apiKey: ApiKey; key: string }> {
    refuseScopes(actor, scopes);
    const ends = expiresAt ? new Date(expiresAt) : null;
    if (ends !== null && ends.getTime() <= Date.now()) throw expiryPassed('expiresAt lies in the past; name a time to come.');
    const { key, hash, prefix } = aKey();
    const most = this.env.AUTH_API_KEYS_PER_USER;
    return transaction(this.prisma, async (db) => {
      // Of two that are made at once, the second waits for the first and counts it.
      await rows(db, Prisma.sql`SELECT pg_advisory_xact_lock(hashtextextended(${`api-keys ${actor.id}`}, 0))`);
      if ((await db.apiKey.count({ where: { userId: actor.id } })) >= most)
        throw tooManyApiKeys(`You have ${most} API keys; delete one first.`);
      const data = { userId: actor.id, name, scopes, expiresAt: ends, hash, prefix };
      const apiKey = await db.apiKey.create({ data, omit: SECRETS });
      await this.tell(actor, apiKey.id, apiKeyCreated, db);
      await record(db, { actor, action: 'auth.api-key-created', resource: auditedKey(apiKey.id), subject: actor.id, after: apiKey });
      return { apiKey, key };
    });
  }

  /** Another secret for the same key; the former one works for a while yet, so that who uses it can change over. */
  async rotate(actor: Actor, id: string, { overlapSeconds = OVERLAP_SECONDS }: RotateApiKeyDto): Promise<{ apiKey: ApiKey; key: string }> {
    const { key, hash, prefix } = aKey();
    return transaction(this.prisma, async (db) => {
      await rows(db, Prisma.sql`SELECT id FROM api_keys WHERE id = ${id}::uuid AND user_id = ${actor.id}::uuid FOR UPDATE`);
      const now = new Date();
      const alive = { OR: [{ expiresAt: null }, { expiresAt: { gt: now } }] };
      const before = orNotFound(await db.apiKey.findFirst({ where: { id, userId: actor.id, ...alive } }));
      const former =
        overlapSeconds === 0
          ? { formerHash: null, formerUntil: null }
          : { formerHash: before.hash, formerUntil: new Date(now.getTime() + overlapSeconds * 1_000) };
      const apiKey = await db.apiKey.update({ where: { id }, data: { hash, prefix, rotatedAt: now, ...former }, omit: SECRETS });
      await this.tell(actor, id, apiKeyRotated, db);
      await record(db, { actor, action: 'auth.api-key-rotated', resource: auditedKey(id), subject: actor.id, before, after: apiKey });
      return { apiKey, key };
    });
  }

  async delete(actor: Actor, id: string): Promise<void> {
    await transaction(this.prisma, async (db) => {
      const before = await this.get(actor, id, db);
      const { count } = await db.apiKey.deleteMany({ where: { id, userId: actor.id } });
      if (count === 0) throw apiKeyNotFound('None of your API keys has this id.');
      await this.tell(actor, id, apiKeyDeleted, db);
      await record(db, { actor, action: 'auth.api-key-deleted', resource: auditedKey(id), subject: actor.id, before });
    });
  }

  /** Its memory in every process is a session's. */
  private async tell(actor: Actor, id: string, definition: EventDefinition<ApiKeyPayload>, db: Tx): Promise<void> {
    signal(db, 'session', id);
    await publish(db, definition, { apiKeyId: id, userId: actor.id }, { actor, resource: { type: 'api-key', id }, subject: actor.id });
  }
}

function aKey() {
  const key = newApiKey();
  return { key, ...readApiKey(key)! };
}

function orNotFound<Key>(key: Key | null): Key {
  if (key === null) throw apiKeyNotFound('None of your API keys has this id, or it has expired.');
  return key;
}

function refuseScopes(actor: Actor, scopes: readonly string[]): void {
  const fields = lacking(actor, scopes).map((scope) => ({
    pointer: `/scopes/${scopes.indexOf(scope)}`,
    code: ALL_PERMISSIONS.has(scope) ? 'beyond-yours' : 'unknown',
    detail: ALL_PERMISSIONS.has(scope) ? 'you do not have this permission yourself' : 'no permission has this name',
  }));
  if (fields.length > 0) throw scopeRefused('The key cannot be given one of these scopes; see errors.', { fields });
}
