import { IsInt, Max, Min } from 'class-validator';

/** The part of `Env` that says how long and how often accounts, sessions and links do what they do. */
export class AuthTuning {
  /** A session ends when it was not refreshed for so long. */
  @IsInt()
  @Min(60)
  AUTH_SESSION_IDLE_SECONDS = 2_592_000;

  /** A session ends after so long, however much it is used. */
  @IsInt()
  @Min(60)
  AUTH_SESSION_TTL_SECONDS = 7_776_000;

  /** For so long after a proof of who they are (a login, a step-up) a session may change how its user logs in. */
  @IsInt()
  @Min(30)
  @Max(3_600)
  AUTH_STEP_UP_SECONDS = 600;

  /** How long it is kept who was logged in from where, after the session has ended. */
  @IsInt()
  @Min(0)
  AUTH_SESSION_HISTORY_SECONDS = 2_592_000;

  /** How long a refresh token that was already used gives the same successor again. */
  @IsInt()
  @Min(0)
  @Max(60)
  AUTH_REFRESH_GRACE_SECONDS = 10;

  /** Accounts that one address may register in an hour, over all processes. */
  @IsInt()
  @Min(1)
  AUTH_REGISTRATIONS_PER_HOUR = 100;

  /** Mails with links (confirming an address, a forgotten password) that one address may ask for in an hour, over all processes. */
  @IsInt()
  @Min(1)
  AUTH_MAIL_REQUESTS_PER_HOUR = 100;

  /** How long the link that confirms an address can be used. */
  @IsInt()
  @Min(1)
  @Max(336)
  AUTH_EMAIL_VERIFICATION_TTL_HOURS = 48;

  /** How long the link of a forgotten password can be used. */
  @IsInt()
  @Min(1)
  @Max(1_440)
  AUTH_PASSWORD_RESET_TTL_MINUTES = 30;

  /** For so long the former address of an account can take back that it was changed. */
  @IsInt()
  @Min(1)
  @Max(90)
  AUTH_EMAIL_UNDO_DAYS = 7;

  /** How long an administrator can act as somebody else before asking anew. */
  @IsInt()
  @Min(60)
  @Max(3_600)
  AUTH_IMPERSONATION_SECONDS = 900;

  /** API keys that one user may have. */
  @IsInt()
  @Min(0)
  @Max(1_000)
  AUTH_API_KEYS_PER_USER = 50;

  /** How long the link in an invitation can be used. */
  @IsInt()
  @Min(300)
  @Max(2_592_000)
  AUTH_INVITATION_TTL_SECONDS = 604_800;

  /** How long an OAuth provider may take over one answer. */
  @IsInt()
  @Min(100)
  @Max(20_000)
  OAUTH_TIMEOUT_MS = 5_000;
}
