import { slugFrom } from '#http';
import { plainToInstance } from 'class-transformer';
import { validateSync } from 'class-validator';
import { addressIn, isNothing, KEYS, KNOWN, LEFT_OUT, lineOfControl, type Meaning, readPath, truth } from './drafts.rules.js';
import { type FileProblem, partFile, type Parted } from './front-matter.rules.js';
import { moment } from './moments.rules.js';
import { CreatePostDto } from '../posts/posts.dto.js';

/** A post as a file describes it: it keeps the rules of `CreatePostDto`. */
export interface FileDraft {
  post: CreatePostDto;
  /** Whether the file says the slug; otherwise it is made of the file's name, and another is as good. */
  slugIsGiven: boolean;
  /** The id that the post had where it was exported. */
  id: string | null;
  /** Where the picture lies that it wants to stand above it, and the line that says so. */
  cover: { address: string; line: number } | null;
  isDraft: boolean;
  date: Date | null;
  updatedAt: Date | null;
}

export type ReadFile = { draft: FileDraft; notes: FileProblem[] } | { problems: FileProblem[] };

/** What a file of Markdown says, at this path. */
export function readDraft(path: string, text: string): ReadFile {
  const parted = partFile(text);
  if ('code' in parted) return { problems: [parted] };
  const reader = new Reader(parted, readPath(path));
  return reader.read();
}

const LONGEST_EXCERPT = 500;

/** Of the job that imports: unlike a service it may hold what a file says against the class that crosses the wire. */
class Reader {
  private readonly problems: FileProblem[] = [];
  private readonly notes: FileProblem[] = [];

  constructor(
    private readonly file: Parted,
    private readonly path: ReturnType<typeof readPath>,
  ) {}

  read(): ReadFile {
    for (const key of this.file.values.keys())
      if (!KNOWN.has(key)) this.note(key, 'unknown-key', `\`${key.slice(0, 60)}\` means nothing here.`);
      else if (key in LEFT_OUT) this.note(key, 'left-out', LEFT_OUT[key]!);
    const { values, body } = this.file;
    const title = this.text('title');
    if (title === null || title.value.trim() === '') this.refuse('title', 'title-missing', 'There is no `title`.');
    else if (/[\u202a-\u202e\u2066-\u2069]/.test(title.value))
      this.refuse('title', 'title-bidi', 'The title holds characters that turn the direction of the text around it.');
    if (body.trim() === '') this.problems.push({ line: this.file.bodyLine, code: 'body-missing', detail: 'There is no text.' });
    const slug = this.slug();
    const post = plainToInstance(CreatePostDto, {
      title: title?.value ?? '',
      body,
      tags: this.tags(),
      ...this.excerpt(),
      ...(slug && { slug: slug.value }),
      ...this.member('externalId', 'externalId'),
      ...this.member('metadata', 'metadata'),
    });
    this.validate(post);
    const date = this.date('date') ?? (this.path.date === null ? null : moment(this.path.date));
    const updatedAt = this.date('updated');
    const isDraft = this.isDraft();
    const cover = this.cover();
    if (this.problems.length > 0) return { problems: this.problems };
    const id = values.get('id');
    return {
      draft: { post, slugIsGiven: slug?.given ?? false, id: typeof id === 'string' ? id : null, cover, isDraft, date, updatedAt },
      notes: this.notes,
    };
  }

  private excerpt(): { excerpt?: string } {
    const found = this.text('excerpt');
    const line = found?.value.replace(/\s*[\t\r\n]\s*/g, ' ').trim();
    if (!line) return {};
    const characters = [...line];
    if (characters.length <= LONGEST_EXCERPT) return { excerpt: line };
    this.note(found!.key, 'excerpt-cut', `An excerpt has at most ${LONGEST_EXCERPT} characters; what is longer is cut.`);
    return { excerpt: `${characters.slice(0, LONGEST_EXCERPT - 1).join('')}…` };
  }

