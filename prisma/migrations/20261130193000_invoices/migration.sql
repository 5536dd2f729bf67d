-- CreateEnum
CREATE TYPE "invoice_kind" AS ENUM ('invoice', 'credit_note');

-- AlterTable
ALTER TABLE "shop_settings" ADD COLUMN     "seller" JSONB;

-- CreateTable
CREATE TABLE "invoices" (
    "id" UUID NOT NULL,
    "kind" "invoice_kind" NOT NULL,
    "order_id" UUID NOT NULL,
    "refund_id" UUID,
    "year" INTEGER NOT NULL,
    "number" INTEGER NOT NULL,
    "buyer" JSONB,
    "content" JSONB NOT NULL,
    "issued_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "invoices_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "invoice_counters" (
    "year" INTEGER NOT NULL,
    "last" INTEGER NOT NULL,

    CONSTRAINT "invoice_counters_pkey" PRIMARY KEY ("year")
);

-- CreateIndex
CREATE UNIQUE INDEX "invoices_refund_id_key" ON "invoices"("refund_id");

-- CreateIndex
CREATE INDEX "invoices_order_id_year_number_idx" ON "invoices"("order_id", "year", "number");

-- CreateIndex
CREATE UNIQUE INDEX "invoices_year_number_key" ON "invoices"("year", "number");

-- AddForeignKey
ALTER TABLE "invoices" ADD CONSTRAINT "invoices_order_id_fkey" FOREIGN KEY ("order_id") REFERENCES "orders"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "invoices" ADD CONSTRAINT "invoices_refund_id_fkey" FOREIGN KEY ("refund_id") REFERENCES "refunds"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- By hand.
ALTER TABLE "invoices" ADD CONSTRAINT "invoices_check" CHECK ("year" BETWEEN 2000 AND 9999 AND "number" > 0 AND ("kind" = 'credit_note') = ("refund_id" IS NOT NULL));
ALTER TABLE "invoice_counters" ADD CONSTRAINT "invoice_counters_check" CHECK ("year" BETWEEN 2000 AND 9999 AND "last" > 0);
CREATE UNIQUE INDEX "invoices_one_per_order_key" ON "invoices"("order_id") WHERE "kind" = 'invoice';

-- What was issued stays as it was; the person may be taken out once the law no longer asks who it was.
CREATE FUNCTION "keep_invoice"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'UPDATE' AND NEW.buyer IS NULL AND to_jsonb(NEW) - 'buyer' = to_jsonb(OLD) - 'buyer' THEN
    RETURN NEW;
  END IF;
  RAISE EXCEPTION 'An invoice is never changed or deleted.' USING ERRCODE = 'check_violation';
END
$$;
CREATE TRIGGER "invoices_keep" BEFORE UPDATE OR DELETE ON "invoices" FOR EACH ROW EXECUTE FUNCTION "keep_invoice"();
