// `npm run bench:webhooks`: how soon webhooks arrive at 49 endpoints, beside a 50th that does well, is slow, hangs or fails.
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import {
  keepReport,
  makeEmptyDatabase,
  median,
  PASSWORD,
  PRODUCT,
  Program,
  query,
  type Server,
  settingsFor,
  startServer,
  table,
} from './world.ts';

const { values: options } = parseArgs({
  options: {
    rounds: { type: 'string', default: '3' },
    events: { type: 'string', default: '15' },
    pause: { type: 'string', default: '500' },
    endpoints: { type: 'string', default: '50' },
  },
});
const [events, pauseMs, endpoints] = [Number(options.events), Number(options.pause), Number(options.endpoints)];

/** Answers one request after it has arrived. */
type Behaviour = (response: ServerResponse) => void | Promise<void>;

/** What the 50th does. */
const FIFTIETH: [what: string, behaviour: Behaviour][] = [
  ['does as well as the others', (response) => void response.end()],
  ['answers after 5 s', async (response) => void (await sleep(5_000), response.end())],
  ['hangs (given up after 15 s)', () => undefined],
  ['answers 500', (response) => void response.writeHead(500).end()],
];

/** All receivers: one server, told apart by the path. */
class Receivers {
  readonly delays: number[] = [];
  atFiftieth = 0;
  fiftieth: Behaviour = (response) => void response.end();
  private readonly server = createServer((request, response) => {
    const at = Date.now();
    void (async () => {
      const { type, timestamp } = JSON.parse(await text(request)) as { type: string; timestamp: string };
      if (request.url !== '/0') {
        if (type === 'post.created') this.delays.push(at - Date.parse(timestamp));
        response.end();
      } else {
        this.atFiftieth += 1;
        await this.fiftieth(response);
      }
    })();
  });

  async listen(): Promise<number> {
    await new Promise<void>((resolve) => this.server.listen(0, '127.0.0.1', resolve));
    return (this.server.address() as AddressInfo).port;
  }

  close(): void {
    this.server.closeAllConnections();
    this.server.close();
  }
}

const quantile = (values: number[], q: number) =>
  values.toSorted((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * q))]!;

async function call<Body>(url: string, path: string, body: object, token?: string): Promise<Body> {
  const answer = await fetch(`${url}/api/v1/${path}`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', ...(token && { Authorization: `Bearer ${token}` }) },
    body: JSON.stringify(body),
  });
  if (!answer.ok) throw new Error(`${path}: ${await answer.text()}`);
  return (await answer.json()) as Body;
}

/** One world: a process, its endpoints, and the events of a quarter of a minute. */
async function measure(server: Server, name: string, behaviour: Behaviour): Promise<{ delays: number[]; atFiftieth: number }> {
  const databaseUrl = await makeEmptyDatabase(server, name);
  const settings = { ...settingsFor(databaseUrl), OUTGOING_ALLOWED_HOSTS: '127.0.0.1', LOG_LEVEL: 'silent' };
  const program = await Program.start(PRODUCT, settings);
  const receivers = new Receivers();
  try {
    const port = await receivers.listen();
    const email = 'editor@example.org';
    await call(program.url, 'auth/register', { email, password: PASSWORD, name: 'Editor' });
    await query(databaseUrl, `UPDATE users SET roles = '{editor}'`);
    const { accessToken } = await call<{ accessToken: string }>(program.url, 'auth/login', { email, password: PASSWORD });
    const publish = (n: number) => call(program.url, 'posts', { title: `Event ${n}`, body: 'x' }, accessToken);
    for (let n = 0; n < endpoints; n++)
      await call(program.url, 'webhooks/endpoints', { url: `http://127.0.0.1:${port}/${n}`, events: ['post.created'] }, accessToken);
    for (let n = 0; n < 3; n++) await publish(n);
    const others = endpoints - 1;
    const all = async (count: number) => {
      const deadline = Date.now() + 60_000;
      while (receivers.delays.length < count * others) {
        if (Date.now() > deadline) throw new Error(`Only ${receivers.delays.length} of ${count * others} have arrived.`);
        await sleep(20);
      }
    };
    await all(3);
    receivers.delays.length = 0;
    receivers.fiftieth = behaviour;
    for (let n = 0; n < events; n++) {
      await publish(n);
      await sleep(pauseMs);
    }
    await all(events);
    return { delays: receivers.delays, atFiftieth: receivers.atFiftieth - 3 };
  } finally {
    receivers.close();
    await program.stop();
  }
}

async function main(server: Server): Promise<void> {
  // In turns, so that a slow minute of the machine hits all of them; of each the quickest round counts.
  const best: { delays: number[]; atFiftieth: number }[] = [];
  for (let round = 0; round < Number(options.rounds); round++)
    for (const [number, [what, behaviour]] of FIFTIETH.entries()) {
      const one = await measure(server, `webhooks_${round}_${number}`, behaviour);
      console.log(what, median(one.delays).toFixed(0), quantile(one.delays, 0.99).toFixed(0), one.atFiftieth);
      if (best[number] === undefined || quantile(one.delays, 0.99) < quantile(best[number].delays, 0.99)) best[number] = one;
    }
  const lines = best.map(({ delays, atFiftieth }, number) => {
    const p99 = quantile(delays, 0.99);
    const ratio = p99 / quantile(best[0]!.delays, 0.99);
    return [FIFTIETH[number]![0], median(delays).toFixed(0), p99.toFixed(0), ratio.toFixed(2), String(atFiftieth)];
  });
  const report = table(
    [`the last of ${endpoints}`, 'p50 of the others, ms', 'p99 of the others, ms', 'p99, of that beside a good one', 'requests it got'],
    lines,
  );
  console.log(`\n${report}`);
  const conditions = `${events} events, one every ${pauseMs} ms and a little, each to ${endpoints} endpoints; from the event to the receiver; one process; the quickest of ${options.rounds} rounds.`;
  await keepReport('bench:webhooks', conditions, report);
}

const server = await startServer();
try {
  await main(server);
} finally {
  await server.stop();
}
process.exit();
