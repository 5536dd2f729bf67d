-- AlterTable
ALTER TABLE "order_lines" ADD COLUMN     "discount" BIGINT NOT NULL DEFAULT 0,
ADD COLUMN     "tax" BIGINT NOT NULL DEFAULT 0,
ADD COLUMN     "tax_ppm" INTEGER;

-- AlterTable
ALTER TABLE "orders" ADD COLUMN     "coupon_code" TEXT,
ADD COLUMN     "coupon_id" UUID,
ADD COLUMN     "included_tax" BIGINT NOT NULL DEFAULT 0,
ADD COLUMN     "shipping_method" JSONB,
ADD COLUMN     "taxes" JSONB NOT NULL DEFAULT '[]';

-- AlterTable
ALTER TABLE "products" ADD COLUMN     "tax_class" TEXT NOT NULL DEFAULT 'standard';

-- CreateTable
CREATE TABLE "coupons" (
    "id" UUID NOT NULL,
    "code" TEXT NOT NULL,
    "description" TEXT NOT NULL DEFAULT '',
    "kind" TEXT NOT NULL,
    "ppm" INTEGER,
    "amounts" JSONB NOT NULL DEFAULT '{}',
    "minimums" JSONB NOT NULL DEFAULT '{}',
    "usage_limit" INTEGER,
    "per_customer_limit" INTEGER,
    "used" INTEGER NOT NULL DEFAULT 0,
    "starts_at" TIMESTAMPTZ(3),
    "ends_at" TIMESTAMPTZ(3),
    "active" BOOLEAN NOT NULL DEFAULT true,
    "deleted_at" TIMESTAMPTZ(3),
    "version" INTEGER NOT NULL DEFAULT 1,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "coupons_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "shop_settings" (
    "id" SMALLINT NOT NULL DEFAULT 1,
    "currencies" TEXT[] DEFAULT ARRAY[]::TEXT[],
    "country" CHAR(2),
    "prices_include_tax" BOOLEAN NOT NULL DEFAULT false,
    "time_zone" TEXT NOT NULL DEFAULT 'UTC',
    "version" INTEGER NOT NULL DEFAULT 1,
    "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "shop_settings_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "tax_classes" (
    "code" TEXT NOT NULL,
    "position" INTEGER NOT NULL,

    CONSTRAINT "tax_classes_pkey" PRIMARY KEY ("code")
);

-- CreateTable
CREATE TABLE "tax_rates" (
    "country" CHAR(2) NOT NULL,
    "region" TEXT NOT NULL DEFAULT '',
    "tax_class" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "ppm" INTEGER NOT NULL,

    CONSTRAINT "tax_rates_pkey" PRIMARY KEY ("country","region","tax_class")
);

-- CreateTable
CREATE TABLE "shipping_methods" (
    "code" TEXT NOT NULL,
    "currency" CHAR(3) NOT NULL,
    "position" INTEGER NOT NULL,
    "name" TEXT NOT NULL,
    "countries" TEXT[] DEFAULT ARRAY[]::TEXT[],
    "price" BIGINT NOT NULL,
    "free_from" BIGINT,
    "tax_class" TEXT NOT NULL DEFAULT 'standard',

    CONSTRAINT "shipping_methods_pkey" PRIMARY KEY ("code","currency")
);

-- CreateIndex
CREATE INDEX "coupons_created_at_id_idx" ON "coupons"("created_at" DESC, "id" DESC);

-- CreateIndex
CREATE INDEX "tax_rates_tax_class_idx" ON "tax_rates"("tax_class");

-- CreateIndex
CREATE INDEX "shipping_methods_tax_class_idx" ON "shipping_methods"("tax_class");

-- CreateIndex
CREATE INDEX "products_tax_class_idx" ON "products"("tax_class");

-- Prices are final until somebody sets the shop up. What products refer to has to be there before they do.
INSERT INTO "shop_settings" DEFAULT VALUES;
INSERT INTO "tax_classes" ("code", "position") VALUES ('standard', 1), ('reduced', 2), ('zero', 3);

-- AddForeignKey
ALTER TABLE "orders" ADD CONSTRAINT "orders_coupon_id_fkey" FOREIGN KEY ("coupon_id") REFERENCES "coupons"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "products" ADD CONSTRAINT "products_tax_class_fkey" FOREIGN KEY ("tax_class") REFERENCES "tax_classes"("code") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "tax_rates" ADD CONSTRAINT "tax_rates_tax_class_fkey" FOREIGN KEY ("tax_class") REFERENCES "tax_classes"("code") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "shipping_methods" ADD CONSTRAINT "shipping_methods_tax_class_fkey" FOREIGN KEY ("tax_class") REFERENCES "tax_classes"("code") ON DELETE RESTRICT ON UPDATE CASCADE;

-- A code is free again once its coupon is deleted. Orders with a coupon are few among all: those of a customer are counted by this index.
CREATE UNIQUE INDEX "coupons_code_key" ON "coupons"("code") WHERE "deleted_at" IS NULL;
CREATE INDEX "orders_coupon_id_user_id_idx" ON "orders"("coupon_id", "user_id") WHERE "coupon_id" IS NOT NULL;

ALTER TABLE "shop_settings" ADD CONSTRAINT "shop_settings_one_check" CHECK ("id" = 1);
ALTER TABLE "tax_rates" ADD CONSTRAINT "tax_rates_check" CHECK ("ppm" BETWEEN 0 AND 1000000 AND "region" = upper("region"));
ALTER TABLE "shipping_methods" ADD CONSTRAINT "shipping_methods_check" CHECK ("price" BETWEEN 0 AND 1000000000000 AND "free_from" BETWEEN 0 AND 1000000000000);
ALTER TABLE "coupons" ADD CONSTRAINT "coupons_used_check" CHECK ("used" >= 0 AND "used" <= "usage_limit");
ALTER TABLE "coupons" ADD CONSTRAINT "coupons_terms_check" CHECK ("code" = upper("code") AND "kind" IN ('percentage', 'fixed', 'free-shipping')
  AND ("kind" = 'percentage') = ("ppm" IS NOT NULL) AND "ppm" BETWEEN 1 AND 1000000 AND ("kind" = 'fixed') = ("amounts" <> '{}')
  AND jsonb_typeof("amounts") = 'object' AND jsonb_typeof("minimums") = 'object' AND "usage_limit" > 0 AND "per_customer_limit" > 0 AND "ends_at" > "starts_at");
ALTER TABLE "orders" ADD CONSTRAINT "orders_pricing_check" CHECK ("discount" <= "subtotal" AND "included_tax" >= 0 AND "included_tax" <= "total"
  AND ("tax" = 0 OR "included_tax" = 0) AND jsonb_typeof("taxes") = 'array' AND ("coupon_id" IS NULL OR "coupon_code" IS NOT NULL));
ALTER TABLE "order_lines" ADD CONSTRAINT "order_lines_pricing_check" CHECK ("discount" BETWEEN 0 AND "total" AND "tax" >= 0 AND "tax_ppm" BETWEEN 0 AND 1000000);

-- An order that ends without having been paid gives the use of its coupon back, whoever ends it.
CREATE FUNCTION "give_back_coupon"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  UPDATE coupons SET used = used - 1 WHERE id = OLD.coupon_id;
  NEW.coupon_id := NULL;
  RETURN NEW;
END
$$;
CREATE TRIGGER "orders_give_back_coupon" BEFORE UPDATE OF "status" ON "orders" FOR EACH ROW
  WHEN (OLD."coupon_id" IS NOT NULL AND OLD."status" = 'pending' AND NEW."status" IN ('cancelled', 'expired')) EXECUTE FUNCTION "give_back_coupon"();
