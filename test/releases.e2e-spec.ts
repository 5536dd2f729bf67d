import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { transaction } from '#database';
import type { ProblemDocument } from '../libs/http/src/problem.filter.js';
import type { NotificationList } from '../src/notifications/notifications.dto.js';
import type { PostResponse } from '../src/posts/posts.dto.js';
import type { ProductResponse } from '../src/products/products.dto.js';
import type { VariantResponse } from '../src/products/variants.dto.js';
import type { PreviewResponse, ReleaseItemList } from '../src/releases/items.dto.js';
import type { ReleaseList } from '../src/releases/releases.dto.js';
import { ReleasesPrivacy } from '../src/releases/releases.privacy.js';
import { startApp, type TestApp } from './harness/app.js';
import type { Answer, Call } from './harness/client.js';
import { query } from './harness/database.js';
import { eventually } from './harness/eventually.js';
import { anAdmin, aPost, aProduct, aUser, type Person, unique } from './harness/people.js';
import { aRelease, type ItemBody, type ReleaseBody } from './harness/releases.js';
import type { Wire } from './harness/wire.js';

const NOBODYS_ID = '0199f3a1-7c1e-7b3a-9a4e-0d6f1c2b3a49';
const soon = (ms: number) => new Date(Date.now() + ms).toISOString();

let app: TestApp;
let admin: Person;
let editor: Person;

beforeAll(async () => {
  app = await startApp();
  admin = await anAdmin(app);
  editor = await aUser(app, { roles: ['editor'] });
}, 60_000);
afterAll(() => app.close());

const call = <Body = ReleaseBody>(method: string, path: string, by: Person | null, body?: unknown, headers?: Call['headers']) =>
  app.request<Body>(method, path, {
    ...(by && { token: by.accessToken }),
    ...(body !== undefined && { body }),
    ...(headers && { headers }),
  });
const read = (id: string) => call('GET', `releases/${id}`, admin);
const add = (by: Person | null, id: string, item: unknown) => call<ItemBody>('POST', `releases/${id}/items`, by, item);
const publish = (by: Person, id: string, when: object = {}) => call('PUT', `releases/${id}/publication`, by, when);
const rollBack = (by: Person, id: string, how: object = {}) => call('POST', `releases/${id}/rollback`, by, how);
const preview = async (by: Person, id: string) => {
  const answer = await call<Wire<PreviewResponse>>('GET', `releases/${id}/preview`, by);
  expect(answer.status).toBe(200);
  return answer.body;
};
const itemsSeen = async (by: Person, id: string) => (await call<Wire<ReleaseItemList>>('GET', `releases/${id}/items`, by)).body.items;
const postNow = async (id: string) => (await call<Wire<PostResponse>>('GET', `posts/${id}`, admin)).body;
const productNow = async (id: string) => (await call<Wire<ProductResponse>>('GET', `products/${id}`, admin)).body;
const variantNow = async (id: string) => (await call<Wire<VariantResponse>>('GET', `variants/${id}`, admin)).body;
const problemOf = (answer: Answer<unknown>) => answer.body as ProblemDocument;
const refusal = (answer: Answer<unknown>) => [answer.status, problemOf(answer).code];
const eur = (amount: number) => ({ amount, currency: 'EUR' });

/** Something of each kind, and a release that changes all of it. */
async function aWorld() {
  const author = await aUser(app);
  const draft = await aPost(app, author, { title: `Draft ${unique()}` });
  const out = await aPost(app, author, { published: true });
  const product = await aProduct(app, { by: admin, category: 'old' });
  const variant = product.variants[0]!;
  const slug = `slug-${unique()}`;
  const release = await aRelease(
    app,
    admin,
    { kind: 'variant', variantId: variant.id, changes: { price: eur(500) } },
    { kind: 'product', productId: product.id, changes: { name: 'Renamed', category: null } },
    { kind: 'post', postId: draft.id, changes: { title: 'New title', body: 'New *body*', slug }, publication: 'publish' },
    { kind: 'post', postId: out.id, publication: 'unpublish' },
  );
  return { author, draft, out, product, variant, slug, release };
}

