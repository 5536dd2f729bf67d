import { problem } from '#errors';

export const releaseNotFound = problem(
  'releases/not-found',
  'not-found',
  'No such release',
  'No release has this id, or you may not see releases. It may have been deleted while it was open.',
);
export const releaseItemNotFound = problem(
  'releases/item-not-found',
  'not-found',
  'No such change in this release',
  'The release has no item with this id, or it changes something that you may not see. `GET /releases/:id/items` lists what you may.',
);
export const releaseNotOpen = problem(
  'releases/not-open',
  'conflict',
  'The release is not open',
  'Only an open release can be changed, deleted or published, and one whose publication has failed. Withdraw the schedule first (`DELETE /releases/:id/publication`); for what is published already, make another release.',
);
export const releaseNotScheduled = problem(
  'releases/not-scheduled',
  'conflict',
  'The release is not scheduled',
  'There is no schedule to withdraw. A release that is published is taken back by `POST /releases/:id/rollback`.',
);
export const releaseNotPublished = problem(
  'releases/not-published',
  'conflict',
  'The release is not published',
  'Only a published release can be rolled back, once.',
);
export const releaseEmpty = problem(
  'releases/empty',
  'conflict',
  'The release changes nothing',
  'Add what it is to change (`POST /releases/:id/items`) before it is published or scheduled.',
);
export const releaseFull = problem(
  'releases/full',
  'conflict',
  'The release holds as much as one can',
  'A release has at most 200 items, and at most 10 MB of changes, because it goes live in one transaction. Put the rest into another release.',
);
export const resourceInRelease = problem(
  'releases/item-exists',
  'conflict',
  'The release changes this already',
  'A release has one item for each post, product or variant. Change that one (`PATCH /releases/:id/items/:itemId`).',
);
export const releaseConflicts = problem(
  'releases/conflicts',
  'conflict',
  'The release cannot go live as it stands',
  'Nothing was changed. `errors` names each item that is in the way and why; `GET /releases/:id/preview` shows the same. Rebase what is outdated, change what is taken, remove what is gone.',
);
export const changedSinceRelease = problem(
  'releases/changed-since',
  'conflict',
  'What the release has changed was changed again',
  'Nothing was rolled back. `errors` names each resource that somebody has changed since the release went live, or that cannot be restored. Send `{ "force": true }` to write over what was changed since.',
);
export const beyondYourRights = problem(
  'releases/beyond-your-rights',
  'forbidden',
  'The release changes what you may not',
  'Whoever adds a change, publishes or schedules a release, or rolls it back needs the permissions that the same edits need directly: `posts:manage` with `posts:write` and `posts:publish` for posts, `products:manage` for products, variants and prices. What is scheduled needs them at its time, too.',
);
export const resourceOutdated = problem(
  'releases/outdated',
  'conflict',
  'The resource was changed since the item was added',
  'The item was made for an earlier version. Look at what has changed (`GET /releases/:id/preview`), then accept it with `POST /releases/:id/items/:itemId/rebase`.',
);
export const publicationInterrupted = problem(
  'releases/interrupted',
  'unavailable',
  'The release could not be published at its time',
  'Its job was tried several times, and something other than the release itself was in the way each time; nothing of it was applied. Publish or schedule it again.',
);
export const itemChangesNothing = problem(
  'releases/nothing-to-change',
  'unprocessable',
  'The item changes nothing',
  'Say what to change: at least one member in `changes`, or, of a post, a `publication`.',
);
export const itemOfOtherKind = problem(
  'releases/other-kind',
  'unprocessable',
  'The item is of another kind',
  '`kind` says in which form the changes are, and has to be the kind that the item has. To change something else, add another item.',
);
