import { randomBytes } from 'node:crypto';
import { Actor } from '#security';
import { PasswordsService } from '../../src/auth/passwords.service.js';
import { SessionsService } from '../../src/auth/sessions.service.js';
import type { CreatePostDto } from '../../src/posts/posts.dto.js';
import type { Post } from '../../src/posts/posts.queries.js';
import { PostsService } from '../../src/posts/posts.service.js';
import type { CreateProductDto } from '../../src/products/products.dto.js';
import type { Product } from '../../src/products/products.queries.js';
import { ProductsService } from '../../src/products/products.service.js';
import { permissionsOf, type Role } from '../../src/users/roles.rules.js';
import { UsersService } from '../../src/users/users.service.js';
import type { TestApp } from './app.js';

/** The password of everybody who is given no other: hashed once for all of a test file's people. */
export const PASSWORD = 'nine quiet herons wade upstream';
const DEVICE = { ip: '127.0.0.1', userAgent: 'harness' };
const hashes = new WeakMap<PasswordsService, Promise<string>>();

export interface Person {
  id: string;
  email: string;
  name: string;
  password: string;
  roles: Role[];
  sessionId: string;
  accessToken: string;
  refreshToken: string;
}

/** A different short text each time, for names that must be unique. */
export const unique = (): string => randomBytes(6).toString('hex');

/** Somebody with an account, logged in. */
export async function aUser(
  app: TestApp,
  {
    roles = ['customer'],
    email = `u-${unique()}@example.org`,
    name = 'Ada Lovelace',
  }: { roles?: Role[]; email?: string; name?: string } = {},
): Promise<Person> {
  const user = await app.get(UsersService).create({ email, name, roles });
  const passwords = app.get(PasswordsService);
  const hash = hashes.get(passwords) ?? passwords.hashNew(PASSWORD, { name: '', email: '' });
  hashes.set(passwords, hash);
  await passwords.keep(user.id, await hash);
  return { id: user.id, email, name, password: PASSWORD, roles, ...(await aSession(app, user.id)) };
}

export const anAdmin = (app: TestApp) => aUser(app, { roles: ['admin'] });

/** Another login of somebody's, on another device. */
export async function aSession(app: TestApp, userId: string): Promise<Pick<Person, 'sessionId' | 'accessToken' | 'refreshToken'>> {
  const user = await app.prisma.user.findUniqueOrThrow({ where: { id: userId } });
  const { accessToken, refreshToken } = await app.get(SessionsService).open(user, DEVICE, { by: 'password' });
  return { sessionId: refreshToken.slice(0, 36), accessToken, refreshToken };
}

/** What the guards make of a person: for calling services as them. */
export const actorOf = ({ id, sessionId, roles }: Person): Actor =>
  new Actor({ userId: id, sessionId, roles, permissions: permissionsOf(roles), via: 'session', provenAt: new Date() });

/** A post of this author's: a draft, unless `published`. */
export async function aPost(
  app: TestApp,
  author: Person,
  { published = false, ...draft }: Partial<CreatePostDto> & { published?: boolean } = {},
): Promise<Post> {
  const posts = app.get(PostsService);
  const post = await posts.write(actorOf(author), { title: `Post ${unique()}`, body: 'The engine *weaves* patterns.', ...draft });
  return published ? posts.publish(actorOf(author), post.id, {}, null) : post;
}

/** A product on sale with one variant, unless `variants` says otherwise; made by an administrator who appears for this purpose. */
export async function aProduct(
  app: TestApp,
  {
    stock = 10,
    price = 1_999,
    currency = 'EUR',
    by,
    ...product
  }: Partial<CreateProductDto> & { stock?: number; price?: number; currency?: string; by?: Person } = {},
): Promise<Product> {
  const admin = by ?? (await anAdmin(app));
  const variants = [{ sku: `SKU-${unique()}`, name: 'Standard', price: { amount: price, currency }, stock }];
  return app.get(ProductsService).create(actorOf(admin), { name: `Product ${unique()}`, status: 'active', variants, ...product });
}
