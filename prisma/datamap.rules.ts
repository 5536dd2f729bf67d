/** What a column holds about a person, as its mark says: `/// @personal <kind>: <purpose>`. */
export const KINDS = ['contact', 'name', 'address', 'identifier', 'content', 'device', 'credential', 'behaviour'] as const;
export type Kind = (typeof KINDS)[number];

/** What becomes of a table's rows about somebody who is erased: the first word of `/// @erasure`. */
const ERASURES = ['deleted', 'anonymised', 'kept'] as const;

export interface Column {
  /** As it is called in the database. */
  name: string;
  field: string;
  /** The rest of its line. */
  definition: string;
  type: string;
  mark: string | undefined;
  /** Why it says nothing about anybody: `/// @impersonal <why>`. */
  impersonal: string | undefined;
}

export interface Table {
  /** As it is called in the database. */
  name: string;
  model: string;
  columns: Column[];
  /** The models its foreign keys lead to. */
  references: string[];
  erasure: string | undefined;
  retention: string | undefined;
}

/** Fields that hold a user's id, whether or not a relation says so. */
const PERSON = /^(?:user|actor|author|customer|owner|recipient|sender|subject|requester|invitedBy|createdBy|updatedBy)Id$/;
/** What alone says nothing about a person: moments, states, flags. */
const SILENT_TYPES = new Set(['DateTime', 'Boolean']);

/** The tables of a Prisma schema, with their marks. */
export function tablesOf(schema: string): Table[] {
  const blocks = [...schema.matchAll(/((?:^[ \t]*\/\/\/.*\n)*)^model (\w+) \{\n([\s\S]*?)^\}/gm)];
  const models = new Set(blocks.map(([, , model]) => model!));
  return blocks.map(([, doc = '', model = '', body = '']) => {
    const fields = fieldsOf(body);
    return {
      name: /^\s*@@map\("(\w+)"\)/m.exec(body)?.[1] ?? model,
      model,
      columns: fields.filter(({ type }) => !models.has(type)),
      references: fields.filter(({ type, definition }) => models.has(type) && /\bfields:/.test(definition)).map(({ type }) => type),
      erasure: noteOf(doc, 'erasure'),
      retention: noteOf(doc, 'retention'),
    };
  });
}

/** The enums of a schema: their values are states, not texts. */
export function enumsOf(schema: string): Set<string> {
  return new Set([...schema.matchAll(/^enum (\w+) \{/gm)].map(([, name]) => name!));
}

/**
 * The tables that point at a person: users, whatever refers to them or to a table that points at them (by a relation, or by a field that
 * is called like one), and whatever has a mark.
 */
export function personalTables(tables: readonly Table[]): Table[] {
  const personal = new Set<string>(['User']);
  const leads = ({ model, references, columns }: Table) =>
    personal.has(model) ||
    references.some((to) => personal.has(to)) ||
    columns.some(({ field, mark }) => mark !== undefined || PERSON.test(field) || personal.has(modelNamedBy(field)));
  for (let known = 0; known < personal.size;) {
    known = personal.size;
    for (const table of tables) if (leads(table)) personal.add(table.model);
  }
  return tables.filter(({ model }) => personal.has(model));
}

/** What is missing or wrong in the marks: one sentence each, with the way out. */
export function faultsOf(schema: string): string[] {
  const silent = new Set([...SILENT_TYPES, ...enumsOf(schema)]);
  return personalTables(tablesOf(schema)).flatMap((table) => [
    ...tableFaults(table),
    ...table.columns.flatMap((column) => columnFaults(table, column, silent)),
  ]);
}

/** The part of docs/privacy.md that is generated. */
export function render(schema: string): string {
  const tables = personalTables(tablesOf(schema)).sort((a, b) => (a.name < b.name ? -1 : 1));
  const overview = tables.map(({ name, erasure, retention }) => `| \`${name}\` | ${erasure} | ${retention} |`);
  const columns = tables.flatMap(({ name, columns }) =>
    [...Map.groupBy(columns, ({ mark }) => mark)].flatMap(([mark, alike]) => {
      const { kind, purpose } = readMark(mark) ?? {};
      return kind === undefined
        ? []
        : [`| \`${name}\` | ${alike.map((column) => `\`${column.name}\``).join(', ')} | ${kind} | ${purpose} |`];
    }),
  );
  return [
    '| table | when its person is erased | kept otherwise |',
    '|---|---|---|',
    ...overview,
    '',
    '| table | columns | kind | purpose |',
    '|---|---|---|---|',
    ...columns,
  ].join('\n');
}

function tableFaults({ name, erasure, retention }: Table): string[] {
  const faults: string[] = [];
  if (!ERASURES.some((word) => new RegExp(`^${word}\\b`).test(erasure ?? '')))
    faults.push(
      `${name} points at a person: say above its model what erasing one does to it, as /// @erasure ${ERASURES.join('|')}: <how>`,
    );
  if (!retention) faults.push(`${name} points at a person: say above its model how long a row is kept, as /// @retention <how long>`);
  return faults;
}

function columnFaults(table: Table, column: Column, silent: ReadonlySet<string>): string[] {
  const { name, field, type, definition, mark, impersonal } = column;
  const where = `${table.name}.${name}`;
  if (mark !== undefined)
    return readMark(mark) ? [] : [`${where}: its mark must be /// @personal <kind>: <purpose>, with a kind of ${KINDS.join(', ')}`];
  if (impersonal !== undefined) return impersonal === '' ? [`${where}: say why it is impersonal, as /// @impersonal <why>`] : [];
  const exempt = silent.has(type) || /^version$|Version$/.test(field) || /@db\.Uuid\b/.test(definition) || /\s@id\b/.test(definition);
  return exempt
    ? []
    : [
        `${where} stands in a table that points at a person: say what it holds and what for, as /// @personal <kind>: <purpose> (${KINDS.join(', ')}), or why it says nothing about anybody, as /// @impersonal <why>`,
      ];
}

function readMark(mark: string | undefined): { kind: Kind; purpose: string } | undefined {
  const [, kind, purpose] = /^(\w+): (\S.*)$/.exec(mark ?? '') ?? [];
  return KINDS.includes(kind as Kind) && purpose !== undefined ? { kind: kind as Kind, purpose } : undefined;
}

function fieldsOf(body: string): Column[] {
  const columns: Column[] = [];
  let doc = '';
  for (const line of body.split('\n')) {
    if (/^\s*\/\/\//.test(line)) {
      doc += `${line}\n`;
      continue;
    }
    const [, field, type, rest = ''] = /^\s*([a-z]\w*)\s+(\w+(?:\("\w+"\))?)(.*)$/.exec(line) ?? [];
    if (field !== undefined && type !== undefined)
      columns.push({
        name: /@map\("(\w+)"\)/.exec(rest)?.[1] ?? field,
        field,
        type,
        definition: rest,
        mark: noteOf(doc, 'personal'),
        impersonal: noteOf(doc, 'impersonal'),
      });
    doc = '';
  }
  return columns;
}

/** The text of a `@tag` line in a doc comment; empty for a tag without one. */
function noteOf(doc: string, tag: string): string | undefined {
  return new RegExp(`^\\s*///\\s*@${tag}\\b[ \\t]*(.*)$`, 'm').exec(doc)?.[1]?.trim();
}

/** `orderId` is called like a reference to Order. */
function modelNamedBy(field: string): string {
  return field.endsWith('Id') ? field.charAt(0).toUpperCase() + field.slice(1, -2) : '';
}