describe('a release', () => {
  it('is begun, found, renamed and deleted while it is open', async () => {
    const { status, headers, body } = await call('POST', 'releases', editor, {
      name: ' Autumn  sale ',
      description: 'New prices.\nAnd a post.',
    });
    expect(status).toBe(201);
    expect(headers.location).toBe(`http://localhost/api/v1/releases/${body.id}`);
    expect(body).toMatchObject({ name: 'Autumn  sale', status: 'open', items: 0, version: 1, createdById: editor.id, failure: [] });
    expect((await read(body.id)).body).toEqual(body);
    const listed = await call<Wire<ReleaseList>>('GET', 'releases?status=open&limit=1', editor);
    expect(listed.body.items).toEqual([body]);
    expect(listed.headers['cache-control']).toBe('no-store');
    const renamed = await call('PATCH', `releases/${body.id}`, editor, { name: 'Winter sale' }, { 'if-match': headers.etag! });
    expect([renamed.status, renamed.body.name, renamed.body.version]).toEqual([200, 'Winter sale', 2]);
    expect(refusal(await call('PATCH', `releases/${body.id}`, editor, { name: 'x' }, { 'if-match': headers.etag! }))[0]).toBe(412);
    expect(refusal(await call('DELETE', `releases/${body.id}`, editor, undefined, { 'if-match': '"1"' }))[0]).toBe(412);
    expect((await call('DELETE', `releases/${body.id}`, editor, undefined, { 'if-match': '"2"' })).status).toBe(204);
    expect(refusal(await read(body.id))).toEqual([404, 'releases/not-found']);
  });

  it('is found by its status, page by page', async () => {
    const [{ release }] = [await aWorld(), await aRelease(app, admin)];
    expect((await publish(admin, release.id)).status).toBe(200);
    const published = await call<Wire<ReleaseList>>('GET', 'releases?status=published&limit=100', admin);
    expect(published.body.items.map(({ id }) => id)).toContain(release.id);
    expect(new Set(published.body.items.map(({ status }) => status))).toEqual(new Set(['published']));
    const first = await call<Wire<ReleaseList>>('GET', 'releases?limit=1&sort=createdAt', admin);
    const next = await call<Wire<ReleaseList>>('GET', `releases?limit=1&sort=createdAt&cursor=${first.body.nextCursor}`, admin);
    expect(first.body.items[0]!.createdAt <= next.body.items[0]!.createdAt).toBe(true);
    expect(first.body.items[0]!.id).not.toBe(next.body.items[0]!.id);
  });

  it.each([
    ['no name', {}, '/name'],
    ['an empty name', { name: ' ' }, '/name'],
    ['a long description', { name: 'x', description: 'x'.repeat(5_001) }, '/description'],
    ['a status', { name: 'x', status: 'published' }, '/status'],
  ])('is refused with %s', async (_, body, pointer) => {
    const answer = await call('POST', 'releases', admin, body);
    expect([answer.status, problemOf(answer).errors?.[0]?.pointer]).toEqual([400, pointer]);
  });

  it('concerns nobody who may not manage releases', async () => {
    const { release, draft } = await aWorld();
    const customer = await aUser(app);
    const item = `releases/${release.id}/items/${release.itemIds[0]}`;
    const routes: [string, string, unknown?][] = [
      ['GET', 'releases'],
      ['POST', 'releases', { name: 'x' }],
      ['GET', `releases/${release.id}`],
      ['PATCH', `releases/${release.id}`, { name: 'x' }],
      ['DELETE', `releases/${release.id}`],
      ['GET', `releases/${release.id}/items`],
      ['POST', `releases/${release.id}/items`, { kind: 'post', postId: draft.id, publication: 'publish' }],
      ['GET', item],
      ['PATCH', item, { kind: 'variant', changes: {} }],
      ['DELETE', item],
      ['POST', `${item}/rebase`],
      ['GET', `releases/${release.id}/preview`],
      ['PUT', `releases/${release.id}/publication`, {}],
      ['DELETE', `releases/${release.id}/publication`],
      ['POST', `releases/${release.id}/rollback`, {}],
    ];
    for (const [method, path, body] of routes) {
      expect([method, path, (await call(method, path, null, body)).status]).toEqual([method, path, 401]);
      expect([method, path, ...refusal(await call(method, path, customer, body))]).toEqual([method, path, 403, 'auth/forbidden']);
    }
    expect((await read(release.id)).body).toMatchObject({ name: release.name, version: release.version });
  });

  it('that nobody knows is not found', async () => {
    for (const [method, path, body] of [
      ['PATCH', '', { name: 'x' }],
      ['DELETE', ''],
      ['GET', '/items'],
      ['POST', '/items', { kind: 'post', postId: NOBODYS_ID, publication: 'publish' }],
      ['GET', '/preview'],
      ['PUT', '/publication', {}],
      ['DELETE', '/publication'],
      ['POST', '/rollback', {}],
    ] as const)
      expect([path, ...refusal(await call(method, `releases/${NOBODYS_ID}${path}`, admin, body))]).toEqual([
        path,
        404,
        'releases/not-found',
      ]);
  });
});

