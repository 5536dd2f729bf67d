import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

/** One file of a Prisma schema. */
export interface SchemaFile {
  path: string;
  content: string;
}

/** A Prisma schema cannot be read; the message is Prisma's own, with file and line. */
export class SchemaError extends Error {
  override readonly name = 'SchemaError';
}

/**
 * The SQL that leads from one Prisma schema to another; an empty list of files is an empty database, an empty text no
 * difference. Needs neither a database nor the engine that Prisma's command line tool downloads: the same engine comes
 * as WebAssembly from the package registry.
 */
export async function schemaDifference(from: SchemaFile[], to: SchemaFile[]): Promise<string> {
  const opened = await (engine ??= openEngine());
  const target = (files: SchemaFile[]) => (files.length ? { tag: 'schemaDatamodel' as const, files } : { tag: 'empty' as const });
  try {
    const filters = { externalTables: [], externalEnums: [] };
    const { exitCode, stdout } = await opened.diff({ from: target(from), to: target(to), script: true, exitCode: true, filters });
    return exitCode === 2 ? `${stdout?.trim()}\n` : '';
  } catch (cause) {
    throw new SchemaError((cause as Error).message.trim(), { cause });
  }
}

/** The engine's JavaScript half knows one instance for the life of a process. */
let engine: ReturnType<typeof openEngine> | undefined;

/** TypeScript knows this global from the browser's library only. */
declare const WebAssembly: {
  instantiate(code: Uint8Array, imports: object): Promise<{ instance: { exports: { __wbindgen_start(): void } } }>;
};

async function openEngine() {
  const glue = await import('@prisma/schema-engine-wasm/schema_engine_bg');
  const folder = dirname(createRequire(import.meta.url).resolve('@prisma/schema-engine-wasm'));
  const bytes = await readFile(join(folder, 'schema_engine_bg.wasm'));
  const { instance } = await WebAssembly.instantiate(bytes, { './schema_engine_bg.js': glue });
  glue.__wbg_set_wasm(instance.exports);
  instance.exports.__wbindgen_start();
  return glue.SchemaEngine.new({ datamodels: undefined }, () => undefined, absentDatabase);
}

/** The engine asks for a database even where it needs none, and wants to know the server's version only. */
const absentDatabase = bound({
  connect: async () =>
    bound({
      queryRaw: async () => ({
        columnNames: ['exists', 'version', 'number'],
        columnTypes: [5, 7, 0],
        rows: [[true, 'PostgreSQL 18', 180000]],
      }),
      dispose: async () => undefined,
    }),
});

/** The engine's calling convention: results as `{ ok, value }`. */
function bound(calls: Record<string, () => Promise<unknown>>): object {
  const wrapped = Object.entries(calls).map(([name, call]): [string, unknown] => [name, async () => ({ ok: true, value: await call() })]);
  return { provider: 'postgres', adapterName: 'none', ...Object.fromEntries(wrapped) };
}
