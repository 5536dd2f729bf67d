-- AlterTable
ALTER TABLE "products" ADD COLUMN     "options" JSONB NOT NULL DEFAULT '[]';

-- AlterTable
ALTER TABLE "variants" ADD COLUMN     "compare_at" BIGINT,
ADD COLUMN     "option_values" JSONB NOT NULL DEFAULT '{}';

-- CreateTable
CREATE TABLE "product_images" (
    "product_id" UUID NOT NULL,
    "position" INTEGER NOT NULL,
    "file_id" UUID NOT NULL,
    "alt" TEXT NOT NULL DEFAULT '',

    CONSTRAINT "product_images_pkey" PRIMARY KEY ("product_id","position")
);

-- CreateIndex
CREATE INDEX "product_images_file_id_idx" ON "product_images"("file_id");

-- CreateIndex
CREATE UNIQUE INDEX "product_images_product_id_file_id_key" ON "product_images"("product_id", "file_id");

-- AddForeignKey
ALTER TABLE "product_images" ADD CONSTRAINT "product_images_product_id_fkey" FOREIGN KEY ("product_id") REFERENCES "products"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "product_images" ADD CONSTRAINT "product_images_file_id_fkey" FOREIGN KEY ("file_id") REFERENCES "files"("id") ON DELETE CASCADE ON UPDATE CASCADE;

ALTER TABLE "products" ADD CONSTRAINT "products_options_check" CHECK (jsonb_typeof("options") = 'array');
ALTER TABLE "variants" ADD CONSTRAINT "variants_compare_at_check" CHECK ("compare_at" > "price_amount");
ALTER TABLE "variants" ADD CONSTRAINT "variants_option_values_check" CHECK (jsonb_typeof("option_values") = 'object');
ALTER TABLE "product_images" ADD CONSTRAINT "product_images_position_check" CHECK ("position" >= 0);

-- Two variants of a product that are on sale differ in what can be chosen. One is found by what it is.
CREATE UNIQUE INDEX "variants_product_id_option_values_key" ON "variants" ("product_id", "option_values") WHERE "withdrawn_at" IS NULL AND "option_values" <> '{}';
CREATE INDEX "variants_option_values_idx" ON "variants" USING GIN ("option_values" jsonb_path_ops);
