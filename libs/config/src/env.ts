import { ArrayNotEmpty, IsIn, IsInt, IsNotEmpty, IsOptional, IsUrl, Matches, Max, Min, ValidateIf } from 'class-validator';
import {
  IsAddressOrRange,
  IsEncryptionKey,
  IsExactOrigin,
  IsHostOrRange,
  IsMailbox,
  IsOAuthProviders,
  IsPasskeyOrigin,
  IsPostgresUrl,
  IsRedisUrl,
  IsReturnUrl,
  IsSigningKey,
  IsSmtpUrl,
} from './rules.js';
import { Tuning } from './tuning.js';

const inProduction = (env: Env) => env.NODE_ENV === 'production';
/** Required in production, optional elsewhere. */
const RequiredInProduction = () =>
  ValidateIf((env: Env, value: unknown) => inProduction(env) || (value !== undefined && (value as string[]).length !== 0));

/**
 * Everything that may be set from outside, validated once at the start and then frozen. A list is comma-separated; every variable may be
 * given as `NAME_FILE` (the path of a file that holds the value). `.env.example` repeats this class and is tested against it.
 */
export class Env extends Tuning {
  /** `development`, `test` or `production`. Production has no embedded database and no default secrets. */
  @IsIn(['development', 'test', 'production'])
  NODE_ENV: 'development' | 'test' | 'production' = 'development';

  /** What this process does: answer requests (`api`), run jobs and schedules (`worker`; it answers health probes only), or both (`all`). */
  @IsIn(['all', 'api', 'worker'])
  ROLE: 'all' | 'api' | 'worker' = 'all';

  /** TCP port to listen on; 0 takes any free one. */
  @IsInt()
  @Min(0)
  @Max(65535)
  PORT = 3000;

  /** Address to listen on. 127.0.0.1, or 0.0.0.0 in production. */
  @IsOptional()
  @IsNotEmpty()
  HOST: string | undefined = undefined;

  /** The URL clients reach Ashlar at, without a trailing slash: links, problem types, token issuer. Never taken from the Host header. */
  @RequiredInProduction()
  @IsUrl({
    require_tld: false,
    protocols: ['http', 'https'],
    require_protocol: true,
    allow_query_components: false,
    allow_fragments: false,
  })
  @Matches(/[^/]$/, { message: 'PUBLIC_URL must not end with a slash' })
  PUBLIC_URL: string | undefined = undefined;

  /** PostgreSQL 15 or newer; may be a transaction pooler. Unset outside production: the embedded database. */
  @RequiredInProduction()
  @IsPostgresUrl()
  DATABASE_URL: string | undefined = undefined;

  /** The same database without a pooler, for LISTEN and migrations. `DATABASE_URL` when unset. */
  @IsOptional()
  @IsPostgresUrl()
  DATABASE_DIRECT_URL: string | undefined = undefined;

  /**
   * Redis, for what may be lost: rate limits that hold over all processes, what they share of the cache, and new events on their way to
   * event streams. Unset: each process keeps its own, and reads the events. `rediss://` is encrypted. Several installations may share one:
   * keys and channels begin with a digest of PUBLIC_URL.
   */
  @IsOptional()
  @IsRedisUrl()
  REDIS_URL: string | undefined = undefined;

  /** Connections this process may open to the database. */
  @IsInt()
  @Min(2)
  @Max(500)
  DATABASE_POOL_SIZE = 10;

  /** How long a request may wait for a free connection before it is answered 503. */
  @IsInt()
  @Min(100)
  DATABASE_POOL_TIMEOUT_MS = 10_000;

  /** How long one statement may run before PostgreSQL cancels it. */
  @IsInt()
  @Min(100)
  DATABASE_STATEMENT_TIMEOUT_MS = 10_000;

  /** The folder of the embedded database and of the keys made for development. */
  @IsNotEmpty()
  DATA_DIR = '.data';

  /** Keep files in this S3 bucket instead of the folder `files` under DATA_DIR. Needed where processes do not share a disk. */
  @ValidateIf((env: Env) => env.STORAGE_S3_BUCKET !== undefined || env.STORAGE_S3_ENDPOINT !== undefined)
  @Matches(/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/, { message: 'STORAGE_S3_BUCKET must be the name of a bucket' })
  STORAGE_S3_BUCKET: string | undefined = undefined;

  /** The region requests are signed for. */
  @Matches(/^[a-z0-9-]{1,40}$/, { message: 'STORAGE_S3_REGION must be a region like eu-central-1' })
  STORAGE_S3_REGION = 'us-east-1';

  /** An S3-compatible server other than Amazon's. Clients that upload directly must reach it under this URL, too. */
  @IsOptional()
  @IsUrl({ require_tld: false, protocols: ['http', 'https'], require_protocol: true })
  STORAGE_S3_ENDPOINT: string | undefined = undefined;

