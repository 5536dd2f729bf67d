import { execFile } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, it } from '@jest/globals';

interface Violation {
  from: string;
  to: string;
  rule: { name: string };
}

const run = promisify(execFile);
const root = join(import.meta.dirname, '..');
const FIXTURE = /^test\/boundaries\/([^/]+)\//;
const fixtures = readdirSync(join(root, 'test/boundaries'));
let violations: Violation[];
let rules: Set<string>;

beforeAll(async () => {
  const cruiser = join(root, 'node_modules/dependency-cruiser/bin/dependency-cruiser.mjs');
  const places = ['src', 'libs', 'prisma', 'test'].filter((place) => existsSync(join(root, place)));
  // It exits with the number of violations, which the fixtures make many.
  const { stdout } = await run(
    process.execPath,
    [cruiser, '--config', '.config/dependency-cruiser.js', '--output-type', 'json', ...places],
    { cwd: root, maxBuffer: 100_000_000 },
  ).catch((error: { stdout?: string }) => {
    if (!error.stdout) throw error;
    return { stdout: error.stdout };
  });
  const { summary } = JSON.parse(stdout) as {
    summary: { violations: Violation[]; ruleSetUsed: { forbidden: { name: string }[] }; totalCruised: number };
  };
  violations = summary.violations;
  rules = new Set(summary.ruleSetUsed.forbidden.map(({ name }) => name));
});

describe('the boundaries', () => {
  it('are kept by the whole tree', () => {
    const broken = violations.filter(({ from }) => !FIXTURE.test(from)).map(({ rule, from, to }) => `${rule.name}: ${from} → ${to}`);
    expect(broken).toEqual([]);
  });

  it('have a fixture for every rule, and a rule for every fixture', () => {
    expect([...rules].sort()).toEqual([...fixtures].sort());
  });

  it.each(fixtures)('%s is noticed when broken', (fixture) => {
    const reported = violations.filter(({ from }) => FIXTURE.exec(from)?.[1] === fixture);
    expect([...new Set(reported.map(({ rule }) => rule.name))]).toEqual([fixture]);
  });

  it('notice each way of making a rule impure', () => {
    const impure = violations.filter(({ rule, from }) => rule.name === 'rules-are-pure' && FIXTURE.test(from)).map(({ from }) => from);
    expect(new Set(impure).size).toBe(
      readdirSync(join(root, 'test/boundaries/rules-are-pure/src/orders')).filter((name) => name.endsWith('.rules.ts')).length,
    );
  });

  it('are drawn in the README as they are', async () => {
    const { stdout } = await run(process.execPath, ['.config/diagram.mjs'], { cwd: root });
    const readme = readFileSync(join(root, 'README.md'), 'utf8');
    const drawn = /<!-- modules:begin -->\n([\s\S]*?)\n<!-- modules:end -->/.exec(readme)?.[1];
    expect(drawn).toBe(stdout.trimEnd());
  });
});
