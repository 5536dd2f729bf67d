import type { Env } from './env.js';

/** A service elsewhere that people may sign in with. */
export interface OAuthProvider {
  /** Stands in our URLs: `/auth/oauth/<id>`. */
  id: string;
  /** `oidc` is discovered from its issuer (OpenID Connect Discovery 1.0); `github` is GitHub, or an Enterprise Server of one's own. */
  kind: 'oidc' | 'github';
  /** What people call it. */
  name: string;
  /** Where it is, and with the subject the name of an identity: an id that is given to another issuer brings nobody's identities along. */
  issuer: string;
  clientId: string;
  clientSecret: string;
  scopes: string[];
  /** Whether its word that somebody owns an address is taken: off, its people count as if it had said nothing. */
  trustEmail: boolean;
}

const ID = /^[a-z0-9](?:[a-z0-9-]{0,28}[a-z0-9])?$/;
/** A path of its own under `/auth/oauth`. */
const TAKEN = ['exchange'];
const SCOPES = { oidc: ['openid', 'email', 'profile'], github: ['read:user', 'user:email'] };
const MEMBERS = ['kind', 'name', 'issuer', 'clientId', 'clientSecret', 'scopes', 'trustEmail'];
const LOOPBACK = ['localhost', '127.0.0.1', '[::1]'];

type Json = Record<string, unknown>;

const isObject = (value: unknown): value is Json => typeof value === 'object' && value !== null && !Array.isArray(value);
const isLine = (value: unknown, most: number) =>
  typeof value === 'string' && value.length <= most && /^[^\s\p{Cc}](?:[^\p{Cc}]*[^\s\p{Cc}])?$/u.test(value);

function isIssuer(value: unknown, production: boolean): boolean {
  if (typeof value !== 'string' || !URL.canParse(value)) return false;
  const { protocol, search, hash, username, password } = new URL(value);
  return (
    [search, hash, username, password].every((part) => part === '') && (protocol === 'https:' || (protocol === 'http:' && !production))
  );
}

function isScopes(value: unknown, kind: unknown): boolean {
  if (!Array.isArray(value)) return false;
  return (
    value.every((scope) => typeof scope === 'string' && /^[!#-[\]-~]+$/.test(scope)) && (kind === 'github' || value.includes('openid'))
  );
}

/** What is wrong with one provider; names members, never their values. */
function faultsOf(id: string, provider: unknown, production: boolean): string[] {
  if (!isObject(provider)) return [`${id} must be an object`];
  const { kind = 'oidc', name, issuer, clientId, clientSecret, scopes, trustEmail } = provider;
  const rules: [boolean, string][] = [
    [Object.keys(provider).every((member) => MEMBERS.includes(member)), `${id} has a member that is none of ${MEMBERS.join(', ')}`],
    [kind === 'oidc' || kind === 'github', `${id}.kind must be oidc or github`],
    [name === undefined || isLine(name, 60), `${id}.name must be a line of at most 60 characters`],
    [
      (issuer === undefined && kind === 'github') || isIssuer(issuer, production),
      `${id}.issuer must be a URL like https://accounts.example.com${production ? '' : ' (http only outside production)'}, without a query`,
    ],
    [isLine(clientId, 500), `${id}.clientId must be given`],
    [isLine(clientSecret, 2_000), `${id}.clientSecret must be given`],
    [scopes === undefined || isScopes(scopes, kind), `${id}.scopes must be a list of scopes, with openid among them`],
    [trustEmail === undefined || typeof trustEmail === 'boolean', `${id}.trustEmail must be true or false`],
  ];
  return rules.flatMap(([holds, fault]) => (holds ? [] : [fault]));
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // the parser's message would quote what was written, a secret perhaps
  }
}

/** What is wrong with OAUTH_PROVIDERS; nothing if it can be used. */
export function oauthProviderFaults(text: string, production: boolean): string[] {
  const providers = parsed(text);
  if (!isObject(providers)) return ['it must be a JSON object with a member for each provider'];
  return Object.entries(providers).flatMap(([id, provider]) =>
    ID.test(id) && !TAKEN.includes(id)
      ? faultsOf(id, provider, production)
      : [`each provider's name must be of 1 to 30 small letters, digits and hyphens, and not ${TAKEN.join(', ')}`],
  );
}

/** The providers of OAUTH_PROVIDERS, with what it leaves out. */
export function oauthProviders({ OAUTH_PROVIDERS }: Pick<Env, 'OAUTH_PROVIDERS'>): OAuthProvider[] {
  const providers = JSON.parse(OAUTH_PROVIDERS ?? '{}') as Record<
    string,
    Partial<OAuthProvider> & Pick<OAuthProvider, 'clientId' | 'clientSecret'>
  >;
  return Object.entries(providers).map(([id, { kind = 'oidc', name, issuer, scopes, trustEmail = true, clientId, clientSecret }]) => ({
    id,
    kind,
    name: name ?? (kind === 'github' ? 'GitHub' : id.charAt(0).toUpperCase() + id.slice(1)),
    issuer: issuer ?? 'https://github.com',
    clientId,
    clientSecret,
    scopes: scopes ?? SCOPES[kind],
    trustEmail,
  }));
}

/**
 * Whether somebody may be sent back there with a code: https; http on this machine (RFC 8252, 7.3), or anywhere outside production; or a
 * scheme of an app's own, which has a dot (RFC 8252, 7.1).
 */
export function isReturnUrl(text: string, production: boolean): boolean {
  if (!URL.canParse(text) || /[*\s\\]/.test(text)) return false;
  const { protocol, hostname, hash, username, password } = new URL(text);
  if (hash !== '' || text.includes('#') || username !== '' || password !== '') return false;
  if (protocol === 'http:') return !production || LOOPBACK.includes(hostname);
  return protocol === 'https:' || protocol.includes('.');
}
