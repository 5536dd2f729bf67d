import { randomUUIDv7 } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { record } from '#audit';
import { Env } from '#config';
import { type Db, PrismaService, transaction, type Tx } from '#database';
import { AppError } from '#errors';
import { publish } from '#events';
import { type FileUpload, keyset, type Page, parseSort, readCursor, toPage } from '#http';
import { enqueue, Handles, type JobRun, Schedule } from '#jobs';
import type { Actor } from '#security';
import { BytesNotFound, Storage } from '#storage';
import type { ImportVariantsQuery, ListProductImportProblemsQuery, ListProductImportsQuery } from './variant-imports.dto.js';
import { productImportNotFound, productImportOver, tooManyProductImports, productImportUnreadable } from './variant-imports.errors.js';
import { productImportEnded } from './variant-imports.events.js';
import { importVariants, type VariantImportPayload } from './variant-imports.jobs.js';
import {
  auditedProductImport,
  countLines,
  listProblems,
  lockImports,
  type ProductImport,
  type ProductImportProblem,
} from './variant-imports.queries.js';
import { VariantRunsService } from './variant-runs.service.js';

const DAY_MS = 86_400_000;
/** An import that has not ended by then never will: its job is gone. */
const GIVEN_UP_MS = DAY_MS;
/** So many may wait or run. */
const AT_ONCE = 3;
const UNDER_WAY = ['pending' as const, 'running' as const];
const NOTHING = { created: 0, updated: 0, unchanged: 0, failed: 0 };

/** Where the bytes of an import lie until it is over. */
const keyOf = (id: string) => `${id}.variants`;

/** File that has arrived: in the storage, and not yet an import. */
interface Arrived {
  id: string;
  name: string;
  size: number;
  sha256: Buffer;
}

/** Imports of variants: asked for in a request, carried out by a job, and kept for a while with what became of each line. */
@Injectable()
export class VariantImportsService {
  constructor(
    private readonly prisma: PrismaService,
    private readonly storage: Storage,
    private readonly env: Env,
    private readonly runs: VariantRunsService,
  ) {}

  /** Keeps what is sent, and has `keep` ask for its import. Of what is refused, breaks off or repeats an earlier call nothing is left. */
  async receive<Answer>(upload: FileUpload, keep: (arrived: Arrived) => Promise<Answer>): Promise<Answer> {
    const id = randomUUIDv7();
    const forget = () => this.storage.delete(keyOf(id));
    try {
      const arrived = await upload.file(async ({ name, bytes }) => {
        const { size, sha256 } = await this.storage.put(keyOf(id), bytes, 'text/csv');
        return { id, name: shortName(name), size, sha256 };
      });
      const answer = await keep(arrived);
      if ((await this.prisma.productImport.count({ where: { id } })) === 0) await forget();
      return answer;
    } catch (error) {
      // After another failure nobody knows whether it was committed: then the sweep of the storage decides.
      if (error instanceof AppError) await forget();
      throw error;
    }
  }

  /** Asks for the import of what has arrived. @throws products/too-many-imports */
  async request(actor: Actor, { dryRun }: ImportVariantsQuery, { id, name, size }: Arrived, db: Tx): Promise<ProductImport> {
    await lockImports(db);
    const underWay = await db.productImport.count({ where: { status: { in: UNDER_WAY } } });
    if (underWay >= AT_ONCE)
      throw tooManyProductImports(`${underWay} imports of variants are under way; wait for one of them to end, or cancel it.`);
    const data = { id, ownerId: actor.id, impersonatorId: actor.impersonatorId, name, size: BigInt(size), dryRun };
    const made = await db.productImport.create({ data });
    await record(db, { actor, action: 'products.import-requested', resource: auditedProductImport(id), subject: actor.id, after: made });
    await enqueue(db, importVariants, { importId: id }, { key: id });
    return made;
  }

  async list(_actor: Actor, query: ListProductImportsQuery): Promise<Page<ProductImport>> {
    const { where, orderBy } = keyset(parseSort(query.sort), readCursor(query.cursor, query.sort, 'time'));
    const found = await this.prisma.productImport.findMany({ where, orderBy, take: query.limit + 1 });
    return toPage(
      found,
      query,
      ({ createdAt }) => createdAt,
      (row) => row,
    );
  }

  async get(_actor: Actor, id: string, db: Db = this.prisma): Promise<ProductImport> {
    const found = await db.productImport.findUnique({ where: { id } });
    if (found === null) throw productImportNotFound('No import of variants has this id.');
    return found;
  }

