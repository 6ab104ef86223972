"""What would be: whom a switching or a fault affects, what isolates it, why, and what would be said and drawn."""

from __future__ import annotations

import json
import sys
from contextlib import ExitStack
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from api.commands.given import Json, Net, Out, say, status, write

if TYPE_CHECKING:
    from outages.impact import Impact

Open = Annotated[list[str], typer.Option("--open", metavar="ID", help="Device that opens; ID:B for phase B alone. Repeatable.")]
Close = Annotated[list[str], typer.Option("--close", metavar="ID", help="Tie that closes. Repeatable.")]
Fault = Annotated[list[str], typer.Option("--fault", metavar="ID", help="Section, device or node with a fault. Repeatable.")]
AsJson = Annotated[bool, typer.Option("--json", help="Answer as JSON, as --format json does.")]


class ImpactFormat(StrEnum):
    """How an impact is said."""

    text = "text"
    json = "json"
    csv = "csv"
    geojson = "geojson"
    jsonl = "jsonl"


class NoticeFormat(StrEnum):
    """How a notice is said."""

    text = "text"
    json = "json"


class Lang(StrEnum):
    """Language of a notice or a map."""

    zh = "zh"
    en = "en"


Form = Annotated[NoticeFormat, typer.Option("--format", help="How it is said.")]


def impact(
    net: Net,
    open_: Open = [],
    close: Close = [],
    fault: Fault = [],
    batch: Annotated[
        Path | None, typer.Option(metavar="CASES.jsonl", help="A case a line; needs --format jsonl. - reads standard input.")
    ] = None,
    as_format: Annotated[ImpactFormat, typer.Option("--format", help="jsonl goes with --batch.")] = ImpactFormat.text,
    as_json: AsJson = False,
    out: Out = None,
) -> None:
    """Say whom a switching or a fault affects, and by which device."""
    if (batch is not None) != (as_format is ImpactFormat.jsonl):
        raise typer.BadParameter("--batch CASES.jsonl and --format jsonl go together", param_hint="--batch")
    if batch is not None:
        _answer_batch(net, batch, out)
        return
    from api.report import impact_as

    write(out, impact_as("json" if as_json else as_format.value, assess_of(net, open_, close, fault)))


def isolate(
    net: Net,
    fault: Fault = [],
    open_: Open = [],
    as_format: Form = NoticeFormat.text,
    as_json: AsJson = False,
    out: Out = None,
) -> None:
    """Say what clears a fault, what isolates it and which ties bring back whom; with --open, which ties keep on most of them."""
    from api.intake import load_network
    from api.plans import restoration_as, transfer_as
    from api.report import switching_of

    if bool(fault) == bool(open_):
        raise typer.BadParameter("give --fault ID, or --open ID for planned work", param_hint="--fault")
    with status(f"Reading {net}"):
        network = load_network(net)
    form = "json" if as_json else as_format.value
    if fault:
        write(out, restoration_as(form, network, fault))
    else:
        write(out, transfer_as(form, network, switching_of(network, open_, [], [])))


def why(
    net: Net,
    customer: Annotated[str, typer.Option(metavar="ID", help="The customer.")],
    open_: Open = [],
    close: Close = [],
    fault: Fault = [],
    as_format: Form = NoticeFormat.text,
    as_json: AsJson = False,
) -> None:
    """Say why a customer is affected, or through what it still has its supply."""
    from api.plans import why_as

    form = "json" if as_json else as_format.value
    typer.echo(why_as(form, assess_of(net, open_, close, fault), customer), nl=False)


def notice(
    net: Net,
    outage_class: Annotated[str, typer.Option("--class", help="planned, temporary, fault, load_transfer, …")],
    start: Annotated[str, typer.Option(help="2026-05-01T08:30, in the utility's zone, or with an offset.")],
    reason: Annotated[str, typer.Option(help="Why, in words for the public.")],
    end: Annotated[str, typer.Option(help="Planned or expected end; a fault may have none.")] = "",
    open_: Open = [],
    close: Close = [],
    fault: Fault = [],
    lang: Annotated[Lang, typer.Option(help="Language.")] = Lang.zh,
    reference: Annotated[str, typer.Option(help="Reference number of the notice.")] = "DRAFT",
    issued: Annotated[str, typer.Option(help="When it is issued; default now, or before the outage where it is over.")] = "",
    channel: Annotated[
        list[str], typer.Option("--channel", help="newspaper, tv, radio, sms, … or all. Repeatable. Default: web, exact.")
    ] = [],
    limit: Annotated[
        int | None, typer.Option("--limit", min=1, metavar="N", help="Most characters of the words for the affected places.")
    ] = None,
    sms_parts: Annotated[
        int | None, typer.Option("--sms-parts", min=1, max=10, metavar="N", help="Most parts of an SMS.")
    ] = None,
    tv: Annotated[int | None, typer.Option("--tv", min=1, metavar="N", help="Most characters of a crawl on television.")] = None,
    as_format: Form = NoticeFormat.text,
    as_json: AsJson = False,
    out: Out = None,
) -> None:
    """Write the notice of an outage; the words cover every affected customer.

    With --channel, each text comes with its size and with how far it is true; one that cannot be written says why, and holds up
    none of the others. What anybody may read then names no handful of people, as the settings say.
    """
    from api.clock import utc_now
    from api.wording import notice_as, texts_as, words_of

    channels = _channels(channel)
    found = assess_of(net, open_, close, fault)
    facts = {"outage_class": outage_class, "start": start, "end": end, "reason": reason, "reference": reference, "issued": issued}
    asked = {"scope": limit, "sms_parts": sms_parts, "tv": tv, "smallest": None if channels else 1}
    limits = {name: most for name, most in asked.items() if most is not None}
    wording = words_of(found, facts, language=lang.value, channels=channels or ["web"], limits=limits, now=utc_now())
    form = "json" if as_json else as_format.value
    write(out, texts_as(form, wording) if channels else notice_as(form, wording))


