import { type DynamicModule, Global, Module, type ModuleMetadata } from '@nestjs/common';
import { DiscoveryModule } from '@nestjs/core';
import { Env } from '#config';
import { PassportModule } from '@nestjs/passport';
import { Budgets } from './budgets.js';
import { BudgetsJobs } from './budgets.jobs.js';
import { KeyRing } from './keys.js';
import { OutgoingRequests } from './outgoing.js';
import { KnownPermissions, RouteCheck } from './route-check.js';
import { SessionCookies } from './session-cookies.js';
import { Tickets } from './tickets.js';
import { TicketsJobs } from './tickets.jobs.js';

/** Keys, budgets, tickets, outgoing requests and the start-up check. The guards, which need the application's sessions, are named in `app.module.ts`. */
@Global()
@Module({})
export class SecurityModule {
  /** `permissions`: every permission that some role has. */
  static of(permissions: ReadonlySet<string>): DynamicModule & ModuleMetadata {
    return {
      module: SecurityModule,
      imports: [DiscoveryModule, PassportModule],
      providers: [
        KeyRing,
        SessionCookies,
        Budgets,
        BudgetsJobs,
        Tickets,
        TicketsJobs,
        RouteCheck,
        { provide: KnownPermissions, useValue: new KnownPermissions(permissions) },
        { provide: OutgoingRequests, useFactory: (env: Env) => new OutgoingRequests(env), inject: [Env] },
      ],
      exports: [KeyRing, SessionCookies, Budgets, Tickets, OutgoingRequests],
    };
  }
}