describe('an item', () => {
  it('remembers the version it was made for, one for each resource', async () => {
    const { product, variant, release } = await aWorld();
    expect(release).toMatchObject({ items: 4, version: 5 });
    const [first, second] = await itemsSeen(admin, release.id);
    expect(first).toMatchObject({
      kind: 'variant',
      variantId: variant.id,
      postId: null,
      changes: { price: eur(500) },
      baseVersion: variant.version,
    });
    expect(second).toMatchObject({
      kind: 'product',
      productId: product.id,
      changes: { name: 'Renamed', category: null },
      publication: null,
    });
    const again = await add(admin, release.id, { kind: 'variant', variantId: variant.id, changes: { name: 'x' } });
    expect(refusal(again)).toEqual([409, 'releases/item-exists']);
  });

  it.each([
    ['no kind', {}, '/kind'],
    ['a kind that there is not', { kind: 'order' }, '/kind'],
    ['a kind that every object inherits', { kind: 'constructor' }, '/kind'],
    ['no id', { kind: 'post', publication: 'publish' }, '/postId'],
    ['the id of another kind', { kind: 'product', productId: NOBODYS_ID, variantId: NOBODYS_ID, changes: {} }, '/variantId'],
    ['no changes', { kind: 'variant', variantId: NOBODYS_ID }, '/changes'],
    ['changes that are no object', { kind: 'variant', variantId: NOBODYS_ID, changes: 'x' }, '/changes'],
    ['another publication', { kind: 'post', postId: NOBODYS_ID, publication: 'trash' }, '/publication'],
    ['the publication of a product', { kind: 'product', productId: NOBODYS_ID, changes: {}, publication: 'publish' }, '/publication'],
    ['an empty title', { kind: 'post', postId: NOBODYS_ID, changes: { title: '' } }, '/changes/title'],
    ['a title of several lines', { kind: 'post', postId: NOBODYS_ID, changes: { title: 'a\nb' } }, '/changes/title'],
    ['the slug of an id', { kind: 'post', postId: NOBODYS_ID, changes: { slug: NOBODYS_ID } }, '/changes/slug'],
    ['a status no product has', { kind: 'product', productId: NOBODYS_ID, changes: { status: 'sold' } }, '/changes/status'],
    ['a price below nothing', { kind: 'variant', variantId: NOBODYS_ID, changes: { price: eur(-1) } }, '/changes/price/amount'],
    [
      'a price of no currency',
      { kind: 'variant', variantId: NOBODYS_ID, changes: { price: { amount: 1, currency: 'XXX' } } },
      '/changes/price/currency',
    ],
    ['what an edit cannot change', { kind: 'variant', variantId: NOBODYS_ID, changes: { stock: 5 } }, '/changes/stock'],
    ['an author', { kind: 'post', postId: NOBODYS_ID, changes: { authorId: NOBODYS_ID } }, '/changes/authorId'],
  ])('is refused with %s, as the edit itself would be', async (_, body, pointer) => {
    const { id } = await aRelease(app, admin);
    const answer = await add(admin, id, body);
    expect([answer.status, problemOf(answer).errors?.[0]?.pointer]).toEqual([400, pointer]);
  });

  it('changes something that there is', async () => {
    const { id } = await aRelease(app, admin);
    const post = await aPost(app, admin);
    expect(refusal(await add(admin, id, { kind: 'post', postId: post.id }))).toEqual([422, 'releases/nothing-to-change']);
    expect(refusal(await add(admin, id, { kind: 'product', productId: post.id, changes: { name: 'x' } }))).toEqual([
      404,
      'products/not-found',
    ]);
    expect(refusal(await add(admin, id, { kind: 'variant', variantId: post.id, changes: { name: 'x' } }))).toEqual([
      404,
      'products/variant-not-found',
    ]);
    await call('DELETE', `posts/${post.id}`, admin);
    expect(refusal(await add(admin, id, { kind: 'post', postId: post.id, publication: 'publish' }))).toEqual([404, 'posts/not-found']);
  });

  it('needs what the same edit needs, and is seen by those who see what it is about', async () => {
    const { draft, product, variant, release } = await aWorld();
    const { id } = await aRelease(app, editor);
    expect(refusal(await add(editor, id, { kind: 'variant', variantId: variant.id, changes: { price: eur(1) } }))).toEqual([
      403,
      'releases/beyond-your-rights',
    ]);
    expect(refusal(await add(editor, id, { kind: 'product', productId: product.id, changes: { status: 'archived' } }))[0]).toBe(403);
    expect((await add(editor, id, { kind: 'post', postId: draft.id, changes: { title: 'x' } })).status).toBe(201);
    expect((await itemsSeen(editor, release.id)).map(({ kind }) => kind)).toEqual(['post', 'post']);
    const hidden = `releases/${release.id}/items/${release.itemIds[0]}`;
    expect(refusal(await call('GET', hidden, editor))).toEqual([404, 'releases/item-not-found']);
    expect(refusal(await call('PATCH', hidden, editor, { kind: 'variant', changes: { price: eur(1) } }))).toEqual([
      404,
      'releases/item-not-found',
    ]);
    expect(refusal(await call('DELETE', hidden, editor))).toEqual([404, 'releases/item-not-found']);
    const { publishable, items } = await preview(editor, release.id);
    expect([publishable, items.map(({ kind }) => kind)]).toEqual([false, ['post', 'post']]);
    expect(refusal(await publish(editor, release.id))).toEqual([403, 'releases/beyond-your-rights']);
    expect(refusal(await publish(editor, release.id, { at: soon(60_000) }))).toEqual([403, 'releases/beyond-your-rights']);
    expect(await variantNow(variant.id)).toMatchObject({ price: eur(1_999) });
  });

  it('is changed, and removed', async () => {
    const { draft, release } = await aWorld();
    const item = `releases/${release.id}/items/${release.itemIds[2]}`;
    const change = (body: unknown, headers?: Call['headers']) => call<ItemBody>('PATCH', item, editor, body, headers);
    const changed = await change({ kind: 'post', changes: { title: 'Another' } }, { 'if-match': '"1"' });
    expect(changed.body).toMatchObject({ changes: { title: 'Another' }, publication: 'publish', version: 2, postId: draft.id });
    expect(Object.keys(changed.body.changes)).toEqual(['title']);
    expect((await change({ kind: 'post', publication: null })).body).toMatchObject({ changes: { title: 'Another' }, publication: null });
    expect((await change({ kind: 'post', changes: { title: 'x' } }, { 'if-match': '"2"' })).status).toBe(412);
    expect(refusal(await change({ kind: 'post', changes: {} }))).toEqual([422, 'releases/nothing-to-change']);
    expect(refusal(await change({ kind: 'variant', changes: { name: 'x' } }))).toEqual([422, 'releases/other-kind']);
    expect(problemOf(await change({ kind: 'post', changes: { title: '' } })).errors?.[0]?.pointer).toBe('/changes/title');
    expect((await call('DELETE', item, editor)).status).toBe(204);
    expect(refusal(await call('GET', item, editor))).toEqual([404, 'releases/item-not-found']);
    expect((await read(release.id)).body).toMatchObject({ items: 3, version: 8 });
  });
});

