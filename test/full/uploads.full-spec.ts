import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startApp, type TestApp } from '../harness/app.js';
import { eventually } from '../harness/eventually.js';
import { aUser, type Person } from '../harness/people.js';
import { type Product, startProcess, stopProcesses } from '../harness/product.js';
import { aPng, breakOff, filesBelow, upload } from '../harness/uploads.js';

const ABORTED = 1_000;
const AT_ONCE = 20;

let app: TestApp;
let product: Product;
let folder: string;
let ada: Person;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ashlar-uploads-'));
  app = await startApp({ DATA_DIR: folder });
  product = await startProcess({ databaseUrl: app.databaseUrl, env: { DATA_DIR: folder, JWT_ACCESS_TTL_SECONDS: '3600' } });
  ada = await aUser(app);
});

afterAll(async () => {
  await stopProcesses();
  await app.close();
  await rm(folder, { recursive: true });
});

const descriptors = async () => (await readdir(`/proc/${product.pid}/fd`)).length;
/** Without the smaller pictures. */
const originals = async () => (await filesBelow(join(folder, 'files'))).filter((path) => !path.includes('.'));
const memory = async () => Number(/VmRSS:\s+(\d+)/.exec(await readFile(`/proc/${product.pid}/status`, 'utf8'))![1]) * 1_024;

describe('a process that is sent what it does not keep', () => {
  it(`leaks neither descriptors nor bytes over ${ABORTED} uploads that break off`, async () => {
    const part = { name: 'a.txt', type: 'text/plain', bytes: 'w'.repeat(1_000_000) };
    await upload(product, ada, { name: 'a.png', type: 'image/png', bytes: aPng(10, 10) }); // loads what is loaded when it is needed
    const [before, files] = [await descriptors(), await originals()];
    const started = await memory();
    let most = 0;
    for (let n = 0; n < ABORTED; n += AT_ONCE) {
      await Promise.all(Array.from({ length: AT_ONCE }, (_, m) => breakOff(product, ada, part, 1_000 + (((n + m) * 7_919) % 990_000))));
      most = Math.max(most, await memory());
    }
    await eventually(() => product.log.filter(({ msg }) => msg === 'request broken off').length === ABORTED, 60_000);
    await eventually(async () => (await descriptors()) <= before + 10, 60_000); // the pool of the database breathes
    await eventually(async () => (await originals()).join() === files.join(), 30_000);
    expect(most - started).toBeLessThan(128 * 1_048_576);
    expect(product.log.filter(({ level }) => level >= 50)).toEqual([]);
    process.stdout.write(
      `${ABORTED} broken off: descriptors ${before} → ${await descriptors()}, memory + ${((most - started) / 1_048_576).toFixed(0)} MB at most\n`,
    );
  });
});
