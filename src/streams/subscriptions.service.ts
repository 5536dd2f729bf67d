import { Injectable, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { Env } from '#config';
import { Signals } from '#database';
import type { EventStream } from '#http';
import { Actor, SessionDirectory } from '#security';
import { Logger } from '#telemetry';
import { streamsFull, tooManyStreams } from './streams.errors.js';
import { heartbeatFrame } from './streams.rules.js';

/** Somebody who listens. */
export interface Subscription {
  /** With what they may do now. */
  actor: Actor;
  /** Only these; null: all they may see. */
  readonly kinds: ReadonlySet<string> | null;
  readonly stream: EventStream;
  /** How far they have been told of the log. */
  cursor: string;
  /** Whether they have caught up, and hear what the tail of the log hands on. */
  live: boolean;
  /** When something was last written to them, as of `performance.now()`. */
  writtenAt: number;
}

const TICK_MS = 1_000;
/** Sessions that were looked at so long ago are looked at again before anybody is told anything. */
const STALE_MS = 2_000;

/**
 * Who listens at this process, as long as they may: each session is looked at once a second, and at once when it is signalled that it or
 * its user has changed. An ended session ends its streams; other roles are other permissions.
 */
@Injectable()
export class SubscriptionsService implements OnApplicationBootstrap, OnModuleDestroy {
  private readonly bySession = new Map<string, Set<Subscription>>();
  private readonly ofUsers = new Map<string, number>();
  private count = 0;
  private seenAt = 0;
  private readonly suspects = new Set<string>();
  private looking: Promise<void> | null = null;
  private ticker: NodeJS.Timeout | undefined;
  /** Whether this process is about to stop. */
  stopping = false;

  constructor(
    private readonly env: Env,
    private readonly signals: Signals,
    private readonly sessions: SessionDirectory,
    private readonly logger: Logger,
  ) {}

  onApplicationBootstrap(): void {
    this.signals.on('session', (id) => this.bySession.has(id) && this.lookAgain([id]));
    this.signals.on('user', (userId) => this.ofUsers.has(userId) && this.lookAgain(this.sessionsOf(userId)));
    this.ticker = setInterval(() => this.tick(), TICK_MS).unref();
  }

  /** Before the server waits for its connections to end. */
  onModuleDestroy(): void {
    this.stopping = true;
    clearInterval(this.ticker);
    for (const { stream } of this.all()) stream.end({ hangUp: true });
  }

  get size(): number {
    return this.count;
  }

  /**
   * Takes somebody in, until `leave` is called.
   * @throws streams/too-many, streams/full
   */
  admit(subscription: Subscription): { leave: () => void } {
    const { id, sessionId } = subscription.actor;
    const others = this.ofUsers.get(id) ?? 0;
    if (this.env.RATE_LIMIT === 'on' && others >= this.env.STREAMS_PER_USER)
      throw tooManyStreams(`You have ${others} event streams open already; close one of them.`, { retryAfterSeconds: 10 });
    if (this.count >= this.env.STREAMS_PER_PROCESS)
      throw streamsFull('This process serves as many event streams as it may; try again in a moment.', { retryAfterSeconds: 5 });
    if (this.count === 0) this.seenAt = performance.now(); // the guard has looked
    const ofSession = this.bySession.get(sessionId) ?? new Set();
    this.bySession.set(sessionId, ofSession.add(subscription));
    this.ofUsers.set(id, others + 1);
    this.count += 1;
    let left = false;
    return {
      leave: () => {
        if (left) return;
        left = true;
        ofSession.delete(subscription);
        if (ofSession.size === 0) this.bySession.delete(sessionId);
        const rest = this.ofUsers.get(id)! - 1;
        if (rest === 0) this.ofUsers.delete(id);
        else this.ofUsers.set(id, rest);
        this.count -= 1;
      },
    };
  }

  /** Waits until it is known what each may see; throws when that cannot be found out. */
  async beUpToDate(): Promise<void> {
    if (performance.now() - this.seenAt > STALE_MS) await this.look(this.bySession.keys());
  }

  private *all(): Generator<Subscription> {
    for (const ofSession of this.bySession.values()) yield* ofSession;
  }

  private tick(): void {
    if (this.count === 0) return;
    this.lookAgain(this.bySession.keys());
    const due = performance.now() - this.env.STREAMS_HEARTBEAT_SECONDS * 1_000 + TICK_MS / 2;
    for (const subscription of this.all()) {
      if (!subscription.live || subscription.writtenAt > due) continue;
      subscription.writtenAt = performance.now();
      subscription.stream.write(heartbeatFrame(subscription.cursor));
    }
  }

  private lookAgain(sessionIds: Iterable<string>): void {
    this.look(sessionIds).catch((error: unknown) =>
      // Nobody is told anything for long before it has succeeded: see beUpToDate.
      this.logger.warn({ err: error }, 'The sessions of event streams could not be looked at; trying again'),
    );
  }

  /** One look after the other, so that what was read later is what counts; what is asked for meanwhile is looked at together. */
  private look(sessionIds: Iterable<string>): Promise<void> {
    for (const id of sessionIds) this.suspects.add(id);
    return (this.looking ??= this.lookAtSuspects().finally(() => (this.looking = null)));
  }

  private async lookAtSuspects(): Promise<void> {
    while (this.suspects.size > 0) {
      const began = performance.now();
      const ids = [...this.suspects];
      const everybody = [...this.bySession.keys()].every((id) => this.suspects.has(id));
      this.suspects.clear();
      const living = new Map((await this.sessions.findAll(ids)).map((session) => [session.sessionId, session]));
      for (const id of ids) {
        const session = living.get(id);
        for (const subscription of this.bySession.get(id) ?? []) {
          if (session === undefined) subscription.stream.end();
          else subscription.actor = new Actor(session);
        }
      }
      if (everybody) this.seenAt = began;
    }
  }

  private sessionsOf(userId: string): string[] {
    return [...this.bySession].filter(([, [first]]) => first?.actor.id === userId).map(([id]) => id);
  }
}
