"""Networks: taken in, checked, made up, and served."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from api.commands.given import STORE, Crs, Json, Limit, Net, Store, progress, read_settings, say, status, tell, write

if TYPE_CHECKING:
    from api.intake import Intake

LINES = "lines:"


def demo(
    port: Annotated[int, typer.Option(help="Port on 127.0.0.1; 0 for any that is free.")] = 8000,
    once: Annotated[bool, typer.Option("--once", help="Write the files of one example outage and stop.")] = False,
    out: Annotated[Path, typer.Option(metavar="DIR", help="Folder for --once.")] = Path("out"),
) -> None:
    """Show everything on a published network with example outages, in a browser or (--once) as files."""
    from api.tour import serve_demo, write_example

    read_settings("-", STORE)  # before anything is read
    if once:
        typer.echo(write_example(out, say=say))
    else:
        serve_demo(port, say=say)


def take(
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
    tolerance_m: Annotated[
        float | None, typer.Option(metavar="METRES", help="lines: only. Ends nearer than this are one node; default 0.5.")
    ] = None,
    t_joins: Annotated[bool, typer.Option("--t-joins", help="lines: only. Join ends to lines that pass them.")] = False,
    findings: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="lines: only. Write where the drawing looks wrong, as .gpkg or .geojson."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Check a network and write it as one GeoPackage; broken rows are set aside and named."""
    from api.report import intake_json, intake_text
    from geo.write import write_tables

    _check_line_options(source, tolerance_m, t_joins, findings)
    with status(f"Reading {source}"):
        intake = (
            _take_in_lines(source, crs, limit, tolerance_m=tolerance_m, t_joins=t_joins, findings=findings)
            if source.startswith(LINES)
            else _take_in(source, crs, limit)
        )
    if report is not None:
        write(report, intake_json(intake))
    if as_json:
        typer.echo(intake_json(intake), nl=False)
    else:
        say(intake_text(intake))
    if intake.network is None:
        raise typer.Exit(1)
    with status(f"Writing {out}"):
        write_tables(intake.network.tables, out)
    (say if as_json else typer.echo)(f"Wrote {out}: network {intake.network.version[:12]}")


def check(net: Net, as_json: Json = False, crs: Crs = None, limit: Limit = 0.05) -> None:
    """Say everything that is wrong with a network; exit 1 where rows were set aside or it was refused."""
    from api.report import intake_json, intake_text

    with status(f"Reading {net}"):
        intake = _take_in(net, crs, limit)
    typer.echo(intake_json(intake) if as_json else intake_text(intake))
    if intake.count("fatal") or intake.count("error"):
        raise typer.Exit(1)


def synth(
    customers: Annotated[int, typer.Option(min=10, help="How many.")],
    out: Annotated[Path, typer.Option(metavar="NET.gpkg", help="GeoPackage to write, or a folder for Parquet files.")],
    seed: Annotated[int, typer.Option(help="The same number and seed make the same network.")] = 1,
    as_json: Json = False,
) -> None:
    """Make a town-like network of any size, for trials and studies."""
    from geo.synth import synthesize
    from geo.write import write_tables

    with progress("Making the network") as done:
        tables = synthesize(customers, seed, progress=lambda share, _: done(share))
    with status(f"Writing {out}"):
        write_tables(tables, out)
    made = {"customers": len(tables.customers), "transformers": len(tables.transformers)}
    says = f"Wrote {out}: {made['customers']:,} customers, {made['transformers']:,} transformers"
    tell(as_json, {"file": str(out), **made}, says)


def serve(
    network: Annotated[
        str, typer.Option(metavar="NET", envvar="GRIDNOTICE_NETWORK", help="GeoPackage, folder of tables, or postgresql://….")
    ],
    store: Store = STORE,
    host: Annotated[str, typer.Option(help="Address to listen at.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port.")] = 8000,
) -> None:
    """Serve the pages and the JSON interface. Several servers may share a store on PostgreSQL, and one may have a file."""
    from api.commands.serving import serve as serve_all

    serve_all(read_settings(network, store), host=host, port=port, say=say, status=status)


def add_to(app: typer.Typer) -> None:
    """Add the commands of this module to ``app``."""
    for command in (demo, check, synth, serve):
        app.command()(command)
    app.command("import")(take)


def _take_in(source: str, crs: str | None, limit: float) -> Intake:
    from api.intake import take_in

    return take_in(source, crs=crs, limit=limit)


def _take_in_lines(
    source: str, crs: str | None, limit: float, *, tolerance_m: float | None, t_joins: bool, findings: Path | None
) -> Intake:
    from api.intake import check_in
    from geo.formats.lines import TOLERANCE_M, read_lines

    tolerance = TOLERANCE_M if tolerance_m is None else tolerance_m
    snapped = read_lines(source.removeprefix(LINES), tolerance_m=tolerance, t_joins=t_joins, crs=crs)
    if findings is not None:
        snapped.findings.to_file(findings, layer="findings")
        say(f"Wrote {findings}: {len(snapped.findings)} places to look at")
    return check_in(snapped.raw, source, limit=limit)


def _check_line_options(source: str, tolerance_m: float | None, t_joins: bool, findings: Path | None) -> None:
    if findings is not None and findings.suffix not in (".gpkg", ".geojson"):
        raise typer.BadParameter(f"{findings} is neither .gpkg nor .geojson", param_hint="--findings")
    given = {"--tolerance-m": tolerance_m is not None, "--t-joins": t_joins, "--findings": findings is not None}
    for option, is_given in given.items():
        if is_given and not source.startswith(LINES):
            raise typer.BadParameter(f"it is for lines:PATH, and {source} was given", param_hint=option)
