import { describe, expect, it } from '@jest/globals';
import { Gate } from './gate.js';

const held = () => {
  let release!: (value: string) => void;
  const work = new Promise<string>((resolve) => (release = resolve));
  return { work: () => work, release };
};

describe('the gate before the mail server', () => {
  it('lets as many in as there are places, and the next ones as they leave, in turn', async () => {
    const gate = new Gate(2);
    const [first, second] = [held(), held()];
    const begun: string[] = [];
    const passes = [
      gate.pass(first.work),
      gate.pass(second.work),
      ...['third', 'fourth'].map((name) => gate.pass(async () => (begun.push(name), name))),
    ];
    await Promise.resolve();
    expect(begun).toEqual([]);
    first.release('first');
    expect(await passes[2]).toBe('third');
    expect(await passes[3]).toBe('fourth');
    expect(begun).toEqual(['third', 'fourth']);
    second.release('second');
    expect(await Promise.all(passes)).toEqual(['first', 'second', 'third', 'fourth']);
  });

  it('keeps nobody waiting while nobody leaves, and is open again afterwards', async () => {
    const gate = new Gate(1);
    const hanging = held();
    const inside = gate.pass(hanging.work);
    expect(await gate.pass(async () => 'in')).toBeNull();
    const asked = performance.now();
    expect(await gate.pass(async () => 'in')).toBeNull();
    expect(performance.now() - asked).toBeLessThan(500);
    hanging.release('left');
    expect(await inside).toBe('left');
    expect(await gate.pass(async () => 'in')).toBe('in');
  });

  it('gives a place back when the work fails', async () => {
    const gate = new Gate(1);
    await expect(gate.pass(async () => Promise.reject(new Error('broken')))).rejects.toThrow('broken');
    expect(await gate.pass(async () => 'in')).toBe('in');
  });
});
