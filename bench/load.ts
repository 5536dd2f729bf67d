import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

/** A request of a load. Each `########` in it becomes a number that no other request has. */
export interface Request {
  method: 'GET' | 'POST';
  path: string;
  headers?: Record<string, string>;
  body?: object;
}

export interface Load {
  url: string;
  /** Sent in turn, over and over. */
  requests: Request[];
  connections: number;
  seconds: number;
}

export interface Reading {
  requests: number;
  perSecond: number;
  p50Ms: number;
  p99Ms: number;
}

type Driver = (load: Load) => Promise<Reading>;

const SERIAL = '########';
const run = promisify(execFile);
let serial = Date.now() % 10_000_000; // where a driver begins to number; the eight digits leave room for 90 million

/** wrk, or autocannon where there is no wrk. Both are closed loops: a connection sends its next request when it has the answer. */
export async function findDriver(): Promise<{ name: string; drive: Driver }> {
  // wrk prints its version together with its usage and calls that a failure.
  const wrk = await run('wrk', ['--version']).then(
    ({ stdout }) => stdout,
    (error: { stdout?: string }) => error.stdout,
  );
  if (wrk) return { name: wrk.split(' [')[0]!, drive: driveByWrk };
  const module = 'autocannon'; // no dependency of ours, so its types are not here to be looked for
  const autocannon = (await import(module).catch(() => undefined)) as { default: Autocannon } | undefined;
  if (autocannon) return { name: 'autocannon', drive: (load) => driveByAutocannon(autocannon.default, load) };
  throw new Error(
    'There is nothing to make the load with: install wrk (apt-get install wrk, brew install wrk), which costs the machine least, or else npm install --no-save autocannon.',
  );
}

/** Refuses a reading with even one failure in it. */
function refuseFailures(failures: Record<string, number>): void {
  const some = Object.entries(failures).filter(([, count]) => count > 0);
  if (some.length > 0) throw new Error(`Requests failed: ${some.map(([kind, count]) => `${count} × ${kind}`).join(', ')}.`);
}

async function driveByWrk({ url, requests, connections, seconds }: Load): Promise<Reading> {
  const folder = await mkdtemp(join(tmpdir(), 'ashlar-wrk-'));
  const script = join(folder, 'load.lua');
  try {
    await writeFile(script, luaScript(url, requests));
    const { stdout } = await run('wrk', ['-t', '1', '-c', String(connections), '-d', `${seconds}s`, '--timeout', '30s', '-s', script, url]);
    const line = /^READING (.*)$/m.exec(stdout)?.[1];
    if (line === undefined) throw new Error(`wrk said:\n${stdout}`);
    const [done, microseconds, p50, p99, connect, read, write, timeout, status] = line.split(' ').map(Number) as [
      number,
      number,
      number,
      number,
      number,
      number,
      number,
      number,
      number,
    ];
    refuseFailures({ connect, read, write, timeout, 'not 2xx': status });
    serial += done + connections;
    return { requests: done, perSecond: done / (microseconds / 1e6), p50Ms: p50 / 1e3, p99Ms: p99 / 1e3 };
  } finally {
    await rm(folder, { recursive: true });
  }
}

function luaScript(url: string, requests: Request[]): string {
  const raw = requests.map(({ method, path, headers = {}, body }) => {
    const text = body === undefined ? '' : JSON.stringify(body);
    const all = {
      Host: new URL(url).host,
      ...headers,
      ...(body !== undefined && { 'Content-Type': 'application/json', 'Content-Length': String(Buffer.byteLength(text)) }),
    };
    return `${method} ${path} HTTP/1.1\r\n${Object.entries(all)
      .map(([name, value]) => `${name}: ${value}\r\n`)
      .join('')}\r\n${text}`;
  });
  const quoted = raw.map((text) => `"${text.replace(/[\\"]/g, '\\$&').replaceAll('\r', '\\r').replaceAll('\n', '\\n')}"`);
  return `
local requests = { ${quoted.join(',\n')} }
local serial, numbered = ${serial}, ${raw.some((text) => text.includes(SERIAL))}
request = function()
  serial = serial + 1
  local text = requests[serial % #requests + 1]
  if not numbered then return text end
  return (text:gsub("${SERIAL}", string.format("%08d", serial)))
end
done = function(summary, latency)
  local e = summary.errors
  io.write(string.format("READING %d %d %d %d %d %d %d %d %d\\n", summary.requests, summary.duration, latency:percentile(50), latency:percentile(99), e.connect, e.read, e.write, e.timeout, e.status))
end`;
}

type Autocannon = (options: object) => Promise<{
  requests: { total: number };
  duration: number;
  latency: { p50: number; p99: number };
  errors: number;
  timeouts: number;
  non2xx: number;
}>;

async function driveByAutocannon(autocannon: Autocannon, { url, requests, connections, seconds }: Load): Promise<Reading> {
  const numbered = ({ method, path, headers, body }: Request) => {
    const number = String(++serial).padStart(8, '0');
    return JSON.parse(
      JSON.stringify({
        method,
        path,
        headers: { ...headers, ...(body && { 'content-type': 'application/json' }) },
        body: body && JSON.stringify(body),
      }).replaceAll(SERIAL, number),
    ) as object;
  };
  const turns = requests.map((request) => ({ setupRequest: (prepared: object) => ({ ...prepared, ...numbered(request) }) }));
  const result = await autocannon({ url, connections, duration: seconds, timeout: 30, requests: turns });
  refuseFailures({ errors: result.errors, timeouts: result.timeouts, 'not 2xx': result.non2xx });
  return {
    requests: result.requests.total,
    perSecond: result.requests.total / result.duration,
    p50Ms: result.latency.p50,
    p99Ms: result.latency.p99,
  };
}
