declare module 'markdown-it-footnote' {
  import type { MarkdownIt } from 'markdown-it';

  /** Footnotes as GitHub has them: `[^1]` in the text, and `[^1]: …` somewhere. */
  const footnotes: (markdown: MarkdownIt) => void;
  export { footnotes as default };
}
