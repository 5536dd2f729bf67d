import { isDeepStrictEqual } from 'node:util';
import type { FieldProblem } from '#errors';
import type { Post } from './posts.queries.js';

/** The members of a post whose changes its history names. */
export const NAMED = [
  'title',
  'slug',
  'excerpt',
  'body',
  'tags',
  'coverFileId',
  'seriesId',
  'seriesPlace',
  'commentsOpen',
  'externalId',
  'metadata',
  'publishedAt',
  'expiresAt',
  'review',
  'trashedAt',
] as const satisfies readonly (keyof Post)[];

/** Those whose former values it keeps, beside the body. */
export const KEPT = ['title', 'slug', 'excerpt', 'tags'] as const satisfies readonly (typeof NAMED)[number][];

/** What a reader sees of a post, as a version had it, and whether its excerpt was written by hand. */
export type Content = Pick<Post, (typeof KEPT)[number] | 'ownExcerpt'>;

/** Those that a restoration brings back: what leads to a post, and whether it is out, stays as it is now. */
export const RESTORED = ['title', 'excerpt', 'body', 'tags'] as const satisfies readonly (typeof NAMED)[number][];

/** What the API calls it. */
export const memberOf = (name: (typeof NAMED)[number]): string => (name === 'seriesPlace' ? 'seriesPosition' : name);

export function changedMembers(before: Post, after: Post): string[] {
  return NAMED.filter((name) => !isDeepStrictEqual(before[name], after[name])).map(memberOf);
}

export function contentOf(post: Content): Content {
  return Object.fromEntries([...KEPT, 'ownExcerpt' as const].map((name) => [name, post[name]])) as unknown as Content;
}

/** Whether a change of these members is one of what `contentOf` keeps. */
export const touchesContent = (changed: readonly string[]): boolean => KEPT.some((name) => changed.includes(name));

/** Whether readers, and so reviewers, would see a difference. */
export const isRewritten = (changed: readonly string[]): boolean =>
  touchesContent(changed) || changed.includes('body') || changed.includes('coverFileId');

/** A member that was changed, and the last who did. */
export interface MemberChange {
  member: string;
  version: number;
  at: Date;
  /** Null where nobody knows any more. */
  by: { id: string; name: string } | null;
}

/** For somebody who began from an older version: what they have to merge with theirs. */
export function toField({ member, version, at, by }: MemberChange): FieldProblem {
  const detail = `${by?.name ?? 'somebody'} changed it in version ${version}`;
  return { pointer: `/${member}`, code: 'changed', detail, version, at: at.toISOString(), by };
}