  private slug(): { value: string; given: boolean } | undefined {
    const given = this.text('slug');
    if (given !== null) return { value: given.value.trim().replace(/^\/+|\/+$/g, ''), given: true };
    const address = this.text('address');
    // A pattern (`/:year/:title/`) says nothing of this one.
    const last = address?.value.includes(':') ? undefined : address?.value.split('/').filter(Boolean).at(-1);
    const made = slugFrom((last ?? this.path.name).replace(/\.html?$/, ''), '');
    return made === '' ? undefined : { value: made, given: false };
  }

  private tags(): string[] {
    const tags = KEYS.tags.flatMap((key) => {
      const value = this.file.values.get(key);
      const listed = Array.isArray(value)
        ? value
        : typeof value === 'string'
          ? value.split(',')
          : value === undefined || value === null
            ? []
            : [value];
      return (listed as unknown[]).map((tag) => {
        // Ghost writes objects with names.
        const name = typeof tag === 'object' && tag !== null && 'name' in tag ? tag.name : tag;
        return typeof name === 'string' || typeof name === 'number' ? String(name) : '';
      });
    });
    const cleaned = tags.map((tag) =>
      tag
        .normalize('NFC')
        .replace(/[^\p{L}\p{M}\p{N} .+#_-]+/gu, ' ')
        .trim(),
    );
    if (tags.some((tag, index) => tag.trim() !== cleaned[index]))
      this.note('tags', 'tags-changed', 'In tags, what is neither letter nor digit nor one of . + # _ - becomes a space.');
    return cleaned.filter((tag) => tag !== '');
  }

  private cover(): FileDraft['cover'] {
    const key = KEYS.cover.find((each) => !isNothing(this.file.values.get(each)));
    if (key === undefined) return null;
    const address = addressIn(this.file.values.get(key));
    if (address) return { address, line: this.file.lineOf(key) };
    this.note(key, 'left-out', `\`${key}\` names no picture.`);
    return null;
  }

  private isDraft(): boolean {
    if (this.path.isDraft) return true;
    const { values } = this.file;
    const status = values.get('status');
    return (
      truth(values.get('draft')) === true ||
      truth(values.get('published')) === false ||
      (typeof status === 'string' && !/^publish(ed)?$/i.test(status))
    );
  }

  private date(meaning: 'date' | 'updated'): Date | null {
    // `published` says a day where it does not say whether.
    const key = [...KEYS[meaning], ...(meaning === 'date' ? ['published'] : [])].find((each) => !isNothing(this.file.values.get(each)));
    if (key === undefined) return null;
    const value = this.file.values.get(key);
    if (key === 'published' && truth(value) !== null) return null;
    const read = typeof value === 'string' ? moment(value) : null;
    if (read === null)
      this.refuse(key, 'date-invalid', `\`${key}\` is no day of the calendar; write it like 2020-01-31 or 2020-01-31T08:00:00Z.`);
    return read;
  }

  private member(meaning: Meaning, name: string): Record<string, unknown> {
    const key = KEYS[meaning].find((each) => !isNothing(this.file.values.get(each)));
    return key === undefined ? {} : { [name]: this.file.values.get(key) };
  }

  /** What the API would say, and where. */
  private validate(post: CreatePostDto): void {
    for (const { property, constraints = {} } of validateSync(post, { whitelist: true })) {
      if (['title', 'body'].includes(property) && this.problems.some(({ code }) => code.startsWith(property))) continue;
      const detail = Object.values(constraints)[0] ?? `${property} is not valid`;
      if (property === 'body') this.problems.push({ line: this.file.bodyLine + lineOfControl(post.body), code: 'body-invalid', detail });
      else this.refuse(KEYS[property as Meaning].find((key) => this.file.values.has(key)) ?? property, `${property}-invalid`, detail);
    }
  }

  private text(meaning: Meaning): { key: string; value: string } | null {
    for (const key of KEYS[meaning]) {
      const value = this.file.values.get(key);
      if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') return { key, value: String(value) };
    }
    return null;
  }

  private refuse(key: string, code: string, detail: string): void {
    this.problems.push({ line: this.file.lineOf(key), code, detail });
  }

  private note(key: string, code: string, detail: string): void {
    this.notes.push({ line: this.file.lineOf(key), code, detail });
  }
}
