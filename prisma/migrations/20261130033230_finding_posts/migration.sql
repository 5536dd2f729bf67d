-- DropIndex
DROP INDEX "posts_tags_idx";

-- CreateTable
CREATE TABLE "post_tags" (
    "tag" TEXT NOT NULL,
    "post_id" UUID NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL,
    "published_at" TIMESTAMPTZ(3),

    CONSTRAINT "post_tags_pkey" PRIMARY KEY ("tag","post_id")
);

-- CreateTable
CREATE TABLE "post_words" (
    "word" TEXT NOT NULL,

    CONSTRAINT "post_words_pkey" PRIMARY KEY ("word")
);

-- CreateIndex
CREATE INDEX "post_tags_post_id_idx" ON "post_tags"("post_id");

-- CreateIndex
CREATE INDEX "post_tags_tag_created_at_post_id_idx" ON "post_tags"("tag", "created_at" DESC, "post_id" DESC);

-- CreateIndex
CREATE INDEX "post_tags_tag_published_at_post_id_idx" ON "post_tags"("tag", "published_at" DESC, "post_id" DESC);

-- AddForeignKey
ALTER TABLE "post_tags" ADD CONSTRAINT "post_tags_post_id_fkey" FOREIGN KEY ("post_id") REFERENCES "posts"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- What Prisma cannot express.

-- Both are trusted extensions: the database's owner may create them.
CREATE EXTENSION IF NOT EXISTS unaccent;
CREATE EXTENSION IF NOT EXISTS btree_gin;

-- Words of any script, with and without accents alike; no stemming, since a post does not say its language.
CREATE TEXT SEARCH CONFIGURATION "post_text" (COPY = simple);
ALTER TEXT SEARCH CONFIGURATION "post_text" ALTER MAPPING FOR hword, hword_part, word WITH unaccent, simple;

-- Of the body as much as has positions to be ranked by, and without the characters at which PostgreSQL's parser takes the square of the length:
-- 50,000 characters of `a_` took 13 s, of `<!-- ` 2.3 s; without these four no pattern took more than 0.03 s.
CREATE FUNCTION "post_document"("title" text, "tags" text[], "excerpt" text, "body" text) RETURNS tsvector LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN setweight(to_tsvector('post_text', "title"), 'A') || setweight(to_tsvector('post_text', array_to_string("tags", ' , ')), 'B')
    || setweight(to_tsvector('post_text', "excerpt"), 'C') || setweight(to_tsvector('post_text', left(translate("body", '_<>~', '    '), 50000)), 'D');

-- One rewrite of the table, in which it waits; a version that still runs finds the column under its name and of its type.
ALTER TABLE "posts" DROP COLUMN "search",
    ADD COLUMN "search" tsvector GENERATED ALWAYS AS ("post_document"("title", "tags", "excerpt", "body")) STORED;

-- What a search filters by, in one index.
CREATE INDEX "posts_search_idx" ON "posts" USING GIN ("search", "tags", "author_id") WHERE "trashed_at" IS NULL;

-- What authors see of their own beyond what everybody does: drafts and what is to come, and what has ended.
CREATE INDEX "posts_own_idx" ON "posts" ("author_id", "published_at" DESC, "id" DESC) WHERE "trashed_at" IS NULL;
CREATE INDEX "posts_own_expiring_idx" ON "posts" ("author_id", "expires_at") WHERE "expires_at" IS NOT NULL;

CREATE INDEX "post_words_trgm_idx" ON "post_words" USING GIN ("word" gin_trgm_ops);

-- A post's tags stand in `post_tags` as long as it is not in the trash, whoever writes them. In order, so that two writers of the same post wait and do not deadlock.
CREATE FUNCTION "posts_keep_tags"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'UPDATE' THEN
    DELETE FROM "post_tags" WHERE "post_id" = NEW."id" AND (NEW."trashed_at" IS NOT NULL OR "tag" <> ALL (NEW."tags"));
  END IF;
  IF NEW."trashed_at" IS NULL THEN
    INSERT INTO "post_tags" ("tag", "post_id", "created_at", "published_at")
    SELECT DISTINCT "tag", NEW."id", NEW."created_at", NEW."published_at" FROM unnest(NEW."tags") AS "tag" ORDER BY "tag"
    ON CONFLICT ("tag", "post_id") DO UPDATE SET "created_at" = EXCLUDED."created_at", "published_at" = EXCLUDED."published_at";
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER "posts_insert_tags" AFTER INSERT ON "posts" FOR EACH ROW WHEN (NEW."tags" <> '{}') EXECUTE FUNCTION "posts_keep_tags"();
CREATE TRIGGER "posts_update_tags" AFTER UPDATE OF "tags", "created_at", "published_at", "trashed_at" ON "posts" FOR EACH ROW
  WHEN ((NEW."tags" <> '{}' OR OLD."tags" <> '{}') AND (OLD."tags", OLD."created_at", OLD."published_at", OLD."trashed_at")
    IS DISTINCT FROM (NEW."tags", NEW."created_at", NEW."published_at", NEW."trashed_at"))
  EXECUTE FUNCTION "posts_keep_tags"();

INSERT INTO "post_tags" ("tag", "post_id", "created_at", "published_at")
SELECT DISTINCT "tag", "id", "created_at", "published_at" FROM "posts", unnest("tags") AS "tag" WHERE "trashed_at" IS NULL;
INSERT INTO "post_words" ("word")
SELECT "word" FROM ts_stat('SELECT search FROM posts WHERE published_at <= now() AND trashed_at IS NULL')
WHERE length("word") BETWEEN 4 AND 30 AND "word" !~ '[\x01-\x40\x5b-\x60\x7b-\x7f]';
