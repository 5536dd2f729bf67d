import { Injectable } from '@nestjs/common';
import { SYSTEM } from '#audit';
import { Prisma, PrismaService, transaction, type Tx } from '#database';
import { AppError } from '#errors';
import { publish } from '#events';
import { type ExpectedVersions, staleVersion } from '#http';
import { enqueue, Handles, type JobRun } from '#jobs';
import { Actor, impersonating, SessionDirectory } from '#security';
import { ChangesService, type Made } from './changes.service.js';
import type { PublishReleaseDto } from './releases.dto.js';
import { beyondYourRights, publicationInterrupted, releaseConflicts, releaseEmpty, resourceOutdated } from './releases.errors.js';
import { releaseFailed, releasePublished, releaseScheduled, releaseUnscheduled } from './releases.events.js';
import { releasePublication, type ReleasePublicationPayload } from './releases.jobs.js';
import {
  attempt,
  itemsOf,
  keepBefore,
  lockRelease,
  othersWith,
  type Previewed,
  type Release,
  type ReleaseItem,
} from './releases.queries.js';
import { concerned, type Conflict, fieldsOf, inOrder, kindsSeenBy, neededFor, reasonsOf, refuseBeyond } from './releases.rules.js';
import { about, ReleasesService } from './releases.service.js';

/** What an item has come to, or what was in its way. */
interface Tried {
  item: ReleaseItem;
  made: Made | null;
  conflicts: Conflict[];
}

/**
 * Going live: everything that a release changes, or nothing, in one transaction and at one time. A preview is such a transaction that is
 * not committed; a schedule is one that a job begins, with the rights its scheduler has by then.
 */
@Injectable()
export class PublicationsService {
  constructor(
    private readonly prisma: PrismaService,
    private readonly releases: ReleasesService,
    private readonly changes: ChangesService,
    private readonly directory: SessionDirectory,
  ) {}

  /** What would come of it now. Nothing of it stays, neither in the database nor in what hears of commits. */
  async preview(actor: Actor, id: string): Promise<{ publishable: boolean; items: Previewed[] }> {
    return undone(this.prisma, async (db) => {
      await this.releases.get(actor, id, db);
      const others = await othersWith(db, id);
      const items: Previewed[] = [];
      for (const tried of await this.tryAll(actor, id, db)) items.push(await this.previewed(actor, tried, others, db));
      const kinds = kindsSeenBy(actor);
      return {
        publishable: items.length > 0 && items.every(({ conflicts }) => conflicts.length === 0),
        items: items.filter(({ item }) => kinds.includes(item.kind)),
      };
    });
  }

  /** Publishes now, or has it done at a time to come; one that is scheduled already gets that time instead. */
  async publish(actor: Actor, id: string, { at }: PublishReleaseDto, expected: ExpectedVersions): Promise<Release> {
    return transaction(this.prisma, async (db) => {
      const release = await this.releases.lock(id, 'publish', expected, db);
      const scheduledAt = at === undefined ? new Date() : new Date(at);
      if (scheduledAt <= new Date()) return this.goLive(actor, release, db);
      return this.schedule(actor, release, scheduledAt, db);
    });
  }

  async withdraw(actor: Actor, id: string, expected: ExpectedVersions): Promise<Release> {
    return transaction(this.prisma, async (db) => {
      const release = await this.releases.lock(id, 'withdraw', expected, db);
      const after = await this.releases.become(actor, 'unscheduled', release, { status: 'open', ...UNSCHEDULED }, db);
      await publish(db, releaseUnscheduled, { releaseId: id }, about(actor, release));
      return after;
    });
  }

  /** Publishes what is due, unless it was given another time since, or was withdrawn. What refuses the release is kept with it. */
  @Handles(releasePublication)
  async publishScheduled({ releaseId, at }: ReleasePublicationPayload, run: JobRun): Promise<void> {
    const due = async (db: Tx) => {
      const release = await lockRelease(db, releaseId);
      return release?.status === 'scheduled' && release.scheduledAt!.toISOString() === at ? release : null;
    };
    try {
      await run.once(this.prisma, async (db) => {
        const release = await due(db);
        if (release !== null) await this.goLive(await this.scheduler(release, db), release, db);
      });
    } catch (error) {
      const refused = error instanceof AppError;
      if (!refused && run.attempt < run.maxAttempts) throw error;
      const reason = refused ? error : publicationInterrupted(`It was tried ${run.attempt} times.`);
      const fail = async (db: Tx) => {
        const release = await due(db);
        if (release !== null) await this.fail(release, reason, db);
      };
      await run.once(this.prisma, fail, 'failed');
      if (!refused) throw error;
    }
  }

