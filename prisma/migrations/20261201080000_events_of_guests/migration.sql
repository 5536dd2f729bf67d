-- Of what was published before, nobody knows any more whether a guest did it.
ALTER TABLE "events" ADD COLUMN "is_anonymous" BOOLEAN NOT NULL DEFAULT false;
