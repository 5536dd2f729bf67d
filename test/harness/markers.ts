import { randomBytes } from 'node:crypto';
import pg from 'pg';

/** As much of JSON Schema as bodies use. */
interface Schema {
  $ref?: string;
  anyOf?: Schema[];
  allOf?: Schema[];
  type?: string | string[];
  properties?: Record<string, Schema>;
  additionalProperties?: Schema | boolean;
  items?: Schema;
  format?: string;
  enum?: unknown[];
  pattern?: string;
  maxLength?: number;
  minimum?: number;
}

/**
 * Texts that nobody else writes, each good for one field. They consist of small letters and digits, so that they fit nearly everywhere and
 * survive what is done to texts: lower case, hexadecimal, search words.
 */
export class Markers {
  readonly prefix = `mk${randomBytes(4).toString('hex')}`;
  /** The field each was made for, as `<what> <JSON Pointer>`. */
  readonly fields = new Map<string, string>();
  /** Texts that take no marker: their values are not free. */
  readonly withoutRoom = new Set<string>();

  constructor(private readonly components: Record<string, Schema>) {}

  make(field: string): string {
    const marker = `${this.prefix}${String(this.fields.size).padStart(4, '0')}`;
    this.fields.set(marker, field);
    return marker;
  }

  /** A value for a schema in which every text is a marker; `fixed` names the members, by JSON Pointer, that must be what they are. */
  fill(what: string, schema: Schema, fixed: Record<string, unknown> = {}, pointer = ''): unknown {
    if (pointer in fixed) return fixed[pointer];
    const { $ref, anyOf = [], allOf = [], type, properties = {}, additionalProperties, items, minimum = 1 } = schema;
    const [choice] = [...anyOf, ...allOf];
    if ($ref !== undefined) return this.fill(what, this.components[$ref.split('/').at(-1)!]!, fixed, pointer);
    if (choice !== undefined) return this.fill(what, choice, fixed, pointer);
    switch ([type].flat()[0]) {
      case 'object':
        return this.object(what, pointer, properties, additionalProperties, fixed);
      case 'array':
        return [this.fill(what, items ?? {}, fixed, `${pointer}/0`)];
      case 'string':
        return this.text(schema, `${what} ${pointer}`);
      case 'boolean':
        return true;
      default:
        return minimum;
    }
  }

  private object(
    what: string,
    pointer: string,
    properties: Record<string, Schema>,
    more: Schema['additionalProperties'],
    fixed: Record<string, unknown>,
  ): object {
    const members = Object.entries(properties).map(
      ([name, schema]) => [name, this.fill(what, schema, fixed, `${pointer}/${name}`)] as const,
    );
    // A map of texts: its names are as free as its values.
    if (typeof more === 'object' && more.type === 'string')
      members.push([this.make(`${what} ${pointer}/*`), this.make(`${what} ${pointer}/*`)]);
    return Object.fromEntries(members.filter(([, value]) => value !== undefined));
  }

  private text({ format, enum: choices, pattern = '', maxLength = Infinity }: Schema, field: string): string | undefined {
    if (format === 'email') return `${this.make(field)}@example.org`;
    const sample = `${this.prefix}0000`;
    if (choices === undefined && format === undefined && sample.length <= maxLength && new RegExp(pattern, 'u').test(sample))
      return this.make(field);
    this.withoutRoom.add(field);
    return undefined;
  }

  /** The markers that texts hold, also those that went into bytes. */
  foundIn(...texts: string[]): Set<string> {
    const found = new Set<string>();
    const hex = new RegExp(`${Buffer.from(this.prefix).toString('hex')}(?:3\\d){4}`, 'g');
    for (const text of texts) {
      for (const [marker] of text.matchAll(new RegExp(`${this.prefix}\\d{4}`, 'g'))) found.add(marker);
      for (const [bytes] of text.matchAll(hex)) found.add(Buffer.from(bytes, 'hex').toString());
    }
    return found;
  }

  /** The fields that markers were made for, in order. */
  fieldsOf(markers: Iterable<string>): string[] {
    return [...new Set([...markers].map((marker) => this.fields.get(marker)!))].sort();
  }
}

/** All rows of all tables of a database, the queue's among them, as text, by table. */
export async function contentsOf(databaseUrl: string): Promise<Map<string, string>> {
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    const { rows } = await client.query<{ name: string }>(
      `SELECT format('%I.%I', schemaname, tablename) AS name FROM pg_tables WHERE schemaname NOT IN ('pg_catalog', 'information_schema') ORDER BY 1`,
    );
    const contents = new Map<string, string>();
    for (const { name } of rows) {
      const { rows: texts } = await client.query<{ text: string }>(`SELECT t::text AS text FROM ${name} AS t`);
      contents.set(name, texts.map(({ text }) => text).join('\n'));
    }
    return contents;
  } finally {
    await client.end();
  }
}
