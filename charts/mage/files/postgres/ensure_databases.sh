#!/bin/sh
# Give each name in DATABASES a role and a database of its own, with the password that its Secret holds now.
# Runs after every start of PostgreSQL: a name added later and a changed password take effect with a restart.
set -eu

# Over TCP only the real server answers: the server that initialises the data folder listens only on a socket.
until pg_isready --quiet --host 127.0.0.1 --username mage; do sleep 0.2; done

for name in $DATABASES; do
  # psql reads the password itself, so that no list of processes and no log shows it.
  NAME=$name psql --quiet --no-psqlrc --username postgres --dbname postgres --set ON_ERROR_STOP=1 <<'SQL'
\getenv name NAME
\set password `cat "/etc/postgresql-passwords/$NAME-password"`
SET log_statement = 'none';
SELECT format('CREATE ROLE %I LOGIN', :'name')
WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = :'name') \gexec
ALTER ROLE :"name" PASSWORD :'password';
SELECT format('CREATE DATABASE %I OWNER %I', :'name', :'name')
WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = :'name') \gexec
REVOKE ALL ON DATABASE :"name" FROM PUBLIC;
SQL
done
