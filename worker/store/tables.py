"""Every table, once. Columns are only added, by a numbered migration; times are aware and in UTC."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

import sqlalchemy as sa


class Moment(sa.TypeDecorator[dt.datetime]):
    """An aware time; stored as UTC on both databases."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: dt.datetime | None, dialect: Any) -> dt.datetime | None:
        """UTC on the way in; SQLite keeps no zone."""
        if value is None:
            return None
        value = value.astimezone(dt.UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: dt.datetime | None, _dialect: Any) -> dt.datetime | None:
        """Aware on the way out."""
        if value is None:
            return None
        return value.replace(tzinfo=dt.UTC) if value.tzinfo is None else value.astimezone(dt.UTC)


class Json(sa.TypeDecorator[Any]):
    """Any JSON, as text: SQLite would take a column of its own JSON type for numbers and round the large ones."""

    impl = sa.Text
    cache_ok = True

    def process_bind_param(self, value: Any, _dialect: Any) -> str:
        """Text on the way in; a NUL inside is escaped, as both databases want it."""
        return json.dumps(value, separators=(",", ":"))

    def process_result_value(self, value: str | None, _dialect: Any) -> Any:
        """The value on the way out."""
        return None if value is None else json.loads(value)


metadata = sa.MetaData()
_BIG_ID = sa.BigInteger().with_variant(sa.Integer, "sqlite")

