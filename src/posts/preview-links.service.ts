import { randomUUIDv7 } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { audited, record } from '#audit';
import { deriveKeys, Env } from '#config';
import { type Db, execute, Prisma, PrismaService, rows, transaction } from '#database';
import { apiUrl, validationFailed } from '#http';
import type { Actor } from '#security';
import { ChangesService } from './changes.service.js';
import { findPost, type Post } from './posts.queries.js';
import type { CreatePreviewLinkDto } from './preview-links.dto.js';
import { previewEnded, previewLinkNotFound, tooManyPreviewLinks } from './preview-links.errors.js';
import { readToken, tokenOf } from './preview-links.rules.js';

export interface PreviewLink {
  id: string;
  postId: string;
  createdById: string;
  createdByName: string;
  createdAt: Date;
  expiresAt: Date;
}

/** A link with what is shown once. */
export interface SharedPreview {
  link: PreviewLink;
  url: string;
}

const MOST_LINKS = 50;
const LONGEST_MS = 90 * 86_400_000;

const auditedLink = audited('preview-link', { postId: 'plain', expiresAt: 'plain' });
const MEMBERS = Prisma.sql`l.id, l.post_id AS "postId", l.created_by_id AS "createdById", u.name AS "createdByName", l.created_at AS "createdAt", l.expires_at AS "expiresAt"`;

/**
 * Links that show a post to whoever has them. They are signed, so that what lies in the database opens nothing; the row is what can be
 * revoked, and goes when the post is put into the trash.
 */
@Injectable()
export class PreviewLinksService {
  private readonly keys: Buffer[];
  private readonly api: string;

  constructor(
    private readonly prisma: PrismaService,
    private readonly env: Env,
    private readonly changes: ChangesService,
  ) {
    this.keys = deriveKeys(env, 'preview-links');
    this.api = apiUrl(env);
  }

  async list(actor: Actor, id: string): Promise<PreviewLink[]> {
    await this.changes.access(actor, id, this.prisma);
    return this.linksOf(id, this.prisma);
  }

  async create(actor: Actor, id: string, { expiresAt }: CreatePreviewLinkDto): Promise<SharedPreview> {
    const end = expiresAt === undefined ? new Date(Date.now() + this.env.POSTS_PREVIEW_TTL_SECONDS * 1_000) : new Date(expiresAt);
    const lifeMs = end.getTime() - Date.now();
    if (lifeMs <= 0 || lifeMs > LONGEST_MS)
      throw validationFailed('/expiresAt is not valid: a link ends in the future, and within 90 days.', {
        fields: [{ pointer: '/expiresAt', code: 'isSoon', detail: 'must be in the future, and within 90 days' }],
      });
    return transaction(this.prisma, async (db) => {
      const post = await this.changes.lock(actor, id, db);
      if ((await this.linksOf(id, db)).length >= MOST_LINKS)
        throw tooManyPreviewLinks(`This post has ${MOST_LINKS} preview links; revoke one that nobody needs.`);
      const linkId = randomUUIDv7();
      await execute(
        db,
        Prisma.sql`INSERT INTO preview_links (id, post_id, created_by_id, expires_at)
          VALUES (${linkId}::uuid, ${id}::uuid, ${actor.id}::uuid, ${end})`,
      );
      const after = { postId: id, expiresAt: end };
      await record(db, { actor, action: 'posts.preview-shared', resource: auditedLink(linkId), subject: post.authorId, after });
      const link = (await this.linksOf(id, db)).find((one) => one.id === linkId)!;
      const token = tokenOf(this.keys[0]!, { linkId, expires: end.getTime() });
      return { link, url: `${this.api}/posts/${id}/preview?token=${token}` };
    });
  }

  async revoke(actor: Actor, id: string, linkId: string): Promise<void> {
    await transaction(this.prisma, async (db) => {
      const post = await this.changes.access(actor, id, db);
      const { count } = await db.previewLink.deleteMany({ where: { id: linkId, postId: id } });
      if (count === 0) throw previewLinkNotFound('This post has no preview link with this id (any more).');
      const before = { postId: id };
      await record(db, { actor, action: 'posts.preview-revoked', resource: auditedLink(linkId), subject: post.authorId, before });
    });
  }

  /** The post as it is, for whoever has a link. What no key of ours has signed costs the database nothing. @throws posts/preview-ended */
  async read(id: string, token: string): Promise<Post> {
    const grant = readToken(this.keys, token);
    const holds = grant !== null && grant.expires > Date.now() && (await this.isLive(grant.linkId, id));
    const post = holds ? await findPost(this.prisma, { id }) : null;
    if (post === null) throw previewEnded('This link shows nothing (any more); ask for another.');
    return post;
  }

  /** Deletes at most so many that have expired, and says how many. */
  async purge(limit: number): Promise<number> {
    return execute(
      this.prisma,
      Prisma.sql`DELETE FROM preview_links WHERE id IN (SELECT id FROM preview_links WHERE expires_at < now() LIMIT ${limit} FOR UPDATE SKIP LOCKED)`,
    );
  }

  private async isLive(linkId: string, postId: string): Promise<boolean> {
    const live = await rows(
      this.prisma,
      Prisma.sql`SELECT 1 FROM preview_links WHERE id = ${linkId}::uuid AND post_id = ${postId}::uuid AND expires_at > now()`,
    );
    return live.length > 0;
  }

  private linksOf(postId: string, db: Db): Promise<PreviewLink[]> {
    return rows(
      db,
      Prisma.sql`SELECT ${MEMBERS} FROM preview_links l JOIN users u ON u.id = l.created_by_id
        WHERE l.post_id = ${postId}::uuid AND l.expires_at > now() ORDER BY l.created_at DESC, l.id DESC LIMIT ${MOST_LINKS}`,
    );
  }
}
