import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readdir, readFile, readlink, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { EmbeddedError, finished, ignore, type Programs } from './embedded-programs.js';

/** The name a cluster's processes carry in their titles, by which the orphans of a killed run are known. */
export const clusterName = (cluster: string): string => `ashlar-${createHash('sha256').update(cluster).digest('hex').slice(0, 12)}`;

/**
 * Ends what an earlier, killed run left behind on this cluster; the caller holds the claim, so nobody else uses it.
 * Also removes a `postmaster.pid` whose number belongs to an unrelated process by now, which PostgreSQL would respect.
 */
export async function evictOrphans(cluster: string, programs: Programs): Promise<void> {
  if (process.platform === 'win32') return evictOnWindows(cluster, programs);
  const recorded = await recordedPid(cluster);
  let found = await processesOf(cluster, recorded);
  if (recorded && !found.includes(recorded) && (await isUnrelated(recorded)))
    await unlink(join(cluster, 'postmaster.pid')).catch(ignore('ENOENT'));

  // First a fast shutdown by the postmaster; workers without one leave by themselves within moments.
  const rounds: [NodeJS.Signals, (pid: number) => boolean, number][] = [
    ['SIGINT', (pid) => pid === recorded, 8000],
    ['SIGQUIT', () => true, 3000],
    ['SIGKILL', () => true, 3000],
  ];
  for (const [signal, chosen, patience] of rounds) {
    for (const pid of found.filter(chosen)) send(pid, signal);
    const deadline = Date.now() + (found.some(chosen) ? patience : 1000);
    while (found.length && Date.now() < deadline) {
      await sleep(30);
      found = await processesOf(cluster, recorded);
    }
    if (!found.length) return;
  }
  throw new EmbeddedError(
    `An earlier PostgreSQL server (pid ${found.join(', ')}) still uses ${cluster} and cannot be ended: end it, then start again.`,
  );
}

async function recordedPid(cluster: string): Promise<number | undefined> {
  const text = await readFile(join(cluster, 'postmaster.pid'), 'utf8').catch(ignore('ENOENT'));
  return text ? Math.abs(parseInt(text, 10)) || undefined : undefined;
}

/** The pids of all server processes of a cluster. */
async function processesOf(cluster: string, recorded: number | undefined): Promise<number[]> {
  const name = clusterName(cluster);
  const ours = ([, command]: [number, string]) => command.includes(name) && isPostgres(command);
  const found = (await processes()).filter(ours).map(([pid]) => pid);
  // A renamed data folder changes the cluster's name, but the server still stands in the folder itself.
  const renamed = recorded && !found.includes(recorded) && (await readlink(`/proc/${recorded}/cwd`).catch(() => '')) === cluster;
  return renamed ? [recorded, ...found] : found;
}

async function isUnrelated(pid: number): Promise<boolean> {
  return (await processes()).some(([other, command]) => other === pid && !isPostgres(command));
}

/** Arguments are separated by NUL on Linux and by blanks elsewhere; a worker's title begins with "postgres: ". */
function isPostgres(command: string): boolean {
  return /(^|\/)postgres(:|\0| -|$)/.test(command);
}

/** Every process that can be seen, with its command line. `ps` is missing from slim images, /proc from macOS. */
async function processes(): Promise<[number, string][]> {
  if (process.platform !== 'linux') return listByPs();
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number);
  // A process may end between the two calls: then it is not there.
  return Promise.all(pids.map(async (pid) => [pid, await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')]));
}

async function listByPs(): Promise<[number, string][]> {
  const { stdout } = await promisify(execFile)('ps', ['-axo', 'pid=,command='], { maxBuffer: 16_000_000 });
  return stdout.split('\n').flatMap((line) => {
    const [, pid, command] = /^\s*(\d+) (.*)$/.exec(line) ?? [];
    return pid && command ? [[Number(pid), command]] : [];
  });
}

/** Windows shows no titles, but pg_ctl speaks to the recorded process by a pipe that only PostgreSQL has. */
async function evictOnWindows(cluster: string, programs: Programs): Promise<void> {
  if (!(await recordedPid(cluster))) return;
  for (const mode of ['fast', 'immediate']) {
    const { code } = await finished(programs.spawn('pg_ctl', ['stop', '-D', cluster, '-m', mode, '-t', '8'], 'ignore'));
    if (code === 0) return;
  }
}

function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    ignore('ESRCH')(error as NodeJS.ErrnoException);
  }
}
