import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const rootDir = join(import.meta.dirname, '..');
const json = (name) => JSON.parse(readFileSync(join(rootDir, name), 'utf8'));

// The build leaves specs out; here they are what is compiled.
const swc = { ...json('.swcrc'), $schema: undefined, exclude: undefined, swcrc: false };
const aliases = Object.entries(json('package.json').imports).map(([alias, { types }]) => [`^${alias}$`, join(rootDir, types)]);

const project = (displayName, testMatch, settings) => ({
  displayName,
  rootDir,
  testMatch: testMatch.map((pattern) => `<rootDir>/${pattern}`),
  runtime: '<rootDir>/.config/jest-runtime.mjs',
  testEnvironment: '<rootDir>/.config/jest-environment.mjs',
  extensionsToTreatAsEsm: ['.ts'],
  transform: { '\\.ts$': ['@swc/jest', swc] },
  moduleNameMapper: { ...Object.fromEntries(aliases), '^(\\.{1,2}/.*)\\.js$': '$1' },
  modulePathIgnorePatterns: ['<rootDir>/dist/'],
  ...settings,
});

const withDatabase = { globalSetup: '<rootDir>/test/harness/global-setup.ts', globalTeardown: '<rootDir>/test/harness/global-teardown.ts' };

/**
 * `--selectProjects unit e2e` is `npm test`; `full` is what takes longer than a developer waits, with a --testTimeout of its own: races and
 * crashes over several processes, proofs at scale, and requests that are made up from openapi.json. `browser` needs Chromium.
 */
export default {
  rootDir,
  // A third saves a quarter of the time (`-w 3`), but then tests of time limits answer too late now and then.
  maxWorkers: 2,
  // What modules hold is never freed: a worker that has grown makes room for a new one.
  workerIdleMemoryLimit: '1500MB',
  testTimeout: 30_000,
  projects: [
    project('unit', ['{libs,src,prisma}/**/*.spec.ts', 'test/*.spec.ts'], {}),
    project('e2e', ['test/*.e2e-spec.ts', 'test/contract/*.e2e-spec.ts'], withDatabase),
    project('full', ['test/full/*.full-spec.ts', 'test/generated/*.generated-spec.ts'], withDatabase),
    project('browser', ['test/browser/*.browser-spec.ts'], withDatabase),
  ],
};
