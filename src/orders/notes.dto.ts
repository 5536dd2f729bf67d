import { IfPresent, ListQuery, type Page, Prose } from '#http';
import { IsBoolean, IsIn } from 'class-validator';
import type { Note } from './notes.service.js';

export class WriteNoteDto {
  /** @example "Called: will be at home on Friday." */
  @Prose(1, 5_000)
  text: string;

  /** Whether the customer sees it, too. @example false */
  @IfPresent()
  @IsBoolean()
  shared: boolean = false;
}

export class NoteResponse {
  id: string;
  orderId: string;
  /** @example "Called: will be at home on Friday." */
  text: string;
  /** Whether the customer sees it, too. */
  shared: boolean;
  /** Who wrote it; only staff are told. */
  authorId: string | null;
  createdAt: Date;

  static from(this: void, { id, orderId, text, shared, authorId, createdAt }: Note): NoteResponse {
    return { id, orderId, text, shared, authorId, createdAt };
  }
}

export class NoteList implements Page<NoteResponse> {
  items: NoteResponse[];
  /** Give it as `cursor` to get the next page; null on the last one. */
  nextCursor: string | null;
}

export class ListNotesQuery extends ListQuery {
  @IfPresent()
  @IsIn(['-createdAt', 'createdAt'])
  sort: '-createdAt' | 'createdAt' = '-createdAt';
}
