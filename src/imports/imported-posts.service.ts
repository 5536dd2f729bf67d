import { Injectable } from '@nestjs/common';
import { defined, type Tx } from '#database';
import { isId } from '#http';
import type { Actor } from '#security';
import type { FileProblem } from './front-matter.rules.js';
import { datePost, findKnown, keepSource, type Known, type Outcome, slugIsTaken } from './imports.queries.js';
import type { FileDraft } from './drafts.jobs.js';
import { digestOf } from './drafts.rules.js';
import type { UpdatePostDto } from '../posts/posts.dto.js';
import { type Post, PostsService } from '../posts/posts.service.js';

/** What is asked for, of all files. */
export interface ImportOptions {
  authorId: string;
  publish: boolean;
  overwrite: boolean;
}

/** A file that is about to be a post. */
export interface ImportedFile {
  path: string;
  digest: Buffer;
  draft: FileDraft;
  notes: FileProblem[];
}

/** What became of it, and what is to be said. */
export interface Brought {
  outcome: Outcome;
  postId: string | null;
  problems: FileProblem[];
  notes: FileProblem[];
}

/** Files that become posts: each is one post for good, and what was edited here since is not written over unless somebody says so. */
@Injectable()
export class ImportedPostsService {
  constructor(private readonly posts: PostsService) {}

  /** Writes or updates the post of a file, in the transaction that counts it. @throws as `PostsService` does */
  async bring(actor: Actor, file: ImportedFile, options: ImportOptions, db: Tx): Promise<Brought> {
    const { draft, path, digest } = file;
    const id = draft.id !== null && isId(draft.id) ? draft.id : null;
    const names = { externalId: draft.post.externalId ?? null, id, path, digest };
    const known = await findKnown(db, options.authorId, names, actor.can('posts:manage'));
    if (known === null) return this.create(actor, file, options, db);
    if (known.trashed)
      return unchanged(known, [
        ...file.notes,
        { line: null, code: 'in-trash', detail: 'Its post is in the trash; take it out there first.' },
      ]);
    return this.follow(actor, file, known, options, db);
  }

  private async create(actor: Actor, file: ImportedFile, options: ImportOptions, db: Tx): Promise<Brought> {
    const { draft } = file;
    const { authorId } = options;
    const notes = [...file.notes];
    const { slug, ...rest } = draft.post;
    const isFree = slug === undefined || draft.slugIsGiven || !(await slugIsTaken(db, slug, null));
    if (!isFree)
      notes.push({
        line: null,
        code: 'slug-changed',
        detail: 'Another post has the slug that the file’s name makes; this one got another.',
      });
    const written = await this.posts.write(actor, { ...rest, ...(slug !== undefined && isFree && { slug }), authorId }, db);
    const published = await this.publish(actor, written, draft, options, db);
    await datePost(db, written.id, draft);
    await this.keep(file, written, published, options, db);
    return { outcome: 'created', postId: written.id, problems: [], notes };
  }

  private async follow(actor: Actor, file: ImportedFile, known: Known, options: ImportOptions, db: Tx): Promise<Brought> {
    const post = await this.posts.get(actor, known.postId, db);
    const changes = changesOf(post, file.draft);
    const isSame = known.digest?.equals(file.digest) === true;
    // A cover that was chosen here is an edit where the file has another to say, and none of its business where it has not.
    const written = [post, ...(changes.coverFileId === undefined ? [{ ...post, coverFileId: null }] : [])].map(digestOf);
    const isAsWritten = written.some((digest) => known.written?.equals(digest));
    if (!isSame && Object.keys(changes).length > 0 && !isAsWritten && !options.overwrite) return conflict(known);
    const willChange = Object.keys(changes).length > 0 && (!isSame || (options.overwrite && !isAsWritten));
    const now = willChange ? await this.posts.update(actor, post.id, changes, null, db) : post;
    const wasPublished = known.published || post.publishedAt !== null;
    const published = wasPublished || (await this.publish(actor, now, file.draft, options, db));
    await this.keep(file, now, published, options, db, isSame && !willChange ? known.written : null);
    const outcome = willChange || (published && !wasPublished) ? 'updated' : 'unchanged';
    return { outcome, postId: post.id, problems: [], notes: file.notes };
  }

  /** Whether it is, or will be, public now. */
  private async publish(actor: Actor, { id }: Post, { isDraft, date }: FileDraft, { publish }: ImportOptions, db: Tx): Promise<boolean> {
    if (!publish || isDraft) return false;
    await this.posts.publish(actor, id, date === null ? {} : { at: date.toISOString() }, null, db);
    return true;
  }

  private keep(
    file: ImportedFile,
    post: Post,
    published: boolean,
    { authorId }: ImportOptions,
    db: Tx,
    written: Buffer | null = null,
  ): Promise<void> {
    const { path, digest, draft } = file;
    const asFile = { ...post, coverFileId: draft.post.coverFileId ? post.coverFileId : null };
    return keepSource(db, { postId: post.id, authorId, path, digest, written: written ?? digestOf(asFile), published });
  }
}

/** What an update would have to change. A slug or a cover that the file does not give stays; an excerpt that it does not give is made from the body. */
function changesOf(post: Post, { post: wanted, slugIsGiven }: FileDraft): UpdatePostDto {
  const excerpt = wanted.excerpt ?? null;
  return defined({
    title: wanted.title === post.title ? undefined : wanted.title,
    body: wanted.body === post.body ? undefined : wanted.body,
    excerpt: excerpt === (post.ownExcerpt ? post.excerpt : null) ? undefined : excerpt,
    tags: JSON.stringify(wanted.tags) === JSON.stringify(post.tags) ? undefined : wanted.tags,
    slug: !slugIsGiven || wanted.slug === post.slug ? undefined : wanted.slug,
    externalId: (wanted.externalId ?? post.externalId) === post.externalId ? undefined : wanted.externalId,
    coverFileId: (wanted.coverFileId ?? post.coverFileId) === post.coverFileId ? undefined : wanted.coverFileId,
    metadata: wanted.metadata === undefined || sameTexts(wanted.metadata, post.metadata) ? undefined : wanted.metadata,
  });
}

function sameTexts(one: Record<string, string>, two: Record<string, string>): boolean {
  const sorted = (texts: Record<string, string>) => JSON.stringify(Object.entries(texts).sort(([a], [b]) => (a < b ? -1 : 1)));
  return sorted(one) === sorted(two);
}

function unchanged({ postId }: Known, notes: FileProblem[]): Brought {
  return { outcome: 'unchanged', postId, problems: [], notes };
}

function conflict({ postId, digest }: Known): Brought {
  const detail =
    digest === null
      ? 'The post differs from the file, and was not imported from it; import with `overwrite` to make it what the file says.'
      : 'The post was edited here since it was imported; import with `overwrite` to make it what the file says.';
  return { outcome: 'failed', postId, problems: [{ line: null, code: 'edited-here', detail }], notes: [] };
}
