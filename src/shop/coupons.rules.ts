import type { FieldProblem } from '#errors';
import {
  couponExpired,
  couponMinimumNotReached,
  couponNotActive,
  couponNotYetValid,
  couponOfAnotherCurrency,
  couponUsedByYou,
  couponUsedUp,
} from './coupons.errors.js';

export const KINDS = ['percentage', 'fixed', 'free-shipping'] as const;

/** What of a coupon decides whether it can be used, and what it takes off. */
export interface Terms {
  kind: (typeof KINDS)[number];
  /** Millionths, of a percentage. */
  ppm: number | null;
  /** Minor units by currency. */
  amounts: Readonly<Record<string, number>>;
  minimums: Readonly<Record<string, number>>;
  usageLimit: number | null;
  perCustomerLimit: number | null;
  used: number;
  startsAt: Date | null;
  endsAt: Date | null;
  active: boolean;
}

/** What it is to be used for. */
export interface Use {
  currency: string;
  subtotal: bigint;
  now: Date;
  /** How often this customer has used it, or holds a use. */
  usedByCustomer: number;
}

/** A code as it is kept and compared: without the spaces around it, in capital letters. */
export function normalisedCode(code: string): string {
  return code.trim().normalize('NFKC').toUpperCase();
}

/** @throws coupons/… with the reason why it cannot be used for this */
export function refuseUnusable(terms: Terms, { currency, subtotal, now, usedByCustomer }: Use): void {
  if (!terms.active) throw couponNotActive('The coupon is not active.', AT_CODE('not-active'));
  if (terms.startsAt !== null && now < terms.startsAt)
    throw couponNotYetValid(`The coupon is valid from ${terms.startsAt.toISOString()} on.`, AT_CODE('not-yet-valid'));
  if (terms.endsAt !== null && now >= terms.endsAt)
    throw couponExpired(`The coupon was valid until ${terms.endsAt.toISOString()}.`, AT_CODE('expired'));
  const minimum = terms.minimums[currency];
  const hasMinimums = Object.keys(terms.minimums).length > 0;
  if ((terms.kind === 'fixed' && terms.amounts[currency] === undefined) || (hasMinimums && minimum === undefined))
    throw couponOfAnotherCurrency(`The coupon cannot be used for an order in ${currency}.`, AT_CODE('another-currency'));
  if (minimum !== undefined && subtotal < BigInt(minimum))
    throw couponMinimumNotReached(
      `The coupon asks for a subtotal of ${minimum} (${currency}, minor units) or more.`,
      AT_CODE('minimum-not-reached'),
    );
  if (terms.usageLimit !== null && terms.used >= terms.usageLimit) throw couponUsedUp('The coupon is used up.', AT_CODE('used-up'));
  refuseTooMany(terms, usedByCustomer);
}

/** @throws coupons/used-by-you, where somebody has used it so often before */
export function refuseTooMany({ perCustomerLimit }: Pick<Terms, 'perCustomerLimit'>, usedBefore: number): void {
  if (perCustomerLimit !== null && usedBefore >= perCustomerLimit)
    throw couponUsedByYou(
      perCustomerLimit === 1 ? 'You have used the coupon already.' : `You have used the coupon ${perCustomerLimit} times already.`,
      AT_CODE('used-by-you'),
    );
}

/** What of the terms does not fit together. */
export function contradictionsOf({ kind, ppm, amounts, usageLimit, used, startsAt, endsAt }: Terms): FieldProblem[] {
  const wrong = (pointer: string, detail: string): FieldProblem => ({ pointer, code: 'terms-invalid', detail });
  const hasAmounts = Object.keys(amounts).length > 0;
  return [
    ...((kind === 'percentage') === (ppm !== null && ppm > 0)
      ? []
      : [wrong('/percentage', 'must be more than 0 of a percentage, and left out of other kinds')]),
    ...((kind === 'fixed') === hasAmounts
      ? []
      : [wrong('/amounts', 'must hold an amount of a fixed coupon, and be left out of other kinds')]),
    ...(startsAt !== null && endsAt !== null && endsAt <= startsAt ? [wrong('/endsAt', 'must be after startsAt')] : []),
    ...(usageLimit !== null && usageLimit < used ? [wrong('/usageLimit', `must not be below ${used}, as often as it is used`)] : []),
  ];
}

const AT_CODE = (code: string) => ({ fields: [{ pointer: '/couponCode', code, detail: 'cannot be used for this order' }] });
