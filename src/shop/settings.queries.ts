import { audited } from '#audit';
import { type Db, execute, Prisma, rows, type Tx } from '#database';
import type { Settings } from './settings.rules.js';

const ID = 1;

export const auditedSettings = audited('shop-settings', {
  currencies: 'plain',
  country: 'plain',
  pricesIncludeTax: 'plain',
  timeZone: 'plain',
  seller: 'plain',
  taxClasses: 'plain',
  taxRates: 'plain',
  shippingMethods: 'plain',
});

/** The settings, in one statement. */
export async function readSettings(db: Db): Promise<Settings> {
  const [settings] = await rows<Settings>(
    db,
    Prisma.sql`SELECT s.currencies, s.country, s.prices_include_tax AS "pricesIncludeTax", s.time_zone AS "timeZone", s.seller, s.version, s.updated_at AS "updatedAt",
      ARRAY(SELECT code FROM tax_classes ORDER BY position) AS "taxClasses",
      coalesce((SELECT json_agg(json_build_object('country', country, 'region', region, 'taxClass', tax_class, 'name', name, 'ppm', ppm)
        ORDER BY country, region, tax_class) FROM tax_rates), '[]') AS "taxRates",
      coalesce((SELECT json_agg(json_build_object('code', code, 'name', name, 'countries', countries, 'currency', currency, 'price', price,
        'freeFrom', free_from, 'taxClass', tax_class) ORDER BY position) FROM shipping_methods), '[]') AS "shippingMethods"
      FROM shop_settings s WHERE s.id = ${ID}`,
  );
  return settings!;
}

export async function lockSettings(db: Tx): Promise<void> {
  await rows(db, Prisma.sql`SELECT id FROM shop_settings WHERE id = ${ID} FOR UPDATE`);
}

/** Writes all of them. A class of tax that products have cannot go: their foreign key refuses. */
export async function writeSettings(db: Tx, settings: Omit<Settings, 'version' | 'updatedAt'>): Promise<void> {
  const { currencies, country, pricesIncludeTax, timeZone, seller, taxClasses, taxRates, shippingMethods } = settings;
  await db.shopSettings.update({
    where: { id: ID },
    data: {
      currencies,
      country,
      pricesIncludeTax,
      timeZone,
      seller: seller === null ? Prisma.DbNull : { ...seller },
      version: { increment: 1 },
    },
  });
  await execute(
    db,
    Prisma.sql`INSERT INTO tax_classes (code, position) SELECT code, position FROM unnest(${taxClasses}::text[]) WITH ORDINALITY AS c (code, position)
      ON CONFLICT (code) DO UPDATE SET position = excluded.position`,
  );
  await db.taxRate.deleteMany();
  await db.shippingMethod.deleteMany();
  await db.taxClass.deleteMany({ where: { code: { notIn: taxClasses } } });
  await db.taxRate.createMany({ data: taxRates });
  await db.shippingMethod.createMany({ data: shippingMethods.map((method, position) => ({ ...method, position })) });
}
