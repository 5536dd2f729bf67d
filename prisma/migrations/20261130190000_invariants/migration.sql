-- CreateTable
CREATE TABLE "invariant_checks" (
    "invariant" TEXT NOT NULL,
    "severity" TEXT NOT NULL,
    "status" TEXT NOT NULL,
    "broken" INTEGER,
    "checked_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "invariant_checks_pkey" PRIMARY KEY ("invariant")
);

-- By hand.
ALTER TABLE "invariant_checks" ADD CONSTRAINT "invariant_checks_check" CHECK ("severity" IN ('error', 'warning', 'notice') AND "status" IN ('holds', 'broken', 'unknown')
  AND ("status" = 'unknown') = ("broken" IS NULL) AND ("status" = 'broken') = (coalesce("broken", 0) > 0));
