// `npm run prove`: whether money and stock add up, whatever happens at once and whatever is killed (see prove/proofs.ts); what was found is written to
// docs/proof.md. `npm run prove -- enumeration`: whether the time of an answer tells if an address has an account (see prove-enumeration.ts).
import { randomInt } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { listed } from './prove/answers.ts';
import { compare } from './prove/books.ts';
import { checkTheChecker, LIES_TOLD } from './prove/lies.ts';
import type { Outcome, Proof, Random } from './prove/proof.ts';
import { PROOFS } from './prove/proofs.ts';
import { Shop } from './prove/shop.ts';

const PEOPLE = 500;

interface Result extends Outcome {
  proof: Proof;
  seconds: number;
}

/** The same numbers for the same seed and name (mulberry32). */
function randomOf(seed: number, name: string): Random {
  let state = [...name].reduce((sum, letter) => (Math.imul(sum, 31) + letter.charCodeAt(0)) | 0, seed);
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Puts the shop to the proof; what was found, of each proof and by the comparison of itself. */
async function prove(proofs: Proof[], seed: number, scale: number): Promise<{ results: Result[]; blind: string[] }> {
  const scaled = (full: number, least: number) => Math.max(least, Math.round(full * scale));
  const began = performance.now();
  const elapsed = (since: number) => Math.round((performance.now() - since) / 1_000);
  const shop = await Shop.open(scaled(PEOPLE, 50));
  console.log(`The shop is open (${elapsed(began)} s).`);
  const results: Result[] = [];
  let blind: string[] = [];
  try {
    for (const proof of proofs) {
      const since = performance.now();
      // The figures are those of a shop that nobody listens to.
      if (proof.name !== 'figures' && shop.endpointSecret === '') await shop.subscribe();
      const { numbers, faults } = await proof.run(shop, randomOf(seed, proof.name), scaled);
      const ran = elapsed(since);
      const left = await shop.settle();
      const failures = shop.takeFailures();
      // The provider of `sandbox:timeout` does not answer: that is said by a 503.
      delete failures['503 payments/provider-unreachable'];
      const found = [
        ...faults,
        ...left,
        ...(proof.disturbed || Object.keys(failures).length === 0 ? [] : [`calls are answered ${listed(failures)}`]),
        ...(await compare(shop)),
      ];
      results.push({ proof, numbers, faults: found, seconds: elapsed(since) });
      console.log(
        `\n${proof.name} (${ran} s, and ${elapsed(since) - ran} s until the books could be compared)\n  ${proof.claim}\n  ${numbers}`,
      );
      for (const fault of found) console.log(`  FAULT: ${fault}`);
    }
    // What is blind where everything agrees would be no proof of it.
    if (results.every(({ faults }) => faults.length === 0)) {
      const checked = await checkTheChecker(shop);
      // Some proofs alone do not have all that there is to lie about.
      blind = proofs.length === PROOFS.length ? [...checked.blind, ...checked.untold] : checked.blind;
    }
  } finally {
    await shop.close();
  }
  return { results, blind };
}

function report(results: Result[], seed: number, command: string): string {
  const [date] = new Date().toISOString().split('T');
  const rows = results.map(({ proof, numbers, faults, seconds }) => {
    const found = faults.length === 0 ? 'it holds' : faults.join('<br>');
    return `| ${proof.name} | ${proof.claim} | ${numbers} | ${found} | ${seconds} s |`;
  });
  return `# The proof

That money and stock add up, whatever happens at once and whatever is killed. \`npm run prove\` writes this file; \`test/full/commerce-proof.full-spec.ts\` runs the same code small.

    ${command}

${date}, seed ${seed}, ${cpus().length} × ${cpus()[0]!.model.trim()}, Node ${process.versions.node}, PostgreSQL 18 (embedded, durable), all on one machine.

| proof | claim | what was done and answered | found | took |
| --- | --- | --- | --- | ---: |
${rows.join('\n')}

## What is compared

Two production processes (\`node dist/src/main.js\`) work on one PostgreSQL. After each proof nothing is under way any more, and the shop's books are compared with books that are kept outside it:

- **What customers were told**: every order that was answered 201 is there, of the user or the guest who placed it, with its number, and costs what the catalogue says in its currency, less what its coupon takes off; there is none that nobody was told of. No cart was ordered twice, and what was ordered is no cart any more; coupons are counted as used as often as they were.
- **The payment provider**: a server of its own process that speaks Stripe's API, with its own books, and the simulator, whose books are tables beside the shop's. Each charge is one payment, of the same amount and currency, and with the same refunds; no order has more charges than calls that tried to pay it; for a paid order the provider has its total less what was refunded, for every other one nothing.
- **The shelf**: of each variant what was delivered is what is there, and what paid orders have taken and not brought back. What is reserved is what pending orders hold.
- **A receiver of webhooks**, which refuses one in fifty at first: every event of orders, payments and refunds came to it, signed; what it heard of an order is one legal life, which ends as the order's status says.
- **Invoices**: every order that the receiver heard was paid has one, each refund of it a credit note, and their numbers have no gap.
- **A mail server**: everybody, guests at the address that they gave, has exactly one mail that their order is placed, and one that it is paid. A process that is killed may send a mail again: with the same Message-ID, by which it is the same.
- **\`GET /ops/invariants\`** finds nothing broken.

At the end the comparison is put to the proof itself: ${LIES_TOLD} lies are told to one book each (a piece too many, a charge of another amount, an order that is gone, one made twice from one cart, an event that did not arrive …), and it must see every one.

Four of ten customers of \`lines\`, \`lives\`, \`carts\`, \`kill\` and \`kill-database\` are guests, who have an address, and open their carts and orders by tokens. In the last three carts are filled call by call, and ordered; about a third of the orders are in a second currency, by a price list, and as many have a coupon. Under \`kill\` and \`kill-database\` some order a cart again that they have ordered already, with another key, and must find none; and everybody reads their order in the end.

Under \`kill\` and \`kill-database\` clients send what was not answered again, with its key, to either process. \`kill -9\` hits them without a warning; a process is ready again when \`/health/ready\` says so, PostgreSQL when it and both processes do.

## Weaknesses

- Everything runs on one machine, whose cores clients, processes, PostgreSQL and the outside books share: the times are those of a busy machine. Nothing here loses a disk, or the network between machines.
- Provider and receiver lose nothing: what Stripe's server sends is repeated until it is taken, as Stripe does for three days.
- What is random follows from the seed; in which order the shop takes what comes at once does not. Another run is another proof.
`;
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    scale: { type: 'string', default: '1' },
    seed: { type: 'string', default: String(randomInt(1_000_000)) },
    pairs: { type: 'string' },
    most: { type: 'string' },
  },
});
const [what = 'commerce', ...names] = positionals;
if (what === 'enumeration') await import('./prove-enumeration.ts');
else if (what === 'commerce') {
  const unknown = names.filter((name) => !PROOFS.some((proof) => proof.name === name));
  if (unknown.length > 0) throw new Error(`There are the proofs ${PROOFS.map(({ name }) => name).join(', ')}, not ${unknown.join(', ')}.`);
  const [seed, scale] = [Number(values.seed), Number(values.scale)];
  console.log(`seed ${seed}, scale ${scale}`);
  const proofs = PROOFS.filter(({ name }) => names.length === 0 || names.includes(name));
  const { results, blind } = await prove(proofs, seed, scale);
  const faults = [...results.flatMap(({ faults: of }) => of), ...blind];
  for (const fault of blind) console.log(`FAULT: ${fault}`);
  // Parts of it, and small runs, are printed, not kept.
  if (scale === 1 && names.length === 0) {
    const file = join(import.meta.dirname, '../docs/proof.md');
    await writeFile(file, report(results, seed, `npm run prove -- --seed ${seed}`));
  }
  console.log(faults.length === 0 ? '\nEverything holds.' : `\n${faults.length} faults.`);
  process.exit(faults.length === 0 ? 0 : 1);
} else throw new Error('npm run prove takes: commerce (with names of proofs), or enumeration.');
