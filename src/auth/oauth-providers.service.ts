import { Injectable } from '@nestjs/common';
import { Env, type OAuthProvider, oauthProviders } from '#config';
import { apiUrl } from '#http';
import { Logger } from '#telemetry';
import { isEmail } from 'class-validator';
import type { Configuration } from 'openid-client';
import { oauthProviderNotFound, oauthProviderUnavailable } from './oauth.errors.js';
import { primaryAddress, type Profile, profileOf, type ReturnError } from './oauth.rules.js';

type OpenIdClient = typeof import('openid-client');

/** As `EmailAddress()` of #http takes them. */
const isAddress = (text: string) => isEmail(text, { allow_utf8_local_part: false });

const KNOWN_MS = 3_600_000;
const STALE_MS = 30_000;

/** A sign-in that came to nothing at the provider, or on the way back. `reason` is a code: no text of anybody's. */
export class SignInFailed extends Error {
  override readonly name = 'SignInFailed';

  constructor(
    readonly error: ReturnError,
    readonly reason: string,
  ) {
    super(`The sign-in failed: ${reason}`);
  }
}

/** What ties an answer of a provider to its question. */
export interface Question {
  state: string;
  verifier: string;
  nonce: string;
}

/** Asks for `auth_time` (OpenID Connect Core, 5.5), which tells a fresh proof from an old session at the provider. */
const WHEN = JSON.stringify({ id_token: { auth_time: { essential: true } } });

/**
 * The providers of the configuration, and all that is said between them and us. Where they are is the operator's word, so requests to them
 * go past the guard for addresses that users have given, and may reach a private network.
 */
@Injectable()
export class OAuthProvidersService {
  private readonly providers: ReadonlyMap<string, OAuthProvider>;
  private readonly known = new Map<string, { configuration: Configuration; until: number }>();
  private readonly opening = new Map<string, Promise<Configuration>>();

  constructor(
    private readonly env: Env,
    private readonly logger: Logger,
  ) {
    this.providers = new Map(oauthProviders(env).map((provider) => [provider.id, provider]));
  }

  get all(): OAuthProvider[] {
    return [...this.providers.values()];
  }

  get(id: string): OAuthProvider {
    const provider = this.providers.get(id);
    if (provider === undefined) throw oauthProviderNotFound('No provider of this name is configured.');
    return provider;
  }

  /** Asks the provider how to talk to it, unless that is known. @throws auth/oauth-provider-unavailable */
  async open(provider: OAuthProvider): Promise<Configuration> {
    const client = await import('openid-client');
    try {
      return await this.configurationOf(provider);
    } catch (error) {
      const failure = failureOf(client, error);
      if (failure === null) throw error;
      this.logger.warn({ provider: provider.id, reason: failure.reason }, 'An OAuth provider cannot be used');
      throw oauthProviderUnavailable(`${provider.name} does not answer as it should; try again later, or log in another way.`, {
        retryAfterSeconds: 5,
      });
    }
  }

  /** Where the browser goes to be asked. */
  async questionUrl(
    provider: OAuthProvider,
    configuration: Configuration,
    { state, verifier, nonce, anew = false }: Question & { anew?: boolean },
  ): Promise<string> {
    const client = await import('openid-client');
    return client.buildAuthorizationUrl(configuration, {
      redirect_uri: this.callbackOf(provider),
      scope: provider.scopes.join(' '),
      state,
      code_challenge: await client.calculatePKCECodeChallenge(verifier),
      code_challenge_method: 'S256',
      ...(provider.kind === 'oidc' && { nonce }),
      ...(provider.kind === 'oidc' && configuration.serverMetadata().claims_parameter_supported === true && { claims: WHEN }),
      ...(provider.kind === 'oidc' && anew && { max_age: '0' }),
    }).href;
  }

