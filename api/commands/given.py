"""What commands share: options that mean the same everywhere, and how answers, words and progress are shown.

Answers go to standard output; words about what goes on, to standard error.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from rich.console import Console

    from api.settings import Settings

STORE = "sqlite:///gridnotice.db"

Net = Annotated[str, typer.Argument(metavar="NET", help="GeoPackage, or folder of tables.")]
Out = Annotated[Path | None, typer.Option("--out", metavar="FILE", help="File to write; default standard output.")]
Json = Annotated[bool, typer.Option("--json", help="Answer as JSON.")]
Crs = Annotated[str | None, typer.Option("--crs", metavar="EPSG", help="CRS of coordinates that do not say theirs.")]
Limit = Annotated[float, typer.Option("--limit", min=0, max=1, help="Share of broken rows of a table that refuses the network.")]
Store = Annotated[str, typer.Option("--store", metavar="URL", envvar="GRIDNOTICE_STORE", help="Address of the store of outages.")]
Network = Annotated[
    str,
    typer.Option(
        "--network",
        metavar="NET",
        envvar="GRIDNOTICE_NETWORK",
        help="GeoPackage, or folder of tables; default the network that was kept in the store last.",
    ),
]


class SettingsError(ValueError):
    """A variable GRIDNOTICE_… in the environment cannot be what it is meant to be."""


def new_app(name: str, says: str, **options: Any) -> typer.Typer:
    """Return an empty group of commands."""
    return typer.Typer(
        name=name, help=says, no_args_is_help=True, pretty_exceptions_enable=False, rich_markup_mode=None, **options
    )


def read_settings(network: str, store: str) -> Settings:
    """Return the settings of the environment, with the network and the store that were named. Raises SettingsError."""
    from pydantic import ValidationError

    from api.settings import Settings

    try:
        return Settings(network=network, store=store)
    except ValidationError as error:
        wrong = "; ".join(f"GRIDNOTICE_{'.'.join(map(str, one['loc'])).upper()}: {one['msg']}" for one in error.errors())
        raise SettingsError(f"The environment holds settings that cannot be used. {wrong}. Correct or unset them.") from error


def open_existing(store: str) -> Any:
    """Return the database of a store that is there already; to be closed. Raises StoreError."""
    from outages.database import open_database

    return open_database(store, create=False)


def who_types() -> str:
    """Return the operating system's user, as changes by hand are recorded: no account and no program can have that name."""
    import getpass

    return f"shell:{getpass.getuser()}"


def say(text: str) -> None:
    """Write words for whoever watches."""
    typer.echo(text, err=True)


def tell(as_json: bool, value: Any, text: str) -> None:
    """Write the answer: ``value`` as JSON, or ``text``."""
    typer.echo(json_text(value) if as_json else text)


def json_text(value: Any) -> str:
    """Return ``value`` as JSON for people and programs."""
    return json.dumps(value, ensure_ascii=False, indent=1)


def write(out: Path | None, text: str) -> None:
    """Write an answer to a file, or to standard output."""
    if out is None or str(out) == "-":
        typer.echo(text, nl=not text.endswith("\n"))
    else:
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text(text, encoding="utf-8", newline="")


def console() -> Console:
    """Return the terminal that words go to."""
    from rich.console import Console

    return Console(stderr=True)


def status(doing: str) -> AbstractContextManager[object]:
    """Show that something is going on, where somebody is looking."""
    # An address may hold a password.
    return console().status(re.sub(r"(postgres[a-z+]*)://\S+", r"\1://", doing) + " …")


@contextmanager
def progress(doing: str) -> Iterator[Callable[[float], None]]:
    """Show how far something has come, where somebody is looking; the block says so as a share, 0 to 1."""
    from rich.progress import Progress

    with Progress(console=console(), disable=not sys.stderr.isatty()) as bar:
        task = bar.add_task(doing, total=1.0)
        yield lambda done: bar.update(task, completed=done)
        bar.update(task, completed=1.0)
