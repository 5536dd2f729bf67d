import { Injectable } from '@nestjs/common';
import { invalidate } from '#cache';
import { type Db, execute, Prisma, type Tx } from '#database';
import { type ExportedFile, few, type Person, PersonalData } from '#privacy';

/** The profile. Its row loses everything at once and stays as an id, so that orders and records go on pointing at somebody. */
@Injectable()
export class UsersPrivacy extends PersonalData {
  readonly name = 'users';
  readonly tables = ['users'];

  async *export(userId: string, db: Db): AsyncGenerator<ExportedFile> {
    yield { name: 'profile.json', about: 'Your account and profile.', rows: few(db.user.findMany({ where: { id: userId } })) };
  }

  override async close({ id }: Person, db: Tx): Promise<void> {
    await this.anonymise(id, db);
  }

  async erase(userId: string, db: Tx): Promise<void> {
    await this.anonymise(userId, db);
  }

  /** No address can look like the one it gets, so nobody can have taken it before. */
  private async anonymise(id: string, db: Tx): Promise<void> {
    await execute(
      db,
      Prisma.sql`UPDATE users SET email = 'erased:' || id, name = 'Deleted user', email_verified_at = NULL, roles = '{}', status = 'suspended',
          access_revoked_at = now(), mfa_enabled = false, external_id = NULL, metadata = '{}', erased_at = now(), version = version + 1, updated_at = now()
        WHERE id = ${id}::uuid AND erased_at IS NULL`,
    );
    invalidate(db, [`user:${id}`]);
  }
}
