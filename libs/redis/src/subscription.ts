import type { Redis as Client } from 'ioredis';

/** A channel that is heard over a connection of its own, since one that subscribes can ask for nothing else; made anew whenever it breaks. */
export class Subscription {
  /** Whether what is published now is heard, as far as is known. */
  live = false;
  private doubted = false;
  private closed = false;

  constructor(
    private readonly client: Client,
    channel: string,
    private readonly on: { hear: (message: Buffer) => void; fail: (error: unknown) => void; end: () => void },
  ) {
    const failed = (error: unknown) => {
      if (!this.closed) on.fail(error);
    };
    client.on('messageBuffer', (_, message: Buffer) => on.hear(message));
    client.on('ready', () => {
      client.subscribe(channel).then(() => (this.live = !this.closed), failed);
    });
    client.on('close', () => (this.live = false));
    client.on('error', failed);
    client.connect().catch(failed); // it is tried again, and goes on in `ready`
  }

  /** Something was not heard that should have been: a connection that does not answer is given up for another. */
  doubt(): void {
    if (this.doubted || !this.live) return;
    this.doubted = true;
    this.client
      .ping()
      .catch(() => {
        this.live = false;
        if (!this.closed) this.client.disconnect(true);
      })
      .finally(() => (this.doubted = false));
  }

  close(): void {
    this.closed = true;
    this.live = false;
    this.client.disconnect();
    this.on.end();
  }
}
