import { type INestApplication, SetMetadata } from '@nestjs/common';
import { DiscoveryService } from '@nestjs/core';
import type { ProblemDefinition } from '#errors';
import { ACCESS, type Access, SESSION, type SessionRule, TICKETS } from '#security';
import { ENDLESS } from './event-stream.js';
import { IDEMPOTENT } from './idempotency.js';
import { LOCATED, MADE_ANEW, VERSIONED } from './representation.js';

const PROBLEMS = 'ashlar:problems';

/** The failures of its own that an operation can answer with; those every operation of its kind shares are added by themselves. */
export const Problems = (...problems: ProblemDefinition[]) => SetMetadata(PROBLEMS, problems);

/** What decorators say of a route's handler. */
export interface RouteFacts {
  access: Access;
  problems: ProblemDefinition[];
  idempotent: 'required' | 'optional' | undefined;
  versioned: boolean;
  located: boolean;
  endless: boolean;
  /** Whether it is made while it is sent, so that nothing can name it beforehand. */
  madeAnew: boolean;
  tickets: boolean;
  /** Whether only a session may call, and which. */
  session: SessionRule | undefined;
}

/** What a handler is called in the document. */
export function operationIdOf(controller: string, method: string): string {
  const noun = controller.replace(/Controller$/, '');
  return `${noun.charAt(0).toLowerCase()}${noun.slice(1)}.${method}`;
}

/** What decorators say of every route, by the `operationId` of its operation. */
export function collectFacts(app: INestApplication): Map<string, RouteFacts> {
  const facts = new Map<string, RouteFacts>();
  for (const { instance, metatype } of app.get(DiscoveryService, { strict: false }).getControllers()) {
    if (!metatype) continue;
    const prototype = Object.getPrototypeOf(instance) as Record<string, object>;
    for (const method of Object.getOwnPropertyNames(prototype)) {
      const handler = prototype[method]!;
      const access = (Reflect.getMetadata(ACCESS, handler) ?? Reflect.getMetadata(ACCESS, metatype)) as Access | undefined;
      if (access === undefined) continue;
      facts.set(operationIdOf(metatype.name, method), {
        access,
        problems: (Reflect.getMetadata(PROBLEMS, handler) as ProblemDefinition[] | undefined) ?? [],
        idempotent: Reflect.getMetadata(IDEMPOTENT, handler) as RouteFacts['idempotent'],
        versioned: Reflect.getMetadata(VERSIONED, handler) === true,
        located: Reflect.getMetadata(LOCATED, handler) === true,
        endless: Reflect.getMetadata(ENDLESS, handler) === true,
        madeAnew: Reflect.getMetadata(MADE_ANEW, handler) === true,
        tickets: Reflect.getMetadata(TICKETS, handler) === true,
        session: (Reflect.getMetadata(SESSION, handler) ?? Reflect.getMetadata(SESSION, metatype)) as RouteFacts['session'],
      });
    }
  }
  return facts;
}
