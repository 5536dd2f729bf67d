import type { RegistrationResponseJSON } from '@simplewebauthn/server';

/** Where passkeys belong to, and from where they may be used. */
export interface RelyingParty {
  /** WebAuthn's RP ID: a domain. */
  id: string;
  origins: string[];
}

/** By the settings, or what follows from where Ashlar and its browser applications are. */
export function relyingPartyOf(env: {
  PUBLIC_URL: string | undefined;
  CORS_ORIGINS: readonly string[];
  AUTH_PASSKEYS_RP_ID: string | undefined;
  AUTH_PASSKEYS_ORIGINS: readonly string[];
}): RelyingParty {
  const { origin, hostname } = new URL(env.PUBLIC_URL!);
  const origins = env.AUTH_PASSKEYS_ORIGINS.length > 0 ? env.AUTH_PASSKEYS_ORIGINS : [origin, ...env.CORS_ORIGINS];
  return { id: env.AUTH_PASSKEYS_RP_ID ?? hostname, origins: [...new Set(origins)] };
}

/** The challenge that a browser says it answers; null when its client data is none. */
export function challengeIn(clientDataJSON: string): string | null {
  try {
    const data = JSON.parse(Buffer.from(clientDataJSON, 'base64url').toString('utf8')) as { challenge?: unknown } | null;
    return typeof data?.challenge === 'string' ? data.challenge : null;
  } catch {
    return null; // JSON.parse's one way to say that this is no JSON
  }
}

/** A user's id as the handle that authenticators keep: its 16 bytes. */
export function userHandleOf(userId: string): Uint8Array<ArrayBuffer> {
  return new Uint8Array(Buffer.from(userId.replaceAll('-', ''), 'hex'));
}

/** What an authenticator answered to a registration, as browsers' `toJSON` writes it. */
export interface AttestationMembers {
  id: string;
  rawId: string;
  type: 'public-key';
  response: { clientDataJSON: string; attestationObject: string; transports?: string[] };
}

/** As the library takes it: without what it reads out of the attestation itself. */
export function attestationOf({ id, rawId, type, response }: AttestationMembers): RegistrationResponseJSON {
  const { clientDataJSON, attestationObject, transports = [] } = response;
  return { id, rawId, type, response: { clientDataJSON, attestationObject, transports }, clientExtensionResults: {} };
}
