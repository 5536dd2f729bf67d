import { Injectable, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import { Env } from '#config';
import { Logger } from '#telemetry';
import pg from 'pg';
import { type Db, PrismaService } from './prisma.service.js';
import { afterCommit, clientOf } from './transaction.js';

const CHANNEL = 'ashlar';
const MAX_PAYLOAD_KEYS = 100; // NOTIFY carries at most 8,000 bytes
const MAX_KEY_LENGTH = 60;
const RECONNECT_MS = 500;
/** A connection that breaks without a word (a network that swallows packets) is noticed by a question that nobody answers. */
const HEARTBEAT_MS = 1_000;
const ANSWER_MS = 2_000;
/** At most so often is a topic told of that a process would tell of all the time: every commit in the cluster that notifies takes one lock. */
const QUIET_MS = 20;

const channels = new WeakMap<PrismaService, Signals>();

/** Sends a signal once what `db` has written is committed. */
export function signal(db: Db, topic: string, key: string): void {
  afterCommit(db, () => channels.get(clientOf(db))?.send(topic, key));
}

/** The same for what happens often, as `sendSparingly` does it. */
export function signalSparingly(db: Db, topic: string, key: string): void {
  afterCommit(db, () => channels.get(clientOf(db))?.sendSparingly(topic, [key]));
}

function refuseLong(key: string): void {
  if (key.length > MAX_KEY_LENGTH) throw new RangeError(`A signal's key has at most ${MAX_KEY_LENGTH} characters.`);
}

/** Hears the keys of a topic that changed somewhere, in any process. */
type Listener = (key: string) => void;

/**
 * Tells every process that something changed, over the one channel of this database. Sent after the commit, never inside a transaction
 * (NOTIFY there serialises commits), and coalesced: what is sent within one turn goes out in one statement. A signal may be lost: whoever
 * listens keeps what it heard for a short time at most, and drops everything in `onGap`, when the channel was broken for a while.
 */
@Injectable()
export class Signals implements OnModuleInit, OnApplicationShutdown {
  private readonly listeners = new Map<string, Set<Listener>>();
  private readonly gapListeners = new Set<() => void>();
  private readonly waiting = new Set<string>();
  /** By topic, while it is quiet: the keys that are told of after it. */
  private readonly held = new Map<string, Set<string>>();
  private flushing: Promise<void> | undefined;
  private client: pg.Client | undefined;
  private retry: NodeJS.Timeout | undefined;
  private heartbeat: NodeJS.Timeout | undefined;
  private listening = false;
  private stopped = false;

  constructor(
    private readonly env: Env,
    private readonly prisma: PrismaService,
    private readonly logger: Logger,
  ) {
    channels.set(prisma, this);
  }

  /** Whether other processes are heard just now. */
  get connected(): boolean {
    return this.listening;
  }

  on(topic: string, listener: Listener): void {
    const of = this.listeners.get(topic) ?? new Set();
    this.listeners.set(topic, of.add(listener));
  }

  onGap(listener: () => void): void {
    this.gapListeners.add(listener);
  }

  /** Heard at once in this process, and in the others as soon as PostgreSQL has passed it on. Call it after the commit. */
  send(topic: string, key: string): void {
    refuseLong(key);
    this.deliver(topic, key);
    this.waiting.add(`${topic} ${key}`);
    this.flushing ??= Promise.resolve().then(() => this.flush());
  }

  /** At once after a pause, and then every 20 ms what has come together meanwhile, each key once; here as in other processes. */
  sendSparingly(topic: string, keys: readonly string[]): void {
    keys.forEach(refuseLong);
    const held = this.held.get(topic);
    if (held) for (const key of keys) held.add(key);
    else this.sendAndHold(topic, keys);
  }

  async onModuleInit(): Promise<void> {
    await this.connect();
  }

  async onApplicationShutdown(): Promise<void> {
    for (const [topic, keys] of this.held) for (const key of keys) if (keys.delete(key)) this.send(topic, key);
    this.stopped = true;
    clearTimeout(this.retry);
    clearTimeout(this.heartbeat);
    await this.flushing;
    await this.client?.end();
  }

  private sendAndHold(topic: string, keys: Iterable<string>): void {
    for (const key of keys) this.send(topic, key);
    const held = new Set<string>();
    this.held.set(topic, held);
    setTimeout(() => {
      this.held.delete(topic);
      if (held.size > 0) this.sendAndHold(topic, held);
    }, QUIET_MS).unref();
  }

  private async flush(): Promise<void> {
    try {
      while (this.waiting.size > 0) {
        const batch = [...this.waiting].slice(0, MAX_PAYLOAD_KEYS);
        for (const entry of batch) this.waiting.delete(entry);
        await this.notify(batch.join('\n'));
      }
    } catch (error) {
      this.logger.warn({ err: error }, 'A signal could not be sent; other processes notice within their time-to-live');
    } finally {
      this.flushing = undefined;
    }
  }

  /** On the channel's own connection, which no request keeps waiting; on one of the pool where that is lost. */
  private async notify(payload: string): Promise<void> {
    if (this.client !== undefined && this.listening) {
      const sent = await this.client.query('SELECT pg_notify($1, $2)', [CHANNEL, payload]).then(
        () => true,
        () => false, // the connection is lost, and says so itself
      );
      if (sent) return;
    }
    await this.prisma.$executeRaw`SELECT pg_notify(${CHANNEL}, ${payload})`;
  }

  private deliver(topic: string, key: string): void {
    for (const listener of this.listeners.get(topic) ?? []) listener(key);
  }

  private async connect(): Promise<void> {
    const client = new pg.Client({
      connectionString: this.env.DATABASE_DIRECT_URL,
      application_name: 'ashlar-signals',
      keepAlive: true,
      connectionTimeoutMillis: 5_000,
      query_timeout: ANSWER_MS,
    });
    client.on('notification', ({ payload = '' }) => {
      for (const line of payload.split('\n')) {
        const space = line.indexOf(' ');
        if (space > 0) this.deliver(line.slice(0, space), line.slice(space + 1));
      }
    });
    client.on('error', (error) => this.lost(client, error));
    client.on('end', () => this.lost(client));
    this.client = client;
    try {
      await client.connect();
      // A NOTIFY is a transaction of its own, and nothing of it has to outlive a crash: it need not wait for the disk.
      await client.query(`SET synchronous_commit TO off; LISTEN ${CHANNEL}`);
      this.listening = true;
      this.beat(client);
      for (const listener of this.gapListeners) listener();
    } catch (error) {
      this.lost(client, error);
    }
  }

  private beat(client: pg.Client): void {
    clearTimeout(this.heartbeat);
    this.heartbeat = setTimeout(() => {
      client.query('SELECT 1').then(
        () => this.client === client && !this.stopped && this.beat(client),
        (error: unknown) => this.lost(client, error),
      );
    }, HEARTBEAT_MS).unref();
  }

  private lost(client: pg.Client, error?: unknown): void {
    if (this.stopped || this.client !== client) return;
    this.client = undefined;
    this.listening = false;
    this.logger.warn({ err: error }, 'The signal channel is lost; trying again');
    client.removeAllListeners();
    client.on('error', () => undefined); // a client that is given up may still report its broken socket
    void client.end().catch(() => undefined); // already broken: there is nothing to end cleanly
    this.retry = setTimeout(() => void this.connect(), RECONNECT_MS);
  }
}
