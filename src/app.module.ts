import { type DynamicModule, Module } from '@nestjs/common';
import { APP_GUARD } from '@nestjs/core';
import { ConfigModule, type Env } from '#config';
import { DatabaseModule } from '#database';
import { RateLimitGuard, UndeclaredInputGuard } from '#http';
import { AddressBudgetGuard, AuthenticationGuard, AuthorizationGuard, SecurityModule } from '#security';
import { TelemetryModule } from '#telemetry';
import type { Logger as Pino } from 'pino';
import { AuthModule } from './auth/auth.module.js';
import { OpsModule } from './ops/ops.module.js';
import { OrdersModule } from './orders/orders.module.js';
import { PostsModule } from './posts/posts.module.js';
import { ProductsModule } from './products/products.module.js';
import { ALL_PERMISSIONS } from './users/roles.rules.js';
import { UsersModule } from './users/users.module.js';

/** The composition root: the only file that names every module. */
@Module({})
export class AppModule {
  static of(env: Readonly<Env>, logger: Pino): DynamicModule {
    return {
      module: AppModule,
      imports: [
        ConfigModule.of(env),
        TelemetryModule.of(logger),
        DatabaseModule,
        SecurityModule.of(ALL_PERMISSIONS),
        UsersModule,
        AuthModule,
        PostsModule,
        ProductsModule,
        OrdersModule,
        OpsModule,
      ],
      // In the order they run: who calls, how often, whether they may, and whether the route reads what they sent.
      providers: [AuthenticationGuard, RateLimitGuard, AuthorizationGuard, AddressBudgetGuard, UndeclaredInputGuard].map((useClass) => ({
        provide: APP_GUARD,
        useClass,
      })),
    };
  }
}
