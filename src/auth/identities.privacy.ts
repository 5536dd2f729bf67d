import { Injectable } from '@nestjs/common';
import type { Db, Tx } from '#database';
import { type ExportedFile, few, type Person, PersonalData } from '#privacy';

/** The accounts elsewhere that let a person in: they go at once. */
@Injectable()
export class IdentitiesPrivacy extends PersonalData {
  readonly name = 'identities';
  readonly tables = ['identities'];

  async *export(userId: string, db: Db): AsyncGenerator<ExportedFile> {
    const identities = db.identity.findMany({ where: { userId }, orderBy: { id: 'asc' } });
    yield { name: 'identities.json', about: 'The accounts elsewhere that you sign in with.', rows: few(identities) };
  }

  override async close({ id }: Person, db: Tx): Promise<void> {
    await this.erase(id, db);
  }

  async erase(userId: string, db: Tx): Promise<void> {
    await db.identity.deleteMany({ where: { userId } });
  }
}
