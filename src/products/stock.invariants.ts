import { Injectable } from '@nestjs/common';
import { invalidate } from '#cache';
import { type Invariant, Invariants, Prisma, type Remark, rows, type Tx } from '#database';

/** That the stock adds up: what is held, what lies there, and the ledger. Each reads its tables once, from end to end. */
@Injectable()
export class StockInvariants extends Invariants {
  readonly all: Invariant[] = [
    {
      id: 'stock-reserved',
      title: 'What is reserved of a variant is the sum of its reservations',
      explanation:
        'More reserved than held: buyers are told that less is left than there is. Less: the same piece may be sold twice. The reservations say who holds what, so they are right.',
      severity: 'error',
      resource: 'variant',
      broken: Prisma.sql`SELECT v.id::text AS id, format('%s are reserved, its reservations come to %s', v.reserved, coalesce(h.held, 0)) AS says
        FROM variants v LEFT JOIN (SELECT variant_id, sum(quantity) AS held FROM stock_reservations GROUP BY variant_id) h ON h.variant_id = v.id
        WHERE v.reserved <> coalesce(h.held, 0)`,
      repair: {
        explanation: 'Sets what is reserved to the sum of the reservations, unless there is less in stock than that.',
        mend: async (ids, db) => {
          await lockVariants(ids, db);
          return rows<Remark>(
            db,
            Prisma.sql`WITH held AS (
              SELECT v.id, v.reserved AS before, coalesce(sum(r.quantity), 0)::int AS now
              FROM variants v LEFT JOIN stock_reservations r ON r.variant_id = v.id WHERE v.id = ANY (${ids}::uuid[]) GROUP BY v.id
            )
            UPDATE variants v SET reserved = held.now FROM held WHERE v.id = held.id AND held.now <> held.before AND (held.now <= v.stock OR v.backorder <> 'none')
            RETURNING v.id::text AS id, format('reserved: %s → %s', held.before, held.now) AS says`,
          );
        },
      },
    },
    {
      id: 'stock-ledger',
      title: 'The stock of a variant is the sum of its ledger',
      explanation:
        'Something was taken or brought without an entry, or an entry was lost. Orders go by the stock, so that is what counts; count the shelf, and adjust the stock if it is wrong.',
      severity: 'error',
      resource: 'variant',
      broken: Prisma.sql`SELECT v.id::text AS id, format('the stock is %s, its ledger comes to %s', v.stock, coalesce(m.sum, 0)) AS says
        FROM variants v LEFT JOIN (SELECT variant_id, sum(delta) AS sum FROM stock_movements GROUP BY variant_id) m ON m.variant_id = v.id
        WHERE v.stock <> coalesce(m.sum, 0)`,
      repair: {
        explanation: 'Enters the difference into the ledger as a correction, in the default location; the stock stays as it is.',
        mend: async (ids, db) => {
          await lockVariants(ids, db);
          return rows<Remark>(
            db,
            Prisma.sql`WITH off AS (
              SELECT v.id, v.stock, (v.stock - coalesce(sum(m.delta), 0))::int AS delta
              FROM variants v LEFT JOIN stock_movements m ON m.variant_id = v.id WHERE v.id = ANY (${ids}::uuid[]) GROUP BY v.id
            ), entered AS (
              INSERT INTO stock_movements (id, variant_id, delta, balance, reason)
              SELECT gen_random_uuid(), id, delta, stock, 'correction: the ledger did not come to the stock' FROM off WHERE delta <> 0
              RETURNING variant_id, delta
            )
            SELECT variant_id::text AS id, format('entry of %s', delta) AS says FROM entered ORDER BY variant_id`,
          );
        },
      },
    },
    {
      id: 'stock-levels',
      title: 'What lies in a location is the sum of the ledger there',
      explanation:
        'Somebody has changed a level past the ledger. Sales take from where most lies, so they may take from where nothing is. The ledger is right.',
      severity: 'error',
      resource: 'variant',
      broken: Prisma.sql`SELECT coalesce(l.variant_id, m.variant_id)::text AS id,
          string_agg(format('%s lie in %s, the ledger there comes to %s', coalesce(l.quantity, 0), o.code, coalesce(m.sum, 0)), '; ' ORDER BY o.code) AS says
        FROM stock_levels l FULL JOIN (SELECT variant_id, location_id, sum(delta) AS sum FROM stock_movements GROUP BY variant_id, location_id) m
          ON m.variant_id = l.variant_id AND m.location_id = l.location_id JOIN stock_locations o ON o.id = coalesce(l.location_id, m.location_id)
        WHERE coalesce(l.quantity, 0) <> coalesce(m.sum, 0) GROUP BY 1`,
      repair: {
        explanation: 'Sets each level to the sum of the ledger.',
        mend: async (ids, db) => {
          await lockVariants(ids, db);
          return rows<Remark>(
            db,
            Prisma.sql`WITH sums AS (
              SELECT coalesce(l.variant_id, m.variant_id) AS variant_id, coalesce(l.location_id, m.location_id) AS location_id,
                coalesce(l.quantity, 0) AS before, coalesce(m.sum, 0)::int AS now
              FROM (SELECT * FROM stock_levels WHERE variant_id = ANY (${ids}::uuid[])) l
                FULL JOIN (SELECT variant_id, location_id, sum(delta) AS sum FROM stock_movements WHERE variant_id = ANY (${ids}::uuid[]) GROUP BY variant_id, location_id) m
                ON m.variant_id = l.variant_id AND m.location_id = l.location_id
            ), mended AS (
              INSERT INTO stock_levels (variant_id, location_id, quantity) SELECT variant_id, location_id, now FROM sums WHERE now <> before
              ON CONFLICT (variant_id, location_id) DO UPDATE SET quantity = excluded.quantity RETURNING variant_id, location_id
            )
            SELECT s.variant_id::text AS id, format('%s: %s → %s', o.code, s.before, s.now) AS says
            FROM mended JOIN sums s USING (variant_id, location_id) JOIN stock_locations o ON o.id = s.location_id ORDER BY 1, 2`,
          );
        },
      },
    },
  ];
}

/** In the order of their ids, as everybody locks them. What strangers were answered of them may show another number by the commit. */
async function lockVariants(ids: string[], db: Tx): Promise<void> {
  await rows(db, Prisma.sql`SELECT id FROM variants WHERE id = ANY (${ids}::uuid[]) ORDER BY id FOR UPDATE`);
  invalidate(
    db,
    ids.map((id) => `variant:${id}`),
  );
}
