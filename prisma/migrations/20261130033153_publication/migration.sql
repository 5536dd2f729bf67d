-- CreateEnum
CREATE TYPE "post_review" AS ENUM ('submitted', 'approved');

-- CreateEnum
CREATE TYPE "review_outcome" AS ENUM ('approved', 'returned', 'withdrawn');

-- CreateEnum
CREATE TYPE "revision_kind" AS ENUM ('written', 'edited', 'restored', 'published', 'unpublished', 'submitted', 'withdrawn', 'approved', 'returned', 'trashed', 'recovered');

-- AlterTable
ALTER TABLE "posts" ADD COLUMN     "expires_at" TIMESTAMPTZ(3),
ADD COLUMN     "review" "post_review";

-- CreateTable
CREATE TABLE "post_reviews" (
    "id" UUID NOT NULL,
    "post_id" UUID NOT NULL,
    "submitted_by_id" UUID NOT NULL,
    "submitted_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "version" INTEGER NOT NULL,
    "note" TEXT,
    "outcome" "review_outcome",
    "decided_by_id" UUID,
    "decided_at" TIMESTAMPTZ(3),
    "decided_version" INTEGER,
    "decision_note" TEXT,

    CONSTRAINT "post_reviews_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "preview_links" (
    "id" UUID NOT NULL,
    "post_id" UUID NOT NULL,
    "created_by_id" UUID NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "expires_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "preview_links_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "post_revisions" (
    "post_id" UUID NOT NULL,
    "n" INTEGER NOT NULL,
    "kind" "revision_kind" NOT NULL,
    "editor_id" UUID,
    "summary" TEXT,
    "changed" TEXT[] DEFAULT ARRAY[]::TEXT[],
    "restored_from" INTEGER,
    "content" JSONB,
    "body" TEXT,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "post_revisions_pkey" PRIMARY KEY ("post_id","n")
);

-- CreateTable
CREATE TABLE "post_autosaves" (
    "post_id" UUID NOT NULL,
    "editor_id" UUID NOT NULL,
    "base_version" INTEGER NOT NULL,
    "title" TEXT,
    "excerpt" TEXT,
    "body" TEXT,
    "tags" JSONB,
    "saved_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "post_autosaves_pkey" PRIMARY KEY ("post_id","editor_id")
);

-- CreateIndex
CREATE INDEX "post_reviews_post_id_submitted_at_id_idx" ON "post_reviews"("post_id", "submitted_at" DESC, "id" DESC);

-- CreateIndex
CREATE INDEX "post_reviews_submitted_by_id_idx" ON "post_reviews"("submitted_by_id");

-- CreateIndex
CREATE INDEX "post_reviews_decided_by_id_idx" ON "post_reviews"("decided_by_id");

-- CreateIndex
CREATE INDEX "preview_links_post_id_created_at_id_idx" ON "preview_links"("post_id", "created_at" DESC, "id" DESC);

-- CreateIndex
CREATE INDEX "preview_links_created_by_id_idx" ON "preview_links"("created_by_id");

-- CreateIndex
CREATE INDEX "preview_links_expires_at_idx" ON "preview_links"("expires_at");

-- CreateIndex
CREATE INDEX "post_revisions_editor_id_idx" ON "post_revisions"("editor_id");

-- CreateIndex
CREATE INDEX "post_autosaves_editor_id_idx" ON "post_autosaves"("editor_id");

-- CreateIndex
CREATE INDEX "post_autosaves_saved_at_idx" ON "post_autosaves"("saved_at");

-- AddForeignKey
ALTER TABLE "post_reviews" ADD CONSTRAINT "post_reviews_post_id_fkey" FOREIGN KEY ("post_id") REFERENCES "posts"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "post_reviews" ADD CONSTRAINT "post_reviews_submitted_by_id_fkey" FOREIGN KEY ("submitted_by_id") REFERENCES "users"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "post_reviews" ADD CONSTRAINT "post_reviews_decided_by_id_fkey" FOREIGN KEY ("decided_by_id") REFERENCES "users"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "preview_links" ADD CONSTRAINT "preview_links_post_id_fkey" FOREIGN KEY ("post_id") REFERENCES "posts"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "preview_links" ADD CONSTRAINT "preview_links_created_by_id_fkey" FOREIGN KEY ("created_by_id") REFERENCES "users"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "post_revisions" ADD CONSTRAINT "post_revisions_post_id_fkey" FOREIGN KEY ("post_id") REFERENCES "posts"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "post_revisions" ADD CONSTRAINT "post_revisions_editor_id_fkey" FOREIGN KEY ("editor_id") REFERENCES "users"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "post_autosaves" ADD CONSTRAINT "post_autosaves_post_id_fkey" FOREIGN KEY ("post_id") REFERENCES "posts"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "post_autosaves" ADD CONSTRAINT "post_autosaves_editor_id_fkey" FOREIGN KEY ("editor_id") REFERENCES "users"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- By hand: what every row must keep
ALTER TABLE "posts" ADD CONSTRAINT "posts_expires_at_check" CHECK ("expires_at" > "published_at" AND ("expires_at" IS NULL OR "published_at" IS NOT NULL));
ALTER TABLE "posts" ADD CONSTRAINT "posts_review_check" CHECK ("review" IS NULL OR "published_at" IS NULL);
ALTER TABLE "post_reviews" ADD CONSTRAINT "post_reviews_outcome_check" CHECK (("outcome" IS NULL) = ("decided_at" IS NULL) AND ("outcome" IS NOT NULL OR ("decided_by_id" IS NULL AND "decision_note" IS NULL)));
ALTER TABLE "preview_links" ADD CONSTRAINT "preview_links_expires_at_check" CHECK ("expires_at" > "created_at");
ALTER TABLE "post_revisions" ADD CONSTRAINT "post_revisions_n_check" CHECK ("n" >= 1 AND "restored_from" < "n");
ALTER TABLE "post_revisions" ADD CONSTRAINT "post_revisions_restored_check" CHECK ("restored_from" IS NULL OR "kind" = 'restored');
ALTER TABLE "post_autosaves" ADD CONSTRAINT "post_autosaves_base_version_check" CHECK ("base_version" >= 1);

-- By hand: one review of a post waits at a time
CREATE UNIQUE INDEX "post_reviews_one_open_key" ON "post_reviews" ("post_id") WHERE "outcome" IS NULL;

-- By hand: few posts are in one of these states
CREATE INDEX "posts_review_idx" ON "posts" ("created_at" DESC, "id" DESC) WHERE "review" IS NOT NULL;
CREATE INDEX "posts_trashed_idx" ON "posts" ("created_at" DESC, "id" DESC) WHERE "trashed_at" IS NOT NULL;
CREATE INDEX "posts_trashed_at_idx" ON "posts" ("trashed_at") WHERE "trashed_at" IS NOT NULL;
CREATE INDEX "posts_expires_at_idx" ON "posts" ("expires_at") WHERE "expires_at" IS NOT NULL;
