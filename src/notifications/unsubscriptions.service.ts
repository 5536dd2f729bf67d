import { Injectable } from '@nestjs/common';
import { deriveKeys, Env } from '#config';
import { errors, jwtVerify, SignJWT } from 'jose';
import { unsubscribeLinkInvalid } from './notifications.errors.js';
import type { Kind } from './letters.rules.js';
import { isKind, isMandatory } from './notifications.rules.js';
import { PreferencesService } from './preferences.service.js';

/**
 * The links that end mails of a kind without a login (RFC 8058). A link names the user and the kind and nothing else, can do nothing else,
 * and does not expire: mails are opened years later. It is signed with a key of its own.
 */
@Injectable()
export class UnsubscriptionsService {
  private readonly keys: Buffer[];

  constructor(
    private readonly env: Env,
    private readonly preferences: PreferencesService,
  ) {
    this.keys = deriveKeys(env, 'unsubscribe');
  }

  /** Null for kinds that cannot be switched off. */
  async urlFor(userId: string, kind: Kind): Promise<string | null> {
    if (isMandatory(kind)) return null;
    const token = await new SignJWT({ kind }).setProtectedHeader({ alg: 'HS256' }).setSubject(userId).sign(this.keys[0]!);
    return `${this.env.PUBLIC_URL}/unsubscribe?token=${token}`;
  }

  /** What the link is about. @throws notifications/unsubscribe-link-invalid */
  async about(token: string): Promise<{ userId: string; kind: Kind }> {
    for (const key of this.keys) {
      try {
        const { payload } = await jwtVerify<{ kind: string }>(token, key, { algorithms: ['HS256'] });
        if (payload.sub !== undefined && isKind(payload.kind)) return { userId: payload.sub, kind: payload.kind };
      } catch (error) {
        if (!(error instanceof errors.JOSEError)) throw error; // those say that this key did not sign it
      }
    }
    throw unsubscribeLinkInvalid('The link is not whole; open it again from the mail.');
  }

  async unsubscribe(token: string): Promise<Kind> {
    const { userId, kind } = await this.about(token);
    await this.preferences.endMails(userId, kind);
    return kind;
  }
}
