import type { Type } from '@nestjs/common';

/** Who may be told of an event: everybody, the user it is about (its subject), or whoever has a permission. */
export type Audience = 'everyone' | 'subject' | `${string}:${string}`;

/** A kind of fact: an entry of the catalogue that consumers, webhooks, the event stream and `docs/events.md` go by. */
export interface EventDefinition<Payload extends object = object, Name extends string = string> {
  /** `<noun>.<what happened>`, like `order.paid`. */
  readonly name: Name;
  /** Counts up when the payload changes in a way that breaks its readers. */
  readonly version: number;
  /** The type of what it happens to; the noun of its name unless it is said. */
  readonly resource: string;
  /** The class that says, with class-validator's rules, what the payload holds: ids, money, states; never text that somebody wrote. */
  readonly payload: Type<Payload>;
  /** For the readers of `docs/events.md`: one sentence that says when it happens. */
  readonly description: string;
  /** Each of these may be told. */
  readonly visibleTo: readonly Audience[];
}

/** The payload of a kind of event. */
export type PayloadOf<Definition> = Definition extends EventDefinition<infer Payload> ? Payload : never;

const NAME = /^[a-z]+(?:-[a-z]+)*\.[a-z]+(?:-[a-z]+)*$/;
const MAX_NAME_LENGTH = 60;

const catalogue = new Map<string, EventDefinition>();

/**
 * Defines a kind of event, once; which features publish it, they write with `publish`.
 * @throws Error for a name that is taken or not of the form `noun.happened`: a programming error
 */
export function event<Payload extends object, const Name extends string>(
  name: Name,
  definition: Omit<EventDefinition<Payload, Name>, 'name' | 'resource'> & { resource?: string },
): EventDefinition<Payload, Name> {
  if (!NAME.test(name) || name.length > MAX_NAME_LENGTH) throw new Error(`An event is named like order.paid, not ${name}.`);
  if (catalogue.has(name)) throw new Error(`The event ${name} is defined twice; reuse the first definition.`);
  const entry = Object.freeze({ name, resource: name.slice(0, name.indexOf('.')), ...definition });
  catalogue.set(name, entry);
  return entry;
}

/** Every kind of event defined so far, by name. */
export function eventCatalogue(): ReadonlyMap<string, EventDefinition> {
  return catalogue;
}

/** Who asks to be told; an `Actor` is one. */
export interface Reader {
  id: string;
  can(permission: `${string}:${string}`): boolean;
}

/** Whether this reader (null: nobody is signed in) may be told of an event. Of a kind that no code knows any more, nobody is. */
export function mayBeTold(reader: Reader | null, event: { name: string; subjectId: string | null }): boolean {
  const audiences = catalogue.get(event.name)?.visibleTo ?? [];
  return audiences.some((audience) => {
    if (audience === 'everyone') return true;
    if (reader === null) return false;
    return audience === 'subject' ? event.subjectId === reader.id : reader.can(audience);
  });
}
