import { Injectable } from '@nestjs/common';
import { Prisma, PrismaService, rows, timeOfId } from '#database';
import { isProven, NO_CHAIN, readChain } from './chain.js';
import { AuditKeys, NOBODY } from './keys.js';
import { type Authentic, type Break, breakAt, readLinks, STORED } from './links.js';
import { canonical, isMacOf } from './sealing.js';

const LINKS_AT_ONCE = 1_000;
const IDS_AT_ONCE = 5_000;

/** A head that somebody wrote down elsewhere. */
export interface KeptHead {
  position: bigint;
  /** Hexadecimal. */
  head: string;
}

export interface Verification {
  verified: boolean;
  /** How many there are, sealed or not. */
  entries: number;
  /** How many places the chain has. */
  sealed: number;
  unsealed: number;
  /** Since when the oldest of those waits: more than seconds mean that no process seals. */
  unsealedSince: Date | null;
  /** The last position that has expired; 0 as long as none has. */
  expired: bigint;
  /** The end of the chain: what to keep elsewhere. */
  position: bigint;
  head: string;
  brokenAt: Break | null;
}

/** How a run of entries stands to the chain. */
interface Run {
  count: bigint;
  waiting: string[] | null;
  stray: string | null;
  last: string | null;
}

type Chain = Awaited<ReturnType<typeof readChain>>;

/** Reads the whole log, a batch at a time, and names the first place where it is not what was sealed. */
@Injectable()
export class Verifier {
  constructor(
    private readonly prisma: PrismaService,
    private readonly keys: AuditKeys,
  ) {}

  /** With a head that was kept elsewhere it also shows a chain that was cut off or made anew with our own keys. */
  async verify(kept?: KeptHead): Promise<Verification> {
    const chain = await readChain(this.prisma);
    const broken = await this.walk(chain, kept);
    const { startPosition, endPosition, endHead } = chain.row ?? NO_CHAIN;
    if (broken !== null) {
      const now = (await readChain(this.prisma)).row;
      if (now !== null && now.startPosition > startPosition) return this.verify(kept); // what expired meanwhile is no breach
    }
    const { entries, unsealed, stray } = await this.count();
    const brokenAt = broken ?? stray;
    return {
      verified: brokenAt === null,
      entries,
      sealed: Number(endPosition - startPosition),
      unsealed,
      unsealedSince: await this.unsealedSince(),
      expired: startPosition,
      position: endPosition,
      head: endHead.toString('hex'),
      brokenAt,
    };
  }

  private async walk({ row, last }: Chain, kept: KeptHead | undefined): Promise<Break | null> {
    const { startPosition, startHead, endPosition } = row ?? NO_CHAIN;
    if (row === null ? last > 0n : !isProven(this.keys, row)) {
      const retired = row !== null && !this.keys.chain.some(({ id }) => id === row.keyId);
      return { position: row === null ? last : endPosition, entryId: null, reason: retired ? 'key-missing' : 'unproven' };
    }
    let place = { position: startPosition, head: startHead };
    if (differs(kept, place)) return { position: startPosition, entryId: null, reason: 'replaced' };
    while (place.position < endPosition) {
      const links = await readLinks(this.prisma, { after: place.position, until: endPosition, limit: LINKS_AT_ONCE });
      for (const link of links) {
        const broken = breakAt(this.keys, link, place);
        if (broken !== null) return broken;
        if (differs(kept, link)) return { position: link.position, entryId: link.entryId, reason: 'replaced' };
        place = link;
      }
      if (links.length === 0) return { position: place.position + 1n, entryId: null, reason: 'cut' };
    }
    if (last > endPosition) return { position: endPosition + 1n, entryId: null, reason: 'inserted' };
    if (kept !== undefined && kept.position > endPosition) return { position: endPosition + 1n, entryId: null, reason: 'cut' };
    return null;
  }

  /** Counts the entries, and finds the first that has neither a seal nor a place among those that wait, or waits and is not ours. */
  private async count(): Promise<{ entries: number; unsealed: number; stray: Break | null }> {
    let [entries, unsealed] = [0, 0];
    let stray: string | null = null;
    for (let after: string | null = NOBODY; after !== null;) {
      const run = await this.runAfter(after);
      entries += Number(run.count);
      unsealed += run.waiting?.length ?? 0;
      stray ??= run.stray ?? (await this.foreign(run.waiting ?? []));
      after = run.last;
    }
    return { entries, unsealed, stray: stray === null ? null : { position: null, entryId: stray, reason: 'inserted' } };
  }

  private async runAfter(id: string): Promise<Run> {
    const [run] = await rows<Run>(
      this.prisma,
      Prisma.sql`SELECT count(*) AS count, (array_agg(e.id ORDER BY e.id) FILTER (WHERE s.entry_id IS NULL AND u.entry_id IS NULL))[1] AS stray,
          array_agg(e.id) FILTER (WHERE s.entry_id IS NULL AND u.entry_id IS NOT NULL) AS waiting, (array_agg(e.id ORDER BY e.id DESC))[1] AS last
        FROM (SELECT id FROM audit_entries WHERE id > ${id}::uuid ORDER BY id LIMIT ${IDS_AT_ONCE}) e
        LEFT JOIN audit_seals s ON s.entry_id = e.id LEFT JOIN audit_unsealed u ON u.entry_id = e.id`,
    );
    return run!;
  }

  /** The first of those that wait which the application has not written. */
  private async foreign(waiting: readonly string[]): Promise<string | null> {
    if (waiting.length === 0) return null;
    const entries = await rows<Authentic>(
      this.prisma,
      Prisma.sql`SELECT ${STORED} FROM audit_entries e WHERE e.id = ANY (${[...waiting]}::uuid[]) ORDER BY e.id`,
    );
    return entries.find((entry) => !isMacOf(this.keys.entries, canonical(entry), entry.mac))?.id ?? null;
  }

  private async unsealedSince(): Promise<Date | null> {
    const [oldest] = await rows<{ id: string }>(
      this.prisma,
      Prisma.sql`SELECT entry_id AS id FROM audit_unsealed ORDER BY entry_id LIMIT 1`,
    );
    return oldest ? timeOfId(oldest.id) : null;
  }
}

function differs(kept: KeptHead | undefined, place: { position: bigint; head: Buffer }): boolean {
  return kept?.position === place.position && kept.head !== place.head.toString('hex');
}
