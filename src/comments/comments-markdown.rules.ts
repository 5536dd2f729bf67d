import MarkdownIt from 'markdown-it';
import sanitize from 'sanitize-html';

/** Who is mentioned, by the name of today. */
export interface Mentioned {
  id: string;
  name: string;
}

const MENTION = /@\[([^\]\n]{0,200})\]\(user:([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})\)/giy;
/** Marks that turn the direction of what follows, beyond their own text: a comment could disguise what its neighbours say. */
const DIRECTIONS = /[\u202a-\u202e\u2066-\u2069]/g;
const GONE = 'Deleted user';

// Less than posts may: no headings, images or tables, so that no comment shouts down others. HTML stays text, a line break is one.
const markdown = new MarkdownIt('zero', { html: false, linkify: true, breaks: true, maxNesting: 20 }).enable([
  'newline',
  'escape',
  'entity',
  'backticks',
  'emphasis',
  'strikethrough',
  'link',
  'autolink',
  'linkify',
  'blockquote',
  'list',
  'fence',
  'balance_pairs',
  'fragments_join',
]);
markdown.inline.ruler.before('link', 'mention', (state, silent) => {
  MENTION.lastIndex = state.pos;
  const match = MENTION.exec(state.src);
  if (match === null) return false;
  if (!silent) state.push('mention', '', 0).content = match[2]!.toLowerCase();
  state.pos = MENTION.lastIndex;
  return true;
});
markdown.renderer.rules['mention'] = (tokens, index, _options, env) => {
  (env as { mentioned: Set<string> }).mentioned.add(tokens[index]!.content);
  return `<span data-user="${tokens[index]!.content}"></span>`;
};

const ALLOWED: sanitize.IOptions = {
  allowedTags: ['p', 'br', 'blockquote', 'ul', 'ol', 'li', 'strong', 'em', 's', 'code', 'pre', 'a', 'span'],
  allowedAttributes: { a: ['href', 'title', 'rel'], ol: ['start'], code: ['class'], span: ['data-user'] },
  allowedClasses: { code: ['language-*'] },
  allowedSchemes: ['http', 'https', 'mailto'],
  transformTags: { a: sanitize.simpleTransform('a', { rel: 'nofollow noopener ugc' }) },
};

/** A comment as it is kept: mentions by id alone, with places for the names in the HTML, which is sanitised after rendering. */
export interface Rendered {
  body: string;
  bodyHtml: string;
  mentioned: string[];
}

export function renderComment(text: string): Rendered {
  const written = text.replace(DIRECTIONS, '');
  const env = { mentioned: new Set<string>() };
  const bodyHtml = sanitize(markdown.render(written, env), ALLOWED).trim();
  const everywhere = new RegExp(MENTION.source, 'gi');
  const body = written.replace(everywhere, (whole, _name, id: string) =>
    env.mentioned.has(id.toLowerCase()) ? `@[](user:${id.toLowerCase()})` : whole,
  );
  return { body, bodyHtml, mentioned: [...env.mentioned] };
}

/** The kept text with the names of those it mentions; somebody who is gone has none. When it comes back, the id alone counts. */
export function nameInText(body: string, mentioned: readonly Mentioned[]): string {
  return body.replace(/@\[\]\(user:([0-9a-f-]{36})\)/g, (_, id: string) => tokenOf({ id, name: nameOf(id, mentioned) }));
}

export function nameInHtml(html: string, mentioned: readonly Mentioned[]): string {
  return html.replace(
    /<span data-user="([0-9a-f-]{36})"><\/span>/g,
    (_, id: string) => `<span data-user="${id}">@${escapeHtml(nameOf(id, mentioned))}</span>`,
  );
}

/** What a client puts into a text to mention somebody. */
export function tokenOf({ id, name }: Mentioned): string {
  return `@[${name.replace(/[[\]\n]/g, '')}](user:${id})`;
}

/** The text that readers see, without markup. */
export function plainText(html: string): string {
  return sanitize(html, { allowedTags: [], allowedAttributes: {} });
}

export function countLinks(html: string): number {
  return html.match(/<a /g)?.length ?? 0;
}

function nameOf(id: string, mentioned: readonly Mentioned[]): string {
  return mentioned.find((person) => person.id === id)?.name ?? GONE;
}

function escapeHtml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}
