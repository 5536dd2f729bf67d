// `npm run dev`: the application, started again in about a second when a source changes, on a database that stays up meanwhile.
// Types are checked beside it and stop nothing.
import { fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, existsSync, globSync, mkdirSync, readFileSync, rmSync, statSync, watch, writeFileSync } from 'node:fs';
import { setPriority } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { styleText } from 'node:util';

const root = join(import.meta.dirname, '..');
const dist = join(root, 'dist');
const generated = join(root, 'libs/database/generated');
const SCHEMA = ['prisma/schema.prisma', 'prisma/models/*.prisma'];

const QUIET_MS = 40; // editors and git write several files at once
const RESTART_FIRST_MS = 1_000; // before types are checked, which takes a processor of its own
const LEAVE_WITHIN_MS = 1_000; // what a request in flight may still take when the application is replaced

/** The application: a child that tells when it listens and does not outlive this process. */
const SERVE = `
  import { start } from './dist/src/server.js';
  import { DEMO_EMAILS, DEMO_PASSWORD } from './dist/prisma/seed.js';
  process.once('disconnect', () => process.kill(process.pid, 'SIGINT')).channel.unref();
  await start({ managed: false });
  process.send({ emails: DEMO_EMAILS, password: DEMO_PASSWORD });`;

/** What children find; taken before anybody reads .env, which each start reads anew. */
const environment = { ...process.env, NODE_COMPILE_CACHE: join(dist, '.compile-cache') };

const load = (path) => import(new URL(`../dist/${path}`, import.meta.url).href);
const say = (text, colour = 'cyan') => console.log(styleText(colour, `› ${text}`));
const files = (...patterns) => globSync(patterns, { cwd: root }).sort();
const read = (path) => readFileSync(join(root, path), 'utf8');
const writtenAt = (path) => statSync(join(root, path), { throwIfNoEntry: false })?.mtimeMs ?? 0;

let application;
let types;
let database;
let clientOf = writtenAt('libs/database/generated/client.ts');
let migrationsAsTold;
let outdated = true;
let greeted = false;
let stopping = false;

/** Follows what changed to the application that runs it. */
async function follow() {
  await refreshClient();
  const { changed, faults } = await compile();
  if (faults.length > 0) return say(`${faults.join('\n')}\n  The sources do not compile; what ran before runs on.`, 'red');
  database ??= await openDatabase();
  if (outdated || changed.length > 0) await restart(changed);
  types ??= fork(import.meta.filename, ['types'], { cwd: root }).once('exit', () => (types = undefined));
  await tellAboutMigrations();
}

async function refreshClient() {
  const newest = Math.max(...files(...SCHEMA, 'node_modules/.package-lock.json').map(writtenAt));
  if (newest <= clientOf) return;
  clientOf = newest;
  rmSync(join(generated, '.schema-stamp'), { force: true }); // of npm run build, which is to look for itself
  const env = { PRISMA_SCHEMA_ENGINE_BINARY: process.execPath, CHECKPOINT_DISABLE: '1', PRISMA_HIDE_UPDATE_MESSAGE: '1' };
  const { code, output } = await run(['node_modules/prisma/build/index.js', 'generate', '--schema', 'prisma'], env);
  if (code === 0) say('Made the Prisma client of the changed schema.');
  else say(`${output}\n  The Prisma schema cannot be used; the client remains what it was.`, 'red');
}

/** All of them each time: that takes swc 0.1 s, and nothing is forgotten. Only what came out differently is written. */
async function compile() {
  const { transformFile } = await import('@swc/core');
  const sources = files('{src,libs,prisma}/**/*.ts').filter((source) => !source.endsWith('.spec.ts'));
  const compiled = new Map();
  const faults = [];
  const compileOne = async (source) => {
    const target = source.replace(/ts$/, 'js');
    const { code, map } = await transformFile(join(root, source), { cwd: root });
    compiled.set(target, { map, code: `${code}\n//# sourceMappingURL=${basename(target)}.map` });
  };
  await Promise.all(
    sources.map((source) => compileOne(source).catch((error) => faults.push(error.message.split('\n\nCaused by')[0].trimEnd()))),
  );
  if (faults.length > 0) return { changed: [], faults };

  for (const asset of files('src/**/*.bin').filter((asset) => !existsSync(join(dist, asset)))) {
    mkdirSync(dirname(join(dist, asset)), { recursive: true });
    copyFileSync(join(root, asset), join(dist, asset));
  }
  const changed = [...compiled.keys()].filter(
    (target) => !existsSync(join(dist, target)) || readFileSync(join(dist, target), 'utf8') !== compiled.get(target).code,
  );
  const gone = globSync('{src,libs,prisma}/**/*.js', { cwd: dist }).filter((target) => !compiled.has(target));
  if (changed.length + gone.length > 0) rmSync(join(dist, '.build-stamp'), { force: true }); // this is not what npm run build made
  for (const target of gone) rmSync(join(dist, target));
  for (const target of changed) {
    mkdirSync(dirname(join(dist, target)), { recursive: true });
    writeFileSync(join(dist, `${target}.map`), compiled.get(target).map);
    writeFileSync(join(dist, target), compiled.get(target).code);
  }
  return { changed: [...changed, ...gone], faults };
}

