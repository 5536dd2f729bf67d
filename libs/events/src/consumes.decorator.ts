import type { Tx } from '#database';
import type { EventDefinition } from './catalogue.js';
import type { Published } from './log.js';

export const CONSUMES = 'ashlar:consumes';

/** What a marked method consumes. */
export interface Consumption {
  consumer: string;
  /** These, or what is asked for by `subscribe`. */
  events: 'on demand' | readonly EventDefinition[];
}

/** The event a method gets that consumes one of these. */
type EventOf<Definition> = Definition extends EventDefinition<infer Payload, infer Name> ? Published<Payload, Name> : never;

const NAME = /^[a-z]+(?:-[a-z]+)*\.[a-z]+(?:-[a-z]+)*$/;

/**
 * Marks a method of a provider that reacts to events, under a name that stays the same for ever (`<feature>.<what it does>`). It gets each
 * event once the publisher has committed, those of one resource in their order, and writes through `db`: its effect commits together with
 * the mark that the event was dealt with, so it happens exactly once. What leaves the database belongs into a job that it enqueues with
 * this `db`. A method that throws is called again later; meanwhile this resource's later events wait for it, other resources' do not.
 */
export const Consumes =
  <const Definitions extends [EventDefinition, ...EventDefinition[]]>(consumer: string, ...events: Definitions) =>
  <Method extends (event: EventOf<Definitions[number]>, db: Tx) => Promise<void>>(
    _target: object,
    _method: string | symbol,
    descriptor: TypedPropertyDescriptor<Method>,
  ): void => {
    mark(descriptor.value!, consumer, events);
  };

/**
 * Like `@Consumes`, of the kinds that somebody has asked for by `subscribe` within the last day: for what passes events on. Those that
 * nobody wants cost nothing.
 */
export const ConsumesOnDemand =
  (consumer: string) =>
  <Method extends (event: Published, db: Tx) => Promise<void>>(
    _target: object,
    _method: string | symbol,
    descriptor: TypedPropertyDescriptor<Method>,
  ): void => {
    mark(descriptor.value!, consumer, 'on demand');
  };

function mark(method: object, consumer: string, events: Consumption['events']): void {
  if (!NAME.test(consumer)) throw new Error(`A consumer is named like notifications.order-paid, not ${consumer}.`);
  Reflect.defineMetadata(CONSUMES, { consumer, events } satisfies Consumption, method);
}
