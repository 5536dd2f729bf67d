import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { faultsOf, personalTables, render, tablesOf } from './datamap.rules.js';

const USER = `
/// @erasure anonymised: at once
/// @retention as long as the account exists
model User {
  id    String @id @default(uuid(7)) @db.Uuid
  /// @personal contact: logging in
  email String @unique

  notes Note[]

  @@map("users")
}
`;

/** A schema of users and one more model, whose marks are complete unless `body` says otherwise. */
const withModel = (body: string, doc = '/// @erasure deleted\n/// @retention for a week\n') =>
  `${USER}\n${doc}model Note {\n${body}\n  @@map("notes")\n}\n`;
const RELATION = '  userId String @map("user_id") @db.Uuid\n  user User @relation(fields: [userId], references: [id])\n';
const reached = (schema: string) => personalTables(tablesOf(schema)).map(({ name }) => name);

describe('a table points at a person', () => {
  it.each([
    ['by a relation to users', RELATION],
    ['by the name of a field', '  id String @id\n  actorId String? @map("actor_id") @db.Uuid\n'],
    ['by a mark', '  id String @id\n  /// @personal content: what was said\n  text String\n'],
  ])('%s', (_, body) => {
    expect(reached(withModel(body))).toEqual(['users', 'notes']);
  });

  it('through other tables, by relation or by name', () => {
    const more = (field: string) => `${withModel(RELATION)}\nmodel Line {\n${field}\n  @@map("lines")\n}\n`;
    expect(reached(more('  noteId String @db.Uuid\n  note Note @relation(fields: [noteId], references: [id])'))).toContain('lines');
    expect(reached(more('  noteId String @db.Uuid'))).toContain('lines');
    expect(reached(more('  stockId String @db.Uuid'))).not.toContain('lines');
  });

  it('not merely because users or others refer to it', () => {
    expect(reached(withModel('  id String @id\n  name String\n'))).toEqual(['users']);
  });
});

describe('the marks', () => {
  it('are complete in this schema', () => {
    const folder = join(import.meta.dirname, 'models');
    expect(
      faultsOf(
        readdirSync(folder)
          .map((name) => readFileSync(join(folder, name), 'utf8'))
          .join('\n'),
      ),
    ).toEqual([]);
  });

  it('are asked for on every column that may say something', () => {
    const faults = faultsOf(
      withModel(`${RELATION}  text String @map("the_text")\n  tags String[]\n  count Int\n  extra Json?\n  data Bytes\n`),
    );
    expect(faults.map((fault) => fault.split(' ')[0])).toEqual([
      'notes.the_text',
      'notes.tags',
      'notes.count',
      'notes.extra',
      'notes.data',
    ]);
    expect(faults[0]).toContain('/// @personal <kind>: <purpose>');
  });

  it('are not asked for on ids, references, moments, versions, flags and states', () => {
    const silent = `${RELATION}  id String @id @default(uuid(7))\n  otherId String @db.Uuid\n  at DateTime\n  version Int\n  baseVersion Int\n  read Boolean\n  state State\n`;
    expect(faultsOf(`${withModel(silent)}\nenum State {\n  open\n}\n`)).toEqual([]);
  });

  it('may say that a column is nobody’s affair, and then why', () => {
    expect(faultsOf(withModel(`${RELATION}  /// @impersonal counts the runs\n  runs Int\n`))).toEqual([]);
    expect(faultsOf(withModel(`${RELATION}  /// @impersonal\n  runs Int\n`))).toEqual([expect.stringContaining('notes.runs')]);
  });

  it.each(['content', 'content:', 'secret: of an unknown kind', ': nothing'])('are refused as “%s”', (mark) => {
    expect(faultsOf(withModel(`${RELATION}  /// @personal ${mark}\n  text String\n`))).toEqual([expect.stringContaining('notes.text')]);
  });

  it('may stand among other comments, and belong to the next column alone', () => {
    const body = `${RELATION}  /// Markdown.\n  /// @personal content: what was said\n  text String\n  html String\n`;
    expect(faultsOf(withModel(body))).toEqual([expect.stringContaining('notes.html')]);
  });

  it('say of each table what erasing does to it, and how long it is kept', () => {
    expect(faultsOf(withModel(RELATION, ''))).toEqual([expect.stringContaining('@erasure'), expect.stringContaining('@retention')]);
    expect(faultsOf(withModel(RELATION, '/// @erasure gone\n/// @retention\n'))).toHaveLength(2);
  });
});

describe('the map', () => {
  it('names each table with its erasure and retention, and its columns by what they are for', () => {
    const body = `${RELATION}  /// @personal content: what was said\n  text String\n  /// @personal content: what was said\n  html String @map("as_html")\n`;
    expect(render(withModel(body)).split('\n')).toEqual([
      '| table | when its person is erased | kept otherwise |',
      '|---|---|---|',
      '| `notes` | deleted | for a week |',
      '| `users` | anonymised: at once | as long as the account exists |',
      '',
      '| table | columns | kind | purpose |',
      '|---|---|---|---|',
      '| `notes` | `text`, `as_html` | content | what was said |',
      '| `users` | `email` | contact | logging in |',
    ]);
  });
});
