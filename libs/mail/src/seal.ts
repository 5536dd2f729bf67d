import { Injectable } from '@nestjs/common';
import { decrypt, encrypt, Env, type NamedKey, namedKeys } from '#config';
import { clientOf, type Db, PrismaService } from '#database';
import type { MailData } from './template.js';

const ofClient = new WeakMap<PrismaService, MailSeal>();

/** What seals the mails of the application that `db` belongs to. */
export function sealOf(db: Db): MailSeal {
  const seal = ofClient.get(clientOf(db));
  if (seal === undefined) throw new Error('This client sends no mails: import MailModule where it is made.');
  return seal;
}

/** Encrypts what mails are filled with while they wait: it may hold links that let somebody in. */
@Injectable()
export class MailSeal {
  private readonly keys: readonly NamedKey[];

  constructor(env: Env, prisma: PrismaService) {
    this.keys = namedKeys(env, 'mail');
    ofClient.set(prisma, this);
  }

  /** `<key id>.<base64url>`, bound to the mail. */
  close(mailId: string, data: MailData): string {
    const { id, key } = this.keys[0]!;
    return `${id}.${encrypt(key, mailId, JSON.stringify(data)).toString('base64url')}`;
  }

  /** Null when the key that closed it is not there any more. What an earlier release kept open is what it is. */
  open(mailId: string, kept: unknown): MailData | null {
    if (typeof kept !== 'string') return kept as MailData;
    const [id, sealed = ''] = kept.split('.');
    const key = this.keys.find((each) => each.id === id)?.key;
    const plain = key && decrypt(key, mailId, Buffer.from(sealed, 'base64url'));
    return plain ? (JSON.parse(plain.toString('utf8')) as MailData) : null;
  }
}