  /** Unset, with its secret: what the SDK finds by itself (the role of the machine). */
  @ValidateIf((env: Env) => env.STORAGE_S3_ACCESS_KEY_ID !== undefined || env.STORAGE_S3_SECRET_ACCESS_KEY !== undefined)
  @Matches(/^\S{3,128}$/, { message: 'STORAGE_S3_ACCESS_KEY_ID must be set, together with STORAGE_S3_SECRET_ACCESS_KEY' })
  STORAGE_S3_ACCESS_KEY_ID: string | undefined = undefined;

  /** The secret of STORAGE_S3_ACCESS_KEY_ID. */
  @ValidateIf((env: Env) => env.STORAGE_S3_ACCESS_KEY_ID !== undefined || env.STORAGE_S3_SECRET_ACCESS_KEY !== undefined)
  @Matches(/^\S{3,256}$/, { message: 'STORAGE_S3_SECRET_ACCESS_KEY must be set, together with STORAGE_S3_ACCESS_KEY_ID' })
  STORAGE_S3_SECRET_ACCESS_KEY: string | undefined = undefined;

  /** `on` names the bucket in the path (`/bucket/key`), as most servers other than Amazon's want it; `off` in the host. */
  @IsIn(['on', 'off'])
  STORAGE_S3_PATH_STYLE: 'on' | 'off' = 'off';

