import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { expect, it } from '@jest/globals';

/** What `npm run prove` does at full scale; the global set-up has built what it starts. */
function prove(scale: number): Promise<{ code: number; output: string }> {
  return new Promise((resolve) => {
    const args = [join(import.meta.dirname, '../../bench/prove.ts'), '--scale', String(scale)];
    const child = execFile(process.execPath, args, (_, stdout, stderr) => resolve({ code: child.exitCode ?? 1, output: stdout + stderr }));
  });
}

it('the proof of commerce holds at a twentieth of its scale', async () => {
  const { code, output } = await prove(0.05);
  expect(output).toMatch(/Everything holds\.\n$/);
  expect(code).toBe(0);
});
