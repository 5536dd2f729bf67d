const BATCH = 2_000;

/**
 * Deletes a lot in small transactions, none of which holds many locks or lasts long: `remove` deletes at most `limit` rows and says how
 * many. Stops when the attempt is told to end; the next firing goes on.
 */
export async function inBatches(signal: AbortSignal, remove: (limit: number) => Promise<number>): Promise<void> {
  while (!signal.aborted && (await remove(BATCH)) === BATCH);
}
