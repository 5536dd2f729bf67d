import { Injectable } from '@nestjs/common';
import { invalidate } from '#cache';
import { Env } from '#config';
import { defined, execute, Prisma, PrismaService, rows, transaction, type Tx } from '#database';
import { type JobRun, Schedule } from '#jobs';
import { apiUrl } from '#http';
import type { Actor } from '#security';
import { FilesService } from '../files/files.service.js';
import { excerptFrom, type Rendered, RENDERING, renderMarkdown } from './markdown.rules.js';
import { imageUnusable } from './posts.errors.js';
import type { Post } from './posts.queries.js';
import { outOf } from './public.queries.js';

type Shows = Pick<Post, 'coverFileId' | 'imageIds'>;
const NOTHING: Shows = { coverFileId: null, imageIds: [] };
const BATCH = 50;

/** What posts are made into and show: the HTML of their bodies, and files, which are public as long as a post that is out shows them. */
@Injectable()
export class BodiesService {
  private readonly api: string;

  constructor(
    private readonly prisma: PrismaService,
    private readonly files: FilesService,
    env: Env,
  ) {
    this.api = apiUrl(env);
  }

  /** @throws posts/body-too-complex */
  render(body: string): Rendered {
    return renderMarkdown(body, this.api);
  }

  /**
   * Refuses files that a post cannot show: those that are gone, are no images, or are neither its author's nor the actor's, unless the actor
   * is an editor. What it showed before may stay. @throws posts/image-unusable
   */
  async check(actor: Actor, authorId: string, shows: Partial<Shows>, before: Shows, db: Tx): Promise<void> {
    const known = filesOf(before);
    const added = filesOf({ ...NOTHING, ...defined(shows) }).filter((id) => !known.includes(id));
    if (added.length === 0) return;
    const usable = await this.usable(actor, authorId, added, db);
    const refused = added.filter((id) => !usable.includes(id));
    if (refused.length === 0) return;
    throw imageUnusable('One of the files is gone, is no image, or is somebody else’s; upload the image first.', {
      fields: refused.map((id) => ({
        pointer: id === shows.coverFileId ? '/coverFileId' : '/body',
        code: 'image-unusable',
        detail: `cannot show the file ${id}`,
      })),
    });
  }

  /** Whether a post of this author's can show the file above it. */
  async isUsable(actor: Actor, authorId: string, id: string | undefined, db: Tx): Promise<boolean> {
    return id !== undefined && (await this.usable(actor, authorId, [id], db)).length > 0;
  }

  private async usable(actor: Actor, authorId: string, ids: string[], db: Tx): Promise<string[]> {
    const images = await this.files.images(ids, db);
    return images.filter(({ ownerId }) => ownerId === authorId || ownerId === actor.id || actor.can('posts:manage')).map(({ id }) => id);
  }

  /** Brings files into line with the post that shows them: called wherever a post begins or ceases to be out, or shows others. */
  async align(actor: Actor | null, post: Shows & { id: string }, isOut: boolean, before: Shows | null, db: Tx): Promise<void> {
    const ids = filesOf(post);
    if (ids.length === 0 && filesOf(before ?? NOTHING).length === 0) return;
    await this.files.show(actor, { type: 'post', id: post.id }, ids, { isPublic: isOut }, db);
  }

  /** Of posts that are deleted for good: what they showed is shown by them no more. */
  async release(postIds: readonly string[], db: Tx): Promise<void> {
    await this.files.detach({ type: 'post', id: postIds }, db);
  }

  /** Renders again what an older version of the renderer has made: the same text, so no new version of the post. */
  @Schedule('posts.render', '*/10 * * * *', { timeoutSeconds: 600 })
  async renew({ signal }: Pick<JobRun, 'signal'>): Promise<void> {
    for (let renewed = BATCH; renewed === BATCH && !signal.aborted;) renewed = await this.renewSome();
  }

  private async renewSome(): Promise<number> {
    return transaction(this.prisma, async (db) => {
      const posts = await rows<
        Pick<Post, 'id' | 'authorId' | 'body' | 'bodyHtml' | 'excerpt' | 'coverFileId' | 'imageIds'> & { isOut: boolean }
      >(
        db,
        Prisma.sql`SELECT id, author_id AS "authorId", body, body_html AS "bodyHtml", excerpt, cover_file_id AS "coverFileId", image_ids AS "imageIds",
            (${outOf('posts')} AND trashed_at IS NULL) IS TRUE AS "isOut"
          FROM posts WHERE rendering < ${RENDERING} ORDER BY rendering LIMIT ${BATCH} FOR UPDATE SKIP LOCKED`,
      );
      for (const post of posts) {
        const rendered = renderMarkdown(post.body, this.api, { wasTaken: true });
        const images = await this.files.images(rendered.imageIds, db);
        const imageIds = rendered.imageIds.filter((id) => images.some((image) => image.id === id && image.ownerId === post.authorId));
        await execute(
          db,
          Prisma.sql`UPDATE posts SET body_html = ${rendered.bodyHtml}, contents = ${JSON.stringify(rendered.contents)}::jsonb, minutes = ${rendered.minutes},
            image_ids = ${imageIds}::uuid[], own_excerpt = own_excerpt AND excerpt <> ${excerptFrom(post.bodyHtml)}, rendering = ${RENDERING}
            WHERE id = ${post.id}::uuid`,
        );
        await this.align(null, { ...post, imageIds }, post.isOut, post, db);
        if (post.isOut) invalidate(db, [`post:${post.id}`]);
      }
      return posts.length;
    });
  }
}

/** Each once. */
function filesOf({ coverFileId, imageIds }: Shows): string[] {
  return [...new Set([...(coverFileId === null ? [] : [coverFileId]), ...imageIds])];
}
