import { Injectable } from '@nestjs/common';
import type { Tx } from '#database';
import { Consumes, type PayloadOf, type Published } from '#events';
import { identityLinked, identityUnlinked } from '../auth/identities.events.js';
import { passwordChanged, sessionFromNewDevice } from '../auth/auth.events.js';
import { factorAdded, factorRemoved, factorsReset, recoveryCodesRenewed, recoveryCodeUsed } from '../auth/factors.events.js';
import { apiKeyCreated, apiKeyRotated } from '../auth/api-keys.events.js';
import { orderCancelled, orderPaid, orderPlaced, shipmentCreated } from '../orders/orders.events.js';
import { OrdersService } from '../orders/orders.service.js';
import { ShipmentsService } from '../orders/shipments.service.js';
import { refundCreated } from '../payments/payments.events.js';
import { commentApproved, commentCreated, commentRejected } from '../comments/comments.events.js';
import { postPublished } from '../posts/posts.events.js';
import { releaseFailed } from '../releases/releases.events.js';
import { postApproved, postReturned, postSubmitted } from '../posts/reviews.events.js';
import { RolesService } from '../users/roles.service.js';
import { webhookEndpointDisabled } from '../webhooks/webhooks.events.js';
import type { Facts, Kind } from './letters.rules.js';
import { NotificationsService } from './notifications.service.js';

/** How many editors are told of a post that was handed in. */
const MOST_EDITORS = 200;

type Of<Definition> = Published<PayloadOf<Definition>>;

/** What people are told of. They know what they do themselves; of an order they also want it in writing. */
@Injectable()
export class NotificationsListener {
  constructor(
    private readonly notifications: NotificationsService,
    private readonly roles: RolesService,
    private readonly orders: OrdersService,
    private readonly shipments: ShipmentsService,
  ) {}

  @Consumes('notifications.order-placed', orderPlaced)
  placed(event: Of<typeof orderPlaced>, db: Tx): Promise<void> {
    const { number, total, expiresAt } = event.payload;
    return this.tellCustomer(event, 'order.placed', { number, total, expiresAt }, db);
  }

  @Consumes('notifications.order-paid', orderPaid)
  async paid(event: Of<typeof orderPaid>, db: Tx): Promise<void> {
    const { orderId, total } = event.payload;
    await this.tellCustomer(event, 'order.paid', { total, ...(await this.orders.bought(orderId, db)) }, db);
  }

  @Consumes('notifications.order-shipped', shipmentCreated)
  async shipped(event: Of<typeof shipmentCreated>, db: Tx): Promise<void> {
    const { shipmentId, number } = event.payload;
    await this.tellCustomer(event, 'order.shipped', { number, ...(await this.shipments.parcel(shipmentId, db)) }, db);
  }

  @Consumes('notifications.order-cancelled', orderCancelled)
  cancelled(event: Of<typeof orderCancelled>, db: Tx): Promise<void> {
    const { number, refunded } = event.payload;
    return this.tellCustomer(event, 'order.cancelled', { number, refunded }, db);
  }

  @Consumes('notifications.order-refunded', refundCreated)
  async refunded(event: Of<typeof refundCreated>, db: Tx): Promise<void> {
    const { orderId, amount } = event.payload;
    const { number } = await this.orders.bought(orderId, db);
    await this.tellCustomer({ ...event, resource: { type: 'order', id: orderId } }, 'order.refunded', { amount, number }, db);
  }

  @Consumes('notifications.post-published', postPublished)
  async published(event: Of<typeof postPublished>, db: Tx): Promise<void> {
    if (event.actorId === null || event.actorId === event.subjectId) return;
    await this.tell(event, 'post.published', {}, db);
  }

  /** Each person once, of what concerns them most: being mentioned, being replied to, having written the post. */
  @Consumes('notifications.comment-created', commentCreated)
  async commented(event: Of<typeof commentCreated>, db: Tx): Promise<void> {
    const { postId, authorId, postAuthorId, repliesToAuthorId, mentionedIds } = event.payload;
    const kinds = new Map<string, 'comment.posted' | 'comment.replied' | 'comment.mentioned'>([[postAuthorId, 'comment.posted']]);
    if (repliesToAuthorId !== null) kinds.set(repliesToAuthorId, 'comment.replied');
    for (const userId of mentionedIds) kinds.set(userId, 'comment.mentioned');
    if (authorId !== null) kinds.delete(authorId);
    const { id: eventId, resource } = event;
    for (const [userId, kind] of kinds) await this.notifications.tell({ kind, userId, eventId, resource, facts: { postId } }, db);
  }

  @Consumes('notifications.comment-approved', commentApproved)
  async commentApproved(event: Of<typeof commentApproved>, db: Tx): Promise<void> {
    if (event.actorId !== event.subjectId) await this.tell(event, 'comment.approved', { postId: event.payload.postId }, db);
  }

