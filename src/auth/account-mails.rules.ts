import type { Letter } from '#mail';

const YOURS = 'This concerns the security of your account.';

export const verificationLetter = ({ token, hours }: { token: string; hours: number }): Letter => ({
  subject: 'Confirm your address',
  paragraphs: [
    'Somebody has registered with this address. If that was you, confirm that it is yours.',
    `The link works once, for ${hours} hours. If it was not you, do nothing: without it, nobody can use your address.`,
  ],
  action: { label: 'Confirm my address', page: `/verify-email#token=${token}` },
  reason: 'You get this mail because your address was given when somebody registered.',
});

export const alreadyRegisteredLetter = (): Letter => ({
  subject: 'You have an account already',
  paragraphs: [
    'Somebody has tried to register with your address, which has an account already. Nothing has changed.',
    'If that was you, log in instead; if you have forgotten your password, ask for a new one. If it was not you, do nothing.',
  ],
  reason: YOURS,
});

export const recoveryLetter = ({ token, minutes }: { token: string; minutes: number }): Letter => ({
  subject: 'Set a new password',
  paragraphs: [
    'Somebody has asked for a new password for your account. If that was you, choose one now; all your sessions will end.',
    `The link works once, for ${minutes} minutes. If it was not you, do nothing: your password stays as it is.`,
  ],
  action: { label: 'Set a new password', page: `/reset-password#token=${token}` },
  reason: YOURS,
});

export const changeLetter = ({ token, hours }: { token: string; hours: number }): Letter => ({
  subject: 'Confirm your new address',
  paragraphs: [
    'This is to become the address of an account. If the account is yours, confirm that the address is, too.',
    `The link works once, for ${hours} hours. If you know nothing of this, do nothing.`,
  ],
  action: { label: 'Confirm my new address', page: `/verify-email#token=${token}` },
  reason: 'You get this mail because somebody wants to use this address for their account.',
});

export const changeAskedLetter = (): Letter => ({
  subject: 'Your account is to have another address',
  paragraphs: [
    'Somebody who is logged in to your account wants it to have another address. It keeps this one until the other is confirmed.',
    'If that was not you, somebody else is in your account: log in, end all other sessions, and change your password.',
  ],
  reason: YOURS,
});

export const addressInUseLetter = (): Letter => ({
  subject: 'Somebody wants to use your address',
  paragraphs: [
    'Somebody wants to use this address for another account. It is the address of yours, so nothing has changed.',
    'If that was you, log in with this address instead. If it was not you, do nothing.',
  ],
  reason: YOURS,
});

export const changedLetter = ({ token, days }: { token: string; days: number }): Letter => ({
  subject: 'Your account has another address now',
  paragraphs: [
    'Your account has another address from now on, and mails go there. If that was you, do nothing.',
    `If it was not you, take it back within ${days} days: your account gets this address again, all sessions end, its password is void, and you are sent a link to choose a new one.`,
  ],
  action: { label: 'That was not me', page: `/undo-email-change#token=${token}` },
  reason: YOURS,
});
