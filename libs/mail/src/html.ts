/** Markup that may stand in a page as it is. */
export class Html {
  constructor(readonly text: string) {}
}

type Content = string | number | Html | readonly Html[] | null;

const ENTITIES: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };

/** Markup of a template literal: what is filled in is text, and escaped, unless it is markup itself. Attributes must be quoted. */
export function html(literals: TemplateStringsArray, ...contents: Content[]): Html {
  return new Html(literals.map((literal, place) => literal + markupOf(contents[place] ?? null)).join(''));
}

function markupOf(content: Content): string {
  if (content === null) return '';
  if (content instanceof Html) return content.text;
  if (typeof content === 'object') return content.map(({ text }) => text).join('');
  return String(content).replace(/[&<>"']/g, (character) => ENTITIES[character]!);
}
