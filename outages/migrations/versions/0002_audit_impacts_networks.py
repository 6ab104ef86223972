"""The audit log, kept impacts and networks; every event that is there already gets its row in the audit log."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from outages.audit import START, AuditRow, Head, canonical, event_digest, event_entry, moment, sealed
from outages.tables import Utc

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_SEALED_AT_ONCE = 1000

_EVENTS = sa.table(
    "events",
    sa.column("position", sa.BigInteger),
    sa.column("outage_id", sa.String),
    sa.column("seq", sa.Integer),
    sa.column("kind", sa.String),
    sa.column("body", sa.JSON),
    sa.column("recorded_at", Utc),
    sa.column("recorded_by", sa.String),
)
_AUDIT = sa.table(
    "audit",
    sa.column("position", sa.BigInteger),
    sa.column("recorded_at", Utc),
    sa.column("recorded_by", sa.String),
    sa.column("what", sa.String),
    sa.column("subject", sa.String),
    sa.column("detail", sa.JSON),
    sa.column("hash", sa.String),
)


def upgrade() -> None:
    """Make the tables, seal the past, and let the database refuse changes to it."""
    _make_tables()
    _seal_events()
    if op.get_context().dialect.name == "sqlite":
        _number_events_ourselves()
        _refuse_on_sqlite()
    else:
        _refuse_on_postgresql()


def _make_tables() -> None:
    op.create_table(
        "impacts",
        sa.Column("position", _BIG, primary_key=True, autoincrement=True),
        sa.Column("outage_id", sa.String, nullable=False),
        sa.Column("seq", sa.Integer, nullable=False),
        sa.Column("network_version", sa.String, nullable=False),
        sa.Column("rules", sa.String, nullable=False),
        sa.Column("given", sa.JSON, nullable=False),
        sa.Column("counts", sa.JSON, nullable=False),
        sa.Column("customers", sa.LargeBinary, nullable=False),
    )
    op.create_index("impacts_of_outage", "impacts", ["outage_id", "seq"])
    op.create_table(
        "networks",
        sa.Column("number", _BIG, primary_key=True, autoincrement=True),
        sa.Column("version", sa.String, nullable=False, unique=True),
        sa.Column("about", sa.JSON, nullable=False),
        sa.Column("parts", sa.Integer, nullable=False),
    )
    op.create_table(
        "network_parts",
        sa.Column("version", sa.String, primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
    )
    op.create_table(
        "audit",
        sa.Column("position", _BIG, primary_key=True, autoincrement=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_by", sa.String, nullable=False),
        sa.Column("what", sa.String, nullable=False),
        sa.Column("subject", sa.String, nullable=False),
        sa.Column("detail", sa.JSON, nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
    )


def _seal_events() -> None:
    connection = op.get_bind()
    head, after = Head(0, START), 0
    while True:
        query = sa.select(_EVENTS).where(_EVENTS.c.position > after).order_by(_EVENTS.c.position).limit(_SEALED_AT_ONCE)
        page = connection.execute(query).mappings().all()
        if not page:
            return
        rows = sealed(head, [_entry(row) for row in page])
        connection.execute(sa.insert(_AUDIT), [_columns(row) for row in rows])
        head, after = Head(rows[-1].position, rows[-1].hash), page[-1]["position"]


def _entry(row: sa.RowMapping):  # type: ignore[no-untyped-def]
    at, by = row["recorded_at"], row["recorded_by"]
    digest = event_digest(row["kind"], canonical(row["body"]), moment(at), by)
    return event_entry(row["outage_id"], row["seq"], row["kind"], digest, at=at, by=by)


def _columns(row: AuditRow) -> dict[str, object]:
    entry = row.entry
    return {
        "position": row.position,
        "recorded_at": entry.at,
        "recorded_by": entry.by,
        "what": entry.what,
        "subject": entry.subject,
        "detail": entry.detail,
        "hash": row.hash,
    }


def _number_events_ourselves() -> None:
    """Take AUTOINCREMENT away: the writer gives the positions, and each commit writes one page less."""
    op.execute(
        "CREATE TABLE events_numbered (position INTEGER NOT NULL, outage_id VARCHAR NOT NULL, seq INTEGER NOT NULL, "
        "kind VARCHAR NOT NULL, body JSON NOT NULL, recorded_at DATETIME NOT NULL, recorded_by VARCHAR NOT NULL, "
        "PRIMARY KEY (position), UNIQUE (outage_id, seq))"
    )
    op.execute(
        "INSERT INTO events_numbered SELECT position, outage_id, seq, kind, body, recorded_at, recorded_by FROM events "
        "ORDER BY position"
    )
    op.execute("DROP TABLE events")
    op.execute("ALTER TABLE events_numbered RENAME TO events")


def _refuse_on_sqlite() -> None:
    for table in ("events", "audit"):
        for verb in ("update", "delete"):
            op.execute(
                f"CREATE TRIGGER {table}_refuse_{verb} BEFORE {verb.upper()} ON {table} BEGIN SELECT "
                f"RAISE(ABORT, '{table} are append-only: what happened stays written. Append a new event'); END"
            )


def _refuse_on_postgresql() -> None:
    op.execute(
        "CREATE FUNCTION refuse_to_rewrite() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        "RAISE EXCEPTION '% are append-only: what happened stays written. Append a new event', TG_TABLE_NAME "
        "USING ERRCODE = 'integrity_constraint_violation'; END $$"
    )
    for table in ("events", "commands", "audit"):
        op.execute(
            f"CREATE TRIGGER {table}_refuse_rewriting BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION refuse_to_rewrite()"
        )