  private async schedule(actor: Actor, release: Release, scheduledAt: Date, db: Tx): Promise<Release> {
    if (actor.impersonatorId !== null) throw impersonating('What you schedule is done in your name later; schedule it as yourself.');
    refuseBeyond(actor, await this.itemsToPublish(release.id, db));
    const data = { status: 'scheduled' as const, scheduledAt, scheduledById: actor.id, failure: Prisma.DbNull };
    const after = await this.releases.become(actor, 'scheduled', release, data, db);
    const [releaseId, at] = [release.id, scheduledAt.toISOString()];
    await publish(db, releaseScheduled, { releaseId, scheduledAt: at }, about(actor, release));
    await enqueue(db, releasePublication, { releaseId, at }, { runAt: scheduledAt, key: releaseId });
    return after;
  }

  private async goLive(actor: Actor, release: Release, db: Tx): Promise<Release> {
    refuseBeyond(actor, await this.itemsToPublish(release.id, db));
    const tried = await this.tryAll(actor, release.id, db);
    const conflicts = tried.flatMap(({ item, conflicts }) => conflicts.map((conflict) => ({ itemId: item.id, ...conflict })));
    if (conflicts.length > 0)
      throw releaseConflicts('Some of what the release changes is in the way; see errors, and the preview.', {
        fields: fieldsOf(conflicts),
      });
    await keepBefore(
      db,
      tried.map(({ item: { id }, made }) => ({ id, before: made!.before, version: made!.version })),
    );
    const data = { status: 'published' as const, publishedAt: new Date(), publishedById: actor.id, ...UNSCHEDULED };
    const after = await this.releases.become(actor, 'published', release, data, db);
    await publish(db, releasePublished, { releaseId: release.id, items: tried.length }, about(actor, release));
    return after;
  }

  private async fail(release: Release, error: AppError, db: Tx): Promise<void> {
    const reasons = reasonsOf(error);
    const data = { status: 'failed' as const, ...UNSCHEDULED, failure: reasons as unknown as Prisma.InputJsonArray };
    await this.releases.become(SYSTEM, 'failed', release, data, db);
    const codes = [...new Set(reasons.map(({ code }) => code))];
    const circumstances = { ...about(SYSTEM, release), subject: release.scheduledById };
    await publish(db, releaseFailed, { releaseId: release.id, codes }, circumstances);
  }

  /** Whoever has scheduled it, with the rights they have now. */
  private async scheduler({ scheduledById }: Release, db: Tx): Promise<Actor> {
    const found = await this.directory.findAbsent(scheduledById!, db);
    const actor = found && new Actor(found);
    if (actor?.can('releases:manage')) return actor;
    throw beyondYourRights('Whoever has scheduled the release may not publish it any more; somebody else has to.');
  }

  private async itemsToPublish(releaseId: string, db: Tx): Promise<ReleaseItem[]> {
    const items = await itemsOf(db, releaseId);
    if (items.length === 0) throw releaseEmpty('There is nothing in the release.');
    return items;
  }

  /** Applies one item after the other, each to the version it was made for, and goes on where one is refused. */
  private async tryAll(actor: Actor, releaseId: string, db: Tx): Promise<Tried[]> {
    const tried: Tried[] = [];
    for (const item of inOrder(await itemsOf(db, releaseId))) {
      const made = await attempt(db, () => this.changes.make(actor, item, [item.baseVersion], db));
      tried.push(made instanceof AppError ? { item, made: null, conflicts: [conflictOf(made)] } : { item, made, conflicts: [] });
    }
    return tried;
  }

  /** What is outdated is shown as it would be once it is rebased. */
  private async previewed(actor: Actor, { item, made, conflicts }: Tried, others: Map<string, string[]>, db: Tx): Promise<Previewed> {
    const lacking = neededFor(item).filter((permission) => !actor.can(permission));
    const found = { item, conflicts: [...conflicts], alsoIn: others.get(item.id) ?? [] };
    if (lacking.length > 0) found.conflicts.push({ code: beyondYourRights.code, detail: `This takes ${lacking.join(', ')}.` });
    if (made !== null) return { ...found, before: made.before, after: made.after };
    const again = await attempt(db, () => this.changes.make(actor, item, null, db));
    if (!(again instanceof AppError)) return { ...found, before: again.before, after: again.after };
    if (conflicts[0]!.code === resourceOutdated.code) found.conflicts.push(conflictOf(again));
    const resource = await attempt(db, () => this.changes.find(actor, item.kind, item.resourceId, db));
    return { ...found, before: resource instanceof AppError ? null : concerned(resource, item), after: null };
  }
}

const UNSCHEDULED = { scheduledAt: null, scheduledById: null, failure: Prisma.DbNull };

const conflictOf = ({ code, message }: AppError): Conflict => ({
  code: code === staleVersion.code ? resourceOutdated.code : code,
  detail: message,
});

/** Carries the result of a transaction past its end, which undoes it. */
class Undone<T> extends Error {
  constructor(readonly result: T) {
    super('undone');
  }
}

async function undone<T>(prisma: PrismaService, work: (db: Tx) => Promise<T>): Promise<T> {
  try {
    return await transaction(prisma, async (db) => {
      throw new Undone(await work(db));
    });
  } catch (error) {
    if (error instanceof Undone) return error.result as T;
    throw error;
  }
}
