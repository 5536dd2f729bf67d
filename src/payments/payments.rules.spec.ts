import { describe, expect, it } from '@jest/globals';
import { askAgainSeconds, isSandboxMethod, SANDBOX_METHODS } from './payments.rules.js';

describe('a method of the simulator', () => {
  it.each(Object.keys(SANDBOX_METHODS))('is %s', (method) => {
    expect(isSandboxMethod(method)).toBe(true);
  });

  it.each(['', 'sandbox', 'sandbox:', 'sandbox:refund', 'Sandbox:success', 'card', 'constructor', '__proto__'])('is not %j', (method) => {
    expect(isSandboxMethod(method)).toBe(false);
  });
});

describe('a provider that did not know yet', () => {
  it('is asked again after ten seconds, then ever more seldom, but every hour', () => {
    expect([0, 1, 2, 3, 4, 5, 6, 60].map(askAgainSeconds)).toEqual([10, 30, 90, 270, 810, 2_430, 3_600, 3_600]);
  });
});
