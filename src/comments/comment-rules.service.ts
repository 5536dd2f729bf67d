import { Injectable } from '@nestjs/common';
import { audited, record } from '#audit';
import { type Db, Prisma, PrismaService, rows, signal, Signals, transaction } from '#database';
import { publish } from '#events';
import { expectVersion, type ExpectedVersions } from '#http';
import type { Actor } from '#security';
import type { ChangeCommentRulesDto } from './comment-rules.dto.js';
import { commentRulesUpdated } from './comments.events.js';
import type { ModerationRules } from './moderation.rules.js';

export interface CommentRules extends ModerationRules {
  version: number;
  updatedAt: Date;
}

const TOPIC = 'comment-rules';
const ID = 1;
/** A change is heard of at once; so long at most it is not, when the word of it is lost. */
const KEPT_MS = 1_000;

const auditedRules = audited('comment-rules', {
  holdFirstComment: 'plain',
  maxLinks: 'plain',
  blockedWords: 'plain',
  trustedRoles: 'plain',
});

/** What comments wait for. Kept in the database, and for a moment in each process. */
@Injectable()
export class CommentRulesService {
  private kept: { rules: CommentRules; until: number } | undefined;

  constructor(
    private readonly prisma: PrismaService,
    signals: Signals,
  ) {
    signals.on(TOPIC, () => (this.kept = undefined));
    signals.onGap(() => (this.kept = undefined));
  }

  /** As they are, or were at most a second ago. Read by `db`: transactions that wait for another connection of the pool wait for each other. */
  async current(db: Db): Promise<CommentRules> {
    if (this.kept !== undefined && performance.now() < this.kept.until) return this.kept.rules;
    const until = performance.now() + KEPT_MS;
    const rules = await this.read(db);
    this.kept = { rules, until };
    return rules;
  }

  get(_actor: Actor): Promise<CommentRules> {
    return this.read(this.prisma);
  }

  async change(actor: Actor, rules: ChangeCommentRulesDto, expected: ExpectedVersions): Promise<CommentRules> {
    return transaction(this.prisma, async (db) => {
      await rows(db, Prisma.sql`SELECT id FROM comment_rules WHERE id = ${ID} FOR UPDATE`);
      const before = await this.read(db);
      expectVersion(before.version, expected);
      await db.commentRules.update({ where: { id: ID }, data: { ...rules, version: { increment: 1 } } });
      const after = await this.read(db);
      await record(db, { actor, action: 'comment-rules.updated', resource: auditedRules('comments'), before, after });
      await publish(db, commentRulesUpdated, { version: after.version }, { actor, resource: { type: 'comment-rules', id: 'comments' } });
      signal(db, TOPIC, 'all');
      return after;
    });
  }

  private read(db: Db): Promise<CommentRules> {
    return db.commentRules.findUniqueOrThrow({ where: { id: ID } });
  }
}
