"""Whom an outage affects, as files or on standard output; each is written to the audit log before it is."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from api.commands.workplace import Workplace
from api.lists import AffectedList, list_of_course, write_csv, write_geojson, write_geopackage
from api.people.access import require
from api.routes.affected import customers_out
from api.schemas import AffectedPageOut
from outages.events import Outage

EVERYBODY = "affected"


def show_list(work: Workplace, outage_id: str, group: str, *, form: str, contact: bool) -> None:
    """Write one list to standard output. Raises ForbiddenError and UnknownOutageError."""
    outage, listed = _listed(work, outage_id, contact=contact)
    chosen = _of_group(listed, group)
    _note(work, outage, {group: len(chosen)}, form=form, contact=contact)
    for piece in _pieces(work, outage, chosen, form=form, contact=contact):
        sys.stdout.buffer.write(piece)
    sys.stdout.buffer.flush()


def write_lists(
    work: Workplace, outage_id: str, groups: Sequence[str], folder: Path, *, form: str, contact: bool
) -> list[tuple[Path, int]]:
    """Write a list a group to ``folder``, and return the files with how many customers each holds.

    Raises ForbiddenError, UnknownOutageError and OSError.
    """
    outage, listed = _listed(work, outage_id, contact=contact)
    lists = {group: _of_group(listed, group) for group in groups}
    _note(work, outage, {group: len(one) for group, one in lists.items()}, form=form, contact=contact)
    folder.mkdir(parents=True, exist_ok=True)
    files = []
    for group, chosen in lists.items():
        path = folder / f"{group}.{form}"
        if form == "gpkg":
            path.unlink(missing_ok=True)  # a layer would be added to it
            write_geopackage(chosen, path, work.settings.zone, contact=contact)
        else:
            with path.open("wb") as file:
                file.writelines(_pieces(work, outage, chosen, form=form, contact=contact))
        files.append((path, len(chosen)))
    return files


def _listed(work: Workplace, outage_id: str, *, contact: bool) -> tuple[Outage, AffectedList]:
    require(work.actor, "lists", *(["personal"] if contact else []))
    outage = work.service.get_outage(outage_id)
    return outage, list_of_course(work.service.course(outage, work.now), work.now, off_now=work.service.rows_out(work.now))


def _of_group(listed: AffectedList, group: str) -> AffectedList:
    return listed if group == EVERYBODY else listed.only(group=group)


def _pieces(work: Workplace, outage: Outage, chosen: AffectedList, *, form: str, contact: bool) -> Iterator[bytes]:
    zone = work.settings.zone
    if form == "csv":
        return write_csv(chosen, zone, contact=contact)
    if form == "geojson":
        return write_geojson(chosen, zone, contact=contact)
    customers = customers_out(chosen, zone, contact=contact)
    page = AffectedPageOut(outage=outage.id, revision=outage.seq, total=len(chosen), customers=customers, next=None)
    return iter([(json.dumps(page.model_dump(mode="json"), ensure_ascii=False, indent=1) + "\n").encode()])


def _note(work: Workplace, outage: Outage, customers: dict[str, int], *, form: str, contact: bool) -> None:
    work.note(outage, "list exported", form=form, customers=max(customers.values()), contact=contact, lists=customers)
