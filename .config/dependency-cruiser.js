/** Libs, lowest first: each may import those of the lines above it. */
export const LIBS = [
  ['errors'],
  ['config'],
  ['telemetry'],
  ['database', 'redis'],
  ['jobs'],
  ['events'],
  ['audit', 'cache', 'storage', 'mail', 'privacy'],
  ['security'],
  ['http'],
];

/** Features, and the neighbours each may use. */
export const FEATURES = {
  users: [],
  auth: ['users'],
  files: [],
  posts: ['files'],
  comments: ['posts'],
  feeds: ['posts'],
  imports: ['users', 'files', 'posts'],
  shop: [],
  products: ['files', 'shop'],
  payments: [],
  orders: ['users', 'products', 'payments', 'shop'],
  releases: ['posts', 'products'],
  notifications: ['users', 'orders'],
  streams: [],
  webhooks: ['users'],
  audit: [],
  ops: [],
};

/** Files that a process starts from, and that tools find by their name. */
const ENTRIES = ['src/(main|start|contract)\\.ts$', 'prisma/[^/]+\\.ts$', 'libs/[^/]+/src/index\\.ts$', '\\.d\\.ts$', '\\.spec\\.ts$'];

// A fixture repeats the tree below test/boundaries/<rule>/, so that the very same rules hold for it.
const at = (path) => `^(?:|test/boundaries/[^/]+/)${path}`;
const oneOf = (names) => `(?:${names.join('|')})`;
const AT_RUN_TIME = { dependencyTypesNot: ['type-only'] };
const INSTALLED = '(?:^|/)node_modules/';

const libRules = LIBS.flatMap((level, height) =>
  level.map((lib) => ({
    name: 'libs-know-only-lower-libs',
    comment: `The order of libs stands in .config/dependency-cruiser.js: ${lib} may know ${LIBS.slice(0, height).flat().join(', ') || 'none'}.`,
    from: { path: at(`libs/${lib}/`) },
    to: { path: at('libs/'), pathNot: at(`libs/${oneOf([lib, ...LIBS.slice(0, height).flat()])}/`) },
  })),
);

const featureRules = Object.entries(FEATURES).map(([feature, neighbours]) => ({
  name: 'features-know-only-their-neighbours',
  comment: `The map stands in .config/dependency-cruiser.js: ${feature} may know ${neighbours.join(', ') || 'none'}. To react to another feature, listen to its events; to be asked, register with a lib.`,
  from: { path: at(`src/${feature}/`) },
  to: { path: at('src/[^/]+/'), pathNot: [at(`src/${oneOf([feature, ...neighbours])}/`), '\\.events\\.ts$'] },
}));

