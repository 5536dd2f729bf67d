/** A lost signal delays what it told of by so much. */
const POLL_MS = 1_000;

/** Does what there is to do; `woken` unless it only looks, in case nobody was heard. Returns whether there is more to do at once. */
type Work = (woken: boolean) => Promise<boolean>;

/**
 * Work that is done whenever somebody says that there is some, and every second in case that was not heard: once at a time, and once more
 * for what was said meanwhile. After a failure it rests: the database may be down.
 */
export class Loop {
  /** Whether it is to end: for work that takes long. */
  stopped = false;
  private woken = false;
  private continueNow: () => void = () => undefined;
  private running = Promise.resolve();

  constructor(
    private readonly work: Work,
    private readonly failed: (error: unknown) => void,
  ) {}

  start(): void {
    this.running = this.run();
  }

  wake(): void {
    this.woken = true;
    this.continueNow();
  }

  /** Resolves when what is being done is done. */
  async stop(): Promise<void> {
    this.stopped = true;
    this.wake();
    await this.running;
  }

  private async run(): Promise<void> {
    while (!this.stopped) {
      const { woken } = this;
      this.woken = false;
      try {
        if (await this.work(woken)) this.woken = true;
      } catch (error) {
        this.failed(error);
        this.woken = false; // not at once
      }
      if (!this.woken) await this.pause();
    }
  }

  private async pause(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.continueNow = resolve;
      setTimeout(resolve, POLL_MS).unref();
      if (this.stopped) resolve();
    });
  }
}
