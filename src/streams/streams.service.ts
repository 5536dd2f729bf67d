import { Injectable, type OnModuleInit } from '@nestjs/common';
import { eventCatalogue, type Follower, LogTail, mayBeTold, positionAt, type Published } from '#events';
import type { EventStream } from '#http';
import type { Actor } from '#security';
import { Logger } from '#telemetry';
import { BacklogService } from './backlog.service.js';
import type { StreamQuery } from './streams.dto.js';
import { invalidLastEventId } from './streams.errors.js';
import { eventFrame, kindsIn, openingFrame, type ResetReason, resetFrame } from './streams.rules.js';
import { type Subscription, SubscriptionsService } from './subscriptions.service.js';

/**
 * Telling people what happens, each event once and in the order of the log. Who resumes reads the log up to the place where its tail is
 * in this process, and hears from exactly there on what the tail hands to everybody.
 */
@Injectable()
export class StreamsService implements Follower, OnModuleInit {
  /** Those who have caught up with the tail. */
  private readonly hearers = new Set<Subscription>();

  constructor(
    private readonly tail: LogTail,
    private readonly subscriptions: SubscriptionsService,
    private readonly backlog: BacklogService,
    private readonly logger: Logger,
  ) {}

  onModuleInit(): void {
    this.tail.follow(this);
  }

  /** Begins a stream and returns; it goes on by itself. @throws streams/invalid-last-event-id, streams/too-many, streams/full */
  async open(actor: Actor, query: StreamQuery, lastEventId: string | undefined, stream: EventStream): Promise<void> {
    const after = placeOf(lastEventId || query.lastEventId);
    const kinds = query.events === undefined ? null : kindsIn(query.events, eventCatalogue().keys());
    const subscription: Subscription = { actor, kinds, stream, cursor: after ?? '', live: false, writtenAt: performance.now() };
    const { leave } = this.subscriptions.admit(subscription);
    stream.onClose = () => {
      this.hearers.delete(subscription);
      leave();
      if (this.subscriptions.size === 0) this.tail.rest();
    };
    try {
      const tail = await this.tail.begin();
      const obstacle = after === null ? null : await this.backlog.obstacle(after, tail);
      const end = after ?? (await this.backlog.end());
      stream.begin();
      if (!stream.isOpen) return; // its reader has left meanwhile, or asked by HEAD
      // The tail may be behind the end, or past it by now; of what both have passed nothing was promised.
      const from = after ?? (end > this.tail.cursor ? end : this.tail.cursor);
      stream.write(openingFrame(from, Math.random()));
      if (this.subscriptions.stopping) stream.end({ hangUp: true });
      else if (after === null) this.join(subscription, from);
      else if (obstacle !== null) this.reset(subscription, obstacle);
      else void this.catchUp(subscription);
    } catch (error) {
      stream.onClose();
      throw error;
    }
  }

  ready(): Promise<void> {
    return this.subscriptions.beUpToDate();
  }

  take(event: Published): void {
    let frame: Buffer | undefined;
    const now = performance.now();
    for (const subscription of this.hearers) {
      if (event.cursor <= subscription.cursor) continue; // had it from the backlog
      if (concerns(event, subscription)) {
        frame ??= Buffer.from(eventFrame(event)); // one for all
        if (!subscription.stream.write(frame)) {
          this.fallBehind(subscription);
          continue;
        }
        subscription.writtenAt = now;
      }
      subscription.cursor = event.cursor;
    }
  }

  /** Much at once, or a slow reader: from here on it is sent what there is at its own pace, until it has caught up again. */
  private fallBehind(subscription: Subscription): void {
    this.hearers.delete(subscription);
    subscription.live = false;
    void this.catchUp(subscription);
  }

  private async catchUp(subscription: Subscription): Promise<void> {
    const { stream } = subscription;
    try {
      while (stream.isOpen) {
        const events = await this.backlog.read(subscription.cursor, this.tail.cursor);
        await this.subscriptions.beUpToDate();
        if (!stream.isOpen) return;
        if (events === null) return this.reset(subscription, 'expired');
        for (const event of events) {
          subscription.cursor = event.cursor;
          if (!concerns(event, subscription)) continue;
          if (!(await stream.send(eventFrame(event))))
            this.logger.info({ userId: subscription.actor.id }, 'An event stream was cut off: its client does not read what it is sent');
          if (!stream.isOpen) return;
        }
        // Nothing is awaited between looking where the tail is and hearing it: no event passes between the two.
        if (subscription.cursor >= this.tail.cursor) return this.join(subscription, subscription.cursor);
      }
    } catch (error) {
      this.logger.warn({ err: error }, 'An event stream was ended, because what it had missed could not be read');
      stream.end();
    }
  }

  private reset(subscription: Subscription, reason: ResetReason): void {
    const { cursor } = this.tail;
    subscription.stream.write(resetFrame(reason, cursor));
    this.join(subscription, cursor);
  }

  private join(subscription: Subscription, cursor: string): void {
    if (!subscription.stream.isOpen) return;
    subscription.cursor = cursor;
    subscription.live = true;
    subscription.writtenAt = performance.now();
    this.hearers.add(subscription);
  }
}

function concerns(event: Published, { actor, kinds }: Subscription): boolean {
  return (kinds === null || kinds.has(event.name)) && mayBeTold(actor, event);
}

function placeOf(lastEventId: string | undefined): string | null {
  if (lastEventId === undefined) return null;
  if (positionAt(lastEventId) === null) throw invalidLastEventId('Last-Event-ID must be the id of an event of this stream.');
  return lastEventId;
}
