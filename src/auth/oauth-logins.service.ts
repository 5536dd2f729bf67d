import { Injectable } from '@nestjs/common';
import { pseudonym, record } from '#audit';
import { PrismaService, transaction } from '#database';
import { AppError } from '#errors';
import { IdentitiesService, repeatedOnce } from './identities.service.js';
import { type LoginOutcome, LoginsService } from './logins.service.js';
import type { ExchangeCodeDto } from './oauth.dto.js';
import { type Profile, provenAt } from './oauth.rules.js';
import { OAuthService } from './oauth.service.js';
import type { Device } from './sessions.service.js';

/** Logging in with an account elsewhere: of many who use a code at once, one does. */
@Injectable()
export class OAuthLoginsService {
  constructor(
    private readonly prisma: PrismaService,
    private readonly oauth: OAuthService,
    private readonly identities: IdentitiesService,
    private readonly logins: LoginsService,
  ) {}

  async exchange(proof: ExchangeCodeDto, device: Device): Promise<LoginOutcome> {
    let profile: Profile | null = null;
    try {
      return await repeatedOnce(() =>
        transaction(this.prisma, async (db) => {
          profile = await this.oauth.redeem(proof, null, db);
          const user = await this.identities.userOf(profile, db);
          return this.logins.complete(user, device, { by: 'identity', at: provenAt(profile, new Date()) }, db);
        }),
      );
    } catch (error) {
      if (error instanceof AppError) await this.recordFailure(proof.code, profile);
      throw error;
    }
  }

  private async recordFailure(code: string, profile: Profile | null): Promise<void> {
    const resource =
      profile === null
        ? { type: 'oauth-code', id: pseudonym(this.prisma, code) }
        : { type: 'address', id: pseudonym(this.prisma, profile.email ?? `${profile.issuer} ${profile.subject}`) };
    await record(this.prisma, { actor: null, action: 'auth.oauth-login-failed', resource, outcome: 'failed' });
  }
}
