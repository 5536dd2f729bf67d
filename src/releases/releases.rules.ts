import type { AppError, FieldProblem } from '#errors';
import type { Permission } from '#security';
import type { UpdatePostDto } from '../posts/posts.dto.js';
import { statusOf as statusOfPost } from '../posts/posts.rules.js';
import type { Post } from '../posts/posts.service.js';
import type { UpdateProductDto } from '../products/products.dto.js';
import type { UpdateVariantDto } from '../products/variants.dto.js';
import type { Product } from '../products/products.service.js';
import type { Variant } from '../products/variants.service.js';
import { beyondYourRights } from './releases.errors.js';

export const RELEASE_STATUSES = ['open', 'scheduled', 'published', 'rolled-back', 'failed'] as const;
export type ReleaseStatus = (typeof RELEASE_STATUSES)[number];

/** As clients read it. */
export const statusOf = ({ status }: { status: Exclude<ReleaseStatus, 'rolled-back'> | 'rolled_back' }): ReleaseStatus =>
  status === 'rolled_back' ? 'rolled-back' : status;

export type Act = 'change' | 'publish' | 'withdraw' | 'roll back';

/** From which states each act leads on. One that has failed is as good as open: nothing of it was applied. */
const FROM: Record<Act, readonly ReleaseStatus[]> = {
  change: ['open', 'failed'],
  publish: ['open', 'scheduled', 'failed'],
  withdraw: ['scheduled'],
  'roll back': ['published'],
};

export const may = (act: Act, status: ReleaseStatus): boolean => FROM[act].includes(status);

export type Kind = 'post' | 'product' | 'variant';
export const KINDS = ['post', 'product', 'variant'] as const satisfies Kind[];

/** What a change is made of, as far as it matters who may make it. */
export interface Change {
  kind: Kind;
  changes: object;
  publication: 'publish' | 'unpublish' | null;
}

export const changesNothing = ({ changes, publication }: Pick<Change, 'changes' | 'publication'>): boolean =>
  Object.keys(changes).length === 0 && publication === null;

/** The id of what is to be changed. */
export const resourceOf = (item: { postId: string } | { productId: string } | { variantId: string }): string =>
  'postId' in item ? item.postId : 'productId' in item ? item.productId : item.variantId;

/** What the same edit needs when it is made directly, of posts that may be anybody's: a release leads around no permission. */
export function neededFor({ kind, changes, publication }: Change): Permission[] {
  if (kind !== 'post') return ['products:manage'];
  return [
    'posts:manage',
    ...(Object.keys(changes).length > 0 ? (['posts:write'] as const) : []),
    ...(publication !== null ? (['posts:publish'] as const) : []),
  ];
}

/** @throws releases/beyond-your-rights */
export function refuseBeyond(somebody: { can(permission: Permission): boolean }, changes: readonly Change[]): void {
  const lacking = [...new Set(changes.flatMap(neededFor))].filter((permission) => !somebody.can(permission));
  if (lacking.length > 0) throw beyondYourRights(`This takes what you do not have: ${lacking.join(', ')}.`);
}

/** Kinds of changes that somebody may read: a price to come tells as much as one that is not public. */
export function kindsSeenBy(reader: { can(permission: Permission): boolean }): Kind[] {
  return KINDS.filter((kind) => reader.can(kind === 'post' ? 'posts:manage' : 'products:read'));
}

/** A release changes everything in one order, by which it takes its locks: posts, products, variants, each by id. */
export function inOrder<Item extends { kind: Kind; resourceId: string }>(items: readonly Item[]): Item[] {
  return [...items].sort((a, b) => KINDS.indexOf(a.kind) - KINDS.indexOf(b.kind) || (a.resourceId < b.resourceId ? -1 : 1));
}

/** The members of a resource that an edit can change, as an edit takes them, and those a publication does. */
export type Members = UpdatePostDto & UpdateProductDto & UpdateVariantDto & Publication;

export interface Publication {
  publishedAt?: string | null;
  expiresAt?: string | null;
}

