import { type DynamicModule, Global, Module } from '@nestjs/common';
import type { Logger as Pino } from 'pino';
import { Logger } from './logger.js';
import { Metrics } from './metrics.js';

/** Makes the process's logger injectable as `Logger`, and its metrics as `Metrics`. */
@Global()
@Module({})
export class TelemetryModule {
  static of(logger: Pino): DynamicModule {
    return {
      module: TelemetryModule,
      providers: [
        { provide: Logger, useValue: logger },
        { provide: Metrics, useFactory: () => new Metrics() },
      ],
      exports: [Logger, Metrics],
    };
  }
}
