import { problem } from '#errors';

export const couponNotFound = problem(
  'coupons/not-found',
  'not-found',
  'No such coupon',
  'No coupon has this id or code. Check how the code is spelt: small and capital letters are the same, everything else counts.',
);
export const couponCodeTaken = problem(
  'coupons/code-taken',
  'conflict',
  'The code belongs to another coupon',
  'Another coupon has this code. Choose another, or change that one.',
);
export const couponTermsInvalid = problem(
  'coupons/terms-invalid',
  'invalid',
  'The terms of the coupon do not fit together',
  'A percentage has a `percentage`, a fixed coupon has `amounts`, one in each currency at most; a coupon of another kind has neither. It ends after it starts, and its limit is not below what is used already.',
);
export const couponNotActive = problem(
  'coupons/not-active',
  'conflict',
  'The coupon is not active',
  'The shop has switched this coupon off. Order without it.',
);
export const couponNotYetValid = problem(
  'coupons/not-yet-valid',
  'conflict',
  'The coupon is not valid yet',
  'It is valid from a time to come; `detail` says from when.',
);
export const couponExpired = problem(
  'coupons/expired',
  'conflict',
  'The coupon has expired',
  'It was valid until a time that is over. Order without it.',
);
export const couponOfAnotherCurrency = problem(
  'coupons/another-currency',
  'conflict',
  'The coupon is of another currency',
  'It takes something off, or asks for a subtotal, in currencies that are not that of the order.',
);
export const couponMinimumNotReached = problem(
  'coupons/minimum-not-reached',
  'conflict',
  'The subtotal is below what the coupon asks for',
  'The coupon asks for a subtotal; `detail` says for which, in minor units. Order more, or without it.',
);
export const couponUsedUp = problem(
  'coupons/used-up',
  'conflict',
  'The coupon is used up',
  'It was used as often as it can be. A use that an order holds without being paid comes back when that order expires.',
);
export const couponUsedByYou = problem(
  'coupons/used-by-you',
  'conflict',
  'You have used the coupon already',
  'Each customer can use it a number of times, and you have. A use that an order of yours holds without being paid comes back when you cancel it, or it expires.',
);