describe('what a release holds of somebody’s post', () => {
  it('is in their export, and goes with them', async () => {
    const { author, draft, release } = await aWorld();
    const privacy = app.get(ReleasesPrivacy);
    const exported: unknown[] = [];
    for await (const file of privacy.export(author.id, app.prisma))
      if (file.name === 'release-items.json' && 'rows' in file) for await (const row of file.rows) exported.push(row);
    expect(exported).toEqual(expect.arrayContaining([expect.objectContaining({ resourceId: draft.id, subjectId: author.id })]));
    expect(exported).toHaveLength(2);
    await transaction(app.prisma, (db) => privacy.erase(author.id, db));
    expect((await itemsSeen(admin, release.id)).map(({ kind }) => kind)).toEqual(['variant', 'product']);
  });
});

describe('a preview', () => {
  /** All that there is, but for what reading itself leaves. */
  /** Whether nothing is left to do of what happened before. */
  const atRest = async () => {
    const [left] = await query<{ many: number }>(
      app.databaseUrl,
      `SELECT ((SELECT count(*) FROM events WHERE position IS NULL) + (SELECT count(*) FROM event_deliveries WHERE status = 'pending')
        + (SELECT count(*) FROM graphile_worker._private_jobs WHERE locked_at IS NOT NULL OR run_at <= now()))::int AS many`,
    );
    return left!.many === 0;
  };
  const everything = async () => {
    const tables = [
      'posts',
      'products',
      'variants',
      'releases',
      'release_items',
      'events',
      'audit_entries',
      'audit_keys',
      'graphile_worker._private_jobs',
    ];
    const counted = tables.map(
      (table) => `SELECT '${table}' AS name, count(*) AS rows, md5(string_agg(t::text, ',' ORDER BY t::text)) AS digest FROM ${table} t`,
    );
    return query(app.databaseUrl, counted.join(' UNION ALL '));
  };

  it('shows what would come of it, and leaves no trace', async () => {
    const { draft, out, product, variant, slug, release } = await aWorld();
    await app.request('GET', `posts/${out.slug}`);
    await eventually(atRest);
    const before = await everything();
    const { publishable, items } = await preview(admin, release.id);
    expect(await everything()).toEqual(before);
    expect(publishable).toBe(true);
    const of = (id: string) => items.find(({ postId, productId, variantId }) => [postId, productId, variantId].includes(id))!;
    expect(of(variant.id)).toMatchObject({ before: { price: eur(1_999) }, after: { price: eur(500) }, conflicts: [], alsoIn: [] });
    expect(of(product.id)).toMatchObject({ before: { name: product.name, category: 'old' }, after: { name: 'Renamed', category: null } });
    expect(of(draft.id)).toMatchObject({
      before: { title: draft.title, slug: draft.slug, status: 'draft', publishedAt: null },
      after: { title: 'New title', body: 'New *body*', slug, status: 'published' },
    });
    expect(of(out.id)).toMatchObject({ before: { status: 'published' }, after: { status: 'draft', publishedAt: null } });
    expect((await app.request('GET', `posts/${out.slug}`)).status).toBe(200);
    expect((await app.request('GET', `posts/${draft.id}`)).status).toBe(404);
  });

  it('names what is in the way: outdated, taken, gone, and another release', async () => {
    const { author, draft, out, product, variant, slug, release } = await aWorld();
    const other = await aRelease(app, admin, { kind: 'variant', variantId: variant.id, changes: { price: eur(600) } });
    await call('PATCH', `products/${product.id}`, admin, { description: 'Changed meanwhile' });
    await aPost(app, author, { slug });
    await call('DELETE', `posts/${out.id}`, admin);
    const { publishable, items } = await preview(admin, release.id);
    expect(publishable).toBe(false);
    const of = (id: string) => items.find(({ postId, productId, variantId }) => [postId, productId, variantId].includes(id))!;
    expect(of(variant.id)).toMatchObject({ conflicts: [], alsoIn: [other.id] });
    expect(of(product.id)).toMatchObject({
      conflicts: [{ code: 'releases/outdated' }],
      before: { category: 'old' },
      after: { name: 'Renamed' },
    });
    expect(of(draft.id)).toMatchObject({ conflicts: [{ code: 'posts/slug-taken' }], before: { slug: draft.slug }, after: null });
    expect(of(out.id)).toMatchObject({ conflicts: [{ code: 'posts/not-found' }], before: null, after: null });

    const refused = await publish(admin, release.id);
    expect(refusal(refused)).toEqual([409, 'releases/conflicts']);
    expect(
      problemOf(refused)
        .errors?.map(({ pointer, code }) => [pointer, code])
        .sort(),
    ).toEqual(
      [
        [`/items/${release.itemIds[1]}`, 'releases/outdated'],
        [`/items/${release.itemIds[2]}`, 'posts/slug-taken'],
        [`/items/${release.itemIds[3]}`, 'posts/not-found'],
      ].sort(),
    );
    expect([(await variantNow(variant.id)).price, (await postNow(draft.id)).title]).toEqual([eur(1_999), draft.title]);

    const item = (index: number) => `releases/${release.id}/items/${release.itemIds[index]}`;
    expect(refusal(await call('POST', `${item(3)}/rebase`, admin))).toEqual([404, 'posts/not-found']);
    await call('DELETE', item(3), admin);
    await call('PATCH', item(2), admin, { kind: 'post', changes: { title: 'New title' } });
    expect((await call<ItemBody>('POST', `${item(1)}/rebase`, admin)).body).toMatchObject({ baseVersion: product.version + 1, version: 2 });
    expect((await preview(admin, release.id)).publishable).toBe(true);
    expect((await publish(admin, release.id)).status).toBe(200);
    expect(await productNow(product.id)).toMatchObject({ name: 'Renamed', description: 'Changed meanwhile' });
    expect((await preview(admin, other.id)).items[0]).toMatchObject({ conflicts: [{ code: 'releases/outdated' }], alsoIn: [] });
  });
});

