-- A user's mail may go to an address that is not the account's any more, or not yet.
ALTER TABLE "mails" DROP CONSTRAINT "mails_recipient_check";
ALTER TABLE "mails" ADD CONSTRAINT "mails_recipient_check" CHECK (num_nonnulls("user_id", "recipient") >= 1) NOT VALID;
ALTER TABLE "mails" VALIDATE CONSTRAINT "mails_recipient_check";

-- Whether an address may be taken back by the account that had it.
CREATE INDEX "one_time_tokens_held_idx" ON "one_time_tokens" (("data" ->> 'email')) WHERE "purpose" = 'email:undo';
