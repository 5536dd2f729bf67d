-- CreateEnum
CREATE TYPE "backorder" AS ENUM ('none', 'backorder', 'preorder');

-- CreateTable
CREATE TABLE "stock_locations" (
    "id" UUID NOT NULL,
    "code" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "active" BOOLEAN NOT NULL DEFAULT true,
    "is_default" BOOLEAN NOT NULL DEFAULT false,
    "version" INTEGER NOT NULL DEFAULT 1,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "stock_locations_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "stock_levels" (
    "variant_id" UUID NOT NULL,
    "location_id" UUID NOT NULL,
    "quantity" INTEGER NOT NULL,

    CONSTRAINT "stock_levels_pkey" PRIMARY KEY ("variant_id","location_id")
);

-- By hand: where everything lies so far, before the ledger names it.
INSERT INTO "stock_locations" ("id", "code", "name", "is_default") VALUES ('01930000-0000-7000-8000-000000000001', 'main', 'Main warehouse', true);

-- AlterTable
ALTER TABLE "variants" ADD COLUMN     "available_from" TIMESTAMPTZ(3),
ADD COLUMN     "backorder" "backorder" NOT NULL DEFAULT 'none';

-- AlterTable
ALTER TABLE "stock_movements" ADD COLUMN     "location_id" UUID NOT NULL DEFAULT '01930000-0000-7000-8000-000000000001',
ADD COLUMN     "reference" TEXT;

-- CreateIndex
CREATE UNIQUE INDEX "stock_locations_code_key" ON "stock_locations"("code");

-- CreateIndex
CREATE INDEX "stock_locations_created_at_id_idx" ON "stock_locations"("created_at" DESC, "id" DESC);

-- CreateIndex
CREATE INDEX "stock_levels_location_id_idx" ON "stock_levels"("location_id");

-- CreateIndex
CREATE INDEX "stock_movements_order_id_idx" ON "stock_movements"("order_id");

-- AddForeignKey
ALTER TABLE "stock_levels" ADD CONSTRAINT "stock_levels_variant_id_fkey" FOREIGN KEY ("variant_id") REFERENCES "variants"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "stock_levels" ADD CONSTRAINT "stock_levels_location_id_fkey" FOREIGN KEY ("location_id") REFERENCES "stock_locations"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- By hand.
-- There is one default location, and it is open.
CREATE UNIQUE INDEX "stock_locations_default_key" ON "stock_locations" ("is_default") WHERE "is_default";
ALTER TABLE "stock_locations" ADD CONSTRAINT "stock_locations_default_check" CHECK ("active" OR NOT "is_default");

-- More is held, or sold, than there is only of what can be ordered before it comes.
ALTER TABLE "variants" DROP CONSTRAINT "variants_stock_check";
ALTER TABLE "variants" ADD CONSTRAINT "variants_stock_check" CHECK ("reserved" >= 0 AND "stock" <= 2000000000
  AND ("backorder" = 'none' AND "reserved" <= "stock" OR "backorder" <> 'none' AND "stock" >= -1000000000 AND "reserved" <= 1000000000));
ALTER TABLE "variants" ADD CONSTRAINT "variants_available_from_check" CHECK (("backorder" <> 'none' OR "available_from" IS NULL) AND ("backorder" <> 'preorder' OR "available_from" IS NOT NULL));
ALTER TABLE "stock_movements" DROP CONSTRAINT "stock_movements_check";
ALTER TABLE "stock_movements" ADD CONSTRAINT "stock_movements_check" CHECK ("delta" <> 0);

-- So far everything lies in the one location. Nobody writes into the ledger before this is committed: the table is locked by what was altered.
INSERT INTO "stock_levels" ("variant_id", "location_id", "quantity") SELECT "id", '01930000-0000-7000-8000-000000000001', "stock" FROM "variants" WHERE "stock" <> 0;

-- An entry moves the level of its location, whoever writes it: also the version before this one, which knows no locations. Whoever writes entries of
-- a variant has its row locked. Less than nothing lies nowhere, unless it is sold before it comes.
CREATE FUNCTION move_stock_level() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  after int;
BEGIN
  UPDATE stock_levels SET quantity = quantity + NEW.delta WHERE variant_id = NEW.variant_id AND location_id = NEW.location_id RETURNING quantity INTO after;
  IF NOT FOUND THEN
    INSERT INTO stock_levels (variant_id, location_id, quantity) VALUES (NEW.variant_id, NEW.location_id, NEW.delta) RETURNING quantity INTO after;
  END IF;
  IF (after < 0 AND NEW.delta < 0 OR NEW.balance < 0) AND (SELECT backorder = 'none' FROM variants WHERE id = NEW.variant_id) THEN
    RAISE EXCEPTION 'variant % would have % in location %', NEW.variant_id, after, NEW.location_id USING ERRCODE = 'check_violation';
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER stock_movements_level AFTER INSERT ON "stock_movements" FOR EACH ROW EXECUTE FUNCTION move_stock_level();
