import { type DynamicModule, Global, Module } from '@nestjs/common';
import type { Logger as Pino } from 'pino';
import { Logger } from './logger.js';

/** Makes the process's logger injectable as `Logger`. */
@Global()
@Module({})
export class TelemetryModule {
  static of(logger: Pino): DynamicModule {
    return { module: TelemetryModule, providers: [{ provide: Logger, useValue: logger }], exports: [Logger] };
  }
}
