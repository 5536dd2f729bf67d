import type { ExportedPost } from './exports.queries.js';
import { joinFile } from './front-matter.rules.js';

/** `2026-01-31-a-slug.md`: no two posts have the same, and every computer takes it, since slugs are of small letters, digits and hyphens. */
export function fileNameOf({ slug, publishedAt, createdAt }: Pick<ExportedPost, 'slug' | 'publishedAt' | 'createdAt'>): string {
  return `${(publishedAt ?? createdAt).toISOString().slice(0, 10)}-${slug}.md`;
}

/** The file of a post, with the path of the picture above it: what an import makes the same post of. */
export function fileOf(post: Omit<ExportedPost, 'authorId' | 'coverFileId'>, cover: string | null = null): string {
  return joinFile(
    {
      title: post.title,
      slug: post.slug,
      date: (post.publishedAt ?? post.createdAt).toISOString(),
      lastmod: post.updatedAt.toISOString(),
      draft: post.publishedAt === null,
      ...(post.tags.length > 0 && { tags: post.tags }),
      ...(post.ownExcerpt && { excerpt: post.excerpt }),
      ...(cover !== null && { cover }),
      author: post.authorName,
      id: post.id,
      ...(post.externalId !== null && { externalId: post.externalId }),
      ...(Object.keys(post.metadata).length > 0 && { metadata: post.metadata }),
    },
    post.body,
  );
}

const FILE = /\/api\/v1\/files\/([0-9a-f-]{36})\/content$/;

/** The id of the file here that an address leads to. */
export function fileIn(address: string): string | null {
  return FILE.exec(address)?.[1] ?? null;
}