  /** The least level that is logged. */
  @IsIn(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'])
  LOG_LEVEL: 'fatal' | 'error' | 'warn' | 'info' | 'debug' | 'trace' | 'silent' = 'info';

  /** Addresses or CIDR ranges of proxies whose X-Forwarded-For is believed. None by default. */
  @IsAddressOrRange({ each: true })
  TRUSTED_PROXIES: string[] = [];

  /** Exact origins (`https://app.example.com`) of browser applications that may call. None by default. */
  @IsExactOrigin({ each: true })
  CORS_ORIGINS: string[] = [];

  /** Largest request body in bytes; a larger one is answered 413. */
  @IsInt()
  @Min(1_024)
  HTTP_BODY_LIMIT_BYTES = 1_048_576;

  /** How long a request may take to arrive and to be answered, before its connection is closed. */
  @IsInt()
  @Min(1_000)
  HTTP_REQUEST_TIMEOUT_MS = 30_000;

  /** How long a process told to stop by SIGTERM goes on answering, so that balancers notice. Ctrl-C does not wait. */
  @IsInt()
  @Min(0)
  @Max(25)
  SHUTDOWN_DRAIN_SECONDS = 3;

  /** `off` lifts every limit on requests and log-ins: for checks from outside only, it logs a warning. */
  @IsIn(['on', 'off'])
  RATE_LIMIT: 'on' | 'off' = 'on';

  /** Requests a caller (a user, or an address without a login) may make in a minute: over all processes with REDIS_URL, else in each. */
  @IsInt()
  @Min(1)
  RATE_LIMIT_REQUESTS_PER_MINUTE = 1_200;

  /** Wrong passwords per account, and per address × 10, within 15 minutes, over all processes. */
  @IsInt()
  @Min(1)
  AUTH_LOGIN_FAILURES_PER_WINDOW = 10;

  /** Wrong codes of second factors per account in a day, over all processes; right ones do not clear them. */
  @IsInt()
  @Min(1)
  AUTH_CODE_FAILURES_PER_DAY = 50;

  /**
   * Whether a new account must confirm its address before it can log in. `required` also tells nobody which addresses have accounts:
   * registering then answers alike for all.
   */
  @IsIn(['optional', 'required'])
  AUTH_EMAIL_VERIFICATION: 'optional' | 'required' = 'optional';

  /**
   * Where the links of mails lead: a page of your front end at `/verify-email`, `/reset-password` and `/undo-email-change` below it, which
   * finds the token behind `#token=` and sends it to the API, and at `/order` (`#id=…&token=…`) for guests. PUBLIC_URL with `/auth` when
   * unset: plain pages that Ashlar serves itself.
   */
  @IsOptional()
  @IsUrl({
    require_tld: false,
    protocols: ['http', 'https'],
    require_protocol: true,
    allow_query_components: false,
    allow_fragments: false,
  })
  @Matches(/[^/]$/, { message: 'AUTH_LINKS_URL must not end with a slash' })
  AUTH_LINKS_URL: string | undefined = undefined;

  /**
   * A service that knows passwords of data breaches, in the range format of Have I Been Pwned (`https://api.pwnedpasswords.com/range/`): the
   * first five digits of the password's SHA-1 are put behind it, and no more is told. Unset: only the list that comes with Ashlar counts.
   */
  @IsOptional()
  @IsUrl({ require_tld: false, protocols: ['http', 'https'], require_protocol: true, allow_fragments: false })
  AUTH_PASSWORDS_BREACHED_URL: string | undefined = undefined;

  /** Keys that sign access tokens: PKCS#8 PEM (Ed25519 or P-256), each base64-encoded. The first signs, all verify. */
  @RequiredInProduction()
  @ArrayNotEmpty()
  @IsSigningKey({ each: true })
  JWT_PRIVATE_KEYS: string[] = [];

  /** Keys that encrypt what is stored and derive refresh tokens: 32 random bytes each, base64. The first encrypts, all decrypt. */
  @RequiredInProduction()
  @ArrayNotEmpty()
  @IsEncryptionKey({ each: true })
  ENCRYPTION_KEYS: string[] = [];

  /** Life of an access token. */
  @IsInt()
  @Min(30)
  @Max(3_600)
  JWT_ACCESS_TTL_SECONDS = 600;

  /** Roles whose holders may do nothing but enrol until they have a second factor. None by default. */
  @Matches(/^[a-z][a-z0-9-]{0,62}$/, { each: true, message: 'each of AUTH_MFA_REQUIRED_ROLES must be the name of a role' })
  AUTH_MFA_REQUIRED_ROLES: string[] = [];

  /**
   * The domain that passkeys belong to: the host of PUBLIC_URL, or a domain above it when browser applications live on its siblings. Every
   * passkey is lost when it changes.
   */
  @IsOptional()
  @Matches(/^[a-z0-9-]{1,63}(?:\.[a-z0-9-]{1,63})*$/, { message: 'AUTH_PASSKEYS_RP_ID must be a domain, without scheme and port' })
  AUTH_PASSKEYS_RP_ID: string | undefined = undefined;

  /** Where passkeys may be used: exact origins, or `android:apk-key-hash:…` for apps. PUBLIC_URL's origin and CORS_ORIGINS by default. */
  @IsPasskeyOrigin({ each: true })
  AUTH_PASSKEYS_ORIGINS: string[] = [];

  /**
   * Where people may sign in with an account they have elsewhere: a JSON object with a member for each provider, whose name stands in the
   * URL. `kind` is `oidc` (any OpenID Connect provider, found by its `issuer`) or `github`; `clientId` and `clientSecret` are what it gave
   * you for the redirect URL PUBLIC_URL/api/v1/auth/oauth/<name>/callback; `name`, `scopes` and `trustEmail` are optional.
   */
  @IsOptional()
  @IsOAuthProviders()
  OAUTH_PROVIDERS: string | undefined = undefined;

  /** The exact URLs of your applications that people may come back to after signing in elsewhere. None by default. */
  @IsReturnUrl({ each: true })
  OAUTH_RETURN_URLS: string[] = [];

  /**
   * The server that takes mails: `smtps://user:password@mail.example.org` or `smtp://…:587`, which is encrypted where the server offers it,
   * and must be before it is told a password. `?requireTLS=true` insists, `?ignoreTLS=true` does without. Unset: mails land in
   * `/dev/mailbox`; in production they are held until it is set.
   */
  @IsOptional()
  @IsSmtpUrl()
  SMTP_URL: string | undefined = undefined;

  /** Who mails are from: `Ashlar <no-reply@example.org>`. The name is also what mails call the product. Required with SMTP_URL. */
  @ValidateIf((env: Env) => env.SMTP_URL !== undefined || env.MAIL_FROM !== undefined)
  @IsMailbox()
  MAIL_FROM: string | undefined = undefined;

  /** How long the mail server may take over one mail, from the connection to the last reply, before the mail is tried again later. */
  @IsInt()
  @Min(100)
  @Max(60_000)
  SMTP_TIMEOUT_MS = 20_000;

  /** How long it is kept which mails were sent to whom, and how long a mail waits that cannot be sent. */
  @IsInt()
  @Min(1)
  @Max(3_650)
  MAIL_TTL_DAYS = 30;

  /** How long notifications are kept. */
  @IsInt()
  @Min(1)
  @Max(3_650)
  NOTIFICATIONS_TTL_DAYS = 180;

  /**
   * Where requests may go that users have asked for (webhooks), beyond the public Internet: host names, addresses and CIDR ranges. In
   * production only what is listed here may be reached without TLS. None by default.
   */
  @IsHostOrRange({ each: true })
  OUTGOING_ALLOWED_HOSTS: string[] = [];

  /** Who sees `/docs` in production; elsewhere everybody does. */
  @IsIn(['off', 'public', 'staff'])
  DOCS: 'off' | 'public' | 'staff' = 'staff';

  /** The bearer token that `/metrics` asks for. Unset: in production nobody sees them, elsewhere everybody does. */
  @IsOptional()
  @Matches(/^[A-Za-z0-9._~+/=-]{24,200}$/, { message: 'METRICS_TOKEN must be 24 to 200 letters, digits and . _ ~ + / = -' })
  METRICS_TOKEN: string | undefined = undefined;

  get isProduction(): boolean {
    return this.NODE_ENV === 'production';
  }
}
