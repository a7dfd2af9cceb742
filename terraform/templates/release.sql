-- One session holds the lock from the first statement to the last; others wait, and then find
-- that the work is done. The lock goes with the session, also when that dies.
\set ON_ERROR_STOP on
\getenv app_password APP_PASSWORD
\getenv release RELEASE

SET lock_timeout = '30min';
SELECT pg_advisory_lock(hashtext('release'));

-- The application's own user: RDS changes the master's password every seven days.
SELECT 'CREATE ROLE saleor LOGIN'
WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'saleor')
\gexec
ALTER ROLE saleor PASSWORD :'app_password';
-- The master of RDS is no superuser, and gives only to a role that it is a member of.
SET client_min_messages = warning;
GRANT saleor TO CURRENT_USER;
ALTER DATABASE :"DBNAME" OWNER TO saleor;

CREATE SCHEMA IF NOT EXISTS release;
CREATE TABLE IF NOT EXISTS release.migrated (
  release text PRIMARY KEY,
  at timestamptz NOT NULL DEFAULT now()
);

\set keyed `"$ENSURE_KEY" >&2 && echo true || echo false`
\if :keyed
\else
  \warn 'the signing key could not be made'
  SELECT 1 / 0;
\endif

SELECT NOT EXISTS (SELECT FROM release.migrated WHERE release = :'release') AS wanted \gset
\if :wanted
  \set migrated `"$MIGRATE" >&2 && echo true || echo false`
  \if :migrated
    INSERT INTO release.migrated (release) VALUES (:'release');
  \else
    \warn 'the migrations failed; the next attempt runs them again'
    SELECT 1 / 0;
  \endif
\endif
