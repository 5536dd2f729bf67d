import { hash } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';

/**
 * How a member of a resource is kept: `plain`; `personal`, encrypted under the key of the person it concerns; `digest`, of a long text
 * only its SHA-256 and length, encrypted likewise (a hash of a text that can be guessed gives the text away). What is not named is not kept.
 */
export type Kept = 'plain' | 'personal' | 'digest';

export type Members = Readonly<Record<string, Kept>>;

type Values = Record<string, unknown>;

export interface Difference {
  /** Plain values; personal ones are null. */
  before: Values | null;
  after: Values | null;
  personal: { before?: Values; after?: Values } | null;
}

/**
 * What of a change is kept: of a creation (no `before`) everything that is there, of a removal likewise, of a change the members that
 * differ, on both sides. Only members that are named count, whatever else the objects hold.
 */
export function difference(members: Members, before: object | undefined, after: object | undefined): Difference {
  const [old, now] = [before as Values | undefined, after as Values | undefined];
  const plain: { before: Values; after: Values } = { before: {}, after: {} };
  const personal: { before: Values; after: Values } = { before: {}, after: {} };
  for (const [name, kept] of Object.entries(members)) {
    const was = kept === 'digest' ? digest(old?.[name]) : stored(old?.[name]);
    const is = kept === 'digest' ? digest(now?.[name]) : stored(now?.[name]);
    if (isDeepStrictEqual(was, is)) continue;
    for (const [side, values, value] of [
      ['before', old, was],
      ['after', now, is],
    ] as const) {
      if (values === undefined) continue;
      plain[side][name] = kept === 'plain' ? value : null;
      if (kept !== 'plain' && value !== null) personal[side][name] = value;
    }
  }
  const hidden = {
    ...(Object.keys(personal.before).length > 0 && { before: personal.before }),
    ...(Object.keys(personal.after).length > 0 && { after: personal.after }),
  };
  return {
    before: old ? plain.before : null,
    after: now ? plain.after : null,
    personal: Object.keys(hidden).length > 0 ? hidden : null,
  };
}

/** A value as JSON keeps it. What is absent is null. */
function stored(value: unknown): unknown {
  if (value === undefined || value === null) return null;
  if (typeof value === 'bigint') return Number.isSafeInteger(Number(value)) ? Number(value) : String(value);
  if (value instanceof Date) return value.toISOString();
  if (Array.isArray(value)) return value.map(stored);
  if (typeof value === 'object') return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, stored(member)]));
  return value;
}

function digest(value: unknown): unknown {
  if (typeof value !== 'string') return null;
  return { sha256: hash('sha256', value), length: value.length };
}