describe('publishing a release', () => {
  it('changes everything at once, with what each change keeps and tells', async () => {
    const { author, draft, out, product, variant, slug, release } = await aWorld();
    const requestId = `request-${unique()}`;
    const answer = await call('PUT', `releases/${release.id}/publication`, admin, {}, { 'if-match': '"5"', 'x-request-id': requestId });
    expect(answer.body).toMatchObject({ status: 'published', publishedById: admin.id, version: 6, items: 4 });
    expect(await postNow(draft.id)).toMatchObject({
      title: 'New title',
      bodyHtml: '<p>New <em>body</em></p>',
      slug,
      status: 'published',
      version: draft.version + 2,
    });
    expect(await postNow(out.id)).toMatchObject({ status: 'draft', version: out.version + 1 });
    expect(await productNow(product.id)).toMatchObject({ name: 'Renamed', category: null, version: product.version + 1 });
    expect(await variantNow(variant.id)).toMatchObject({ price: eur(500), version: variant.version + 1 });
    expect((await app.request<PostResponse>('GET', `posts/${slug}`)).body.title).toBe('New title');
    const sorted = (rows: { name: string }[]) => rows.map(({ name }) => name).sort();
    const events = await query<{ name: string; actor_id: string; subject_id: string }>(
      app.databaseUrl,
      'SELECT * FROM events WHERE request_id = $1',
      [requestId],
    );
    expect(sorted(events)).toEqual([
      'post.published',
      'post.unpublished',
      'post.updated',
      'product.updated',
      'release.published',
      'variant.updated',
    ]);
    expect(events.find(({ name }) => name === 'post.published')).toMatchObject({ actor_id: admin.id, subject_id: author.id });
    const entries = await query<{ name: string }>(app.databaseUrl, 'SELECT action AS name FROM audit_entries WHERE request_id = $1', [
      requestId,
    ]);
    expect(sorted(entries)).toEqual([
      'posts.published',
      'posts.unpublished',
      'posts.updated',
      'products.updated',
      'releases.published',
      'variants.updated',
    ]);
    for (const refused of [
      await publish(admin, release.id),
      await call('PATCH', `releases/${release.id}`, admin, { name: 'x' }),
      await call('DELETE', `releases/${release.id}`, admin),
      await add(admin, release.id, { kind: 'post', postId: out.id, publication: 'publish' }),
      await call('DELETE', `releases/${release.id}/items/${release.itemIds[0]}`, admin),
    ])
      expect(refusal(refused)).toEqual([409, 'releases/not-open']);
    expect(refusal(await call('DELETE', `releases/${release.id}/publication`, admin))).toEqual([409, 'releases/not-scheduled']);
  });

  it('needs something to publish, the version that was seen, and a time that there is', async () => {
    const { id } = await aRelease(app, admin);
    expect(refusal(await publish(admin, id))).toEqual([409, 'releases/empty']);
    expect(refusal(await publish(admin, id, { at: soon(60_000) }))).toEqual([409, 'releases/empty']);
    expect((await publish(admin, id, { at: 'tomorrow' })).status).toBe(400);
    const { release } = await aWorld();
    expect((await call('PUT', `releases/${release.id}/publication`, admin, {}, { 'if-match': '"4"' })).status).toBe(412);
  });
});

