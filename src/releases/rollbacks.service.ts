import { Injectable } from '@nestjs/common';
import { type Db, PrismaService, transaction } from '#database';
import { AppError } from '#errors';
import { publish } from '#events';
import type { Actor } from '#security';
import { postNotFound } from '../posts/posts.errors.js';
import { productNotFound, variantNotFound } from '../products/products.errors.js';
import { ChangesService } from './changes.service.js';
import type { RollBackReleaseDto } from './releases.dto.js';
import { changedSinceRelease } from './releases.errors.js';
import { releaseRolledBack } from './releases.events.js';
import { attempt, itemsOf, type Release } from './releases.queries.js';
import { type Conflict, fieldsOf, inOrder, refuseBeyond } from './releases.rules.js';
import { about, ReleasesService } from './releases.service.js';

const GONE = [postNotFound, productNotFound, variantNotFound].map(({ code }) => code);

/** Taking back what a release has changed, all of it in one transaction. What was sold at its prices stays sold at them. */
@Injectable()
export class RollbacksService {
  constructor(
    private readonly prisma: PrismaService,
    private readonly releases: ReleasesService,
    private readonly changes: ChangesService,
  ) {}

  /** @throws releases/changed-since naming each resource that was changed since; `force` writes over those, and leaves alone what is gone */
  async rollBack(actor: Actor, id: string, { force }: RollBackReleaseDto, db: Db = this.prisma): Promise<Release> {
    return transaction(db, async (tx) => {
      const release = await this.releases.lock(id, 'roll back', null, tx);
      const items = inOrder(await itemsOf(tx, id));
      refuseBeyond(actor, items);
      const conflicts: (Conflict & { itemId: string })[] = [];
      for (const item of items) {
        const expected = force ? null : [item.afterVersion!];
        const done = await attempt(tx, () => this.changes.undo(actor, item, expected, tx));
        if (!(done instanceof AppError) || (force && GONE.includes(done.code))) continue;
        const detail = `The ${item.kind} ${item.resourceId}: ${done.message}`;
        conflicts.push({ itemId: item.id, code: done.code, detail });
      }
      if (conflicts.length > 0)
        throw changedSinceRelease('Some of what the release has changed cannot be restored as it was; see errors.', {
          fields: fieldsOf(conflicts),
        });
      const data = { status: 'rolled_back' as const, rolledBackAt: new Date() };
      const after = await this.releases.become(actor, 'rolled-back', release, data, tx);
      await publish(tx, releaseRolledBack, { releaseId: id, items: items.length }, about(actor, release));
      return after;
    });
  }
}
