import { Body, Controller, Get, HttpCode, Param, Put, Query } from '@nestjs/common';
import { IdPipe, Problems } from '#http';
import { Actor, Caller, SignedIn } from '#security';
import { ListNotificationsQuery, NotificationList, NotificationResponse, ReadAllDto, UnreadResponse } from './notifications.dto.js';
import { notificationNotFound } from './notifications.errors.js';
import { NotificationsService } from './notifications.service.js';

@Controller('notifications')
@SignedIn()
export class NotificationsController {
  constructor(private readonly notifications: NotificationsService) {}

  /** My inbox */
  @Get()
  async list(@Caller() actor: Actor, @Query() query: ListNotificationsQuery): Promise<NotificationList> {
    const page = await this.notifications.list(actor, query);
    return { ...page, items: page.items.map(NotificationResponse.from) };
  }

  /** How many I have not read */
  @Get('unread')
  async countUnread(@Caller() actor: Actor): Promise<UnreadResponse> {
    return { count: await this.notifications.countUnread(actor) };
  }

  /** Mark all as read */
  @Put('read')
  @HttpCode(204)
  readAll(@Caller() actor: Actor, @Body() which: ReadAllDto): Promise<void> {
    return this.notifications.readAll(actor, which);
  }

  /** Mark one as read */
  @Put(':id/read')
  @Problems(notificationNotFound)
  async read(@Caller() actor: Actor, @Param('id', IdPipe) id: string): Promise<NotificationResponse> {
    return NotificationResponse.from(await this.notifications.read(actor, id));
  }
}
