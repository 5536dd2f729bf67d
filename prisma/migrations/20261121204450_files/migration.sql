-- CreateEnum
CREATE TYPE "file_variants_status" AS ENUM ('none', 'pending', 'ready', 'failed');

-- CreateTable
CREATE TABLE "files" (
    "id" UUID NOT NULL,
    "owner_id" UUID NOT NULL,
    "name" TEXT NOT NULL,
    "content_type" TEXT NOT NULL,
    "size" BIGINT NOT NULL,
    "sha256" BYTEA NOT NULL,
    "is_public" BOOLEAN NOT NULL DEFAULT false,
    "width" INTEGER,
    "height" INTEGER,
    "variants" "file_variants_status" NOT NULL DEFAULT 'none',
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "files_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "file_variants" (
    "file_id" UUID NOT NULL,
    "name" TEXT NOT NULL,
    "size" INTEGER NOT NULL,
    "sha256" BYTEA NOT NULL,
    "width" INTEGER NOT NULL,
    "height" INTEGER NOT NULL,

    CONSTRAINT "file_variants_pkey" PRIMARY KEY ("file_id","name")
);

-- CreateTable
CREATE TABLE "file_uses" (
    "file_id" UUID NOT NULL,
    "resource_type" TEXT NOT NULL,
    "resource_id" TEXT NOT NULL,

    CONSTRAINT "file_uses_pkey" PRIMARY KEY ("file_id","resource_type","resource_id")
);

-- CreateTable
CREATE TABLE "file_uploads" (
    "id" UUID NOT NULL,
    "owner_id" UUID NOT NULL,
    "name" TEXT NOT NULL,
    "content_type" TEXT NOT NULL,
    "size" BIGINT NOT NULL,
    "sha256" BYTEA NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "expires_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "file_uploads_pkey" PRIMARY KEY ("id")
);

-- CreateIndex
CREATE INDEX "files_owner_id_id_idx" ON "files"("owner_id", "id");

-- CreateIndex
CREATE INDEX "file_uses_resource_type_resource_id_idx" ON "file_uses"("resource_type", "resource_id");

-- CreateIndex
CREATE INDEX "file_uploads_owner_id_idx" ON "file_uploads"("owner_id");

-- CreateIndex
CREATE INDEX "file_uploads_expires_at_idx" ON "file_uploads"("expires_at");

-- AddForeignKey
ALTER TABLE "files" ADD CONSTRAINT "files_owner_id_fkey" FOREIGN KEY ("owner_id") REFERENCES "users"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "file_variants" ADD CONSTRAINT "file_variants_file_id_fkey" FOREIGN KEY ("file_id") REFERENCES "files"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "file_uses" ADD CONSTRAINT "file_uses_file_id_fkey" FOREIGN KEY ("file_id") REFERENCES "files"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "file_uploads" ADD CONSTRAINT "file_uploads_owner_id_fkey" FOREIGN KEY ("owner_id") REFERENCES "users"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- By hand: what must be true whoever writes.
ALTER TABLE "files" ADD CONSTRAINT "files_size_check" CHECK ("size" >= 0);
ALTER TABLE "files" ADD CONSTRAINT "files_sha256_check" CHECK (octet_length("sha256") = 32);
ALTER TABLE "files" ADD CONSTRAINT "files_dimensions_check" CHECK (("width" IS NULL AND "height" IS NULL) OR ("width" > 0 AND "height" > 0));
ALTER TABLE "file_variants" ADD CONSTRAINT "file_variants_name_check" CHECK ("name" IN ('thumb', 'medium', 'large'));
ALTER TABLE "file_variants" ADD CONSTRAINT "file_variants_size_check" CHECK ("size" > 0 AND "width" > 0 AND "height" > 0);
ALTER TABLE "file_variants" ADD CONSTRAINT "file_variants_sha256_check" CHECK (octet_length("sha256") = 32);
ALTER TABLE "file_uploads" ADD CONSTRAINT "file_uploads_size_check" CHECK ("size" > 0);
ALTER TABLE "file_uploads" ADD CONSTRAINT "file_uploads_sha256_check" CHECK (octet_length("sha256") = 32);
