import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { openSync, readFileSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { applyMigrations, startEmbedded } from '#database';
import { migrateWorker } from '#jobs';
import { hash } from '@node-rs/argon2';
import pg from 'pg';
import { fill, type World } from './fill.ts';

export const PASSWORD = 'nine quiet herons wade upstream';
const ROOT = join(import.meta.dirname, '..');
export const PRODUCT = join(ROOT, 'dist/src/main.js');
export const BASELINE = join(ROOT, 'bench/baseline/server.ts');
const TICKS_PER_SECOND = 100; // USER_HZ, the same on every Linux

/** A PostgreSQL of our own, durable as in production, in a temporary folder that goes with it. */
export interface Server {
  url: string;
  /** CPU time of all its processes so far. */
  cpuMs(): Promise<number>;
  /** The process that started all others of it; another one after a crash. */
  postmaster(): Promise<number>;
  stop(): Promise<void>;
}

export async function startServer(): Promise<Server> {
  const folder = await mkdtemp(join(tmpdir(), 'ashlar-bench-'));
  const embedded = await startEmbedded({ dataDir: folder, durable: true, settings: { max_wal_size: '4GB', shared_buffers: '512MB' } });
  const findPostmaster = async () => Number((await readFile(join(folder, 'postgres/postmaster.pid'), 'utf8')).split('\n')[0]);
  return {
    url: embedded.url,
    postmaster: findPostmaster,
    cpuMs: async () => {
      const postmaster = await findPostmaster();
      const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number);
      return pids
        .filter((pid) => pid === postmaster || statOf(pid)?.parent === postmaster)
        .reduce((sum, pid) => sum + (statOf(pid)?.cpuMs ?? 0), 0);
    },
    stop: async () => {
      await embedded.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** A Redis that ends with this process; undefined where none is installed. */
export async function startRedis(): Promise<{ url: string; child: ChildProcess } | undefined> {
  try {
    execFileSync('redis-server', ['--version']);
  } catch {
    console.log('There is no redis-server here; what needs one is left out.');
    return undefined;
  }
  const port = await freePort();
  const child = spawn('redis-server', ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no'], {
    stdio: 'ignore',
  });
  process.once('exit', () => child.kill('SIGKILL'));
  await sleep(500);
  return { url: `redis://127.0.0.1:${port}`, child };
}

/** A migrated database of the server, filled. */
export async function makeDatabase(server: Server, name: string, world: World): Promise<string> {
  const url = await makeEmptyDatabase(server, name);
  const passwordHash = await hash(PASSWORD, { memoryCost: 19_456, timeCost: 2, parallelism: 1 });
  await withClient(url, (client) => fill(client, { ...world, passwordHash }));
  return url;
}

/** A migrated database of the server. */
export async function makeEmptyDatabase(server: Server, name: string): Promise<string> {
  await query(server.url, `CREATE DATABASE ${name}`);
  const url = server.url.replace(/[^/]*$/, name);
  await applyMigrations(url);
  await migrateWorker(url);
  return url;
}

export async function query<Row extends object>(url: string, sql: string): Promise<Row[]> {
  return withClient(url, async (client) => (await client.query<Row>(sql)).rows);
}

async function withClient<T>(url: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

/** The settings of production, with limits that no load here reaches; the same for every process of this run. */
export function settingsFor(databaseUrl: string): Record<string, string> {
  return {
    NODE_ENV: 'production',
    HOST: '127.0.0.1',
    PUBLIC_URL: 'http://localhost:3000',
    DATABASE_URL: databaseUrl,
    DATABASE_POOL_SIZE: '10',
    JWT_PRIVATE_KEYS: SIGNING_KEY,
    ENCRYPTION_KEYS: ENCRYPTION_KEY,
    JWT_ACCESS_TTL_SECONDS: '3600',
    ORDERS_RESERVATION_SECONDS: '86400',
    RATE_LIMIT_REQUESTS_PER_MINUTE: '1000000000',
    SHUTDOWN_DRAIN_SECONDS: '0',
  };
}
const SIGNING_KEY = Buffer.from(generateKeyPairSync('ed25519').privateKey.export({ format: 'pem', type: 'pkcs8' })).toString('base64');
const ENCRYPTION_KEY = randomBytes(32).toString('base64');

const running = new Set<ChildProcess>();
process.once('exit', () => running.forEach((child) => child.kill('SIGKILL')));

/** One Node process under measurement. Its log goes to /dev/null. */
export class Program {
  readonly url: string;
  readonly pid: number;
  readonly startMs: number;
  private readonly child: ChildProcess;

  private constructor(child: ChildProcess, url: string, startMs: number) {
    this.child = child;
    this.pid = child.pid!;
    this.url = url;
    this.startMs = startMs;
  }

  /** Starts it, on `PORT` where that is among the settings, and resolves when it is ready. */
  static async start(file: string, settings: Record<string, string>, nodeArguments: string[] = []): Promise<Program> {
    const env = { ...settings, PORT: settings.PORT ?? String(await freePort()) };
    const began = performance.now();
    // The baseline reads its settings from the command line, the product from the environment.
    const child = spawn(process.execPath, [...nodeArguments, file, ...(file === PRODUCT ? [] : [JSON.stringify(env)])], {
      env,
      cwd: ROOT,
      stdio: ['ignore', openSync('/dev/null', 'w'), 'inherit'],
    });
    running.add(child);
    child.once('exit', () => running.delete(child));
    const url = `http://127.0.0.1:${env.PORT}`;
    while (
      !(await fetch(`${url}/health/ready`).then(
        ({ ok }) => ok,
        () => false,
      ))
    ) {
      if (child.exitCode !== null) throw new Error(`${file} did not start.`);
      await sleep(20); // asking takes the processor from what is asked
    }
    return new Program(child, url, performance.now() - began);
  }

  cpuMs(): number {
    return statOf(this.pid)!.cpuMs;
  }

  rssMb(): number {
    return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${this.pid}/status`, 'utf8'))![1]) / 1024;
  }

  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const ended = new Promise((resolve) => this.child.once('exit', resolve));
    this.child.kill(signal);
    await ended;
  }
}

/** Logs somebody in and returns their access token. */
export async function logIn(url: string, email: string): Promise<string> {
  const response = await fetch(`${url}/api/v1/auth/login`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ email, password: PASSWORD }),
  });
  if (!response.ok) throw new Error(`${email} cannot log in: ${await response.text()}`);
  return ((await response.json()) as { accessToken: string }).accessToken;
}

export function median(values: number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

export function table(head: string[], rows: string[][]): string {
  return [head, head.map((_, column) => (column === 0 ? '---' : '---:')), ...rows].map((row) => `| ${row.join(' | ')} |`).join('\n');
}

/** Puts a report into RESULTS.md, in the place of the last one of the same script. */
export async function keepReport(script: string, conditions: string, report: string): Promise<void> {
  const file = join(import.meta.dirname, 'RESULTS.md');
  const sections = (await readFile(file, 'utf8').catch(() => '')).split(/^(?=# )/m);
  const command = [`npm run ${script}`, ...(process.argv.length > 2 ? ['--', ...process.argv.slice(2)] : [])].join(' ');
  const [date] = new Date().toISOString().split('T');
  const where = `${date}, ${cpus().length} × ${cpus()[0]!.model.trim()}, Node ${process.versions.node}, PostgreSQL 18 (embedded, durable), all on one machine.`;
  const others = sections.filter((section) => section !== '' && !new RegExp(`^# \`npm run ${script}[ \`]`).test(section));
  await writeFile(
    file,
    [...others, `# \`${command}\`\n\n${where}\n${conditions}\n\n${report}\n`]
      .sort()
      .map((section) => `${section.trim()}\n`)
      .join('\n'),
  );
}

/** `utime` and `stime` of a process with all its threads (proc(5), fields 14 and 15). */
function statOf(pid: number): { parent: number; cpuMs: number } | undefined {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
      .replace(/^.*\) /s, '')
      .split(' ')
      .map(Number);
    return { parent: fields[1]!, cpuMs: ((fields[11]! + fields[12]!) * 1_000) / TICKS_PER_SECOND };
  } catch {
    return undefined; // it has ended meanwhile
  }
}

export function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });
}
