-- CreateTable
CREATE TABLE "price_lists" (
    "id" UUID NOT NULL,
    "name" TEXT NOT NULL,
    "currency" CHAR(3) NOT NULL,
    "starts_at" TIMESTAMPTZ(3),
    "ends_at" TIMESTAMPTZ(3),
    "priority" INTEGER NOT NULL DEFAULT 0,
    "active" BOOLEAN NOT NULL DEFAULT true,
    "version" INTEGER NOT NULL DEFAULT 1,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "price_lists_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "list_prices" (
    "variant_id" UUID NOT NULL,
    "list_id" UUID NOT NULL,
    "amount" BIGINT NOT NULL,

    CONSTRAINT "list_prices_pkey" PRIMARY KEY ("variant_id","list_id")
);

-- CreateIndex
CREATE INDEX "price_lists_created_at_id_idx" ON "price_lists"("created_at" DESC, "id" DESC);

-- CreateIndex
CREATE INDEX "list_prices_list_id_variant_id_idx" ON "list_prices"("list_id", "variant_id");

-- AddForeignKey
ALTER TABLE "list_prices" ADD CONSTRAINT "list_prices_variant_id_fkey" FOREIGN KEY ("variant_id") REFERENCES "variants"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "list_prices" ADD CONSTRAINT "list_prices_list_id_fkey" FOREIGN KEY ("list_id") REFERENCES "price_lists"("id") ON DELETE CASCADE ON UPDATE CASCADE;

ALTER TABLE "price_lists" ADD CONSTRAINT "price_lists_window_check" CHECK ("ends_at" > "starts_at");
ALTER TABLE "list_prices" ADD CONSTRAINT "list_prices_amount_check" CHECK ("amount" BETWEEN 0 AND 1000000000000);
