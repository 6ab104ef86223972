"""Networks for the tests of words, said in text."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from geo.schema import TABLES, GridTables, conform

EMPTY: dict[str, Any] = {name: conform(name, {}) for name in TABLES}
Case = tuple[GridTables, np.ndarray]


def tables_of(
    places: list[dict[str, Any]], customers: list[dict[str, Any]], transformers: list[dict[str, Any]] = ()
) -> GridTables:  # type: ignore[assignment]
    """Tables that hold nothing but places, customers (and transformers); the rest is empty."""
    filled = {
        "places": places,
        "customers": [
            {"id": f"C{row}", "node": "n", "category": "residential"} | customer for row, customer in enumerate(customers)
        ],
        "transformers": [{"from_node": "m", "to_node": "n", "ownership": "public"} | each for each in transformers],
    }
    columns = {name: [column.name for column in TABLES[name].columns] for name in filled}
    frames = {name: {column: [row.get(column) for row in rows] for column in columns[name]} for name, rows in filled.items()}
    return GridTables(**EMPTY | {name: conform(name, frame) for name, frame in frames.items()})


def sketch_places(text: str) -> Case:
    """Read a tree of places with their customers; a star marks who is affected.

    ::

        town 青河镇 = Qinghe Town
          street 中山路 = Zhongshan Road | 2* 4* 5 6*
          estate 柳园小区 = Willow Court | -/3幢* -/3幢2单元 -

    A customer is ``number``, ``number/building`` or ``number/building/street``, ``-`` for what is not known.
    """
    places: list[dict[str, Any]] = []
    customers: list[dict[str, Any]] = []
    affected: list[bool] = []
    above: dict[int, str | None] = {-1: None}
    for line in filter(str.strip, text.splitlines()):
        indent = len(line) - len(line.lstrip())
        words, _, addresses = line.strip().partition("|")
        place_id = None
        if words.strip() != "nowhere":
            kind, name, name_en = re.fullmatch(r"(\w+) (.+?)(?: = (.+?))?", words.strip()).groups()  # type: ignore[union-attr]
            place_id = f"P{len(places)}"
            above = {depth: place for depth, place in above.items() if depth < indent}
            places.append({"id": place_id, "parent_id": above[max(above)], "kind": kind, "name": name, "name_en": name_en})
            above[indent] = place_id
        for address in addresses.split():
            parts = [None if part == "-" else part for part in address.rstrip("*").split("/")] + [None, None]
            customers.append({"place_id": place_id, "house_number": parts[0], "building": parts[1], "street": parts[2]})
            affected.append(address.endswith("*"))
    return tables_of(places, customers), np.flatnonzero(affected)


@pytest.fixture(scope="session")
def sketch() -> Callable[[str], Case]:
    return sketch_places


@pytest.fixture(scope="session")
def make_tables() -> Callable[..., GridTables]:
    return tables_of
