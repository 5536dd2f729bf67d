// `npm run bench:files`: what uploads cost, good ones and bad ones. docs/operate.md says what the figures mean.
import { randomBytes } from 'node:crypto';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import sharp from 'sharp';
import { aPng, breakOff, exchange, filesBelow, type Part, upload } from '../test/harness/uploads.ts';
import { keepReport, makeEmptyDatabase, PASSWORD, PRODUCT, Program, type Server, settingsFor, startServer, table } from './world.ts';

const MB = 1_048_576;
const LARGE_BYTES = 40_000_000;
const gif = 'GIF89a\x01\x00\x01\x00\x00\x00\x00;';
const asf = Buffer.concat([Buffer.from('3026b2758e66cf11a6d900aa0062ce6c', 'hex'), Buffer.alloc(39)]);
const text = (bytes: string | Buffer): Part => ({ name: 'a.txt', type: 'text/plain', bytes });
const BAD: Record<string, Part | Part[]> = {
  'wrong magic': { name: 'a.png', type: 'image/png', bytes: 'no picture' },
  'GIF and page, named .jpg': { name: 'a.jpg', type: 'image/jpeg', bytes: `${gif}<script>` },
  'GIF and page': { name: 'a.gif', type: 'image/gif', bytes: `${gif}<script>` },
  'PDF, named .jpg': { name: 'a.jpg', type: 'image/jpeg', bytes: '%PDF-1.7 /JavaScript' },
  '50,000 × 50,000 px': { name: 'a.png', type: 'image/png', bytes: aPng(50_000, 50_000, 1) },
  '10,000 parts': Array.from({ length: 10_000 }, () => text('a')),
  'CR/LF in the name': { name: 'a\r\nb.txt', type: 'text/plain', bytes: 'a' },
  '55 bytes of ASF': { name: 'a', type: 'application/octet-stream', bytes: asf },
  'an archive': { name: 'a.zip', type: 'application/zip', bytes: Buffer.from('504b0304', 'hex') },
  'one byte too many': text(Buffer.alloc(52_428_801, 'a')),
};

interface Caller {
  accessToken: string;
}

/** The most memory that a process takes while something is done. */
async function peak<T>(program: Program, work: () => Promise<T>): Promise<{ result: T; mb: number; ms: number }> {
  let most = program.rssMb();
  const watch = setInterval(() => (most = Math.max(most, program.rssMb())), 5);
  const began = performance.now();
  const result = await work();
  const ms = performance.now() - began;
  clearInterval(watch);
  return { result, mb: Math.max(most, program.rssMb()), ms };
}

async function register(url: string): Promise<Caller> {
  const body = JSON.stringify({ email: `b-${randomBytes(6).toString('hex')}@example.org`, password: PASSWORD, name: 'Bench' });
  const answer = await fetch(`${url}/api/v1/auth/register`, { method: 'POST', headers: { 'content-type': 'application/json' }, body });
  return (await answer.json()) as Caller;
}

const descriptors = async ({ pid }: Program) => (await readdir(`/proc/${pid}/fd`)).length;
const row = (what: string, ms: string, mb: number) => [what, ms, mb.toFixed(0)];

async function measure(program: Program, folder: string): Promise<{ good: string[][]; bad: string[][] }> {
  const by = await register(program.url);
  const atStart = program.rssMb();
  const good = [row('started', program.startMs.toFixed(0), atStart)];
  const bytes = randomBytes(LARGE_BYTES / 2).toString('hex');
  await upload(program, by, text('a'));
  const base = program.rssMb();
  const sent = await peak(program, async () => {
    for (let turn = 0; turn < 3; turn++) await Promise.all(Array.from({ length: 8 }, () => upload(program, by, text(bytes))));
  });
  good.push(row(`24 uploads of 40 MB, 8 at once: ${((24 * LARGE_BYTES) / 1_000 / sent.ms).toFixed(0)} MB/s`, sent.ms.toFixed(0), sent.mb));
  const { body } = await upload(program, by, text(bytes));
  const read = await peak(program, () => Promise.all(Array.from({ length: 8 }, () => exchange(program, 'GET', body.url))));
  good.push(row(`8 reads of 40 MB at once: ${((8 * LARGE_BYTES) / 1_000 / read.ms).toFixed(0)} MB/s`, read.ms.toFixed(0), read.mb));
  const photo = await sharp({
    create: { width: 8_160, height: 6_120, channels: 3, background: 'teal', noise: { type: 'gaussian', mean: 128, sigma: 30 } },
  })
    .jpeg({ quality: 80 })
    .toBuffer();
  const picture = await peak(program, async () => {
    const { body: file } = await upload(program, by, { name: 'a.jpg', type: 'image/jpeg', bytes: photo });
    const headers = { authorization: `Bearer ${by.accessToken}` };
    while ((await exchange(program, 'GET', `files/${file.id}`, { headers })).body.variantsStatus !== 'ready') await sleep(20);
  });
  good.push(
    row(`a photo of 50 megapixels (${(photo.length / MB).toFixed(0)} MB) with its three variants`, picture.ms.toFixed(0), picture.mb),
  );

  const files = (await filesBelow(folder)).length;
  const bad: string[][] = [];
  for (const [what, part] of Object.entries(BAD)) {
    const before = program.rssMb();
    const times: number[] = [];
    const { mb } = await peak(program, async () => {
      for (let turn = 0; turn < 10; turn++) {
        const began = performance.now();
        const { status } = await upload(program, by, part);
        if (status < 400 || status >= 500) throw new Error(`${what} was answered ${status}.`);
        times.push(performance.now() - began);
      }
    });
    bad.push([what, Math.max(...times).toFixed(0), `+ ${Math.max(0, mb - before).toFixed(0)}`]);
  }
  const [open, before] = [await descriptors(program), program.rssMb()];
  const broken = await peak(program, async () => {
    for (let turn = 0; turn < 50; turn++)
      await Promise.all(
        Array.from({ length: 20 }, () => breakOff(program, by, text(bytes.slice(0, MB)), 1_000 + Math.floor(Math.random() * MB * 0.9))),
      );
  });
  const count = async () => (await filesBelow(folder)).length - files;
  for (let waits = 0; waits < 60 && (await count()) > 0; waits++) await sleep(500);
  const left = await count();
  bad.push([
    `1,000 broken off (${left} files left, descriptors ${open} → ${await descriptors(program)})`,
    broken.ms.toFixed(0),
    `+ ${Math.max(0, broken.mb - before).toFixed(0)}`,
  ]);
  good.push(row('the same process with nothing but a small upload', '', base));
  return { good, bad };
}

async function main(server: Server): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'ashlar-bench-files-'));
  const databaseUrl = await makeEmptyDatabase(server, 'files');
  const settings = { ...settingsFor(databaseUrl), DATA_DIR: folder, FILES_QUOTA_BYTES: '0' };
  const program = await Program.start(PRODUCT, settings);
  try {
    const { good, bad } = await measure(program, join(folder, 'files'));
    const report = [
      table(['what', 'ms', 'memory at most, MB'], good),
      table(['refused, ten times each', 'slowest, ms', 'memory, MB'], bad),
    ].join('\n\n');
    process.stdout.write(`${report}\n`);
    await keepReport('bench:files', 'One process (ROLE=all), a local folder; the client runs on the same cores.', report);
  } finally {
    await program.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

const server = await startServer();
try {
  await main(server);
} finally {
  await server.stop();
}
process.exit();
