// `npm run openapi`: writes openapi.json, docs/events.md and docs/permissions.md from the built application; with --check it only says whether they
// are true.
import 'reflect-metadata';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { isDeepStrictEqual } from 'node:util';
import type { OpenAPIObject } from '@nestjs/swagger';
import { loadEnv } from '#config';
import { eventCatalogue } from '#events';
import { collectFacts, schemasOf } from '#http';
import { createLogger } from '#telemetry';
import { createApp } from './app.setup.js';
import { DocsService } from './ops/docs.service.js';
import { eventsPage } from './ops/events-page.rules.js';
import { type GuardedOperation, permissionsPage } from './ops/permissions-page.rules.js';
import { ABOUT, permissionsOf, REACH, ROLES } from './users/roles.rules.js';

const FILE = new URL('../../openapi.json', import.meta.url);
const EVENTS_FILE = new URL('../../docs/events.md', import.meta.url);
const PERMISSIONS_FILE = new URL('../../docs/permissions.md', import.meta.url);
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

async function describe(): Promise<{ document: OpenAPIObject; events: string; permissions: string }> {
  const env = loadEnv({ NODE_ENV: 'test', DATABASE_URL: NO_DATABASE, LOG_LEVEL: 'silent', ROLE: 'api' });
  const app = await createApp(env, createLogger(env));
  try {
    const kinds = [...eventCatalogue().values()];
    const payloads = [...new Set(kinds.map(({ payload }) => payload))];
    const document = JSON.parse(JSON.stringify(await app.get(DocsService).document())) as OpenAPIObject;
    const roles = ROLES.map((name) => ({ name, about: ABOUT[name], permissions: permissionsOf([name]) }));
    return {
      document,
      events: eventsPage(kinds, schemasOf(app, payloads)),
      permissions: permissionsPage(guarded(document, collectFacts(app)), roles, REACH),
    };
  } finally {
    await app.close();
  }
}

/** The operations of the document, with what decorators say of their routes. */
function guarded(document: OpenAPIObject, facts: ReturnType<typeof collectFacts>): GuardedOperation[] {
  return Object.entries(document.paths).flatMap(([path, item]) =>
    Object.entries(item as Record<string, { operationId: string; summary: string; tags: [string] }>).map(([method, operation]) => {
      const { access, session } = facts.get(operation.operationId)!;
      const { summary, tags } = operation;
      return { method: method.toUpperCase(), path: path.replace(/^\/api\/v1/, ''), summary, tag: tags[0], access, session };
    }),
  );
}

const { document, events, permissions } = await describe();
if (process.argv.includes('--check')) {
  const found = differences(JSON.parse(readFileSync(FILE, 'utf8')), document);
  if (found.length > 0) complain('openapi.json', found.slice(0, 20).join('\n'));
  if (!existsSync(EVENTS_FILE) || readFileSync(EVENTS_FILE, 'utf8') !== events)
    complain('docs/events.md', 'the catalogue of events has changed');
  if (!existsSync(PERMISSIONS_FILE) || readFileSync(PERMISSIONS_FILE, 'utf8') !== permissions)
    complain('docs/permissions.md', 'who may call what has changed');
} else {
  writeFileSync(FILE, `${JSON.stringify(document, null, 2)}\n`);
  writeFileSync(EVENTS_FILE, events);
  writeFileSync(PERMISSIONS_FILE, permissions);
}
process.exit();

function complain(file: string, what: string): void {
  process.stderr.write(`${file} does not describe the application any more; run npm run openapi and read what changed:\n${what}\n`);
  process.exitCode = 1;
}
