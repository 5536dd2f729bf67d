import { Injectable } from '@nestjs/common';
import type { Db, Tx } from '#database';
import { type ExportedFile, few, type Person, PersonalData } from '#privacy';

/** A person's API keys: like everything that lets in, they go at once. */
@Injectable()
export class ApiKeysPrivacy extends PersonalData {
  readonly name = 'api-keys';
  readonly tables = ['api_keys'];

  async *export(userId: string, db: Db): AsyncGenerator<ExportedFile> {
    const keys = db.apiKey.findMany({ where: { userId }, omit: { hash: true, formerHash: true }, orderBy: { id: 'asc' } });
    yield {
      name: 'api-keys.json',
      about: 'Your API keys and what they allow. The keys themselves are kept as hashes only.',
      rows: few(keys),
    };
  }

  override async close({ id }: Person, db: Tx): Promise<void> {
    await this.erase(id, db);
  }

  async erase(userId: string, db: Tx): Promise<void> {
    await db.apiKey.deleteMany({ where: { userId } });
  }
}
