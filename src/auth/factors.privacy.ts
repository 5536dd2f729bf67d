import { Injectable } from '@nestjs/common';
import type { Db, Tx } from '#database';
import { type ExportedFile, few, type Person, PersonalData } from '#privacy';
import { Budgets } from '#security';
import { codesBuckets } from './codes.service.js';

/** Second factors: exports name them without what is secret about them, and they go at once. */
@Injectable()
export class FactorsPrivacy extends PersonalData {
  readonly name = 'factors';
  readonly tables = ['totp_secrets', 'recovery_codes', 'passkeys'];

  constructor(private readonly budgets: Budgets) {
    super();
  }

  async *export(userId: string, db: Db): AsyncGenerator<ExportedFile> {
    yield {
      name: 'passkeys.json',
      about: 'Your passkeys. We only have their public halves, which are left out.',
      rows: few(db.passkey.findMany({ where: { userId }, omit: { publicKey: true, counter: true } })),
    };
    yield {
      name: 'authenticator-app.json',
      about: 'When you added an authenticator app. The secret that it shares with us is left out.',
      rows: few(db.totpSecret.findMany({ where: { userId }, omit: { sealed: true, keyId: true, lastStep: true } })),
    };
    yield {
      name: 'recovery-codes.json',
      about: 'Which of your recovery codes were used when. The codes themselves are kept as hashes only.',
      rows: few(db.recoveryCode.findMany({ where: { userId }, omit: { hash: true } })),
    };
  }

  override async close({ id }: Person, db: Tx): Promise<void> {
    for (const bucket of Object.values(codesBuckets(id))) await this.budgets.forget(bucket, db);
    await this.erase(id, db);
  }

  async erase(userId: string, db: Tx): Promise<void> {
    await db.totpSecret.deleteMany({ where: { userId } });
    await db.recoveryCode.deleteMany({ where: { userId } });
    await db.passkey.deleteMany({ where: { userId } });
  }
}
