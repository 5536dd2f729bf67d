import { Injectable } from '@nestjs/common';
import { Env } from '#config';
import { Prisma, rows, type Tx } from '#database';
import { type MailData, send, template } from '#mail';
import type { User } from '../users/users.service.js';
import {
  addressInUseLetter,
  alreadyRegisteredLetter,
  changeAskedLetter,
  changedLetter,
  changeLetter,
  recoveryLetter,
  verificationLetter,
} from './account-mails.rules.js';
import { UNDO_EMAIL_CHANGE } from './claims.service.js';
import { OneTimeTokensService } from './one-time-tokens.service.js';

export const VERIFY_EMAIL = 'email:verify';
export const CHANGE_EMAIL = 'email:change';
export const RESET_PASSWORD = 'password:reset';

const HOUR = 3_600;
const DAY = 86_400;
type Limit = readonly [mails: number, seconds: number];
/** Of one kind to one person: nobody's mailbox is flooded by somebody else. */
const FEW: Limit = [5, HOUR];
const VERY_FEW: Limit = [3, DAY];

const verification = template<MailData & Parameters<typeof verificationLetter>[0]>('auth.verification', verificationLetter);
const alreadyRegistered = template('auth.already-registered', alreadyRegisteredLetter);
const recovery = template<MailData & Parameters<typeof recoveryLetter>[0]>('auth.recovery', recoveryLetter);
const change = template<MailData & Parameters<typeof changeLetter>[0]>('auth.email-change', changeLetter);
const changeAsked = template('auth.email-change-asked', changeAskedLetter);
const addressInUse = template('auth.address-in-use', addressInUseLetter);
const changed = template<MailData & Parameters<typeof changedLetter>[0]>('auth.email-changed', changedLetter);

/** What people are written about their accounts, with the links that let them act. Beyond a few of a kind nothing is written, and no link is made. */
@Injectable()
export class AccountMailsService {
  constructor(
    private readonly tokens: OneTimeTokensService,
    private readonly env: Env,
  ) {}

  /** `prepared`: the password that counts when this link is used. */
  async verification(user: User, { prepared }: { prepared?: string }, db: Tx): Promise<void> {
    if (!(await mayWrite(user.id, verification.name, FEW, db))) return;
    const hours = this.env.AUTH_EMAIL_VERIFICATION_TTL_HOURS;
    const data = { email: user.email, ...(prepared !== undefined && { prepared }) };
    const token = await this.tokens.issue({ purpose: VERIFY_EMAIL, userId: user.id, data, seconds: hours * HOUR }, db);
    await send(db, verification, { userId: user.id, data: { token, hours } });
  }

  async alreadyRegistered({ id: userId }: User, db: Tx): Promise<void> {
    if (await mayWrite(userId, alreadyRegistered.name, VERY_FEW, db)) await send(db, alreadyRegistered, { userId, data: {} });
  }

  async recovery({ id: userId, email }: User, db: Tx): Promise<void> {
    if (!(await mayWrite(userId, recovery.name, FEW, db))) return;
    const minutes = this.env.AUTH_PASSWORD_RESET_TTL_MINUTES;
    const token = await this.tokens.issue({ purpose: RESET_PASSWORD, userId, data: { email }, seconds: minutes * 60 }, db);
    await send(db, recovery, { userId, data: { token, minutes } });
  }

  /**
   * Asks a new address to confirm, and tells the old one. `owner`: whose the new address is already; then its owner is told instead, and
   * who asked sees no difference.
   */
  async change(user: User, email: string, owner: User | 'nobody' | 'held', db: Tx): Promise<void> {
    const { id: userId, email: from } = user;
    if (!(await mayWrite(userId, changeAsked.name, FEW, db))) return;
    await send(db, changeAsked, { userId, to: from, data: {} });
    if (owner === 'held') return;
    if (owner !== 'nobody') {
      if (await mayWrite(owner.id, addressInUse.name, VERY_FEW, db)) await send(db, addressInUse, { userId: owner.id, data: {} });
      return;
    }
    const hours = this.env.AUTH_EMAIL_VERIFICATION_TTL_HOURS;
    const token = await this.tokens.issue({ purpose: CHANGE_EMAIL, userId, data: { email, from }, seconds: hours * HOUR }, db);
    await send(db, change, { userId, to: email, data: { token, hours } });
  }

  /** Tells the former address, which may take it back. */
  async changed(userId: string, former: string, db: Tx): Promise<void> {
    const days = this.env.AUTH_EMAIL_UNDO_DAYS;
    const data = { email: former, changedAt: new Date().toISOString() };
    const token = await this.tokens.issue({ purpose: UNDO_EMAIL_CHANGE, userId, data, seconds: days * DAY }, db);
    await send(db, changed, { userId, to: former, data: { token, days } });
  }
}

/** Of jobs that ask at once one counts after the other: the user's row is theirs in turn. */
async function mayWrite(userId: string, name: string, [most, seconds]: Limit, db: Tx): Promise<boolean> {
  await db.$queryRaw`SELECT id FROM users WHERE id = ${userId}::uuid FOR UPDATE`;
  const [written] = await rows<{ mails: bigint }>(
    db,
    Prisma.sql`SELECT count(*) AS mails FROM mails WHERE user_id = ${userId}::uuid AND template = ${name} AND created_at > now() - make_interval(secs => ${seconds})`,
  );
  return Number(written!.mails) < most;
}
