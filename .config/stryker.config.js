import { tmpdir } from 'node:os';
import { join } from 'node:path';
import jest from './jest.config.js';

const [unit, e2e] = jest.projects;

/**
 * What is mutated together, and the tests that must notice: each of these test files is loaded once more for every mutant, so they are
 * as few as will do. Those of `e2e` run in the application itself; what they start as processes is the product without mutants.
 */
export const GROUPS = {
  rules: {
    mutate: [
      '{src,prisma}/**/*.rules.ts',
      'libs/errors/src/{app-error,problem}.ts',
      'libs/http/src/slug.ts',
      'libs/security/src/client-address.ts',
    ],
    project: unit,
    tests: ['**/*.rules.spec.ts', 'libs/{errors,security}/src/*.spec.ts', 'libs/http/src/slug.spec.ts'],
  },
  configuration: { mutate: ['libs/config/src/{load,rules}.ts'], project: unit, tests: ['libs/config/src/*.spec.ts'] },
  input: {
    mutate: ['libs/http/src/{paging,validation.pipe}.ts'],
    project: unit,
    tests: ['libs/http/src/{paging,validation.pipe}.spec.ts'],
  },
  guards: {
    mutate: [
      'libs/security/src/{authentication,authorization}.guard.ts',
      'libs/http/src/{rate-limit,undeclared-input}.guard.ts',
      'src/ops/docs.guard.ts',
    ],
    project: e2e,
    tests: ['test/guards.e2e-spec.ts', 'src/ops/docs.guard.spec.ts'],
  },
  'address budgets': { mutate: ['libs/security/src/address-budget.guard.ts'], project: e2e, tests: ['test/budgets.e2e-spec.ts'] },
  'route check': { mutate: ['libs/security/src/route-check.ts'], project: e2e, tests: ['test/start.e2e-spec.ts'] },
  idempotency: { mutate: ['libs/http/src/idempotency.ts'], project: e2e, tests: ['test/idempotency.e2e-spec.ts'] },
  transactions: {
    mutate: ['libs/database/src/{transaction,statements,rows}.ts'],
    project: e2e,
    tests: ['test/transactions.e2e-spec.ts'],
  },
};

const WORDS = new Set(['StringLiteral', 'TemplateLiteral']);
/** Of errors and of mails. */
const MEMBERS = new Set(['detail', 'message', 'subject', 'paragraphs', 'label', 'reason']);

/** The sentence of an error that is thrown, of a member that is refused, of a rule that a setting breaks, or of a mail. */
function isSentence({ node, key, parent, parentPath }) {
  if (!WORDS.has(node.type)) return false;
  const member = parent.type === 'ArrayExpression' ? parentPath.parent : parent;
  if (member.type === 'ObjectProperty') return (key === 'value' || member !== parent) && MEMBERS.has(member.key.name);
  if (parent.callee?.name === 'rule') return true;
  return parentPath.parent?.type === 'ThrowStatement' && parent.arguments?.[0] === node;
}

const isApiProperty = ({ node }) => node.type === 'Decorator' && node.expression.callee?.name === 'ApiProperty';

/** Says at once what survived: a group takes long, and a test for the first survivor can be written meanwhile. */
class Survivors {
  onMutantTested({ status, fileName, location, replacement }) {
    if (status !== 'Survived' && status !== 'NoCoverage') return;
    console.log(`${status} ${fileName}:${location.start.line}:${location.start.column} → ${replacement.slice(0, 120)}`);
  }
}

/** That reporter, and what is not mutated because it is honest to improve it without a test: Stryker loads both from this file. */
export const strykerPlugins = [
  { kind: 'Reporter', name: 'survivors', injectableClass: Survivors },
  {
    kind: 'Ignore',
    name: 'words',
    value: {
      shouldIgnore(path) {
        if (isSentence(path)) return 'Tests name the code of an error and the link of a mail; their sentences are for people.';
        if (isApiProperty(path)) return '`npm run check` compares what it says with openapi.json.';
        return undefined;
      },
    },
  },
];

/** Of a Jest project what Stryker needs in its copy of the sources: the database is up already, and each mutant wants its modules anew. */
function jestConfig({ project: { rootDir, ...settings }, tests }) {
  const config = {
    ...settings,
    runtime: undefined,
    globalSetup: undefined,
    globalTeardown: undefined,
    testMatch: tests.map((pattern) => `<rootDir>/${pattern}`),
    testTimeout: 60_000,
  };
  const portable = JSON.parse(JSON.stringify(config).replaceAll(rootDir, '<rootDir>'));
  return { ...portable, testEnvironment: join(import.meta.dirname, 'fail-fast.mjs') };
}

const name = process.env.MUTATION_GROUP ?? 'rules';

export default {
  mutate: GROUPS[name].mutate,
  testRunner: 'jest',
  testRunnerNodeArgs: ['--experimental-vm-modules', '--disable-warning=ExperimentalWarning'],
  jest: { config: jestConfig(GROUPS[name]) },
  appendPlugins: [import.meta.filename],
  ignorers: ['words'],
  concurrency: 2,
  maxTestRunnerReuse: 40, // Jest never gives back all of the memory that modules took
  timeoutMS: 60_000,
  tempDirName: join(tmpdir(), 'ashlar-mutation'),
  cleanTempDir: 'always',
  ignorePatterns: ['coverage', 'dist', '.data', 'bench', 'docs', 'deploy', 'test/boundaries', 'test/full'],
  reporters: ['progress-append-only', 'survivors', 'clear-text', 'html', 'json'],
  clearTextReporter: { logTests: false, reportTests: false, reportScoreTable: false },
  htmlReporter: { fileName: `coverage/mutation/${name}.html` },
  jsonReporter: { fileName: `coverage/mutation/${name}.json` },
  logLevel: 'warn',
  warnings: { slow: false },
  thresholds: { high: 90, low: 80, break: 80 },
};
