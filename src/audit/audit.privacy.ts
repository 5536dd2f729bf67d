import { Injectable } from '@nestjs/common';
import { forget, readEntries, STORED } from '#audit';
import { type Db, Prisma, type Tx } from '#database';
import { type ExportedFile, paged, PersonalData } from '#privacy';

const PAGE = 200;

/** What was written down about a person, and what they did. Erasing them destroys the key that their values are encrypted under. */
@Injectable()
export class AuditPrivacy extends PersonalData {
  readonly name = 'audit';
  readonly tables = ['audit_entries'];

  async *export(userId: string, db: Db): AsyncGenerator<ExportedFile> {
    const entries = async (last?: { id: string }) => {
      const after = last ? Prisma.sql`AND e.id > ${last.id}::uuid` : Prisma.empty;
      const page = await readEntries<object>(
        db,
        Prisma.sql`SELECT ${STORED} FROM audit_entries e WHERE (e.actor_id = ${userId}::uuid OR e.subject_id = ${userId}::uuid) ${after} ORDER BY e.id LIMIT ${PAGE}`,
      );
      return page.map(({ id, createdAt, action, resourceType, resourceId, outcome, ip, userAgent, before, after: now, ...entry }) => {
        const theirs = entry.actorId === userId;
        return { id, createdAt, action, resourceType, resourceId, outcome, before, after: now, ...(theirs && { ip, userAgent }) };
      });
    };
    yield { name: 'audit.json', about: 'What was written down about you and about what you did.', rows: paged(entries) };
  }

  async erase(userId: string, db: Tx): Promise<void> {
    await forget(db, userId);
  }
}
