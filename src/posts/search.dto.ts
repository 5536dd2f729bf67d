import { ApiProperty } from '@nestjs/swagger';

/** Where the words of `q` stand. HTML: everything is escaped but `<mark>` around what was found. */
export class HighlightsResponse {
  /** The whole title. @example "On analytical <mark>engines</mark>" */
  title: string;
  /** The whole excerpt. @example "What the <mark>engine</mark> can do, and what it cannot." */
  excerpt: string;
  /** Passages of the beginning of the body, which is looked through for some 3,000 words; null when none is there. @example "The <mark>engine</mark> weaves patterns" */
  body: string | null;
}

export class SearchResponse {
  /**
   * Whether every match was ranked. Of more than 1,000 matches the newest 1,000 are, and of posts that are not out, those
   * you see (your own, or all for whoever may manage them), the newest 2,000 that are unpublished, scheduled, expired or in the trash. Where there are more, `complete` is false:
   * narrow the search down, or sort by time to walk through all of them.
   */
  complete: boolean;
  /**
   * Nothing has all of the words as they were typed, so that these were looked for: for each word the spellings that published posts have,
   * the nearest first. Null when what was typed was found, or nothing resembles it. @example [["engine", "engines"]]
   */
  @ApiProperty({ type: 'array', nullable: true, items: { type: 'array', items: { type: 'string' } } })
  corrections: string[][] | null;
}
