-- AlterTable
ALTER TABLE "orders" ADD COLUMN     "guest_email" TEXT,
ALTER COLUMN "user_id" DROP NOT NULL;

-- CreateTable
CREATE TABLE "carts" (
    "id" UUID NOT NULL,
    "user_id" UUID,
    "token_hash" BYTEA,
    "coupon_code" TEXT,
    "shipping_method" TEXT,
    "shipping_address" JSONB,
    "version" INTEGER NOT NULL DEFAULT 1,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "carts_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "cart_lines" (
    "cart_id" UUID NOT NULL,
    "variant_id" UUID NOT NULL,
    "quantity" INTEGER NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "cart_lines_pkey" PRIMARY KEY ("cart_id","variant_id")
);

-- CreateIndex
CREATE UNIQUE INDEX "carts_user_id_key" ON "carts"("user_id");

-- CreateIndex
CREATE UNIQUE INDEX "carts_token_hash_key" ON "carts"("token_hash");

-- CreateIndex
CREATE INDEX "carts_updated_at_idx" ON "carts"("updated_at");

-- AddForeignKey
ALTER TABLE "carts" ADD CONSTRAINT "carts_user_id_fkey" FOREIGN KEY ("user_id") REFERENCES "users"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "cart_lines" ADD CONSTRAINT "cart_lines_cart_id_fkey" FOREIGN KEY ("cart_id") REFERENCES "carts"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- By hand.
ALTER TABLE "carts" ADD CONSTRAINT "carts_check" CHECK (("user_id" IS NULL) <> ("token_hash" IS NULL) AND octet_length("token_hash") = 32);
ALTER TABLE "cart_lines" ADD CONSTRAINT "cart_lines_check" CHECK ("quantity" BETWEEN 1 AND 100000);
-- An order is a user's or a guest's; of a guest that was forgotten it is nobody's.
ALTER TABLE "orders" ADD CONSTRAINT "orders_customer_check" CHECK (("user_id" IS NULL OR "guest_email" IS NULL)
  AND ("user_id" IS NOT NULL OR "guest_email" IS NOT NULL OR "anonymised_at" IS NOT NULL));
-- Partial, so that orders of users cost nothing more.
CREATE INDEX "orders_guest_email_idx" ON "orders"("guest_email") WHERE "guest_email" IS NOT NULL;
CREATE INDEX "orders_coupon_id_guest_email_idx" ON "orders"("coupon_id", "guest_email") WHERE "coupon_id" IS NOT NULL AND "guest_email" IS NOT NULL;
