import { Injectable } from '@nestjs/common';
import { type Db, PrismaService, transaction, type Tx } from '#database';
import { publish } from '#events';
import { type ExpectedVersions, type Page, readCursor, toPage } from '#http';
import { type Actor, forbidden } from '#security';
import { ChangesService } from './changes.service.js';
import { of } from './posts.events.js';
import type { Post } from './posts.queries.js';
import { PostsService } from './posts.service.js';
import type { ApprovePostDto, ListReviewsQuery, ReturnPostDto, SubmitPostDto } from './reviews.dto.js';
import { notInReview, postIsOut } from './reviews.errors.js';
import { postApproved, postReturned, postSubmitted, postWithdrawn } from './reviews.events.js';
import { closeReview, listReviews, openReview, type Review } from './reviews.queries.js';
import { maySubmit } from './reviews.rules.js';

const NEWEST_FIRST = '-submittedAt';

/** What authors hand in and editors decide. A post has one review that waits at most; the row of the post decides who comes first. */
@Injectable()
export class ReviewsService {
  constructor(
    private readonly prisma: PrismaService,
    private readonly changes: ChangesService,
    private readonly posts: PostsService,
  ) {}

  async list(actor: Actor, id: string, { limit, cursor }: ListReviewsQuery): Promise<Page<Review>> {
    await this.changes.access(actor, id, this.prisma);
    const found = await listReviews(this.prisma, id, limit, readCursor(cursor, NEWEST_FIRST, 'time'));
    return toPage(
      found,
      { limit, sort: NEWEST_FIRST },
      ({ submittedAt }) => submittedAt,
      (review) => review,
    );
  }

  /** Hands a post in; one that waits already waits with the new note. */
  async submit(actor: Actor, id: string, { note = null }: SubmitPostDto, expected: ExpectedVersions): Promise<Post> {
    const decide = (post: Post) => {
      if (!maySubmit(post, new Date())) throw postIsOut('This post is out already; take it back from publication first.');
      return { review: 'submitted', publishedAt: null, expiresAt: null };
    };
    const tell = async (post: Post, _before: Post, db: Tx) => {
      if (await openReview(db, actor, post, note)) await publish(db, postSubmitted, ...of(actor, post));
    };
    return this.changes.change(actor, id, expected, { kind: 'submitted', decide, tell, summary: note }, this.prisma);
  }

  /** Takes a post back, approved ones too. */
  async withdraw(actor: Actor, id: string, expected: ExpectedVersions): Promise<Post> {
    const decide = ({ review }: Post) => {
      if (review === null) throw notInReview('This post was not handed in.');
      return { review: null };
    };
    const tell = async (post: Post, _before: Post, db: Tx) => {
      await closeReview(db, post, { outcome: 'withdrawn', actor, note: null });
      await publish(db, postWithdrawn, ...of(actor, post));
    };
    return this.changes.change(actor, id, expected, { kind: 'withdrawn', decide, tell }, this.prisma);
  }

  /** Approves the version that is there, and publishes or schedules it with that, if it is said. */
  async approve(actor: Actor, id: string, { note = null, publication }: ApprovePostDto, expected: ExpectedVersions, db: Db): Promise<Post> {
    if (publication !== undefined && !actor.can('posts:publish')) throw forbidden('That takes the permission posts:publish.');
    return transaction(db, async (tx) => {
      const tell = async (post: Post, _before: Post, tx: Tx) => {
        await closeReview(tx, post, { outcome: 'approved', actor, note });
        await publish(tx, postApproved, ...of(actor, post));
      };
      const change = { kind: 'approved', decide: waiting({ review: 'approved' }), tell, summary: note } as const;
      const approved = await this.changes.change(actor, id, expected, change, tx);
      return publication === undefined ? approved : this.posts.publish(actor, id, publication, null, tx, '/publication');
    });
  }

  /** Gives a post back to its author, who is told why. */
  async return(actor: Actor, id: string, { note }: ReturnPostDto, expected: ExpectedVersions, db: Db): Promise<Post> {
    const tell = async (post: Post, _before: Post, tx: Tx) => {
      await closeReview(tx, post, { outcome: 'returned', actor, note });
      await publish(tx, postReturned, ...of(actor, post));
    };
    return this.changes.change(actor, id, expected, { kind: 'returned', decide: waiting({ review: null }), tell, summary: note }, db);
  }
}

/** What becomes of a post that waits. */
const waiting = (data: { review: 'approved' | null }) => (post: Post) => {
  if (post.review !== 'submitted') throw notInReview('This post does not wait for a decision (any more); read it again.');
  return data;
};
