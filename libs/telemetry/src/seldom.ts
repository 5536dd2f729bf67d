const PAUSE_MS = 60_000;

/** For what would be logged again and again: says at most once a minute that it is time to. */
export class Seldom {
  private readonly said = new Map<string, { at: number; since: number }>();

  /** How often `what` was held back since it was last said; undefined when it is to be held back now, too. Give it few different ones. */
  due(what: string): number | undefined {
    const last = this.said.get(what);
    if (last !== undefined && performance.now() - last.at < PAUSE_MS) {
      last.since += 1;
      return undefined;
    }
    this.said.set(what, { at: performance.now(), since: 0 });
    return last?.since ?? 0;
  }
}
