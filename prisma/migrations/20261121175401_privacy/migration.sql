-- CreateEnum
CREATE TYPE "personal_export_status" AS ENUM ('pending', 'running', 'ready', 'failed');

-- AlterTable
ALTER TABLE "orders" ADD COLUMN     "anonymised_at" TIMESTAMPTZ(3);

-- AlterTable
ALTER TABLE "users" ADD COLUMN     "erased_at" TIMESTAMPTZ(3);

-- CreateTable
CREATE TABLE "personal_exports" (
    "id" UUID NOT NULL,
    "user_id" UUID NOT NULL,
    "status" "personal_export_status" NOT NULL DEFAULT 'pending',
    "attempt" INTEGER NOT NULL DEFAULT 0,
    "size" BIGINT,
    "sha256" BYTEA,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "completed_at" TIMESTAMPTZ(3),
    "expires_at" TIMESTAMPTZ(3),

    CONSTRAINT "personal_exports_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "personal_export_chunks" (
    "export_id" UUID NOT NULL,
    "attempt" INTEGER NOT NULL,
    "position" INTEGER NOT NULL,
    "data" BYTEA NOT NULL,

    CONSTRAINT "personal_export_chunks_pkey" PRIMARY KEY ("export_id","attempt","position")
);

-- CreateTable
CREATE TABLE "erasures" (
    "user_id" UUID NOT NULL,
    "actor_id" UUID NOT NULL,
    "requested_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "done" TEXT[] DEFAULT ARRAY[]::TEXT[],
    "completed_at" TIMESTAMPTZ(3),

    CONSTRAINT "erasures_pkey" PRIMARY KEY ("user_id")
);

-- CreateIndex
CREATE INDEX "personal_exports_user_id_idx" ON "personal_exports"("user_id");

-- CreateIndex
CREATE INDEX "personal_exports_expires_at_idx" ON "personal_exports"("expires_at");

-- CreateIndex
CREATE INDEX "erasures_completed_at_requested_at_idx" ON "erasures"("completed_at", "requested_at");

-- AddForeignKey
ALTER TABLE "personal_export_chunks" ADD CONSTRAINT "personal_export_chunks_export_id_fkey" FOREIGN KEY ("export_id") REFERENCES "personal_exports"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- What Prisma cannot express.

-- One export of a person's is under way at a time.
CREATE UNIQUE INDEX "personal_exports_one_under_way_key" ON "personal_exports" ("user_id") WHERE "status" IN ('pending', 'running');
ALTER TABLE "personal_exports" ADD CONSTRAINT "personal_exports_ready_check" CHECK ("status" <> 'ready' OR ("size" IS NOT NULL AND "sha256" IS NOT NULL AND "completed_at" IS NOT NULL AND "expires_at" IS NOT NULL));
ALTER TABLE "personal_export_chunks" ADD CONSTRAINT "personal_export_chunks_check" CHECK ("position" >= 0 AND "attempt" > 0);

-- Somebody who was erased has no access, whatever the code does.
ALTER TABLE "users" ADD CONSTRAINT "users_erased_check" CHECK ("erased_at" IS NULL OR ("status" = 'suspended' AND "email" = 'erased:' || "id"::text));

-- Erased people's orders that still have an address.
CREATE INDEX "orders_anonymised_idx" ON "orders" ("anonymised_at") WHERE "anonymised_at" IS NOT NULL AND ("billing_address" IS NOT NULL OR "shipping_address" IS NOT NULL);
