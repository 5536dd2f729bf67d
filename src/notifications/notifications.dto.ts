import { IfPresent, ListQuery, type Page, Time } from '#http';
import { IsIn } from 'class-validator';
import { titleOf } from './notifications.rules.js';
import type { Notification } from './notifications.service.js';

export class NotificationResourceResponse {
  /** @example "order" */
  type: string;
  id: string;
}

export class NotificationResponse {
  id: string;
  /** What happened. @example "order.paid" */
  kind: string;
  /** In one line, in English. @example "Order 1001 is paid" */
  title: string;
  /** What it happened to. */
  resource: NotificationResourceResponse;
  /** What the title is made of, for clients that write their own. @example { "number": 1001 } */
  facts: Record<string, unknown>;
  createdAt: Date;
  /** Null while it is unread. */
  readAt: Date | null;

  static from(this: void, notification: Notification): NotificationResponse {
    const { id, kind, facts, resourceType, resourceId, createdAt, readAt } = notification;
    return {
      id,
      kind,
      title: titleOf(kind, facts, resourceId),
      resource: { type: resourceType, id: resourceId },
      facts: facts as Record<string, unknown>,
      createdAt,
      readAt,
    };
  }
}

export class NotificationList implements Page<NotificationResponse> {
  items: NotificationResponse[];
  /** Give it as `cursor` to get the next page; null on the last one. */
  nextCursor: string | null;
}

export class UnreadResponse {
  /** How many are unread; 1000 also stands for more. @example 3 */
  count: number;
}

export class ListNotificationsQuery extends ListQuery {
  /** `true`: only unread ones; `false`: only read ones. */
  @IfPresent()
  @IsIn(['true', 'false'])
  unread?: 'true' | 'false';

  @IfPresent()
  @IsIn(['-createdAt', 'createdAt'])
  sort: '-createdAt' | 'createdAt' = '-createdAt';
}

export class ReadAllDto {
  /** Only those made before; all there are when it is left out. Give the time of the newest one shown, so that none is marked unseen. */
  @IfPresent()
  @Time()
  until?: string;
}
