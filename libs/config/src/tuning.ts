import { ArrayMaxSize, ArrayNotEmpty, IsIn, IsInt, Matches, Max, Min } from 'class-validator';
import { PaymentsTuning } from './payments-tuning.js';

/** The part of `Env` that says how much, how often and how long features do what they do: each has a default that harms nobody. */
export class Tuning extends PaymentsTuning {
  /** `off` answers every read from the database, for debugging. */
  @IsIn(['on', 'off'])
  CACHE: 'on' | 'off' = 'on';

  /** What the cache of this process may take, in megabytes. */
  @IsInt()
  @Min(1)
  @Max(65_536)
  CACHE_MEMORY_MB = 64;

  /** How long the cache keeps what nobody changes; also how long it may be wrong when a process dies between a commit and telling of it. */
  @IsInt()
  @Min(1)
  @Max(3_600)
  CACHE_TTL_SECONDS = 30;

  /** How long a pending order keeps its stock. */
  @IsInt()
  @Min(1)
  ORDERS_RESERVATION_SECONDS = 900;

  /** How long a cart is kept that nobody changes. */
  @IsInt()
  @Min(1)
  @Max(365)
  CARTS_KEPT_DAYS = 30;

  /** Carts that one network may begin in an hour without a login, over all processes. */
  @IsInt()
  @Min(1)
  CARTS_PER_HOUR = 200;

  /** Orders that one network may place in an hour without a login, over all processes. */
  @IsInt()
  @Min(1)
  GUEST_ORDERS_PER_HOUR = 50;

  /** Codes of coupons that one account, or one network without a login, may get wrong in an hour; then it is refused right ones, too. `RATE_LIMIT=off` lifts it. */
  @IsInt()
  @Min(1)
  COUPON_GUESSES_PER_HOUR = 20;

  /** The largest file of variants that may be imported. */
  @IsInt()
  @Min(1_024)
  @Max(1_073_741_824)
  PRODUCTS_IMPORT_MAX_BYTES = 52_428_800;

  /** How long it is kept what became of an import of variants. */
  @IsInt()
  @Min(1)
  @Max(3_650)
  PRODUCTS_IMPORTS_TTL_DAYS = 30;

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

  /** How often an event stream that has nothing to tell says so, to keep its connection open. */
  @IsInt()
  @Min(1)
  @Max(60)
  STREAMS_HEARTBEAT_SECONDS = 15;

  /** Event streams that one user may have open at a time, per process. `RATE_LIMIT=off` lifts it. */
  @IsInt()
  @Min(1)
  STREAMS_PER_USER = 20;

  /** Event streams that this process serves at a time; further ones are answered 503. */
  @IsInt()
  @Min(1)
  STREAMS_PER_PROCESS = 5_000;

  /** Bytes that an event stream's client may leave unread; past that it is sent events at its own pace. */
  @IsInt()
  @Min(131_072)
  STREAMS_BUFFER_BYTES = 262_144;

  /** How long such a client may take nothing before its connection is cut; it resumes with what it has not got. */
  @IsInt()
  @Min(1)
  @Max(600)
  STREAMS_PATIENCE_SECONDS = 30;

  /** Events that a resumed stream reads again at most. Who has been away for longer is told to begin anew. */
  @IsInt()
  @Min(0)
  STREAMS_RESUME_EVENTS = 50_000;

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

  /** The largest file that may be uploaded. */
  @IsInt()
  @Min(1_024)
  @Max(5_368_709_120) // what S3 takes in one request
  FILES_MAX_BYTES = 52_428_800;

  /** What somebody's files may come to together; 0 sets no limit. */
  @IsInt()
  @Min(0)
  FILES_QUOTA_BYTES = 1_073_741_824;

  /** The types of files that are taken. Each must be one whose content Ashlar can tell; SVG, HTML and the like are served as attachments. */
  @ArrayNotEmpty()
  @Matches(/^[a-z]+\/[a-z0-9.+-]+$/, { each: true, message: 'FILES_TYPES must be media types like image/png' })
  FILES_TYPES: string[] = [
    'image/jpeg',
    'image/png',
    'image/webp',
    'image/gif',
    'image/avif',
    'image/svg+xml',
    'application/pdf',
    'application/json',
    'text/plain',
    'text/csv',
    'text/markdown',
    'text/html',
    'audio/mpeg',
    'audio/ogg',
    'audio/wav',
    'video/mp4',
    'video/webm',
  ];

  /** The most pixels (width × height) an image may have; it is refused by its header alone. */
  @IsInt()
  @Min(1)
  @Max(268_402_689) // what libvips takes without being told otherwise
  FILES_IMAGE_PIXELS = 50_000_000;

  /** How long an upload may take to arrive, however slowly. */
  @IsInt()
  @Min(1)
  @Max(3_600)
  FILES_UPLOAD_TIMEOUT_SECONDS = 300;

  /** How long the link of a direct upload can be used, and how long it waits for its completion. */
  @IsInt()
  @Min(60)
  @Max(86_400)
  FILES_DIRECT_UPLOAD_TTL_SECONDS = 3_600;

  /** How long the link to a private file can be used, at most. It is good for half of that at least. */
  @IsInt()
  @Min(2)
  @Max(86_400)
  FILES_URL_TTL_SECONDS = 900;

  /** Bytes that belong to no file are removed after so long: what a dead process has left. Longer than any upload takes. */
  @IsInt()
  @Min(1)
  @Max(720)
  FILES_ORPHAN_TTL_HOURS = 24;
}
