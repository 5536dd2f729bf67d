-- What an author sees of their own beyond what everybody does: drafts and what is to come, and what has ended.
CREATE INDEX "posts_own_idx" ON "posts" ("author_id", "published_at" DESC, "id" DESC) WHERE "trashed_at" IS NULL;
CREATE INDEX "posts_own_expiring_idx" ON "posts" ("author_id", "expires_at") WHERE "expires_at" IS NOT NULL;
