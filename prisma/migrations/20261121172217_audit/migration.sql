-- CreateEnum
CREATE TYPE "audit_actor_kind" AS ENUM ('user', 'system', 'anonymous');

-- CreateEnum
CREATE TYPE "audit_outcome" AS ENUM ('succeeded', 'denied', 'failed');

-- CreateTable
CREATE TABLE "audit_entries" (
    "id" UUID NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL,
    "actor_kind" "audit_actor_kind" NOT NULL,
    "actor_id" UUID,
    "subject_id" UUID,
    "action" TEXT NOT NULL,
    "resource_type" TEXT NOT NULL,
    "resource_id" TEXT NOT NULL,
    "outcome" "audit_outcome" NOT NULL,
    "request_id" TEXT,
    "origin" BYTEA,
    "before" JSON,
    "after" JSON,
    "personal" BYTEA,
    "mac" BYTEA NOT NULL,

    CONSTRAINT "audit_entries_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "audit_unsealed" (
    "entry_id" UUID NOT NULL,

    CONSTRAINT "audit_unsealed_pkey" PRIMARY KEY ("entry_id")
);

-- CreateTable
CREATE TABLE "audit_seals" (
    "position" BIGINT NOT NULL,
    "entry_id" UUID NOT NULL,
    "digest" BYTEA NOT NULL,
    "head" BYTEA NOT NULL,
    "key_id" TEXT NOT NULL,
    "sealed_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "audit_seals_pkey" PRIMARY KEY ("position")
);

-- CreateTable
CREATE TABLE "audit_chain" (
    "id" SMALLINT NOT NULL,
    "start_position" BIGINT NOT NULL,
    "start_head" BYTEA NOT NULL,
    "end_position" BIGINT NOT NULL,
    "end_head" BYTEA NOT NULL,
    "key_id" TEXT NOT NULL,
    "proof" BYTEA NOT NULL,

    CONSTRAINT "audit_chain_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "audit_keys" (
    "person_id" UUID NOT NULL,
    "wrapped" BYTEA,
    "key_id" TEXT,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "forgotten_at" TIMESTAMPTZ(3),

    CONSTRAINT "audit_keys_pkey" PRIMARY KEY ("person_id")
);

-- CreateIndex
CREATE INDEX "audit_entries_actor_id_id_idx" ON "audit_entries"("actor_id", "id");

-- CreateIndex
CREATE INDEX "audit_entries_action_id_idx" ON "audit_entries"("action", "id");

-- CreateIndex
CREATE INDEX "audit_entries_resource_type_id_idx" ON "audit_entries"("resource_type", "id");

-- CreateIndex
CREATE INDEX "audit_entries_resource_id_id_idx" ON "audit_entries"("resource_id", "id");

-- CreateIndex
CREATE UNIQUE INDEX "audit_seals_entry_id_key" ON "audit_seals"("entry_id");

-- What Prisma cannot express.

ALTER TABLE "audit_entries" ADD CONSTRAINT "audit_entries_actor_check" CHECK (("actor_kind" = 'user') = ("actor_id" IS NOT NULL));
ALTER TABLE "audit_entries" ADD CONSTRAINT "audit_entries_mac_check" CHECK (octet_length("mac") = 32);
ALTER TABLE "audit_seals" ADD CONSTRAINT "audit_seals_check" CHECK ("position" > 0 AND octet_length("digest") = 32 AND octet_length("head") = 32);
ALTER TABLE "audit_chain" ADD CONSTRAINT "audit_chain_check" CHECK ("id" = 1 AND "start_position" >= 0 AND "end_position" >= "start_position");
ALTER TABLE "audit_keys" ADD CONSTRAINT "audit_keys_check" CHECK (("wrapped" IS NULL) = ("key_id" IS NULL) AND ("wrapped" IS NULL) = ("forgotten_at" IS NOT NULL));

-- What others did to a person; what they did themselves is found by the actor.
CREATE INDEX "audit_entries_subject_idx" ON "audit_entries" ("subject_id", "id") WHERE "subject_id" IS DISTINCT FROM "actor_id";

-- Append-only: entries and seals are never changed, and deleted by audit_expire() only.
CREATE FUNCTION "audit_refuse_change"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'DELETE' AND current_setting('ashlar.audit_expires', true) = 'on' THEN
    RETURN NULL;
  END IF;
  RAISE EXCEPTION '% on % is refused: the audit log is append-only', TG_OP, TG_TABLE_NAME USING ERRCODE = 'insufficient_privilege';
END
$$;
CREATE TRIGGER "audit_entries_append_only" BEFORE UPDATE OR DELETE OR TRUNCATE ON "audit_entries" FOR EACH STATEMENT EXECUTE FUNCTION "audit_refuse_change"();
CREATE TRIGGER "audit_seals_append_only" BEFORE UPDATE OR DELETE OR TRUNCATE ON "audit_seals" FOR EACH STATEMENT EXECUTE FUNCTION "audit_refuse_change"();

-- Deletes the beginning of the chain up to a position, with the entries it seals. It runs as the tables' owner, so that the application's
-- role needs no right to delete.
CREATE FUNCTION "audit_expire"("through" bigint) RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
  gone bigint;
BEGIN
  PERFORM set_config('ashlar.audit_expires', 'on', true);
  WITH seals AS (DELETE FROM audit_seals WHERE position <= through RETURNING entry_id)
  DELETE FROM audit_entries e USING seals WHERE e.id = seals.entry_id;
  GET DIAGNOSTICS gone = ROW_COUNT;
  PERFORM set_config('ashlar.audit_expires', 'off', true);
  RETURN gone;
END
$$;
REVOKE ALL ON FUNCTION "audit_expire"(bigint) FROM PUBLIC;

-- Where the application has a role of its own (deploy/database.sql), default privileges have given it too much: it may add to the log and
-- let it expire, and no more.
DO $$
DECLARE
  role name;
BEGIN
  FOR role IN
    SELECT DISTINCT r.rolname FROM pg_class c CROSS JOIN LATERAL aclexplode(c.relacl) a JOIN pg_roles r ON r.oid = a.grantee
    WHERE c.oid = 'audit_entries'::regclass AND a.grantee <> c.relowner
  LOOP
    EXECUTE format('REVOKE UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER ON audit_entries, audit_seals FROM %I', role);
    EXECUTE format('GRANT EXECUTE ON FUNCTION audit_expire(bigint) TO %I', role);
  END LOOP;
END
$$;
