import { readdir, stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import type { INestApplicationContext } from '@nestjs/common';
import { PrismaService } from '#database';
import { Actor } from '#security';
import { PostExportsService } from '../src/imports/exports.service.js';
import { ImportOptionsQuery } from '../src/imports/imports.dto.js';
import { ImportsService, type ReportedImport } from '../src/imports/imports.service.js';
import { RolesService } from '../src/users/roles.service.js';
import { type User, UsersService } from '../src/users/users.service.js';
import { Refusal } from './refusal.js';

type WithApp = <T>(work: (app: INestApplicationContext) => Promise<T>) => Promise<T>;

const IMPORT_USAGE = 'Use it like this: npm run posts:import -- ./blog --author ada@example.org [--publish] [--overwrite] [--dry-run]';
const EXPORT_USAGE = 'Use it like this: npm run posts:export -- ./posts [--author ada@example.org]';
/** Without a terminal a line is written for so many files. */
const EVERY = 100;

/** `npm run posts:import -- <folder> [--author email] [--dry-run] [--publish] [--overwrite]`: a folder of Markdown files becomes somebody's posts. */
export async function importPosts(args: string[], withApp: WithApp): Promise<string> {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      author: { type: 'string' },
      'dry-run': { type: 'boolean', default: false },
      publish: { type: 'boolean', default: false },
      overwrite: { type: 'boolean', default: false },
    },
  });
  const [folder, ...more] = positionals;
  if (folder === undefined || more.length > 0) throw new Refusal(`Name one folder. ${IMPORT_USAGE}`);
  const isFolder = await stat(folder).then((facts) => facts.isDirectory(), absent);
  if (!isFolder) throw new Refusal(`There is no folder ${folder}. ${IMPORT_USAGE}`);
  const options: ImportOptionsQuery = { dryRun: values['dry-run'], publish: values.publish, overwrite: values.overwrite };
  return withApp(async (app) => {
    const actor = await actorOf(app, await personNamed(app, values.author));
    const began = performance.now();
    const done = await app.get(ImportsService).importFolder(actor, options, resolve(folder), progress());
    if (process.stdout.isTTY) process.stdout.write('\r\u001b[K');
    if (done.failed > 0) process.exitCode = 1;
    return summary(done, (performance.now() - began) / 1_000);
  });
}

/** `npm run posts:export -- <folder> [--author email]`: everybody's posts, or one author's, become a folder of Markdown files. */
export async function exportPosts(args: string[], withApp: WithApp): Promise<string> {
  const { values, positionals } = parseArgs({ args, allowPositionals: true, options: { author: { type: 'string' } } });
  const [folder, ...more] = positionals;
  if (folder === undefined || more.length > 0) throw new Refusal(`Name one folder. ${EXPORT_USAGE}`);
  const there = await readdir(folder).catch(absent);
  if (there !== false && there.length > 0)
    throw new Refusal(`The folder ${folder} is not empty; name a new one, so that nothing is written over. ${EXPORT_USAGE}`);
  return withApp(async (app) => {
    const author = values.author === undefined ? undefined : await personNamed(app, values.author);
    const actor = author === undefined ? null : await actorOf(app, author);
    const count = await app.get(PostExportsService).writeTo(resolve(folder), actor, author === undefined ? {} : { author: author.id });
    return `Wrote ${count} files into ${folder}.`;
  });
}

/** How far it is: one line that changes on a terminal, and a line now and then elsewhere. */
function progress(): (now: { done: number; of: number | null; failed: number }) => void {
  return ({ done, of, failed }) => {
    const line = `${done} of ${of} files${failed > 0 ? `, ${failed} not taken` : ''}`;
    if (process.stdout.isTTY) process.stdout.write(`\r\u001b[K${line}`);
    else if (done % EVERY === 0 || done === of) console.log(line);
  };
}

function summary({ created, updated, unchanged, failed, dryRun, problems }: ReportedImport, seconds: number): string {
  const said = (note: boolean) => problems.filter((problem) => problem.note === note);
  return [
    ...said(true).map(
      ({ file, code, detail, count }) => `note: ${detail} [${code}; ${count === 1 ? file : `${count} files, ${file} first`}]`,
    ),
    ...said(false).map(({ file, line, code, detail }) => `${file}${line === null ? '' : `:${line}`}: ${detail} [${code}]`),
    `${dryRun ? 'It would be: ' : ''}${created} created, ${updated} updated, ${unchanged} unchanged, ${failed} not taken, in ${seconds.toFixed(1)} s.`,
  ].join('\n');
}

/** Whoever has the address; without one, the only administrator. */
async function personNamed(app: INestApplicationContext, email: string | undefined): Promise<User> {
  if (email !== undefined) {
    const user = await app.get(UsersService).findByEmail(email.trim().normalize('NFC').toLowerCase());
    if (user === null) throw new Refusal(`Nobody here has the address ${email}; npm run user:create makes an account.`);
    return user;
  }
  const admins = await app
    .get(PrismaService)
    .user.findMany({ where: { roles: { has: 'admin' }, erasedAt: null, status: 'active' }, take: 2 });
  if (admins.length !== 1)
    throw new Refusal(`Say whose posts they become, with --author: there is not one administrator alone. ${IMPORT_USAGE}`);
  return admins[0]!;
}

async function actorOf(app: INestApplicationContext, user: User): Promise<Actor> {
  const permissions = await app.get(RolesService).permissionsOf(user.roles);
  return new Actor({ userId: user.id, sessionId: user.id, roles: user.roles, permissions, via: 'session', provenAt: new Date() });
}

function absent(error: unknown): false {
  if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
  throw error;
}
