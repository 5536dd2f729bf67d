import { problem } from '#errors';

export const unauthenticated = problem(
  'auth/unauthenticated',
  'unauthenticated',
  'Authentication required',
  'The call needs an access token: send `Authorization: Bearer <accessToken>` with the token that POST /api/v1/auth/login gave you.',
);

export const invalidToken = problem(
  'auth/invalid-token',
  'unauthenticated',
  'The access token is not valid',
  'The token is malformed, was not issued here, has expired, or its session has ended (logout, password change, suspension). Get a new one with POST /api/v1/auth/refresh, or log in again. An API key (`ash_…`) was mistyped, has expired, or was deleted: its owner makes another with POST /api/v1/auth/api-keys.',
);

export const invalidTicket = problem(
  'auth/invalid-ticket',
  'unauthenticated',
  'The ticket is not valid',
  'A ticket lets in once, within 30 seconds, and only while the session that asked for it lives. Get a new one with POST /api/v1/events/tickets for each connection.',
);

export const csrfTokenInvalid = problem(
  'auth/csrf-token-invalid',
  'forbidden',
  'The CSRF token is missing or not this session’s',
  'A session in cookies shows with each call that changes something the token that GET /api/v1/auth/csrf gave it, in the header X-CSRF-Token. Get one after the log-in; it is good as long as the session.',
);

export const forbidden = problem(
  'auth/forbidden',
  'forbidden',
  'Not allowed',
  'You are signed in, but none of your roles has the permission this call needs. Ask an administrator for it.',
);

export const mfaRequired = problem(
  'auth/mfa-required',
  'forbidden',
  'A second factor is needed first',
  'One of your roles may be used only with a second factor, and your account has none. Add an authenticator app with POST /api/v1/auth/mfa/totp and POST /api/v1/auth/mfa/totp/confirm, or a passkey with POST /api/v1/auth/passkeys/registration/options and POST /api/v1/auth/passkeys/registration; the permissions of your roles are there within a second. Until then you can only see and change what is your own.',
);

export const sessionRequired = problem(
  'auth/session-required',
  'forbidden',
  'Not with an API key',
  'An API key never manages how somebody logs in: no passwords, sessions, second factors, linked accounts or other keys. Log in, and call with the access token of the session.',
);

export const impersonating = problem(
  'auth/impersonating',
  'forbidden',
  'Not while you act as somebody else',
  'The access token lets you act as another user (`act` names you). What concerns how that user logs in, only they themselves can do. POST /api/v1/auth/logout ends it.',
);

export const stepUpRequired = problem(
  'auth/step-up-required',
  'forbidden',
  'Prove once more who you are',
  'The call adds or removes a way of logging in, or cannot be undone, so this session must have proven within the last ten minutes who you are. Call POST /api/v1/auth/step-up with your password or another factor, then repeat this call.',
);

export const tooManyAttempts = problem(
  'auth/too-many-attempts',
  'too-many',
  'Too many attempts',
  'There were too many attempts of this kind for this account or from this address. Wait for the time that Retry-After names; trying sooner does not help.',
);
