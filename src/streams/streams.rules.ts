import type { Published } from '#events';

/** Why a stream cannot go on where its reader left it. */
export type ResetReason = 'expired' | 'too-far-behind' | 'unknown';

/** Reconnecting at once, all readers of a process that has ended would meet at the next one. */
const LEAST_RETRY_MS = 1_000;
const RETRY_SPREAD_MS = 2_000;

/**
 * The kinds that a list such as `order.paid,comment.*` means, among those there are; null when a part of it means none.
 */
export function kindsIn(list: string, known: Iterable<string>): ReadonlySet<string> | null {
  const names = [...known];
  const kinds = new Set<string>();
  for (const part of list.split(',')) {
    const meant = part.endsWith('.*') ? names.filter((name) => name.startsWith(part.slice(0, -1))) : names.filter((name) => name === part);
    if (meant.length === 0) return null;
    for (const name of meant) kinds.add(name);
  }
  return kinds;
}

/**
 * An event as the stream tells it (WHATWG HTML, section 9.2). Its data is one line, since JSON has line ends only in escapes; id and name
 * are the log's and the catalogue's own. So nothing in a payload can be taken for a field.
 */
export function eventFrame(event: Published): string {
  const { id, name, version, resource, actorId, subjectId, payload, requestId, occurredAt, cursor } = event;
  const data = { id, name, version, resource, actorId, subjectId, payload, requestId, occurredAt, cursor };
  return `id: ${cursor}\nevent: ${name}\ndata: ${JSON.stringify(data)}\n\n`;
}

/** The first of a stream: how long to wait before coming back (`random`: from 0 to 1), and from where to go on then. */
export function openingFrame(cursor: string, random: number): string {
  return `retry: ${Math.round(LEAST_RETRY_MS + random * RETRY_SPREAD_MS)}\nid: ${cursor}\n\n`;
}

/** Keeps the connection open, and moves on where to resume, past all that was not for this reader. */
export function heartbeatFrame(cursor: string): string {
  return `: heartbeat\nid: ${cursor}\n\n`;
}

/** What came between the reader's last event and `cursor` cannot be told any more. */
export function resetFrame(reason: ResetReason, cursor: string): string {
  return `id: ${cursor}\nevent: reset\ndata: ${JSON.stringify({ reason, cursor })}\n\n`;
}
