/** What of a representation is asked for: all of it (null), one stretch, or nothing that is there. */
export type Stretch = { first: number; last: number } | 'unsatisfiable' | null;

/**
 * Reads `Range` (RFC 9110, 14.1.2 and 14.2). Another unit, several ranges and what is no range are answered with everything, as the RFC
 * allows; `ifRange` (13.1.5) that does not name this very representation, too.
 */
export function stretchOf(
  { range, ifRange }: { range?: string; ifRange?: string },
  { size, etag, modifiedAt }: { size: number; etag: string; modifiedAt: Date },
): Stretch {
  const [, from = '', to = ''] = /^bytes=\s*(\d{0,15})-(\d{0,15})\s*$/i.exec(range ?? '') ?? [];
  if (from === '' && to === '') return null;
  if (ifRange !== undefined && ifRange.trim() !== etag && ifRange.trim() !== modifiedAt.toUTCString()) return null;
  if (from === '') {
    const length = Math.min(Number(to), size);
    return length === 0 ? 'unsatisfiable' : { first: size - length, last: size - 1 };
  }
  const first = Number(from);
  const last = to === '' ? size - 1 : Math.min(Number(to), size - 1);
  if (to !== '' && Number(to) < first) return null; // not a range
  return first >= size ? 'unsatisfiable' : { first, last };
}
