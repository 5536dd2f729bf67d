import { problem } from '#errors';

export const oauthProviderNotFound = problem(
  'auth/oauth-provider-not-found',
  'not-found',
  'No such provider',
  'People cannot sign in here with an account of this provider. Its name is the one it has in OAUTH_PROVIDERS.',
);
export const returnUrlNotAllowed = problem(
  'auth/return-url-not-allowed',
  'invalid',
  'Nobody is sent there',
  'After signing in elsewhere, people are sent back only to URLs that the operator has listed in OAUTH_RETURN_URLS, character for character. Send one of them as `returnTo`, or have yours added.',
);
export const invalidOauthStart = problem(
  'auth/invalid-oauth-start',
  'invalid',
  'The sign-in cannot begin like this',
  'Open the URL with `returnTo` and `challenge`; or, to link an account, the URL that POST /api/v1/auth/identities/{provider} gave you, once and within two minutes.',
);
export const invalidOauthState = problem(
  'auth/invalid-oauth-state',
  'invalid',
  'The sign-in is not one of this browser',
  'The sign-in was finished before, took longer than ten minutes, began in another browser or with another provider, or cookies are blocked. Go back to the application and begin again.',
);
export const invalidOauthCode = problem(
  'auth/invalid-oauth-code',
  'unauthenticated',
  'The code is not valid',
  'A code is good once, within two minutes, together with the verifier whose S256 challenge was given at the start, and for what was begun: signing in, or linking an account to the session that asked for it. Begin again.',
);
export const oauthProviderUnavailable = problem(
  'auth/oauth-provider-unavailable',
  'unavailable',
  'The provider does not answer',
  'The service that you want to sign in with cannot be reached or answers badly just now. Try again later, or log in another way.',
);
export const oauthAccountExists = problem(
  'auth/oauth-account-exists',
  'conflict',
  'The address has an account that is not linked',
  'An account with this address exists here, but it is not certain to be yours: the address was not confirmed at both ends. Log in to it with its password (or set one by way of "forgotten password", which confirms the address) and link this way of signing in from there.',
);
export const oauthAddressUnproven = problem(
  'auth/oauth-address-unproven',
  'forbidden',
  'The provider vouches for no address',
  'A new account needs an e-mail address, and the provider tells none, or (where addresses must be confirmed) does not say that it is yours. Confirm your address there, let it be told, or register here with a password and link this way of signing in then.',
);
export const oauthAccountInactive = problem(
  'auth/oauth-account-inactive',
  'forbidden',
  'The account is suspended',
  'The account that this way of signing in leads to is suspended. Ask the operator.',
);
