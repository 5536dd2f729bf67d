export class JwkResponse {
  /** @example "OKP" */
  kty: string;
  /** @example "Ed25519" */
  crv: string;
  x: string;
  y?: string;
  kid: string;
  /** @example "EdDSA" */
  alg: string;
  /** @example "sig" */
  use: string;
}

export class JwksResponse {
  keys: JwkResponse[];
}
