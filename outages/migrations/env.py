"""Alembic's way in: migrations run on the connection that `outages.upgrade` hands over, inside its transaction."""

from __future__ import annotations

from alembic import context


def run() -> None:
    """Run what was asked for; the caller commits."""
    context.configure(connection=context.config.attributes["connection"], transactional_ddl=True)
    context.run_migrations()


if __name__ == "env_py":  # the name that Alembic loads this file by; anybody else only looks at it
    run()
