// `npm run build`: generates the Prisma client where the schema changed, and compiles src, libs and prisma to dist.
// With --if-changed it does nothing when dist was built from these very sources. Needs no network.
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, realpathSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';

const root = join(import.meta.dirname, '..');
const dist = join(root, 'dist');
const generated = join(root, 'libs/database/generated');
const buildStamp = join(dist, '.build-stamp');
const schemaStamp = join(generated, '.schema-stamp');

const SETTINGS = ['package.json', 'package-lock.json', 'nest-cli.json', 'tsconfig.json', '.swcrc', '.config/build.mjs'];
const SCHEMA = ['prisma/schema.prisma', 'prisma/models'];
/** What the build itself makes, and the migrations, which it does not read. */
const made = (path) => path.startsWith('libs/database/generated') || path === 'src/metadata.ts' || path.startsWith('prisma/migrations');

/**
 * Builds; throws an Error that holds the tool's output when the sources do not compile. Returns whether there was
 * anything to do. Two builds at once wait for each other; one that was interrupted never looks finished.
 */
export async function build({ ifChanged = false } = {}) {
  if (ifChanged && isUpToDate()) return false;
  const release = await lock();
  try {
    if (ifChanged && isUpToDate()) return false;
    const sources = fingerprint(['src', 'libs', 'prisma', ...SETTINGS]);
    rmSync(buildStamp, { force: true });
    for (const name of readdirSync(dist)) if (!name.startsWith('.build-lock')) rmSync(join(dist, name), { recursive: true });
    rmSync(join(root, 'src/metadata.ts'), { force: true }); // of an earlier build; it may name files that are gone
    await generateClient();
    await run('The sources do not compile', 'node_modules/@nestjs/cli/bin/nest.js', ['build']);
    mendMetadata();
    writeFileSync(buildStamp, sources);
    return true;
  } finally {
    release();
  }
}

function isUpToDate() {
  return (
    existsSync(buildStamp) &&
    existsSync(schemaStamp) &&
    readFileSync(buildStamp, 'utf8') === fingerprint(['src', 'libs', 'prisma', ...SETTINGS])
  );
}

async function generateClient() {
  const schema = fingerprint([...SCHEMA, 'node_modules/prisma/package.json']);
  if (existsSync(schemaStamp) && readFileSync(schemaStamp, 'utf8') === schema) return;
  rmSync(generated, { recursive: true, force: true });
  // Generating needs no engine, but the tool downloads one unless it is shown an existing executable.
  const env = { ...process.env, PRISMA_SCHEMA_ENGINE_BINARY: process.execPath, CHECKPOINT_DISABLE: '1', PRISMA_HIDE_UPDATE_MESSAGE: '1' };
  await run('The Prisma schema cannot be used', 'node_modules/prisma/build/index.js', ['generate', '--schema', 'prisma'], env);
  writeFileSync(schemaStamp, schema);
}

/** In a folder whose name is not ASCII the Swagger plugin does not recognise its own paths: it imports by absolute ones, escaped. */
function mendMetadata() {
  const here = root.replace(/[^\x20-\x7e]/g, (character) => `\\u${character.charCodeAt(0).toString(16).toUpperCase().padStart(4, '0')}`);
  for (const file of [join(root, 'src/metadata.ts'), join(dist, 'src/metadata.js')]) {
    const parts = readFileSync(file, 'utf8').split(`import("${here}/`);
    const mended = parts.slice(1).map((part) => part.replace(/^([^"]+?)(?:\.js)?"/, (_, path) => `import("./${relative('src', path)}.js"`));
    writeFileSync(file, [parts[0], ...mended].join(''));
  }
}

function fingerprint(paths) {
  const hash = createHash('sha256');
  for (const path of paths.flatMap(filesUnder))
    hash
      .update(`${path}\0`)
      .update(readFileSync(join(root, path)))
      .update('\0');
  return hash.digest('hex');
}

function filesUnder(path) {
  const kind = made(path) ? undefined : statSync(join(root, path), { throwIfNoEntry: false });
  if (kind?.isDirectory())
    return readdirSync(join(root, path))
      .sort()
      .flatMap((name) => filesUnder(`${path}/${name}`));
  return kind ? [path] : [];
}

/** The operating system gives SQLite's lock back when its holder dies in whatever way. */
async function lock() {
  mkdirSync(dist, { recursive: true });
  const database = new DatabaseSync(join(dist, '.build-lock'));
  for (let told = false; ; told = true) {
    try {
      database.exec('PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE');
      return () => database.close();
    } catch (error) {
      if (error.errcode !== 5) throw error;
      if (!told) console.log('Waiting for another build of this folder …');
      await sleep(200);
    }
  }
}

/** A tool that outlived a killed build would write into the next one's dist, so it ends when the channel to us breaks. */
const LEAVE_TOGETHER = `data:text/javascript,process.once('disconnect', () => process.exit(1)).channel?.unref()`;

function run(complaint, tool, args, env = process.env) {
  return new Promise((resolve, reject) => {
    let output = '';
    const child = spawn(process.execPath, ['--import', LEAVE_TOGETHER, join(root, tool), ...args], {
      cwd: root,
      env,
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    });
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (output += chunk));
    child.once('error', reject);
    child.once('close', (code) => (code === 0 ? resolve() : reject(new Error(`${complaint}:\n${output.trim()}`))));
  });
}

if (process.argv[1] && realpathSync(process.argv[1]) === import.meta.filename) {
  const started = performance.now();
  try {
    const built = await build({ ifChanged: process.argv.includes('--if-changed') });
    if (built) console.log(`Built dist in ${((performance.now() - started) / 1000).toFixed(1)} s.`);
  } catch (error) {
    console.error(error.message);
    process.exitCode = 1;
  }
}
