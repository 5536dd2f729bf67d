-- Runs once, when the database is made. Neither role is a superuser: `ashlar` owns the database and migrates it; `ashlar_app` is what the
-- application runs as. It reads and writes rows, and can change neither the schema nor the audit log (the migrations see to the latter).
\set owner_password `cat /run/secrets/database_owner_password`
\set password `cat /run/secrets/database_password`
CREATE ROLE ashlar LOGIN PASSWORD :'owner_password';
-- graphile-worker's tables have row security without a policy, for their owner only.
CREATE ROLE ashlar_app LOGIN BYPASSRLS PASSWORD :'password';
CREATE DATABASE ashlar OWNER ashlar;
\connect ashlar
ALTER DEFAULT PRIVILEGES FOR ROLE ashlar GRANT USAGE ON SCHEMAS TO ashlar_app;
ALTER DEFAULT PRIVILEGES FOR ROLE ashlar GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO ashlar_app;
ALTER DEFAULT PRIVILEGES FOR ROLE ashlar GRANT USAGE, SELECT ON SEQUENCES TO ashlar_app;
