import { Injectable } from '@nestjs/common';
import { PrismaService, transaction, type Tx } from '#database';
import { Actor, SessionDirectory } from '#security';
import { VariantFilesService, type ReadLine } from './variant-files.service.js';
import { productImportNotAllowed } from './variant-imports.errors.js';
import { countLines, type ProductImport, takeLines } from './variant-imports.queries.js';
import type { Line, LineProblem } from './variant-imports.rules.js';
import { type Brought, LineRefused, VariantLinesService } from './variant-lines.service.js';

/** How a rehearsal takes back what it wrote. */
class Rehearsed extends Error {
  constructor(readonly brought: Brought) {
    super('rehearsed');
  }
}

/** Another run has taken the lines, or the import was cancelled. */
class Overtaken extends Error {}

/** So many lines are one transaction. Variants that it changes are locked for buyers meanwhile. */
const BATCH = 50;
/** So many may pass before it is asked again what the owner may do. */
const ASKED_EVERY = 1_000;

/** A line, or what is wrong with it before anybody looks at the catalogue. */
type Entry = { line: Line } | { problem: LineProblem };

/** One pass over the lines of an import: each batch in a transaction of its own, which also counts it, so that it is dealt with once. */
@Injectable()
export class VariantRunsService {
  constructor(
    private readonly prisma: PrismaService,
    private readonly files: VariantFilesService,
    private readonly lines: VariantLinesService,
    private readonly directory: SessionDirectory,
  ) {}

  /** Takes in the file under this key from where an earlier run was ended; says whether it got to its end. */
  async carryOut(begun: ProductImport, key: string, signal: AbortSignal): Promise<boolean> {
    if (begun.of === null) await this.survey(begun, key, signal);
    let actor = await this.actorOf(begun);
    let { done } = begun;
    let batch: Entry[] = [];
    let number = 0;
    const seen = new Map<string, number>();
    try {
      for await (const read of this.files.lines(key)) {
        signal.throwIfAborted();
        const entry = entryOf(read, seen);
        if (number++ < begun.done) continue;
        batch.push(entry);
        if (batch.length < BATCH) continue;
        if (done % ASKED_EVERY < BATCH) actor = await this.actorOf(begun);
        await this.take(begun, done, batch, actor);
        done += batch.length;
        batch = [];
      }
      if (batch.length > 0) await this.take(begun, done, batch, actor);
      return true;
    } catch (error) {
      if (error instanceof Overtaken) return false;
      throw error;
    }
  }

  /** Reads the file to its end before anything of it is written, and keeps how many lines it has. @throws products/import-unreadable */
  private async survey({ id }: ProductImport, key: string, signal: AbortSignal): Promise<void> {
    const lines = this.files.lines(key);
    let of = 0;
    for (; !(await lines.next()).done; of += 1) signal.throwIfAborted();
    await this.prisma.productImport.updateMany({ where: { id, of: null }, data: { of } });
  }

  private async take(now: ProductImport, before: number, batch: readonly Entry[], actor: Actor): Promise<void> {
    const lines = batch.flatMap((entry) => ('line' in entry ? [entry.line] : []));
    const wrong = batch.flatMap((entry) => ('problem' in entry ? [entry.problem] : []));
    /** In one transaction: the lines are taken, dealt with, and counted. */
    const settle = (bring: (db: Tx) => Promise<Brought>) =>
      transaction(this.prisma, async (db) => {
        if (!(await takeLines(db, now.id, before, batch.length))) throw new Overtaken();
        const { counts, problems } = await bring(db);
        await countLines(db, now.id, { ...counts, failed: counts.failed + wrong.length }, [...wrong, ...problems]);
      });
    try {
      await settle(async (db) => {
        const brought = await this.lines.bring(actor, lines, db);
        if (now.dryRun) throw new Rehearsed(brought);
        return brought;
      });
    } catch (error) {
      if (error instanceof Rehearsed) return settle(() => Promise.resolve(error.brought));
      if (!(error instanceof LineRefused)) throw error;
      if (batch.length === 1)
        return settle(() => Promise.resolve({ counts: { created: 0, updated: 0, unchanged: 0, failed: 1 }, problems: error.problems }));
      for (const [index, entry] of batch.entries()) await this.take(now, before + index, [entry], actor);
    }
  }

  /** Who asked, with what they may do by now. @throws products/import-not-allowed */
  private async actorOf({ ownerId, impersonatorId }: ProductImport): Promise<Actor> {
    const found = await this.directory.findAbsent(ownerId, this.prisma);
    const actor = found && new Actor({ ...found, impersonatorId });
    if (!actor?.can('products:manage')) throw productImportNotAllowed('Who asked for it may not manage products any more.');
    return actor;
  }
}

function entryOf(read: ReadLine, seen: Map<string, number>): Entry {
  const { line, cells } = read;
  if (cells === null)
    return {
      problem: {
        line,
        column: null,
        code: 'cells',
        detail: 'there are more or fewer cells than columns; a comma may want quotes around its cell',
      },
    };
  const sku = cells.sku ?? '';
  const first = seen.get(sku);
  if (sku !== '' && first !== undefined)
    return { problem: { line, column: 'sku', code: 'duplicate-sku', detail: `the file has this SKU in line ${first} already` } };
  seen.set(sku, line);
  return { line: { line, cells } };
}