def draw(
    net: Net,
    open_: Open = [],
    close: Close = [],
    fault: Fault = [],
    lang: Annotated[Lang, typer.Option(help="Language.")] = Lang.zh,
    title: Annotated[str, typer.Option(help="Heading of the page; default the devices.")] = "",
    out: Annotated[Path, typer.Option(metavar="FILE", help="HTML file; it opens without a network.")] = Path("map.html"),
) -> None:
    """Draw whom a switching or a fault affects, as one HTML file."""
    from maps.layers import impact_layers
    from maps.page import impact_page

    found = assess_of(net, open_, close, fault)
    with status("Drawing"):
        page = impact_page(found, impact_layers(found), title=title or " ".join([*open_, *fault]), language=lang.value)
    write(out, page)
    typer.echo(f"Wrote {out}: {found.counts.customers} customers affected")


def sweep(
    net: Net,
    out: Annotated[Path, typer.Option(metavar="FILE", help="A .csv or .parquet file to write.")],
    as_json: Json = False,
) -> None:
    """Work out what every single device costs: customers, load, important and life support."""
    from api.commands.given import progress, tell
    from api.intake import load_network
    from topology.index import SliceIndex
    from topology.sweep import sweep as sweep_all

    if out.suffix not in (".csv", ".parquet"):
        raise typer.BadParameter(f"{out} is neither .csv nor .parquet", param_hint="--out")
    with status(f"Reading {net}"):
        index = SliceIndex(load_network(net))
    with progress("Opening every device") as done:
        table = sweep_all(index, progress=done)
    if out.suffix == ".csv":
        table.to_csv(out, index=False)
    else:
        table.to_parquet(out, index=False)
    tell(as_json, {"file": str(out), "devices": len(table)}, f"Wrote {out}: {len(table):,} devices")


def add_to(app: typer.Typer) -> None:
    """Add the commands of this module to ``app``."""
    for command in (impact, isolate, why, sweep, notice):
        app.command()(command)
    app.command("map")(draw)


def _channels(given: list[str]) -> list[str]:
    from notices.rules import CHANNELS

    if strange := [one for one in given if one not in (*CHANNELS, "all")]:
        says = f"{', '.join(strange)} is no channel. Choose all, or some of {', '.join(CHANNELS)}"
        raise typer.BadParameter(says, param_hint="--channel")
    return [one for one in CHANNELS if one in given or "all" in given]


def assess_of(net: str, open_: list[str], close: list[str], fault: list[str]) -> Impact:
    """Return whom a switching or a fault affects; raises BadParameter where neither is named."""
    from api.intake import load_network
    from api.report import switching_of
    from outages.impact import assess

    if not (open_ or fault):
        raise typer.BadParameter("name a device with --open ID, or where the fault is with --fault ID", param_hint="--open")
    with status(f"Reading {net}"):
        network = load_network(net)
    return assess(network, switching_of(network, open_, close, fault))


def _answer_batch(net: str, batch: Path, out: Path | None) -> None:
    from api.intake import load_network
    from outages.batch import answer_lines

    with status(f"Reading {net}"):
        network = load_network(net)
    wrong = 0
    with ExitStack() as files:
        cases = sys.stdin if str(batch) == "-" else files.enter_context(batch.open(encoding="utf-8"))
        answers = sys.stdout if out is None else files.enter_context(out.open("w", encoding="utf-8"))
        for answer in answer_lines(network, cases):
            wrong += "error" in answer
            answers.write(json.dumps(answer, ensure_ascii=False) + "\n")
    if wrong:
        say(f"{wrong} cases were not answered; their lines say why.")
        raise typer.Exit(1)
