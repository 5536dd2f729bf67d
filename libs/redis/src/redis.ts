import { AsyncLocalStorage } from 'node:async_hooks';
import { hash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { Injectable, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import { Env } from '#config';
import { Logger, Seldom } from '#telemetry';
import type { Redis as Client, RedisOptions } from 'ioredis';
import { Subscription } from './subscription.js';

/** What a command may take; one that takes longer has failed. */
const COMMAND_MS = 100;
const CONNECT_MS = 1_000;
/** How long Redis is left alone after a failure, before it is asked whether it lives. */
const REST_MS = 500;

const OPTIONS: RedisOptions = {
  lazyConnect: true,
  connectTimeout: CONNECT_MS,
  commandTimeout: COMMAND_MS,
  enableOfflineQueue: false,
  autoResubscribe: false,
  autoResendUnfulfilledCommands: false,
  maxRetriesPerRequest: 0,
  retryStrategy: () => REST_MS,
};

/**
 * The connection to Redis, where `REDIS_URL` names one. Nothing depends on it: after a failure (refused, broken off, no answer within
 * 100 ms) nobody asks it any more until a ping, sent behind the requests' backs, has been answered; everybody does without meanwhile.
 */
@Injectable()
export class Redis implements OnModuleInit, OnApplicationShutdown {
  /** What the keys of this installation begin with; the braces keep them in one slot of a cluster. */
  readonly prefix: string;
  private readonly returns = new Set<(forgetful: boolean) => void>();
  private readonly subscriptions = new Set<Subscription>();
  private readonly seldom = new Seldom();
  /** A channel outlives the request that opens it, and is no part of it in the log. */
  private readonly outside = AsyncLocalStorage.snapshot();
  private connect: ((options: RedisOptions) => Client) | undefined;
  private client: Client | undefined;
  private resting = false;
  private probing: NodeJS.Timeout | undefined;

  constructor(
    private readonly env: Env,
    private readonly logger: Logger,
  ) {
    this.prefix = `{ashlar:${hash('sha256', env.PUBLIC_URL!, 'base64url').slice(0, 8)}}:`;
  }

  /** Whether there is a Redis to be asked, at some time or other. */
  get configured(): boolean {
    return this.env.REDIS_URL !== undefined;
  }

  get state(): 'off' | 'connected' | 'unreachable' {
    if (!this.configured) return 'off';
    return this.client?.status === 'ready' && !this.resting ? 'connected' : 'unreachable';
  }

  /** Calls when Redis answers again; `forgetful` when the connection was made anew, so that it may have gone back to an older state. */
  onReturn(listener: (forgetful: boolean) => void): void {
    this.returns.add(listener);
  }

  /** What Redis says, or undefined when it cannot be asked just now. Commands reach it in the order in which they are handed in. */
  async run<T>(ask: (client: Client) => Promise<T>): Promise<T | undefined> {
    if (this.client === undefined || this.resting) return undefined;
    try {
      return await ask(this.client);
    } catch (error) {
      if (isDenied(error)) this.warnSeldom(error, 'Redis does not permit its user all that Ashlar asks for: see docs/operate.md');
      else this.rest(error);
      return undefined;
    }
  }

  /** Hears what is published on a channel from now on; call `close` when nobody wants to any more. For where there is a Redis. */
  subscribe(channel: string, hear: (message: Buffer) => void): Subscription {
    return this.outside(() => {
      // Nobody waits for its answers, so it is not given up as soon as one of ours is late.
      const client = this.connect!({ connectionName: 'ashlar-channel', commandTimeout: CONNECT_MS });
      const subscription = new Subscription(client, channel, {
        hear,
        fail: (error) => this.warnSeldom(error, 'A channel of Redis cannot be heard; trying again'),
        end: () => this.subscriptions.delete(subscription),
      });
      this.subscriptions.add(subscription);
      return subscription;
    });
  }

  async onModuleInit(): Promise<void> {
    if (this.env.REDIS_URL === undefined) return;
    const url = this.env.REDIS_URL;
    const { Redis: IoRedis } = await import('ioredis');
    this.connect = (options) => new IoRedis(url, { ...OPTIONS, ...options });
    const client = this.connect({ connectionName: 'ashlar' });
    this.client = client;
    let seen = false;
    client.on('error', (error: Error) => this.rest(error));
    client.on('ready', () => {
      if (seen) for (const listener of this.returns) listener(true);
      seen = true;
    });
    // A Redis that is not there, or takes the connection and is silent, does not keep the process from starting.
    await Promise.race([client.connect().catch((error: unknown) => this.rest(error)), sleep(CONNECT_MS, undefined, { ref: false })]);
    if (client.status !== 'ready') this.rest(new Error(`Redis did not answer within ${CONNECT_MS} ms.`));
  }

  onApplicationShutdown(): void {
    clearTimeout(this.probing);
    this.resting = true;
    this.client?.disconnect();
    for (const subscription of this.subscriptions) subscription.close();
  }

  private rest(error: unknown): void {
    if (this.resting) return;
    this.resting = true;
    this.logger.warn({ err: error }, 'Redis cannot be reached; rate limits, the cache and event streams do without it until it answers');
    this.probe();
  }

  private warnSeldom(error: unknown, message: string): void {
    const since = this.seldom.due(message);
    if (since !== undefined) this.logger.warn({ err: error, since }, message);
  }

  private probe(): void {
    this.probing = setTimeout(() => {
      this.client!.ping().then(
        () => {
          this.resting = false;
          this.logger.info({}, 'Redis answers again');
          for (const listener of this.returns) listener(false);
        },
        () => this.probe(), // still away: that is what was asked
      );
    }, REST_MS).unref();
  }
}

/** An access control list of Redis' own (ACL) has no such command or channel for us: no sign that it cannot be reached. */
function isDenied(error: unknown): boolean {
  return error instanceof Error && error.message.startsWith('NOPERM');
}