  /** Who came back: state, `iss` (RFC 9207), the code, and the id_token with its signature, audience, times and nonce are checked. @throws SignInFailed */
  async answer(provider: OAuthProvider, search: string, question: Question): Promise<Profile> {
    const client = await import('openid-client');
    try {
      const configuration = await this.configurationOf(provider);
      const url = new URL(`${this.callbackOf(provider)}${search}`);
      const profile =
        provider.kind === 'oidc'
          ? await this.ofOpenId(client, provider, configuration, url, question)
          : await this.ofGithub(client, provider, configuration, url, question);
      if (profile === null) throw new SignInFailed('server_error', 'no-subject');
      return profile;
    } catch (error) {
      throw failureOf(client, error) ?? error;
    }
  }

  private async ofOpenId(
    client: OpenIdClient,
    provider: OAuthProvider,
    configuration: Configuration,
    url: URL,
    { state, verifier, nonce }: Question,
  ): Promise<Profile | null> {
    const checks = { expectedState: state, pkceCodeVerifier: verifier, expectedNonce: nonce, idTokenExpected: true };
    const tokens = await client.authorizationCodeGrant(configuration, url, checks);
    const claims = tokens.claims()!;
    // Some tell the address at the userinfo endpoint only (OpenID Connect Core, 5.4).
    const asked = claims['email'] === undefined && configuration.serverMetadata().userinfo_endpoint !== undefined;
    const said = asked ? await client.fetchUserInfo(configuration, tokens.access_token, claims.sub) : claims;
    const { email, email_verified: emailVerified } = said;
    return profileOf(
      provider,
      { issuer: claims.iss, subject: claims.sub, email, emailVerified, name: said['name'] ?? claims['name'], authTime: claims.auth_time },
      isAddress,
    );
  }

  private async ofGithub(
    client: OpenIdClient,
    provider: OAuthProvider,
    configuration: Configuration,
    url: URL,
    { state, verifier }: Question,
  ): Promise<Profile | null> {
    const tokens = await client.authorizationCodeGrant(configuration, url, { expectedState: state, pkceCodeVerifier: verifier });
    const api = provider.issuer === 'https://github.com' ? 'https://api.github.com' : `${provider.issuer}/api/v3`;
    const read = async (path: string): Promise<unknown> => {
      const headers = new Headers({ accept: 'application/vnd.github+json' });
      const response = await client.fetchProtectedResource(configuration, tokens.access_token, new URL(api + path), 'GET', null, headers);
      const text = await response.text();
      if (!response.ok)
        throw new SignInFailed(response.status >= 500 ? 'temporarily_unavailable' : 'server_error', `api-${response.status}`);
      return parsed(text);
    };
    const [user, emails] = await Promise.all([read('/user'), read('/user/emails')]);
    const { id, name, login } = (user ?? {}) as Record<string, unknown>;
    const subject = Number.isSafeInteger(id) ? String(id) : undefined;
    return profileOf(provider, { issuer: provider.issuer, subject, ...primaryAddress(emails), name: name ?? login }, isAddress);
  }

  /** Of many who ask at once, one discovers. What was discovered an hour ago is better than nothing while the provider is down. */
  private async configurationOf(provider: OAuthProvider): Promise<Configuration> {
    const { id } = provider;
    const known = this.known.get(id);
    if (known !== undefined && known.until > Date.now()) return known.configuration;
    const opening = this.opening.get(id) ?? this.configure(provider).finally(() => this.opening.delete(id));
    this.opening.set(id, opening);
    const keep = (configuration: Configuration, milliseconds: number) => {
      this.known.set(id, { configuration, until: Date.now() + milliseconds });
      return configuration;
    };
    try {
      return keep(await opening, KNOWN_MS);
    } catch (error) {
      const failure = failureOf(await import('openid-client'), error);
      if (known === undefined || failure === null) throw error;
      this.logger.warn({ provider: id, reason: failure.reason }, 'An OAuth provider could not be asked again how to talk to it');
      return keep(known.configuration, STALE_MS);
    }
  }

