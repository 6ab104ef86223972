"""Outages at a terminal, to read: lists, one as it stands, what happened to it, what speaks against it, whom it affects."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from api.commands.given import STORE, Json, Network, Store, new_app, say, tell

app = new_app("outage", "Enter, change, approve and close outages; see them, what happened to them, and whom they affect.")

Id = Annotated[str, typer.Argument(metavar="ID", help="The outage, as 20260501-K7QM.")]
As = Annotated[str, typer.Option("--as", metavar="NAME", envvar="GRIDNOTICE_AS", help="Account in whose name it is done.")]
Reader = Annotated[
    str, typer.Option("--as", metavar="NAME", envvar="GRIDNOTICE_AS", help="Account that reads; it may see contacts or not.")
]


class ListFormat(StrEnum):
    """How a list of affected customers is written."""

    csv = "csv"
    json = "json"
    geojson = "geojson"
    gpkg = "gpkg"


class Group(StrEnum):
    """Which customers are listed."""

    affected = "affected"
    dedicated = "dedicated"
    important = "important"
    life_support = "life_support"


@app.command("list")
def list_(
    store: Store = STORE,
    network: Network = "",
    when: Annotated[str, typer.Option(help="draft, current, planned or past.")] = "",
    status: Annotated[list[str], typer.Option(help="submitted, approved, … Repeatable.")] = [],
    outage_class: Annotated[list[str], typer.Option("--class", help="planned, fault, … Repeatable.")] = [],
    feeder: Annotated[str, typer.Option(metavar="NAME", help="Only those that affect this feeder.")] = "",
    start: Annotated[str, typer.Option("--from", metavar="TIME", help="Only those that last after this time.")] = "",
    end: Annotated[str, typer.Option("--to", metavar="TIME", help="Only those that begin before this time.")] = "",
    text: Annotated[str, typer.Option(help="In the id, the reason, or ids and names of devices.")] = "",
    limit: Annotated[int, typer.Option(min=1, help="At most so many, the one entered last first.")] = 50,
    by: Reader = "",
    as_json: Json = False,
) -> None:
    """List outages, the one entered last first."""
    from api.commands.words import outage_list
    from api.commands.workplace import workplace
    from api.report import read_time
    from api.schemas import OutagePageOut
    from api.sought import About, Sought, find_page

    with workplace(store, network, by) as work:
        zone, service = work.settings.zone, work.service
        since, until = (read_time(name, given, zone) if given else None for name, given in (("from", start), ("to", end)))
        sought = Sought(when, status, outage_class, feeder, since, until, text)
        about = About(service.device_name, work.feeders)
        found, following = find_page(service.live.list_outages(), sought, about, work.now, after="", limit=limit)
        page = OutagePageOut(at=work.now, outages=[work.out(one) for one in found], next=following)
        tell(as_json, page.model_dump(mode="json"), outage_list(page.outages, zone))
        if following is not None:
            say(f"These are the last {limit}; there are more. Ask for them with --limit.")


@app.command()
def show(outage_id: Id, store: Store = STORE, network: Network = "", by: Reader = "", as_json: Json = False) -> None:
    """Show an outage as it stands."""
    from api.commands.words import outage_text
    from api.commands.workplace import workplace

    with workplace(store, network, by) as work:
        outage = work.service.get_outage(outage_id)
        out, personal = work.out(outage), work.actor.may("personal")
        tell(as_json, out.model_dump(mode="json"), outage_text(outage, out, work.settings.zone, personal=personal))


@app.command()
def history(outage_id: Id, store: Store = STORE, network: Network = "", by: Reader = "", as_json: Json = False) -> None:
    """Show what happened to an outage: each event, with its change type (变更类型)."""
    from api.commands.words import history_text
    from api.commands.workplace import workplace
    from api.record import tell as tell_history
    from api.schemas import history_out

    with workplace(store, network, by) as work:
        told = tell_history(outage_id, work.service.history(outage_id))
        events = [one.model_dump(mode="json") for one in history_out(told, personal=work.actor.may("personal"))]
        tell(as_json, events, history_text(told, work.settings.zone))


@app.command()
def diff(
    outage_id: Id,
    one: Annotated[int, typer.Option("--from", min=1, metavar="N", help="Revision before.")] = 1,
    other: Annotated[int | None, typer.Option("--to", min=1, metavar="N", help="Revision after; default the newest.")] = None,
    store: Store = STORE,
    network: Network = "",
    by: Reader = "",
    as_json: Json = False,
) -> None:
    """Show in which facts two revisions of an outage differ."""
    from api.commands.words import differences_text
    from api.commands.workplace import workplace
    from api.schemas import difference_out

    with workplace(store, network, by) as work:
        newest = work.service.get_outage(outage_id).seq
        found = work.service.compare(outage_id, one, other or newest)
        personal = work.actor.may("personal")
        out = [difference_out(difference, personal=personal).model_dump(mode="json") for difference in found]
        tell(as_json, out, differences_text(found, work.settings.zone, personal=personal))


@app.command()
def conflicts(outage_id: Id, store: Store = STORE, network: Network = "", as_json: Json = False) -> None:
    """Say what speaks against an outage before it is approved; exit 1 where something grave does."""
    from api.commands.words import conflicts_text
    from api.commands.workplace import workplace
    from api.schemas import ConflictOut

    with workplace(store, network) as work:
        outage = work.service.get_outage(outage_id)
        found = work.service.conflicts(outage.facts, work.now, outage_id)
        out = [ConflictOut.model_validate(one, from_attributes=True).model_dump(mode="json") for one in found]
        tell(as_json, out, conflicts_text(found))
    if any(one.severity == "error" for one in found):
        raise typer.Exit(1)


@app.command()
def affected(
    outage_id: Id,
    by: As,
    as_format: Annotated[ListFormat, typer.Option("--format", help="How it is written; gpkg needs --out.")] = ListFormat.csv,
    as_json: Annotated[bool, typer.Option("--json", help="As --format json.")] = False,
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR", help="Folder for four lists: affected, dedicated, important, life_support. Else one is shown."
        ),
    ] = None,
    group: Annotated[Group | None, typer.Option(help="Only this list.")] = None,
    contact: Annotated[bool, typer.Option("--contact", help="With names and telephone numbers, for roles that may.")] = False,
    store: Store = STORE,
    network: Network = "",
) -> None:
    """List whom an outage affects, and those at dedicated transformers, important and on life support apart.

    Who took which list is written to the audit log.
    """
    from api.commands.lists import show_list, write_lists
    from api.commands.workplace import workplace

    form = "json" if as_json else as_format.value
    if out is None and form == "gpkg":
        raise typer.BadParameter("a GeoPackage is a file; name a folder for it", param_hint="--out")
    with workplace(store, network, by) as work:
        if out is None:
            show_list(work, outage_id, group or Group.affected, form=form, contact=contact)
            return
        groups = [group.value] if group else [one.value for one in Group]
        for file, count in write_lists(work, outage_id, groups, out, form=form, contact=contact):
            typer.echo(f"Wrote {file}: {count:,} customers")
