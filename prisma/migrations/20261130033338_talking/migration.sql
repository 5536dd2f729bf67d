-- CreateEnum
CREATE TYPE "comment_status" AS ENUM ('pending', 'approved', 'rejected', 'spam', 'deleted');

-- AlterTable
ALTER TABLE "posts" ADD COLUMN     "comments_open" BOOLEAN NOT NULL DEFAULT true;

-- CreateTable
CREATE TABLE "comments" (
    "id" UUID NOT NULL,
    "post_id" UUID NOT NULL,
    "parent_id" UUID,
    "root_id" UUID,
    "depth" SMALLINT NOT NULL,
    "author_id" UUID,
    "body" TEXT NOT NULL,
    "body_html" TEXT NOT NULL,
    "status" "comment_status" NOT NULL,
    "held_for" TEXT[] DEFAULT ARRAY[]::TEXT[],
    "replies" INTEGER NOT NULL DEFAULT 0,
    "approved_at" TIMESTAMPTZ(3),
    "edited_at" TIMESTAMPTZ(3),
    "moderator_id" UUID,
    "moderated_at" TIMESTAMPTZ(3),
    "moderation_note" TEXT,
    "version" INTEGER NOT NULL DEFAULT 1,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "comments_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "comment_mentions" (
    "comment_id" UUID NOT NULL,
    "user_id" UUID NOT NULL,

    CONSTRAINT "comment_mentions_pkey" PRIMARY KEY ("comment_id","user_id")
);

