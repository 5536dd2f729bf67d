import { afterCommit, clientOf, type Db, type PrismaService, signal } from '#database';

export const EVENTS_PUBLISHED = 'events';
/** The log has grown; sent once for each of the dispatcher's transactions, after its commit. */
export const LOG_EXTENDED = 'log';

/** At most so often does a process that publishes a lot say so: NOTIFY takes a lock that every commit in the cluster which notifies shares. */
const QUIET_MS = 20;

const silent = new WeakMap<PrismaService, { until: number; timer: NodeJS.Timeout | null }>();

/** Tells the dispatcher, in whichever process it runs, that there is something new, once it is committed. */
export function wakeDispatcher(db: Db): void {
  const client = clientOf(db);
  afterCommit(db, () => {
    const state = silent.get(client) ?? { until: 0, timer: null };
    silent.set(client, state);
    if (state.timer !== null) return; // that one tells of this event, too
    const tell = () => {
      state.timer = null;
      state.until = performance.now() + QUIET_MS;
      signal(client, EVENTS_PUBLISHED, '');
    };
    const wait = state.until - performance.now();
    if (wait <= 0) tell();
    else state.timer = setTimeout(tell, wait).unref();
  });
}