describe('a release that is scheduled', () => {
  const until = (id: string, status: string) =>
    eventually(async () => {
      const { body } = await read(id);
      return body.status === status && body;
    }, 20_000);

  it('goes live at its time, and is left alone until then', async () => {
    const { draft, variant, release } = await aWorld();
    const later = soon(3_600_000);
    expect((await publish(admin, release.id, { at: later })).body).toMatchObject({
      status: 'scheduled',
      scheduledAt: later,
      scheduledById: admin.id,
    });
    for (const refused of [
      await call('PATCH', `releases/${release.id}`, admin, { name: 'x' }),
      await call('DELETE', `releases/${release.id}`, admin),
      await call('POST', `releases/${release.id}/items/${release.itemIds[0]}/rebase`, admin),
    ])
      expect(refusal(refused)).toEqual([409, 'releases/not-open']);
    const at = soon(1_000);
    expect((await publish(admin, release.id, { at })).status).toBe(200);
    expect(await postNow(draft.id)).toMatchObject({ status: 'draft' });
    const published = await until(release.id, 'published');
    expect(published).toMatchObject({ publishedById: admin.id, scheduledAt: null, scheduledById: null });
    expect(published.publishedAt! >= at).toBe(true);
    expect((await variantNow(variant.id)).price).toEqual(eur(500));
    const actors = await query<{ actor_id: string }>(
      app.databaseUrl,
      `SELECT actor_id FROM events WHERE name = 'post.published' AND resource_id = $1`,
      [draft.id],
    );
    expect(actors).toEqual([{ actor_id: admin.id }]);
  });

  it('is withdrawn, and does not go live then', async () => {
    const [{ release, draft }, { release: other }] = [await aWorld(), await aWorld()];
    await publish(admin, release.id, { at: soon(400) });
    const withdrawn = await call('DELETE', `releases/${release.id}/publication`, admin);
    expect(withdrawn.body).toMatchObject({ status: 'open', scheduledAt: null, scheduledById: null });
    await publish(admin, other.id, { at: soon(600) });
    await until(other.id, 'published');
    expect([(await read(release.id)).body.status, (await postNow(draft.id)).status]).toEqual(['open', 'draft']);
  });

  it.each([
    ['is suspended', { status: 'suspended' }],
    ['may not change products any more', { roles: ['editor'] }],
    ['may not manage releases any more', { roles: ['support'] }],
  ])('fails when its scheduler %s, and changes nothing', async (_, change) => {
    const { release, draft, variant } = await aWorld();
    const scheduler = await anAdmin(app);
    await publish(scheduler, release.id, { at: soon(700) });
    expect((await call('PATCH', `users/${scheduler.id}`, admin, change)).status).toBe(200);
    const failed = await until(release.id, 'failed');
    expect(failed).toMatchObject({ scheduledAt: null, failure: [{ itemId: null, code: 'releases/beyond-your-rights' }] });
    expect([(await postNow(draft.id)).status, (await variantNow(variant.id)).price]).toEqual(['draft', eur(1_999)]);
    expect((await publish(admin, release.id)).body).toMatchObject({ status: 'published', failure: [] });
  });

  it('fails when something is in the way, tells its scheduler, and can be mended', async () => {
    const { release, product } = await aWorld();
    await publish(admin, release.id, { at: soon(700) });
    await call('PATCH', `products/${product.id}`, admin, { name: 'Meanwhile' });
    const failed = await until(release.id, 'failed');
    expect(failed.failure).toEqual([{ itemId: release.itemIds[1], code: 'releases/outdated', detail: expect.any(String) }]);
    const [event] = await query<{ subject_id: string; payload: object }>(
      app.databaseUrl,
      `SELECT * FROM events WHERE name = 'release.failed' AND resource_id = $1`,
      [release.id],
    );
    expect(event).toMatchObject({ subject_id: admin.id, payload: { releaseId: release.id, codes: ['releases/outdated'] } });
    await eventually(async () => {
      const inbox = await call<Wire<NotificationList>>('GET', 'notifications', admin);
      return inbox.body.items.some(({ kind, resource }) => kind === 'release.failed' && resource.id === release.id);
    });
    expect((await productNow(product.id)).name).toBe('Meanwhile');
    expect((await call('POST', `releases/${release.id}/items/${release.itemIds[1]}/rebase`, admin)).status).toBe(200);
    expect((await publish(admin, release.id)).status).toBe(200);
  });

  it('is scheduled by nobody who acts as somebody else', async () => {
    const { draft } = await aWorld();
    const release = await aRelease(app, editor, { kind: 'post', postId: draft.id, publication: 'publish' });
    const acting = await call<{ accessToken: string }>('POST', `users/${editor.id}/impersonation`, admin);
    const asEditor = { ...editor, accessToken: acting.body.accessToken };
    expect(refusal(await publish(asEditor, release.id, { at: soon(60_000) }))).toEqual([403, 'auth/impersonating']);
    expect((await publish(asEditor, release.id)).status).toBe(200);
  });
});

