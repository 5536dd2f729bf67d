import { Injectable } from '@nestjs/common';
import { Env } from '#config';
import { type Db, execute, Prisma, PrismaService, rows } from '#database';
import { validationFailed } from '#http';
import type { Actor } from '#security';
import type { AutosaveDto } from './autosaves.dto.js';
import { autosaveNotFound } from './autosaves.errors.js';
import { ChangesService } from './changes.service.js';
import type { PostSummary } from './posts.queries.js';
import { changesSince } from './revisions.queries.js';
import type { MemberChange } from './revisions.rules.js';

interface Row {
  baseVersion: number;
  title: string | null;
  excerpt: string | null;
  body: string | null;
  tags: string[] | null;
  savedAt: Date;
}

/** What an editor has typed and not saved, with what others have changed since they began. */
export interface Autosave extends Row {
  currentVersion: number;
  changes: MemberChange[];
}

const MEMBERS = Prisma.sql`base_version AS "baseVersion", title, excerpt, body, tags, saved_at AS "savedAt"`;

/**
 * What editors have typed and not saved: one for each editor and post, for the editor alone. It comes every few seconds, so it is no version
 * of the post, and neither the audit log nor the events are told; saving the post clears it.
 */
@Injectable()
export class AutosavesService {
  constructor(
    private readonly prisma: PrismaService,
    private readonly env: Env,
    private readonly changes: ChangesService,
  ) {}

  async get(actor: Actor, id: string): Promise<Autosave> {
    const post = await this.changes.access(actor, id, this.prisma);
    const [row] = await rows<Row>(
      this.prisma,
      Prisma.sql`SELECT ${MEMBERS} FROM post_autosaves WHERE post_id = ${id}::uuid AND editor_id = ${actor.id}::uuid`,
    );
    if (row === undefined) throw autosaveNotFound('You have typed nothing into this post that was not saved.');
    return this.compared(row, post);
  }

  /** In place of the one before. */
  async keep(actor: Actor, id: string, { baseVersion, title, excerpt, body, tags }: AutosaveDto): Promise<Autosave> {
    const post = await this.changes.access(actor, id, this.prisma);
    if (baseVersion > post.version)
      throw validationFailed(`/baseVersion is not valid: the post has version ${post.version}.`, {
        fields: [{ pointer: '/baseVersion', code: 'max', detail: `must not be greater than ${post.version}` }],
      });
    const [row] = await rows<Row>(
      this.prisma,
      Prisma.sql`INSERT INTO post_autosaves (post_id, editor_id, base_version, title, excerpt, body, tags)
        SELECT id, ${actor.id}::uuid, ${baseVersion}, ${title ?? null}, ${excerpt ?? null}, ${body ?? null}, ${tags ? JSON.stringify(tags) : null}::jsonb
        FROM posts WHERE id = ${id}::uuid
        ON CONFLICT (post_id, editor_id) DO UPDATE SET base_version = excluded.base_version, title = excluded.title, excerpt = excluded.excerpt,
          body = excluded.body, tags = excluded.tags, saved_at = now()
        RETURNING ${MEMBERS}`,
    );
    if (row === undefined) throw autosaveNotFound('The post was deleted meanwhile.');
    return this.compared(row, post);
  }

  async discard(actor: Actor, id: string): Promise<void> {
    await this.changes.access(actor, id, this.prisma);
    await execute(this.prisma, Prisma.sql`DELETE FROM post_autosaves WHERE post_id = ${id}::uuid AND editor_id = ${actor.id}::uuid`);
  }

  /** Deletes at most so many that are too old, and says how many. */
  async purge(limit: number): Promise<number> {
    return execute(
      this.prisma,
      Prisma.sql`DELETE FROM post_autosaves WHERE (post_id, editor_id) IN (
        SELECT post_id, editor_id FROM post_autosaves WHERE saved_at < now() - make_interval(days => ${this.env.POSTS_AUTOSAVES_TTL_DAYS})
        LIMIT ${limit} FOR UPDATE SKIP LOCKED)`,
    );
  }

  private async compared(row: Row, post: PostSummary, db: Db = this.prisma): Promise<Autosave> {
    const changes = row.baseVersion < post.version ? await changesSince(db, post, row.baseVersion) : [];
    return { ...row, currentVersion: post.version, changes };
  }
}
