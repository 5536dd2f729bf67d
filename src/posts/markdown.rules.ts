import MarkdownIt from 'markdown-it';
import footnotes from 'markdown-it-footnote';
import { imageIdOf, withoutGrant } from './images.rules.js';
import { bodyTooComplex } from './posts.errors.js';
import { sanitised, textOf } from './markup.rules.js';
import { type Heading, outline, plainText, tasks } from './outline.rules.js';
import { readingMinutes } from './words.rules.js';

/** What a body is made into, once, when it is written. */
export interface Rendered {
  /** Sanitised: safe to put into a page. */
  bodyHtml: string;
  contents: Heading[];
  minutes: number;
  /** The files of ours that it shows, each once. */
  imageIds: string[];
}

/** Raised when the same text is rendered otherwise than before: a job renders what is older again. */
export const RENDERING = 1;

const EXCERPT_LENGTH = 200;
/** Of HTML, for an excerpt most often. */
const ENOUGH = 800;
/** Nobody writes so much into 500,000 characters; what does is made to cost more than it says. */
const MOST_LINES = 20_000;
const MOST_ELEMENTS = 50_000;
/** A text with more marks of footnotes shows them as they are written: each of them costs a look at all that follows. */
const MOST_NOTES = 500;

// Raw HTML in Markdown stays text; deep nesting ends where no person would go, so that hostile input costs no more than honest input.
const OPTIONS = { html: false, linkify: true, typographer: false, maxNesting: 50 };
const plain = new MarkdownIt(OPTIONS).use(tasks);
const annotated = new MarkdownIt(OPTIONS).use(tasks).use(footnotes).disable('footnote_inline');
for (const { linkify } of [plain, annotated])
  // As GFM has it: what begins with www. is an address, and a mere name with a dot (node.js, README.md) is none.
  linkify.add('www.', {
    validate: (text, at, { re }) => {
      const host = re.get_relative_proto_validator();
      host.lastIndex = at;
      return host.exec(text)?.[0].length ?? 0;
    },
    normalize: (match) => {
      match.url = `http://${match.url}`;
    },
  });
annotated.renderer.rules['footnote_block_open'] = () => '<section class="footnotes">\n<ol>\n';

/** Markdown (CommonMark and GFM, with footnotes) to HTML and what else is told of it. `api` is the public URL of the API, where our files lie. @throws posts/body-too-complex, unless it was taken before there were limits */
export function renderMarkdown(text: string, api: string, { wasTaken = false } = {}): Rendered {
  const refuseMoreThan = wasTaken ? () => undefined : refuse;
  refuseMoreThan(MOST_LINES, text.match(/\r\n?|\n/g)?.length ?? 0, 'lines');
  const markdown = (text.match(/\[\^/g)?.length ?? 0) <= MOST_NOTES ? annotated : plain;
  const env = { docId: 'note' };
  const tokens = markdown.parse(text, env);
  refuseMoreThan(
    MOST_ELEMENTS,
    tokens.reduce((sum, { children }) => sum + 1 + (children?.length ?? 0), 0),
    'elements',
  );
  const contents = outline(tokens);
  const imageIds = new Set<string>();
  for (const image of tokens.flatMap(({ children }) => children?.filter(({ type }) => type === 'image') ?? [])) {
    const src = String(image.attrGet('src') ?? '');
    const id = imageIdOf(src, api);
    if (id === null) continue;
    imageIds.add(id);
    image.attrSet('src', withoutGrant(src, api));
  }
  const bodyHtml = sanitised(markdown.renderer.render(tokens, markdown.options, env));
  return { bodyHtml, contents, minutes: readingMinutes(plainText(tokens)), imageIds: [...imageIds] };
}

function refuse(most: number, count: number, what: string): void {
  if (count <= most) return;
  throw bodyTooComplex(`A body has at most ${most} ${what}; this one has ${count}.`, {
    fields: [{ pointer: '/body', code: 'too-complex', detail: `must have at most ${most} ${what}` }],
  });
}

/** The beginning of the text, without markup, cut between words. */
export function excerptFrom(html: string): string {
  const start = textOf(html.slice(0, ENOUGH)); // what is cut in two lies behind the excerpt
  const text = html.length <= ENOUGH || start.length > 2 * EXCERPT_LENGTH ? start : textOf(html);
  if (text.length <= EXCERPT_LENGTH) return text;
  const end = Math.max(text.lastIndexOf(' ', EXCERPT_LENGTH), EXCERPT_LENGTH / 2);
  return `${text.slice(0, end).replace(/[\ud800-\udbff]$/, '')}…`; // without the half of a character
}
