-- AlterTable
ALTER TABLE "carts" ADD COLUMN     "currency" CHAR(3);
