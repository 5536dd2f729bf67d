import { parseArgs } from 'node:util';
import { NestFactory } from '@nestjs/core';
import type { INestApplicationContext } from '@nestjs/common';
import { ConfigError, loadEnv } from '#config';
import { EmbeddedError, joinEmbedded, MigrationError } from '#database';
import { AppError } from '#errors';
import { createLogger } from '#telemetry';
import { plainToInstance } from 'class-transformer';
import { validateSync } from 'class-validator';
import { AppModule } from '../src/app.module.js';
import { RegisterDto } from '../src/auth/auth.dto.js';
import { AccountsService } from '../src/auth/accounts.service.js';
import { ROLES, type Role } from '../src/users/roles.rules.js';
import { migrateDatabase } from './deploy.js';
import { exportPosts, importPosts } from './exchange.js';
import { Refusal } from './refusal.js';
import { DEMO_EMAILS, DEMO_PASSWORD, seedWhenEmpty } from './seed.js';

type Command = (args: string[], withApp: <T>(work: (app: INestApplicationContext) => Promise<T>) => Promise<T>) => Promise<string>;

const COMMANDS: Record<string, Command> = {
  /** `npm run db:seed`: the demo world, on request. */
  seed: async (args, withApp) => {
    if (loadEnv().isProduction && !args.includes('--force'))
      throw new Refusal(
        `db:seed makes accounts whose password everybody knows and does not run in production; add --force if you mean it.`,
      );
    const seeded = await withApp(seedWhenEmpty);
    if (!seeded)
      throw new Refusal('The database already has users; the demo world goes into an empty one only (npm run db:reset empties it).');
    return `Made the demo world. Log in as ${DEMO_EMAILS.join(', ')} with the password: ${DEMO_PASSWORD}`;
  },

  /** `npm run user:create -- --email E --password P [--role R] [--name N]` */
  'user:create': async (args, withApp) => {
    const { values } = parseArgs({
      args,
      options: {
        email: { type: 'string' },
        password: { type: 'string' },
        role: { type: 'string', default: 'customer' },
        name: { type: 'string' },
      },
    });
    const role = ROLES.find((known) => known === values.role);
    if (role === undefined) throw new Refusal(`--role must be one of ${ROLES.join(', ')}.`);
    const account = plainToInstance(RegisterDto, {
      email: values.email,
      password: values.password,
      name: values.name ?? values.email?.split('@')[0],
    });
    const faults = validateSync(account).flatMap(({ constraints }) => Object.values(constraints ?? {}));
    if (faults.length > 0)
      throw new Refusal(
        `${faults.map((fault) => `--${fault}`).join('\n')}\nUse it like this: npm run user:create -- --email ada@example.org --password "four or more words" --role admin`,
      );
    const user = await withApp((app) => app.get(AccountsService).create({ ...account, roles: [role] satisfies Role[] }));
    return `Made ${user.email} with the role ${role} (${user.id}).`;
  },

  'posts:import': importPosts,
  'posts:export': exportPosts,
};

/** The application without its server, on the database of the settings or the embedded one. */
async function withApp<T>(work: (app: INestApplicationContext) => Promise<T>): Promise<T> {
  const configured = loadEnv();
  const embedded = configured.DATABASE_URL === undefined ? await joinEmbedded({ dataDir: configured.DATA_DIR }) : undefined;
  try {
    // What it leaves to do, those do who are there to do it: a command takes no jobs.
    const env = loadEnv(undefined, { ROLE: 'api', ...(embedded && { DATABASE_URL: embedded.url, DATABASE_DIRECT_URL: embedded.url }) });
    if (embedded) await migrateDatabase(embedded.url);
    const app = await NestFactory.createApplicationContext(AppModule.of(env, createLogger(env)), { logger: false, abortOnError: false });
    try {
      return await work(app);
    } finally {
      await app.close();
    }
  } finally {
    await embedded?.stop();
  }
}

const [name = '', ...args] = process.argv.slice(2);
try {
  const command = COMMANDS[name];
  if (command === undefined) throw new Refusal(`Say what to do: ${Object.keys(COMMANDS).join(', ')}.`);
  console.log(await command(args, withApp));
} catch (error) {
  const forPeople =
    [Refusal, ConfigError, EmbeddedError, MigrationError, AppError].some((kind) => error instanceof kind) ||
    (error as { code?: string }).code?.startsWith('ERR_PARSE_ARGS');
  console.error(forPeople ? (error as Error).message : error);
  process.exitCode = 1;
}
