import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { Client } from './client.js';
import { eventually } from './eventually.js';
import { productFolder, testSettings } from './run.js';

/** A product that outlived its test would keep the database busy: it ends when the channel to the test breaks. */
const LEAVE_TOGETHER = `data:text/javascript,process.once('disconnect', () => process.exit(1)).channel?.unref()`;

/** One line of the product's log. */
export interface LogLine extends Record<string, unknown> {
  level: number;
  msg: string;
}

export interface Exit {
  code: number | null;
  signal: NodeJS.Signals | null;
}

/** The built product in a process of its own. */
export interface Product extends Pick<Client, 'request' | 'raw' | 'url'> {
  pid: number;
  /** The JSON lines of its log so far. */
  log: LogLine[];
  /** All it wrote so far, to either stream. */
  output(): string;
  /** Signals it and waits for its end. */
  stop(signal?: NodeJS.Signals): Promise<Exit>;
  /** Resolves when it has ended, however it came to that. */
  exited: Promise<Exit>;
}

const running = new Set<Product>();

/** Starts the product on a migrated database and resolves once it listens. The settings are those of `testSettings`, with `env` over them. */
export async function startProcess({
  databaseUrl,
  env = {},
  program,
}: {
  databaseUrl: string;
  env?: Partial<Record<string, string>>;
  /** Another program on the product's libs, by its file; it logs `listening` with a `url`, too. */
  program?: string;
}): Promise<Product> {
  const file = program && join(productFolder(), basename(program));
  if (file) await copyFile(program, file);
  const run = launch({ ...testSettings(databaseUrl), LOG_LEVEL: 'info', PORT: '0', ...env }, file);
  const listening = await eventually(async () => {
    if (run.over()) throw new Error(`The product ended before it listened:\n${run.output()}`);
    return run.log.find(({ msg }) => msg === 'listening');
  }, 90_000);
  const client = new Client(String(listening.url));
  const product: Product = {
    url: client.url,
    request: client.request,
    raw: client.raw,
    pid: run.child.pid!,
    log: run.log,
    output: run.output,
    exited: run.exited,
    stop: async (signal = 'SIGTERM') => {
      client.close();
      run.child.kill(signal);
      return run.exited;
    },
  };
  running.add(product);
  void run.exited.then(() => running.delete(product));
  return product;
}

/** Runs the product with exactly these settings until it ends by itself: for starts that are to be refused. */
export async function runProcess(env: Partial<Record<string, string>>): Promise<Exit & { output: string }> {
  const run = launch(env);
  const slow = setTimeout(() => run.child.kill('SIGKILL'), 20_000);
  const exit = await run.exited;
  clearTimeout(slow);
  return { ...exit, output: run.output() };
}

/** Fills a migrated database with the demo world, as `npm run db:seed` does. */
export async function seed(databaseUrl: string): Promise<void> {
  const env = { PATH: process.env.PATH, ...testSettings(databaseUrl) };
  await promisify(execFile)(process.execPath, [join(productFolder(), 'dist/prisma/commands.js'), 'seed'], { env });
}

/** Runs a command of the product (`npm run <name>`) without a terminal until it ends by itself. */
export async function runCommand(databaseUrl: string, ...args: string[]): Promise<{ code: number | null; output: string }> {
  const env = { PATH: process.env.PATH, ...testSettings(databaseUrl) };
  const child = spawn(process.execPath, [join(productFolder(), 'dist/prisma/commands.js'), ...args], {
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, output };
}

/** For afterAll: ends what a failed test left running. */
export async function stopProcesses(): Promise<void> {
  await Promise.all([...running].map((product) => product.stop('SIGKILL')));
}

function launch(
  env: Partial<Record<string, string>>,
  file = join(productFolder(), 'dist/src/main.js'),
): {
  child: ChildProcess;
  log: LogLine[];
  output: () => string;
  exited: Promise<Exit>;
  over: () => boolean;
} {
  const child = spawn(process.execPath, ['--import', LEAVE_TOGETHER, file], {
    env: { PATH: process.env.PATH, ...env },
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
  const log: LogLine[] = [];
  let output = '';
  let over = false;
  for (const stream of [child.stdout!, child.stderr!]) {
    createInterface({ input: stream }).on('line', (line) => {
      output += `${line}\n`;
      if (line.startsWith('{')) log.push(JSON.parse(line) as LogLine);
    });
  }
  const exited = once(child, 'close').then(([code, signal]) => {
    over = true;
    return { code: code as number | null, signal: signal as NodeJS.Signals | null };
  });
  return { child, log, output: () => output, exited, over: () => over };
}
