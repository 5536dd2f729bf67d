-- CreateEnum
CREATE TYPE "post_import_status" AS ENUM ('pending', 'running', 'done', 'failed', 'cancelled');

-- CreateTable
CREATE TABLE "post_imports" (
    "id" UUID NOT NULL,
    "owner_id" UUID NOT NULL,
    "impersonator_id" UUID,
    "author_id" UUID NOT NULL,
    "name" TEXT NOT NULL,
    "size" BIGINT NOT NULL DEFAULT 0,
    "status" "post_import_status" NOT NULL DEFAULT 'pending',
    "rights" TEXT[] DEFAULT ARRAY[]::TEXT[],
    "dry_run" BOOLEAN NOT NULL DEFAULT false,
    "publish" BOOLEAN NOT NULL DEFAULT false,
    "overwrite" BOOLEAN NOT NULL DEFAULT false,
    "of" INTEGER,
    "done" INTEGER NOT NULL DEFAULT 0,
    "created" INTEGER NOT NULL DEFAULT 0,
    "updated" INTEGER NOT NULL DEFAULT 0,
    "unchanged" INTEGER NOT NULL DEFAULT 0,
    "failed" INTEGER NOT NULL DEFAULT 0,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "started_at" TIMESTAMPTZ(3),
    "completed_at" TIMESTAMPTZ(3),

    CONSTRAINT "post_imports_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "post_import_problems" (
    "id" UUID NOT NULL,
    "import_id" UUID NOT NULL,
    "file" TEXT NOT NULL,
    "line" INTEGER,
    "code" TEXT NOT NULL,
    "detail" TEXT NOT NULL,
    "note" BOOLEAN NOT NULL DEFAULT false,
    "count" INTEGER NOT NULL DEFAULT 1,

    CONSTRAINT "post_import_problems_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "post_sources" (
    "post_id" UUID NOT NULL,
    "author_id" UUID NOT NULL,
    "path" TEXT NOT NULL,
    "digest" BYTEA NOT NULL,
    "written" BYTEA NOT NULL,
    "published" BOOLEAN NOT NULL DEFAULT false,
    "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "post_sources_pkey" PRIMARY KEY ("post_id")
);

-- CreateIndex
CREATE INDEX "post_imports_owner_id_created_at_id_idx" ON "post_imports"("owner_id", "created_at" DESC, "id" DESC);

-- CreateIndex
CREATE INDEX "post_imports_author_id_idx" ON "post_imports"("author_id");

-- CreateIndex
CREATE INDEX "post_imports_created_at_idx" ON "post_imports"("created_at");

-- CreateIndex
CREATE INDEX "post_import_problems_import_id_note_id_idx" ON "post_import_problems"("import_id", "note", "id");

-- CreateIndex
CREATE INDEX "post_sources_author_id_digest_idx" ON "post_sources"("author_id", "digest");

-- CreateIndex
CREATE UNIQUE INDEX "post_sources_author_id_path_key" ON "post_sources"("author_id", "path");

-- AddForeignKey
ALTER TABLE "post_imports" ADD CONSTRAINT "post_imports_owner_id_fkey" FOREIGN KEY ("owner_id") REFERENCES "users"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "post_imports" ADD CONSTRAINT "post_imports_author_id_fkey" FOREIGN KEY ("author_id") REFERENCES "users"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "post_import_problems" ADD CONSTRAINT "post_import_problems_import_id_fkey" FOREIGN KEY ("import_id") REFERENCES "post_imports"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "post_sources" ADD CONSTRAINT "post_sources_post_id_fkey" FOREIGN KEY ("post_id") REFERENCES "posts"("id") ON DELETE CASCADE ON UPDATE CASCADE;

ALTER TABLE "post_imports" ADD CONSTRAINT "post_imports_size_check" CHECK ("size" >= 0);
ALTER TABLE "post_imports" ADD CONSTRAINT "post_imports_done_check" CHECK ("done" >= 0 AND ("of" IS NULL OR "done" <= "of"));
ALTER TABLE "post_imports" ADD CONSTRAINT "post_imports_counts_check" CHECK (LEAST("created", "updated", "unchanged", "failed") >= 0 AND "created" + "updated" + "unchanged" <= "done");
ALTER TABLE "post_imports" ADD CONSTRAINT "post_imports_completed_at_check" CHECK (("completed_at" IS NULL) = ("status" IN ('pending', 'running')));
ALTER TABLE "post_import_problems" ADD CONSTRAINT "post_import_problems_line_check" CHECK ("line" > 0 AND "count" > 0);
ALTER TABLE "post_sources" ADD CONSTRAINT "post_sources_digests_check" CHECK (octet_length("digest") = 32 AND octet_length("written") = 32);