describe('rolling back a release', () => {
  it('gives everything what it had before, at once', async () => {
    const { draft, out, product, variant, release } = await aWorld();
    expect(refusal(await rollBack(admin, release.id))).toEqual([409, 'releases/not-published']);
    const [post, product0, variant0] = [await postNow(draft.id), await productNow(product.id), await variantNow(variant.id)];
    const out0 = await postNow(out.id);
    await publish(admin, release.id);
    expect(refusal(await rollBack(editor, release.id))).toEqual([403, 'releases/beyond-your-rights']);
    const headers = { 'idempotency-key': unique() };
    const answer = await call('POST', `releases/${release.id}/rollback`, admin, {}, headers);
    expect(answer.body).toMatchObject({ status: 'rolled-back', version: 7 });
    expect((await call('POST', `releases/${release.id}/rollback`, admin, {}, headers)).headers['idempotency-replayed']).toBe('true');
    const same = (now: object, before: object) => {
      const lasting = ({ version: _v, updatedAt: _u, variants: _s, ...rest }: Record<string, unknown>) => rest;
      expect(lasting(now as never)).toEqual(lasting(before as never));
    };
    same(await postNow(draft.id), post);
    same(await postNow(out.id), out0);
    same(await productNow(product.id), product0);
    same(await variantNow(variant.id), variant0);
    expect((await variantNow(variant.id)).version).toBe(variant.version + 2);
    expect(refusal(await rollBack(admin, release.id))).toEqual([409, 'releases/not-published']);
    const [event] = await query<{ payload: object }>(
      app.databaseUrl,
      `SELECT payload FROM events WHERE name = 'release.rolled-back' AND resource_id = $1`,
      [release.id],
    );
    expect(event).toEqual({ payload: { releaseId: release.id, items: 4 } });
  });

  it('is refused where something was changed since, by name, unless it is told to write over that', async () => {
    const { draft, out, product, variant, release } = await aWorld();
    await publish(admin, release.id);
    await call('PATCH', `variants/${variant.id}`, admin, { price: eur(700) });
    await call('DELETE', `posts/${draft.id}`, admin);
    const refused = await rollBack(admin, release.id);
    expect(refusal(refused)).toEqual([409, 'releases/changed-since']);
    const named = problemOf(refused).errors!.map(({ pointer, code, detail }) => [
      pointer,
      code,
      detail.includes(draft.id) || detail.includes(variant.id),
    ]);
    expect(named.sort()).toEqual(
      [
        [`/items/${release.itemIds[0]}`, 'http/stale-version', true],
        [`/items/${release.itemIds[2]}`, 'posts/not-found', true],
      ].sort(),
    );
    expect([(await productNow(product.id)).name, (await postNow(out.id)).status]).toEqual(['Renamed', 'draft']);
    expect((await rollBack(admin, release.id, { force: 'yes' })).status).toBe(400);
    expect((await rollBack(admin, release.id, { force: true })).status).toBe(200);
    expect([(await productNow(product.id)).name, (await postNow(out.id)).status]).toEqual([product.name, 'published']);
    expect((await variantNow(variant.id)).price).toEqual(eur(1_999));
  });

  it('gives a slug back, which nobody else could take meanwhile', async () => {
    const { author, draft, release } = await aWorld();
    await publish(admin, release.id);
    expect((await postNow(draft.id)).slug).not.toBe(draft.slug);
    await expect(aPost(app, author, { slug: draft.slug })).rejects.toMatchObject({ code: 'posts/slug-taken' });
    expect((await rollBack(admin, release.id)).status).toBe(200);
    expect((await postNow(draft.id)).slug).toBe(draft.slug);
  });

  it('leaves orders the prices they were placed at', async () => {
    const { variant, release } = await aWorld();
    await publish(admin, release.id);
    const customer = await aUser(app);
    const items = [{ variantId: variant.id, quantity: 2 }];
    const order = await call<{ id: string; total: object }>('POST', 'orders', customer, { items }, { 'idempotency-key': unique() });
    await rollBack(admin, release.id);
    expect((await call<{ total: object }>('GET', `orders/${order.body.id}`, customer)).body.total).toEqual(eur(1_000));
    expect((await call<{ total: object }>('POST', 'orders/quote', customer, { items })).body.total).toEqual(eur(3_998));
  });
});
