import { UserResponse } from '../users/users.dto.js';
import type { Impersonation } from './impersonations.service.js';

export class ImpersonationResponse {
  /** The session in which you act as the user: they see it in theirs, and can end it. */
  sessionId: string;
  user: UserResponse;
  /** Send it as `Authorization: Bearer <accessToken>`. Its `act` names you; it cannot be refreshed. */
  accessToken: string;
  /** Seconds the access token and the session live. @example 900 */
  expiresIn: number;

  static from(this: void, { sessionId, user, accessToken, expiresIn }: Impersonation): ImpersonationResponse {
    return { sessionId, user: UserResponse.from(user), accessToken, expiresIn };
  }
}
