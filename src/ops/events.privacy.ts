import { Injectable } from '@nestjs/common';
import type { Db } from '#database';
import { type ExportedFile, paged, PersonalData } from '#privacy';

/** The event log names people by id only and expires; once an account is erased, its id points at nobody. */
@Injectable()
export class EventsPrivacy extends PersonalData {
  readonly name = 'events';
  readonly tables = ['events', 'event_deliveries'];

  async *export(userId: string, db: Db): AsyncGenerator<ExportedFile> {
    const events = (last?: { id: string }) =>
      db.event.findMany({
        where: { OR: [{ subjectId: userId }, { actorId: userId }], ...(last && { id: { gt: last.id } }) },
        select: { id: true, name: true, resourceType: true, resourceId: true, payload: true, occurredAt: true },
        orderBy: { id: 'asc' },
        take: 200,
      });
    yield { name: 'events.json', about: 'What happened that you did, or that was yours.', rows: paged(events) };
  }

  async erase(): Promise<void> {
    // Nothing in it says who somebody is.
  }
}
