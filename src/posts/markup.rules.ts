import sanitize from 'sanitize-html';

/** Ids are ours alone: with a prefix and a hyphen, so that none of them is the name of something a page’s scripts rely on. */
const OWN_ID = /^(?:h|fn|fnref)-[\p{L}\p{M}\p{N}:-]+$/u;

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
    'input',
    'sup',
    'section',
  ],
  allowedAttributes: {
    a: ['href', 'title', 'rel', 'id'],
    img: ['src', 'alt', 'title'],
    ol: ['start'],
    li: ['id'],
    input: ['type', 'checked', 'disabled'],
    code: ['class'],
    th: ['style'],
    td: ['style'],
    h1: ['id'],
    h2: ['id'],
    h3: ['id'],
    h4: ['id'],
    h5: ['id'],
    h6: ['id'],
  },
  allowedClasses: {
    code: ['language-*'],
    li: ['task-list-item', 'footnote-item'],
    sup: ['footnote-ref'],
    section: ['footnotes'],
    a: ['footnote-backref'],
  },
  allowedStyles: { '*': { 'text-align': [/^(left|right|center)$/] } },
  allowedSchemes: ['http', 'https', 'mailto'],
  transformTags: {
    a: (tagName, attribs) => ({
      tagName,
      attribs: { ...withOwnId(attribs), ...(!attribs['href']?.startsWith('#fn') && { rel: 'nofollow noopener ugc' }) },
    }),
    li: (tagName, attribs) => ({ tagName, attribs: withOwnId(attribs) }),
    // The box of a task is shown, and does nothing.
    input: (tagName, { checked }) => ({
      tagName,
      attribs: { type: 'checkbox', disabled: 'disabled', ...(checked !== undefined && { checked: 'checked' }) },
    }),
    ...Object.fromEntries(
      ['h1', 'h2', 'h3', 'h4', 'h5', 'h6'].map((heading) => [
        heading,
        (tagName: string, attribs: sanitize.Attributes) => ({ tagName, attribs: withOwnId(attribs) }),
      ]),
    ),
  },
};

function withOwnId({ id, ...others }: sanitize.Attributes): sanitize.Attributes {
  return id !== undefined && OWN_ID.test(id) ? { ...others, id } : others;
}

/** HTML that is safe to put into a page, whatever it was made of: an allow-list of tags, attributes, classes and schemes. */
export function sanitised(html: string): string {
  return sanitize(html, ALLOWED).trim();
}

/** The text of HTML, in one line. */
export function textOf(html: string): string {
  return sanitize(html, { allowedTags: [], allowedAttributes: {}, textFilter: decode }).replace(/\s+/g, ' ').trim();
}

/** The few entities that the sanitiser writes are characters again. */
function decode(text: string): string {
  return text.replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&quot;', '"').replaceAll('&amp;', '&');
}
