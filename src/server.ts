import 'reflect-metadata';
import { setTimeout as sleep } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { ConfigError, type Env, loadEnv } from '#config';
import { type Embedded, EmbeddedError, isMissingTable, isUnavailable, MigrationError, startEmbedded } from '#database';
import { unavailable } from '#http';
import { JobRunner } from '#jobs';
import { hasMailbox } from '#mail';
import { createLogger } from '#telemetry';
import type { Logger } from 'pino';
import { createApp } from './app.setup.js';
import { migrateDatabase } from '../prisma/deploy.js';
import { countDemoAccounts, DEMO_EMAILS, DEMO_PASSWORD, seedWhenEmpty } from '../prisma/seed.js';
import { HealthService } from './ops/health.service.js';

/** A reason not to start that the operator can do something about; its message is all they need. */
class StartError extends Error {}

const STOP_WITHIN_MS = 25_000;
/** How much garbage may lie beside what is in use before V8 collects it, in per cent. By itself it lets the heap grow to several times that on a large machine. */
const HEAP_GROWTH = 30;

/**
 * Starts this process and returns once it listens. `managed` (npm start) brings up the embedded database where `DATABASE_URL` is unset,
 * and migrates; without it (node dist/src/main.js) the database must be there and migrated.
 */
export async function start({ managed }: { managed: boolean }): Promise<void> {
  setFlagsFromString(`--heap-growing-percent=${HEAP_GROWTH}`);
  try {
    await run(managed);
  } catch (error) {
    const plain =
      error instanceof ConfigError || error instanceof EmbeddedError || error instanceof MigrationError || error instanceof StartError;
    process.stderr.write(`\n${plain ? error.message : String((error as Error)?.stack ?? error)}\n\n`);
    process.exit(1);
  }
}

async function run(managed: boolean): Promise<void> {
  const leaveEarly = () => process.exit(130); // the embedded server hears of it by the exit
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, leaveEarly);
  const configured = loadEnv();
  if (configured.DATABASE_URL === undefined && !managed)
    throw new StartError('DATABASE_URL is not set. Set it to your PostgreSQL, or use npm start, which brings its own.');
  const embedded = configured.DATABASE_URL === undefined ? await startEmbedded({ dataDir: configured.DATA_DIR }) : undefined;
  const env = embedded ? loadEnv(undefined, { DATABASE_URL: embedded.url, DATABASE_DIRECT_URL: embedded.url }) : configured;
  const logger = createLogger(env);
  let app: NestFastifyApplication | undefined;
  try {
    if (managed) await migrateDatabase(env.DATABASE_DIRECT_URL!);
    app = await createApp(env, logger);
    if (env.isProduction) await refuseDemoAccounts(app);
    if (env.RATE_LIMIT === 'off') logger.warn({}, 'RATE_LIMIT=off: requests and log-ins are not limited');
    const seeded = embedded ? await seedWhenEmpty(app) : false;
    stopOnSignals(app, embedded, env, logger);
    await app.listen(env.PORT, env.HOST!).catch((error: unknown) => {
      throw refusedPort(error, env);
    });
    const { port } = app.getHttpServer().address() as { port: number };
    logger.info({ url: `http://${env.HOST}:${port}`, role: env.ROLE }, 'listening');
    if (managed) process.stdout.write(banner(env, port, embedded, seeded));
  } catch (error) {
    await app?.close();
    await embedded?.stop();
    throw error;
  }
}

/** Looked for at every start; where the database cannot be asked yet, the process is not ready before it has been. */
async function refuseDemoAccounts(app: NestFastifyApplication): Promise<void> {
  const complaint = (count: number) =>
    `The database holds ${count} demo accounts, whose password everybody knows. Delete them (${DEMO_EMAILS.join(', ')}) or use another database.`;
  try {
    const count = await countDemoAccounts(app);
    if (count > 0) throw new StartError(complaint(count));
  } catch (error) {
    if (!isUnavailable(error) && !isMissingTable(error)) throw error;
    app.get(HealthService).require(async () => {
      const count = await countDemoAccounts(app);
      if (count > 0) throw unavailable(complaint(count));
    });
  }
}

function refusedPort(error: unknown, env: Env): unknown {
  const { code } = error as NodeJS.ErrnoException;
  if (code === 'EADDRINUSE')
    return new StartError(
      `Port ${env.PORT} is in use by another program, perhaps an Ashlar that still runs. Stop that program, or choose another port: PORT=${env.PORT + 1} npm start`,
    );
  if (code === 'EACCES') return new StartError(`This user may not listen on port ${env.PORT}. Choose one above 1023: PORT=3000 npm start`);
  if (code === 'EADDRNOTAVAIL')
    return new StartError('This machine has no such address as HOST names. Set HOST to one of its own, or to 0.0.0.0 for all.');
  return error;
}

/**
 * SIGTERM (an orchestrator): say "not ready", take no more jobs, go on answering while balancers notice, finish what runs, leave. SIGINT (Ctrl-C): the same
 * without the wait. The database goes last.
 */
function stopOnSignals(app: NestFastifyApplication, embedded: Embedded | undefined, env: Env, logger: Logger): void {
  let stopping = false;
  const stop = async (signal: NodeJS.Signals) => {
    if (stopping) return;
    stopping = true;
    logger.info({ signal }, 'stopping');
    setTimeout(() => process.exit(1), STOP_WITHIN_MS).unref();
    app.get(HealthService).drain();
    const jobsEnded = app.get(JobRunner).stop();
    if (signal === 'SIGTERM') await sleep(env.SHUTDOWN_DRAIN_SECONDS * 1_000);
    await jobsEnded;
    await app.close();
    await embedded?.stop();
    logger.info({}, 'stopped');
    logger.flush(() => process.exit(0));
  };
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.removeAllListeners(signal).on(signal, (name) => void stop(name));
}

function banner(env: Env, port: number, embedded: Embedded | undefined, seeded: boolean): string {
  const url = `http://localhost:${port}`;
  const lines = [
    '',
    `  Ashlar runs at    ${url}`,
    `  Documentation     ${url}/docs`,
    ...(hasMailbox(env) ? [`  Mail lands in     ${url}/dev/mailbox`] : []),
    ...(embedded
      ? [
          `  Demo accounts     ${DEMO_EMAILS.join(', ')}`,
          `  Their password    ${DEMO_PASSWORD}`,
          `  Data lies in      ${embedded.dataDir}${seeded ? ' (just filled with the demo world)' : ''}`,
        ]
      : ['  Data lies in      the database of DATABASE_URL']),
    '  Stop with         Ctrl-C',
    '',
    '',
  ];
  return lines.join('\n');
}
