import { execute, Prisma, rows, type Db, type Tx } from '#database';
import type { AuditKeys } from './keys.js';
import { type ChainEnds, GENESIS, proofOf } from './sealing.js';

/** The row that says where the chain begins and ends, and whether we wrote it. */
export interface ChainRow extends ChainEnds {
  proof: Buffer;
  keyId: string;
}

export const NO_CHAIN: ChainEnds = { startPosition: 0n, startHead: GENESIS, endPosition: 0n, endHead: GENESIS };

const LOCK = Prisma.sql`hashtextextended('audit chain', 0)`;

/** Lets one transaction at a time append to the chain or cut it; false when another does. */
export async function takeChain(db: Tx): Promise<boolean> {
  const [lock] = await rows<{ mine: boolean }>(db, Prisma.sql`SELECT pg_try_advisory_xact_lock(${LOCK}) AS mine`);
  return lock!.mine;
}

/** The same, waiting for the other. */
export async function awaitChain(db: Tx): Promise<void> {
  await rows(db, Prisma.sql`SELECT pg_advisory_xact_lock(${LOCK})`);
}

/** The row (null before the first seal) and the last seal's position (0 where there is none), both of one moment. */
export async function readChain(db: Db): Promise<{ row: ChainRow | null; last: bigint }> {
  const [found] = await rows<{ last: bigint } & (ChainRow | { keyId: null })>(
    db,
    Prisma.sql`SELECT s.last, c.start_position AS "startPosition", c.start_head AS "startHead", c.end_position AS "endPosition", c.end_head AS "endHead",
        c.key_id AS "keyId", c.proof
      FROM (SELECT coalesce(max(position), 0) AS last FROM audit_seals) s LEFT JOIN audit_chain c ON c.id = 1`,
  );
  const { last, ...row } = found!;
  return { row: row.keyId === null ? null : row, last };
}

export async function writeChain(db: Tx, keys: AuditKeys, ends: ChainEnds): Promise<void> {
  const { id, key } = keys.chain[0]!;
  await execute(
    db,
    Prisma.sql`INSERT INTO audit_chain (id, start_position, start_head, end_position, end_head, key_id, proof)
      VALUES (1, ${ends.startPosition}, ${ends.startHead}, ${ends.endPosition}, ${ends.endHead}, ${id}, ${proofOf(key, ends)})
      ON CONFLICT (id) DO UPDATE SET start_position = excluded.start_position, start_head = excluded.start_head, end_position = excluded.end_position,
        end_head = excluded.end_head, key_id = excluded.key_id, proof = excluded.proof`,
  );
}

export function isProven(keys: AuditKeys, row: ChainRow): boolean {
  const known = keys.chain.find(({ id }) => id === row.keyId);
  return known !== undefined && proofOf(known.key, row).equals(row.proof);
}
