import { type DynamicModule, Global, Module } from '@nestjs/common';
import { Env } from './env.js';

/** Makes the frozen `Env` injectable everywhere, as itself. */
@Global()
@Module({})
export class ConfigModule {
  static of(env: Readonly<Env>): DynamicModule {
    return { module: ConfigModule, providers: [{ provide: Env, useValue: env }], exports: [Env] };
  }
}
