-- Run once by the PostgreSQL image, as its superuser: the role of the service owns its database and nothing else.
\set ON_ERROR_STOP on
\set password `cat /run/secrets/database_password`
CREATE ROLE cds LOGIN PASSWORD :'password';
CREATE DATABASE cds OWNER cds;
REVOKE ALL ON DATABASE cds FROM PUBLIC;
