import { describe, expect, it } from '@jest/globals';
import type { Letter } from '#mail';
import {
  addressInUseLetter,
  alreadyRegisteredLetter,
  changeAskedLetter,
  changedLetter,
  changeLetter,
  recoveryLetter,
  verificationLetter,
} from './account-mails.rules.js';
import { invitationLetter } from './invitations.rules.js';

const token = 'T0k_en';
const invitation = (days: number) => invitationLetter({ name: 'Ada', token, days });

describe('a mail about an account', () => {
  it.each<[string, Letter, string, string]>([
    ['of a registration', verificationLetter({ token, hours: 48 }), '/verify-email#token=T0k_en', '48 hours'],
    ['of a forgotten password', recoveryLetter({ token, minutes: 30 }), '/reset-password#token=T0k_en', '30 minutes'],
    ['of a new address', changeLetter({ token, hours: 48 }), '/verify-email#token=T0k_en', '48 hours'],
    ['of a changed address', changedLetter({ token, days: 7 }), '/undo-email-change#token=T0k_en', '7 days'],
    ['of an invitation', invitation(7), '/reset-password#token=T0k_en', '7 days'],
    ['of an invitation for a day', invitation(1), '/reset-password#token=T0k_en', 'a day'],
  ])('%s leads to its page, its token behind the #, and says how long', (_what, { action, paragraphs }, page, life) => {
    expect(action).toMatchObject({ page });
    expect(paragraphs.join(' ')).toContain(life);
    expect(paragraphs.join(' ')).not.toContain(token);
  });

  it.each<[string, Letter]>([
    ['somebody registers again', alreadyRegisteredLetter()],
    ['another address is asked for', changeAskedLetter()],
    ['somebody else wants the address', addressInUseLetter()],
  ])('leads nowhere when %s: there is nothing to confirm', (_when, letter) => {
    expect(letter.action).toBeUndefined();
  });

  it('calls who is invited by their name', () => {
    expect(invitation(7).paragraphs[0]).toMatch(/^Ada, /);
  });
});
