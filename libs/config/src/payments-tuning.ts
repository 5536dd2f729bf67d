import { IsIn, IsInt, IsOptional, Matches, Max, Min, ValidateIf } from 'class-validator';
import { PostsTuning } from './posts-tuning.js';

/** The part of `Tuning` that says who takes money. */
export class PaymentsTuning extends PostsTuning {
  /** Whether the payment simulator takes orders in production. Elsewhere it always does. */
  @IsIn(['on', 'off'])
  PAYMENTS_SANDBOX: 'on' | 'off' = 'off';

  /** How long the simulator takes over what comes later: a delayed charge, a dispute, a webhook out of order. */
  @IsInt()
  @Min(0)
  @Max(86_400)
  PAYMENTS_SANDBOX_DELAY_SECONDS = 2;

  /** The secret (or restricted) key of a Stripe account: takes `pm_…` methods. It needs PaymentIntents, Refunds (write) and Disputes (read). Unset: no Stripe. */
  @IsOptional()
  @Matches(/^[sr]k_(?:test|live)_[A-Za-z0-9_]{8,}$/, {
    message: 'STRIPE_SECRET_KEY must be a secret or restricted key of Stripe: sk_… or rk_…',
  })
  STRIPE_SECRET_KEY: string | undefined = undefined;

  /** What Stripe signs its webhooks to PUBLIC_URL/api/v1/payments/webhooks/stripe with. Required with STRIPE_SECRET_KEY. */
  @ValidateIf((env: PaymentsTuning) => env.STRIPE_SECRET_KEY !== undefined || env.STRIPE_WEBHOOK_SECRET !== undefined)
  @Matches(/^whsec_[A-Za-z0-9+/=_-]{8,}$/, {
    message: 'STRIPE_WEBHOOK_SECRET must be the signing secret of a webhook endpoint of Stripe: whsec_…',
  })
  STRIPE_WEBHOOK_SECRET: string | undefined = undefined;

  /** Where Stripe's API is: for a server that stands in for it in tests. */
  @Matches(/^https:\/\/[^/?#@\s]+$|^http:\/\/(?:localhost|127\.0\.0\.1|\[::1\])(?::\d+)?$/, {
    message: 'STRIPE_API_URL must be https://host, or http:// on this machine, without a path',
  })
  STRIPE_API_URL = 'https://api.stripe.com';
}
