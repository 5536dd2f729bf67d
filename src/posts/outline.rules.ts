import type { MarkdownIt, Token } from 'markdown-it';

/** A heading of a post. */
export interface Heading {
  /** What `#` leads to in the HTML. */
  id: string;
  /** From 1. */
  level: number;
  text: string;
}

const LONGEST_TEXT = 200;
const LONGEST_ID = 60;
const MOST_HEADINGS = 500;
const TASK = /^\[([ xX])\][ \u00a0]/;

/** Gives each heading that stands in no quote or list an id of its own, and returns them; of very many, the first. */
export function outline(tokens: readonly Token[]): Heading[] {
  const headings: Heading[] = [];
  const taken = new Set<string>();
  const counts = new Map<string, number>();
  for (const [index, token] of tokens.entries()) {
    if (token.type !== 'heading_open' || token.level !== 0) continue;
    const text = cut(plainText(tokens[index + 1]!.children ?? []), LONGEST_TEXT);
    const id = freeId(idFrom(text), taken, counts);
    token.attrSet('id', id);
    if (headings.length < MOST_HEADINGS) headings.push({ id, level: Number(token.tag.slice(1)), text });
  }
  return headings;
}

/** Makes items that begin with `[ ]` or `[x]` tasks, as GitHub does. */
export function tasks(markdown: MarkdownIt): void {
  markdown.core.ruler.push('tasks', ({ tokens, Token: Box }) => {
    for (const [index, item] of tokens.entries()) {
      const [paragraph, inline] = [tokens[index + 1], tokens[index + 2]];
      if (item.type !== 'list_item_open' || paragraph?.type !== 'paragraph_open' || inline?.type !== 'inline') continue;
      const first = inline.children?.[0];
      const mark = first?.type === 'text' ? TASK.exec(first.content)?.[1] : undefined;
      if (first === undefined || mark === undefined) continue;
      first.content = first.content.slice('[x]'.length);
      item.attrSet('class', 'task-list-item');
      const box = new Box('task_box', 'input', 0);
      box.attrs = [['type', 'checkbox'], ...(mark === ' ' ? [] : [['checked', 'checked'] as [string, string]])];
      inline.children!.unshift(box);
    }
  });
}

/** The words of tokens, without markup. */
export function plainText(tokens: readonly Token[]): string {
  const words = (token: Token): string =>
    token.type === 'inline' || token.type === 'image' ? plainText(token.children ?? []) : isWords(token.type) ? token.content : ' ';
  const between = tokens.some(({ type }) => type === 'inline') ? ' ' : '';
  return tokens.map(words).join(between).replace(/\s+/g, ' ').trim();
}

const isWords = (type: string) => ['text', 'code_inline', 'fence', 'code_block'].includes(type);

function idFrom(text: string): string {
  const words = text
    .normalize('NFKC')
    .toLowerCase()
    .replace(/[^\p{L}\p{M}\p{N}]+/gu, '-');
  return `h-${cut(words.replace(/^-/, ''), LONGEST_ID).replace(/-$/, '') || 'section'}`;
}

/** Each number is tried once, however many headings are alike. */
function freeId(id: string, taken: Set<string>, counts: Map<string, number>): string {
  let free = id;
  for (let count = counts.get(id) ?? 1; taken.has(free); counts.set(id, count)) free = `${id}-${++count}`;
  taken.add(free);
  return free;
}

/** At most so many characters, none of them halved. */
const cut = (text: string, length: number) => text.slice(0, length).replace(/[\ud800-\udbff]$/, '');
