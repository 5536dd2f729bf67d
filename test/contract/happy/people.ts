import { anAdmin, aSession, aUser, unique } from '../../harness/people.js';
import { nounsOf, type World } from '../nouns.js';
import type { HappyCalls } from './happy.js';

/** Calls that ought to succeed, of accounts: logging in, users, what they are told. */
export function happyCallsOfPeople(world: World): HappyCalls {
  const { app } = world;
  const { aNotification, anUnsubscription, anExport } = nounsOf(world);
  const HAPPY: HappyCalls = {
    'auth.register': async () => [
      { body: { email: `n-${unique()}@example.org`, password: 'six yellow lanterns over water', name: 'Grace Hopper' } },
    ],
    'auth.login': async () => {
      const { email, password } = await aUser(app);
      return [{ body: { email, password } }];
    },
    'auth.refresh': async () => [{ body: { refreshToken: (await aUser(app)).refreshToken } }],
    'auth.logout': async () => [{ by: await aUser(app) }],
    'auth.listSessions': async () => [{ by: await aUser(app) }],
    'auth.endSession': async () => {
      const by = await aUser(app);
      return [{ by, params: { id: (await aSession(app, by.id)).sessionId } }];
    },
    'auth.endOtherSessions': async () => [{ by: await aUser(app) }],
    'auth.changePassword': async () => {
      const by = await aUser(app);
      return [{ by, body: { currentPassword: by.password, newPassword: 'six yellow lanterns over water' } }];
    },
    'auth.csrf': async () => [{ by: await aUser(app) }],
    'auth.stepUp': async () => {
      const by = await aUser(app);
      return [{ by, body: { password: by.password } }];
    },
    'jwks.keySet': async () => [{}],
    'users.me': async () => [{ by: await aUser(app) }],
    'users.updateMe': async () => [{ by: await aUser(app), body: { name: 'Ada King', metadata: { a: 'b' } } }],
    'users.list': async () => [
      { by: await anAdmin(app), query: 'limit=3&q=ada&role=customer&status=active&sort=createdAt' },
      { by: await anAdmin(app) },
    ],
    'users.get': async () => [{ by: await anAdmin(app), params: { id: (await aUser(app)).id } }],
    'users.update': async () => [
      {
        by: await anAdmin(app),
        params: { id: (await aUser(app)).id },
        body: { roles: ['editor'], status: 'active', name: 'x', externalId: unique(), metadata: {} },
      },
    ],
    'users.eraseMe': async () => [{ by: await aUser(app) }],
    'users.erase': async () => [{ by: await anAdmin(app), params: { id: (await aUser(app)).id } }],
    'exports.request': async () => [{ by: await aUser(app) }],
    'exports.get': async () => {
      const by = await aUser(app);
      return [
        { by, params: { id: await anExport(by, 'pending') } },
        { by, params: { id: await anExport(by, 'ready') } },
      ];
    },
    'exports.content': async () => {
      const by = await aUser(app);
      return [{ by, params: { id: await anExport(by, 'ready') } }];
    },
    'streams.open': async () => {
      const by = await aUser(app);
      return [{ by }, { by, query: 'events=order.*,post.published&lastEventId=0000000000000001' }];
    },
    'tickets.issue': async () => [{ by: await aUser(app) }],
    'notifications.list': async () => {
      const by = await aUser(app);
      await aNotification(by);
      await aNotification(by);
      return [{ by }, { by, query: 'unread=true&sort=createdAt&limit=1' }];
    },
    'notifications.countUnread': async () => [{ by: await aUser(app) }],
    'notifications.readAll': async () => [
      { by: await aUser(app), body: { until: '2030-01-01T08:00:00Z' } },
      { by: await aUser(app), body: {} },
    ],
    'notifications.read': async () => {
      const by = await aUser(app);
      return [{ by, params: { id: await aNotification(by) } }];
    },
    'preferences.get': async () => [{ by: await aUser(app) }],
    'preferences.change': async () => [
      { by: await aUser(app), body: { preferences: [{ kind: 'order.paid', inApp: true, email: false, mandatory: false }] } },
      { by: await aUser(app), body: { preferences: [] } },
    ],
    'unsubscriptions.ask': async () => [{ query: await anUnsubscription() }],
    'unsubscriptions.unsubscribe': async () => [{ query: await anUnsubscription() }],
  };
  return HAPPY;
}
