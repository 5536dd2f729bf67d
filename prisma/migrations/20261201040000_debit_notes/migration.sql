-- A refund that a bank refuses after it had succeeded: its credit note is taken back by a debit note.
ALTER TYPE "invoice_kind" ADD VALUE 'debit_note';

-- Which is about the same refund.
DROP INDEX "invoices_refund_id_key";
CREATE UNIQUE INDEX "invoices_refund_id_kind_key" ON "invoices"("refund_id", "kind");

-- The new value cannot be named before this is committed: the check asks for what an invoice is not.
ALTER TABLE "invoices" DROP CONSTRAINT "invoices_check";
ALTER TABLE "invoices" ADD CONSTRAINT "invoices_check" CHECK ("year" BETWEEN 2000 AND 9999 AND "number" > 0 AND ("kind" <> 'invoice') = ("refund_id" IS NOT NULL));
