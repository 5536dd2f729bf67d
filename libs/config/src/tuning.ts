import { ArrayMaxSize, ArrayNotEmpty, IsIn, IsInt, Matches, Max, Min } from 'class-validator';

/** The part of `Env` that says how much, how often and how long features do what they do: each has a default that harms nobody. */
export class Tuning {
  /** How long a pending order keeps its stock. */
  @IsInt()
  @Min(1)
  ORDERS_RESERVATION_SECONDS = 900;

  /** Jobs that this process runs at the same time. They share the connections of DATABASE_POOL_SIZE with the requests. */
  @IsInt()
  @Min(1)
  @Max(200)
  JOBS_CONCURRENCY = 10;

  /** How long one attempt at a job may take, unless the job says otherwise. */
  @IsInt()
  @Min(1)
  @Max(86_400)
  JOBS_TIMEOUT_SECONDS = 300;

  /** How long running jobs may go on when the process is told to stop; what is left then is given to others. */
  @IsInt()
  @Min(0)
  @Max(20)
  JOBS_SHUTDOWN_SECONDS = 10;

  /** How often a consumer is tried with an event before the event counts as stuck and waits for an operator. */
  @IsInt()
  @Min(1)
  @Max(25)
  EVENTS_DELIVERY_ATTEMPTS = 12;

  /** How long events are kept, once all their consumers are done with them. */
  @IsInt()
  @Min(1)
  @Max(3_650)
  EVENTS_TTL_DAYS = 90;

  /** How long a job that has failed for good is kept for somebody to look at it. */
  @IsInt()
  @Min(3_600)
  JOBS_DEAD_TTL_SECONDS = 2_592_000;

  /** How long the answer to an `Idempotency-Key` is kept. */
  @IsInt()
  @Min(60)
  IDEMPOTENCY_TTL_SECONDS = 86_400;

  /** How long entries of the audit log are kept. */
  @IsInt()
  @Min(30)
  AUDIT_TTL_DAYS = 400;

  /** What becomes of the published posts of somebody who is erased: deleted, or kept under the name "Deleted user". */
  @IsIn(['delete', 'keep'])
  POSTS_AFTER_ERASURE: 'delete' | 'keep' = 'delete';

  /** How long tax law asks for the billing address of an order that was paid, after its customer was erased; 0 keeps none. */
  @IsInt()
  @Min(0)
  @Max(36_500)
  ORDERS_BILLING_KEPT_DAYS = 3_650;

  /** How long an export of somebody's personal data can be fetched. */
  @IsInt()
  @Min(1)
  @Max(720)
  PRIVACY_EXPORT_TTL_HOURS = 72;

  /** After so long an erasure goes over everything once more, for what was still being written when it began. */
  @IsInt()
  @Min(1)
  @Max(2_700)
  PRIVACY_ERASURE_GRACE_SECONDS = 300;

  /** Seconds between the attempts at a webhook delivery; the first is made at once. As many attempts are made as there are delays, and one. */
  @ArrayNotEmpty()
  @ArrayMaxSize(30)
  @Matches(/^\d{1,6}(?:\.\d{1,3})?$/, { each: true, message: 'each of WEBHOOKS_RETRY_DELAYS_SECONDS must be a number of seconds' })
  WEBHOOKS_RETRY_DELAYS_SECONDS: string[] = ['5', '300', '1800', '7200', '18000', '36000', '50400', '72000', '86400'];

  /** How long a receiver may take over one delivery, from the look-up of its name to the end of its answer. */
  @IsInt()
  @Min(100)
  @Max(60_000)
  WEBHOOKS_TIMEOUT_MS = 15_000;

  /** Deliveries that are under way to one endpoint at the same time, over all processes; to one that fails, one. */
  @IsInt()
  @Min(1)
  @Max(100)
  WEBHOOKS_ENDPOINT_CONCURRENCY = 4;

  /** After so many failures in a row an endpoint is only probed: one delivery, then a pause. */
  @IsInt()
  @Min(1)
  WEBHOOKS_CIRCUIT_FAILURES = 5;

  /** The longest pause between two probes of an endpoint; it begins with five seconds and doubles. */
  @IsInt()
  @Min(0)
  @Max(86_400)
  WEBHOOKS_CIRCUIT_PAUSE_SECONDS = 300;

  /** An endpoint that has only failed for so long is disabled. */
  @IsInt()
  @Min(1)
  @Max(8_760)
  WEBHOOKS_DISABLE_AFTER_HOURS = 120;

  /** How long an endpoint's former secret still signs beside the new one. */
  @IsInt()
  @Min(0)
  @Max(2_592_000)
  WEBHOOKS_SECRET_OVERLAP_SECONDS = 86_400;

  /** How long it is kept what was sent to webhook endpoints, and what they answered. */
  @IsInt()
  @Min(1)
  @Max(3_650)
  WEBHOOKS_DELIVERIES_TTL_DAYS = 30;

  /** Whether the payment simulator takes orders in production. Elsewhere it always does. */
  @IsIn(['on', 'off'])
  PAYMENTS_SANDBOX: 'on' | 'off' = 'off';
}