/** As npm start does it: the embedded server where DATABASE_URL is unset, every migration, and the demo world where it is empty. */
async function openDatabase() {
  const [{ loadEnv }, { startEmbedded }, { pendingMigrations }, { migrateDatabase }] = await Promise.all(
    ['libs/config/src/load', 'libs/database/src/embedded', 'libs/database/src/migrations', 'prisma/deploy'].map((path) =>
      load(`${path}.js`),
    ),
  );
  const { default: pg } = await import('pg');
  const env = loadEnv();
  const embedded = env.DATABASE_URL === undefined ? await startEmbedded({ dataDir: env.DATA_DIR, log: say }) : undefined;
  const url = embedded?.url ?? env.DATABASE_DIRECT_URL;
  if (embedded) Object.assign(environment, { DATABASE_URL: url, DATABASE_DIRECT_URL: url });

  const query = async (sql) => {
    const client = new pg.Client({ connectionString: url });
    await client.connect();
    return client.query(sql).finally(() => client.end());
  };
  await migrateDatabase(url);
  const seeded = embedded !== undefined && (await query('SELECT FROM users LIMIT 1')).rowCount === 0;
  if (seeded) {
    const { code, output } = await run(['dist/prisma/commands.js', 'seed']);
    if (code !== 0) say(output, 'red');
  }
  return { env, embedded, seeded, pending: () => pendingMigrations(async (sql) => (await query(sql)).rows) };
}

async function restart(changed) {
  const started = performance.now();
  outdated = false;
  await leave(LEAVE_WITHIN_MS);
  if (stopping) return;
  const { default: pretty } = await import('pino-pretty');
  const child = spawn(process.execPath, ['--enable-source-maps', '--input-type=module', '--eval', SERVE], {
    cwd: root,
    env: environment,
    stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
  });
  application = child;
  child.stdout.pipe(pretty({ ignore: 'pid,requestId,traceId,route,ip', singleLine: true, translateTime: 'HH:MM:ss.l', sync: true }));
  child.once('exit', () => {
    if (application !== child) return;
    outdated = true;
    say('The application has ended; the next change starts it again.', 'red');
  });
  const [demo] = await Promise.race([once(child, 'message'), once(child, 'exit').then(() => [])]);
  if (!demo) return;
  if (greeted)
    say(
      `${changed[0]?.replace(/js$/, 'ts') ?? 'Everything'}${changed.length > 1 ? ` and ${changed.length - 1} more` : ''}: running again after ${((performance.now() - started) / 1000).toFixed(2)} s.`,
    );
  else greet(demo);
  greeted = true;
}

/** As npm start prints it. */
function greet({ emails, password }) {
  const { env, embedded, seeded } = database;
  const url = `http://localhost:${env.PORT}`;
  const lines = [
    '',
    `  Ashlar runs at    ${url}`,
    `  Documentation     ${url}/docs`,
    ...(embedded ? [`  Demo accounts     ${emails.join(', ')}`, `  Their password    ${password}`] : []),
    `  Data lies in      ${embedded ? `${embedded.dataDir}${seeded ? ' (just filled with the demo world)' : ''}` : 'the database of DATABASE_URL'}`,
    '  Starts again      at every change of a source',
    '  Stop with         Ctrl-C',
    '',
  ];
  console.log(lines.join('\n'));
}

/** Only says it: the SQL wants to be read, and perhaps completed, before it is applied. */
async function tellAboutMigrations() {
  const snapshot = 'prisma/migrations/schema.snapshot';
  const now = JSON.stringify([
    ...files(...SCHEMA).map((path) => [path, read(path)]),
    existsSync(join(root, snapshot)) && read(snapshot),
    files('prisma/migrations/*/'),
  ]);
  if (now === migrationsAsTold) return;
  migrationsAsTold = now;
  const { schemaDifference } = await load('libs/database/src/schema-engine.js');
  const contents = (paths) => paths.map((path) => ({ path, content: read(path) }));
  const difference = await schemaDifference(contents(files(snapshot)), contents(files(...SCHEMA))).catch(() => ''); // refreshClient has said it
  if (difference)
    say(
      'The schema has no migration yet. When it is as you want it: npm run db:migration -- <name>, read the SQL, npm run db:migrate.',
      'yellow',
    );
  const pending = await database.pending();
  if (pending.length > 0)
    say(`Not applied yet: ${pending.join(', ')}. Read it and run npm run db:migrate; nothing needs to stop for that.`, 'yellow');
}

