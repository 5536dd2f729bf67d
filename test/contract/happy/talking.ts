import { aPost, aUser, type Person } from '../../harness/people.js';
import { nounsOf, type World } from '../nouns.js';
import type { HappyCalls } from './happy.js';

/** Calls that ought to succeed, of comments and likes. */
export function happyCallsOfTalking(world: World): HappyCalls {
  const { app } = world;
  const { aComment } = nounsOf(world);
  const aModerator = () => aUser(app, { roles: ['editor'] });
  const published = async () => (await aPost(app, await aUser(app), { published: true })).id;
  const HAPPY: HappyCalls = {
    'comments.list': async () => {
      const by = await aModerator();
      const { id: parentId, postId } = await aComment(by);
      await aComment(by, { postId, parentId });
      await aComment(by, { postId });
      return [
        { params: { id: postId } },
        { by, params: { id: postId }, query: 'limit=1&sort=-createdAt' },
        { params: { id: postId }, query: `parent=${parentId}` },
        { params: { id: await published() } },
      ];
    },
    'comments.write': async () => {
      const [by, id] = [await aUser(app), await published()];
      const { id: parentId, postId } = await aComment(await aModerator());
      return [
        { by, params: { id }, body: { body: 'Well *said*.' } },
        { by, params: { id: postId }, body: { body: 'A reply.', parentId } },
      ];
    },
    'comments.participants': async () => [{ by: await aUser(app), params: { id: await published() }, query: 'q=Ada' }],
    'comments.get': async () => {
      const [by, moderator] = [await aUser(app), await aModerator()];
      return [{ params: { id: (await aComment(moderator)).id } }, { by, params: { id: (await aComment(by)).id } }];
    },
    'comments.edit': async () => {
      const by = await aUser(app);
      return [{ by, params: { id: (await aComment(by)).id }, body: { body: 'Better *said*.' } }];
    },
    'comments.delete': async () => {
      const by = await aUser(app);
      return [{ by, params: { id: (await aComment(by)).id } }];
    },
    'moderation.queue': async () => {
      const [by, author] = [await aModerator(), await aUser(app)];
      await aComment(author);
      return [{ by }, { by, query: `status=pending&author=${author.id}&sort=-createdAt&limit=1` }];
    },
    'moderation.getRules': async () => [{ by: await aModerator() }],
    'moderation.changeRules': async () => [
      {
        by: await aModerator(),
        body: { holdFirstComment: true, maxLinks: 2, blockedWords: ['casino'], trustedRoles: ['admin', 'editor', 'support'] },
      },
    ],
    'moderation.decide': async () => {
      const decision =
        (status: string, more = {}) =>
        async (by: Person) => ({
          by,
          params: { id: (await aComment(await aUser(app))).id },
          body: { status, ...more },
        });
      const by = await aModerator();
      return [await decision('approved')(by), await decision('spam', { note: 'Sells things.' })(by)];
    },
    'reports.report': async () => [
      { by: await aUser(app), params: { id: (await aComment(await aModerator())).id }, body: { reason: 'It is unkind.' } },
    ],
    'reports.list': async () => {
      const by = await aModerator();
      return [{ by, params: { id: await nounsOf(world).aReportedComment(by) } }];
    },
    'likes.like': async () => [{ by: await aUser(app), params: { id: await published() } }],
    'likes.unlike': async () => [{ by: await aUser(app), params: { id: await published() } }],
  };
  return HAPPY;
}