  @Consumes('notifications.comment-rejected', commentRejected)
  async commentRejected(event: Of<typeof commentRejected>, db: Tx): Promise<void> {
    const { postId, status } = event.payload;
    if (event.actorId !== event.subjectId) await this.tell(event, 'comment.rejected', { postId, status }, db);
  }

  @Consumes('notifications.post-submitted', postSubmitted)
  async submitted({ id, actorId, resource }: Of<typeof postSubmitted>, db: Tx): Promise<void> {
    const editors = await this.roles.holders('posts:manage', MOST_EDITORS, db);
    for (const userId of editors.filter((editor) => editor !== actorId))
      await this.notifications.tell({ kind: 'post.submitted', userId, eventId: id, resource, facts: {} }, db);
  }

  @Consumes('notifications.post-reviewed', postApproved, postReturned)
  async reviewed(event: Of<typeof postApproved | typeof postReturned>, db: Tx): Promise<void> {
    if (event.actorId === event.subjectId) return;
    await this.tell(event, event.name === 'post.approved' ? 'post.approved' : 'post.returned', {}, db);
  }

  @Consumes('notifications.password-changed', passwordChanged)
  passwordChanged(event: Of<typeof passwordChanged>, db: Tx): Promise<void> {
    return this.tell(event, 'password.changed', {}, db);
  }

  @Consumes('notifications.identity-linked', identityLinked)
  async identityLinked(event: Of<typeof identityLinked>, db: Tx): Promise<void> {
    if (event.payload.by === 'registration') return; // the account is new, and its user knows
    await this.tell(event, 'identity.linked', { provider: event.payload.provider }, db);
  }

  @Consumes('notifications.identity-unlinked', identityUnlinked)
  identityUnlinked(event: Of<typeof identityUnlinked>, db: Tx): Promise<void> {
    return this.tell(event, 'identity.unlinked', { provider: event.payload.provider }, db);
  }

  @Consumes('notifications.new-device', sessionFromNewDevice)
  newDevice(event: Of<typeof sessionFromNewDevice>, db: Tx): Promise<void> {
    return this.tell(event, 'session.new-device', { device: event.payload.device }, db);
  }

  @Consumes('notifications.factor-changed', factorAdded, factorRemoved)
  factorChanged(event: Of<typeof factorAdded | typeof factorRemoved>, db: Tx): Promise<void> {
    const { factor } = event.payload;
    const what = event.name === 'factor.added' ? 'added' : 'removed';
    return this.tell(event, 'factors.changed', { change: `${factor}-${what}` }, db);
  }

  @Consumes('notifications.factors-reset', factorsReset)
  factorsReset(event: Of<typeof factorsReset>, db: Tx): Promise<void> {
    return this.tell(event, 'factors.changed', { change: 'reset' }, db);
  }

  @Consumes('notifications.recovery-codes-renewed', recoveryCodesRenewed)
  codesRenewed(event: Of<typeof recoveryCodesRenewed>, db: Tx): Promise<void> {
    return this.tell(event, 'factors.changed', { change: 'codes-renewed' }, db);
  }

  @Consumes('notifications.recovery-code-used', recoveryCodeUsed)
  codeUsed(event: Of<typeof recoveryCodeUsed>, db: Tx): Promise<void> {
    return this.tell(event, 'factors.changed', { change: 'code-used' }, db);
  }

  @Consumes('notifications.api-key-created', apiKeyCreated)
  apiKeyCreated(event: Of<typeof apiKeyCreated>, db: Tx): Promise<void> {
    return this.tell(event, 'api-key.created', {}, db);
  }

  @Consumes('notifications.api-key-rotated', apiKeyRotated)
  apiKeyRotated(event: Of<typeof apiKeyRotated>, db: Tx): Promise<void> {
    return this.tell(event, 'api-key.rotated', {}, db);
  }

  @Consumes('notifications.webhook-disabled', webhookEndpointDisabled)
  webhookDisabled(event: Of<typeof webhookEndpointDisabled>, db: Tx): Promise<void> {
    return this.tell(event, 'webhook.disabled', { reason: event.payload.reason }, db);
  }

  @Consumes('notifications.release-failed', releaseFailed)
  releaseFailed(event: Of<typeof releaseFailed>, db: Tx): Promise<void> {
    return this.tell(event, 'release.failed', {}, db);
  }

  /** The user whose order it is, or the guest at the address that they gave. */
  private async tellCustomer<Of extends Kind>(event: Published, kind: Of, facts: Facts[Of], db: Tx): Promise<void> {
    const guest = event.subjectId === null ? await this.orders.guest(event.resource.id, db) : null;
    if (guest === null) return this.tell(event, kind, facts, db);
    await this.notifications.write({ kind, facts, resourceId: event.resource.id, ...guest }, db);
  }

  private async tell<Of extends Kind>({ id, subjectId, resource }: Published, kind: Of, facts: Facts[Of], db: Tx): Promise<void> {
    if (subjectId === null) return; // erased since
    await this.notifications.tell({ kind, userId: subjectId, eventId: id, resource, facts }, db);
  }
}
