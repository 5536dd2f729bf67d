-- CreateIndex
CREATE INDEX "mails_recipient_idx" ON "mails"("recipient");
