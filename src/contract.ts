// `npm run openapi`: writes openapi.json from the built application; with --check it only says whether the file is true.
import 'reflect-metadata';
import { readFileSync, writeFileSync } from 'node:fs';
import { isDeepStrictEqual } from 'node:util';
import type { OpenAPIObject } from '@nestjs/swagger';
import { loadEnv } from '#config';
import { createLogger } from '#telemetry';
import { createApp } from './app.setup.js';
import { DocsService } from './ops/docs.service.js';

const FILE = new URL('../../openapi.json', import.meta.url);
const NO_DATABASE = 'postgresql://nobody@127.0.0.1:9/none'; // describing asks nothing of it

/** Paths into the two documents at which they differ, `servers` aside: those are each installation's own. */
function differences(file: unknown, running: unknown, path = ''): string[] {
  if (path === '/servers' || isDeepStrictEqual(file, running)) return [];
  const both = [file, running].every((side) => side !== null && typeof side === 'object');
  if (!both) return [path || '/'];
  const names = new Set([...Object.keys(file as object), ...Object.keys(running as object)]);
  return [...names].flatMap((name) =>
    differences(
      (file as Record<string, unknown>)[name],
      (running as Record<string, unknown>)[name],
      `${path}/${name.replaceAll('/', '~1')}`,
    ),
  );
}

async function describe(): Promise<OpenAPIObject> {
  const env = loadEnv({ NODE_ENV: 'test', DATABASE_URL: NO_DATABASE, LOG_LEVEL: 'silent' });
  const app = await createApp(env, createLogger(env));
  try {
    return JSON.parse(JSON.stringify(app.get(DocsService).document)) as OpenAPIObject;
  } finally {
    await app.close();
  }
}

const document = await describe();
if (process.argv.includes('--check')) {
  const found = differences(JSON.parse(readFileSync(FILE, 'utf8')), document);
  if (found.length > 0) {
    process.stderr.write(
      `openapi.json does not describe the application any more; run npm run openapi and read what changed:\n${found.slice(0, 20).join('\n')}\n`,
    );
    process.exitCode = 1;
  }
} else {
  writeFileSync(FILE, `${JSON.stringify(document, null, 2)}\n`);
}
process.exit();
