/** What a provider says of a charge. */
export type ChargeOutcome = { status: 'succeeded' } | { status: 'failed'; failureCode: string };

/** The simulator's methods, and how each ends. */
export const SANDBOX_METHODS = {
  'sandbox:success': { status: 'succeeded' },
  'sandbox:decline': { status: 'failed', failureCode: 'card_declined' },
} as const satisfies Record<string, ChargeOutcome>;

export type SandboxMethod = keyof typeof SANDBOX_METHODS;

export function isSandboxMethod(method: string): method is SandboxMethod {
  return Object.hasOwn(SANDBOX_METHODS, method);
}
