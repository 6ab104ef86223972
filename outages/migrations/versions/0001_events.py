"""Events and commands: the schema of release 0.1.0, which had no Alembic yet."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make the two tables. On SQLite, statement for statement what 0.1.0 made."""
    op.create_table(
        "events",
        sa.Column("position", _BIG, primary_key=True, autoincrement=op.get_context().dialect.name == "sqlite"),
        sa.Column("outage_id", sa.String, nullable=False),
        sa.Column("seq", sa.Integer, nullable=False),
        sa.Column("kind", sa.String, nullable=False),
        sa.Column("body", sa.JSON, nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_by", sa.String, nullable=False),
        sa.UniqueConstraint("outage_id", "seq"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "commands",
        sa.Column("key", sa.String, primary_key=True),
        sa.Column("digest", sa.String, nullable=False),
        sa.Column("outage_id", sa.String, nullable=False),
        sa.Column("last_seq", sa.Integer, nullable=False),
    )
    if op.get_context().dialect.name == "sqlite":
        for table in ("events", "commands"):
            for verb in ("update", "delete"):
                op.execute(
                    f"CREATE TRIGGER IF NOT EXISTS {table}_refuse_{verb} BEFORE {verb.upper()} ON {table} BEGIN SELECT "
                    f"RAISE(ABORT, '{table} are append-only: what happened stays written. Append a new event'); END"
                )
