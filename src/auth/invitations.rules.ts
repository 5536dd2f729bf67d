import type { Letter } from '#mail';

export interface InvitationData extends Record<string, unknown> {
  name: string;
  token: string;
  days: number;
}

/** The words of an invitation. */
export function invitationLetter({ name, token, days }: InvitationData): Letter {
  return {
    subject: 'You are invited: choose your password',
    paragraphs: [
      `${name}, an account was made for you with this address.`,
      `Choose a password to log in with. The link works once, and for ${days === 1 ? 'a day' : `${days} days`}.`,
    ],
    action: { label: 'Choose a password', page: `/reset-password#token=${token}` },
    reason: 'Somebody who looks after accounts has made one for you. If you do not want it, ignore this mail.',
  };
}
