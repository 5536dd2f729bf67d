import { Injectable } from '@nestjs/common';
import { type Db, PrismaService } from '#database';
import { type ExpectedVersions, type Page, readCursor, toPage } from '#http';
import type { Actor } from '#security';
import { ChangesService } from './changes.service.js';
import { type Difference, differenceOf } from './diffs.rules.js';
import type { Post } from './posts.queries.js';
import { PostsService } from './posts.service.js';
import type { CompareQuery, ListRevisionsQuery } from './revisions.dto.js';
import { revisionNotFound } from './revisions.errors.js';
import { findRevision, type FullRevision, listRevisions, type Revision } from './revisions.queries.js';
import { restored } from './revisions.rules.js';

const NEWEST_FIRST = '-n';

/** The history of a post, for those who may change it: every version, what differs between two, and the way back to one. */
@Injectable()
export class RevisionsService {
  constructor(
    private readonly prisma: PrismaService,
    private readonly changes: ChangesService,
    private readonly posts: PostsService,
  ) {}

  async list(actor: Actor, id: string, { limit, cursor }: ListRevisionsQuery): Promise<Page<Revision>> {
    await this.changes.access(actor, id, this.prisma);
    const position = readCursor(cursor, NEWEST_FIRST, 'number', isNumber);
    const found = await listRevisions(this.prisma, id, limit, position);
    return toPage(
      found.map((revision) => ({ id: String(revision.n), revision })),
      { limit, sort: NEWEST_FIRST },
      ({ revision }) => revision.n,
      ({ revision }) => revision,
    );
  }

  async get(actor: Actor, id: string, n: number, db: Db = this.prisma): Promise<FullRevision> {
    await this.changes.access(actor, id, db);
    return this.find(id, n, db);
  }

  /** What differs between a version and another: the one before it, unless it is said. */
  async compare(
    actor: Actor,
    id: string,
    n: number,
    { against }: CompareQuery,
  ): Promise<{ before: number; after: number; difference: Difference }> {
    const revision = await this.get(actor, id, n);
    const other = against ?? (await listRevisions(this.prisma, id, 1, { value: n, id: String(n) }))[0]?.n ?? n;
    return { before: other, after: n, difference: differenceOf(whole(await this.find(id, other)), whole(revision)) };
  }

  /** Makes what a version held the newest one: nothing that came between is lost. */
  async restore(actor: Actor, id: string, n: number, expected: ExpectedVersions, db: Db): Promise<Post> {
    const edit = restored(whole(await this.get(actor, id, n, db)));
    return this.posts.update(actor, id, { ...edit, restoredFrom: n }, expected, db);
  }

  private async find(id: string, n: number, db: Db = this.prisma): Promise<FullRevision> {
    const revision = await findRevision(db, id, n);
    if (revision === null) throw revisionNotFound(`The history of this post holds no version ${n} (any more).`);
    return revision;
  }
}

const whole = ({ content, body }: FullRevision) => ({ ...content, body });
const isNumber = (id: string) => /^\d{1,10}$/.test(id);
