"""The store itself: backups, archives, the networks that it keeps, and whether what it keeps comes out the same again."""

from __future__ import annotations

import sys
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from api.commands.given import STORE, Json, Store, new_app, open_existing, progress, say, status, tell

if TYPE_CHECKING:
    from outages.audit import Verified

app = new_app("store", "The store: check it, move it, look at the networks that it keeps.")


def backup(
    out: Annotated[Path, typer.Option(metavar="FILE", help="A file that is not there: .db, .jsonl or .jsonl.gz.")],
    store: Store = STORE,
    as_json: Json = False,
) -> None:
    """Write everything that was acknowledged to one file, while others go on writing."""
    from api.clock import utc_now
    from outages import archive

    with closing(open_existing(store)) as database, progress("Writing the backup") as done:
        archive.backup(database, out, now=utc_now(), progress=done)
    size = out.stat().st_size
    tell(
        as_json,
        {"file": str(out), "bytes": size},
        f"Wrote {out}: {size:,} bytes. Only you may read it; try it with `gridnotice restore`.",
    )


def restore(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A backup.")],
    store: Annotated[str, typer.Option("--store", metavar="URL", help="A file that is not there yet, or an empty database.")],
    as_json: Json = False,
) -> None:
    """Make a store from a backup, and look through its audit log; exit 1 where that is not whole."""
    from outages import archive

    with progress("Restoring") as done:
        found = archive.restore(file, store, progress=done)
    _answer_verified(found, f"Restored {file}", as_json)


@app.command()
def check(store: Store = STORE, as_json: Json = False) -> None:
    """Say everything that makes the store unfit for service; exit 1 where something grave does."""
    from dataclasses import asdict

    from api.clock import utc_now
    from outages.checkup import check_store

    with closing(open_existing(store)) as database:
        found = check_store(database, utc_now())
    lines = [f"{one.severity:8}{one.says}" for one in found]
    tell(as_json, [asdict(one) for one in found], "\n".join(lines) or "The store is fit for service.")
    if any(one.severity == "error" for one in found):
        raise typer.Exit(1)


@app.command()
def export(
    out: Annotated[Path, typer.Option(metavar="FILE", help="A .jsonl or .jsonl.gz file that is not there; - standard output.")],
    without_networks: Annotated[bool, typer.Option("--without-networks", help="Leave the kept networks behind.")] = False,
    store: Store = STORE,
    as_json: Json = False,
) -> None:
    """Write everything as lines of JSON, for `gridnotice store load` into either kind of store."""
    from api.clock import utc_now
    from outages.archive import write_lines
    from outages.transfer import export as write_to

    with closing(open_existing(store)) as database, progress("Writing") as done:
        if str(out) == "-":
            rows = write_to(database, sys.stdout.buffer, now=utc_now(), networks=not without_networks, progress=done)
        else:
            rows = write_lines(database, out, now=utc_now(), networks=not without_networks, progress=done)
    if str(out) == "-":
        say(f"{sum(rows.values()):,} rows")
    else:
        tell(as_json, {"file": str(out), "rows": rows}, f"Wrote {out}: {sum(rows.values()):,} rows")


@app.command()
def load(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="What `store export` wrote.")],
    store: Annotated[str, typer.Option("--store", metavar="URL", help="An empty store; it is made where there is none.")],
    as_json: Json = False,
) -> None:
    """Put everything from lines of JSON into an empty store, and look through its audit log; exit 1 where that is not whole."""
    from outages.audit import verify_audit
    from outages.database import open_database
    from outages.transfer import load as load_lines
    from outages.transfer import verify

    with status(f"Reading {file}"):
        header = verify(file)
    with closing(open_database(store)) as database:
        with progress("Loading") as done:
            rows = load_lines(file, database, verified=header, progress=done)
        found = verify_audit(database)
    _answer_verified(found, f"Loaded {sum(rows.values()):,} rows from {file}", as_json)


@app.command()
def networks(store: Store = STORE, as_json: Json = False) -> None:
    """List the networks that the store keeps, in the order in which they were kept."""
    from outages.shelf import list_networks

    with closing(open_existing(store)) as database:
        kept = list_networks(database)
    lines = [
        f"{version}  {about.get('customers', 0):,} customers, {about.get('transformers', 0):,} transformers"
        for version, about in kept.items()
    ]
    tell(as_json, [{"version": version, **about} for version, about in kept.items()], "\n".join(lines) or "No network is kept.")


@app.command("extract-network")
def extract_network(
    version: Annotated[str, typer.Argument(metavar="VERSION", help="Its version, or the beginning of it.")],
    out: Annotated[Path, typer.Option(metavar="NET.gpkg", help="GeoPackage to write.")],
    store: Store = STORE,
    as_json: Json = False,
) -> None:
    """Write a network that the store keeps to a GeoPackage."""
    from api import networks as shelf
    from outages.store import open_store

    with closing(open_store(store, create=False)) as events:
        fitting = [kept for kept in events.list_networks() if kept.startswith(version)]
        if len(fitting) > 1:
            raise typer.BadParameter(f"{len(fitting)} versions begin with {version}; give more of it", param_hint="VERSION")
        whole = fitting[0] if fitting else version
        with status(f"Writing {out}"):
            shelf.extract_network(events, whole, out)
    tell(as_json, {"file": str(out), "version": whole}, f"Wrote {out}: network {whole[:12]}")


@app.command()
def recompute(store: Store = STORE, as_json: Json = False) -> None:
    """Work out every kept impact again and compare it, byte for byte; exit 1 where one differs.

    Impacts whose network is not kept, or that were worked out by the rules of another release, are counted apart.
    """
    from api.commands.recompute import recompute_all
    from outages.store import open_store

    with closing(open_store(store, create=False)) as events, progress("Working out impacts") as done:
        found = recompute_all(events, progress=done)
    lines = [
        *found.differing,
        f"{found.same} are the same, {len(found.differing)} differ, {found.passed_over} were not compared.",
    ]
    answer = {"same": found.same, "differing": list(found.differing), "not_compared": found.passed_over}
    tell(as_json, answer, "\n".join(lines))
    if found.differing:
        raise typer.Exit(1)


def add_to(app: typer.Typer) -> None:
    """Add the commands of this module that stand alone to ``app``."""
    app.command()(backup)
    app.command()(restore)


def _answer_verified(found: Verified, did: str, as_json: bool) -> None:
    answer = {"count": found.count, "head": found.head, "problems": list(found.problems)}
    tell(as_json, answer, "\n".join([*found.problems, f"{did}. The audit log: {found.count}:{found.head}"]))
    if found.problems:
        raise typer.Exit(1)
