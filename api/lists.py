"""The list of affected customers: as rows for a page, and as CSV for Excel, GeoJSON and GeoPackage, a block at a time.

Whatever the length, a file needs the memory of one block. Names, telephone numbers and addresses for mail are in it only where
``contact`` asks for them; who may ask is decided by whoever calls.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyogrio
from numpy.typing import NDArray

from geo.files.points import wkb_of_points
from geo.schema import CRS
from maps.geojson import Geo, collection, point_feature, records
from maps.where import customer_xy
from outages.course import Course
from outages.facts import FactProblem, FactsError, OutageFacts
from outages.impact import Impact
from topology.flood import Rows
from topology.network import Network, UnknownIdError

CONTACT = ("name", "phone", "email")

COLUMNS = (
    "id",
    "state",
    "status",
    "off",
    "on",
    "cut_by",
    "priority",
    "category",
    "load_kw",
    "place",
    "street",
    "house_number",
    "building",
    "transformer",
    "ownership",
    "feeder",
)
"""Columns of the list, in order; `CONTACT` follows where it is asked for.

``state`` is what is taken away (out: all phases, partial: some), ``status`` how it is now (planned, out, partial, restored).
``off`` and ``on`` are planned, expected or confirmed, on the utility's clock.
"""

BLOCK = 5_000
"""Customers that are written at once."""

_RISKY = r"^[=+\-@＝＋－＠\t\r\n]"
"""A cell that begins like this is a formula to a spreadsheet."""

Times = NDArray[np.datetime64]


@dataclass(frozen=True, eq=False)
class AffectedList:
    """Affected customers, in the order of the customers table; n of them.

    Attributes
    ----------
    rows
        Their rows in the customers table, ascending; shape (n,).
    state, status, cut_by
        Text, "" where nothing is known; shape (n,).
    off, on
        UTC in seconds, NaT where nothing is known; shape (n,).
    """

    network: Network
    rows: Rows
    state: NDArray[np.object_]
    status: NDArray[np.object_]
    cut_by: NDArray[np.object_]
    off: Times
    on: Times

    def __len__(self) -> int:
        return len(self.rows)

    def only(self, *, group: str | None = None, state: str | None = None, status: str | None = None) -> AffectedList:
        """Return those of one group (``dedicated``, ``important``, ``life_support``), one state, one status."""
        chosen = np.ones(len(self), dtype=bool)
        if group == "dedicated":
            owner = _named(self.network.tables.transformers["ownership"], self.network.transformer_of_customer[self.rows])
            chosen &= owner == "dedicated"
        elif group is not None:
            chosen &= (self.network.tables.customers["priority"].iloc[self.rows] == group).to_numpy(dtype=bool)
        for wanted, given in ((state, self.state), (status, self.status)):
            if wanted is not None:
                chosen &= given == wanted
        return self._take(chosen)

    def head(self, limit: int | None) -> AffectedList:
        """Return the first ``limit``; all for None."""
        return self._take(slice(limit))

    def page(self, after: str, limit: int) -> tuple[AffectedList, str | None]:
        """Return up to ``limit`` customers after the one with the id ``after`` ("": from the beginning), and where to go on.

        Raises FactsError where there is no such customer in the network.
        """
        try:
            start = int(np.searchsorted(self.rows, self.network.customer(after), side="right")) if after else 0
        except UnknownIdError:
            says = "No customer has this id. Take next from the page before, or leave after out to begin anew."
            raise FactsError(FactProblem("after", "cursor_unknown", says)) from None
        shown = self._take(slice(start, start + limit))
        more = start + limit < len(self)
        return shown, self.network.tables.customers["id"].iloc[int(shown.rows[-1])] if more else None

    def blocks(self, size: int = BLOCK) -> Iterator[AffectedList]:
        """Yield the list in pieces of up to ``size`` customers."""
        for start in range(0, len(self), size):
            yield self._take(slice(start, start + size))

    def table(self, zone: str, *, contact: bool = False) -> pd.DataFrame:
        """Return a row for each customer with `COLUMNS`, and `CONTACT` where asked; absent texts are ""."""
        network = self.network
        chosen = network.tables.customers.iloc[self.rows]
        transformer = network.transformer_of_customer[self.rows]
        units = network.tables.transformers
        table = chosen.assign(
            state=self.state,
            status=self.status,
            off=_local(self.off, zone),
            on=_local(self.on, zone),
            cut_by=self.cut_by,
            place=chosen["place_id"].map(network.tables.places.set_index("id")["name"]),
            transformer=_named(units["id"], transformer),
            ownership=_named(units["ownership"], transformer),
            feeder=_named(network.feeder_names, network.feeder_of_node[network.customer_node[self.rows]]),
        )[list(_columns(contact))].reset_index(drop=True)
        texts = [name for name in table.columns if name != "load_kw"]
        table[texts] = table[texts].astype(object).where(table[texts].notna(), "")
        return table

    def _take(self, chosen: NDArray[np.bool_] | slice) -> AffectedList:
        parts = ("rows", "state", "status", "cut_by", "off", "on")
        return replace(self, **{name: getattr(self, name)[chosen] for name in parts})


def list_affected(impact: Impact, facts: OutageFacts | None = None) -> AffectedList:
    """Return whom an impact affects; without ``facts`` (a switching that is no outage yet) the times are not known."""
    count = len(impact.affected)
    return AffectedList(
        network=impact.network,
        rows=impact.affected,
        state=np.where(np.isin(impact.affected, impact.partial), "partial", "out").astype(object),
        status=np.full(count, "", dtype=object),
        cut_by=np.array(impact.cut_by, dtype=object),
        off=np.full(count, moment_of(facts.start if facts else None)),
        on=np.full(count, moment_of(facts.end if facts else None)),
    )


def list_of_course(course: Course, now: datetime, *, off_now: Rows | None = None) -> AffectedList:
    """Return whom an outage affects over all its windows, and how each of them is at ``now``.

    ``off`` is when a customer first goes off, ``on`` when it is back for good, ``cut_by`` what cuts it first. Who is fed
    between windows is planned to go off again. ``off_now`` are the rows of all customers that any outage holds off now: one of
    them is not restored, whatever this outage says.
    """
    rows = course.affected
    listed = AffectedList(
        network=course.network,
        rows=rows,
        state=np.where(np.isin(rows, course.out), "out", "partial").astype(object),
        status=np.full(len(rows), "restored", dtype=object),
        cut_by=np.full(len(rows), "", dtype=object),
        off=np.full(len(rows), moment_of(None)),
        on=np.full(len(rows), moment_of(None)),
    )
    for step in reversed(course.steps):  # they are in the order of time, so that the first of them is written last
        at = rows.searchsorted(step.rows)
        listed.cut_by[at], listed.off[at] = step.cut_by, moment_of(step.off)
    for step in course.steps:
        listed.on[rows.searchsorted(step.rows)] = moment_of(step.on)
    _write_status(listed, course, now)
    if off_now is not None:
        listed.status[(listed.status == "restored") & np.isin(rows, off_now)] = "out"
    return listed


def _write_status(listed: AffectedList, course: Course, now: datetime) -> None:
    """Write how each customer is: off now, else to go off, else restored."""
    for step in course.steps:
        if step.off > now:
            listed.status[listed.rows.searchsorted(step.rows)] = "planned"
    for step in course.steps:
        if step.off <= now and (step.on is None or now < step.on):
            listed.status[listed.rows.searchsorted(step.rows)] = step.state


def moment_of(at: datetime | None) -> np.datetime64:
    """Return an aware time as numpy has it: UTC in seconds, NaT for None."""
    return np.datetime64("NaT", "s") if at is None else np.datetime64(at.astimezone(UTC).replace(tzinfo=None), "s")


def write_csv(listed: AffectedList, zone: str, *, contact: bool = False) -> Iterator[bytes]:
    """Yield the list as CSV that Excel opens as it is meant: UTF-8 with a byte order mark, lines ended by CR LF.

    A text that a spreadsheet would take for a formula gets an apostrophe in front.
    """
    yield (",".join(_columns(contact)) + "\r\n").encode("utf-8-sig")
    for block in listed.blocks():
        table = block.table(zone, contact=contact)
        for name in table.columns.drop("load_kw"):
            risky = pc.match_substring_regex(pa.array(table[name], pa.large_string()), _RISKY).to_numpy(zero_copy_only=False)
            if risky.any():
                table[name] = table[name].where(~risky, "'" + table[name])
        yield table.to_csv(index=False, header=False, lineterminator="\r\n").encode()


def write_geojson(listed: AffectedList, zone: str, *, contact: bool = False) -> Iterator[bytes]:
    """Yield the list as GeoJSON, a feature a customer with the same columns; null geometry where nobody knows where it is."""
    yield b'{"type": "FeatureCollection", "features": ['
    comma = ""
    for block in listed.blocks():
        text = ",\n".join(json.dumps(item, ensure_ascii=False) for item in _features(block, zone, contact))
        yield (comma + text).encode()
        comma = ",\n"
    yield b"]}"


def write_geopackage(listed: AffectedList, path: Path, zone: str, *, contact: bool = False) -> None:
    """Write the list as a GeoPackage with one layer, ``affected``, of the same columns. Raises OSError, DataSourceError."""
    for block in [*listed.blocks()] or [listed]:
        table = block.table(zone, contact=contact)
        columns = {
            name: pa.array(table[name], pa.float64() if name == "load_kw" else pa.large_string(), from_pandas=True)
            for name in table.columns
        }
        x, y = customer_xy(listed.network)[block.rows].T
        pyogrio.write_arrow(
            pa.table({**columns, "geometry": wkb_of_points(x, y)}),
            path,
            layer="affected",
            driver="GPKG",
            geometry_name="geometry",
            geometry_type="Point",
            crs=CRS,
            append=path.exists(),
        )


def affected_table(
    impact: Impact, facts: OutageFacts | None = None, *, zone: str = "UTC", limit: int | None = None
) -> pd.DataFrame:
    """Return the affected customers as `AffectedList.table` does; ``limit`` asks for the first rows only."""
    return list_affected(impact, facts).head(limit).table(zone)


def affected_csv(impact: Impact, facts: OutageFacts | None = None, *, zone: str = "UTC") -> bytes:
    """Return the whole list as `write_csv` writes it."""
    return b"".join(write_csv(list_affected(impact, facts), zone))


def affected_features(impact: Impact) -> Geo:
    """Return the list as GeoJSON, a feature a customer, null geometry where nobody knows where it is."""
    return collection(_features(list_affected(impact), "UTC", contact=False))


def _columns(contact: bool) -> tuple[str, ...]:
    return (*COLUMNS, *CONTACT) if contact else COLUMNS


def _features(listed: AffectedList, zone: str, contact: bool) -> Iterable[Geo]:
    places = customer_xy(listed.network)[listed.rows].tolist()
    for (x, y), known in zip(places, records(listed.table(zone, contact=contact)), strict=True):
        yield point_feature(x, y, {name: None if value == "" else value for name, value in known.items()})


def _local(times: Times, zone: str) -> NDArray[np.object_]:
    """Return each time on the clock of ``zone``, to the minute; "" where it is not known."""
    distinct, which = np.unique(times, return_inverse=True)
    clock = ZoneInfo(zone)
    told = [
        "" if np.isnat(one) else one.item().replace(tzinfo=UTC).astimezone(clock).isoformat(timespec="minutes")
        for one in distinct.astype("datetime64[s]")
    ]
    return np.array(told, dtype=object)[which] if told else np.array([], dtype=object)


def _named(names: Any, rows: NDArray[np.int32]) -> NDArray[np.object_]:
    """Return the name in each of ``rows``; None at −1."""
    padded: NDArray[np.object_] = np.append(np.asarray(names, dtype=object), np.array([None], dtype=object))
    return padded[rows]
