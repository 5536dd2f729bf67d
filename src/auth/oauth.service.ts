import { createHash, randomBytes } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { record } from '#audit';
import { Env, type NamedKey, namedKeys, type OAuthProvider } from '#config';
import { PrismaService, transaction, type Tx } from '#database';
import { apiUrl } from '#http';
import type { Actor } from '#security';
import type { BeginLinkDto, LinkIdentityDto, StartSignInQuery } from './oauth.dto.js';
import { invalidOauthCode, invalidOauthStart, invalidOauthState, returnUrlNotAllowed } from './oauth.errors.js';
import { OAuthProvidersService, SignInFailed } from './oauth-providers.service.js';
import { browserCookie, type Profile, provesChallenge, returnUrl, secretsOf } from './oauth.rules.js';
import { OneTimeTokensService } from './one-time-tokens.service.js';

const LINK_SECONDS = 120;
const SIGN_IN_SECONDS = 600;
const CODE_SECONDS = 120;

/** What a client asks for at the start; `sessionId` is that of the user who links an account. */
interface Wish {
  provider: string;
  returnTo: string;
  challenge: string;
  sessionId?: string;
}

interface Underway extends Wish {
  /** The hash of what the browser's cookie says. */
  browser: string;
  /** The key that its secrets follow from. */
  key: string;
}

/** What a code stands for: who somebody is elsewhere, for the client that knows the verifier. */
interface Proof {
  challenge: string;
  profile: Profile;
  sessionId?: string;
}

/**
 * The way out to a provider and back. Nothing here changes an account: what comes back is a code, and all that follows happens when the
 * client that began (it knows the verifier) uses it. So who lures somebody into finishing a sign-in of theirs gains nothing.
 */
@Injectable()
export class OAuthService {
  private readonly keys: NamedKey[];

  constructor(
    private readonly prisma: PrismaService,
    private readonly env: Env,
    private readonly tokens: OneTimeTokensService,
    private readonly providers: OAuthProvidersService,
  ) {
    this.keys = namedKeys(env, 'oauth-sign-ins');
  }

  list(): OAuthProvider[] {
    return this.providers.all;
  }

  /** Where the browser goes, and the cookie that it takes along. */
  async begin(providerId: string, query: StartSignInQuery, known: string | null): Promise<{ url: string; cookie: string }> {
    const provider = this.providers.get(providerId);
    const { ticket, fresh, ...wish } = query;
    if (ticket === undefined) this.check(wish);
    else if (wish.returnTo !== undefined || wish.challenge !== undefined)
      throw invalidOauthStart('A ticket brings its own `returnTo` and `challenge`; send it alone.');
    const configuration = await this.providers.open(provider);
    const browser = known ?? randomBytes(32).toString('base64url'); // one for all tabs, or a second would forget the first
    const { id: key, key: secret } = this.keys[0]!;
    const state = await transaction(this.prisma, async (db) => {
      const { userId, ...asked } = ticket === undefined ? { ...wish, userId: null } : await this.redeemTicket(providerId, ticket, db);
      const data = { ...asked, provider: providerId, browser: hashOf(browser), key };
      return this.tokens.issue({ purpose: 'oauth:state', ...(userId !== null && { userId }), data, seconds: SIGN_IN_SECONDS }, db);
    });
    const question = { state, ...secretsOf(secret, state), anew: fresh === 'true' };
    const url = await this.providers.questionUrl(provider, configuration, question);
    return { url, cookie: browserCookie(this.env.PUBLIC_URL!, browser, SIGN_IN_SECONDS) };
  }

  /** The URL that the browser of a signed-in user is to open: a navigation carries no access token, so it carries a ticket. */
  async beginLink(actor: Actor, providerId: string, wish: BeginLinkDto): Promise<string> {
    const { id } = this.providers.get(providerId);
    this.check(wish);
    const data: Wish = { provider: id, returnTo: wish.returnTo, challenge: wish.challenge, sessionId: actor.sessionId };
    const ticket = await this.tokens.issue({ purpose: 'oauth:start', userId: actor.id, data: { ...data }, seconds: LINK_SECONDS });
    return `${apiUrl(this.env)}/auth/oauth/${id}?ticket=${ticket}`;
  }

