import { Injectable } from '@nestjs/common';
import { record } from '#audit';
import { type Db, defined, isUniqueViolation, Prisma, PrismaService, transaction, type Tx } from '#database';
import { expectVersion, type ExpectedVersions, keyset, type Page, parseSort, readCursor, toPage } from '#http';
import type { Actor } from '#security';
import { ChangesService } from './changes.service.js';
import type { ItemToAdd, ItemToChange, ListItemsQuery } from './items.dto.js';
import { itemChangesNothing, itemOfOtherKind, releaseFull, releaseItemNotFound, resourceInRelease } from './releases.errors.js';
import { auditedItem, extentOf, type Release, type ReleaseItem } from './releases.queries.js';
import { changesNothing, kindsSeenBy, refuseBeyond, resourceOf } from './releases.rules.js';
import { ReleasesService } from './releases.service.js';

export type { ItemToAdd, ItemToChange } from './items.dto.js';

const MOST_ITEMS = 200;
const MOST_BYTES = 10_000_000;

/** What an open release is to change. Nothing gets in that could not be done directly, by whoever puts it there. */
@Injectable()
export class ItemsService {
  constructor(
    private readonly prisma: PrismaService,
    private readonly releases: ReleasesService,
    private readonly changes: ChangesService,
  ) {}

  async list(actor: Actor, releaseId: string, query: ListItemsQuery): Promise<Page<ReleaseItem>> {
    const { where, orderBy } = keyset(parseSort(query.sort), readCursor(query.cursor, query.sort, 'time'));
    await this.releases.get(actor, releaseId);
    const rows = (await this.prisma.releaseItem.findMany({
      where: { AND: [where, { releaseId, kind: { in: kindsSeenBy(actor) } }] },
      orderBy,
      take: query.limit + 1,
    })) as ReleaseItem[];
    return toPage(
      rows,
      query,
      (item) => item.createdAt,
      (item) => item,
    );
  }

  async get(actor: Actor, releaseId: string, id: string, db: Db = this.prisma): Promise<ReleaseItem> {
    const item = await db.releaseItem.findFirst({ where: { id, releaseId, kind: { in: kindsSeenBy(actor) } } });
    if (item !== null) return item as ReleaseItem;
    throw releaseItemNotFound('The release has no item with this id that you may see.', {
      concealed: (await db.releaseItem.count({ where: { id, releaseId } })) > 0,
    });
  }

  async add(actor: Actor, releaseId: string, item: ItemToAdd, db: Db = this.prisma): Promise<ReleaseItem> {
    const change = {
      kind: item.kind,
      changes: defined(item.changes ?? {}),
      publication: ('publication' in item && item.publication) || null,
    };
    if (changesNothing(change)) throw itemChangesNothing('The item has neither changes nor a publication.');
    return transaction(db, async (tx) => {
      const release = await this.releases.lock(releaseId, 'change', null, tx);
      refuseBeyond(actor, [change]);
      const resourceId = resourceOf(item);
      const { kind, row } = await this.changes.find(actor, item.kind, resourceId, tx);
      const subjectId = kind === 'post' ? row.authorId : null;
      const changes = change.changes as Prisma.InputJsonObject;
      const data = { ...change, changes, releaseId, resourceId, subjectId, baseVersion: row.version };
      const added = (await tx.releaseItem.create({ data }).catch(refuseSecond)) as ReleaseItem;
      await this.changed(actor, 'added', release, { after: added }, tx);
      return added;
    });
  }

  async change(actor: Actor, releaseId: string, id: string, changes: ItemToChange, expected: ExpectedVersions): Promise<ReleaseItem> {
    return this.write(actor, releaseId, id, 'changed', expected, this.prisma, async (before) => {
      if (changes.kind !== before.kind) throw itemOfOtherKind(`The item is of the kind ${before.kind}.`);
      const after = { ...before, ...defined(changes), ...(changes.changes && { changes: defined(changes.changes) }) };
      if (changesNothing(after))
        throw itemChangesNothing('That would leave the item neither changes nor a publication; remove it instead.');
      refuseBeyond(actor, [after]);
      return { changes: after.changes as Prisma.InputJsonObject, publication: after.publication };
    });
  }

  /** Makes the item one for the resource as it is now: whoever does has looked at what was changed meanwhile. */
  async rebase(actor: Actor, releaseId: string, id: string, db: Db = this.prisma): Promise<ReleaseItem> {
    return this.write(actor, releaseId, id, 'rebased', null, db, async (before, tx) => {
      const { row } = await this.changes.find(actor, before.kind, before.resourceId, tx);
      return { baseVersion: row.version };
    });
  }

  async remove(actor: Actor, releaseId: string, id: string, expected: ExpectedVersions): Promise<void> {
    await transaction(this.prisma, async (db) => {
      const release = await this.releases.lock(releaseId, 'change', null, db);
      const before = await this.get(actor, releaseId, id, db);
      expectVersion(before.version, expected);
      refuseBeyond(actor, [before]);
      await db.releaseItem.delete({ where: { id } });
      await this.changed(actor, 'removed', release, { before }, db);
    });
  }

  private write(
    actor: Actor,
    releaseId: string,
    id: string,
    what: 'changed' | 'rebased',
    expected: ExpectedVersions,
    db: Db,
    decide: (before: ReleaseItem, tx: Tx) => Promise<Prisma.ReleaseItemUpdateInput>,
  ): Promise<ReleaseItem> {
    return transaction(db, async (tx) => {
      const release = await this.releases.lock(releaseId, 'change', null, tx);
      const before = await this.get(actor, releaseId, id, tx);
      expectVersion(before.version, expected);
      refuseBeyond(actor, [before]);
      const data = { ...(await decide(before, tx)), version: { increment: 1 } };
      const after = (await tx.releaseItem.update({ where: { id }, data })) as ReleaseItem;
      await this.changed(actor, what, release, { before, after }, tx);
      return after;
    });
  }

  private async changed(
    actor: Actor,
    what: 'added' | 'changed' | 'rebased' | 'removed',
    release: Release,
    { before, after }: { before?: ReleaseItem; after?: ReleaseItem },
    db: Tx,
  ): Promise<void> {
    const { items, bytes } = await extentOf(db, release.id);
    if (items > MOST_ITEMS) throw releaseFull(`A release has at most ${MOST_ITEMS} items; begin another one.`);
    if (bytes > MOST_BYTES) throw releaseFull('The changes of a release have at most 10 MB together; begin another release.');
    const { id, subjectId: subject } = (after ?? before)!;
    const sides = { ...(before && { before: written(before) }), ...(after && { after: written(after) }) };
    await record(db, { actor, action: `releases.item-${what}`, resource: auditedItem(id), subject, ...sides });
    await this.releases.outdate(actor, release, db);
  }
}

const written = (item: ReleaseItem) => ({ ...item, written: JSON.stringify(item.changes) });

function refuseSecond(error: unknown): never {
  if (isUniqueViolation(error, 'release_items_release_id_kind_resource_id_key'))
    throw resourceInRelease('The release has an item for this resource already; change that one.');
  throw error;
}
