import type { Letter } from '#mail';

interface Price {
  /** In the currency's minor units. */
  amount: number;
  currency: string;
}

/** Something that was bought. */
interface Item {
  name: string;
  quantity: number;
}

/** What there is to say of each kind, beside the resource it is about. */
export interface Facts {
  'order.placed': { number: number; total: Price; expiresAt: string };
  'order.paid': { number: number; total: Price; items?: (Item & { total: Price })[]; shipping?: Price };
  'order.shipped': { number: number; carrier: string; trackingNumber: string | null; items: Item[] };
  'order.cancelled': { number: number; refunded: boolean };
  'order.refunded': { amount: Price; number?: number };
  'post.published': Record<string, never>;
  'comment.posted': { postId: string };
  'comment.replied': { postId: string };
  'comment.mentioned': { postId: string };
  'comment.approved': { postId: string };
  'comment.rejected': { postId: string; status: 'rejected' | 'spam' };
  'post.submitted': Record<string, never>;
  'post.approved': Record<string, never>;
  'post.returned': Record<string, never>;
  'password.changed': Record<string, never>;
  'identity.linked': { provider: string };
  'identity.unlinked': { provider: string };
  'session.new-device': { device: string };
  'factors.changed': { change: FactorsChange };
  'api-key.created': Record<string, never>;
  'api-key.rotated': Record<string, never>;
  'webhook.disabled': { reason: 'gone' | 'failing' };
  'release.failed': Record<string, never>;
}

/** What was done about somebody's second factors. */
export type FactorsChange = 'totp-added' | 'totp-removed' | 'passkey-added' | 'passkey-removed' | 'reset' | 'codes-renewed' | 'code-used';

const FACTORS_CHANGE: Record<FactorsChange, { subject: string; happened: string }> = {
  'totp-added': {
    subject: 'An authenticator app was added to your account',
    happened: 'From now on a log-in asks for a code of it, too.',
  },
  'totp-removed': { subject: 'The authenticator app was removed from your account', happened: 'Its codes are not asked for any more.' },
  'passkey-added': { subject: 'A passkey was added to your account', happened: 'You can log in with it from now on.' },
  'passkey-removed': { subject: 'A passkey was removed from your account', happened: 'Nobody can log in with it any more.' },
  reset: {
    subject: 'The second factors of your account were removed',
    happened: 'Our staff removed them, and every session has ended. Log in again, and add new ones.',
  },
  'codes-renewed': { subject: 'Your account has new recovery codes', happened: 'The ones you had before are worthless.' },
  'code-used': { subject: 'A recovery code of yours was used', happened: 'Somebody has logged in to your account with it.' },
};

export type Kind = keyof Facts;

interface KindRules<Of extends Kind> {
  /** What the mails of this kind are about, after "mails about". */
  about: string;
  /** Told always and everywhere: it may be the only sign that somebody else has got into the account. */
  mandatory?: true;
  letter: (facts: Facts[Of], resourceId: string) => Omit<Letter, 'reason'>;
}

const SECURITY = { about: 'the security of your account', mandatory: true } as const;

