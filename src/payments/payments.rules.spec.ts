import { describe, expect, it } from '@jest/globals';
import { isSandboxMethod, SANDBOX_METHODS } from './payments.rules.js';

describe('a method of the simulator', () => {
  it.each(Object.keys(SANDBOX_METHODS))('is %s', (method) => {
    expect(isSandboxMethod(method)).toBe(true);
  });

  it.each(['', 'sandbox', 'sandbox:', 'sandbox:refund', 'Sandbox:success', 'card', 'constructor', '__proto__'])('is not %j', (method) => {
    expect(isSandboxMethod(method)).toBe(false);
  });
});
