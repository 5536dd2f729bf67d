const PATIENCE_MS = 1_000;

/**
 * Lets only so many in at once. Who finds every place taken waits for a second; after one has waited in vain, nobody waits until somebody
 * leaves. So a mail server that hangs keeps a few of this process's workers busy, and the others free.
 */
export class Gate {
  private inside = 0;
  private stuck = false;
  private readonly waiting = new Set<(admitted: boolean) => void>();

  constructor(private readonly places: number) {}

  /** Runs `work` once there is a place for it; null when there was none. */
  async pass<T>(work: () => Promise<T>): Promise<T | null> {
    if (!(await this.admitted())) return null;
    try {
      return await work();
    } finally {
      this.leave();
    }
  }

  private admitted(): boolean | Promise<boolean> {
    if (this.inside < this.places) {
      this.inside += 1;
      return true;
    }
    if (this.stuck) return false;
    return new Promise((resolve) => {
      const settle = (admitted: boolean) => {
        clearTimeout(patience);
        this.waiting.delete(settle);
        resolve(admitted);
      };
      const patience = setTimeout(() => {
        this.stuck = true;
        settle(false);
      }, PATIENCE_MS);
      this.waiting.add(settle);
    });
  }

  /** The place goes to whoever has waited longest. */
  private leave(): void {
    this.stuck = false;
    const [next] = this.waiting;
    if (next) next(true);
    else this.inside -= 1;
  }
}
