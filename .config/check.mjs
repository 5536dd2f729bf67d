// `npm run check`: everything CI checks beside the tests. One line a step; what a step said, only when it fails.
import { spawn } from 'node:child_process';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..');
const bin = (path) => join(root, 'node_modules', path);
const QUIET = {
  REDOCLY_TELEMETRY: 'off',
  REDOCLY_SUPPRESS_UPDATE_NOTICE: 'true',
  CHECKPOINT_DISABLE: '1',
  NO_UPDATE_NOTIFIER: '1',
  CI: '1',
  NO_COLOR: '1',
};

const STEPS = [
  ['build', ['.config/build.mjs', '--if-changed']],
  ['types', [bin('typescript/bin/tsc'), '--noEmit', '--project', 'test/tsconfig.json']],
  ['types of the yardstick', [bin('typescript/bin/tsc'), '--noEmit', '--project', 'bench/tsconfig.json']],
  ['lint', [bin('eslint/bin/eslint.js'), '--config', '.config/eslint.config.js', '--max-warnings', '0', '.']],
  ['formatting', [bin('prettier/bin/prettier.cjs'), '--check', '--log-level', 'warn', '.']],
  [
    'boundaries',
    [
      bin('dependency-cruiser/bin/dependency-cruiser.mjs'),
      '--config',
      '.config/dependency-cruiser.js',
      '--output-type',
      'err-long',
      'src',
      'libs',
      'prisma',
    ],
  ],
  ['the README draws the map', ['.config/diagram.mjs', '--check']],
  ['schema and migrations agree', ['dist/prisma/migrate.js', 'check']],
  ['docs/privacy.md is the schema’s', ['dist/prisma/datamap.js', '--check']],
  ['openapi.json, docs/events.md and docs/permissions.md are the application’s', ['dist/src/contract.js', '--check']],
  ['openapi.json passes Redocly', [bin('@redocly/cli/bin/cli.js'), 'lint', '--extends', 'recommended', 'openapi.json']],
  [
    'openapi.json passes Spectral',
    [
      bin('@stoplight/spectral-cli/dist/index.js'),
      'lint',
      '--ruleset',
      '.config/spectral.yaml',
      '--fail-severity',
      'error',
      'openapi.json',
    ],
  ],
];

function run(args) {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, args, { cwd: root, env: { ...process.env, ...QUIET }, stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (output += chunk));
    child.once('error', (error) => resolve({ passed: false, output: error.message }));
    child.once('close', (code) => resolve({ passed: code === 0, output }));
  });
}

const needsBuild = (name, [program]) => program.startsWith('dist/') || name.startsWith('types');

let failed = 0;
let isBuilt = true;
for (const [name, args] of STEPS) {
  if (!isBuilt && needsBuild(name, args)) {
    failed += 1;
    console.log(`✗ ${name}: not looked at, as the build failed`);
    continue;
  }
  const started = performance.now();
  const { passed, output } = await run(args);
  if (!passed) failed += 1;
  if (name === 'build') isBuilt = passed;
  console.log(`${passed ? '✓' : '✗'} ${name} (${((performance.now() - started) / 1000).toFixed(1)} s)`);
  if (!passed) console.log(output.trim().replace(/^/gm, '    '));
}
console.log(`${STEPS.length - failed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;
