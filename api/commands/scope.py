"""Scopes at a terminal: affected customers in words, and the customers that words cover."""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from api.commands.given import Net, Out, json_text, new_app, say, status, tell, write
from api.commands.questions import AsJson, Close, Fault, Form, Lang, NoticeFormat, Open, assess_of

app = new_app("scope", "The words for the affected places: write them, and read back whom words cover.")


class ReadFormat(StrEnum):
    """How the customers that words cover are listed."""

    text = "text"
    json = "json"
    csv = "csv"


class Order(StrEnum):
    """Which places come first."""

    place = "place"
    largest = "largest"


Language = Annotated[Lang, typer.Option("--lang", help="Language of the words.")]


@app.command()
def read(
    net: Net,
    text: Annotated[Path, typer.Option("--text", metavar="FILE", help="The words, in UTF-8; - reads standard input.")],
    lang: Language = Lang.zh,
    as_format: Annotated[ReadFormat, typer.Option("--format", help="text and csv: an id a line.")] = ReadFormat.text,
    as_json: AsJson = False,
    out: Out = None,
) -> None:
    """List the ids of the customers that a scope text covers, by the network's tables alone."""
    from api.intake import load_network
    from api.telling import book_of
    from notices.scope import read_scope

    words = _words(text)
    with status(f"Reading {net}"):
        network = load_network(net)
    rows = read_scope(book_of(network), words, language=lang.value)
    ids = network.tables.customers["id"].iloc[rows].tolist()
    form = "json" if as_json else as_format.value
    head = ["id"] if form == "csv" else []
    answer = json_text({"customers": len(ids), "ids": ids}) if form == "json" else "\n".join([*head, *ids])
    write(out, f"{answer}\n")
    say(f"{len(ids):,} customers of {len(network.tables.customers):,} are covered.")


@app.command("write")
def write_(
    net: Net,
    open_: Open = [],
    close: Close = [],
    fault: Fault = [],
    lang: Language = Lang.zh,
    limit: Annotated[int | None, typer.Option(min=1, metavar="N", help="Most characters; places are widened to fit.")] = None,
    order: Annotated[Order, typer.Option(help="As in the table of places, or most affected first.")] = Order.place,
    as_format: Form = NoticeFormat.text,
    as_json: AsJson = False,
) -> None:
    """Say in words whom a switching or a fault affects; the figures, read back from the words, go to standard error."""
    from api.telling import book_of, feel
    from api.wording import figures, figures_text, recall
    from notices.scope import write_scope

    found = assess_of(net, open_, close, fault)
    book = book_of(found.network)
    written = write_scope(book, feel(found, ""), language=lang.value, limit=limit, order=order.value)
    share = recall(book, written, found.affected, lang.value)
    length = len(written.text)
    measured = {"customers": written.customers, "length": length, **figures(written, share)}
    tell(as_json or as_format is NoticeFormat.json, {"text": written.text, **measured}, written.text)
    say(f"{written.customers:,} customers in {length} characters: {figures_text(written, share)}.")


def _words(text: Path) -> str:
    try:
        given = sys.stdin.read() if str(text) == "-" else text.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise typer.BadParameter(f"{text} is not in UTF-8: {error.reason} at byte {error.start}", param_hint="--text") from error
    if not given.strip():
        raise typer.BadParameter(f"{text} holds no words", param_hint="--text")
    return given.strip()
