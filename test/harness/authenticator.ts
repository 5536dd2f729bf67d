import { createHash, createSign, generateKeyPairSync, type KeyObject, randomBytes } from 'node:crypto';
import { isoCBOR } from '@simplewebauthn/server/helpers';

const UP = 0x01;
const UV = 0x04;
const BACKUP_ELIGIBLE = 0x08;
const BACKED_UP = 0x10;
const ATTESTED = 0x40;

const sha256 = (data: Buffer | string) => createHash('sha256').update(data).digest();
const base64url = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64url');

/** What a browser is told by a server that it asks for options; of it, what this one heeds. */
interface Options {
  challenge: string;
}

/** What a test makes an authenticator or its browser do wrong. */
export interface Misbehaviour {
  origin?: string;
  rpId?: string;
  challenge?: string;
  counter?: number;
  /** Leaves its user unverified. */
  unverified?: boolean;
  type?: string;
  userHandle?: string;
}

/** A passkey of this software authenticator. */
interface Credential {
  id: string;
  privateKey: KeyObject;
  userHandle: string;
}

/** An authenticator and the browser that uses it, both in software: speaks WebAuthn's JSON, as `toJSON()` gives it, with ES256. */
export class Authenticator {
  private readonly credentials: Credential[] = [];
  private counter = 0;

  constructor(
    private readonly origin = 'http://localhost',
    private readonly rpId = 'localhost',
  ) {}

  /** Answers `PublicKeyCredentialCreationOptions`. */
  create({ challenge, user }: Options & { user: { id: string } }, wrong: Misbehaviour = {}) {
    const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const id = randomBytes(16);
    const jwk = publicKey.export({ format: 'jwk' });
    const cose = new Map<number, number | Uint8Array>([
      [1, 2],
      [3, -7],
      [-1, 1],
      [-2, new Uint8Array(Buffer.from(jwk.x!, 'base64url'))],
      [-3, new Uint8Array(Buffer.from(jwk.y!, 'base64url'))],
    ]);
    const length = Buffer.alloc(2);
    length.writeUInt16BE(id.length);
    const authData = Buffer.concat([this.data(ATTESTED, wrong), Buffer.alloc(16), length, id, isoCBOR.encode(cose)]);
    const attestation = new Map<string, unknown>([
      ['fmt', 'none'],
      ['attStmt', new Map()],
      ['authData', new Uint8Array(authData)],
    ]);
    this.credentials.push({ id: base64url(id), privateKey, userHandle: user.id });
    return {
      id: base64url(id),
      rawId: base64url(id),
      type: 'public-key',
      response: {
        clientDataJSON: base64url(this.clientData('webauthn.create', challenge, wrong)),
        attestationObject: base64url(isoCBOR.encode(attestation as never)),
        transports: ['internal'],
      },
      authenticatorAttachment: 'platform',
      clientExtensionResults: { credProps: { rk: true } },
    };
  }

  /** Answers `PublicKeyCredentialRequestOptions`, by the passkey that was made last. */
  get({ challenge }: Options, wrong: Misbehaviour = {}) {
    const credential = this.credentials.at(-1)!;
    const authData = this.data(0, { counter: ++this.counter, ...wrong });
    const clientData = this.clientData('webauthn.get', challenge, wrong);
    const signature = createSign('sha256')
      .update(Buffer.concat([authData, sha256(clientData)]))
      .sign(credential.privateKey);
    return {
      id: credential.id,
      rawId: credential.id,
      type: 'public-key',
      response: {
        clientDataJSON: base64url(clientData),
        authenticatorData: base64url(authData),
        signature: base64url(signature),
        userHandle: wrong.userHandle ?? credential.userHandle,
      },
      authenticatorAttachment: 'platform',
      clientExtensionResults: {},
    };
  }

  /** The end of its authenticator data (WebAuthn, 6.1) is the caller's. */
  private data(flags: number, { rpId = this.rpId, counter = 0, unverified = false }: Misbehaviour): Buffer {
    const rest = Buffer.alloc(5);
    rest[0] = UP | BACKUP_ELIGIBLE | BACKED_UP | flags | (unverified ? 0 : UV);
    rest.writeUInt32BE(counter, 1);
    return Buffer.concat([sha256(rpId), rest]);
  }

  private clientData(kind: string, challenge: string, wrong: Misbehaviour): Buffer {
    return Buffer.from(
      JSON.stringify({
        type: wrong.type ?? kind,
        challenge: wrong.challenge ?? challenge,
        origin: wrong.origin ?? this.origin,
        crossOrigin: false,
      }),
    );
  }
}