-- CreateTable
CREATE TABLE "comment_reports" (
    "id" UUID NOT NULL,
    "comment_id" UUID NOT NULL,
    "user_id" UUID NOT NULL,
    "reason" TEXT NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "resolved_at" TIMESTAMPTZ(3),

    CONSTRAINT "comment_reports_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "comment_rules" (
    "id" SMALLINT NOT NULL DEFAULT 1,
    "hold_first_comment" BOOLEAN NOT NULL DEFAULT true,
    "max_links" INTEGER NOT NULL DEFAULT 2,
    "blocked_words" TEXT[] DEFAULT ARRAY[]::TEXT[],
    "trusted_roles" TEXT[] DEFAULT ARRAY['admin', 'editor', 'support']::TEXT[],
    "version" INTEGER NOT NULL DEFAULT 1,
    "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "comment_rules_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "likes" (
    "post_id" UUID NOT NULL,
    "user_id" UUID NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "likes_pkey" PRIMARY KEY ("post_id","user_id")
);

-- CreateTable
CREATE TABLE "post_counts" (
    "post_id" UUID NOT NULL,
    "likes" INTEGER NOT NULL DEFAULT 0,
    "comments" INTEGER NOT NULL DEFAULT 0,

    CONSTRAINT "post_counts_pkey" PRIMARY KEY ("post_id")
);

-- CreateIndex
CREATE INDEX "comments_parent_id_created_at_id_idx" ON "comments"("parent_id", "created_at", "id");

-- CreateIndex
CREATE INDEX "comments_root_id_created_at_id_idx" ON "comments"("root_id", "created_at", "id");

-- CreateIndex
CREATE INDEX "comments_author_id_created_at_id_idx" ON "comments"("author_id", "created_at", "id");

-- CreateIndex
CREATE INDEX "comments_created_at_id_idx" ON "comments"("created_at", "id");

-- CreateIndex
CREATE INDEX "comments_status_created_at_id_idx" ON "comments"("status", "created_at", "id");

-- CreateIndex
CREATE INDEX "comment_mentions_user_id_idx" ON "comment_mentions"("user_id");

-- CreateIndex
CREATE INDEX "comment_reports_comment_id_created_at_id_idx" ON "comment_reports"("comment_id", "created_at", "id");

-- CreateIndex
CREATE INDEX "comment_reports_user_id_id_idx" ON "comment_reports"("user_id", "id");

-- CreateIndex
CREATE UNIQUE INDEX "comment_reports_comment_id_user_id_key" ON "comment_reports"("comment_id", "user_id");

-- CreateIndex
CREATE INDEX "likes_user_id_post_id_idx" ON "likes"("user_id", "post_id");

-- AddForeignKey
ALTER TABLE "comments" ADD CONSTRAINT "comments_post_id_fkey" FOREIGN KEY ("post_id") REFERENCES "posts"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "comments" ADD CONSTRAINT "comments_author_id_fkey" FOREIGN KEY ("author_id") REFERENCES "users"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "comments" ADD CONSTRAINT "comments_parent_id_fkey" FOREIGN KEY ("parent_id") REFERENCES "comments"("id") ON DELETE NO ACTION ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "comments" ADD CONSTRAINT "comments_root_id_fkey" FOREIGN KEY ("root_id") REFERENCES "comments"("id") ON DELETE NO ACTION ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "comment_mentions" ADD CONSTRAINT "comment_mentions_comment_id_fkey" FOREIGN KEY ("comment_id") REFERENCES "comments"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "comment_mentions" ADD CONSTRAINT "comment_mentions_user_id_fkey" FOREIGN KEY ("user_id") REFERENCES "users"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "comment_reports" ADD CONSTRAINT "comment_reports_comment_id_fkey" FOREIGN KEY ("comment_id") REFERENCES "comments"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "comment_reports" ADD CONSTRAINT "comment_reports_user_id_fkey" FOREIGN KEY ("user_id") REFERENCES "users"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "likes" ADD CONSTRAINT "likes_post_id_fkey" FOREIGN KEY ("post_id") REFERENCES "posts"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "likes" ADD CONSTRAINT "likes_user_id_fkey" FOREIGN KEY ("user_id") REFERENCES "users"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "post_counts" ADD CONSTRAINT "post_counts_post_id_fkey" FOREIGN KEY ("post_id") REFERENCES "posts"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- What Prisma cannot express.

ALTER TABLE "comments" ADD CONSTRAINT "comments_place_check" CHECK ("depth" BETWEEN 1 AND 3 AND ("depth" = 1) = ("parent_id" IS NULL) AND ("depth" = 1) = ("root_id" IS NULL));
ALTER TABLE "comments" ADD CONSTRAINT "comments_author_check" CHECK (("status" = 'deleted') = ("author_id" IS NULL) AND ("status" <> 'deleted' OR ("body" = '' AND "body_html" = '')));
ALTER TABLE "comments" ADD CONSTRAINT "comments_replies_check" CHECK ("replies" >= 0);
ALTER TABLE "comment_rules" ADD CONSTRAINT "comment_rules_one_check" CHECK ("id" = 1 AND "max_links" >= 0);
ALTER TABLE "post_counts" ADD CONSTRAINT "post_counts_check" CHECK ("likes" >= 0 AND "comments" >= 0);
INSERT INTO "comment_rules" DEFAULT VALUES;

CREATE INDEX "comments_top_idx" ON "comments" ("post_id", "created_at", "id") WHERE "parent_id" IS NULL;
CREATE INDEX "comments_people_idx" ON "comments" ("post_id", "author_id") WHERE "status" = 'approved';
CREATE INDEX "comments_known_authors_idx" ON "comments" ("author_id") WHERE "status" = 'approved';
CREATE INDEX "comment_reports_open_idx" ON "comment_reports" ("comment_id") WHERE "resolved_at" IS NULL;

-- Counted in place, so that a like costs one small row and none of the index entries of a post, and its editors wait for nobody.
ALTER TABLE "post_counts" SET (fillfactor = 50);

CREATE FUNCTION count_likes() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'INSERT' THEN
    INSERT INTO post_counts AS c (post_id, likes) SELECT post_id, count(*) FROM changed GROUP BY post_id ORDER BY post_id
      ON CONFLICT (post_id) DO UPDATE SET likes = c.likes + excluded.likes;
  ELSE
    -- In order, so that two who take back many likes do not wait for each other.
    PERFORM FROM post_counts WHERE post_id IN (SELECT post_id FROM changed) ORDER BY post_id FOR UPDATE;
    UPDATE post_counts AS c SET likes = c.likes - gone.likes
      FROM (SELECT post_id, count(*) AS likes FROM changed GROUP BY post_id) AS gone WHERE c.post_id = gone.post_id;
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER likes_counted AFTER INSERT ON "likes" REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION count_likes();
CREATE TRIGGER likes_uncounted AFTER DELETE ON "likes" REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION count_likes();

-- From below upwards, and the post's own count last: whoever changes a thread takes its locks in this order.
CREATE FUNCTION count_comments() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  it comments%ROWTYPE;
  change int := 0;
BEGIN
  IF TG_OP <> 'INSERT' THEN
    it := OLD;
    IF OLD.status = 'approved' THEN change := change - 1; END IF;
  END IF;
  IF TG_OP <> 'DELETE' THEN
    it := NEW;
    IF NEW.status = 'approved' THEN change := change + 1; END IF;
  END IF;
  IF change = 0 THEN RETURN NULL; END IF;
  IF it.parent_id IS NOT NULL THEN
    UPDATE comments SET replies = replies + change WHERE id = it.parent_id;
    IF it.root_id <> it.parent_id THEN UPDATE comments SET replies = replies + change WHERE id = it.root_id; END IF;
  END IF;
  IF change > 0 THEN
    INSERT INTO post_counts AS c (post_id, comments) VALUES (it.post_id, change)
      ON CONFLICT (post_id) DO UPDATE SET comments = c.comments + excluded.comments;
  ELSE
    UPDATE post_counts SET comments = comments + change WHERE post_id = it.post_id;
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER comments_counted AFTER INSERT OR DELETE OR UPDATE OF "status" ON "comments" FOR EACH ROW EXECUTE FUNCTION count_comments();
