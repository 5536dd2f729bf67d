import type { FileResponse } from '../../../src/files/files.dto.js';
import { eventually } from '../../harness/eventually.js';
import { aPost, aUser, type Person, unique } from '../../harness/people.js';
import { aPng, exchange, form, sha256 } from '../../harness/uploads.js';
import { aZip } from '../../harness/zips.js';
import { nounsOf, type World } from '../nouns.js';
import type { HappyCalls } from './happy.js';
import { happyCallsOfTalking } from './talking.js';

/** Calls that ought to succeed, of files and posts. */
export function happyCallsOfContent(world: World): HappyCalls {
  const { app, product } = world;
  const { aFile, anImage, anImport, anUpload, aSeries, aPreviewLink } = nounsOf(world);
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
    'tags.list': async () => {
      await aPost(app, await aUser(app), { published: true, tags: ['contract a', 'contract b'] });
      return [{}, { query: 'q=contract&sort=-posts&limit=1' }];
    },
    'tags.merge': async () => {
      const tag = `t ${unique()}`;
      await aPost(app, await aUser(app), { tags: [tag] });
      return [{ by: await aUser(app, { roles: ['editor'] }), params: { tag }, body: { into: 'contract c' } }];
    },
    'series.list': async () => {
      const by = await aUser(app);
      const { id: seriesId } = await aSeries(by);
      await aPost(app, by, { published: true, seriesId });
      await aSeries(by);
      return [{}, { by, query: `owner=${by.id}&sort=title&limit=1` }];
    },
    'series.create': async () => [
      { by: await aUser(app), body: { title: 'Engines', description: 'From one to another.', slug: `s-${unique()}` } },
    ],
    'series.get': async () => {
      const by = await aUser(app);
      const { id, slug } = await aSeries(by);
      await aPost(app, by, { published: true, seriesId: id });
      await aPost(app, by, { seriesId: id });
      return [{ params: { idOrSlug: slug } }, { by, params: { idOrSlug: id } }];
    },
    'series.update': async () => {
      const by = await aUser(app);
      return [{ by, params: { idOrSlug: (await aSeries(by)).id }, body: { title: 'x', description: '', slug: `s-${unique()}` } }];
    },
    'series.delete': async () => {
      const by = await aUser(app);
      return [{ by, params: { idOrSlug: (await aSeries(by)).id } }];
    },
    'imports.import': async () => [
      { by: await aUser(app), form: form([{ name: 'a.md', bytes: '---\ntitle: A title\n---\n\nText' }]) },
      {
        by: await aUser(app),
        query: 'dryRun=true&publish=true&overwrite=false',
        form: form([{ name: 'a.zip', bytes: await aZip({ 'a.txt': 'a' }) }]),
      },
    ],
    'imports.list': async () => {
      const by = await aUser(app);
      await anImport(by);
      return [{ by }, { by, query: 'limit=1&sort=createdAt' }];
    },
    'imports.get': async () => {
      const by = await aUser(app);
      return [{ by, params: { id: await anImport(by) } }];
    },
    'imports.cancel': async () => {
      const by = await aUser(app);
      return [{ by, params: { id: await anImport(by) } }];
    },
    'postExports.zip': async () => {
      const by = await aUser(app);
      await aPost(app, by);
      return [{ by }, { by, query: `status=draft&tag=a&author=${by.id}` }];
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
          commentsOpen: true,
        },
      },
      { by: await aUser(app), body: { title: 'A title', body: '# A *body*.' } },
    ],
    'posts.get': async () => {
      const by = await aUser(app);
      const { id: seriesId } = await aSeries(by);
      const coverFileId = (await anImage(by)).id;
      const [shown, hidden] = [
        await aPost(app, by, { published: true, seriesId, coverFileId, body: '## A heading' }),
        await aPost(app, by, { seriesId, coverFileId }),
      ];
      return [{ params: { idOrSlug: shown.slug } }, { params: { idOrSlug: shown.id } }, { by, params: { idOrSlug: hidden.id } }];
    },
    'posts.update': async () => {
      const by = await aUser(app);
      const { id } = await aPost(app, by);
      const [seriesId, coverFileId] = [(await aSeries(by)).id, (await anImage(by)).id];
      return [
        {
          by,
          params: { idOrSlug: id },
          body: { title: 'x', body: 'y', excerpt: null, tags: [], slug: `s-${unique()}`, externalId: null, metadata: {}, summary: 'Why' },
        },
        { by, params: { idOrSlug: id }, body: { seriesId, seriesPosition: 3, coverFileId } },
        { by, params: { idOrSlug: id }, body: { seriesId: null, coverFileId: null } },
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
        { by, params: { id: (await aPost(app, by)).id }, body: { at: '2090-01-01T08:00:00Z', until: '2091-01-01T08:00:00Z' } },
        { by, params: { id: (await aPost(app, by)).id }, body: {} },
      ];
    },
    'posts.unpublish': async () => {
      const by = await aUser(app);
      return [{ by, params: { id: (await aPost(app, by, { published: true })).id } }];
    },
    'posts.delete': async () => {
      const by = await aUser(app);
      const { id } = await aPost(app, by);
      await product.request('DELETE', `posts/${id}`, { token: by.accessToken });
      return [{ by, params: { id } }];
    },
    'revisions.list': async () => {
      const { by, id } = await anEditedPost();
      return [
        { by, params: { id } },
        { by, params: { id }, query: 'limit=1' },
      ];
    },
    'revisions.get': async () => {
      const { by, id } = await anEditedPost();
      return ['1', '2'].map((n) => ({ by, params: { id, n } }));
    },
    'revisions.compare': async () => {
      const { by, id } = await anEditedPost();
      return [
        { by, params: { id, n: '2' } },
        { by, params: { id, n: '1' }, query: 'against=2' },
      ];
    },
    'revisions.restore': async () => {
      const { by, id } = await anEditedPost();
      return [{ by, params: { id, n: '1' } }];
    },
    'autosaves.keep': async () => {
      const { by, id } = await anEditedPost();
      return [
        { by, params: { id }, body: { baseVersion: 1, title: 'T', body: '', excerpt: '', tags: ['a'] } },
        { by, params: { id }, body: { baseVersion: 2 } },
      ];
    },
    'autosaves.get': async () => {
      const { by, id } = await anEditedPost();
      await product.request('PUT', `posts/${id}/autosave`, { token: by.accessToken, body: { baseVersion: 1, title: 'T' } });
      return [{ by, params: { id } }];
    },
    'autosaves.discard': async () => {
      const { by, id } = await anEditedPost();
      return [{ by, params: { id } }];
    },
    'reviews.submit': async () => {
      const by = await aUser(app);
      return [
        { by, params: { id: (await aPost(app, by)).id }, body: { note: 'Please' } },
        { by, params: { id: (await aPost(app, by)).id } },
      ];
    },
    'reviews.withdraw': async () => {
      const { by, id } = await aManuscript();
      return [{ by, params: { id } }];
    },
    'reviews.approve': async () => {
      const by = await aUser(app, { roles: ['editor'] });
      return [
        { by, params: { id: (await aManuscript()).id }, body: { note: 'Fine', publication: { at: '2090-01-01T08:00:00Z', until: null } } },
        { by, params: { id: (await aManuscript()).id } },
      ];
    },
    'reviews.return': async () => {
      const by = await aUser(app, { roles: ['editor'] });
      return [{ by, params: { id: (await aManuscript()).id }, body: { note: 'Why?' } }];
    },
    'reviews.list': async () => {
      const { by, id } = await aManuscript();
      return [{ by, params: { id } }];
    },
    'previewLinks.create': async () => {
      const by = await aUser(app);
      const { id } = await aPost(app, by);
      return [
        { by, params: { id }, body: { expiresAt: new Date(Date.now() + 3_600_000).toISOString() } },
        { by, params: { id } },
      ];
    },
    'previewLinks.list': async () => {
      const { by, id } = await aPreview();
      return [{ by, params: { id } }];
    },
    'previewLinks.revoke': async () => {
      const { by, id, linkId } = await aPreview();
      return [{ by, params: { id, linkId } }];
    },
    'previewLinks.read': async () => {
      const { id, token } = await aPreview();
      return [{ params: { id }, query: `token=${token}` }];
    },
  };

  async function anEditedPost(): Promise<{ by: Person; id: string }> {
    const by = await aUser(app);
    const { id } = await aPost(app, by);
    await product.request('PATCH', `posts/${id}`, { token: by.accessToken, body: { title: 'x', body: 'y', summary: 'Why' } });
    return { by, id };
  }

  async function aManuscript(): Promise<{ by: Person; id: string }> {
    const by = await aUser(app);
    const { id } = await aPost(app, by);
    await product.request('PUT', `posts/${id}/review`, { token: by.accessToken, body: { note: 'Please' } });
    return { by, id };
  }

  async function aPreview(): Promise<{ by: Person; id: string; linkId: string; token: string }> {
    const by = await aUser(app);
    const { id } = await aPost(app, by);
    return { by, id, ...(await aPreviewLink(by, id)) };
  }
  return { ...HAPPY, ...happyCallsOfTalking(world) };
}
