import { problem } from '#errors';

export const invalidOneTimeToken = problem(
  'auth/invalid-one-time-token',
  'invalid',
  'The link is not valid any more',
  'The token of a link is good once, for one purpose and a limited time. Ask for another: POST /api/v1/auth/email/resend, POST /api/v1/auth/password/forgot or POST /api/v1/auth/email/change.',
);
