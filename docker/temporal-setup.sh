#!/bin/sh
# Make Temporal's two databases and bring their schemas up to date. Safe to repeat: after an upgrade it only updates.
set -eu
schema=/etc/temporal/schema/postgresql/v12
for name in temporal temporal_visibility; do
  # The password comes from SQL_PASSWORD, so that it stands in no list of processes.
  tool="temporal-sql-tool --plugin postgres12 --ep $POSTGRES_SEEDS -p $DB_PORT -u $POSTGRES_USER --db $name"
  $tool create
  $tool setup-schema -v 0.0
  $tool update-schema -d "$schema/$([ "$name" = temporal ] && echo temporal || echo visibility)/versioned"
done
