import MarkdownIt from 'markdown-it';
import sanitize from 'sanitize-html';

const EXCERPT_LENGTH = 200;
/** Of HTML, for an excerpt most often. */
const ENOUGH = 800;

// Raw HTML in Markdown stays text; deep nesting ends where no person would go, so that hostile input costs no more than honest input.
const markdown = new MarkdownIt({ html: false, linkify: true, typographer: false, maxNesting: 50 });

const ALLOWED: sanitize.IOptions = {
  allowedTags: [
    'h1',
    'h2',
    'h3',
    'h4',
    'h5',
    'h6',
    'p',
    'br',
    'hr',
    'blockquote',
    'ul',
    'ol',
    'li',
    'strong',
    'em',
    's',
    'code',
    'pre',
    'a',
    'img',
    'table',
    'thead',
    'tbody',
    'tr',
    'th',
    'td',
  ],
  allowedAttributes: {
    a: ['href', 'title', 'rel'],
    img: ['src', 'alt', 'title'],
    ol: ['start'],
    code: ['class'],
    th: ['style'],
    td: ['style'],
  },
  allowedClasses: { code: ['language-*'] },
  allowedStyles: { '*': { 'text-align': [/^(left|right|center)$/] } },
  allowedSchemes: ['http', 'https', 'mailto'],
  transformTags: { a: sanitize.simpleTransform('a', { rel: 'nofollow noopener ugc' }) },
};

/** Markdown (CommonMark, with GFM's tables and strikethrough) to HTML that is safe to put into a page: sanitised after rendering. */
export function renderMarkdown(text: string): string {
  return sanitize(markdown.render(text), ALLOWED).trim();
}

/** The beginning of the text, without markup, cut between words. */
export function excerptFrom(html: string): string {
  const start = textOf(html.slice(0, ENOUGH)); // what is cut in two lies behind the excerpt
  const text = html.length <= ENOUGH || start.length > 2 * EXCERPT_LENGTH ? start : textOf(html);
  if (text.length <= EXCERPT_LENGTH) return text;
  const end = Math.max(text.lastIndexOf(' ', EXCERPT_LENGTH), EXCERPT_LENGTH / 2);
  return `${text.slice(0, end).replace(/[\ud800-\udbff]$/, '')}…`; // without the half of a character
}

function textOf(html: string): string {
  return sanitize(html, { allowedTags: [], allowedAttributes: {}, textFilter: decode }).replace(/\s+/g, ' ').trim();
}

/** An excerpt is plain text: the few entities that the sanitiser writes are characters again. */
function decode(text: string): string {
  return text.replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&quot;', '"').replaceAll('&amp;', '&');
}
