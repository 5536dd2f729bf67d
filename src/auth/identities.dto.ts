import type { Identity } from './identities.service.js';

export class IdentityResponse {
  id: string;
  /** The provider's name in URLs. @example "google" */
  provider: string;
  /** The address that the provider told last; null where it tells none. @example "ada@example.com" */
  email: string | null;
  createdAt: Date;
  lastUsedAt: Date;

  static from(this: void, { id, provider, email, createdAt, lastUsedAt }: Identity): IdentityResponse {
    return { id, provider, email, createdAt, lastUsedAt };
  }
}

export class IdentityList {
  items: IdentityResponse[];
  /** Always null: nobody has that many. */
  nextCursor: string | null;
}
