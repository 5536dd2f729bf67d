import { defineConfig, globalIgnores } from 'eslint/config';
import tseslint from 'typescript-eslint';

/** Syntax that is forbidden, each with the way out. */
const UNSAFE_SQL = {
  selector: 'MemberExpression[property.name=/^\\$(query|execute)RawUnsafe$/]',
  message:
    'SQL text that is put together is how injections happen: use the tagged $queryRaw or $executeRaw. Only libs/database may do without.',
};
const ENVIRONMENT = {
  selector:
    "MemberExpression[object.name='process'][property.name='env'], ImportDeclaration[source.value=/^(node:)?process$/] > ImportSpecifier[imported.name='env']",
  message: 'Only libs/config reads the environment: add the variable to Env and inject that.',
};
const MODULE_MOCKS = {
  selector: "CallExpression[callee.object.name='jest'][callee.property.name=/^(mock|doMock|setMock|unstable_mockModule)$/]",
  message: 'Nothing in this process is mocked: test the rule as a plain function, or the whole over HTTP.',
};
const DEFAULT_EXPORT = {
  selector: 'ExportDefaultDeclaration',
  message: 'Export by name, at the declaration: a name that every importer may choose anew cannot be searched for.',
};
const FOREIGN_FAILURE = {
  selector: 'NewExpression[callee.name=/Exception$/]',
  message:
    'It has no code and no page: throw what a factory of <plural>.errors.ts makes (problem(…) of #errors), and name that with @Problems(…).',
};
const ERASED_DTO = {
  selector: [
    "ImportDeclaration[importKind='type'] > ImportSpecifier[imported.name=/(Dto|Query)$/]",
    "ImportSpecifier[importKind='type'][imported.name=/(Dto|Query)$/]",
    "ImportDeclaration[importKind='type'][source.value=/[.]dto[.]js$/]",
    "ImportDeclaration[source.value=/[.]dto[.]js$/] > ImportSpecifier[importKind='type']",
  ].join(', '),
  message: 'A DTO that a controller imports as a type is erased, and with it every validation rule: import it without `type`.',
};

const FORWARD_REF = {
  name: '@nestjs/common',
  importNames: ['forwardRef'],
  message: 'A cycle crashes at import under ESM: find the noun that both sides share, or let one side listen to events.',
};
const PERSISTENCE = {
  name: '#database',
  importNames: ['PrismaService', 'transaction'],
  message: 'Only services, queries, listeners, jobs, privacy and invariants touch the database.',
};

/** ESLint's own rules for what compiles and is wrong all the same. */
const MISTAKES = [
  'array-callback-return',
  'no-async-promise-executor',
  'no-cond-assign',
  'no-debugger',
  'no-empty',
  'no-empty-pattern',
  'no-irregular-whitespace',
  'no-loss-of-precision',
  'no-misleading-character-class',
  'no-prototype-builtins',
  'no-self-assign',
  'no-self-compare',
  'no-sparse-arrays',
  'no-template-curly-in-string',
  'no-unsafe-finally',
  'no-unsafe-optional-chaining',
  'no-unused-private-class-members',
  'no-useless-assignment',
  'no-useless-backreference',
  'no-useless-catch',
  'no-useless-escape',
  'preserve-caught-error',
  'require-yield',
];

const forbid = (...syntax) => ({ 'no-restricted-syntax': ['error', ...syntax] });
const EVERYWHERE = [UNSAFE_SQL, ENVIRONMENT, MODULE_MOCKS, DEFAULT_EXPORT, FOREIGN_FAILURE];
const except = (...allowed) => EVERYWHERE.filter((syntax) => !allowed.includes(syntax));

export default defineConfig(
  globalIgnores(['dist', 'coverage', '.data', 'libs/database/generated', 'src/metadata.ts', 'test/boundaries']),
  { linterOptions: { reportUnusedDisableDirectives: 'error' } },
  { rules: Object.fromEntries(MISTAKES.map((rule) => [rule, 'error'])) },
  tseslint.configs.recommendedTypeChecked,
  {
    files: ['**/*.ts'],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: `${import.meta.dirname}/..` } },
    rules: {
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', ignoreRestSiblings: true }],
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true, allowBoolean: true }],
      // Hooks of Fastify and methods of interfaces are asynchronous by contract, whether or not they wait for something.
      '@typescript-eslint/require-await': 'off',
      eqeqeq: ['error', 'always'],
      'no-restricted-imports': ['error', { paths: [FORWARD_REF] }],
      ...forbid(...EVERYWHERE),
    },
  },
  {
    // Declared types keep a service's promise from changing unnoticed with its body.
    files: ['src/**/*.{service,queries,controller,rules}.ts'],
    rules: { '@typescript-eslint/explicit-module-boundary-types': 'error' },
  },
  { files: ['src/**/*.ts', 'libs/**/*.ts'], ignores: ['src/start.ts'], rules: { 'no-console': 'error' } },
  {
    files: ['src/*/**/*.ts'],
    ignores: ['**/*.{service,queries,listener,jobs,privacy,invariants}.ts'],
    rules: { 'no-restricted-imports': ['error', { paths: [FORWARD_REF, PERSISTENCE] }] },
  },
  { files: ['**/*.controller.ts'], rules: forbid(...EVERYWHERE, ERASED_DTO) },
  { files: ['libs/config/**/*.ts'], rules: forbid(...except(ENVIRONMENT)) },
  { files: ['libs/database/**/*.ts'], rules: forbid(...except(UNSAFE_SQL)) },
  // The server it starts needs PATH and the like, which are the machine's and not settings of ours.
  { files: ['libs/database/src/embedded-programs.ts'], rules: forbid(...except(UNSAFE_SQL, ENVIRONMENT)) },
  // Jest takes its global set-up from a default export.
  { files: ['test/harness/**/*.ts'], rules: forbid(...except(ENVIRONMENT, DEFAULT_EXPORT)) },
  {
    files: ['**/*.{js,mjs,cjs}'],
    extends: [tseslint.configs.disableTypeChecked],
    rules: forbid(UNSAFE_SQL, MODULE_MOCKS),
  },
);
