import { anAdmin, aPost, aUser } from '../../harness/people.js';
import { nounsOf, type World } from '../nouns.js';
import type { HappyCalls } from './happy.js';

/** Calls that ought to succeed, of running it, and telling other systems. */
export function happyCallsOfOperations(world: World): HappyCalls {
  const { app } = world;
  const { aJob, aDeadJob, aStuckEvent, anEndpoint } = nounsOf(world);
  const HAPPY: HappyCalls = {
    'jobs.list': async () => {
      await aJob();
      return [{ by: await anAdmin(app) }, { by: await anAdmin(app), query: 'status=waiting&task=orders.forgotten&limit=1' }];
    },
    'jobs.get': async () => [{ by: await anAdmin(app), params: { job: await aJob() } }],
    'jobs.retry': async () => [{ by: await anAdmin(app), params: { job: await aDeadJob() } }],
    'jobs.discard': async () => [{ by: await anAdmin(app), params: { job: await aJob() } }],
    'invariants.check': async () => [{ by: await anAdmin(app) }],
    // A dry run leaves nothing behind, nor an entry of the audit log.
    'invariants.repair': async () => [{ by: await anAdmin(app), params: { invariant: 'stock-reserved' }, body: { dryRun: false } }],
    'audit.list': async () => {
      const by = await anAdmin(app);
      await aPost(app, by);
      return [
        {
          by,
          query: `action=posts.created&actor=${by.id}&person=${by.id}&resource=post&outcome=succeeded&from=2020-01-01T00:00:00Z&limit=1`,
        },
        { by, query: 'to=2099-01-01T00:00:00Z&sort=createdAt&limit=100' },
      ];
    },
    'audit.verify': async () => {
      const by = await anAdmin(app);
      return [{ by }, { by, query: `position=0&head=${'0'.repeat(64)}` }];
    },
    'events.list': async () => {
      const post = await aPost(app, await aUser(app));
      return [
        { by: await anAdmin(app) },
        {
          by: await anAdmin(app),
          query: `name=post.created&resource=post:${post.id}&from=2020-01-01T00:00:00Z&to=2099-01-01T00:00:00Z&limit=1`,
        },
      ];
    },
    'events.deliveries': async () => {
      await aStuckEvent();
      return [{ by: await anAdmin(app) }, { by: await anAdmin(app), query: 'status=pending&consumer=test.contract&limit=1' }];
    },
    'events.replay': async () => {
      const consumer = 'test.replays'; // whose stuck events nobody else counts on
      await aStuckEvent(consumer);
      return [
        { by: await anAdmin(app), body: { consumer, from: '2099-01-01T00:00:00Z' } },
        { by: await anAdmin(app), body: { consumer, from: '0'.repeat(16), again: false } },
      ];
    },
    'events.retry': async () => [{ by: await anAdmin(app), params: { id: await aStuckEvent(), consumer: 'test.contract' } }],
    'events.discard': async () => [{ by: await anAdmin(app), params: { id: await aStuckEvent(), consumer: 'test.contract' } }],
    'health.live': async () => [{}],
    'health.ready': async () => [{}],
    'problems.list': async () => [{}],
    'webhooks.list': async () => {
      const by = await anAdmin(app);
      await anEndpoint(by);
      await anEndpoint(by);
      return [{ by }, { by, query: 'limit=1&sort=createdAt' }];
    },
    'webhooks.create': async () => [
      {
        by: await anAdmin(app),
        body: { url: 'https://hooks.invalid/a?b=c', events: ['*', 'order.*', 'post.published'], description: 'x' },
      },
      { by: await aUser(app, { roles: ['support'] }), body: { url: 'https://hooks.invalid', events: ['order.paid'] } },
    ],
    'webhooks.get': async () => {
      const by = await anAdmin(app);
      return [{ by, params: { id: (await anEndpoint(by)).id } }];
    },
    'webhooks.update': async () => {
      const by = await anAdmin(app);
      const body = { url: 'https://hooks.invalid/b', events: ['*'], description: null, enabled: false };
      return [{ by, params: { id: (await anEndpoint(by)).id }, body }];
    },
    'webhooks.delete': async () => {
      const by = await anAdmin(app);
      return [{ by, params: { id: (await anEndpoint(by)).id } }];
    },
    'webhooks.rotateSecret': async () => {
      const by = await anAdmin(app);
      return [
        { by, params: { id: (await anEndpoint(by)).id }, body: {} },
        { by, params: { id: (await anEndpoint(by)).id }, body: { overlapSeconds: 0 } },
      ];
    },
    'deliveries.list': async () => {
      const by = await anAdmin(app);
      const { id } = await anEndpoint(by);
      return [
        { by, params: { id } },
        { by, params: { id }, query: 'status=pending&event=post.trashed&limit=1' },
      ];
    },
    'deliveries.test': async () => {
      const by = await anAdmin(app);
      return [
        { by, params: { id: (await anEndpoint(by)).id }, body: {} },
        { by, params: { id: (await anEndpoint(by)).id }, body: { dryRun: true } },
      ];
    },
    'deliveries.replay': async () => {
      const by = await anAdmin(app);
      const times = { from: '2020-01-01T00:00:00Z', until: '2021-01-01T00:00:00Z' };
      return [
        { by, params: { id: (await anEndpoint(by)).id }, body: { ...times, again: true } },
        { by, params: { id: (await anEndpoint(by)).id }, body: { from: times.from } },
      ];
    },
    'deliveries.get': async () => {
      const by = await anAdmin(app);
      return [{ by, params: { id: (await anEndpoint(by)).deliveryId } }];
    },
    'deliveries.redeliver': async () => {
      const by = await anAdmin(app);
      return [{ by, params: { id: (await anEndpoint(by)).deliveryId } }];
    },
    'problems.page': async () => [{ params: { module: 'products', what: 'out-of-stock' } }],
  };
  return HAPPY;
}
