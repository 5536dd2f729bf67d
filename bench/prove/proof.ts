// What each proof is, and what several of them need.
import type { Answer, Line } from './answers.ts';
import type { Shop } from './shop.ts';

export type Random = () => number;

export interface Outcome {
  /** What was done and answered, for a reader. */
  numbers: string;
  /** What should not be. */
  faults: string[];
}

export interface Proof {
  name: string;
  claim: string;
  run: (shop: Shop, random: Random, scaled: (full: number, least: number) => number) => Promise<Outcome>;
  /** Processes and the database are killed meanwhile, so that answers of 500 and above are no faults. */
  disturbed?: true;
}

export const LONG = { ORDERS_RESERVATION_SECONDS: '86400' };
/** Methods that end well at once, of both providers. */
export const GOOD = ['sandbox:success', 'pm_card_visa'];

/** The part of customers who have no account. */
export const GUESTS = 0.4;

export const whole = (random: Random, from: number, to: number) => from + Math.floor(random() * (to - from + 1));
export const pick = <T>(random: Random, from: readonly T[]): T => from[Math.floor(random() * from.length)]!;
export const one = (variantId: string, quantity = 1): Line[] => [{ variantId, quantity }];

export function fault(faults: string[], holds: boolean, otherwise: string): void {
  if (!holds) faults.push(otherwise);
}

export function quantile(sorted: number[], part: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))]!;
}

export async function required<Body>(asked: Promise<Answer<Body>>): Promise<Answer<Body>> {
  const answer = await asked;
  if (answer.status >= 300) throw new Error(`it is answered ${answer.status}: ${answer.text}`);
  return answer;
}
