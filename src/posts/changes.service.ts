import { Injectable } from '@nestjs/common';
import { record } from '#audit';
import { invalidate } from '#cache';
import { Env } from '#config';
import { type Db, isUniqueViolation, type RevisionKind, transaction, type Tx } from '#database';
import { expectVersion, type ExpectedVersions, isStale } from '#http';
import type { Actor } from '#security';
import { BodiesService } from './bodies.service.js';
import { markLiked } from './likes.queries.js';
import { notYourPost, postExternalIdTaken, postNotFound, slugTaken } from './posts.errors.js';
import { auditedPost, findPost, findSummary, type Post, type PostSummary } from './posts.queries.js';
import { mayChange, maySee, statusOf } from './posts.rules.js';
import { changesSince, keepRevision, thinRevisions } from './revisions.queries.js';
import { changedMembers, toField } from './revisions.rules.js';

/** How often a post is looked at for versions that are too old to be kept. */
const THINNED_EVERY = 10;

/** A change of a post: what becomes of it, decided from what it is, and whom that is told. */
export interface Change {
  kind: RevisionKind;
  decide: (before: Post, db: Tx) => object | Promise<object>;
  tell: (post: Post, before: Post, db: Tx, changed: string[]) => Promise<void>;
  summary?: string | null;
  restoredFrom?: number | null;
}

const ACTION: Record<RevisionKind, `posts.${string}`> = {
  written: 'posts.created',
  edited: 'posts.updated',
  restored: 'posts.reverted',
  published: 'posts.published',
  unpublished: 'posts.unpublished',
  submitted: 'posts.submitted',
  withdrawn: 'posts.withdrawn',
  approved: 'posts.approved',
  returned: 'posts.returned',
  trashed: 'posts.trashed',
  recovered: 'posts.restored',
};

/** How a post changes, whatever the change: from the version its editor has seen, one change after the other, each in the history. */
@Injectable()
export class ChangesService {
  constructor(
    private readonly env: Env,
    private readonly bodies: BodiesService,
  ) {}

  async change(actor: Actor, id: string, expected: ExpectedVersions, { kind, decide, tell, ...more }: Change, db: Db): Promise<Post> {
    return transaction(db, async (tx) => {
      const before = await this.lock(actor, id, tx, { trashed: kind === 'recovered' });
      await this.expect(before, expected, tx);
      await tx.post.update({ where: { id }, data: { ...(await decide(before, tx)), version: { increment: 1 } } }).catch(refuseTaken);
      const post = await this.shown(actor, id, before, tx);
      const changed = changedMembers(before, post);
      await keepRevision(tx, before, post, { actor, kind, changed, ...more });
      if (post.version % THINNED_EVERY === 0) await thinRevisions(tx, id, this.limits);
      outdate(tx, before, post);
      const facts = { before: auditable(before), after: auditable(post) };
      await record(tx, { actor, action: ACTION[kind], resource: auditedPost(id), subject: post.authorId, ...facts });
      await tell(post, before, tx, changed);
      return post;
    });
  }

  /** The post as it is now, kept so until the transaction ends, for somebody who may change it. */
  async lock(actor: Actor, id: string, db: Tx, { trashed = false } = {}): Promise<Post> {
    return changeable(actor, await findPost(db, { id }, { trashed, locked: true }));
  }

  /** The post without its body, for somebody who may change it. */
  async access(actor: Actor, id: string, db: Db): Promise<PostSummary> {
    return changeable(actor, await findSummary(db, { id }));
  }

  /** What has become of the post; the files that it shows are public exactly while it is. */
  private async shown(actor: Actor, id: string, before: Post, db: Tx): Promise<Post> {
    const find = async () => (await findPost(db, { id }, { trashed: null }))!;
    const post = await find();
    await this.bodies.align(actor, post, statusOf(post, new Date()) === 'published', before, db);
    const shown = post.cover === null ? post : await find(); // with the link that its cover has now
    await markLiked(db, actor, [shown]);
    return shown;
  }

  /** @throws http/stale-version, which names what was changed since the version that the editor has seen, by whom and when */
  private async expect(post: Post, expected: ExpectedVersions, db: Db): Promise<void> {
    if (!isStale(post.version, expected)) return;
    const seen = Math.max(...expected!.filter((version) => version < post.version));
    expectVersion(post.version, expected, Number.isFinite(seen) ? (await changesSince(db, post, seen)).map(toField) : []);
  }

  private get limits() {
    return { count: this.env.POSTS_REVISIONS_MAX, bytes: this.env.POSTS_REVISIONS_MEGABYTES * 1_048_576 };
  }
}

/** What is in the trash is there for those who may change it, and not even to be seen for others. */
function changeable<Found extends PostSummary>(actor: Actor, post: Found | null): Found {
  if (post === null || !maySee(actor, post, new Date()))
    throw postNotFound('No post that you may see has this id.', { concealed: post !== null });
  if (!mayChange(actor, post)) throw notYourPost('Only its author and editors may change this post.');
  return post;
}

/** What strangers were answered is out of date when a post changes that they see, or will by itself; of a draft they know nothing. */
export function outdate(db: Db, before: Outdated, after = before): void {
  if (before.publishedAt === null && after.publishedAt === null) return;
  const series = new Set([before.seriesId, after.seriesId].filter((id) => id !== null)); // their other posts say which is next to them
  invalidate(db, ['posts', `post:${after.id}`, ...[...series].map((id) => `series:${id}`)]);
}

type Outdated = Pick<Post, 'id' | 'publishedAt' | 'seriesId'>;

const auditable = (post: Post) => ({ ...post, trashed: post.trashedAt !== null });

export function refuseTaken(error: unknown): never {
  if (isUniqueViolation(error, 'posts_slug_key')) throw slugTaken('Another post has this slug; choose another.');
  if (isUniqueViolation(error, 'posts_external_id_key')) throw postExternalIdTaken('Another post has this externalId.');
  throw error;
}
