import { problem } from '#errors';

export const notificationNotFound = problem(
  'notifications/not-found',
  'not-found',
  'No such notification',
  'None of your notifications has this id. They are kept for a while only.',
);
export const mandatoryNotification = problem(
  'notifications/mandatory',
  'unprocessable',
  'Notifications of this kind cannot be switched off',
  'What concerns the security of an account is always told, in the inbox and by mail. Leave these kinds out, or send them with both channels on.',
);
export const unsubscribeLinkInvalid = problem(
  'notifications/unsubscribe-link-invalid',
  'invalid',
  'The unsubscribe link is not valid',
  'The link is cut off or changed. Open it again from the mail, or change your preferences with PUT /api/v1/notifications/preferences.',
);
