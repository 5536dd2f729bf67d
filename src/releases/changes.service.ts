import { Injectable } from '@nestjs/common';
import type { Tx } from '#database';
import type { ExpectedVersions } from '#http';
import type { Actor } from '#security';
import { type Post, PostsService } from '../posts/posts.service.js';
import { ProductsService } from '../products/products.service.js';
import { VariantsService } from '../products/variants.service.js';
import type { ReleaseItem } from './releases.queries.js';
import { concerned, type Kind, type Members, type Resource } from './releases.rules.js';

/** What became of a resource. */
export interface Made {
  before: Members;
  after: Members;
  version: number;
}

/** Makes the changes of a release as anybody makes them: by the services of posts and products, with all that these keep and tell. */
@Injectable()
export class ChangesService {
  constructor(
    private readonly posts: PostsService,
    private readonly products: ProductsService,
    private readonly variants: VariantsService,
  ) {}

  async find(actor: Actor, kind: Kind, id: string, db: Tx): Promise<Resource> {
    switch (kind) {
      case 'post':
        return { kind, row: await this.posts.get(actor, id, db) };
      case 'product':
        return { kind, row: await this.products.get(actor, id, db) };
      case 'variant':
        return { kind, row: await this.variants.get(actor, id, db) };
    }
  }

  /** @throws http/stale-version, and what refuses the edit itself */
  async make(actor: Actor, item: ReleaseItem, expected: ExpectedVersions, db: Tx): Promise<Made> {
    const { kind, resourceId: id, changes, publication } = item;
    // Read without a lock: it is the version that the edit expects, or the edit fails.
    const before = concerned(await this.find(actor, kind, id, db), item);
    const writes = Object.keys(changes).length > 0;
    let after = writes ? await this.edit(actor, kind, id, changes, expected, db) : null;
    const rest = writes ? null : expected;
    if (publication === 'publish') after = { kind: 'post', row: await this.posts.publish(actor, id, {}, rest, db) };
    if (publication === 'unpublish') after = { kind: 'post', row: await this.posts.unpublish(actor, id, rest, db) };
    return { before, after: concerned(after!, item), version: after!.row.version };
  }

  /** Gives back what the item had before. @throws http/stale-version, and what refuses the edit itself */
  async undo(actor: Actor, { kind, resourceId: id, before }: ReleaseItem, expected: ExpectedVersions, db: Tx): Promise<void> {
    const { publishedAt, expiresAt = null, ...changes } = before!;
    const writes = Object.keys(changes).length > 0;
    if (writes) await this.edit(actor, kind, id, changes, expected, db);
    if (publishedAt !== undefined) await this.republish(actor, id, { publishedAt, expiresAt }, writes ? null : expected, db);
  }

  private async edit(actor: Actor, kind: Kind, id: string, changes: object, expected: ExpectedVersions, db: Tx): Promise<Resource> {
    switch (kind) {
      case 'post':
        return { kind, row: await this.posts.update(actor, id, changes, expected, db) };
      case 'product':
        return { kind, row: await this.products.update(actor, id, changes, expected, db) };
      case 'variant':
        return { kind, row: await this.variants.update(actor, id, changes, expected, db) };
    }
  }

  /** Out since when it was and until when it was, to come when it was to come, or a draft; what has ended meanwhile is one, too. */
  private republish(
    actor: Actor,
    id: string,
    { publishedAt, expiresAt }: { publishedAt: string | null; expiresAt: string | null },
    expected: ExpectedVersions,
    db: Tx,
  ): Promise<Post> {
    const hasEnded = expiresAt !== null && Date.parse(expiresAt) <= Date.now();
    if (publishedAt === null || hasEnded) return this.posts.unpublish(actor, id, expected, db);
    return this.posts.publish(actor, id, { at: publishedAt, until: expiresAt }, expected, db);
  }
}
