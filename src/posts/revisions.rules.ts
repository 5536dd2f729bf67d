import { isDeepStrictEqual } from 'node:util';
import type { FieldProblem } from '#errors';
import type { UpdatePostDto } from './posts.dto.js';
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

const TEXTS = ['title', 'slug', 'excerpt', 'tags'] as const;
/** What a post is beside its words. Older releases did not keep it. */
export const PLACES = ['coverFileId', 'seriesId', 'seriesPlace'] as const;
/** Those whose former values it keeps, beside the body. */
export const KEPT = [...TEXTS, ...PLACES] as const satisfies readonly (typeof NAMED)[number][];

/** What a reader sees of a post, as a version had it, and whether its excerpt was written by hand. */
export type Content = Pick<Post, (typeof TEXTS)[number] | 'ownExcerpt'> & Partial<Pick<Post, (typeof PLACES)[number]>>;

/** What the API calls it. */
export const memberOf = (name: (typeof NAMED)[number]): string => (name === 'seriesPlace' ? 'seriesPosition' : name);

export function changedMembers(before: Post, after: Post): string[] {
  return NAMED.filter((name) => !isDeepStrictEqual(before[name], after[name])).map(memberOf);
}

/** What a restoration brings back: what leads to a post, and whether it is out, stays as it is now. */
export function restored(version: Content & { body: string }): UpdatePostDto {
  const { title, excerpt, ownExcerpt, tags, body, coverFileId, seriesId, seriesPlace } = version;
  return {
    title,
    body,
    tags,
    excerpt: ownExcerpt ? excerpt : null, // made from the body again
    ...(coverFileId !== undefined && { coverFileId }),
    ...(seriesId !== undefined && { seriesId, ...(typeof seriesPlace === 'number' && { seriesPosition: seriesPlace }) }),
  };
}

export function contentOf(post: Content): Content {
  return Object.fromEntries([...KEPT, 'ownExcerpt' as const].map((name) => [name, post[name]])) as unknown as Content;
}

/** Whether a change of these members is one of what `contentOf` keeps. */
export const touchesContent = (changed: readonly string[]): boolean => KEPT.some((name) => changed.includes(memberOf(name)));

/** Whether readers, and so reviewers, would see a difference. */
export const isRewritten = (changed: readonly string[]): boolean =>
  [...TEXTS, 'body', 'coverFileId'].some((name) => changed.includes(name));

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