/** Stops the application, by force when it takes too long. */
async function leave(withinMs) {
  const child = application;
  application = undefined;
  if (!child || child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.kill('SIGINT');
  const force = setTimeout(() => child.kill('SIGKILL'), withinMs);
  await exited;
  clearTimeout(force);
}

/** Runs one of the project's programs to its end. */
async function run(args, env) {
  let output = '';
  const child = spawn(process.execPath, args, { cwd: root, env: { ...environment, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (output += chunk));
  const [code] = await once(child, 'close');
  return { code, output: output.trim() };
}

/** One change after the other; those that come meanwhile are followed together. */
function followChanges() {
  let timer;
  let busy = false;
  let again = false;
  const turn = async () => {
    again = true;
    if (busy) return;
    busy = true;
    while (again && !stopping) {
      again = false;
      await follow().catch((error) => (greeted ? say(error.message, 'red') : giveUp(error)));
    }
    busy = false;
  };
  const soon = () => {
    clearTimeout(timer);
    timer = setTimeout(() => void turn(), QUIET_MS);
  };
  const replaced = () => {
    outdated = true;
    soon();
  };
  mkdirSync(dist, { recursive: true });
  for (const folder of ['src', 'libs', 'prisma']) watch(join(root, folder), { recursive: true }, soon);
  watch(root, (_, name) => name === '.env' && replaced());
  // Another build (npm run check in another terminal) empties dist for a while.
  watch(dist, (_, name) => name === '.build-stamp' && existsSync(join(dist, name)) && replaced());
  soon();
}

function giveUp(error) {
  // The project's own errors (settings, database, migrations) say in their message all there is to know.
  console.error(`\n${['ConfigError', 'EmbeddedError', 'MigrationError'].includes(error.name) ? error.message : error.stack}\n`);
  process.exit(1); // the embedded server hears of it by the exit, the children by the broken channel
}

function stopOnSignals() {
  const stop = async () => {
    if (stopping) process.exit(130);
    stopping = true;
    types?.kill();
    await leave(5_000);
    await database?.embedded?.stop();
    process.exit(0);
  };
  for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => void stop());
  // npm ends at once on SIGTERM and tells nobody.
  const parent = process.ppid;
  setInterval(() => process.ppid !== parent && !stopping && void stop(), 1000).unref();
}

/** In a child of its own and after everybody else, since it is slow: prints type errors and makes the metadata that Swagger reads. */
async function checkTypes() {
  process.once('disconnect', () => process.exit()).channel.unref();
  setPriority(10);
  const { default: ts } = await import('typescript');
  const { PluginMetadataGenerator } = await import('@nestjs/cli/lib/compiler/plugins/plugin-metadata-generator.js');
  const { PluginsLoader } = await import('@nestjs/cli/lib/compiler/plugins/plugins-loader.js');
  const { plugins } = JSON.parse(read('nest-cli.json')).compilerOptions;
  const describe = (tsProgramRef) => {
    const [draft, kept] = [join(dist, '.metadata.ts'), join(root, 'src/metadata.ts')];
    const { readonlyVisitors: visitors } = new PluginsLoader().load(plugins, { pathToSource: dirname(kept) });
    new PluginMetadataGenerator().generate({ outputDir: dist, filename: basename(draft), visitors, tsProgramRef });
    // TypeScript lists the members of a union in the order in which it met them, which is another one each time.
    const words = (path) => existsSync(path) && readFileSync(path, 'utf8').split(/\W+/).sort().join();
    if (words(draft) !== words(kept)) copyFileSync(draft, kept);
  };
  const paths = { getCanonicalFileName: (path) => path, getCurrentDirectory: () => root, getNewLine: () => '\n' };
  const format = process.stdout.isTTY ? ts.formatDiagnosticsWithColorAndContext : ts.formatDiagnostics;

  let failed = false;
  const host = ts.createWatchCompilerHost(
    join(root, 'tsconfig.json'),
    { noEmit: true },
    { ...ts.sys, setTimeout: (work, ms, ...args) => setTimeout(work, ms + RESTART_FIRST_MS, ...args) },
    ts.createSemanticDiagnosticsBuilderProgram,
    undefined,
    () => undefined,
  );
  host.afterProgramCreate = (builder) => {
    const errors = [
      builder.getConfigFileParsingDiagnostics(),
      builder.getOptionsDiagnostics(),
      builder.getSyntacticDiagnostics(),
      builder.getGlobalDiagnostics(),
      builder.getSemanticDiagnostics(),
    ]
      .flat()
      .filter(({ file }) => !file?.fileName.endsWith('/src/metadata.ts')); // of an earlier state; it is about to be written anew
    if (errors.length > 0) {
      say(
        `${format(errors, paths).trim()}\n  ${errors.length === 1 ? '1 type error' : `${errors.length} type errors`}; the application runs all the same.`,
        'red',
      );
    } else {
      if (failed) say('The types are right again.', 'green');
      describe(builder.getProgram());
    }
    failed = errors.length > 0;
  };
  ts.createWatchProgram(host);
}

if (process.argv[2] === 'types') await checkTypes();
else {
  stopOnSignals();
  followChanges();
}
