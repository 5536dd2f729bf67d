// `npm run test:mutation`: breaks the code in many small ways and looks whether a test notices. All groups of stryker.config.js, or those named; `--concurrency 1` and
// `--mutate <file>:<line>-<line>` and other options are Stryker's.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import setUp from '../test/harness/global-setup.ts';
import tearDown from '../test/harness/global-teardown.ts';
import { GROUPS } from './stryker.config.js';

const root = join(import.meta.dirname, '..');
const stryker = join(root, 'node_modules/@stryker-mutator/core/bin/stryker.js');

/** How many mutants of a report ended how; a file is a report's own when it was mutated. */
function tally(report) {
  const counts = { noticed: 0, missed: 0 };
  for (const { status } of Object.values(report.files).flatMap(({ mutants }) => mutants)) {
    if (status === 'Killed' || status === 'Timeout') counts.noticed += 1;
    if (status === 'Survived' || status === 'NoCoverage') counts.missed += 1;
  }
  return counts;
}

const percent = ({ noticed, missed }) => `${((100 * noticed) / (noticed + missed)).toFixed(1)} %`;

const words = process.argv.slice(2);
const options = words.slice(words.findIndex((word) => word.startsWith('--')) >>> 0);
const named = words.slice(0, words.length - options.length);
const unknown = named.filter((name) => !Object.hasOwn(GROUPS, name));
if (unknown.length > 0) throw new Error(`There is no group ${unknown.join(', ')}: the groups are ${Object.keys(GROUPS).join(', ')}.`);

const total = { noticed: 0, missed: 0 };
const lines = [];
let child;
let stopped = false;
for (const signal of ['SIGINT', 'SIGTERM'])
  process.once(signal, () => {
    stopped = true;
    process.exitCode = 130;
    child?.kill(signal);
  });
await setUp();
try {
  for (const name of named.length > 0 ? named : Object.keys(GROUPS)) {
    const file = join(root, `coverage/mutation/${name}.json`);
    rmSync(file, { force: true });
    const started = performance.now();
    child = spawn(process.execPath, [stryker, 'run', '.config/stryker.config.js', ...options], {
      cwd: root,
      env: { ...process.env, MUTATION_GROUP: name },
      stdio: 'inherit',
    });
    const [status] = await once(child, 'exit');
    if (stopped) break;
    if (status !== 0) process.exitCode = 1;
    const seconds = ((performance.now() - started) / 1000).toFixed(0);
    if (!existsSync(file)) {
      lines.push(`✗ ${name}: could not be run`);
      continue;
    }
    const counts = tally(JSON.parse(readFileSync(file, 'utf8')));
    total.noticed += counts.noticed;
    total.missed += counts.missed;
    lines.push(`${status === 0 ? '✓' : '✗'} ${name}: ${percent(counts)} of ${counts.noticed + counts.missed} noticed (${seconds} s)`);
  }
} finally {
  await tearDown();
}
console.log([...lines, `${percent(total)} of ${total.noticed + total.missed} noticed`].join('\n'));
