"""The audit log: whether it is whole, and what it says."""

from __future__ import annotations

import re
from contextlib import closing
from typing import Annotated

import typer

from api.commands.given import STORE, Json, Store, new_app, open_existing, status, tell

app = new_app("audit", "The audit log: who did what, when; each row sealed upon the one before.")


@app.command()
def verify(
    expect: Annotated[
        str | None,
        typer.Option(metavar="COUNT:HASH", help="Count and head that were noted before: they must still be in the log."),
    ] = None,
    store: Store = STORE,
    as_json: Json = False,
) -> None:
    """Check the log against itself and against the events; exit 1 with every problem named.

    Note the count and the head elsewhere now and then: only with them it is seen where rows were cut off at the end.
    """
    from outages.audit import Head, verify_audit

    noted = None if expect is None else Head(*_noted(expect))
    with closing(open_existing(store)) as database, status("Reading the audit log"):
        found = verify_audit(database, noted=noted)
    answer = {"count": found.count, "head": found.head, "problems": list(found.problems)}
    tell(as_json, answer, "\n".join([*found.problems, f"{found.count}:{found.head}"]))
    if found.problems:
        raise typer.Exit(1)


@app.command()
def show(
    after: Annotated[int, typer.Option(min=0, metavar="N", help="Only entries after this one.")] = 0,
    limit: Annotated[int, typer.Option(min=1, help="At most so many, the oldest first.")] = 100,
    what: Annotated[str | None, typer.Option(help="Only this; or what begins like this, with a colon: event:")] = None,
    by: Annotated[str | None, typer.Option(metavar="NAME", help="Only what was done in this name.")] = None,
    subject: Annotated[
        str | None, typer.Option(metavar="ID", help="Only what was done to this outage, account or token.")
    ] = None,
    store: Store = STORE,
    as_json: Json = False,
) -> None:
    """Show entries of the log, oldest first."""
    from api.commands.given import read_settings
    from api.commands.words import audit_list
    from outages.audit import moment, read_audit

    with closing(open_existing(store)) as database:
        rows = read_audit(database, after=after, limit=limit, what=what, by=by, subject=subject)
    answer = [
        {
            "position": row.position,
            "at": moment(row.entry.at),
            "by": row.entry.by,
            "what": row.entry.what,
            "subject": row.entry.subject,
            "detail": row.entry.detail,
            "hash": row.hash,
        }
        for row in rows
    ]
    tell(as_json, answer, audit_list(rows, read_settings("-", store).zone))


def _noted(expect: str) -> tuple[int, str]:
    match = re.fullmatch(r"(\d{1,18}):([0-9a-f]{64})", expect.strip())
    if match is None:
        says = f"{expect!r} is not a count, a colon and a hash of 64 digits, as `gridnotice audit verify` prints it"
        raise typer.BadParameter(says, param_hint="--expect")
    return int(match[1]), match[2]
