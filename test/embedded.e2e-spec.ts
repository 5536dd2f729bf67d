import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFile, mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import pg from 'pg';
import { type Embedded, startEmbedded } from '#database';

describe('the embedded database', () => {
  let root: string;
  let dataDir: string;
  let server: Embedded | undefined;
  let owner: ChildProcess | undefined;
  const said: string[] = [];

  beforeAll(async () => {
    root = await mkdtemp(join(tmpdir(), 'ashlar-embedded-'));
    dataDir = join(root, 'Öl und Äther', 'data');
    server = await start();
    await query('CREATE TABLE notes (text text)');
  }, 30_000);

  afterEach(async () => {
    await server?.stop();
    server = undefined;
    await killOwner();
  });

  afterAll(() => rm(root, { recursive: true, force: true }));

  const start = (folder = dataDir) => startEmbedded({ dataDir: folder, log: (message) => said.push(message) });
  const cluster = () => join(dataDir, 'postgres');
  const postmaster = async () => parseInt(await readFile(join(cluster(), 'postmaster.pid'), 'utf8'), 10);
  const stateOf = async () => JSON.parse(await readFile(join(dataDir, 'postgres.json'), 'utf8')) as { port: number };

  async function query<Row extends object>(sql: string, url = server!.url): Promise<Row[]> {
    const client = new pg.Client({ connectionString: url });
    client.on('error', () => undefined);
    await client.connect();
    try {
      return (await client.query<Row>(sql)).rows;
    } finally {
      await client.end();
    }
  }

  /** Another Ashlar process on the same folder; resolves with its URL once its server runs. */
  async function startElsewhere(): Promise<string> {
    const asTypeScript = `data:text/javascript,import { registerHooks } from 'node:module';
      registerHooks({ resolve: (name, context, next) => next(/embedded-.*js$/.test(name) ? name.replace('.js', '.ts') : name, context) })`;
    const source = join(import.meta.dirname, '../libs/database/src/embedded.ts');
    const program = `const { startEmbedded } = await import(${JSON.stringify(source)});
      console.log((await startEmbedded({ dataDir: ${JSON.stringify(dataDir)} })).url);
      setInterval(() => undefined, 1000);`;
    owner = spawn(process.execPath, ['--import', asTypeScript, '--input-type=module', '-e', program], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [line] = (await once(owner.stdout!, 'data')) as [Buffer];
    return line.toString().trim();
  }

  async function killOwner(): Promise<void> {
    if (owner?.kill('SIGKILL')) await once(owner, 'exit');
    owner = undefined;
  }

  it('speaks UTF-8 and UTC, on this machine only, to those who know its password', async () => {
    server ??= await start();
    expect(
      await query(`SELECT lower('ÄÖ') AS lower, current_setting('timezone') AS zone, current_setting('listen_addresses') AS address`),
    ).toEqual([{ lower: 'äö', zone: 'UTC', address: '127.0.0.1' }]);
    await expect(query('SELECT 1', server.url.replace(/:[^:@]+@/, ':wrong@'))).rejects.toThrow('password authentication failed');
    if (process.platform !== 'win32') expect((await stat(join(dataDir, 'postgres.json'))).mode & 0o777).toBe(0o600);
  });

  it('has its data and its address again after a stop', async () => {
    server = await start();
    const { url } = server;
    await query(`INSERT INTO notes VALUES ('kept')`);
    await Promise.all([server.stop(), server.stop()]);
    server = await start();
    expect(server.url).toBe(url);
    expect(await query(`SELECT text FROM notes WHERE text = 'kept'`)).toHaveLength(1);
  });

  it('comes back on the same port when its server is killed, with everything that was committed', async () => {
    server = await start();
    await query(`INSERT INTO notes VALUES ('committed')`);
    process.kill(await postmaster(), 'SIGKILL');
    const deadline = Date.now() + 20_000;
    while (!(await query('SELECT 1').catch(() => undefined)) && Date.now() < deadline) await sleep(50);
    expect(await query(`SELECT text FROM notes WHERE text = 'committed'`)).toHaveLength(1);
    expect(said).toContain('PostgreSQL ended unexpectedly and is being started again.');
  });

  it('ends the orphaned server of a killed run and starts anew', async () => {
    const url = await startElsewhere();
    await query(`INSERT INTO notes VALUES ('of the killed')`, url);
    const orphan = await postmaster();
    await killOwner();
    server = await start();
    expect(await postmaster()).not.toBe(orphan);
    expect(server.url).toBe(url);
    expect(await query(`SELECT text FROM notes WHERE text = 'of the killed'`)).toHaveLength(1);
  });

  it('is left alone by a second process while the first one lives', async () => {
    const url = await startElsewhere();
    await expect(start()).rejects.toMatchObject({ name: 'EmbeddedError', message: expect.stringContaining(`(pid ${owner!.pid})`) });
    expect(await query('SELECT 1 AS one', url)).toEqual([{ one: 1 }]);
  });

  it('ignores a pid file whose number belongs to somebody else by now', async () => {
    await (await start()).stop();
    await writeFile(join(cluster(), 'postmaster.pid'), `${process.pid}\n${cluster()}\n1\n1\n\n127.0.0.1\n\nready\n`);
    server = await start();
    expect(await postmaster()).not.toBe(process.pid);
  });

  it('takes another port when its own is in use, and keeps that one', async () => {
    const { port } = await stateOf();
    const guest = createServer().listen(port, '127.0.0.1');
    await once(guest, 'listening');
    try {
      server = await start();
      expect(server.port).not.toBe(port);
      expect(await stateOf()).toMatchObject({ port: server.port });
    } finally {
      guest.close();
    }
  });

  it('gets a new password when the file with the old one is lost', async () => {
    await rm(join(dataDir, 'postgres.json'));
    server = await start();
    expect(await query('SELECT count(*) > 0 AS some FROM notes')).toEqual([{ some: true }]);
  });

  it('begins again where a first start was interrupted', async () => {
    const folder = join(root, 'interrupted');
    await mkdir(join(folder, 'postgres.draft-1234', 'base'), { recursive: true });
    server = await start(folder);
    await expect(stat(join(folder, 'postgres.draft-1234'))).rejects.toThrow('ENOENT');
  });

  it('names both versions when the data was made by another one', async () => {
    const folder = join(root, 'older');
    await mkdir(join(folder, 'postgres'), { recursive: true });
    await copyFile(join(cluster(), 'PG_VERSION'), join(folder, 'postgres', 'base'));
    await writeFile(join(folder, 'postgres', 'PG_VERSION'), '15\n');
    await expect(start(folder)).rejects.toThrow(/made by PostgreSQL 15, and this Ashlar brings PostgreSQL 18: .*move the folder away/);
  });

  it('does not touch a folder that is something else', async () => {
    const folder = join(root, 'foreign');
    await mkdir(join(folder, 'postgres', 'holiday pictures'), { recursive: true });
    await expect(start(folder)).rejects.toThrow('not a PostgreSQL database');
    await writeFile(join(root, 'file'), '');
    await expect(start(join(root, 'file', 'data'))).rejects.toThrow('is a file');
  });
});
