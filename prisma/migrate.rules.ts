/** Why a name cannot be given to a migration; undefined when it can. */
export function nameFault(name: string | undefined): string | undefined {
  if (!name) return 'Give the migration a name that says what changes, such as: npm run db:migration -- add_order_notes';
  if (/^[a-z][a-z0-9]*(_[a-z0-9]+)*$/.test(name) && name.length <= 60) return undefined;
  return `"${name}" cannot name a migration: use at most 60 small letters, digits and single underscores, such as add_order_notes.`;
}

/** The folder of a new migration: UTC time to the second, later than every one before it. */
export function folderName(name: string, now: Date, last: string | undefined): string {
  const stamp = now.toISOString().replaceAll(/\D/g, '').slice(0, 14);
  const lastStamp = last?.slice(0, 14) ?? '';
  return `${stamp > lastStamp ? stamp : String(BigInt(lastStamp) + 1n)}_${name}`;
}

/** What a version of the application that still runs does not survive, and how to do it in two releases instead. */
const BREAKING: [RegExp, (name: string) => string][] = [
  [
    /^DROP TABLE "(?<name>[^"]+)"/,
    (name) => `drops the table ${name}: release a version that no longer uses it first, and drop it in the next one`,
  ],
  [
    /^DROP COLUMN "(?<name>[^"]+)"/,
    (name) => `drops the column ${name}: release a version that no longer uses it first, and drop it in the next one`,
  ],
  [
    /^ADD COLUMN\s+"(?<name>[^"]+)"(?!.*\bDEFAULT\b).*\bNOT NULL/,
    (name) =>
      `adds the column ${name} as NOT NULL without a default: it fails on rows that exist and for a running version that does not fill it; give it a default, or add it as optional first`,
  ],
  [
    /^ALTER COLUMN "(?<name>[^"]+)" SET NOT NULL/,
    (name) =>
      `makes the column ${name} NOT NULL: it fails where a row or a running version leaves it empty; fill the rows first, in a release that always writes it`,
  ],
  [
    /^ALTER COLUMN "(?<name>[^"]+)" SET DATA TYPE/,
    (name) =>
      `changes the type of the column ${name}: it may rewrite and lock the table, and a running version expects the old type; add a new column, fill it, and move over`,
  ],
  [
    /^RENAME (?:TO|COLUMN) "(?<name>[^"]+)"/,
    (name) => `renames ${name}, which a running version still asks for: add the new one beside it, and drop the old one later`,
  ],
  [
    /^(?:DROP TYPE|ALTER TYPE) "(?<name>[^"]+)"(?! ADD VALUE)/,
    (name) => `changes the values of the type ${name}, which a running version may still write: add values only, and remove none`,
  ],
];

/** One sentence for each statement that would break a version of the application that still runs (expand and contract). */
export function breakingChanges(sql: string): string[] {
  return clauses(sql).flatMap((clause) =>
    BREAKING.flatMap(([pattern, explain]) => {
      const name = pattern.exec(clause.text)?.groups?.name;
      return name ? [`The migration ${explain(clause.table ? `${clause.table}.${name}` : name)}.`] : [];
    }),
  );
}

/** Statements; an ALTER TABLE with several changes counts as several. */
function clauses(sql: string): { table?: string; text: string }[] {
  const statements = sql
    .replaceAll(/^\s*--.*$/gm, '')
    .split(/;\s*(?:\n|$)/)
    .map((statement) => statement.trim().replaceAll(/\s*\n\s*/g, ' '));
  return statements.flatMap((statement) => {
    const alter = /^ALTER TABLE "(?<table>[^"]+)" (?<changes>.*)$/.exec(statement)?.groups;
    if (!alter?.changes) return [{ text: statement }];
    const changes = alter.changes.split(/,\s*(?=(?:ADD|DROP|ALTER|RENAME) )/);
    return changes.map((text) => ({ table: alter.table, text }));
  });
}
