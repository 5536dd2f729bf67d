import type { ProblemDefinition } from '#errors';

export class ProblemKindResponse {
  /** @example "products/out-of-stock" */
  code: string;
  /** @example 409 */
  status: number;
  /** @example "Not enough in stock" */
  title: string;
  help: string;

  static from({ code, title, help }: ProblemDefinition, status: number): ProblemKindResponse {
    return { code, status, title, help };
  }
}

export class ProblemKindList {
  items: ProblemKindResponse[];
  /** Always null: the list is whole. */
  nextCursor: string | null;
}
