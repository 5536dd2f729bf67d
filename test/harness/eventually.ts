import { setTimeout as sleep } from 'node:timers/promises';

/** Asks until the answer is neither undefined nor false. What `ask` throws goes on as it is. */
export async function eventually<T>(ask: () => Promise<T | undefined | false> | T | undefined | false, withinMs = 10_000): Promise<T> {
  const deadline = performance.now() + withinMs;
  for (;;) {
    const answer = await ask();
    if (answer !== undefined && answer !== false) return answer;
    if (performance.now() > deadline) throw new Error(`It did not come to pass within ${withinMs} ms: ${ask.toString()}`);
    await sleep(10);
  }
}
