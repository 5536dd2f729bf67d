// `npm run bench:jobs`: how soon, how fast and how undisturbed jobs and consumers run, and how fast the audit log is sealed and verified.
// docs/operate.md says what the figures mean.
import { type ChildProcess, fork } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { keepReport, makeEmptyDatabase, query, type Server, settingsFor, startServer, table } from './world.ts';

const { values: options } = parseArgs({
  options: {
    jobs: { type: 'string', default: '20000' },
    probes: { type: 'string', default: '400' },
    entries: { type: 'string', default: '50000' },
    concurrency: { type: 'string', default: '10' },
  },
});
const jobs = Number(options.jobs);
const probes = Number(options.probes);
const entries = Number(options.entries);

/** A process with the jobs of jobs.program.ts. */
class Process {
  readonly delays: number[] = [];
  private readonly waiting = new Map<number, (answer: unknown) => void>();
  private asked = 0;
  private readonly child: ChildProcess;

  private constructor(child: ChildProcess) {
    this.child = child;
    child.on('message', (message: { id?: number; answer?: unknown; delay?: number }) => {
      if (message.delay !== undefined) this.delays.push(message.delay);
      if (message.id !== undefined) this.waiting.get(message.id)!(message.answer);
    });
  }

  static async start(role: 'api' | 'worker' | 'all', databaseUrl: string): Promise<Process> {
    const env = { ...settingsFor(databaseUrl), ROLE: role, LOG_LEVEL: 'silent', JOBS_CONCURRENCY: options.concurrency };
    const child = fork(join(import.meta.dirname, 'jobs.program.ts'), { env });
    const one = new Process(child);
    await new Promise<void>((resolve, reject) => {
      child.once('message', () => resolve());
      child.once('exit', () => reject(new Error('A process of the bench ended too early.')));
    });
    return one;
  }

  ask<T>(command: string, argument?: unknown): Promise<T> {
    const id = ++this.asked;
    return new Promise((resolve) => {
      this.waiting.set(id, resolve as (answer: unknown) => void);
      this.child.send({ id, command, argument });
    });
  }

  kill(): void {
    this.child.kill('SIGKILL');
  }
}

const quantile = (values: number[], q: number) =>
  values.toSorted((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * q))]!;
const ms = (value: number) => value.toFixed(1);

/** Sends probes one after another, at uneven times, and waits until all have arrived. */
async function probe(from: Process, to: Process, count: number, command: 'enqueue' | 'publish' = 'enqueue'): Promise<number[]> {
  const before = to.delays.length;
  for (let sent = 0; sent < count; sent++) {
    await from.ask(command, 'stamp');
    await sleep(5 + Math.random() * 30);
  }
  const deadline = performance.now() + 60_000;
  while (to.delays.length < before + count) {
    if (performance.now() > deadline) throw new Error(`Only ${to.delays.length - before} of ${count} probes ran.`);
    await sleep(20);
  }
  return to.delays.slice(before);
}

/** A worker that is at work: its first job takes it the time of the start. */
async function aWorker(databaseUrl: string, from: Process): Promise<Process> {
  const worker = await Process.start('worker', databaseUrl);
  await probe(from, worker, 20);
  return worker;
}

async function throughput(databaseUrl: string, api: Process, workers: number): Promise<{ enqueued: number; done: number }> {
  const took = await api.ask<number>('load', jobs);
  const all = await Promise.all(Array.from({ length: workers }, () => Process.start('worker', databaseUrl)));
  const count = async () => (await Promise.all(all.map((each) => each.ask<number>('done')))).reduce((sum, each) => sum + each, 0);
  while ((await count()) < 100) await sleep(2); // the start is not what is measured
  const [began, first] = [performance.now(), await count()];
  while ((await count()) < jobs) await sleep(5);
  const seconds = (performance.now() - began) / 1_000;
  await Promise.all(all.map((each) => each.ask('stop')));
  return { enqueued: jobs / (took / 1_000), done: (jobs - first) / seconds };
}

async function main(server: Server): Promise<void> {
  const databaseUrl = await makeEmptyDatabase(server, 'jobs');
  await query(databaseUrl, 'CREATE TABLE bench_rows (id bigint GENERATED ALWAYS AS IDENTITY)');
  const api = await Process.start('api', databaseUrl);
  const lines: string[][] = [];
  const line = (what: string, figure: string, wanted: string, good: boolean | null) => {
    lines.push([what, figure, wanted, good === null ? '–' : good ? '✓' : '✗']);
    console.log(what, figure);
  };

  const one = await throughput(databaseUrl, api, 1);
  const two = await throughput(databaseUrl, api, 2);
  line('enqueued a second, 16 callers, each in a transaction with a row', one.enqueued.toFixed(0), '–', null);
  line('no-op jobs a second, one worker', one.done.toFixed(0), '≥ 1500', one.done >= 1_500);
  line('no-op jobs a second, two workers', two.done.toFixed(0), '–', null);

  const worker = await aWorker(databaseUrl, api);
  const delays = await probe(api, worker, probes);
  const p50 = quantile(delays, 0.5);
  line('enqueue in one process to start in another, p50, ms', ms(p50), '≤ 30', p50 <= 30);
  line('the same, p99, ms', ms(quantile(delays, 0.99)), '–', null);

  const heard = await probe(api, worker, probes, 'publish');
  line('publish in one process to consumer in another, p50, ms', ms(quantile(heard, 0.5)), '–', null);
  line('the same, p99, ms', ms(quantile(heard, 0.99)), '–', null);

  const POISON: [what: string, name: string, count: number][] = [
    ['200 jobs that fail', 'failing', 200],
    ['200 jobs that fail for good', 'final', 200],
    ['5 jobs that hang', 'hanging', 5],
    ['4 jobs that hang and do not listen', 'deaf', 4],
  ];
  for (const [what, name, count] of POISON) {
    const poisoning = (async () => {
      for (let sent = 0; sent < count; sent++) await api.ask('enqueue', name);
    })();
    const [longest] = (await Promise.all([probe(api, worker, 150), poisoning]))[0].toSorted((a, b) => b - a) as [number];
    line(`longest delay of others beside ${what}, ms`, ms(longest), '< 1000', longest < 1_000);
    await sleep(8_000); // until what hangs has been given up
  }
  await worker.ask('stop');

  const { written, sealed, sealing } = await api.ask<Record<'written' | 'sealed' | 'sealing', number>>('audit', entries);
  const { verified, took } = await api.ask<{ verified: boolean; took: number }>('verify');
  if (!verified || sealed !== entries) throw new Error('The audit log of the bench does not verify.');
  line('audit entries written a second, 16 callers', (entries / (written / 1_000)).toFixed(0), '–', null);
  line('audit entries sealed a second, one sealer', (sealed / (sealing / 1_000)).toFixed(0), '–', null);
  line(`audit entries verified a second, of ${entries}`, (entries / (took / 1_000)).toFixed(0), '–', null);
  await api.ask('stop');

  const report = table(['', 'reading', 'wanted', ''], lines);
  console.log(`\n${report}`);
  await keepReport(
    'bench:jobs',
    `${jobs} jobs, ${probes} probes, ${entries} audit entries; JOBS_CONCURRENCY=${options.concurrency}.`,
    report,
  );
}

const server = await startServer();
try {
  await main(server);
} finally {
  await server.stop();
}
process.exit();
