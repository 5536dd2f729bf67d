-- AlterTable
ALTER TABLE "file_uses" ADD COLUMN     "is_public" BOOLEAN NOT NULL DEFAULT false;

-- AlterTable
ALTER TABLE "posts" ADD COLUMN     "contents" JSONB NOT NULL DEFAULT '[]',
ADD COLUMN     "cover_file_id" UUID,
ADD COLUMN     "image_ids" UUID[] DEFAULT ARRAY[]::UUID[],
ADD COLUMN     "minutes" INTEGER NOT NULL DEFAULT 1,
ADD COLUMN     "own_excerpt" BOOLEAN NOT NULL DEFAULT true,
ADD COLUMN     "rendering" INTEGER NOT NULL DEFAULT 0,
ADD COLUMN     "series_id" UUID,
ADD COLUMN     "series_place" INTEGER;

-- CreateTable
CREATE TABLE "former_slugs" (
    "slug" TEXT NOT NULL,
    "post_id" UUID NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "former_slugs_pkey" PRIMARY KEY ("slug")
);

-- CreateTable
CREATE TABLE "tags" (
    "name" TEXT COLLATE "C" NOT NULL,
    "posts" INTEGER NOT NULL,

    CONSTRAINT "tags_pkey" PRIMARY KEY ("name")
);

-- CreateTable
CREATE TABLE "series" (
    "id" UUID NOT NULL,
    "owner_id" UUID NOT NULL,
    "slug" TEXT NOT NULL,
    "title" TEXT NOT NULL,
    "description" TEXT NOT NULL DEFAULT '',
    "version" INTEGER NOT NULL DEFAULT 1,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "series_pkey" PRIMARY KEY ("id")
);

-- CreateIndex
CREATE INDEX "former_slugs_post_id_idx" ON "former_slugs"("post_id");

-- CreateIndex
CREATE UNIQUE INDEX "series_slug_key" ON "series"("slug");

-- CreateIndex
CREATE INDEX "series_created_at_id_idx" ON "series"("created_at" DESC, "id" DESC);

-- CreateIndex
CREATE INDEX "series_title_id_idx" ON "series"("title", "id");

-- CreateIndex
CREATE INDEX "series_owner_id_idx" ON "series"("owner_id");

-- CreateIndex
CREATE INDEX "posts_cover_file_id_idx" ON "posts"("cover_file_id");

-- CreateIndex
CREATE INDEX "posts_series_id_series_place_id_idx" ON "posts"("series_id", "series_place", "id");

-- CreateIndex
CREATE INDEX "posts_rendering_idx" ON "posts"("rendering");

-- AddForeignKey
ALTER TABLE "posts" ADD CONSTRAINT "posts_cover_file_id_fkey" FOREIGN KEY ("cover_file_id") REFERENCES "files"("id") ON DELETE SET NULL ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "posts" ADD CONSTRAINT "posts_series_id_fkey" FOREIGN KEY ("series_id") REFERENCES "series"("id") ON DELETE SET NULL ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "former_slugs" ADD CONSTRAINT "former_slugs_post_id_fkey" FOREIGN KEY ("post_id") REFERENCES "posts"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "series" ADD CONSTRAINT "series_owner_id_fkey" FOREIGN KEY ("owner_id") REFERENCES "users"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- By hand: what must be true whoever writes.
ALTER TABLE "posts" ADD CONSTRAINT "posts_minutes_check" CHECK ("minutes" >= 1);
ALTER TABLE "posts" ADD CONSTRAINT "posts_series_check" CHECK ("series_id" IS NULL OR "series_place" IS NOT NULL);
ALTER TABLE "posts" ADD CONSTRAINT "posts_series_place_check" CHECK ("series_place" >= 1);
ALTER TABLE "tags" ADD CONSTRAINT "tags_posts_check" CHECK ("posts" >= 0);

-- What showed a public file showed it to everybody.
UPDATE "file_uses" SET "is_public" = f."is_public" FROM "files" f WHERE f."id" = "file_id" AND f."is_public";

-- Tags of posts that are out or will be, counted whoever writes them: the difference between what a statement found and what it left.
CREATE FUNCTION "count_tags"() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  changes jsonb;
BEGIN
  IF TG_OP = 'INSERT' THEN
    SELECT jsonb_object_agg(tag, n) INTO changes FROM (
      SELECT tag, count(*) AS n FROM new_posts, unnest(tags) AS tag WHERE published_at IS NOT NULL AND trashed_at IS NULL GROUP BY tag) c;
  ELSIF TG_OP = 'DELETE' THEN
    SELECT jsonb_object_agg(tag, n) INTO changes FROM (
      SELECT tag, -count(*) AS n FROM old_posts, unnest(tags) AS tag WHERE published_at IS NOT NULL AND trashed_at IS NULL GROUP BY tag) c;
  ELSE
    SELECT jsonb_object_agg(tag, n) INTO changes FROM (
      SELECT tag, sum(one) AS n FROM (
        SELECT tag, 1 AS one FROM new_posts, unnest(tags) AS tag WHERE published_at IS NOT NULL AND trashed_at IS NULL
        UNION ALL SELECT tag, -1 FROM old_posts, unnest(tags) AS tag WHERE published_at IS NOT NULL AND trashed_at IS NULL
      ) both_posts GROUP BY tag HAVING sum(one) <> 0) c;
  END IF;
  IF changes IS NULL THEN
    RETURN NULL;
  END IF;
  -- In the order of their names, so that of two who change the same tags one waits for the other.
  PERFORM FROM tags WHERE name IN (SELECT jsonb_object_keys(changes)) ORDER BY name FOR UPDATE;
  INSERT INTO tags AS t (name, posts) SELECT key, value::int FROM jsonb_each_text(changes) WHERE value::int > 0 ORDER BY key COLLATE "C"
    ON CONFLICT (name) DO UPDATE SET posts = t.posts + EXCLUDED.posts;
  UPDATE tags SET posts = posts + value::int FROM jsonb_each_text(changes) WHERE name = key AND value::int < 0;
  DELETE FROM tags WHERE posts = 0 AND name IN (SELECT jsonb_object_keys(changes));
  RETURN NULL;
END $$;
CREATE TRIGGER "posts_count_tags_inserted" AFTER INSERT ON "posts" REFERENCING NEW TABLE AS new_posts FOR EACH STATEMENT EXECUTE FUNCTION "count_tags"();
CREATE TRIGGER "posts_count_tags_updated" AFTER UPDATE ON "posts" REFERENCING OLD TABLE AS old_posts NEW TABLE AS new_posts FOR EACH STATEMENT EXECUTE FUNCTION "count_tags"();
CREATE TRIGGER "posts_count_tags_deleted" AFTER DELETE ON "posts" REFERENCING OLD TABLE AS old_posts FOR EACH STATEMENT EXECUTE FUNCTION "count_tags"();
INSERT INTO "tags" ("name", "posts") SELECT tag, count(*) FROM "posts", unnest("tags") AS tag WHERE "published_at" IS NOT NULL AND "trashed_at" IS NULL GROUP BY tag;
