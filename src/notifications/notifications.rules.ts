import type { Letter } from '#mail';
import { type Facts, KIND, type Kind } from './letters.rules.js';

export const KINDS = Object.keys(KIND) as Kind[];

/** A kind may be gone by the time what was kept of it is read. */
export const isKind = (text: string): text is Kind => Object.hasOwn(KIND, text);
export const isMandatory = (kind: Kind): boolean => KIND[kind].mandatory === true;
export const aboutOf = (kind: Kind): string => KIND[kind].about;

/** Where somebody is told of a kind. */
export interface Channels {
  inApp: boolean;
  email: boolean;
}

/** What holds for somebody who has (or has not, null) chosen. */
export function channelsOf(kind: Kind, chosen: Channels | null): Channels {
  return isMandatory(kind) || chosen === null ? { inApp: true, email: true } : { inApp: chosen.inApp, email: chosen.email };
}

/** The words of a notification. */
export function letterOf<Of extends Kind>(kind: Of, facts: Facts[Of], resourceId: string): Letter {
  return {
    ...KIND[kind].letter(facts, resourceId),
    reason: isMandatory(kind) ? 'This concerns the security of your account.' : `You get mails about ${aboutOf(kind)}.`,
  };
}

/** The words of a mail to a guest: its link opens their order, its token behind the #, which no server is sent. */
export function guestLetterOf<Of extends Kind>(kind: Of, facts: Facts[Of], { orderId, token }: { orderId: string; token: string }): Letter {
  return {
    ...KIND[kind].letter(facts, orderId),
    action: { label: 'Look at your order', page: `/order#id=${orderId}&token=${token}` },
    reason: 'Somebody has ordered with this address.',
  };
}

export function titleOf(kind: string, facts: unknown, resourceId: string): string {
  return isKind(kind) ? letterOf(kind, facts as Facts[Kind] as never, resourceId).subject : kind;
}
