import { Injectable, type OnModuleInit } from '@nestjs/common';
import { DiscoveryService, MetadataScanner } from '@nestjs/core';
import { Env } from '#config';
import { type Db, execute, Prisma, type Tx } from '#database';
import { CONSUMES, type Consumption } from './consumes.decorator.js';
import type { Published } from './log.js';

type Consume = (event: Published, db: Tx) => Promise<void>;

/** The methods that consume, found among the providers. Stops the start when two have one name. */
@Injectable()
export class EventConsumers implements OnModuleInit {
  private readonly byName = new Map<string, Consumption & { where: string; consume: Consume }>();

  constructor(
    private readonly discovery: DiscoveryService,
    private readonly scanner: MetadataScanner,
    private readonly env: Env,
  ) {}

  /** Whether this process calls them, or leaves that to others. */
  get runHere(): boolean {
    return this.env.ROLE !== 'api';
  }

  onModuleInit(): void {
    const faults: string[] = [];
    for (const found of this.search()) {
      const other = this.byName.get(found.consumer);
      if (other) faults.push(`${found.where} and ${other.where} both consume as ${found.consumer}: give one another name.`);
      this.byName.set(found.consumer, found);
    }
    if (faults.length > 0) throw new Error(`The application cannot start:\n  ${faults.join('\n  ')}`);
  }

  get(consumer: string): Consume | undefined {
    return this.byName.get(consumer)?.consume;
  }

  /** Says to whoever extends the log, in whichever process and version, who is to get what. */
  async announce(db: Db): Promise<void> {
    const pairs = [...this.byName.values()].flatMap(({ consumer, events }) =>
      events === 'on demand' ? [] : events.map(({ name }) => ({ consumer, event: name })),
    );
    await subscribeAll(db, pairs);
  }

  private *search() {
    for (const instance of this.discovery.getProviders().map((provider) => provider.instance as unknown)) {
      if (typeof instance !== 'object' || instance === null) continue;
      const prototype = Object.getPrototypeOf(instance) as Record<string, Consume> | null;
      if (prototype === null || prototype === Object.prototype) continue;
      for (const method of this.scanner.getAllMethodNames(prototype)) {
        const consumption = Reflect.getMetadata(CONSUMES, prototype[method]!) as Consumption | undefined;
        const consume: Consume = (event, db) => prototype[method]!.call(instance, event, db);
        if (consumption) yield { ...consumption, where: `${instance.constructor.name}.${method}`, consume };
      }
    }
  }
}

/**
 * Has a consumer that `@ConsumesOnDemand` get these kinds of events, of all that get their place in the log after the commit. Say it again
 * every minute or so: a worker is known to have the consumer as long as somebody does, and after a day it gets nothing any more.
 */
export function subscribe(db: Db, consumer: string, events: readonly string[]): Promise<void> {
  return subscribeAll(
    db,
    events.map((event) => ({ consumer, event })),
  );
}

async function subscribeAll(db: Db, pairs: readonly { consumer: string; event: string }[]): Promise<void> {
  if (pairs.length === 0) return;
  await execute(
    db,
    Prisma.sql`INSERT INTO event_subscriptions (consumer, event)
      SELECT * FROM unnest(${pairs.map(({ consumer }) => consumer)}::text[], ${pairs.map(({ event }) => event)}::text[]) AS pair (consumer, event)
      ORDER BY consumer, event ON CONFLICT (consumer, event) DO UPDATE SET seen_at = now()`,
  );
}
