import type { ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readdir, readFile, rename, rm, rmdir, stat, statfs, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { chownTree, EmbeddedError, finished, ignore, type Programs } from './embedded-programs.js';

/** What must survive a restart, in `postgres.json` (mode 0600). `pid` is the Ashlar process that owns the folder. */
export interface State {
  password: string;
  port: number;
  pid: number;
}

/** A living process owns the data folder and runs its server. */
export class FolderInUseError extends EmbeddedError {}

const stateFile = (dataDir: string) => join(dataDir, 'postgres.json');

/** The cluster's own folder inside the data folder. */
export const clusterFolder = (dataDir: string): string => join(dataDir, 'postgres');

/**
 * Claims the data folder until the returned function is called or this process dies in whatever way. SQLite's file lock
 * is the one lock Node offers that the operating system itself gives back, on every platform; a file with a pid is not.
 */
export async function claim(dataDir: string): Promise<() => void> {
  const lock = new DatabaseSync(join(dataDir, 'postgres.lock'));
  try {
    lock.exec('PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE');
  } catch (cause) {
    lock.close();
    if ((cause as { errcode?: number }).errcode !== 5) throw cause;
    const owner = (await readState(dataDir))?.pid;
    throw new FolderInUseError(
      `Another Ashlar process${owner ? ` (pid ${owner})` : ''} uses the data folder ${dataDir}: stop it first, or give this one another folder by DATA_DIR.`,
      { cause },
    );
  }
  return () => lock.isOpen && lock.close();
}

/** The saved state; undefined when there is none that can be used. */
export async function readState(dataDir: string): Promise<State | undefined> {
  const text = await readFile(stateFile(dataDir), 'utf8').catch(ignore('ENOENT'));
  try {
    const state = JSON.parse(text ?? '') as Partial<State>;
    const whole = typeof state.password === 'string' && typeof state.port === 'number' && typeof state.pid === 'number';
    return whole ? (state as State) : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

export async function writeState(dataDir: string, state: State): Promise<void> {
  const draft = `${stateFile(dataDir)}.draft`;
  await rm(draft, { force: true });
  await writeFile(draft, `${JSON.stringify(state)}\n`, { mode: 0o600, flush: true });
  await rename(draft, stateFile(dataDir));
}

/** Makes sure that a whole cluster of our major version lies there, and returns the password of its user `ashlar`. */
export async function ensureCluster(dataDir: string, programs: Programs, known: string | undefined, durable: boolean): Promise<string> {
  const cluster = clusterFolder(dataDir);
  await removeDrafts(dataDir);
  if (!(await isCluster(cluster, programs.major))) {
    const password = newPassword();
    await createCluster(dataDir, programs, password, durable);
    return password;
  }
  const { owner } = programs;
  if (owner && (await stat(cluster)).uid !== owner.uid) await chownTree(cluster, owner);
  return known ?? (await resetPassword(cluster, programs));
}

/** Gives the database's user a new password, for a folder whose `postgres.json` was lost; the server must be stopped. */
export async function resetPassword(cluster: string, programs: Programs): Promise<string> {
  const password = newPassword();
  await singleUser(cluster, programs, [`ALTER ROLE ashlar PASSWORD '${password}'`]);
  return password;
}

/** Turns a failed file operation or server start into one sentence that names the folder and the way out. */
export async function explain(error: unknown, dataDir: string, detail = ''): Promise<EmbeddedError> {
  if (error instanceof EmbeddedError) return error;
  const { code, message } = error as NodeJS.ErrnoException;
  const free = await statfs(dataDir).then(
    ({ bavail, bsize }) => bavail * bsize,
    () => Infinity,
  );
  const say = (sentence: string) => new EmbeddedError(sentence, { cause: error });
  if (code === 'ENOSPC' || /No space left on device|disk full/i.test(message + detail) || free < 1_000_000)
    return say(
      `The disk that holds ${dataDir} is full: free some space (100 MB for a new database), or set DATA_DIR to a folder on another disk.`,
    );
  if (code === 'EROFS') return say(`${dataDir} lies on a read-only file system: set DATA_DIR to a folder that can be written.`);
  if (
    code === 'EACCES' ||
    code === 'EPERM' ||
    /Permission denied|attempt to write a readonly database|unable to open database file/.test(message + detail)
  )
    return say(
      `The data folder ${dataDir} cannot be written by this user: give the folder and its content to the user who starts Ashlar, or set DATA_DIR to another folder.`,
    );
  return say(`The embedded PostgreSQL in ${dataDir} failed: ${message}${detail && `\n${detail}`}`);
}

const newPassword = () => randomBytes(24).toString('hex');

async function isCluster(cluster: string, major: number): Promise<boolean> {
  const version = await readFile(join(cluster, 'PG_VERSION'), 'utf8').catch(ignore('ENOENT'));
  if (version === undefined) {
    await rmdir(cluster).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOTEMPTY')
        throw new EmbeddedError(
          `${cluster} is not empty and not a PostgreSQL database either: move it away, or set DATA_DIR to another folder.`,
        );
      return ignore('ENOENT')(error);
    });
    return false;
  }
  if (version.trim() === String(major)) return true;
  throw new EmbeddedError(
    `The data folder ${cluster} was made by PostgreSQL ${version.trim()}, and this Ashlar brings PostgreSQL ${major}: dump it with the Ashlar that made it and restore it here, or move the folder away to begin with an empty database.`,
  );
}

async function removeDrafts(dataDir: string): Promise<void> {
  for (const name of await readdir(dataDir))
    if (name.startsWith('postgres.draft-')) await rm(join(dataDir, name), { recursive: true, force: true });
}

/** Made under another name and renamed at the end, so that an interrupted first start leaves no half cluster. */
async function createCluster(dataDir: string, programs: Programs, password: string, durable: boolean): Promise<void> {
  const draft = join(dataDir, `postgres.draft-${randomBytes(4).toString('hex')}`);
  const args = [
    '-D',
    draft,
    '-U',
    'ashlar',
    '-E',
    'UTF8',
    '--locale=C',
    '--locale-provider=builtin',
    '--builtin-locale=C.UTF-8',
    '--auth=trust',
    '--no-instructions',
  ];
  try {
    await succeed(programs.spawn('initdb', durable ? args : [...args, '--no-sync'], ['ignore', 'ignore', 'pipe']));
    await singleUser(draft, programs, [`ALTER ROLE ashlar PASSWORD '${password}'`, 'CREATE DATABASE ashlar']);
    await writeFile(join(draft, 'pg_hba.conf'), 'host all all 127.0.0.1/32 scram-sha-256\n');
    await rename(draft, clusterFolder(dataDir));
  } catch (error) {
    await removeDrafts(dataDir);
    throw error;
  }
}

async function singleUser(cluster: string, programs: Programs, statements: string[]): Promise<void> {
  const child = programs.spawn('postgres', ['--single', '-D', cluster, '-c', 'exit_on_error=on', 'postgres'], ['pipe', 'ignore', 'pipe']);
  // A server that refuses to start closes its input; its exit code and message tell the story.
  child.stdin?.on('error', () => undefined).end(statements.map((statement) => `${statement}\n`).join(''));
  await succeed(child);
}

async function succeed(child: ChildProcess): Promise<void> {
  const { code, output } = await finished(child);
  if (code === 0) return;
  const lines = output.trim().split('\n');
  const telling = lines.filter((line) => /error|fatal|panic|could not|no space|denied/i.test(line));
  throw new Error((telling.length ? telling : lines).slice(-3).join(' '));
}
