-- CreateEnum
CREATE TYPE "mail_status" AS ENUM ('queued', 'held', 'sent', 'failed');

-- CreateTable
CREATE TABLE "mails" (
    "id" UUID NOT NULL,
    "user_id" UUID,
    "recipient" TEXT,
    "template" TEXT NOT NULL,
    "data" JSONB,
    "unsubscribe_url" TEXT,
    "status" "mail_status" NOT NULL DEFAULT 'queued',
    "attempts" INTEGER NOT NULL DEFAULT 0,
    "last_error" TEXT,
    "message_id" TEXT,
    "message" JSONB,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "sent_at" TIMESTAMPTZ(3),

    CONSTRAINT "mails_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "notifications" (
    "id" UUID NOT NULL,
    "user_id" UUID NOT NULL,
    "kind" TEXT NOT NULL,
    "event_id" UUID NOT NULL,
    "resource_type" TEXT NOT NULL,
    "resource_id" TEXT NOT NULL,
    "facts" JSONB NOT NULL DEFAULT '{}',
    "in_app" BOOLEAN NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "read_at" TIMESTAMPTZ(3),

    CONSTRAINT "notifications_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "notification_preferences" (
    "user_id" UUID NOT NULL,
    "kind" TEXT NOT NULL,
    "in_app" BOOLEAN NOT NULL,
    "email" BOOLEAN NOT NULL,
    "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "notification_preferences_pkey" PRIMARY KEY ("user_id","kind")
);

-- CreateIndex
CREATE INDEX "mails_created_at_id_idx" ON "mails"("created_at", "id");

-- CreateIndex
CREATE INDEX "mails_user_id_idx" ON "mails"("user_id");

-- CreateIndex
CREATE INDEX "notifications_user_id_created_at_id_idx" ON "notifications"("user_id", "created_at" DESC, "id" DESC);

-- CreateIndex
CREATE INDEX "notifications_created_at_idx" ON "notifications"("created_at");

-- CreateIndex
CREATE UNIQUE INDEX "notifications_event_id_user_id_kind_key" ON "notifications"("event_id", "user_id", "kind");

-- AddForeignKey
ALTER TABLE "notifications" ADD CONSTRAINT "notifications_user_id_fkey" FOREIGN KEY ("user_id") REFERENCES "users"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "notification_preferences" ADD CONSTRAINT "notification_preferences_user_id_fkey" FOREIGN KEY ("user_id") REFERENCES "users"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- What Prisma cannot express.

-- A mail is to a user or to an address, and says nothing any more once it is sent.
ALTER TABLE "mails" ADD CONSTRAINT "mails_recipient_check" CHECK (num_nonnulls("user_id", "recipient") = 1);
ALTER TABLE "mails" ADD CONSTRAINT "mails_sent_check" CHECK ("status" <> 'sent' OR ("sent_at" IS NOT NULL AND "data" IS NULL AND "unsubscribe_url" IS NULL));
CREATE INDEX "mails_held_idx" ON "mails" ("id") WHERE "status" = 'held';
CREATE INDEX "mails_mailbox_idx" ON "mails" ("sent_at" DESC, "id" DESC) WHERE "message" IS NOT NULL;

CREATE INDEX "notifications_unread_idx" ON "notifications" ("user_id", "created_at" DESC, "id" DESC) WHERE "in_app" AND "read_at" IS NULL;
