import pg from 'pg';

/** One thing a database consists of; `special` is what a Prisma schema cannot express. */
interface Fact {
  kind: string;
  name: string;
  definition: string;
  special: boolean;
}

const USER_TABLE = `c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND c.relname <> '_prisma_migrations'`;

const FACTS = `
SELECT 'table' AS kind, c.relname AS name, '' AS definition, false AS special FROM pg_class c WHERE ${USER_TABLE}
UNION ALL
SELECT 'column', c.relname || '.' || a.attname,
       format_type(a.atttypid, a.atttypmod) || CASE WHEN a.attnotnull THEN ' not null' ELSE '' END
         || CASE WHEN a.attgenerated = '' THEN coalesce(' default ' || pg_get_expr(d.adbin, d.adrelid), '') ELSE '' END
         || CASE WHEN a.attidentity = '' THEN '' ELSE ' identity' END,
       a.attgenerated <> ''
  FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
  LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum WHERE ${USER_TABLE}
UNION ALL
SELECT CASE k.contype WHEN 'p' THEN 'primary key' WHEN 'u' THEN 'unique constraint' WHEN 'f' THEN 'foreign key' ELSE 'constraint' END,
       c.relname || '.' || k.conname, pg_get_constraintdef(k.oid), k.contype NOT IN ('p', 'u', 'f')
  FROM pg_class c JOIN pg_constraint k ON k.conrelid = c.oid AND k.contype IN ('p', 'u', 'f', 'c', 'x') WHERE ${USER_TABLE}
UNION ALL
SELECT 'index', c.relname || '.' || i.relname, pg_get_indexdef(i.oid),
       x.indpred IS NOT NULL OR x.indexprs IS NOT NULL OR m.amname <> 'btree' OR x.indnkeyatts < x.indnatts OR x.indnullsnotdistinct
         OR EXISTS (SELECT FROM unnest(x.indclass::oid[]) o JOIN pg_opclass p ON p.oid = o WHERE NOT p.opcdefault)
  FROM pg_class c JOIN pg_index x ON x.indrelid = c.oid JOIN pg_class i ON i.oid = x.indexrelid JOIN pg_am m ON m.oid = i.relam
  WHERE ${USER_TABLE} AND NOT EXISTS (SELECT FROM pg_constraint k WHERE k.conindid = i.oid AND k.contype IN ('p', 'u', 'x'))
UNION ALL
SELECT 'enum', t.typname, string_agg(e.enumlabel, ', ' ORDER BY e.enumsortorder), false
  FROM pg_type t JOIN pg_enum e ON e.enumtypid = t.oid WHERE t.typnamespace = 'public'::regnamespace GROUP BY t.typname
ORDER BY 1, 2`;

/**
 * What two databases disagree in, one sentence each: everything that the schema asks for must have come from the migrations,
 * and the migrations may add only what Prisma cannot express (CHECK constraints, partial, expression and GIN indexes,
 * generated columns; triggers and functions are not compared).
 */
export async function disagreements(migrated: string, wanted: string): Promise<string[]> {
  const [inMigrations, inSchema] = await Promise.all([readFacts(migrated), readFacts(wanted)]);
  const missing = [...inSchema].flatMap(([key, fact]) => {
    const other = inMigrations.get(key);
    if (!other) return [`The schema has the ${fact.kind} ${fact.name}, which no migration creates.`];
    if (other.definition === fact.definition) return [];
    return [`The ${fact.kind} ${fact.name} is "${fact.definition}" by the schema and "${other.definition}" by the migrations.`];
  });
  const surplus = [...inMigrations]
    .filter(([key, fact]) => !fact.special && !inSchema.has(key))
    .map(([, fact]) => `The migrations create the ${fact.kind} ${fact.name}, which the schema does not have.`);
  return [...missing, ...surplus];
}

/** Columns for money (a bigint that is neither an id nor a place in an order) that no CHECK constraint stands behind, one sentence each. */
export async function unguarded(url: string): Promise<string[]> {
  const columns = await read<{ name: string }>(
    url,
    `SELECT c.relname || '.' || a.attname AS name FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
     WHERE ${USER_TABLE} AND a.atttypid = 'bigint'::regtype AND a.attname !~ '(^|_)(id|seq|position)$'
       AND NOT EXISTS (SELECT FROM pg_constraint k WHERE k.conrelid = c.oid AND k.contype = 'c' AND a.attnum = ANY (k.conkey)) ORDER BY 1`,
  );
  return columns.map(
    ({ name }) => `The column ${name} holds an amount, and no CHECK constraint says which are possible: add one to the migration.`,
  );
}

async function readFacts(url: string): Promise<Map<string, Fact>> {
  return new Map((await read<Fact>(url, FACTS)).map((fact) => [`${fact.kind} ${fact.name}`, fact]));
}

async function read<Row extends object>(url: string, sql: string): Promise<Row[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query<Row>(sql)).rows;
  } finally {
    await client.end();
  }
}
