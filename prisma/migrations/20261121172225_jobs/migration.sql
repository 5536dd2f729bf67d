-- CreateTable
CREATE TABLE "job_workers" (
    "id" TEXT NOT NULL,
    "started_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "seen_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "job_workers_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "job_effects" (
    "job_id" BIGINT NOT NULL,
    "step" TEXT NOT NULL DEFAULT '',
    "done_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "job_effects_pkey" PRIMARY KEY ("job_id","step")
);

-- CreateIndex
CREATE INDEX "job_effects_done_at_idx" ON "job_effects"("done_at");

-- What Prisma cannot express
ALTER TABLE "job_effects" ADD CONSTRAINT "job_effects_step_check" CHECK (length("step") <= 100);
