import { byEmail } from '../users/users.queries.js';

export const find = byEmail;
