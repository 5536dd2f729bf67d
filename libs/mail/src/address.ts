import { isEmail } from 'class-validator';

/**
 * Whether mail can be sent to this text as one address, and nothing else: a local part (quoted or not) and a domain (also an
 * internationalised one), by RFC 5321's lengths. Display names, comments, lists, groups, control characters and IP addresses are none.
 */
export function isSendable(address: string): boolean {
  return !/[\u0000-\u001f\u007f-\u009f<>]/.test(address) && isEmail(address);
}

/** `Ashlar <no-reply@example.org>` or an address alone, as the rule of `MAIL_FROM` lets it through. */
export function senderOf(mailFrom: string): { name: string; address: string } {
  const [, name = '', address = mailFrom] = /^"?(.*?)"?\s*<(.*)>$/.exec(mailFrom) ?? [];
  return { name: name || 'Ashlar', address };
}
