import { Injectable } from '@nestjs/common';
import { Prisma, PrismaService } from '#database';
import { invalidCursor, type Page, parseSort, readCursor, toPage } from '#http';
import type { Actor } from '#security';
import { markLiked } from './likes.queries.js';
import type { ListPostsQuery } from './posts.dto.js';
import { orderRefused } from './posts.errors.js';
import { listPosts, type PostSummary, visibleTo } from './posts.queries.js';
import { highlight, type Highlights, overlooks, rankPosts } from './search.queries.js';
import { orderFault, orderOf, rankedPosition, readRankedPosition } from './search.rules.js';
import { spelledQuery, spellingsOf, typedQuery } from './words.queries.js';

export interface FoundPost extends PostSummary {
  highlights?: Highlights;
}

/** What a search says about itself. */
export interface SearchFacts {
  complete: boolean;
  corrections: string[][] | null;
}

export interface FoundPage extends Page<FoundPost> {
  search?: SearchFacts;
}

/** Finding posts: by time, by filters and by words, always among what the caller may see. */
@Injectable()
export class SearchService {
  constructor(private readonly prisma: PrismaService) {}

  async list(actor: Actor | null, query: ListPostsQuery): Promise<FoundPage> {
    const fault = orderFault(query);
    if (fault !== undefined) throw orderRefused(fault);
    return orderOf(query) === 'relevance' ? this.byRelevance(actor, query) : this.byTime(actor, query);
  }

  private async byTime(actor: Actor | null, query: ListPostsQuery): Promise<FoundPage> {
    const sort = orderOf(query);
    const posts = await listPosts(this.prisma, actor, query, readCursor(query.cursor, sort, 'time'));
    await markLiked(this.prisma, actor, posts);
    const byPublication = parseSort(sort).field === 'publishedAt';
    const page = toPage(
      posts,
      { limit: query.limit, sort },
      (post) => (byPublication ? post.publishedAt! : post.createdAt),
      (post) => post,
    );
    return query.q === undefined ? page : { ...page, items: await this.highlighted(page.items, typedQuery(query.q)) };
  }

  private async byRelevance(actor: Actor | null, query: ListPostsQuery): Promise<FoundPage> {
    const { search, ...page } = await this.best(actor, query);
    return { ...page, search: { ...search, complete: search.complete && !(await overlooks(this.prisma, actor, query)) } };
  }

  private async best(actor: Actor | null, query: ListPostsQuery): Promise<RankedPage> {
    const { position, after } = this.beginning(query);
    if (position?.corrected) return this.corrected(actor, query, position.asOf, after);
    const asOf = position?.asOf ?? new Date();
    const found = await this.ranked(actor, query, typedQuery(query.q!), { asOf, after, corrections: null });
    return found.items.length > 0 || after !== null ? found : this.corrected(actor, query, asOf, null);
  }

  /** Instead of what is nowhere, what resembles it. */
  private async corrected(actor: Actor | null, query: ListPostsQuery, asOf: Date, after: After): Promise<RankedPage> {
    const corrections = await spellingsOf(this.prisma, query.q!, visibleTo(null, 'published'));
    if (corrections === null) return { items: [], nextCursor: null, search: { complete: true, corrections } };
    const found = await this.ranked(actor, query, spelledQuery(corrections), { asOf, after, corrections });
    return found.items.length > 0 ? found : { ...found, search: { complete: true, corrections: null } };
  }

  private async ranked(
    actor: Actor | null,
    query: ListPostsQuery,
    words: Prisma.Sql,
    { asOf, after, corrections }: { asOf: Date; after: After; corrections: string[][] | null },
  ): Promise<RankedPage> {
    const posts = await rankPosts(this.prisma, actor, query, words, { asOf, after });
    await markLiked(this.prisma, actor, posts);
    const { items, nextCursor } = toPage(
      posts,
      { limit: query.limit, sort: 'relevance' },
      ({ score }) => rankedPosition({ score, asOf, corrected: corrections !== null }),
      (post) => post,
    );
    const complete = posts[0]?.bounded !== true;
    return { items: await this.highlighted(items, words), nextCursor, search: { complete, corrections } };
  }

  private beginning({ cursor }: ListPostsQuery) {
    const given = readCursor(cursor, 'relevance', 'text');
    if (given === null) return { position: null, after: null };
    const position = readRankedPosition(given.value as string);
    if (position === null) throw invalidCursor('The cursor is not one of this list with this sort; leave it out to begin again.');
    return { position, after: { score: position.score, id: given.id } };
  }

  private async highlighted(posts: PostSummary[], words: Prisma.Sql): Promise<FoundPost[]> {
    if (posts.length === 0) return [];
    const shown = await highlight(
      this.prisma,
      posts.map(({ id }) => id),
      words,
    );
    // One that was deleted between the two looks is shown without.
    return posts.map((post) => ({ ...post, ...(shown.has(post.id) && { highlights: shown.get(post.id)! }) }));
  }
}

type RankedPage = Required<FoundPage>;
type After = { score: number; id: string } | null;
