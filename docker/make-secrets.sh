#!/bin/sh
# Writes .env for docker-compose.yml, with secrets made up on the spot, for this user alone; leaves one that is there alone.
set -eu
cd "$(dirname "$0")/.."
umask 077
set -C # so that > refuses a file that exists
for name in DJANGO_SECRET_KEY POSTGRES_PASSWORD REDIS_PASSWORD; do
  echo "$name=$(od -An -N32 -tx1 /dev/urandom | tr -d ' \n')"
done > .env
echo "Wrote .env; keep it: PostgreSQL's volume knows the password of its first start."
