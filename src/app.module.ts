import { type DynamicModule, Module } from '@nestjs/common';
import { APP_GUARD } from '@nestjs/core';
import { AuditLogModule } from '#audit';
import { CacheModule } from '#cache';
import { ConfigModule, type Env } from '#config';
import { DatabaseModule } from '#database';
import { EventsModule } from '#events';
import { HttpModule, RateLimitGuard, RoleGuard, UndeclaredInputGuard } from '#http';
import { JobsModule } from '#jobs';
import { hasMailbox, MailModule } from '#mail';
import { PrivacyModule } from '#privacy';
import { RedisModule } from '#redis';
import { AddressBudgetGuard, AuthenticationGuard, AuthorizationGuard, SecurityModule } from '#security';
import { StorageModule } from '#storage';
import { TelemetryModule } from '#telemetry';
import type { Logger as Pino } from 'pino';
import { AuditModule } from './audit/audit.module.js';
import { AuthModule } from './auth/auth.module.js';
import { CommentsModule } from './comments/comments.module.js';
import { FeedsModule } from './feeds/feeds.module.js';
import { FilesModule } from './files/files.module.js';
import { ImportsModule } from './imports/imports.module.js';
import { NotificationsModule } from './notifications/notifications.module.js';
import { MailboxModule } from './ops/mailbox.module.js';
import { OpsModule } from './ops/ops.module.js';
import { OrdersModule } from './orders/orders.module.js';
import { PostsModule } from './posts/posts.module.js';
import { ProductsModule } from './products/products.module.js';
import { ReleasesModule } from './releases/releases.module.js';
import { ShopModule } from './shop/shop.module.js';
import { StreamsModule } from './streams/streams.module.js';
import { ALL_PERMISSIONS } from './users/roles.rules.js';
import { UsersModule } from './users/users.module.js';
import { WebhooksModule } from './webhooks/webhooks.module.js';

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
        RedisModule,
        JobsModule,
        EventsModule,
        AuditLogModule,
        CacheModule,
        MailModule,
        StorageModule,
        PrivacyModule,
        SecurityModule.of(ALL_PERMISSIONS),
        HttpModule,
        UsersModule,
        AuthModule,
        FilesModule,
        ImportsModule, // before what it imports: `/posts/imports` is named before what has an id
        PostsModule,
        FeedsModule,
        CommentsModule,
        ShopModule,
        ProductsModule,
        OrdersModule,
        ReleasesModule,
        AuditModule,
        NotificationsModule,
        StreamsModule,
        WebhooksModule,
        OpsModule,
        ...(hasMailbox(env) ? [MailboxModule] : []),
      ],
      // In the order they run: whether this process answers, who calls, how often, whether they may, and whether the route reads what they sent.
      // A guard that would refuse a stranger's read of a public route has to be asked in `answerFromMemory`, too.
      providers: [RoleGuard, AuthenticationGuard, RateLimitGuard, AuthorizationGuard, AddressBudgetGuard, UndeclaredInputGuard].map(
        (useClass) => ({
          provide: APP_GUARD,
          useClass,
        }),
      ),
    };
  }
}
