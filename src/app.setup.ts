import { existsSync } from 'node:fs';
import cookie from '@fastify/cookie';
import cors from '@fastify/cors';
import { NestFactory } from '@nestjs/core';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { type OpenAPIObject, SwaggerModule } from '@nestjs/swagger';
import { Cache } from '#cache';
import type { Env } from '#config';
import { PrismaService } from '#database';
import {
  answerFromMemory,
  API_PREFIX,
  buildDocument,
  completeMethods,
  createEdge,
  InputPipe,
  ProblemFilter,
  RateLimits,
  recordDenials,
  unavailable,
} from '#http';
import { NestLogger } from '#telemetry';
import type { FastifyInstance } from 'fastify';
import type { Logger as Pino } from 'pino';
import { AppModule } from './app.module.js';
import { DocsService } from './ops/docs.service.js';
import { HealthService } from './ops/health.service.js';

const WITHOUT_PREFIX = [
  'health/live',
  'health/ready',
  'metrics',
  'problems',
  'problems/:module/:what',
  'docs',
  'docs/setup.js',
  'docs/:asset',
  'openapi.json',
  '.well-known/jwks.json',
  'feeds/posts.rss',
  'feeds/posts.atom',
  'feeds/posts.json',
  'sitemap.xml',
  'sitemaps/:page',
  'unsubscribe',
  'auth/verify-email',
  'auth/reset-password',
  'auth/undo-email-change',
  'auth/order',
  'dev/mailbox',
  'dev/mailbox/:id',
  'dev/mailbox/:id/text',
  'dev/mailbox/:id/links',
];
const DESCRIPTION =
  'Users, posts, products and orders. Errors are problem documents (RFC 9457) whose `type` is a page that says what to do; lists are paged by cursor; writes that matter take an `Idempotency-Key`.';

const TAGS = {
  Audit: 'What happened, by whom, and the proof that nobody changed it since.',
  Auth: 'Proving who you are: accounts, log-in, sessions, passwords, addresses, second factors, accounts elsewhere, API keys.',
  Categories: 'Where products are found: a tree. Everybody reads; changes need the permission `products:manage`.',
  Comments: 'What is said about posts, and deciding about it: the queue, the rules, the reports.',
  Coupons: 'What makes orders cheaper: percentages, amounts, free shipping, with their limits.',
  Events: 'Hearing of what happens, as it happens: a stream of server-sent events.',
  Files: 'Uploads and what is made of them. Yours alone, unless something public shows them; links work for some minutes.',
  Notifications: 'Being told: the inbox, and where you want to hear of what.',
  Operations: 'Running it: health, jobs, events, public keys, and what each problem means.',
  Orders: 'Buying: quote, place, pay, send, cancel, refund. Stock is held from the moment an order is placed.',
  Payments: 'What payment providers tell.',
  Posts: 'Publishing: drafts are private, published posts are everybody’s.',
  Products: 'What is for sale. Everybody reads; changes need the permission `products:manage`.',
  Releases: 'Changes of posts, products and prices that go live together, at one time; seen before, and taken back.',
  Shipments: 'Parcels on their way.',
  Shop: 'How the shop sells: currencies, tax, shipping methods, its time zone, and prices that count for a time.',
  Stock: 'Where goods lie.',
  Series: 'Posts that are read in an order.',
  Roles: 'What users may do: named sets of permissions. docs/permissions.md has the matrix of those of the application.',
  Tags: 'What published posts are about, and how many of them.',
  Unsubscribe: 'Ending mails of a kind, by the link that each of them carries.',
  Users: 'Who exists: your own profile, and everybody’s for staff.',
  Webhooks: 'Telling other systems: where to, what, and how it went.',
  Variants: 'What is bought of a product, its price, and the ledger of its stock.',
};

/** The application as production and tests share it: ready to listen, but not listening. */
export async function createApp(env: Readonly<Env>, logger: Pino): Promise<NestFastifyApplication> {
  const adapter = createEdge(env, logger);
  const fastify = adapter.getInstance<FastifyInstance>();
  const complete = completeMethods(fastify);
  await fastify.register(cookie);
  if (env.CORS_ORIGINS.length > 0) {
    const exposedHeaders = [
      'ETag',
      'Link',
      'Location',
      'Retry-After',
      'RateLimit',
      'RateLimit-Policy',
      'X-Request-Id',
      'Idempotency-Replayed',
      'Accept-Ranges',
      'Content-Range',
    ];
    await fastify.register(cors, {
      origin: env.CORS_ORIGINS,
      credentials: true,
      maxAge: 600,
      methods: ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'],
      exposedHeaders,
      strictPreflight: false,
    });
  }
  const app = await NestFactory.create<NestFastifyApplication>(AppModule.of(env, logger), adapter, {
    logger: new NestLogger(logger),
    bodyParser: false,
    abortOnError: false,
  });
  app.setGlobalPrefix(API_PREFIX, { exclude: WITHOUT_PREFIX });
  app.useGlobalPipes(new InputPipe());
  app.useGlobalFilters(new ProblemFilter(env, logger));
  try {
    await app.init();
    complete();
    recordDenials(fastify, app.get(PrismaService), logger);
    if (env.CACHE === 'on' && env.ROLE !== 'worker') answerFromMemory(fastify, app.get(Cache), app.get(RateLimits));
    // A client that is told so opens its next connection elsewhere, and meets no reset when this process leaves.
    const health = app.get(HealthService);
    fastify.addHook('onSend', async (_request, reply) => void (health.draining && reply.header('Connection', 'close')));
    app.get(DocsService).describeWith(() => describeApi(app));
    return app;
  } catch (error) {
    await app.close(); // what was opened on the way (connections) would keep the process alive
    throw error;
  }
}

/** The Swagger plugin writes `metadata.js` at the build; tests run from the sources, where there is none and the document says less. */
async function describeApi(app: NestFastifyApplication): Promise<OpenAPIObject> {
  const metadata = new URL('./metadata.js', import.meta.url);
  const isBuilt = import.meta.url.endsWith('.js');
  if (isBuilt && !existsSync(metadata)) throw unavailable('The application is being built anew; ask again when that is done.');
  if (isBuilt) {
    const { default: load } = (await import(metadata.href)) as { default: () => Promise<Record<string, unknown>> };
    await SwaggerModule.loadPluginMetadata(load);
  }
  return buildDocument(app, { version: '1.0.0', description: DESCRIPTION, tags: TAGS });
}
