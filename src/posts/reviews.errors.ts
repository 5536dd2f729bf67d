import { problem } from '#errors';

export const notInReview = problem(
  'posts/not-in-review',
  'conflict',
  'The post is not in review',
  'Nothing waits for a decision: the post was not handed in, was taken back, or somebody has decided meanwhile. Read it again.',
);
export const postIsOut = problem(
  'posts/already-out',
  'conflict',
  'The post is out already',
  'The post is published or scheduled, so there is nothing to review. Take it back from publication first.',
);
