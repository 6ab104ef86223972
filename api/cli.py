"""The command line: the same use cases as the service, for terminals and scripts.

Answers go to standard output, everything else to standard error. Exit codes: 0 done; 1 done, but something was refused or found
wrong; 2 not done, with the reason.
"""

from __future__ import annotations

import json
import sys
from contextlib import AbstractContextManager, ExitStack
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from rich.console import Console

    from outages.impact import Impact

# The libraries of maps and tables take two seconds to load: each command asks for what it needs when it runs.

app = typer.Typer(
    name="gridnotice",
    help="From a switch that opens to the words people read: outage impact, notices and maps.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

Net = Annotated[str, typer.Argument(metavar="NET", help="GeoPackage, or folder of tables.")]
Open = Annotated[list[str], typer.Option("--open", metavar="ID", help="Device that opens; ID:B for phase B alone. Repeatable.")]
Close = Annotated[list[str], typer.Option("--close", metavar="ID", help="Tie that closes. Repeatable.")]
Fault = Annotated[list[str], typer.Option("--fault", metavar="ID", help="Section, device or node with a fault. Repeatable.")]
Out = Annotated[Path | None, typer.Option("--out", metavar="FILE", help="File to write; default standard output.")]
Json = Annotated[bool, typer.Option("--json", help="Answer as JSON.")]
Crs = Annotated[str | None, typer.Option("--crs", metavar="EPSG", help="CRS of coordinates that do not say theirs.")]
Limit = Annotated[float, typer.Option("--limit", min=0, max=1, help="Share of broken rows of a table that refuses the network.")]


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


@app.command()
def demo(
    port: Annotated[int, typer.Option(help="Port on 127.0.0.1; 0 for any that is free.")] = 8000,
    once: Annotated[bool, typer.Option("--once", help="Write the files of one example outage and stop.")] = False,
    out: Annotated[Path, typer.Option(metavar="DIR", help="Folder for --once.")] = Path("out"),
) -> None:
    """Show everything on a published network with example outages, in a browser or (--once) as files."""
    from api.tour import serve_demo, write_example

    if once:
        typer.echo(write_example(out, say=_say))
    else:
        serve_demo(port, say=_say)


@app.command("import")
def import_(
    source: Annotated[
        str,
        typer.Argument(
            metavar="SOURCE", help="Folder, GeoPackage, .zip; or opendss:MASTER.dss, lines:PATH, simbench:CODE, pandapower:NAME."
        ),
    ],
    out: Annotated[Path, typer.Option(metavar="NET.gpkg", help="GeoPackage to write.")],
    report: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Also write problems and quarantined rows, as JSON.")
    ] = None,
    crs: Crs = None,
    limit: Limit = 0.05,
) -> None:
    """Check a network and write it as one GeoPackage; broken rows are set aside and named."""
    from api.intake import take_in
    from api.report import intake_json, intake_text
    from geo.write import write_tables

    with _status(f"Reading {source}"):
        intake = take_in(source, crs=crs, limit=limit)
    if report is not None:
        _write(report, intake_json(intake))
    _say(intake_text(intake))
    if intake.network is None:
        raise typer.Exit(1)
    with _status(f"Writing {out}"):
        write_tables(intake.network.tables, out)
    typer.echo(f"Wrote {out}: network {intake.network.version[:12]}")


@app.command()
def check(net: Net, as_json: Json = False, crs: Crs = None, limit: Limit = 0.05) -> None:
    """Say everything that is wrong with a network; exit 1 where rows were set aside or it was refused."""
    from api.intake import take_in
    from api.report import intake_json, intake_text

    with _status(f"Reading {net}"):
        intake = take_in(net, crs=crs, limit=limit)
    typer.echo(intake_json(intake) if as_json else intake_text(intake))
    if intake.count("fatal") or intake.count("error"):
        raise typer.Exit(1)


@app.command()
def impact(
    net: Net,
    open_: Open = [],
    close: Close = [],
    fault: Fault = [],
    batch: Annotated[
        Path | None, typer.Option(metavar="CASES.jsonl", help="A case a line; needs --format jsonl. - reads standard input.")
    ] = None,
    as_format: Annotated[ImpactFormat, typer.Option("--format", help="jsonl goes with --batch.")] = ImpactFormat.text,
    out: Out = None,
) -> None:
    """Say whom a switching or a fault affects, and by which device."""
    if (batch is not None) != (as_format is ImpactFormat.jsonl):
        raise typer.BadParameter("--batch CASES.jsonl and --format jsonl go together", param_hint="--batch")
    if batch is not None:
        _answer_batch(net, batch, out)
        return
    from api.report import impact_as

    _write(out, impact_as(as_format.value, _assess(net, open_, close, fault)))


@app.command()
def isolate(
    net: Net,
    fault: Fault = [],
    open_: Open = [],
    as_format: Annotated[NoticeFormat, typer.Option("--format")] = NoticeFormat.text,
    out: Out = None,
) -> None:
    """Say what clears a fault, what isolates it and which ties bring back whom; with --open, which ties keep on most of them."""
    from api.intake import load_network
    from api.plans import restoration_as, transfer_as
    from api.report import switching_of

    if bool(fault) == bool(open_):
        raise typer.BadParameter("give --fault ID, or --open ID for planned work", param_hint="--fault")
    with _status(f"Reading {net}"):
        network = load_network(net)
    if fault:
        _write(out, restoration_as(as_format.value, network, fault))
    else:
        _write(out, transfer_as(as_format.value, network, switching_of(network, open_, [], [])))


