import { createHash, createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { deriveKeys, Env, keptSecret } from '#config';
import { type JWK, jwtVerify, SignJWT } from 'jose';
import { LRUCache } from 'lru-cache';

interface SigningKey {
  kid: string;
  alg: 'EdDSA' | 'ES256';
  privateKey: KeyObject;
  publicKey: KeyObject;
  jwk: JWK;
}

/** What an access token says: the user and the session it belongs to. */
export interface AccessClaims {
  sub: string;
  sid: string;
  /** Who acts as the user (RFC 8693, 4.1). For those who read the token; the session itself says so, too. */
  act?: { sub: string };
}

const TYPE = 'at+jwt'; // RFC 9068: a token of another kind, though signed by us, is no access token
const AUDIENCE = 'ashlar';
const REMEMBERED_TOKENS = 10_000;

/**
 * The keys of this installation: those that sign access tokens (RFC 9068), and secrets derived for one purpose each (HKDF, RFC 5869).
 * Outside production missing ones are made once and kept under `DATA_DIR/keys`.
 */
@Injectable()
export class KeyRing {
  private readonly signing: ReadonlyMap<string, SigningKey>;
  private readonly first: SigningKey;
  private readonly verified = new LRUCache<string, { claims: AccessClaims; expiresAt: number }>({ max: REMEMBERED_TOKENS });

  constructor(private readonly env: Env) {
    const keys = (env.JWT_PRIVATE_KEYS.length > 0 ? env.JWT_PRIVATE_KEYS : [keptSecret(env, 'jwt-private-key', newSigningKey)]).map(
      readSigningKey,
    );
    this.signing = new Map(keys.map((key) => [key.kid, key]));
    this.first = keys[0]!;
  }

  /** A signed access token. */
  async sign({ sub, sid, act }: AccessClaims, ttlSeconds = this.env.JWT_ACCESS_TTL_SECONDS): Promise<string> {
    return new SignJWT({ sid, ...(act && { act: { sub: act.sub } }) })
      .setProtectedHeader({ alg: this.first.alg, kid: this.first.kid, typ: TYPE })
      .setSubject(sub)
      .setIssuer(this.env.PUBLIC_URL!)
      .setAudience(AUDIENCE)
      .setIssuedAt()
      .setExpirationTime(`${ttlSeconds}s`)
      .sign(this.first.privateKey);
  }

  /**
   * The claims of a valid access token. A signature that held once holds until the token expires, so it is computed once; whether the
   * session still lives is another question, and not asked here. The key comes from our own set by `kid`, and only with the algorithm that key is for.
   * @throws jose's JOSEError otherwise
   */
  async verify(token: string): Promise<AccessClaims> {
    const known = this.verified.get(token);
    if (known !== undefined && known.expiresAt > Date.now()) return known.claims;
    const { payload } = await jwtVerify(
      token,
      ({ kid, alg }) => {
        const key = this.signing.get(kid ?? '');
        if (key?.alg !== alg) throw new Error('unknown key');
        return key.publicKey;
      },
      {
        typ: TYPE,
        issuer: this.env.PUBLIC_URL!,
        audience: AUDIENCE,
        algorithms: ['EdDSA', 'ES256'],
        requiredClaims: ['sub', 'sid', 'exp', 'iat'],
      },
    );
    const { sub, sid } = payload;
    if (!isUuid(sub) || !isUuid(sid)) throw new Error('not an access token');
    const claims = { sub, sid };
    this.verified.set(token, { claims, expiresAt: payload.exp! * 1_000 });
    return claims;
  }

  /** The public keys as a JWK Set (RFC 7517). */
  get jwks(): { keys: JWK[] } {
    return { keys: [...this.signing.values()].map(({ jwk }) => jwk) };
  }

  /** 32 bytes for one purpose, one buffer for each of `ENCRYPTION_KEYS`: use the first, accept all. */
  derive(purpose: string): Buffer[] {
    return deriveKeys(this.env, purpose);
  }
}

function isUuid(value: unknown): value is string {
  return typeof value === 'string' && /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(value);
}

function readSigningKey(encoded: string): SigningKey {
  const privateKey = createPrivateKey(Buffer.from(encoded, 'base64').toString('utf8'));
  const publicKey = createPublicKey(privateKey);
  const { kty, crv, x, y } = publicKey.export({ format: 'jwk' });
  const members = kty === 'EC' ? { crv, kty, x, y } : { crv, kty, x }; // in the order that RFC 7638 hashes them
  const kid = createHash('sha256').update(JSON.stringify(members)).digest('base64url');
  const alg = kty === 'EC' ? 'ES256' : 'EdDSA';
  return { kid, alg, privateKey, publicKey, jwk: { ...members, kid, alg, use: 'sig' } };
}

function newSigningKey(): string {
  const pem = generateKeyPairSync('ed25519').privateKey.export({ format: 'pem', type: 'pkcs8' });
  return Buffer.from(pem).toString('base64');
}
