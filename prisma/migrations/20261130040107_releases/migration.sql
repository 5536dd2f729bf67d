-- CreateEnum
CREATE TYPE "release_status" AS ENUM ('open', 'scheduled', 'published', 'rolled_back', 'failed');

-- CreateEnum
CREATE TYPE "release_item_kind" AS ENUM ('post', 'product', 'variant');

-- CreateEnum
CREATE TYPE "release_item_publication" AS ENUM ('publish', 'unpublish');

-- CreateTable
CREATE TABLE "releases" (
    "id" UUID NOT NULL,
    "name" TEXT NOT NULL,
    "description" TEXT NOT NULL DEFAULT '',
    "status" "release_status" NOT NULL DEFAULT 'open',
    "scheduled_at" TIMESTAMPTZ(3),
    "scheduled_by_id" UUID,
    "published_at" TIMESTAMPTZ(3),
    "published_by_id" UUID,
    "rolled_back_at" TIMESTAMPTZ(3),
    "failure" JSONB,
    "created_by_id" UUID NOT NULL,
    "version" INTEGER NOT NULL DEFAULT 1,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "releases_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "release_items" (
    "id" UUID NOT NULL,
    "release_id" UUID NOT NULL,
    "kind" "release_item_kind" NOT NULL,
    "resource_id" UUID NOT NULL,
    "subject_id" UUID,
    "changes" JSONB NOT NULL DEFAULT '{}',
    "publication" "release_item_publication",
    "base_version" INTEGER NOT NULL,
    "before" JSONB,
    "after_version" INTEGER,
    "version" INTEGER NOT NULL DEFAULT 1,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "release_items_pkey" PRIMARY KEY ("id")
);

-- CreateIndex
CREATE INDEX "releases_created_at_id_idx" ON "releases"("created_at" DESC, "id" DESC);

-- CreateIndex
CREATE INDEX "releases_status_created_at_id_idx" ON "releases"("status", "created_at" DESC, "id" DESC);

-- CreateIndex
CREATE INDEX "release_items_release_id_created_at_id_idx" ON "release_items"("release_id", "created_at", "id");

-- CreateIndex
CREATE INDEX "release_items_resource_id_idx" ON "release_items"("resource_id");

-- CreateIndex
CREATE INDEX "release_items_subject_id_idx" ON "release_items"("subject_id");

-- CreateIndex
CREATE UNIQUE INDEX "release_items_release_id_kind_resource_id_key" ON "release_items"("release_id", "kind", "resource_id");

-- AddForeignKey
ALTER TABLE "release_items" ADD CONSTRAINT "release_items_release_id_fkey" FOREIGN KEY ("release_id") REFERENCES "releases"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- By hand: what every row must keep
ALTER TABLE "releases" ADD CONSTRAINT "releases_scheduled_check" CHECK (("status" = 'scheduled') = ("scheduled_at" IS NOT NULL) AND ("scheduled_at" IS NULL) = ("scheduled_by_id" IS NULL));
ALTER TABLE "releases" ADD CONSTRAINT "releases_published_check" CHECK (("status" IN ('published', 'rolled_back')) = ("published_at" IS NOT NULL) AND ("status" = 'rolled_back') = ("rolled_back_at" IS NOT NULL));
ALTER TABLE "releases" ADD CONSTRAINT "releases_failure_check" CHECK (("status" = 'failed') = ("failure" IS NOT NULL));
ALTER TABLE "release_items" ADD CONSTRAINT "release_items_publication_check" CHECK ("publication" IS NULL OR "kind" = 'post');
ALTER TABLE "release_items" ADD CONSTRAINT "release_items_something_check" CHECK ("publication" IS NOT NULL OR "changes" <> '{}');
ALTER TABLE "release_items" ADD CONSTRAINT "release_items_before_check" CHECK (("before" IS NULL) = ("after_version" IS NULL));
