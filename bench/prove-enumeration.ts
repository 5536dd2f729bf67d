// `npm run prove -- enumeration`: whether the time of an answer tells if an address has an account. Known and unknown addresses are asked about in turns,
// each once, and their medians are compared. Exits with 1 when one differs by more than it may.
import { parseArgs } from 'node:util';
import { makeEmptyDatabase, median, PASSWORD, PRODUCT, Program, query, settingsFor, startServer, table } from './world.ts';

const { values: options } = parseArgs({
  allowPositionals: true,
  options: { pairs: { type: 'string', default: '200' }, most: { type: 'string', default: '5' } },
});
const [pairs, most] = [Number(options.pairs), Number(options.most)];
const LIMITS = {
  AUTH_REGISTRATIONS_PER_HOUR: '1000000',
  AUTH_MAIL_REQUESTS_PER_HOUR: '1000000',
  AUTH_LOGIN_FAILURES_PER_WINDOW: '1000000',
};

/** What is called, with a body for an address, and what it answers whatever the address. */
const OPERATIONS: [path: string, body: (email: string) => object, status: number][] = [
  ['auth/login', (email) => ({ email, password: 'wrong for everybody here' }), 401],
  ['auth/register', (email) => ({ email, password: 'six yellow lanterns over water', name: 'Grace Hopper' }), 202],
  ['auth/password/forgot', (email) => ({ email }), 202],
  ['auth/email/resend', (email) => ({ email }), 202],
];

async function call(url: string, path: string, body: object, expected: number): Promise<number> {
  const began = performance.now();
  const answer = await fetch(`${url}/api/v1/${path}`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify(body),
  });
  await answer.text();
  if (answer.status !== expected) throw new Error(`${path} answers ${answer.status}, not ${expected}.`);
  return performance.now() - began;
}

const known = (number: number) => `known-${number}@example.org`;
const server = await startServer();
try {
  const databaseUrl = await makeEmptyDatabase(server, 'prove');
  const settings = { ...settingsFor(databaseUrl), ...LIMITS, LOG_LEVEL: 'silent' };
  const maker = await Program.start(PRODUCT, settings);
  for (let number = 0; number < pairs; number++)
    await call(maker.url, 'auth/register', { email: known(number), password: PASSWORD, name: 'Ada Lovelace' }, 201);
  await maker.stop();
  await query(databaseUrl, 'UPDATE users SET email_verified_at = now()');
  // Jobs are done elsewhere, as they may be: what follows an answer must not slow the next one down.
  const program = await Program.start(PRODUCT, { ...settings, ROLE: 'api', AUTH_EMAIL_VERIFICATION: 'required' });
  const lines: string[][] = [];
  let worst = 0;
  for (const [path, body, status] of OPERATIONS) {
    const unknown = (number: number) => `unknown-${path.replaceAll('/', '-')}-${number}@example.org`;
    for (let warm = 0; warm < 20; warm++) await call(program.url, path, body(`warm-${warm}@example.org`), status);
    const took = { known: [] as number[], unknown: [] as number[] };
    for (let number = 0; number < pairs; number++) {
      const pair = [
        async () => took.known.push(await call(program.url, path, body(known(number)), status)),
        async () => took.unknown.push(await call(program.url, path, body(unknown(number)), status)),
      ];
      for (const one of number % 2 ? pair : pair.toReversed()) await one();
    }
    const [ours, theirs] = [median(took.known), median(took.unknown)];
    const difference = Math.abs(ours / theirs - 1) * 100;
    worst = Math.max(worst, difference);
    lines.push([`POST /${path}`, ours.toFixed(2), theirs.toFixed(2), `${difference.toFixed(1)} %`]);
  }
  await program.stop();
  console.log(table([`${pairs} pairs in turns`, 'known, ms', 'unknown, ms', 'difference'], lines));
  console.log(
    worst <= most ? `No median differs by more than ${most} %.` : `A median differs by ${worst.toFixed(1)} %, more than ${most} %.`,
  );
  process.exitCode = worst <= most ? 0 : 1;
} finally {
  await server.stop();
}
