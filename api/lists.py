"""The list of affected customers, as CSV for Excel and as rows for a page.

Names, telephone numbers and addresses for mail are left out: nobody is signed in, so nobody is known to need them.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from maps.geojson import Geo, collection
from maps.layers import affected_geojson
from outages.events import OutageFacts
from outages.impact import Impact

PERSONAL = ("name", "phone", "email")

COLUMNS = (
    "id",
    "state",
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
"""Columns of the list, in order. ``off`` and ``on`` are the start and the expected end, in the utility's zone."""

_RISKY = r"[=+\-@＝＋－＠\t\r\n]"
"""A cell that begins like this is a formula to a spreadsheet."""


def affected_table(
    impact: Impact, facts: OutageFacts | None = None, *, zone: str = "UTC", limit: int | None = None
) -> pd.DataFrame:
    """Return the affected customers, a row each in the order of the customers table, with `COLUMNS`; absent values are "".

    Without ``facts`` (a switching that is no outage yet) ``off`` and ``on`` are empty. ``limit`` asks for the first rows only.
    """
    network = impact.network
    rows = impact.affected[:limit]
    chosen = network.tables.customers.iloc[rows]
    transformer = network.transformer_of_customer[rows]
    feeder = network.feeder_of_node[network.customer_node[rows]]
    units = network.tables.transformers
    table = chosen.drop(columns=[*PERSONAL, "x", "y"]).assign(
        state=np.where(np.isin(rows, impact.out), "out", "partial"),
        off=_local(facts.start if facts else None, zone),
        on=_local(facts.end if facts else None, zone),
        cut_by=list(impact.cut_by[:limit]),
        place=chosen["place_id"].map(network.tables.places.set_index("id")["name"]),
        transformer=_named(units["id"], transformer),
        ownership=_named(units["ownership"], transformer),
        feeder=_named(network.feeder_names, feeder),
    )
    texts = [name for name in COLUMNS if name != "load_kw"]
    table[texts] = table[texts].astype(object).where(table[texts].notna(), "")
    return table[list(COLUMNS)].reset_index(drop=True)


def affected_csv(impact: Impact, facts: OutageFacts | None = None, *, zone: str = "UTC") -> bytes:
    """Return the list as CSV that Excel opens as it is meant: UTF-8 with a byte order mark, lines ended by CR LF.

    A text that a spreadsheet would take for a formula gets an apostrophe in front.
    """
    table = affected_table(impact, facts, zone=zone)
    for name in COLUMNS:
        if name != "load_kw":
            table[name] = table[name].where(~table[name].str.match(_RISKY), "'" + table[name])
    text: str = table.to_csv(index=False, lineterminator="\r\n")
    return text.encode("utf-8-sig")


def affected_features(impact: Impact) -> Geo:
    """Return the list as GeoJSON, a feature a customer, null geometry where nobody knows where it is."""
    return collection(
        {**item, "properties": {key: value for key, value in item["properties"].items() if key not in PERSONAL}}
        for item in affected_geojson(impact)["features"]
    )


def _local(at: datetime | None, zone: str) -> str:
    return "" if at is None else at.astimezone(ZoneInfo(zone)).isoformat(timespec="minutes")


def _named(names: Any, rows: NDArray[np.int32]) -> NDArray[np.object_]:
    """Return the name in each of ``rows``; None at −1."""
    padded: NDArray[np.object_] = np.append(np.asarray(names, dtype=object), np.array([None], dtype=object))
    return padded[rows]
