import { createHash } from 'node:crypto';

const BYTES = 5;
const SHORTEST = 6;
/** So much around a common password does not make it another one. */
const MOST_AROUND = 8;

/** Whether a set of packed passwords (see .config/common-passwords.mjs) holds this one, or one that it is made of. */
export function isCommon(packed: Buffer, password: string): boolean {
  return disguises(password.toLowerCase()).some((text) => holds(packed, text));
}

/** A password, and what it is when what people put around a word (`Dragon2024!`) and repetitions of it are taken off. */
function disguises(password: string): string[] {
  const [, before = '', bare = '', after = ''] = /^(\P{L}*)(.*?)(\P{L}*)$/su.exec(password) ?? [];
  const found = [password, unitOf(password), unitOf(password.replace(/[^\p{L}\p{N}]/gu, ''))];
  if (before.length <= MOST_AROUND) found.push(password.slice(before.length));
  if (after.length <= MOST_AROUND) found.push(password.slice(0, password.length - after.length));
  if (before.length + after.length <= MOST_AROUND) found.push(bare, unitOf(bare));
  return [...new Set(found)].filter((text) => text.length >= SHORTEST);
}

/** What a text repeats, or the text itself. */
function unitOf(text: string): string {
  const length = (text + text).indexOf(text, 1);
  return length > 0 ? text.slice(0, length) : text;
}

/** Binary search among sorted beginnings of SHA-256. */
function holds(packed: Buffer, text: string): boolean {
  const wanted = createHash('sha256').update(text).digest().subarray(0, BYTES);
  let [low, high] = [0, packed.length / BYTES - 1];
  while (low <= high) {
    const middle = (low + high) >> 1;
    const order = packed.compare(wanted, 0, BYTES, middle * BYTES, (middle + 1) * BYTES);
    if (order === 0) return true;
    if (order < 0) low = middle + 1;
    else high = middle - 1;
  }
  return false;
}