  /** Where the browser that came back from a provider goes on to. @throws auth/invalid-oauth-state for one that must not be sent anywhere */
  async finish(providerId: string, search: string, browser: string | null): Promise<string> {
    const provider = this.providers.get(providerId);
    const { userId, underway, state } = await this.redeemState(providerId, search, browser);
    const { returnTo, challenge, sessionId, key } = underway;
    const secret = this.keys.find(({ id }) => id === key);
    if (secret === undefined) throw invalidOauthState('The sign-in took too long; begin again.');
    try {
      const profile = await this.providers.answer(provider, search, { state, ...secretsOf(secret.key, state) });
      const proof: Proof = { challenge, profile, ...(sessionId !== undefined && { sessionId }) };
      const purpose = sessionId === undefined ? 'oauth:login' : 'oauth:link';
      const code = await this.tokens.issue({ purpose, ...(userId !== null && { userId }), data: { ...proof }, seconds: CODE_SECONDS });
      return returnUrl(returnTo, { code });
    } catch (error) {
      if (!(error instanceof SignInFailed)) throw error;
      const resource = { type: 'oauth-provider', id: `${provider.id} ${error.reason}` };
      await record(this.prisma, {
        actor: userId === null ? null : { id: userId },
        action: 'auth.oauth-failed',
        resource,
        outcome: 'failed',
      });
      return returnUrl(returnTo, { error: error.error });
    }
  }

  /** Uses a code up; a transaction that fails leaves it usable. `sessionId`: of the user who links. @throws auth/invalid-oauth-code */
  async redeem({ code, verifier }: LinkIdentityDto, sessionId: string | null, db: Tx): Promise<Profile> {
    const grant = await this.tokens.redeem(sessionId === null ? 'oauth:login' : 'oauth:link', code, db);
    const proof = grant?.data as Proof | undefined;
    if (proof === undefined || !provesChallenge(verifier, proof.challenge) || (proof.sessionId ?? null) !== sessionId)
      throw invalidOauthCode('The code was used, is too old, or is not for this client; begin again.');
    return proof.profile;
  }

  private check({ returnTo, challenge }: Partial<Wish>): void {
    if (returnTo === undefined || challenge === undefined) throw invalidOauthStart('Send `returnTo` and `challenge`.');
    if (!this.env.OAUTH_RETURN_URLS.includes(returnTo))
      throw returnUrlNotAllowed('`returnTo` is none of the URLs that people may be sent back to.');
  }

  private async redeemTicket(provider: string, ticket: string, db: Tx): Promise<Wish & { userId: string | null }> {
    const grant = await this.tokens.redeem('oauth:start', ticket, db);
    const wish = grant?.data as Wish | undefined;
    if (wish?.provider !== provider)
      throw invalidOauthStart('The ticket was used, is too old, or is for another provider; ask for another one.');
    return { ...wish, userId: grant!.userId };
  }

  /** A state is used up only by the browser and at the provider it is for, so that nobody else can spoil it. */
  private async redeemState(provider: string, search: string, browser: string | null) {
    const [state = '', ...more] = new URLSearchParams(search).getAll('state');
    const grant = await this.tokens.read('oauth:state', state);
    const underway = grant?.data as Underway | undefined;
    const own = browser !== null && underway?.browser === hashOf(browser) && underway.provider === provider && more.length === 0;
    if (!own || (await this.tokens.redeem('oauth:state', state)) === null)
      throw invalidOauthState('This sign-in was finished, has expired, or did not begin in this browser; begin again.');
    return { userId: grant!.userId, underway, state };
  }
}

function hashOf(text: string): string {
  return createHash('sha256').update(text).digest('base64url');
}
