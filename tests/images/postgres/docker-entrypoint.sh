#!/bin/bash
# Of the real image's entry point: POSTGRES_USER, POSTGRES_PASSWORD_FILE and POSTGRES_DB on the first start.
set -euo pipefail
if [ ! -s "$PGDATA/PG_VERSION" ]; then
  mkdir -p "$PGDATA"
  initdb -D "$PGDATA" -U "$POSTGRES_USER" --pwfile="$POSTGRES_PASSWORD_FILE" -A scram-sha-256 --locale=C.UTF-8 --encoding=UTF8
  echo "host all all all scram-sha-256" >>"$PGDATA/pg_hba.conf"
  echo "host replication all all scram-sha-256" >>"$PGDATA/pg_hba.conf"
  # Only this script reaches the server until it is set up.
  sed -i '1i local all all trust' "$PGDATA/pg_hba.conf"
  pg_ctl -D "$PGDATA" -w -o "-c listen_addresses='' -c unix_socket_directories=/tmp" start
  [ "$POSTGRES_DB" = postgres ] || echo "CREATE DATABASE \"$POSTGRES_DB\"" >/tmp/init.sql
  pg_ctl -D "$PGDATA" -w -m fast stop
  [ ! -e /tmp/init.sql ] || postgres --single -D "$PGDATA" postgres </tmp/init.sql
fi
exec "$@" -c "listen_addresses=*" -c unix_socket_directories=/tmp
