import { problem } from '#errors';

export const tagNotFound = problem('posts/tag-not-found', 'not-found', 'No such tag', 'No post bears this tag, as `GET /tags` spells it.');
export const sameTag = problem(
  'posts/same-tag',
  'invalid',
  'The tag is that one already',
  'Tags are kept in small letters, with one space between words: the two names are the same tag. Give another name as `into`.',
);
