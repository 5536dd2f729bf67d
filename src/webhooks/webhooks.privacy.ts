import { Injectable } from '@nestjs/common';
import { type Db, execute, Prisma, rows, type Tx } from '#database';
import { type ExportedFile, few, paged, type Person, PersonalData } from '#privacy';

const AT_ONCE = 500;

/** The endpoints of a person, and what was sent to them. */
@Injectable()
export class WebhooksPrivacy extends PersonalData {
  readonly name = 'webhooks';
  readonly tables = ['webhook_endpoints', 'webhook_secrets', 'webhook_deliveries', 'webhook_attempts'];

  async *export(userId: string, db: Db): AsyncGenerator<ExportedFile> {
    yield {
      name: 'webhook-endpoints.json',
      about: 'Where you have events sent to.',
      rows: few(db.webhookEndpoint.findMany({ where: { ownerId: userId } })),
    };
    const deliveries = (last?: { id: string }) =>
      db.webhookDelivery.findMany({
        where: { endpoint: { ownerId: userId }, ...(last && { id: { gt: last.id } }) },
        include: { log: true },
        orderBy: { id: 'asc' },
        take: 200,
      });
    yield { name: 'webhook-deliveries.json', about: 'What was sent there, and what was answered.', rows: paged(deliveries) };
  }

  /** At once: nothing is sent any more in the name of somebody who is gone. */
  override async close({ id }: Person, db: Tx): Promise<void> {
    await execute(
      db,
      Prisma.sql`UPDATE webhook_endpoints SET disabled_reason = 'owner', disabled_at = now() WHERE owner_id = ${id}::uuid AND disabled_at IS NULL`,
    );
  }

  async erase(userId: string, db: Tx): Promise<'more' | void> {
    const deleted = await rows(
      db,
      Prisma.sql`DELETE FROM webhook_deliveries WHERE id IN (
        SELECT d.id FROM webhook_deliveries d JOIN webhook_endpoints e ON e.id = d.endpoint_id WHERE e.owner_id = ${userId}::uuid LIMIT ${AT_ONCE}) RETURNING id`,
    );
    if (deleted.length === AT_ONCE) return 'more';
    await execute(db, Prisma.sql`DELETE FROM webhook_endpoints WHERE owner_id = ${userId}::uuid`);
  }
}
