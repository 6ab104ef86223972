"""Notices: their events and drafts, who was told, messages on their way with proofs, subscribers, opt-outs, acknowledgements."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_MOMENT = sa.DateTime(timezone=True)
_APPEND_ONLY = ("notices", "notice_told", "proofs")


def upgrade() -> None:
    """Make the tables, and let the database refuse changes to what was issued, to whom, and with what proof."""
    _make_notices()
    _make_messages()
    _make_people_who_are_told()
    if op.get_context().dialect.name == "sqlite":
        _refuse_on_sqlite()
    else:
        _refuse_on_postgresql()


def _make_notices() -> None:
    op.create_table(
        "notices",
        sa.Column("position", _BIG, primary_key=True, autoincrement=False),
        sa.Column("notice_id", sa.String, nullable=False),
        sa.Column("seq", sa.Integer, nullable=False),
        sa.Column("kind", sa.String, nullable=False),
        sa.Column("body", sa.JSON, nullable=False),
        sa.Column("recorded_at", _MOMENT, nullable=False),
        sa.Column("recorded_by", sa.String, nullable=False),
        sa.UniqueConstraint("notice_id", "seq"),
    )
    op.create_index("notices_of_kind", "notices", ["kind", "recorded_at"])
    op.create_table(
        "notice_drafts",
        sa.Column("notice_id", sa.String, primary_key=True),
        sa.Column("text_key", sa.String, primary_key=True),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("title", sa.String, nullable=False),
        sa.Column("body", sa.String, nullable=False),
        sa.Column("saved_at", _MOMENT, nullable=False),
        sa.Column("saved_by", sa.String, nullable=False),
        sa.Column("authors", sa.JSON, nullable=False),
    )
    op.create_table(
        "notice_told",
        sa.Column("notice_id", sa.String, primary_key=True),
        sa.Column("customers", sa.LargeBinary, nullable=False),
        sa.Column("count", sa.Integer, nullable=False),
    )


def _make_messages() -> None:
    op.create_table(
        "messages",
        sa.Column("position", _BIG, primary_key=True, autoincrement=True),
        sa.Column("notice_id", sa.String, nullable=False),
        sa.Column("recipient", sa.String, nullable=False),
        sa.Column("channel", sa.String, nullable=False),
        sa.Column("language", sa.String, nullable=False),
        sa.Column("kind", sa.String, nullable=False),
        sa.Column("slot_s", sa.Integer),
        sa.Column("audience", sa.String, nullable=False),
        sa.Column("address", sa.String, nullable=False),
        sa.Column("personal", sa.JSON, nullable=False),
        sa.Column("needs_ack", sa.Boolean, nullable=False),
        sa.Column("state", sa.String, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("due_at", _MOMENT, nullable=False),
        sa.Column("claimed_by", sa.String),
        sa.Column("claimed_until", _MOMENT),
        sa.Column("settled_at", _MOMENT),
        sa.Column("last_error", sa.String, nullable=False),
        sa.UniqueConstraint("notice_id", "recipient", "channel"),
    )
    op.create_index("messages_due", "messages", ["state", "channel", "due_at"])
    op.create_table(
        "proofs",
        sa.Column("position", _BIG, primary_key=True, autoincrement=True),
        sa.Column("message", _BIG, nullable=False),
        sa.Column("at", _MOMENT, nullable=False),
        sa.Column("what", sa.String, nullable=False),
        sa.Column("detail", sa.JSON, nullable=False),
        sa.Column("by", sa.String, nullable=False),
    )
    op.create_index("proofs_of_message", "proofs", ["message"])


def _make_people_who_are_told() -> None:
    op.create_table(
        "subscribers",
        sa.Column("id", sa.String, primary_key=True),
        sa.Column("channel", sa.String, nullable=False),
        sa.Column("address", sa.String, nullable=False),
        sa.Column("language", sa.String, nullable=False),
        sa.Column("place_id", sa.String, nullable=False),
        sa.Column("created_at", _MOMENT, nullable=False),
        sa.Column("confirmed_at", _MOMENT),
        sa.Column("ended_at", _MOMENT),
        sa.Column("secret_digest", sa.String, nullable=False),
    )
    op.create_index("subscribers_of_place", "subscribers", ["place_id"])
    op.create_table(
        "opt_outs",
        sa.Column("channel", sa.String, primary_key=True),
        sa.Column("address", sa.String, primary_key=True),
        sa.Column("at", _MOMENT, nullable=False),
        sa.Column("by", sa.String, nullable=False),
        sa.Column("why", sa.String, nullable=False),
    )
    op.create_table(
        "acknowledgements",
        sa.Column("notice_id", sa.String, primary_key=True),
        sa.Column("customer_id", sa.String, primary_key=True),
        sa.Column("at", _MOMENT, nullable=False),
        sa.Column("by", sa.String, nullable=False),
        sa.Column("how", sa.String, nullable=False),
    )


def _refuse_on_sqlite() -> None:
    for table in _APPEND_ONLY:
        for verb in ("update", "delete"):
            op.execute(
                f"CREATE TRIGGER {table}_refuse_{verb} BEFORE {verb.upper()} ON {table} BEGIN SELECT "
                f"RAISE(ABORT, '{table} are append-only: what happened stays written. Append a new event'); END"
            )


def _refuse_on_postgresql() -> None:
    for table in _APPEND_ONLY:
        op.execute(
            f"CREATE TRIGGER {table}_refuse_rewriting BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION refuse_to_rewrite()"
        )
