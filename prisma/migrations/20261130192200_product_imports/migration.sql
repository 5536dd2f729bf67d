-- CreateEnum
CREATE TYPE "product_import_status" AS ENUM ('pending', 'running', 'done', 'failed', 'cancelled');

-- CreateTable
CREATE TABLE "product_imports" (
    "id" UUID NOT NULL,
    "owner_id" UUID NOT NULL,
    "impersonator_id" UUID,
    "name" TEXT NOT NULL,
    "size" BIGINT NOT NULL DEFAULT 0,
    "status" "product_import_status" NOT NULL DEFAULT 'pending',
    "dry_run" BOOLEAN NOT NULL DEFAULT false,
    "of" INTEGER,
    "done" INTEGER NOT NULL DEFAULT 0,
    "created" INTEGER NOT NULL DEFAULT 0,
    "updated" INTEGER NOT NULL DEFAULT 0,
    "unchanged" INTEGER NOT NULL DEFAULT 0,
    "failed" INTEGER NOT NULL DEFAULT 0,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "started_at" TIMESTAMPTZ(3),
    "completed_at" TIMESTAMPTZ(3),

    CONSTRAINT "product_imports_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "product_import_problems" (
    "id" UUID NOT NULL,
    "import_id" UUID NOT NULL,
    "line" INTEGER NOT NULL,
    "column" TEXT,
    "code" TEXT NOT NULL,
    "detail" TEXT NOT NULL,

    CONSTRAINT "product_import_problems_pkey" PRIMARY KEY ("id")
);

-- CreateIndex
CREATE INDEX "product_imports_owner_id_idx" ON "product_imports"("owner_id");

-- CreateIndex
CREATE INDEX "product_imports_created_at_id_idx" ON "product_imports"("created_at" DESC, "id" DESC);

-- CreateIndex
CREATE INDEX "product_import_problems_import_id_line_id_idx" ON "product_import_problems"("import_id", "line", "id");

-- AddForeignKey
ALTER TABLE "product_imports" ADD CONSTRAINT "product_imports_owner_id_fkey" FOREIGN KEY ("owner_id") REFERENCES "users"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "product_import_problems" ADD CONSTRAINT "product_import_problems_import_id_fkey" FOREIGN KEY ("import_id") REFERENCES "product_imports"("id") ON DELETE CASCADE ON UPDATE CASCADE;

ALTER TABLE "product_imports" ADD CONSTRAINT "product_imports_size_check" CHECK ("size" >= 0);
ALTER TABLE "product_imports" ADD CONSTRAINT "product_imports_counts_check" CHECK (LEAST("created", "updated", "unchanged", "failed") >= 0
  AND "created" + "updated" + "unchanged" + "failed" <= "done" AND "done" <= "of");
ALTER TABLE "product_imports" ADD CONSTRAINT "product_imports_completed_at_check" CHECK (("completed_at" IS NULL) = ("status" IN ('pending', 'running')));
ALTER TABLE "product_import_problems" ADD CONSTRAINT "product_import_problems_line_check" CHECK ("line" >= 0);
