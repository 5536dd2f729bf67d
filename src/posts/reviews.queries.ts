import { randomUUIDv7 } from 'node:crypto';
import { type Db, execute, Prisma, type ReviewOutcome, rows, type Tx } from '#database';
import { publish } from '#events';
import { keysetSql, type Position } from '#http';
import type { Actor } from '#security';
import { of } from './posts.events.js';
import type { Post } from './posts.queries.js';
import { postSubmitted } from './reviews.events.js';

/** A review of a post; one without an outcome waits. */
export interface Review {
  id: string;
  submittedById: string;
  submittedByName: string;
  submittedAt: Date;
  version: number;
  note: string | null;
  outcome: ReviewOutcome | null;
  decidedById: string | null;
  decidedByName: string | null;
  decidedAt: Date | null;
  decidedVersion: number | null;
  decisionNote: string | null;
}

export interface Decision {
  outcome: ReviewOutcome;
  actor: Actor;
  note: string | null;
}

/** Hands a post in, or says something else about one that waits already. Whether it waits only now. */
export async function openReview(db: Tx, actor: Actor, post: Post, note: string | null): Promise<boolean> {
  const [review] = await rows<{ fresh: boolean }>(
    db,
    Prisma.sql`INSERT INTO post_reviews (id, post_id, submitted_by_id, version, note)
      VALUES (${randomUUIDv7()}::uuid, ${post.id}::uuid, ${actor.id}::uuid, ${post.version}, ${note})
      ON CONFLICT (post_id) WHERE outcome IS NULL DO UPDATE SET version = excluded.version, note = excluded.note
      RETURNING xmax = 0 AS fresh`,
  );
  return review!.fresh;
}

/** An approved post was changed by somebody who may not approve: the editors have to look at it again. */
export async function reopenReview(db: Tx, actor: Actor, post: Post): Promise<void> {
  await execute(db, Prisma.sql`UPDATE posts SET review = 'submitted' WHERE id = ${post.id}::uuid`);
  post.review = 'submitted';
  await openReview(db, actor, post, null);
  await publish(db, postSubmitted, ...of(actor, post));
}

export async function closeReview(db: Tx, post: Post, { outcome, actor, note }: Decision): Promise<void> {
  await execute(
    db,
    Prisma.sql`UPDATE post_reviews SET outcome = ${outcome}::review_outcome, decided_by_id = ${actor.id}::uuid, decided_at = now(),
        decided_version = ${post.version - 1}, decision_note = ${note}
      WHERE post_id = ${post.id}::uuid AND outcome IS NULL`,
  );
}

/** The newest first; one row more than asked for tells that there is a next page. */
export function listReviews(db: Db, postId: string, limit: number, position: Position | null): Promise<Review[]> {
  const sort = { field: 'submittedAt', descending: true };
  const { after, order } = keysetSql(Prisma.sql`r.submitted_at`, Prisma.sql`r.id`, sort, position);
  return rows(
    db,
    Prisma.sql`SELECT r.id, r.submitted_by_id AS "submittedById", s.name AS "submittedByName", r.submitted_at AS "submittedAt", r.version, r.note,
        r.outcome::text AS outcome, r.decided_by_id AS "decidedById", d.name AS "decidedByName", r.decided_at AS "decidedAt",
        r.decided_version AS "decidedVersion", r.decision_note AS "decisionNote"
      FROM post_reviews r JOIN users s ON s.id = r.submitted_by_id LEFT JOIN users d ON d.id = r.decided_by_id
      WHERE r.post_id = ${postId}::uuid ${after} ${order} LIMIT ${limit + 1}`,
  );
}