settings = sa.Table(
    "settings",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("value", sa.Text, nullable=False),
)
projects = sa.Table(
    "projects",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("id", sa.Text, nullable=False, unique=True),
    sa.Column("display_name", sa.Text, nullable=False, default=""),
    sa.Column("created_at", Moment, nullable=False),
)
variables = sa.Table(
    "variables",
    metadata,
    sa.Column("project", sa.Text, primary_key=True),
    sa.Column("connection", sa.Text, primary_key=True, default=""),
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("value", sa.Text, nullable=False),
    sa.Column("secret", sa.Boolean, nullable=False, default=False),
    sa.Column("description", sa.Text, nullable=False, default=""),
    sa.Column("manifest_value", sa.Text),
)
connections = sa.Table(
    "connections",
    metadata,
    sa.Column("project", sa.Text, primary_key=True),
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("id", sa.Text, nullable=False, unique=True),
    sa.Column("integration", sa.Text, nullable=False),
)
triggers = sa.Table(
    "triggers",
    metadata,
    sa.Column("project", sa.Text, primary_key=True),
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("id", sa.Text, nullable=False, unique=True),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("call", sa.Text, nullable=False, default=""),
    sa.Column("event_type", sa.Text, nullable=False, default=""),
    sa.Column("filter", sa.Text, nullable=False, default=""),
    sa.Column("is_sync", sa.Boolean, nullable=False, default=False),
    sa.Column("is_durable", sa.Boolean, nullable=False, default=True),
    sa.Column("connection", sa.Text, nullable=False, default=""),
    sa.Column("schedule", sa.Text, nullable=False, default=""),
    *(
        sa.Column(name, sa.Text, nullable=False, default="", server_default="")
        for name in ("timezone", "overlap", "catchup", "jitter")
    ),
)
trigger_renames = sa.Table(
    "trigger_renames",
    metadata,
    sa.Column("project", sa.Text, primary_key=True),
    sa.Column("old", sa.Text, primary_key=True),
    sa.Column("new", sa.Text, nullable=False),
    # False until a manifest follows; then the old name goes on meaning the new one for code that knows only that.
    sa.Column("applied", sa.Boolean, nullable=False, default=False),
)
slugs = sa.Table(
    "slugs",
    metadata,
    sa.Column("project", sa.Text, primary_key=True),
    sa.Column("trigger", sa.Text, primary_key=True),
    sa.Column("slug", sa.Text, nullable=False, unique=True),
)
builds = sa.Table(
    "builds",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("project", sa.Text, nullable=False),
    sa.Column("content", sa.LargeBinary, nullable=False),
    sa.Column("files", sa.JSON, nullable=False),
    sa.Column("created_at", Moment, nullable=False),
)
deployments = sa.Table(
    "deployments",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("project", sa.Text, nullable=False),
    sa.Column("build_id", sa.Text, nullable=False),
    sa.Column("version", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("desired", sa.Text, nullable=False),
    sa.Column("environment", sa.Text, nullable=False),
    sa.Column("secret_names", sa.JSON, nullable=False),
    sa.Column("requirements", sa.Text, nullable=False, default=""),
    sa.Column("error", sa.JSON),
    sa.Column("created_at", Moment, nullable=False),
    sa.Column("activated_at", Moment),
    sa.UniqueConstraint("project", "version"),
    sa.Index("deployments_by_state", "state"),
)
events = sa.Table(
    "events",
    metadata,
    sa.Column("seq", _BIG_ID, primary_key=True, autoincrement=True),
    sa.Column("id", sa.Text, nullable=False, unique=True),
    sa.Column("project", sa.Text, nullable=False),
    sa.Column("source_kind", sa.Text, nullable=False),
    sa.Column("source", sa.Text, nullable=False),
    sa.Column("event_type", sa.Text, nullable=False),
    sa.Column("data", sa.JSON, nullable=False),
    sa.Column("memo", sa.JSON, nullable=False),
    sa.Column("created_at", Moment, nullable=False),
    sa.Column("deployment", sa.Text, nullable=False, default="", server_default=""),
    # The event that this one repeats; an index of those alone is made by m0009.
    sa.Column("repeats", sa.Text, nullable=False, default="", server_default=""),
    sa.Index("events_by_project", "project", "seq"),
    sqlite_autoincrement=True,
)
deliveries = sa.Table(
    "deliveries",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("event_seq", _BIG_ID, nullable=False),
    sa.Column("event_id", sa.Text, nullable=False),
    sa.Column("project", sa.Text, nullable=False),
    sa.Column("trigger", sa.Text, nullable=False),
    sa.Column("handler", sa.Text, nullable=False),
    sa.Column("session_id", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("reason", sa.Text, nullable=False, default=""),
    sa.Column("attempts", sa.Integer, nullable=False, default=0),
    sa.Column("owner", sa.Text),
    sa.Column("not_before", Moment),
    sa.Column("kind", sa.Text, nullable=False, default="start", server_default="start"),
    sa.Column("payload", Json),
    sa.Column("finished_at", Moment),
    sa.Index("deliveries_by_event", "event_id"),
    sa.Index("deliveries_by_trigger", "project", "trigger", "event_seq"),
    sa.Index("deliveries_pending", "state", "event_seq"),
    sa.Index("deliveries_by_session", "session_id", "state"),
)
session_log = sa.Table(
    "session_log",
    metadata,
    sa.Column("seq", _BIG_ID, primary_key=True, autoincrement=True),
    sa.Column("project", sa.Text, nullable=False),
    sa.Column("workflow_id", sa.Text, nullable=False),
    sa.Column("run_id", sa.Text, nullable=False),
    sa.Column("line", sa.Integer, nullable=False),
    sa.Column("attempt", sa.Integer, nullable=False),
    sa.Column("sub", sa.Integer, nullable=False),
    sa.Column("at", Moment, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("text", sa.Text, nullable=False),
    sa.Column("place", sa.Text, nullable=False, default=""),
    sa.Column("task", sa.BigInteger, nullable=False, default=0, server_default="0"),
    sa.UniqueConstraint("workflow_id", "run_id", "line", "attempt", "sub"),
    # An index of the errors alone is made by m0005: said here, it would load all of SQLAlchemy's Postgres everywhere.
    sqlite_autoincrement=True,
)
services = sa.Table(
    "services",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("host", sa.Text, nullable=False),
    sa.Column("pid", sa.Integer, nullable=False),
    sa.Column("details", sa.JSON, nullable=False),
    sa.Column("seen_at", Moment, nullable=False),
)
leases = sa.Table(
    "leases",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("owner", sa.Text, nullable=False),
    sa.Column("until", Moment, nullable=False),
)
values = sa.Table(
    "project_values",
    metadata,
    sa.Column("project", sa.Text, primary_key=True),
    sa.Column("key", sa.Text, primary_key=True),
    sa.Column("value", Json, nullable=False),
    sa.Column("shown", Json, nullable=False),
    sa.Column("published", sa.Boolean, nullable=False, default=False),
    sa.Column("updated_at", Moment, nullable=False),
)
operations = sa.Table(
    "operations",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("result", Json),
    sa.Column("created_at", Moment, nullable=False),
    sa.Index("operations_by_time", "created_at"),
)
subscriptions = sa.Table(
    "subscriptions",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("project", sa.Text, nullable=False),
    sa.Column("source", sa.Text, nullable=False),
    sa.Column("session_id", sa.Text, nullable=False),
    sa.Column("filter", sa.Text, nullable=False, default=""),
    sa.Column("term_path", sa.Text, nullable=False, default=""),
    sa.Column("term_value", sa.Text, nullable=False, default=""),
    sa.Column("direct", sa.Boolean, nullable=False, default=False),
    sa.Column("created_at", Moment, nullable=False),
    sa.Index("subscriptions_by_term", "project", "source", "term_path", "term_value"),
    sa.Index("subscriptions_by_session", "session_id"),
)
ended_subscriptions = sa.Table(
    "ended_subscriptions",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("project", sa.Text, nullable=False),
    sa.Column("source", sa.Text, nullable=False),
    sa.Column("session_id", sa.Text, nullable=False),
    sa.Column("filter", sa.Text, nullable=False, default=""),
    sa.Column("created_at", Moment, nullable=False),
    sa.Column("ended_at", Moment, nullable=False),
    sa.Column("ended_by", sa.Text, nullable=False, default="", server_default=""),
    sa.Index("ended_subscriptions_by_source", "project", "source", "ended_at"),
    sa.Index("ended_subscriptions_by_time", "ended_at"),
)
waiters = sa.Table(
    "waiters",
    metadata,
    sa.Column("project", sa.Text, primary_key=True),
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("session_id", sa.Text, primary_key=True),
    sa.Index("waiters_by_session", "session_id"),
)
signals = sa.Table(
    "signals",
    metadata,
    sa.Column("seq", _BIG_ID, primary_key=True, autoincrement=True),
    sa.Column("id", sa.Text, nullable=False, unique=True),
    sa.Column("project", sa.Text, nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("payload", Json),
    sa.Column("created_at", Moment, nullable=False),
    sa.Index("signals_by_name", "project", "name", "seq"),
    sqlite_autoincrement=True,
)
outcomes = sa.Table(
    "outcomes",
    metadata,
    sa.Column("seq", _BIG_ID, primary_key=True, autoincrement=True),
    sa.Column("event_id", sa.Text, nullable=False),
    sa.Column("session_id", sa.Text, nullable=False),
    sa.Column("value", Json, nullable=False),
    sa.Column("created_at", Moment, nullable=False),
    sa.Index("outcomes_by_event", "event_id", "seq"),
    sqlite_autoincrement=True,
)
refused_requests = sa.Table(
    "refused_requests",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    *(
        sa.Column(name, sa.Text, nullable=False)
        for name in ("method", "path", "code", "project", "trigger", "reason", "sender")
    ),
    sa.Column("count", sa.BigInteger, nullable=False),
    sa.Column("first_at", Moment, nullable=False),
    sa.Column("last_at", Moment, nullable=False),
    sa.Index("refused_requests_by_time", "last_at"),
)
blobs = sa.Table(
    "blobs",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("content", sa.LargeBinary, nullable=False),
    sa.Column("created_at", Moment, nullable=False),
    sa.Column("used_at", Moment),
)
