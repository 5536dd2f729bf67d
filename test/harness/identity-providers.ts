import { fork } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { exportJWK, generateKeyPair, type JWTPayload, SignJWT } from 'jose';

export const CLIENT = { clientId: 'ashlar', clientSecret: 'a secret between the two of us' };

/** What a provider knows of somebody. */
export interface Account {
  sub: string;
  email?: string;
  email_verified?: boolean | string;
  name?: string;
}

interface Running {
  url: string;
  /** From now on nobody answers, until `revive`. */
  die(): Promise<void>;
  revive(): Promise<void>;
  close(): Promise<void>;
}

type Handler = (request: IncomingMessage, response: ServerResponse) => Promise<void> | void;

async function serve(handlerFor: (url: string) => Promise<Handler> | Handler): Promise<Running> {
  const server: Server = createServer();
  const listen = (port: number) => new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  const close = async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  };
  await listen(0);
  const { port } = server.address() as AddressInfo;
  const url = `http://127.0.0.1:${port}`;
  const handler = await handlerFor(url);
  server.on('request', (request, response) => void (async () => handler(request, response))().catch(() => response.destroy()));
  return { url, die: close, revive: () => listen(port), close };
}

const json = (response: ServerResponse, body: unknown, status = 200) =>
  void response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));

/** A certified OpenID provider (see oidc.program.ts) in a process of its own. */
export async function anOidcProvider(redirectUri: string): Promise<Running> {
  const start = async (port: string) => {
    const child = fork(join(import.meta.dirname, 'oidc.program.ts'), [port, CLIENT.clientId, CLIENT.clientSecret, redirectUri], {
      execArgv: [],
      stdio: 'ignore', // it warns of all that is not for production
    });
    const [at] = (await once(child, 'message')) as [string];
    return { child, url: at };
  };
  let { child, url } = await start('0');
  const die = async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill('SIGKILL');
    await once(child, 'exit');
  };
  return { url, die, revive: async () => void ({ child, url } = await start(new URL(url).port)), close: die };
}

/** An OpenID provider that says what it is told to say. */
export interface LyingProvider extends Running {
  /** What it puts into the next id_token beside what belongs there; undefined takes a claim out. */
  lie: Record<string, unknown>;
  /** Another key than the one it publishes. */
  forge: boolean;
  /** Answers its token endpoint like this instead. */
  answer: { status: number; body: unknown } | undefined;
}

export async function aLyingProvider(): Promise<LyingProvider> {
  const [own, foreign] = await Promise.all([generateKeyPair('RS256', { extractable: true }), generateKeyPair('RS256')]);
  const jwk = { ...(await exportJWK(own.publicKey)), kid: 'k', alg: 'RS256', use: 'sig' };
  const state: Pick<LyingProvider, 'lie' | 'forge' | 'answer'> = { lie: {}, forge: false, answer: undefined };
  const server = await serve((url) => async (request, response) => {
    switch (request.url) {
      case '/.well-known/openid-configuration':
        return json(response, {
          issuer: url,
          authorization_endpoint: `${url}/authorize`,
          token_endpoint: `${url}/token`,
          jwks_uri: `${url}/jwks`,
          response_types_supported: ['code'],
          subject_types_supported: ['public'],
          id_token_signing_alg_values_supported: ['RS256'],
          authorization_response_iss_parameter_supported: true,
          claims_parameter_supported: true,
        });
      case '/jwks':
        return json(response, { keys: [jwk] });
      case '/token': {
        await text(request);
        if (state.answer) return json(response, state.answer.body, state.answer.status);
        const now = Math.floor(Date.now() / 1_000);
        const claims = { iss: url, aud: CLIENT.clientId, sub: 'liar', iat: now, exp: now + 60, ...state.lie } as JWTPayload;
        const token = new SignJWT(claims).setProtectedHeader({ alg: 'RS256', kid: 'k' });
        const idToken = await token.sign(state.forge ? foreign.privateKey : own.privateKey);
        return json(response, { access_token: 'a', token_type: 'Bearer', id_token: idToken });
      }
      default:
        return json(response, {}, 404);
    }
  });
  return Object.assign(state, server);
}

/** The endpoints of GitHub that a sign-in needs, as an Enterprise Server has them. */
export interface Github extends Running {
  /** Who each code is of. */
  codes: Map<string, { challenge: string; user: unknown; emails: unknown }>;
}

export async function aGithub(): Promise<Github> {
  const codes: Github['codes'] = new Map();
  const server = await serve(() => async (request, response) => {
    const granted = codes.get((request.headers.authorization ?? '').replace(/^Bearer of-/i, ''));
    switch (request.url) {
      case '/login/oauth/access_token': {
        const form = new URLSearchParams(await text(request));
        const code = codes.get(form.get('code')!);
        const proven = createHash('sha256').update(form.get('code_verifier')!).digest('base64url') === code?.challenge;
        // GitHub refuses with 200.
        if (!proven || form.get('client_secret') !== CLIENT.clientSecret) return json(response, { error: 'bad_verification_code' });
        return json(response, { access_token: `of-${form.get('code')}`, token_type: 'bearer', scope: 'read:user,user:email' });
      }
      case '/api/v3/user':
        return granted ? json(response, granted.user) : json(response, {}, 401);
      case '/api/v3/user/emails':
        return granted ? json(response, granted.emails) : json(response, {}, 401);
      default:
        return json(response, {}, 404);
    }
  });
  return Object.assign(server, { codes });
}
