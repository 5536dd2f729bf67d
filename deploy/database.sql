-- Runs once, when the database is made: the application owns its own database and is no superuser.
\set password `cat /run/secrets/database_password`
CREATE ROLE ashlar LOGIN PASSWORD :'password';
CREATE DATABASE ashlar OWNER ashlar;
