-- CreateEnum
CREATE TYPE "refund_status" AS ENUM ('pending', 'succeeded', 'failed');

-- CreateEnum
CREATE TYPE "dispute_status" AS ENUM ('open', 'won', 'lost');

-- CreateEnum
CREATE TYPE "payment_event_status" AS ENUM ('waiting', 'done', 'ignored');

-- AlterTable
ALTER TABLE "payments" ADD COLUMN     "asks" INTEGER NOT NULL DEFAULT 0,
ADD COLUMN     "disputed" BOOLEAN NOT NULL DEFAULT false,
ADD COLUMN     "late" BOOLEAN NOT NULL DEFAULT false,
ADD COLUMN     "provider_ref" TEXT,
ADD COLUMN     "refunded" BIGINT NOT NULL DEFAULT 0;

-- AlterTable
ALTER TABLE "refunds" ADD COLUMN     "failure_code" TEXT,
ADD COLUMN     "provider_ref" TEXT,
ADD COLUMN     "restock" BOOLEAN NOT NULL DEFAULT false,
ADD COLUMN     "status" "refund_status" NOT NULL DEFAULT 'pending',
ADD COLUMN     "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP;

-- AlterTable
ALTER TABLE "sandbox_charges" ADD COLUMN     "dispute" TEXT,
ADD COLUMN     "method" TEXT NOT NULL DEFAULT 'sandbox:success';

-- CreateTable
CREATE TABLE "refund_lines" (
    "refund_id" UUID NOT NULL,
    "position" INTEGER NOT NULL,
    "quantity" INTEGER NOT NULL,

    CONSTRAINT "refund_lines_pkey" PRIMARY KEY ("refund_id","position")
);

-- CreateTable
CREATE TABLE "disputes" (
    "id" UUID NOT NULL,
    "payment_id" UUID NOT NULL,
    "status" "dispute_status" NOT NULL DEFAULT 'open',
    "provider_ref" TEXT NOT NULL,
    "amount" BIGINT NOT NULL,
    "reason" TEXT NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "disputes_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "payment_events" (
    "id" UUID NOT NULL,
    "provider" TEXT NOT NULL,
    "event_id" TEXT NOT NULL,
    "type" TEXT NOT NULL,
    "about" TEXT,
    "ref" TEXT,
    "payment_id" UUID,
    "status" "payment_event_status" NOT NULL DEFAULT 'waiting',
    "received_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "settled_at" TIMESTAMPTZ(3),

    CONSTRAINT "payment_events_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "sandbox_refunds" (
    "refund_id" UUID NOT NULL,
    "payment_id" UUID NOT NULL,
    "amount" BIGINT NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "sandbox_refunds_pkey" PRIMARY KEY ("refund_id")
);

-- CreateIndex
CREATE INDEX "disputes_status_created_at_idx" ON "disputes"("status", "created_at");

-- CreateIndex
CREATE UNIQUE INDEX "disputes_payment_id_provider_ref_key" ON "disputes"("payment_id", "provider_ref");

-- CreateIndex
CREATE INDEX "payment_events_status_received_at_idx" ON "payment_events"("status", "received_at");

-- CreateIndex
CREATE UNIQUE INDEX "payment_events_provider_event_id_key" ON "payment_events"("provider", "event_id");

-- CreateIndex
CREATE INDEX "sandbox_refunds_payment_id_idx" ON "sandbox_refunds"("payment_id");

-- CreateIndex
CREATE UNIQUE INDEX "payments_provider_provider_ref_key" ON "payments"("provider", "provider_ref");

-- CreateIndex
CREATE INDEX "refunds_status_updated_at_idx" ON "refunds"("status", "updated_at");

-- AddForeignKey
ALTER TABLE "refund_lines" ADD CONSTRAINT "refund_lines_refund_id_fkey" FOREIGN KEY ("refund_id") REFERENCES "refunds"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "disputes" ADD CONSTRAINT "disputes_payment_id_fkey" FOREIGN KEY ("payment_id") REFERENCES "payments"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "sandbox_refunds" ADD CONSTRAINT "sandbox_refunds_payment_id_fkey" FOREIGN KEY ("payment_id") REFERENCES "sandbox_charges"("payment_id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- By hand.
-- What is refunded never exceeds what was paid, whoever counts; money is late only once it is there.
ALTER TABLE "payments" ADD CONSTRAINT "payments_refunded_check" CHECK ("refunded" >= 0 AND "refunded" <= "amount" AND ("refunded" = 0 OR "status" = 'succeeded'));
ALTER TABLE "payments" ADD CONSTRAINT "payments_late_check" CHECK (NOT "late" OR "status" = 'succeeded');
ALTER TABLE "payments" ADD CONSTRAINT "payments_asks_check" CHECK ("asks" >= 0);
ALTER TABLE "refund_lines" ADD CONSTRAINT "refund_lines_check" CHECK ("position" >= 0 AND "quantity" > 0);
ALTER TABLE "disputes" ADD CONSTRAINT "disputes_amount_check" CHECK ("amount" >= 0);
ALTER TABLE "payment_events" ADD CONSTRAINT "payment_events_about_check" CHECK ("about" IN ('payment', 'refund', 'dispute') AND "ref" IS NOT NULL OR "about" IS NULL AND "status" = 'ignored');
ALTER TABLE "payment_events" ADD CONSTRAINT "payment_events_settled_check" CHECK (("status" = 'waiting') = ("settled_at" IS NULL));
ALTER TABLE "sandbox_refunds" ADD CONSTRAINT "sandbox_refunds_amount_check" CHECK ("amount" >= 0);
ALTER TABLE "sandbox_charges" ADD CONSTRAINT "sandbox_charges_outcome_check" CHECK ("outcome" IN ('processing', 'succeeded', 'failed') AND "dispute" IN ('open', 'won', 'lost'));

-- Until now a refund was made in one transaction with its order's cancellation.
UPDATE "refunds" SET "status" = 'succeeded';
UPDATE "payments" p SET "refunded" = r.sum FROM (SELECT "payment_id", sum("amount") AS sum FROM "refunds" GROUP BY 1) r WHERE r."payment_id" = p."id" AND p."status" = 'succeeded';

-- An order is paid once; money that came too late and goes back does not count.
DROP INDEX "payments_one_per_order_key";
CREATE UNIQUE INDEX "payments_one_per_order_key" ON "payments" ("order_id") WHERE "status" IN ('processing', 'requires_action', 'succeeded') AND NOT "late";
