import { rm } from 'node:fs/promises';

export default async function tearDown(): Promise<void> {
  const run = globalThis.ashlarTestRun;
  if (run === undefined) return;
  await run.stop();
  await rm(run.folder, { recursive: true, force: true });
}
