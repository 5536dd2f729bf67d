// What the shop is asked and answers, and how often.
export interface Answer<Body> {
  status: number;
  headers: Headers;
  body: Body;
  text: string;
}

export interface Problem {
  code: string;
}

export interface OrderBody {
  id: string;
  number: string;
  status: string;
  items: Line[];
  total: { amount: number; currency: string };
  expiresAt: string | null;
  /** Opens it, for a guest. */
  token?: string;
}

export interface PaymentBody {
  id: string;
  status: 'succeeded' | 'processing' | 'requires_action' | 'failed';
}

/** As `quantity` and other members: what a client may send, right or wrong. */
export interface Line {
  variantId: string;
  quantity: number;
}

/** How many of each variant lines come to. */
export function together(lines: readonly Line[]): Map<string, number> {
  const pieces = new Map<string, number>();
  for (const { variantId, quantity } of lines) pieces.set(variantId, (pieces.get(variantId) ?? 0) + quantity);
  return pieces;
}

/** How many requests were answered how, where that was none of the answers that were looked for. */
export type Tally = Record<string, number>;

export const aKey = (): string => crypto.randomUUID();

/** `201`, `409 products/out-of-stock` */
export function nameOf(answer: Answer<unknown>): string {
  return answer.status < 400 ? String(answer.status) : `${answer.status} ${codeOf(answer)}`;
}

export function codeOf({ body }: Answer<unknown>): string | undefined {
  return (body as Partial<Problem> | null)?.code;
}

export function tally(answers: Answer<unknown>[]): Tally {
  const counts: Tally = {};
  for (const answer of answers) count(counts, nameOf(answer));
  return counts;
}

export function count(counts: Tally, name: string): void {
  counts[name] = (counts[name] ?? 0) + 1;
}

export function listed(counts: Tally): string {
  const names = Object.entries(counts).sort(([a], [b]) => a.localeCompare(b));
  return names.map(([name, times]) => `${times} × ${name}`).join(', ') || 'none';
}

/** Does `work` for 0 … count − 1, so many at a time; the results in their order. */
export async function inTurns<T>(atOnce: number, many: number, work: (index: number) => Promise<T>): Promise<T[]> {
  const results = new Array<T>(many);
  let next = 0;
  const worker = async () => {
    while (next < many) {
      const index = next++;
      results[index] = await work(index);
    }
  };
  await Promise.all(Array.from({ length: Math.min(atOnce, many) }, worker));
  return results;
}

/** What `fetch` throws when nobody listens, or a connection breaks. */
export function isBrokenOff(error: unknown): boolean {
  return error instanceof TypeError || (error instanceof Error && error.name === 'TimeoutError');
}