/** Every kind that people are told of, and in which words. */
export const KIND: { [Of in Kind]: KindRules<Of> } = {
  'order.placed': {
    about: 'orders you have placed',
    letter: ({ number, total, expiresAt }) => ({
      subject: `Order ${number} is placed`,
      paragraphs: [`Thank you for your order. Its goods are kept for you until ${timeOf(expiresAt)}: please pay by then.`],
      facts: [orderOf(number), ['Total', priceOf(total)]],
    }),
  },
  'order.paid': {
    about: 'orders you have paid',
    letter: ({ number, total, items = [], shipping }) => ({
      subject: `Order ${number} is paid`,
      paragraphs: ['Your payment has arrived. Thank you.'],
      facts: [
        orderOf(number),
        ...items.map(({ name, quantity, total: price }): [string, string] => [`${quantity} × ${name}`, priceOf(price)]),
        ...(shipping && shipping.amount > 0 ? [['Shipping', priceOf(shipping)] satisfies [string, string]] : []),
        ['Total', priceOf(total)],
      ],
    }),
  },
  'order.shipped': {
    about: 'orders of yours that are on their way',
    letter: ({ number, carrier, trackingNumber, items }) => ({
      subject: `Order ${number} is on its way`,
      paragraphs: [`We have given a parcel for you to ${carrier}.`],
      facts: [
        orderOf(number),
        ['Carrier', carrier],
        ...(trackingNumber === null ? [] : [['Tracking number', trackingNumber] satisfies [string, string]]),
        ...items.map(({ name, quantity }): [string, string] => ['In it', `${quantity} × ${name}`]),
      ],
    }),
  },
  'order.cancelled': {
    about: 'orders of yours that are cancelled',
    letter: ({ number, refunded }) => ({
      subject: `Order ${number} is cancelled`,
      paragraphs: [
        refunded ? 'Your order is cancelled, and what you have paid is paid back.' : 'Your order is cancelled. You owe nothing.',
      ],
      facts: [orderOf(number)],
    }),
  },
  'order.refunded': {
    about: 'money that is paid back to you',
    letter: ({ amount, number }) => ({
      subject: `${priceOf(amount)} is paid back to you`,
      paragraphs: ['We have sent the money back the way it came. Your bank may take a few days.'],
      facts: [...(number === undefined ? [] : [orderOf(number)]), ['Amount', priceOf(amount)]],
    }),
  },
  'post.published': {
    about: 'posts of yours that an editor publishes',
    letter: (_facts, id) => ({
      subject: 'Your post is published',
      paragraphs: ['An editor has published a post of yours.'],
      action: { label: 'Read it', path: `/api/v1/posts/${id}` },
    }),
  },
  'comment.posted': {
    about: 'comments on posts of yours',
    letter: (_facts, id) => ({
      subject: 'Somebody has commented on your post',
      paragraphs: ['There is a new comment on a post of yours.'],
      action: readComment(id),
    }),
  },
  'comment.replied': {
    about: 'replies to comments of yours',
    letter: (_facts, id) => ({
      subject: 'Somebody has replied to your comment',
      paragraphs: ['There is a reply to a comment of yours.'],
      action: readComment(id),
    }),
  },
  'comment.mentioned': {
    about: 'comments that mention you',
    letter: (_facts, id) => ({
      subject: 'Somebody has mentioned you in a comment',
      paragraphs: ['A comment on a post that you have taken part in mentions you.'],
      action: readComment(id),
    }),
  },
  'comment.approved': {
    about: 'what moderators decide about comments of yours',
    letter: (_facts, id) => ({
      subject: 'Your comment is approved',
      paragraphs: ['A moderator has approved a comment of yours: everybody can read it now.'],
      action: readComment(id),
    }),
  },
  'comment.rejected': {
    about: 'what moderators decide about comments of yours',
    letter: ({ status }) => ({
      subject: 'Your comment is not published',
      paragraphs: [
        status === 'spam'
          ? 'A moderator has marked a comment of yours as spam. Nobody but you sees it.'
          : 'A moderator has rejected a comment of yours. Nobody but you sees it.',
      ],
    }),
  },
  'post.submitted': {
    about: 'posts that wait for an editor',
    letter: (_facts, id) => ({
      subject: 'A post waits for an editor',
      paragraphs: ['An author has handed in a post: approve it, or give it back and say what is missing.'],
      action: { label: 'Read it', path: `/api/v1/posts/${id}` },
    }),
  },
  'post.approved': {
    about: 'what editors say about posts of yours',
    letter: (_facts, id) => ({
      subject: 'Your post is approved',
      paragraphs: ['An editor has approved a post of yours.'],
      action: { label: 'See what they say', path: `/api/v1/posts/${id}/reviews` },
    }),
  },
  'post.returned': {
    about: 'what editors say about posts of yours',
    letter: (_facts, id) => ({
      subject: 'Your post has come back from the editors',
      paragraphs: ['An editor has given a post back to you, and says what is missing. Change it, and hand it in again.'],
      action: { label: 'See what they say', path: `/api/v1/posts/${id}/reviews` },
    }),
  },
  'password.changed': {
    ...SECURITY,
    letter: () => ({
      subject: 'Your password was changed',
      paragraphs: [
        'The password of your account was changed, and every other session has ended.',
        'If that was not you, somebody else knows your password: tell us at once.',
      ],
    }),
  },
  'identity.linked': {
    ...SECURITY,
    letter: ({ provider }) => ({
      subject: 'Your account has one more way to log in',
      paragraphs: [
        'An account elsewhere was linked to yours, and logs in to it from now on.',
        'If that was not you, remove it, set another password, and end all other sessions.',
      ],
      facts: [['Linked', provider]],
    }),
  },
  'identity.unlinked': {
    ...SECURITY,
    letter: ({ provider }) => ({
      subject: 'Your account has one way less to log in',
      paragraphs: [
        'An account elsewhere was removed from yours, and no longer logs in to it.',
        'If that was not you, somebody else is using your account: set another password, and end all other sessions.',
      ],
      facts: [['Removed', provider]],
    }),
  },
  'session.new-device': {
    ...SECURITY,
    letter: ({ device }) => ({
      subject: 'Your account was logged in to from a new device',
      paragraphs: [
        'Somebody has logged in to your account with a device, or from a place, that we have not seen there before. If that was you, do nothing.',
        'If it was not you, end that session and change your password.',
      ],
      facts: [['Device', device]],
    }),
  },
  'factors.changed': {
    ...SECURITY,
    letter: ({ change }) => ({
      subject: FACTORS_CHANGE[change].subject,
      paragraphs: [FACTORS_CHANGE[change].happened, 'If that was not you, change your password and tell us at once.'],
    }),
  },
  'api-key.created': {
    ...SECURITY,
    letter: () => ({
      subject: 'An API key was made for your account',
      paragraphs: [
        'With it a program can act for you, as far as the scopes of the key go.',
        'If that was not you, somebody else is logged in as you: delete the key, change your password, and tell us at once.',
      ],
    }),
  },
  'api-key.rotated': {
    ...SECURITY,
    letter: () => ({
      subject: 'An API key of yours has a new secret',
      paragraphs: [
        'The former one stops working after the overlap that was chosen.',
        'If that was not you, somebody else is logged in as you: delete the key, change your password, and tell us at once.',
      ],
    }),
  },
  'webhook.disabled': {
    about: 'webhook endpoints of yours that are disabled',
    letter: ({ reason }, id) => ({
      subject: 'A webhook endpoint of yours is disabled',
      paragraphs: [
        reason === 'gone'
          ? 'It has answered that it is gone (410), so nothing is sent to it any more.'
          : 'Nothing it was sent has arrived for days, so nothing is sent to it any more.',
        'Enable it again when it is back, and replay what it has missed.',
      ],
      action: { label: 'See what it answered', path: `/api/v1/webhooks/endpoints/${id}/deliveries` },
    }),
  },
  'release.failed': {
    about: 'releases of yours that could not go live',
    letter: (_facts, id) => ({
      subject: 'A release of yours could not go live',
      paragraphs: [
        'Its time has come, and something was in the way. Nothing of it was applied.',
        'See what it was, mend that, and publish or schedule the release again.',
      ],
      action: { label: 'See what was in the way', path: `/api/v1/releases/${id}` },
    }),
  },
};

const readComment = (id: string) => ({ label: 'Read it', path: `/api/v1/comments/${id}` });

const orderOf = (number: number): [string, string] => ['Order', String(number)];

/** `EUR 19.99`: a currency has as many minor units as ISO 4217 says. */
function priceOf({ amount, currency }: Price): string {
  const format = new Intl.NumberFormat('en', { style: 'currency', currency, currencyDisplay: 'code' });
  const digits = format.resolvedOptions().maximumFractionDigits!;
  return format.format(amount / 10 ** digits).replace('\u00a0', ' ');
}

/** `2 January 2030, 08:15 UTC`. */
function timeOf(time: string): string {
  const format = new Intl.DateTimeFormat('en-GB', { dateStyle: 'long', timeStyle: 'short', timeZone: 'UTC' });
  return `${format.format(new Date(time)).replace(' at ', ', ')} UTC`;
}
