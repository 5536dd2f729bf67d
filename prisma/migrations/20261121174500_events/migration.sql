-- CreateEnum
CREATE TYPE "event_delivery_status" AS ENUM ('pending', 'stuck', 'done', 'discarded');

-- CreateTable
CREATE TABLE "events" (
    "id" UUID NOT NULL,
    "seq" BIGSERIAL NOT NULL,
    "position" BIGINT,
    "name" TEXT NOT NULL,
    "version" INTEGER NOT NULL,
    "resource_type" TEXT NOT NULL,
    "resource_id" TEXT NOT NULL,
    "actor_id" UUID,
    "subject_id" UUID,
    "payload" JSONB NOT NULL,
    "request_id" TEXT,
    "trace_id" TEXT,
    "occurred_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "events_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "event_log" (
    "id" INTEGER NOT NULL DEFAULT 1,
    "position" BIGINT NOT NULL DEFAULT 0,

    CONSTRAINT "event_log_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "event_subscriptions" (
    "consumer" TEXT NOT NULL,
    "event" TEXT NOT NULL,
    "seen_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "event_subscriptions_pkey" PRIMARY KEY ("consumer","event")
);

-- CreateTable
CREATE TABLE "event_deliveries" (
    "consumer" TEXT NOT NULL,
    "event_id" UUID NOT NULL,
    "position" BIGINT NOT NULL,
    "resource" TEXT NOT NULL,
    "status" "event_delivery_status" NOT NULL DEFAULT 'pending',
    "attempts" INTEGER NOT NULL DEFAULT 0,
    "last_error" TEXT,
    "next_attempt_at" TIMESTAMPTZ(3),
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "event_deliveries_pkey" PRIMARY KEY ("event_id","consumer")
);

-- CreateIndex
CREATE INDEX "events_resource_type_resource_id_seq_idx" ON "events"("resource_type", "resource_id", "seq");

-- CreateIndex
CREATE INDEX "events_name_id_idx" ON "events"("name", "id");

-- AddForeignKey
ALTER TABLE "event_deliveries" ADD CONSTRAINT "event_deliveries_event_id_fkey" FOREIGN KEY ("event_id") REFERENCES "events"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- What Prisma cannot express.

-- The log's own order, which an event joins only once it is committed; and those that have not joined it yet.
CREATE UNIQUE INDEX "events_position_key" ON "events" ("position") WHERE "position" IS NOT NULL;
CREATE INDEX "events_new_idx" ON "events" ("seq") WHERE "position" IS NULL;
CREATE INDEX "events_subject_idx" ON "events" ("subject_id", "position") WHERE "position" IS NOT NULL AND "subject_id" IS NOT NULL;

-- There is one log.
ALTER TABLE "event_log" ADD CONSTRAINT "event_log_check" CHECK ("id" = 1 AND "position" >= 0);
INSERT INTO "event_log" DEFAULT VALUES;

-- What a consumer has not dealt with, in its order; and what staff have to look at.
CREATE INDEX "event_deliveries_undone_idx" ON "event_deliveries" ("consumer", "resource", "position") WHERE "status" IN ('pending', 'stuck');
CREATE INDEX "event_deliveries_status_idx" ON "event_deliveries" ("status", "event_id", "consumer") WHERE "status" IN ('pending', 'stuck');
ALTER TABLE "event_deliveries" ADD CONSTRAINT "event_deliveries_attempts_check" CHECK ("attempts" >= 0);
