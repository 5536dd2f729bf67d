import { Injectable } from '@nestjs/common';
import { type AuditActor, record } from '#audit';
import { type Db, defined, Prisma, PrismaService, transaction, type Tx } from '#database';
import { type Circumstances, publish } from '#events';
import { expectVersion, type ExpectedVersions, keyset, type Page, parseSort, readCursor, toPage } from '#http';
import type { Actor } from '#security';
import type { CreateReleaseDto, ListReleasesQuery, UpdateReleaseDto } from './releases.dto.js';
import { releaseNotFound, releaseNotOpen, releaseNotPublished, releaseNotScheduled } from './releases.errors.js';
import { releaseCreated, releaseDeleted, releaseUpdated } from './releases.events.js';
import { auditedRelease, counted, lockRelease, type Release, withCount } from './releases.queries.js';
import { type Act, may, type ReleaseStatus, statusOf } from './releases.rules.js';

export type { Release } from './releases.queries.js';

const REFUSALS = { change: releaseNotOpen, publish: releaseNotOpen, withdraw: releaseNotScheduled, 'roll back': releaseNotPublished };

/** Releases as such: they are everybody's who may manage them. Whatever happens to one takes the lock on its row first. */
@Injectable()
export class ReleasesService {
  constructor(private readonly prisma: PrismaService) {}

  async list(_actor: Actor, query: ListReleasesQuery): Promise<Page<Release>> {
    const { where, orderBy } = keyset(parseSort(query.sort), readCursor(query.cursor, query.sort, 'time'));
    const filters: Prisma.ReleaseWhereInput[] = query.status === undefined ? [] : [{ status: stored(query.status) }];
    const found = await this.prisma.release.findMany({ where: { AND: [where, ...filters] }, orderBy, take: query.limit + 1 });
    const rows = await counted(this.prisma, found);
    return toPage(
      rows,
      query,
      (release) => release.createdAt,
      (release) => release,
    );
  }

  async get(_actor: Actor, id: string, db: Db = this.prisma): Promise<Release> {
    return orNotFound(await db.release.findUnique({ where: { id }, ...withCount }));
  }

  async create(actor: Actor, { name, description }: CreateReleaseDto, db: Db = this.prisma): Promise<Release> {
    return transaction(db, async (tx) => {
      const after = await tx.release.create({ data: { ...defined({ name, description }), createdById: actor.id }, ...withCount });
      await record(tx, { actor, action: 'releases.created', resource: auditedRelease(after.id), after });
      await publish(tx, releaseCreated, { releaseId: after.id }, about(actor, after));
      return after;
    });
  }

  async update(actor: Actor, id: string, changes: UpdateReleaseDto, expected: ExpectedVersions): Promise<Release> {
    return transaction(this.prisma, async (db) => {
      const before = await this.lock(id, 'change', expected, db);
      const after = await this.become(actor, 'updated', before, defined(changes), db);
      await publish(db, releaseUpdated, { releaseId: id, changed: Object.keys(defined(changes)) }, about(actor, after));
      return after;
    });
  }

  async delete(actor: Actor, id: string, expected: ExpectedVersions): Promise<void> {
    await transaction(this.prisma, async (db) => {
      const before = await this.lock(id, 'change', expected, db);
      await db.release.delete({ where: { id } });
      await record(db, { actor, action: 'releases.deleted', resource: auditedRelease(id), before });
      await publish(db, releaseDeleted, { releaseId: id }, about(actor, before));
    });
  }

  /** The release as it is now, kept so until the transaction ends, for an act that its status allows. */
  async lock(id: string, act: Act, expected: ExpectedVersions, db: Tx): Promise<Release> {
    const release = orNotFound(await lockRelease(db, id));
    expectVersion(release.version, expected);
    const status = statusOf(release);
    if (!may(act, status)) throw REFUSALS[act](`The release is ${status}.`);
    return release;
  }

  /** Writes what has become of a release that is locked. */
  async become(
    actor: AuditActor,
    what: 'updated' | 'scheduled' | 'unscheduled' | 'published' | 'rolled-back' | 'failed',
    before: Release,
    data: Prisma.ReleaseUpdateInput,
    db: Tx,
  ): Promise<Release> {
    const after = await db.release.update({ where: { id: before.id }, data: { ...data, version: { increment: 1 } }, ...withCount });
    await record(db, { actor, action: `releases.${what}`, resource: auditedRelease(after.id), before, after });
    return after;
  }

  /** Says that an open release changes something else now. */
  async outdate(actor: Actor, { id }: Release, db: Tx): Promise<void> {
    const after = await db.release.update({ where: { id }, data: { version: { increment: 1 } } });
    await publish(db, releaseUpdated, { releaseId: id, changed: ['items'] }, about(actor, after));
  }
}

/** What the events of a release have in common. */
export function about(actor: AuditActor, { id }: { id: string }): Circumstances {
  return { actor, resource: { type: 'release', id } };
}

const stored = (status: ReleaseStatus) => (status === 'rolled-back' ? 'rolled_back' : status);

function orNotFound(release: Release | null): Release {
  if (release === null) throw releaseNotFound('No release has this id.');
  return release;
}
