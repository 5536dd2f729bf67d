-- CreateTable
CREATE TABLE "categories" (
    "id" UUID NOT NULL,
    "slug" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "parent_id" UUID,
    "position" INTEGER NOT NULL DEFAULT 0,
    "version" INTEGER NOT NULL DEFAULT 1,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "categories_pkey" PRIMARY KEY ("id")
);

-- CreateIndex
CREATE UNIQUE INDEX "categories_slug_key" ON "categories"("slug");

-- CreateIndex
CREATE INDEX "categories_parent_id_position_id_idx" ON "categories"("parent_id", "position", "id");

-- CreateIndex
CREATE INDEX "categories_position_id_idx" ON "categories"("position", "id");

-- CreateIndex
CREATE INDEX "categories_name_id_idx" ON "categories"("name", "id");

-- AddForeignKey
ALTER TABLE "categories" ADD CONSTRAINT "categories_parent_id_fkey" FOREIGN KEY ("parent_id") REFERENCES "categories"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

ALTER TABLE "categories" ADD CONSTRAINT "categories_texts_check" CHECK ("slug" <> '' AND "name" <> '');

-- Whoever puts categories below others does so one after the other, so that two cannot put each below the other's at once.
CREATE FUNCTION "keep_categories_a_tree"() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  above integer;
  height integer;
  circular boolean;
BEGIN
  IF NEW.parent_id IS NULL THEN
    RETURN NEW;
  END IF;
  PERFORM pg_advisory_xact_lock(hashtextextended('categories.tree', 0));
  -- Statements of their own: they see what was committed before the lock was given.
  WITH RECURSIVE up AS (
    SELECT id, parent_id, 1 AS n FROM categories WHERE id = NEW.parent_id
    UNION ALL SELECT c.id, c.parent_id, up.n + 1 FROM up JOIN categories c ON c.id = up.parent_id WHERE up.id <> NEW.id
  ) SELECT max(n), bool_or(id = NEW.id) INTO above, circular FROM up;
  IF NEW.parent_id = NEW.id OR circular THEN
    RAISE EXCEPTION 'a category cannot be below itself' USING ERRCODE = 'check_violation', CONSTRAINT = 'categories_tree_check';
  END IF;
  WITH RECURSIVE down AS (
    SELECT NEW.id AS id, 1 AS n UNION ALL SELECT c.id, down.n + 1 FROM down JOIN categories c ON c.parent_id = down.id
  ) SELECT max(n) INTO height FROM down;
  IF above + height > 10 THEN
    RAISE EXCEPTION 'the tree of categories would be too high' USING ERRCODE = 'check_violation', CONSTRAINT = 'categories_height_check';
  END IF;
  RETURN NEW;
END
$$;
CREATE TRIGGER "categories_keep_a_tree" BEFORE INSERT OR UPDATE OF "parent_id" ON "categories" FOR EACH ROW EXECUTE FUNCTION "keep_categories_a_tree"();

-- A category that a product names is there, or is made: who writes products needs to know nothing of the tree.
CREATE FUNCTION "make_category"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM FROM categories WHERE slug = NEW.category FOR KEY SHARE;
  IF NOT FOUND THEN
    INSERT INTO categories (id, slug, name) VALUES (gen_random_uuid(), NEW.category, NEW.category) ON CONFLICT DO NOTHING;
  END IF;
  RETURN NEW;
END
$$;
CREATE TRIGGER "products_make_category" BEFORE INSERT OR UPDATE OF "category" ON "products" FOR EACH ROW
  WHEN (NEW."category" IS NOT NULL) EXECUTE FUNCTION "make_category"();

-- What was free text.
INSERT INTO "categories" ("id", "slug", "name") SELECT gen_random_uuid(), "category", "category" FROM "products" WHERE "category" IS NOT NULL GROUP BY "category";

-- AddForeignKey
ALTER TABLE "products" ADD CONSTRAINT "products_category_fkey" FOREIGN KEY ("category") REFERENCES "categories"("slug") ON DELETE RESTRICT ON UPDATE CASCADE;

-- A page of a category, by name.
CREATE INDEX "products_category_name_idx" ON "products" ("category", "name", "id") WHERE "withdrawn_at" IS NULL;