  async problems(actor: Actor, id: string, query: ListProductImportProblemsQuery): Promise<Page<ProductImportProblem>> {
    await this.get(actor, id);
    const sort = 'line';
    const found = await listProblems(this.prisma, id, query.limit, readCursor(query.cursor, sort, 'number'));
    return toPage(
      found,
      { ...query, sort },
      ({ line }) => line,
      (row) => row,
    );
  }

  /** Ends an import after the lines that are being dealt with. What is there already stays. */
  async cancel(actor: Actor, id: string, db: Db = this.prisma): Promise<ProductImport> {
    return transaction(db, async (tx) => {
      const where = { id, status: { in: UNDER_WAY } };
      const { count } = await tx.productImport.updateMany({ where, data: { status: 'cancelled', completedAt: new Date() } });
      const now = await this.get(actor, id, tx);
      if (count === 0) throw productImportOver(`The import is ${now.status}; there is nothing to cancel.`);
      await this.tellEnd(actor, now, 'products.import-cancelled', tx);
      return now;
    });
  }

  /** Carries an import out, or on from where an earlier attempt was ended. */
  @Handles(importVariants)
  async carryOut({ importId: id }: VariantImportPayload, run: JobRun): Promise<void> {
    await this.prisma.productImport.updateMany({ where: { id, status: 'pending' }, data: { status: 'running', startedAt: new Date() } });
    const begun = await this.prisma.productImport.findUnique({ where: { id, status: 'running' } });
    if (begun !== null) {
      try {
        if (await this.runs.carryOut(begun, keyOf(id), run.signal)) await this.close(begun, 'done', null);
      } catch (error) {
        if (run.signal.aborted) throw error;
        const isFinal = error instanceof AppError || error instanceof BytesNotFound;
        if (!isFinal && run.attempt < run.maxAttempts) throw error;
        await this.close(begun, 'failed', error);
        if (!isFinal) throw error;
      }
    }
    // Where another run has taken over, that one needs the file.
    if ((await this.prisma.productImport.count({ where: { id, completedAt: null } })) === 0) await this.storage.delete(keyOf(id));
  }

  /** Removes what is old, and gives up what nobody carries out any more. */
  @Schedule('products.imports-purge', '47 * * * *')
  async purge(): Promise<void> {
    const before = (ms: number) => ({ createdAt: { lt: new Date(Date.now() - ms) } });
    const lost = await this.prisma.productImport.findMany({ where: { ...before(GIVEN_UP_MS), status: { in: UNDER_WAY } } });
    for (const each of lost) {
      await this.close(each, 'failed', productImportUnreadable('The import was not carried out in time; import the file again.'));
      await this.storage.delete(keyOf(each.id));
    }
    await this.prisma.productImport.deleteMany({ where: before(this.env.PRODUCTS_IMPORTS_TTL_DAYS * DAY_MS) });
  }

  private async close({ id, ownerId, impersonatorId }: ProductImport, status: 'done' | 'failed', error: unknown): Promise<void> {
    await transaction(this.prisma, async (db) => {
      const where = { id, status: { in: UNDER_WAY } };
      const { count } = await db.productImport.updateMany({ where, data: { status, completedAt: new Date() } });
      if (count === 0) return;
      if (error !== null) await countLines(db, id, NOTHING, [{ line: 0, column: null, ...whyOf(error) }]);
      const now = await db.productImport.findUniqueOrThrow({ where: { id } });
      await this.tellEnd({ id: ownerId, impersonatorId }, now, 'products.import-ended', db);
    });
  }

  private async tellEnd(
    actor: Pick<Actor, 'id' | 'impersonatorId'>,
    now: ProductImport,
    action: `products.${string}`,
    db: Tx,
  ): Promise<void> {
    const { id, ownerId, status, created, updated, failed } = now;
    await record(db, { actor, action, resource: auditedProductImport(id), subject: ownerId, after: now });
    const payload = { importId: id, status, created, updated, failed };
    await publish(db, productImportEnded, payload, { actor, resource: { type: 'product-import', id }, subject: ownerId });
  }
}

function whyOf(error: unknown): { code: string; detail: string } {
  if (error instanceof AppError) return { code: error.code, detail: error.message };
  if (error instanceof BytesNotFound) return { code: productImportUnreadable.code, detail: 'What was uploaded is gone; import it again.' };
  return { code: 'internal', detail: 'The import broke off, and is not tried again; what was written stays.' };
}

/** The last part of what the sender calls it, on one line. */
function shortName(name: string): string {
  const last = name.split(/[/\\]/).filter(Boolean).at(-1) ?? '';
  return [...last.toWellFormed().replace(/[\u0000-\u001f\u007f]/g, '')].slice(0, 200).join('') || 'variants.csv';
}
