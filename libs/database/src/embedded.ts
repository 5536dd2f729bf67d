import type { ChildProcess } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { access, chown, constants, mkdir, open, readdir, readFile, realpath, rename, stat } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { dirname, join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { claim, clusterFolder, ensureCluster, explain, readState, resetPassword, writeState } from './embedded-cluster.js';
import { clusterName, evictOrphans } from './embedded-orphans.js';
import { EmbeddedError, findPrograms, finished, ignore, type Programs } from './embedded-programs.js';

export { EmbeddedError };

/** A running PostgreSQL of our own. */
export interface Embedded {
  /** `postgresql://user:password@127.0.0.1:port/ashlar` */
  url: string;
  dataDir: string;
  port: number;
  /** Fast shutdown (immediate after 10 s); may be called more than once. */
  stop(): Promise<void>;
}

export interface EmbeddedOptions {
  /** The folder that holds `postgres/`, `postgres.log` and `postgres.json`; made when missing. */
  dataDir: string;
  /** False for tests: a crash of the machine may lose or corrupt everything. */
  durable?: boolean;
  /** Receives what a person should know: restarts, recoveries. */
  log?: (message: string) => void;
  /** Settings of postgresql.conf, stronger than the defaults below. */
  settings?: Record<string, string>;
}

const DEFAULTS = {
  listen_addresses: '127.0.0.1',
  unix_socket_directories: '',
  max_connections: '200',
  shared_buffers: '128MB',
  huge_pages: 'off',
  jit: 'off',
  // Two cores have no workers to spare, and containers give little shared memory for them.
  max_parallel_workers_per_gather: '0',
  max_parallel_maintenance_workers: '0',
  timezone: 'UTC',
  log_timezone: 'UTC',
  log_checkpoints: 'off',
  log_line_prefix: '%m [%p] ',
};
const FRAGILE = { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off' };
const LOG_LIMIT_BYTES = 10_000_000;

/**
 * Starts the embedded PostgreSQL on a data folder (made on the first start) and keeps it running: a server that dies is
 * started again on the same port. Whatever an earlier run left behind is cleared. Throws EmbeddedError: one sentence.
 */
export async function startEmbedded(options: EmbeddedOptions): Promise<Embedded> {
  let dataDir = resolve(options.dataDir);
  const { durable = true, log = () => undefined } = options;
  let release: (() => void) | undefined;
  try {
    dataDir = await prepareFolder(dataDir);
    release = await claim(dataDir);
    const programs = await findPrograms(dataDir, log);
    const known = await readState(dataDir);
    await evictOrphans(clusterFolder(dataDir), programs);
    const password = await ensureCluster(dataDir, programs, known?.password, durable);
    const settings = { ...DEFAULTS, ...(durable ? {} : FRAGILE), ...options.settings };
    const server = new Server(dataDir, programs, settings, log, release);
    await server.start(password, known?.port ?? usualPort(dataDir));
    if (programs.owner) await shareFiles(dataDir, programs.owner);
    return server;
  } catch (error) {
    release?.();
    throw await explain(error, dataDir);
  }
}

/** How to reach the server of a state. */
export function urlOf({ password, port }: { password: string; port: number }): string {
  return `postgresql://ashlar:${password}@127.0.0.1:${port}/ashlar`;
}

class Server implements Embedded {
  url = '';
  port = 0;
  readonly dataDir: string;
  private readonly cluster: string;
  private readonly logFile: string;
  private readonly programs: Programs;
  private readonly settings: Record<string, string>;
  private readonly log: (message: string) => void;
  private readonly release: () => void;
  private readonly stopped = new AbortController();
  private child: ChildProcess | undefined;
  private revival: Promise<void> | undefined;
  private stopping: Promise<void> | undefined;
  private readonly onExit = () => this.child?.kill('SIGINT');

  constructor(dataDir: string, programs: Programs, settings: Record<string, string>, log: (message: string) => void, release: () => void) {
    this.dataDir = dataDir;
    this.programs = programs;
    this.settings = settings;
    this.log = log;
    this.release = release;
    this.cluster = clusterFolder(dataDir);
    this.logFile = join(dataDir, 'postgres.log');
  }

  async start(password: string, preferred: number): Promise<void> {
    // An application that exits without stopping its server at least tells it to.
    process.on('exit', this.onExit);
    for (let attempt = 1; ; attempt++) {
      this.port = await freePort(preferred);
      this.url = urlOf({ password, port: this.port });
      await writeState(this.dataDir, { password, port: this.port, pid: process.pid });
      try {
        await this.launch();
        await signIn(this.url);
        break;
      } catch (error) {
        await this.terminate();
        if (attempt === 5 || !(error instanceof Error)) throw error;
        if ((error as pg.DatabaseError).code === '28P01') password = await resetPassword(this.cluster, this.programs);
        else if (!/could not bind|could not create any TCP/.test(error.message)) throw error;
      }
    }
  }

  stop(): Promise<void> {
    this.stopped.abort();
    return (this.stopping ??= this.shutDown());
  }

  private async shutDown(): Promise<void> {
    try {
      await this.terminate();
      await this.revival;
    } finally {
      process.off('exit', this.onExit);
      this.release();
    }
  }

  /** One server process from its start until it answers queries; throws with the log's last lines when it does not. */
  private async launch(): Promise<void> {
    const settings = Object.entries({ ...this.settings, port: String(this.port), cluster_name: clusterName(this.cluster) });
    const { file, from } = await this.openLog();
    this.stopped.signal.throwIfAborted();
    const child = this.programs.spawn(
      'postgres',
      ['-D', this.cluster, ...settings.flatMap(([name, value]) => ['-c', `${name}=${value}`])],
      ['ignore', file.fd, file.fd],
    );
    this.child = child;
    const ended = finished(child);
    await file.close();

    let over = false;
    void ended.then(() => (over = true));
    const slow = Date.now() + 8000;
    for (let told = false; !(await this.isReady(child)); await sleep(15)) {
      if (over) throw new Error((await this.logSince(from)) || (await ended).output || 'the server ended without a word');
      if (!told && Date.now() > slow) this.log('PostgreSQL is still starting: it recovers what was not written at the last stop.');
      told ||= Date.now() > slow;
    }
    void ended.then(() => {
      if (this.child === child && !this.stopped.signal.aborted) this.revival = this.revive();
    });
  }

  private async revive(): Promise<void> {
    this.log('PostgreSQL ended unexpectedly and is being started again.');
    for (let pause = 50; !this.stopped.signal.aborted; pause = Math.min(pause * 2, 5000)) {
      try {
        await this.terminate();
        await sleep(pause, undefined, { signal: this.stopped.signal });
        await evictOrphans(this.cluster, this.programs);
        await this.launch();
        this.log('PostgreSQL is running again.');
        return;
      } catch (error) {
        if (!this.stopped.signal.aborted)
          this.log(`PostgreSQL cannot be started again yet: ${(await explain(error, this.dataDir)).message}`);
      }
    }
  }

  /** PostgreSQL writes its state into the eighth line of its pid file. */
  private async isReady(child: ChildProcess): Promise<boolean> {
    const lines = (await readFile(join(this.cluster, 'postmaster.pid'), 'utf8').catch(ignore('ENOENT')))?.split('\n');
    return Number(lines?.[0]) === child.pid && lines?.[7]?.trim() === 'ready';
  }

  private async terminate(): Promise<void> {
    const { child } = this;
    this.child = undefined;
    if (!child || child.exitCode !== null || child.signalCode !== null || !child.pid) return;
    const ended = finished(child);
    for (const [signal, mode, patience] of [
      ['SIGINT', 'fast', 10_000],
      ['SIGQUIT', 'immediate', 4000],
      ['SIGKILL', 'immediate', 4000],
    ] as const) {
      if (process.platform !== 'win32') child.kill(signal);
      else await finished(this.programs.spawn('pg_ctl', ['stop', '-D', this.cluster, '-m', mode, '-t', String(patience / 1000)], 'ignore'));
      const inTime = new AbortController();
      const ok = await Promise.race([ended.then(() => true), sleep(patience, false, { signal: inTime.signal }).catch(() => false)]);
      inTime.abort();
      if (ok) return;
    }
    throw new EmbeddedError(`PostgreSQL (pid ${child.pid}) does not end; the next start will try again.`);
  }

  private async openLog() {
    const size = (await stat(this.logFile).catch(ignore('ENOENT')))?.size ?? 0;
    if (size > LOG_LIMIT_BYTES) await rename(this.logFile, `${this.logFile}.1`);
    return { file: await open(this.logFile, 'a', 0o600), from: size > LOG_LIMIT_BYTES ? 0 : size };
  }

  private async logSince(from: number): Promise<string> {
    const text = (await readFile(this.logFile)).subarray(from).toString();
    return text
      .split('\n')
      .filter((line) => /FATAL|PANIC|ERROR|HINT|WARNING|could not/.test(line))
      .slice(-5)
      .join('\n');
  }
}

/** Makes the folder where it is missing, and checks that this process may write in it. Returns its real path. */
async function prepareFolder(dataDir: string): Promise<string> {
  const writable = (folder: string) => access(folder, constants.W_OK | constants.X_OK);
  let parent = dataDir;
  while (!existsSync(parent)) parent = dirname(parent);
  if (!(await stat(parent)).isDirectory())
    throw new EmbeddedError(`${dataDir} cannot be a data folder, since ${parent} is a file: set DATA_DIR to another path.`);
  // Before mkdir, which blames a missing folder where the file system is read-only.
  await writable(parent);
  const made = await mkdir(dataDir, { recursive: true });
  if (made && process.getuid?.() === 0) await inheritOwner(dataDir, parent);
  await writable(dataDir);
  return realpath(dataDir);
}

async function signIn(url: string): Promise<void> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 10_000 });
  await client.connect();
  await client.end();
}

/** Started by root in somebody's project, the data is theirs: they can start it without root next time. */
async function inheritOwner(folder: string, parent: string): Promise<void> {
  const { uid, gid } = await stat(parent);
  if (uid !== 0) await chown(folder, uid, gid);
}

async function shareFiles(dataDir: string, { uid, gid }: { uid: number; gid: number }): Promise<void> {
  for (const name of await readdir(dataDir)) if (/^postgres\.(json|lock|log)/.test(name)) await chown(join(dataDir, name), uid, gid);
}

/** The same for the same folder, and below the range from which outgoing connections take theirs. */
function usualPort(dataDir: string): number {
  return 20_000 + (createHash('sha256').update(dataDir).digest().readUInt16BE() % 10_000);
}

async function freePort(preferred: number): Promise<number> {
  return (await listenOnce(preferred).catch(ignore('EADDRINUSE', 'EACCES'))) ?? listenOnce(0);
}

function listenOnce(port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer().once('error', reject);
    server.listen({ port, host: '127.0.0.1', exclusive: true }, () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(port));
    });
  });
}
