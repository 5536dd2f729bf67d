import { createHash } from 'node:crypto';

/** What is asked of the service, and what it is not told: the first five digits of SHA-1, and the others. */
export function rangeOf(password: string): { prefix: string; suffix: string } {
  const digits = createHash('sha1').update(password).digest('hex').toUpperCase();
  return { prefix: digits.slice(0, 5), suffix: digits.slice(5) };
}

/** How often an answer (`SUFFIX:COUNT`, a line each; padding counts 0) says that a password has turned up. */
export function countIn(answer: string, suffix: string): number {
  const line = answer.split('\n').find((each) => each.toUpperCase().startsWith(`${suffix}:`));
  return line === undefined ? 0 : Number.parseInt(line.slice(suffix.length + 1), 10) || 0;
}
