import type { PostFacts, PostStatus } from './posts.rules.js';
import { statusOf } from './posts.rules.js';

/** What can be handed in: a post that is not out. Handing in one that has ended makes it a draft again. */
const SUBMITTABLE: readonly PostStatus[] = ['draft', 'in-review', 'approved', 'expired'];

export const maySubmit = (post: PostFacts, now: Date): boolean => SUBMITTABLE.includes(statusOf(post, now));