// Each names every member of its DTO: one that an edit learns to change has to be said here, or rolling back would leave it.
const ofPost = (post: Post): { [Member in keyof Required<UpdatePostDto>]: UpdatePostDto[Member] | undefined } => ({
  summary: undefined, // of one change only
  title: post.title,
  body: post.body,
  excerpt: post.ownExcerpt ? post.excerpt : null, // made from the body
  tags: post.tags,
  slug: post.slug,
  coverFileId: post.coverFileId,
  seriesId: post.seriesId,
  seriesPosition: post.seriesPlace ?? undefined,
  commentsOpen: post.commentsOpen,
  externalId: post.externalId,
  metadata: post.metadata,
});
const ofProduct = (product: Product): Required<UpdateProductDto> => ({
  name: product.name,
  description: product.description,
  slug: product.slug,
  category: product.category,
  taxClass: product.taxClass,
  status: product.status,
  options: product.options,
  images: product.images.map(({ id, alt }) => ({ fileId: id, alt })),
  externalId: product.externalId,
  metadata: product.metadata,
});
const ofVariant = (variant: Variant): Required<UpdateVariantDto> => ({
  sku: variant.sku,
  name: variant.name,
  price: { amount: variant.priceAmount, currency: variant.currency },
  backorder: variant.backorder,
  availableFrom: variant.availableFrom,
  compareAtPrice: variant.compareAt === null ? null : { amount: variant.compareAt, currency: variant.currency },
  optionValues: variant.optionValues,
  externalId: variant.externalId,
  metadata: variant.metadata,
});

/** A post, product or variant as it is, with its kind. */
export type Resource = { kind: 'post'; row: Post } | { kind: 'product'; row: Product } | { kind: 'variant'; row: Variant };

/** Of a resource the members that a change concerns, as they are. */
export function concerned({ kind, row }: Resource, { changes, publication }: Change): Members {
  const all: object = kind === 'post' ? ofPost(row) : kind === 'product' ? ofProduct(row) : ofVariant(row);
  // Who leaves a series leaves a place in it, too; what is not back-ordered any more has no time from which it can be had.
  const takes: Record<string, string> = { seriesPosition: 'seriesId', availableFrom: 'backorder' };
  const isNamed = (name: string) => Object.hasOwn(changes, name) || Object.hasOwn(changes, takes[name] ?? name);
  const named = Object.fromEntries(Object.entries(all).filter(([name, value]) => value !== undefined && isNamed(name)));
  if (kind !== 'post' || publication === null) return named;
  return { ...named, publishedAt: row.publishedAt?.toISOString() ?? null, expiresAt: row.expiresAt?.toISOString() ?? null };
}

/** What there is to see of members that a change concerns: a publication is seen by the status, too. */
export function shown(members: Members, now: Date): Record<string, unknown> {
  if (members.publishedAt === undefined) return { ...members };
  const time = (at: string | null | undefined) => (at === null || at === undefined ? null : new Date(at));
  const facts = { publishedAt: time(members.publishedAt), expiresAt: time(members.expiresAt), review: null, trashedAt: null };
  return { ...members, status: statusOfPost(facts, now) };
}

/** Why something cannot go live, or be rolled back, as it stands. */
export interface Conflict {
  code: string;
  detail: string;
}

const POINTER = '/items/';

/** Conflicts as a problem names them. */
export const fieldsOf = (conflicts: readonly (Conflict & { itemId: string })[]): FieldProblem[] =>
  conflicts.map(({ itemId, code, detail }) => ({ pointer: `${POINTER}${itemId}`, code, detail }));

/** Why a publication was refused, to be kept: each item that was in the way, or what was in the way of them all. */
export function reasonsOf({ code, message, fields = [] }: AppError): (Conflict & { itemId: string | null })[] {
  const named = fields.filter(({ pointer }) => pointer.startsWith(POINTER));
  if (named.length === 0) return [{ itemId: null, code, detail: message }];
  return named.map(({ pointer, code, detail }) => ({ itemId: pointer.slice(POINTER.length), code, detail }));
}