  private async configure(provider: OAuthProvider): Promise<Configuration> {
    const client = await import('openid-client');
    const { Configuration, ClientSecretBasic, ClientSecretPost } = client;
    const { kind, issuer, clientId, clientSecret: secret } = provider;
    const server = kind === 'oidc' ? await this.discover(client, provider) : githubAt(issuer);
    const { token_endpoint_auth_methods_supported: methods = ['client_secret_basic'] } = server;
    const authentication =
      kind === 'github' || methods.includes('client_secret_post') ? ClientSecretPost(secret) : ClientSecretBasic(secret);
    const configuration = new Configuration(server, clientId, undefined, authentication);
    configuration.timeout = this.env.OAUTH_TIMEOUT_MS / 1_000;
    if (issuer.startsWith('http:')) client.allowInsecureRequests(configuration);
    if (kind === 'oidc') client.enableNonRepudiationChecks(configuration); // or the id_token's signature would be left to TLS
    return configuration;
  }

  /** Tries twice: a connection that is just being closed must not cost anybody their sign-in. */
  private async discover(client: OpenIdClient, { issuer, clientId }: OAuthProvider) {
    const options = {
      timeout: this.env.OAUTH_TIMEOUT_MS / 1_000,
      execute: issuer.startsWith('http:') ? [client.allowInsecureRequests] : [],
    };
    const once = () => client.discovery(new URL(issuer), clientId, undefined, client.None(), options);
    const found = await once().catch((error: unknown) => {
      if (failureOf(client, error)?.error === 'temporarily_unavailable') return once();
      throw error;
    });
    return { ...found.serverMetadata() };
  }

  private callbackOf({ id }: OAuthProvider): string {
    return `${apiUrl(this.env)}/auth/oauth/${id}/callback`;
  }
}

/** GitHub's own paths; the issuer is the one that it would name in its answers (RFC 9207). */
function githubAt(url: string) {
  const base = `${url}/login/oauth`;
  return {
    issuer: base,
    authorization_endpoint: `${base}/authorize`,
    token_endpoint: `${base}/access_token`,
    token_endpoint_auth_methods_supported: [],
  };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new SignInFailed('server_error', 'not-json'); // the parser's message would quote the answer
  }
}

const UNANSWERED = new Set(['OAUTH_TIMEOUT', 'OAUTH_ABORT']);

/** What an error says of the provider; null for one that is ours. */
function failureOf(client: OpenIdClient, error: unknown): SignInFailed | null {
  if (error instanceof SignInFailed) return error;
  if (isUnconnected(error) || isUnconnected((error as { cause?: unknown } | null)?.cause))
    return new SignInFailed('temporarily_unavailable', 'no-connection');
  if (error instanceof client.AuthorizationResponseError)
    return error.error === 'access_denied' || error.error === 'temporarily_unavailable'
      ? new SignInFailed(error.error, error.error)
      : new SignInFailed('server_error', 'authorization-error');
  if (error instanceof client.ResponseBodyError) return new SignInFailed('server_error', 'token-error');
  if (error instanceof client.WWWAuthenticateChallengeError) return new SignInFailed('server_error', 'token-refused');
  if (error instanceof client.ClientError) {
    const { status } = (error.cause ?? {}) as { status?: unknown };
    const down = UNANSWERED.has(error.code ?? '') || (typeof status === 'number' && status >= 500);
    return new SignInFailed(down ? 'temporarily_unavailable' : 'server_error', error.code ?? 'client-error');
  }
  // What the client throws when the provider's description makes no sense.
  const { code } = (error ?? {}) as { code?: unknown };
  return typeof code === 'string' && code.startsWith('ERR_INVALID_ARG') ? new SignInFailed('server_error', code) : null;
}

/** What `fetch` throws when there is no connection; it has no code of its own. */
function isUnconnected(error: unknown): boolean {
  const { name, message } = (error ?? {}) as { name?: unknown; message?: unknown };
  return name === 'TypeError' && message === 'fetch failed';
}
