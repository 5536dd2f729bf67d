import type { INestApplicationContext } from '@nestjs/common';
import { PrismaService, transaction } from '#database';
import { Actor } from '#security';
import { AccountsService } from '../src/auth/accounts.service.js';
import { CancellationsService } from '../src/orders/cancellations.service.js';
import { ChargesService } from '../src/orders/charges.service.js';
import { PlacementsService } from '../src/orders/placements.service.js';
import { CommentsService } from '../src/comments/comments.service.js';
import { LikesService } from '../src/comments/likes.service.js';
import { ModerationService } from '../src/comments/moderation.service.js';
import { PostsService } from '../src/posts/posts.service.js';
import { SeriesService } from '../src/posts/series.service.js';
import { PaymentsService } from '../src/payments/payments.service.js';
import { CategoriesService } from '../src/products/categories.service.js';
import { ProductsService } from '../src/products/products.service.js';
import { CouponsService } from '../src/shop/coupons.service.js';
import { SettingsService } from '../src/shop/settings.service.js';
import { permissionsOf, type Role, ROLES } from '../src/users/roles.rules.js';
import { COMMENTS, COUPONS, POSTS, PRODUCTS, SERIES, SHOP, WAITING } from './demo.js';

export const DEMO_PASSWORD = 'four calm otters at dawn';
export const DEMO_EMAILS = ROLES.map((role) => `${role}@example.com`);

const NAMES: Record<Role, string> = { admin: 'Ada Lovelace', editor: 'Edith Clarke', support: 'Hedy Lamarr', customer: 'Grace Hopper' };
const DAY = 86_400_000;

/** Fills an empty database with the demo world: people, posts, a shop and a few orders. Returns whether it was empty. */
export async function seedWhenEmpty(app: INestApplicationContext): Promise<boolean> {
  const prisma = app.get(PrismaService);
  if ((await prisma.user.count()) > 0) return false;
  const people = await Promise.all(ROLES.map((role) => person(app, role)));
  const [admin, editor, , customer] = people;
  const posts = await publishPosts(app, [editor!, admin!]);
  await talk(app, posts, new Map(ROLES.map((role, index) => [role, people[index]!])));
  await openShop(app, admin!);
  const variants = await stockShelves(app, admin!);
  await sellSome(app, customer!, variants);
  return true;
}

/** How many of the demo accounts a database holds: production refuses to run on one that has any, since their password is public. */
export async function countDemoAccounts(app: INestApplicationContext): Promise<number> {
  return app.get(PrismaService).user.count({ where: { email: { in: DEMO_EMAILS } } });
}

async function person(app: INestApplicationContext, role: Role): Promise<Actor> {
  const user = await app
    .get(AccountsService)
    .create({ email: `${role}@example.com`, name: NAMES[role], password: DEMO_PASSWORD, roles: [role] });
  const permissions = permissionsOf(user.roles);
  return new Actor({ userId: user.id, sessionId: '', roles: user.roles, permissions, via: 'session', provenAt: new Date() });
}

async function publishPosts(app: INestApplicationContext, authors: Actor[]): Promise<string[]> {
  const posts = app.get(PostsService);
  const [editor] = authors;
  const { posts: chapters, ...about } = SERIES;
  const series = await app.get(SeriesService).create(editor!, about);
  const published = [];
  for (const [index, post] of POSTS.entries()) {
    const author = authors[index % authors.length]!;
    const { id } = await posts.write(author, post);
    const chapter = chapters.indexOf(post.title) + 1;
    if (chapter > 0) await posts.update(editor!, id, { seriesId: series.id, seriesPosition: chapter }, null);
    await posts.publish(author, id, { at: new Date(Date.now() - (POSTS.length - index) * DAY).toISOString() }, null);
    published.push(id);
  }
  return published;
}

/** Threads, likes, and one comment that waits for a moderator. */
async function talk(app: INestApplicationContext, posts: string[], people: ReadonlyMap<Role, Actor>): Promise<void> {
  const [comments, moderation, likes] = [app.get(CommentsService), app.get(ModerationService), app.get(LikesService)];
  const say = async ({ by, body, replies = [] }: (typeof COMMENTS)[number], postId: string, parentId?: string): Promise<void> => {
    const comment = await comments.write(people.get(by)!, postId, { body, ...(parentId !== undefined && { parentId }) });
    if (comment.status === 'pending') await moderation.decide(people.get('editor')!, comment.id, { status: 'approved' }, null);
    for (const reply of replies) await say(reply, postId, comment.id);
  };
  for (const comment of COMMENTS) await say(comment, posts[comment.post!]!);
  await comments.write(people.get(WAITING.by)!, posts[WAITING.post!]!, { body: WAITING.body });
  for (const [index, postId] of posts.entries())
    for (const actor of [...people.values()].slice(0, index % 5)) await likes.like(actor, postId);
}

async function openShop(app: INestApplicationContext, admin: Actor): Promise<void> {
  const { taxRates, shippingMethods, ...rest } = SHOP;
  const settings = {
    ...rest,
    taxRates: taxRates.map((rate) => ({ region: '', ...rate })),
    shippingMethods: shippingMethods.map((method) => ({ countries: [], freeFrom: null, taxClass: 'standard', ...method })),
  };
  await app.get(SettingsService).change(admin, settings, null);
  for (const coupon of COUPONS) await app.get(CouponsService).create(admin, coupon);
}

async function stockShelves(app: INestApplicationContext, admin: Actor): Promise<string[]> {
  const products = app.get(ProductsService);
  const categories = app.get(CategoriesService);
  for (const [position, slug] of [...new Set(PRODUCTS.map(({ category }) => category))].entries())
    await categories.create(admin, { name: slug[0]!.toUpperCase() + slug.slice(1), slug, position });
  const shelved = [];
  for (const { variants, ...product } of PRODUCTS) {
    const created = await products.create(admin, {
      ...product,
      status: 'active',
      variants: variants.map(({ amount, ...variant }) => ({ ...variant, price: { amount, currency: 'EUR' } })),
    });
    shelved.push(...created.variants.map(({ id }) => id));
  }
  return shelved;
}

/** One paid order, one that was cancelled, one that waits. */
async function sellSome(app: INestApplicationContext, customer: Actor, variants: string[]): Promise<void> {
  const prisma = app.get(PrismaService);
  const place = (...indexes: number[]) => {
    const items = indexes.map((index) => ({ variantId: variants[index % variants.length]!, quantity: 1 }));
    return app.get(PlacementsService).place(customer, { items }, prisma);
  };
  const paid = await place(0, 3);
  const steps = app.get(ChargesService).payment(customer, paid.id, 'sandbox:success', ({ id }) => id);
  const reference = await transaction(prisma, (db) => steps.begin(db));
  const outcome = await app.get(PaymentsService).charge(reference);
  await transaction(prisma, (db) => steps.finish(db, reference, outcome));
  const cancelled = await place(5);
  await app.get(CancellationsService).cancel(customer, cancelled.id);
  await place(1, 7);
}