@app.command()
def why(
    net: Net,
    customer: Annotated[str, typer.Option(metavar="ID", help="The customer.")],
    open_: Open = [],
    close: Close = [],
    fault: Fault = [],
    as_format: Annotated[NoticeFormat, typer.Option("--format")] = NoticeFormat.text,
) -> None:
    """Say why a customer is affected, or through what it still has its supply."""
    from api.plans import why_as

    typer.echo(why_as(as_format.value, _assess(net, open_, close, fault), customer), nl=False)


@app.command()
def sweep(
    net: Net,
    out: Annotated[Path, typer.Option(metavar="FILE", help="A .csv or .parquet file to write.")],
) -> None:
    """Work out what every single device costs: customers, load, important and life support."""
    from rich.progress import Progress

    from api.intake import load_network
    from topology.index import SliceIndex
    from topology.sweep import sweep as sweep_all

    if out.suffix not in (".csv", ".parquet"):
        raise typer.BadParameter(f"{out} is neither .csv nor .parquet", param_hint="--out")
    with _status(f"Reading {net}"):
        index = SliceIndex(load_network(net))
    with Progress(console=_console()) as bar:
        task = bar.add_task("Opening every device", total=1.0)
        table = sweep_all(index, progress=lambda done: bar.update(task, completed=done))
        bar.update(task, completed=1.0)
    if out.suffix == ".csv":
        table.to_csv(out, index=False)
    else:
        table.to_parquet(out, index=False)
    typer.echo(f"Wrote {out}: {len(table):,} devices")


@app.command()
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
    as_format: Annotated[NoticeFormat, typer.Option("--format")] = NoticeFormat.text,
    out: Out = None,
) -> None:
    """Write the notice of an outage; the words cover every affected customer."""
    from api.report import notice_as
    from api.wiring import utc_now

    found = _assess(net, open_, close, fault)
    facts = {"outage_class": outage_class, "start": start, "end": end, "reason": reason, "reference": reference, "issued": issued}
    _write(out, notice_as(as_format.value, found, facts, language=lang.value, now=utc_now()))


@app.command("map")
def map_(
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

    found = _assess(net, open_, close, fault)
    with _status("Drawing"):
        page = impact_page(found, impact_layers(found), title=title or " ".join([*open_, *fault]), language=lang.value)
    _write(out, page)
    typer.echo(f"Wrote {out}: {found.counts.customers} customers affected")


@app.command()
def synth(
    customers: Annotated[int, typer.Option(min=10, help="How many.")],
    out: Annotated[Path, typer.Option(metavar="NET.gpkg", help="GeoPackage to write, or a folder for Parquet files.")],
    seed: Annotated[int, typer.Option(help="The same number and seed make the same network.")] = 1,
) -> None:
    """Make a town-like network of any size, for trials and studies."""
    from rich.progress import Progress

    from geo.synth import synthesize
    from geo.write import write_tables

    with Progress(console=_console()) as bar:
        task = bar.add_task("Making the network", total=1.0)
        tables = synthesize(customers, seed, progress=lambda done, what: bar.update(task, completed=done, description=what))
        bar.update(task, completed=1.0, description="writing")
        write_tables(tables, out)
    typer.echo(f"Wrote {out}: {len(tables.customers):,} customers, {len(tables.transformers):,} transformers")


@app.command()
def serve(
    network: Annotated[Path, typer.Option(metavar="NET", help="GeoPackage, or folder of tables.")],
    store: Annotated[str, typer.Option(help="Address of the store of outages.")] = "sqlite:///gridnotice.db",
    host: Annotated[str, typer.Option(help="Address to listen at.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port.")] = 8000,
) -> None:
    """Serve the pages and the JSON interface. Nobody signs in yet: let only the control room reach it."""
    from api.settings import Settings
    from api.tour import run_server

    run_server(Settings(network=network, store=store), host=host, port=port, say=_say)


def main() -> None:
    """Run the command line; errors that a person can mend are said in words, without a stack trace."""
    try:
        app()
    except Exception as error:
        from api.report import MENDABLE

        if not isinstance(error, MENDABLE):
            raise
        _say(f"gridnotice: {error}")
        sys.exit(2)


def _assess(net: str, open_: list[str], close: list[str], fault: list[str]) -> Impact:
    from api.intake import load_network
    from api.report import switching_of
    from outages.impact import assess

    if not (open_ or fault):
        raise typer.BadParameter("name a device with --open ID, or where the fault is with --fault ID", param_hint="--open")
    with _status(f"Reading {net}"):
        network = load_network(net)
    return assess(network, switching_of(network, open_, close, fault))


def _answer_batch(net: str, batch: Path, out: Path | None) -> None:
    from api.intake import load_network
    from outages.batch import answer_lines

    with _status(f"Reading {net}"):
        network = load_network(net)
    wrong = 0
    with ExitStack() as files:
        cases = sys.stdin if str(batch) == "-" else files.enter_context(batch.open(encoding="utf-8"))
        answers = sys.stdout if out is None else files.enter_context(out.open("w", encoding="utf-8"))
        for answer in answer_lines(network, cases):
            wrong += "error" in answer
            answers.write(json.dumps(answer, ensure_ascii=False) + "\n")
    if wrong:
        _say(f"{wrong} cases were not answered; their lines say why.")
        raise typer.Exit(1)


def _write(out: Path | None, text: str) -> None:
    if out is None or str(out) == "-":
        typer.echo(text, nl=not text.endswith("\n"))
    else:
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text(text, encoding="utf-8", newline="")


def _say(text: str) -> None:
    typer.echo(text, err=True)


def _console() -> Console:
    from rich.console import Console

    return Console(stderr=True)


def _status(doing: str) -> AbstractContextManager[object]:
    """Show that something is going on, where somebody is looking."""
    return _console().status(f"{doing} …")
