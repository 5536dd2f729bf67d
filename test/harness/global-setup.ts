// Jest turns this file into CommonJS and runs it outside its module world: what it loads is the built product, and that by its path.
import { execFile } from 'node:child_process';
import { copyFile, cp, mkdtemp, readdir, rm, statfs, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

interface Database {
  startEmbedded: (options: {
    dataDir: string;
    durable: boolean;
    settings: Record<string, string>;
  }) => Promise<{ url: string; stop: () => Promise<void> }>;
}

interface Deploy {
  migrateDatabase: (url: string) => Promise<string[]>;
}

declare global {
  /** What the teardown has to clear away. */
  var ashlarTestRun: { folder: string; stop: () => Promise<void> } | undefined;
}

const root = join(import.meta.dirname, '../..');
const OURS = 'ashlar-test-';
const MEMORY = '/dev/shm';
const ROOM = 4 * 1024 ** 3;

/** Builds the product where its sources changed, and starts the run's one PostgreSQL with a migrated template that every test file clones. */
export default async function setUp(): Promise<void> {
  await promisify(execFile)(process.execPath, [join(root, '.config/build.mjs'), '--if-changed'], {
    env: { ...process.env, NODE_OPTIONS: '' },
  }).catch((error: { stderr?: string }) => {
    throw new Error(error.stderr, { cause: error });
  });
  const folder = await mkdtemp(join(process.env.TMPDIR ?? (await scratch()), `${OURS}${process.pid}-`));
  process.env.TMPDIR = folder; // what tests leave there is cleared away with it
  const product = await snapshot(join(folder, 'product'));
  const { startEmbedded } = (await import(join(product, 'dist/libs/database/src/index.js'))) as Database;
  const { migrateDatabase } = (await import(join(product, 'dist/prisma/deploy.js'))) as Deploy;
  const server = await startEmbedded({ dataDir: join(folder, 'database'), durable: false, settings: { max_connections: '400' } });
  globalThis.ashlarTestRun = { folder, stop: () => server.stop() };
  await migrateDatabase(server.url);
  process.env.ASHLAR_TEST_TEMPLATE_URL = server.url;
  process.env.ASHLAR_TEST_DATA_DIR = join(folder, 'data');
  process.env.ASHLAR_TEST_PRODUCT = product;
}

/** The product as it was built for this run: `npm run dev` may build another one meanwhile. */
async function snapshot(folder: string): Promise<string> {
  await cp(join(root, 'dist'), join(folder, 'dist'), { recursive: true });
  await copyFile(join(root, 'package.json'), join(folder, 'package.json'));
  for (const name of ['node_modules', 'prisma']) await symlink(join(root, name), join(folder, name), 'junction');
  return folder;
}

/**
 * Where that lies which tests keep for a while: in memory where there is room, because a clone of a database is a thousand files, and some disks
 * take half a second for them. Clears away there what runs that were killed have left.
 */
async function scratch(): Promise<string> {
  const { bavail, bsize } = await statfs(MEMORY).catch(() => ({ bavail: 0, bsize: 0 }));
  if (bavail * bsize < ROOM) return tmpdir();
  const left = (await readdir(MEMORY)).filter((name) => name.startsWith(OURS) && !isAlive(Number(name.split('-')[2])));
  await Promise.all(left.map((name) => rm(join(MEMORY, name), { recursive: true, force: true })));
  return MEMORY;
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return (error as { code?: string }).code === 'EPERM';
  }
}