/** Every rule; each has a fixture of its name under test/boundaries/ that breaks it. */
const RULES = [
  ...libRules,
  ...featureRules,
  {
    name: 'rooms-are-on-the-map',
    comment: 'A new lib or feature gets its place in the tables of .config/dependency-cruiser.js first.',
    from: { path: at('(?:libs|src)/[^/]+/'), pathNot: [at(`libs/${oneOf(LIBS.flat())}/`), at(`src/${oneOf(Object.keys(FEATURES))}/`)] },
    to: {},
  },
  {
    name: 'libs-do-not-know-the-application',
    comment: 'What a lib needs of a feature, the feature hands in by registering.',
    from: { path: at('libs/') },
    to: { path: at('(?:src|prisma|test)/'), pathNot: at('test/boundaries/[^/]+/libs/') },
  },
  {
    name: 'libs-have-one-face',
    comment: 'Import a lib by its alias (#http): its src/index.ts is all it shows. Inside a lib, import by ./',
    from: { path: at('(libs/[^/]+|src)/') },
    to: { path: at('libs/'), pathNot: at('$1/'), dependencyTypesNot: ['aliased-subpath-import'] },
  },
  {
    name: 'neighbours-show-few-files',
    comment: 'Of a neighbour, import its service, DTOs, errors, rules or module.',
    from: { path: at('src/([^/]+)/') },
    to: { path: at('src/[^/]+/'), pathNot: [at('src/$1/'), '\\.(?:service|dto|errors|rules|module|events)\\.ts$'] },
  },
  {
    name: 'listeners-hear-events',
    comment: 'Of every feature, a listener may import the events; they are published by nobody but that feature.',
    from: { path: at('src/([^/]+)/'), pathNot: '\\.listener\\.ts$' },
    to: { path: at('src/[^/]+/.*\\.events\\.ts$'), pathNot: at('src/$1/') },
  },
  {
    name: 'events-know-no-feature',
    comment: 'Whoever listens imports them, so they bring nothing along: events know libs, rules, and types.',
    from: { path: at('src/[^/]+/.*\\.events\\.ts$') },
    to: { path: at('src/'), pathNot: '\\.rules\\.ts$', ...AT_RUN_TIME },
  },
  {
    name: 'only-the-root-names-features',
    comment: 'Only app.module.ts, app.setup.ts and the programs beside them put the application together.',
    from: { path: at('src/[^/]+\\.ts$'), pathNot: at('src/(?:app\\.module|app\\.setup|server|contract)\\.ts$') },
    to: { path: at('src/[^/]+/') },
  },
  {
    name: 'features-do-not-know-the-root',
    comment: 'Features are put together by the root; what they share is a lib.',
    from: { path: at('src/[^/]+/') },
    to: { path: at('(?:src/[^/]+\\.ts$|prisma/)') },
  },
  {
    name: 'only-services-know-the-database',
    comment:
      'Controllers, rules, guards and modules leave the database to services, queries, listeners, jobs, privacy and invariants; DTOs take its enums.',
    from: { path: at('src/[^/]+/'), pathNot: '\\.(?:service|queries|listener|jobs|privacy|invariants|dto)\\.ts$' },
    to: { path: at('libs/database/'), ...AT_RUN_TIME },
  },
  {
    name: 'services-know-dtos-as-types-only',
    comment: 'What crosses the wire is the controller’s affair: import type { CreateOrderDto }.',
    from: { path: '\\.(?:service|queries)\\.ts$' },
    to: { path: '\\.dto\\.ts$', ...AT_RUN_TIME },
  },
  {
    name: 'controllers-are-asked-by-nobody',
    comment: 'A controller is called by HTTP only; its module names it.',
    from: { path: at('src/'), pathNot: '\\.module\\.ts$' },
    to: { path: '\\.controller\\.ts$' },
  },
  {
    name: 'rules-are-pure',
    comment: 'A rule decides from its arguments: no framework, no client, no file, no network. It may know other rules, errors, and types.',
    from: { path: at('src/[^/]+/.*\\.rules\\.ts$') },
    to: {
      path: [
        at('(?:src|libs)/'),
        `${INSTALLED}(?:@nestjs|@prisma|@fastify|fastify|pg|pino|rxjs|class-validator|class-transformer)/`,
        '^(?:node:)?(?:fs|net|http|https|child_process|timers|dns|worker_threads)(?:/|$)',
      ],
      pathNot: ['\\.(?:rules|errors)\\.ts$', at('libs/errors/')],
      ...AT_RUN_TIME,
    },
  },
  {
    name: 'errors-know-no-package',
    comment: 'Failures are words of the domain: libs/errors knows neither Nest nor HTTP nor any package.',
    from: { path: at('libs/errors/'), pathNot: '\\.spec\\.ts$' },
    to: { path: INSTALLED },
  },
  {
    name: 'production-knows-no-tests',
    comment: 'What only tests need lies in test/harness or in the spec itself.',
    from: { path: at('(?:src|libs|prisma)/'), pathNot: '\\.spec\\.ts$' },
    to: { path: [at('test/'), '\\.spec\\.ts$'], pathNot: at('test/boundaries/[^/]+/(?:src|libs|prisma)/(?!.*\\.spec\\.ts$)') },
  },
  {
    name: 'production-knows-no-tools',
    comment: 'The image has no devDependencies: move the package to dependencies, or do without.',
    from: { path: at('(?:src|libs|prisma)/'), pathNot: '\\.spec\\.ts$' },
    to: { dependencyTypes: ['npm-dev'], dependencyTypesNot: ['type-only'], pathNot: `${INSTALLED}@types/` },
  },
  {
    name: 'packages-are-declared',
    comment: 'A package that merely happens to be installed may be gone tomorrow: declare it in package.json.',
    from: {},
    to: { dependencyTypes: ['npm-no-pkg', 'npm-unknown'] },
  },
  {
    name: 'imports-resolve',
    comment: 'There is no such file or package.',
    from: {},
    to: { couldNotResolve: true },
  },
  {
    name: 'no-cycles',
    comment: 'Under ESM a cycle is a crash at import. Types may point back: they are gone by then.',
    from: {},
    to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
  },
  {
    name: 'modules-are-named',
    comment: 'Nobody imports this module, so none of its routes is there: name it in src/app.module.ts.',
    from: {},
    module: { path: at('src/[^/]+/[^/]+\\.module\\.ts$'), numberOfDependentsLessThan: 1 },
  },
  {
    name: 'nothing-is-orphaned',
    comment: 'Nobody imports it and it imports nobody: delete it.',
    from: { orphan: true, path: at('(?:src|libs)/'), pathNot: ENTRIES },
    to: {},
  },
];

export default {
  forbidden: RULES.map((rule) => ({ severity: 'error', ...rule })),
  options: {
    doNotFollow: { path: INSTALLED },
    exclude: { path: '^(?:dist/|libs/database/generated/|src/metadata\\.ts$)' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['types', 'import', 'node', 'default'],
      extensions: ['.ts', '.js', '.mjs', '.json', '.d.ts'],
    },
  },
};
