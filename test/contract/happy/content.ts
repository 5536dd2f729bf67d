import type { FileResponse } from '../../../src/files/files.dto.js';
import { eventually } from '../../harness/eventually.js';
import { aPost, aUser, unique } from '../../harness/people.js';
import { aPng, exchange, form, sha256 } from '../../harness/uploads.js';
import { nounsOf, type World } from '../nouns.js';
import type { HappyCalls } from './happy.js';

/** Calls that ought to succeed, of files and posts. */
export function happyCallsOfContent(world: World): HappyCalls {
  const { app, product } = world;
  const { aFile, anUpload } = nounsOf(world);
  const HAPPY: HappyCalls = {
    'files.upload': async () => [
      { by: await aUser(app), form: form([{ name: 'a.txt', type: 'text/plain', bytes: 'text' }]) },
      { by: await aUser(app), form: form([{ name: 'a.svg', type: 'image/svg+xml', bytes: '<svg xmlns="http://www.w3.org/2000/svg"/>' }]) },
    ],
    'files.get': async () => {
      const by = await aUser(app);
      const picture = await aFile(by, { name: 'a.png', type: 'image/png', bytes: aPng(300, 200) });
      const read = () => product.request<FileResponse>('GET', `files/${picture.id}`, { token: by.accessToken });
      await eventually(async () => (await read()).body.variantsStatus === 'ready');
      return [
        { by, params: { id: (await aFile(by)).id } },
        { by, params: { id: picture.id } },
      ];
    },
    'files.content': async () => {
      const by = await aUser(app);
      const { id, url } = await aFile(by);
      return [
        { params: { id }, query: new URL(url).search.slice(1) },
        { by, params: { id } },
        { by, params: { id }, headers: { range: 'bytes=1-2' } },
      ];
    },
    'files.delete': async () => {
      const by = await aUser(app);
      return [{ by, params: { id: (await aFile(by)).id } }];
    },
    'uploads.begin': async () => [
      { by: await aUser(app), body: { name: 'a.txt', contentType: 'text/plain', size: 4, sha256: sha256('text') } },
    ],
    'uploads.take': async () => {
      const { id, url, headers } = await anUpload(await aUser(app));
      const { 'content-type': type, ...others } = headers as { 'content-type': string };
      return [{ params: { id }, query: new URL(url).search.slice(1), form: { type, body: Buffer.from('text') }, headers: others }];
    },
    'uploads.complete': async () => {
      const by = await aUser(app);
      const { id, url, headers } = await anUpload(by);
      await exchange(product, 'PUT', url, { body: Buffer.from('text'), headers });
      return [{ by, params: { id } }];
    },
    'posts.list': async () => {
      const by = await aUser(app);
      const { id } = await aPost(app, by, { published: true, tags: ['a'], metadata: { a: 'b' }, externalId: unique() });
      await aPost(app, by);
      return [
        {},
        { by },
        { query: `author=${by.id}&q=engine&tag=a&status=published&sort=-publishedAt&limit=1` },
        { query: `q=weaves+eng&tag=a,a&from=2020-01-01T00:00:00Z&to=2100-01-01T00:00:00Z` },
        { by, query: `author=${by.id}&limit=1` },
        { by, query: id === '' ? '' : 'sort=createdAt' },
      ];
    },
    'related.list': async () => {
      const by = await aUser(app);
      const [{ id }, draft] = [await aPost(app, by, { published: true, tags: ['a'] }), await aPost(app, by, { tags: ['a'] })];
      await aPost(app, by, { published: true, tags: ['a'] });
      return [{ params: { id } }, { by, params: { id: draft.id }, query: 'limit=1' }];
    },
    ...Object.fromEntries(
      ['feeds.rss', 'feeds.atom', 'feeds.json'].map((operation) => [
        operation,
        async () => {
          const by = await aUser(app);
          await aPost(app, by, { published: true, tags: ['a'] });
          return [{}, { query: `author=${by.id}&tag=a` }];
        },
      ]),
    ),
    'sitemaps.root': () => Promise.resolve([{}]),
    'sitemaps.page': () => Promise.resolve([{ params: { page: '1' } }]),
    'posts.write': async () => [
      {
        by: await aUser(app),
        body: {
          title: 'A title',
          body: 'A *body*.',
          excerpt: 'x',
          tags: ['a'],
          slug: `s-${unique()}`,
          externalId: unique(),
          metadata: { a: 'b' },
        },
      },
      { by: await aUser(app), body: { title: 'A title', body: 'A *body*.' } },
    ],
    'posts.get': async () => {
      const by = await aUser(app);
      const [shown, hidden] = [await aPost(app, by, { published: true }), await aPost(app, by)];
      return [{ params: { idOrSlug: shown.slug } }, { params: { idOrSlug: shown.id } }, { by, params: { idOrSlug: hidden.id } }];
    },
    'posts.update': async () => {
      const by = await aUser(app);
      const { id } = await aPost(app, by);
      return [
        {
          by,
          params: { idOrSlug: id },
          body: { title: 'x', body: 'y', excerpt: null, tags: [], slug: `s-${unique()}`, externalId: null, metadata: {} },
        },
      ];
    },
    'posts.trash': async () => {
      const by = await aUser(app);
      return [{ by, params: { idOrSlug: (await aPost(app, by)).id } }];
    },
    'posts.restore': async () => {
      const by = await aUser(app);
      const { id } = await aPost(app, by);
      await product.request('DELETE', `posts/${id}`, { token: by.accessToken });
      return [{ by, params: { id } }];
    },
    'posts.publish': async () => {
      const by = await aUser(app);
      return [
        { by, params: { id: (await aPost(app, by)).id }, body: { at: '2030-01-01T08:00:00Z' } },
        { by, params: { id: (await aPost(app, by)).id }, body: {} },
      ];
    },
    'posts.unpublish': async () => {
      const by = await aUser(app);
      return [{ by, params: { id: (await aPost(app, by, { published: true })).id } }];
    },
  };
  return HAPPY;
}
