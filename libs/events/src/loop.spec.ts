import { describe, expect, it } from '@jest/globals';
import { Loop } from './loop.js';

const turn = () => new Promise((resolve) => setImmediate(resolve));

/** A loop whose runs end when the test says so. */
function aLoop() {
  const runs: { woken: boolean; end: (more: boolean) => void; fail: (error: Error) => void }[] = [];
  const failures: unknown[] = [];
  const loop = new Loop(
    (woken) => new Promise((end, fail) => runs.push({ woken, end, fail })),
    (error) => failures.push(error),
  );
  loop.start();
  return { loop, runs, failures };
}

describe('a loop', () => {
  it('runs at the start, and then when it is woken', async () => {
    const { loop, runs } = aLoop();
    runs[0]!.end(false);
    await turn();
    expect(runs).toHaveLength(1);
    loop.wake();
    await turn();
    expect(runs.map(({ woken }) => woken)).toEqual([false, true]);
    runs[1]!.end(false);
    await loop.stop();
  });

  it('runs once more for however many wake it while it runs', async () => {
    const { loop, runs } = aLoop();
    for (let time = 0; time < 3; time++) loop.wake();
    expect(runs).toHaveLength(1);
    runs[0]!.end(false);
    await turn();
    expect(runs).toHaveLength(2);
    runs[1]!.end(false);
    await turn();
    expect(runs).toHaveLength(2);
    await loop.stop();
  });

  it('goes on while there is more', async () => {
    const { loop, runs } = aLoop();
    runs[0]!.end(true);
    await turn();
    runs[1]!.end(false);
    await turn();
    expect(runs).toHaveLength(2);
    await loop.stop();
  });

  it('looks by itself, and does not try again at once what has failed', async () => {
    const { loop, runs, failures } = aLoop();
    loop.wake();
    runs[0]!.fail(new Error('away'));
    await turn();
    expect([runs.length, failures]).toEqual([1, [new Error('away')]]);
    await new Promise((resolve) => setTimeout(resolve, 1_100));
    expect(runs.map(({ woken }) => woken)).toEqual([false, false]);
    runs[1]!.end(false);
    await loop.stop();
  });

  it('stops when its run has ended', async () => {
    const { loop, runs } = aLoop();
    let stopped = false;
    const stopping = loop.stop().then(() => (stopped = true));
    await turn();
    expect(stopped).toBe(false);
    runs[0]!.end(true);
    await stopping;
    expect(runs).toHaveLength(1);
  });
});
