import { Injectable } from '@nestjs/common';
import type { Tx } from '#database';
import { Consumes, type PayloadOf, type Published } from '#events';
import { postPublished, postUpdated } from './posts.events.js';
import { visibleTo } from './posts.queries.js';
import { learnWords } from './words.queries.js';

type Of<Definition> = Published<PayloadOf<Definition>>;

/** Learns how words are spelled from what is published, so that a mistyped one is understood. */
@Injectable()
export class WordsListener {
  @Consumes('posts.words', postPublished, postUpdated)
  learn({ payload }: Of<typeof postPublished> | Of<typeof postUpdated>, db: Tx): Promise<void> {
    return learnWords(db, payload.postId, visibleTo(null, 'published'));
  }
}
