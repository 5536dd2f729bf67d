import { Injectable } from '@nestjs/common';
import { type JobRun, Schedule } from '#jobs';
import { NotificationsService } from './notifications.service.js';

@Injectable()
export class NotificationsJobs {
  constructor(private readonly notifications: NotificationsService) {}

  @Schedule('notifications.purge', '27 3 * * *')
  purge({ signal }: JobRun): Promise<void> {
    return this.notifications.purge(signal);
  }
}
