import { Module } from '@nestjs/common';
import { OrdersModule } from '../orders/orders.module.js';
import { UsersModule } from '../users/users.module.js';
import { NotificationsController } from './notifications.controller.js';
import { NotificationsJobs } from './notifications.jobs.js';
import { NotificationsListener } from './notifications.listener.js';
import { NotificationsPrivacy } from './notifications.privacy.js';
import { NotificationsService } from './notifications.service.js';
import { PreferencesController } from './preferences.controller.js';
import { PreferencesService } from './preferences.service.js';
import { UnsubscriptionsController } from './unsubscriptions.controller.js';
import { UnsubscriptionsService } from './unsubscriptions.service.js';

@Module({
  imports: [UsersModule, OrdersModule],
  controllers: [PreferencesController, NotificationsController, UnsubscriptionsController],
  providers: [
    NotificationsService,
    PreferencesService,
    UnsubscriptionsService,
    NotificationsListener,
    NotificationsJobs,
    NotificationsPrivacy,
  ],
})
export class NotificationsModule {}
