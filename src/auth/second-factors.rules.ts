import type { User } from '../users/users.service.js';

/** Whether logging in asks this user for a second factor. */
export function hasSecondFactor(_user: User): boolean {
  return false;
}
