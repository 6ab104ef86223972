"""The privacy rule, as promises about everything that `public_layer` may ever say."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pandas as pd
import pyogrio
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from geo.schema import CRS, conform
from maps.layers import PublicEntry, public_count, public_layer
from outages.facts import Operation, Switching
from outages.impact import assess
from tests.maps.town import make_town
from topology.network import Network, build_network

START = datetime(2026, 5, 1, 8, 0, tzinfo=timezone(timedelta(hours=8)))


def entry(network: Network, *devices: str, phases: str = "", reference: str = "N-2026-1") -> PublicEntry:
    impact = assess(network, Switching(tuple(Operation(device, phases) for device in devices)))
    return PublicEntry(reference, "planned", START, START + timedelta(hours=9), "Line maintenance", "approved", impact)


def with_places(network: Network, places: list[tuple[Any, ...]], place_of_customer: list[str | None]) -> Network:
    """Return the network with these places (id, parent_id, kind, name, geometry) and this place for each customer."""
    columns = ("id", "parent_id", "kind", "name", "geometry")
    frame = conform("places", {column: [row[n] for row in places] for n, column in enumerate(columns)})
    customers = network.tables.customers.assign(place_id=pd.array(place_of_customer, dtype=network.tables.customers["id"].dtype))
    return build_network(replace(network.tables, places=frame, customers=customers))


def said(layer: dict[str, Any]) -> list[tuple[Any, ...]]:
    return [
        (item["properties"]["place_en"], item["properties"]["customers"], item["properties"]["fewer_than"])
        for item in layer["features"]
    ]


# What is said.


def test_an_entry_tells_when_why_and_where_in_utc(town: Network):
    (first, *_) = public_layer([entry(town, "TR-0")])["features"]
    assert first["properties"] == {
        "reference": "N-2026-1",
        "outage_class": "planned",
        "status": "approved",
        "start": "2026-05-01T00:00:00Z",
        "end": "2026-05-01T09:00:00Z",
        "reason": "Line maintenance",
        "outage_customers": 40,
        "place": "第0社区",
        "place_en": "Community 0",
        "customers": 40,
        "fewer_than": None,
    }


def test_an_outage_without_an_end_and_without_customers_is_all_right(town: Network):
    open_end = replace(entry(town, "TR-0"), end=None)
    assert public_layer([open_end])["features"][0]["properties"]["end"] is None
    assert public_layer([entry(town, "TIE-1")])["features"] == []
    assert public_layer([])["features"] == []


@pytest.mark.parametrize(
    ("behind", "expected"),
    [
        ((14, 3, 4), [("Town", 5, None), ("Millbrook", 10, None)]),
        ((14, 3, 1), [("Town", None, 5), ("Millbrook", 10, None)]),
        ((2, 0, 0), [("Town", None, 5)]),
        ((5, 5, 5), [("Millbrook", 5, None), ("Newfield", 5, None), ("Oakham", 5, None)]),
        ((4, 4, 4), [("Town", 10, None)]),
        ((9, 0, 0), [("Millbrook", 5, None)]),
    ],
)
def test_small_groups_are_pooled_in_the_place_above_and_never_counted_below_five(behind: tuple[int, ...], expected):
    # 40 customers each behind TR-0, TR-1, TR-2, of which the first so many hang on phase B alone.
    rows = [n for n in range(3) for _ in range(40)]
    phases = ["B" if j < behind[n] else "AC" for n in range(3) for j in range(40)]
    places = [("T", None, "town", "Town", shapely.box(112, 22, 114, 24))]
    places += [(f"K{n}", "T", "community", name, None) for n, name in enumerate(("Millbrook", "Newfield", "Oakham"))]
    network = with_places(make_town((40, 40, 40), extra={"phases": phases}), places, [f"K{n}" for n in rows])
    layer = public_layer([entry(network, "TR-0", "TR-1", "TR-2", phases="B")])
    assert sorted(said(layer), key=str) == sorted(expected, key=str)
    assert {item["properties"]["outage_customers"] for item in layer["features"]} == {public_count(sum(behind))}


def test_a_town_smaller_than_the_threshold_is_no_hiding_place():
    places = [("C", None, "county", "County", None), ("T", "C", "town", "Hamlet", shapely.box(113, 23, 113.1, 23.1))]
    network = with_places(make_town((3, 40)), places, ["T"] * 3 + ["C"] * 40)
    assert said(public_layer([entry(network, "TR-0")])) == [("County", None, 5)]


def test_customers_in_streets_without_a_community_count_in_the_topmost_place():
    places = [
        ("E", None, "estate", "Estate", None),
        ("B", "E", "building", "House 1", None),
        ("X", None, "building", "Alone", None),
    ]
    network = with_places(make_town((12, 12)), places, ["B"] * 12 + ["X"] * 12)
    assert said(public_layer([entry(network, "BRK-1", "BRK-2")])) == [(None, 10, None), ("Estate", 10, None)]


# What is drawn.


def test_a_place_is_drawn_by_its_own_shape(town: Network):
    (item,) = public_layer([entry(town, "TR-0")])["features"]
    places = town.tables.places.set_index("id")
    assert shapely.geometry.shape(item["geometry"]).equals_exact(places.geometry["K0"], 1e-4, normalize=True)


def test_without_shapes_of_places_only_squares_with_enough_of_these_customers_are_drawn():
    inside, alone = [113.0151] * 6, [113.0351] * 4
    network = make_town((10,), places=False, extra={"x": inside + alone, "y": [23.0051] * 10})
    (item,) = public_layer([entry(network, "TR-0")])["features"]
    assert shapely.geometry.shape(item["geometry"]).equals(shapely.box(113.01, 23.0, 113.02, 23.01))
    assert said({"features": [item]}) == [(None, 10, None)]


def test_a_small_group_in_no_place_and_a_network_without_coordinates_are_told_but_not_drawn():
    for network in (make_town((3,), places=False), make_town((30,), geometry=False)):
        (item,) = public_layer([entry(network, "TR-0")])["features"]
        assert item["geometry"] is None


def test_what_is_drawn_does_not_depend_on_the_grid(town: Network):
    tables = town.tables
    bare = replace(
        tables,
        **{name: getattr(tables, name).assign(geometry=None).set_crs(CRS) for name in ("lines", "switches", "transformers")},
        service_areas=tables.service_areas.iloc[:0],
        nodes=tables.nodes.iloc[:0],
    )
    for device in ("TR-0", "LN-0", "BRK-2"):
        assert public_layer([entry(build_network(bare), device)]) == public_layer([entry(town, device)])


def test_gdal_reads_the_public_layer_back_whole_and_valid(town: Network, tmp_path: Path):
    layer = public_layer([entry(town, "BRK-1"), entry(town, "BRK-2", reference="N-2026-2")])
    path = tmp_path / "public.geojson"
    path.write_text(json.dumps(layer, ensure_ascii=False), encoding="utf-8")
    frame = pyogrio.read_dataframe(path)
    assert len(frame) == len(layer["features"]) > 2
    assert frame.geometry.is_valid.all()


# What is promised, whatever the network.


KINDS = ("county", "town", "community", "street", "estate", "building")

promise = settings(max_examples=60, deadline=None)


@dataclass(frozen=True)
class Situation:
    """A town with any place tree, customers anywhere in it and on any phase, any devices opened, any threshold.

    ``places``: kind, which of the places before it is the parent (0 for none), whether it has a shape. ``homes``: place of each
    customer in turn, 0 for none; ``on``: phases of each in turn. Both are repeated as often as needed.
    """

    sizes: list[int]
    places: list[tuple[str, int, bool]]
    homes: list[int]
    on: list[str | None]
    opened: list[int]
    phases: str
    threshold: int

    def network(self) -> Network:
        count = sum(self.sizes)
        base = make_town(self.sizes, extra={"phases": [self.on[n % len(self.on)] for n in range(count)]})
        rows: list[tuple[Any, ...]] = []
        for n, (kind, above, drawn) in enumerate(self.places):
            parent = None if above % (n + 1) == 0 else f"pl-{above % (n + 1) - 1}"
            shape = shapely.box(113 + n / 500, 23, 113.01 + n / 500, 23.01) if drawn else None
            rows.append((f"pl-{n}", parent, kind, f"Name {n}", shape))
        names = [None, *(row[0] for row in rows)]
        return with_places(base, rows, [names[self.homes[n % len(self.homes)] % len(names)] for n in range(count)])

    def entries(self) -> list[PublicEntry]:
        """The outage as it is, and as it is when all but the first device are closed again."""
        network = self.network()
        devices = [network.device_ids[n % len(network.device_ids)] for n in self.opened]
        return [entry(network, *set(devices), phases=self.phases), entry(network, devices[0], phases=self.phases)]


situations = st.builds(
    Situation,
    sizes=st.lists(st.integers(0, 14), min_size=1, max_size=6),
    places=st.lists(st.tuples(st.sampled_from(KINDS), st.integers(0, 6), st.booleans()), max_size=7),
    homes=st.lists(st.integers(0, 7), min_size=1, max_size=12),
    on=st.lists(st.sampled_from([None, "A", "BC"]), min_size=1, max_size=7),
    opened=st.lists(st.integers(0, 30), min_size=1, max_size=3),
    phases=st.sampled_from(["", "B"]),
    threshold=st.integers(2, 9),
)


@promise
@given(situations)
def test_no_group_below_the_threshold_is_ever_counted_and_nobody_is_forgotten(situation: Situation):
    asked, _ = situation.entries()
    layer = public_layer([asked], threshold=situation.threshold)
    affected = len(asked.impact.affected)
    least = most = 0
    for item in layer["features"]:
        known = item["properties"]
        assert (known["customers"] is None) == (known["fewer_than"] is not None)
        count = known["customers"] or 0
        assert known["customers"] is None or (count >= situation.threshold and count % situation.threshold == 0)
        least, most = least + max(count, 1), most + count + situation.threshold - 1
    assert least <= affected <= most
    assert (affected == 0) == (layer["features"] == [])


@promise
@given(situations)
def test_no_two_published_counts_differ_by_less_than_the_threshold(situation: Situation):
    layer = public_layer(situation.entries(), threshold=situation.threshold)
    counts = [item["properties"][name] or 0 for item in layer["features"] for name in ("customers", "outage_customers")]
    assert all(a == b or abs(a - b) >= situation.threshold for a in counts for b in counts)


@promise
@given(situations)
def test_no_customer_no_device_and_no_node_is_ever_named_and_nothing_is_drawn_exactly(situation: Situation):
    entries = situation.entries()
    layer = public_layer(entries, threshold=situation.threshold)
    public = json.dumps(layer, ensure_ascii=False)
    network = entries[0].impact.network
    personal = network.tables.customers[["id", "phone", "name", "street"]].to_numpy().ravel()
    secret = {*personal, *network.device_ids, *(f'"{node}"' for node in network.node_ids)}
    assert not [text for text in secret if text in public]
    for item in layer["features"]:
        if item["geometry"]:
            numbers = shapely.get_coordinates(shapely.geometry.shape(item["geometry"])).ravel().tolist()
            assert all(round(number, 4) == number for number in numbers)


@pytest.mark.parametrize(("customers", "shown"), [(0, 0), (1, None), (4, None), (5, 5), (9, 5), (10, 10), (1203, 1200)])
def test_a_public_count_is_a_multiple_of_five_or_nothing(customers: int, shown: int | None):
    assert public_count(customers) == shown


def test_times_are_told_in_utc_whatever_zone_they_were_given_in(town: Network):
    utc = replace(entry(town, "TR-0"), start=START.astimezone(UTC))
    assert public_layer([utc]) == public_layer([entry(town, "TR-0")])


def test_places_of_one_name_are_told_apart_by_what_they_are_in() -> None:
    network = make_town((8, 8, 8, 8))
    places = network.tables.places.copy()
    community = places["kind"] == "community"
    places.loc[community, ["name", "name_en"]] = "同名社区", "Same Community"
    places.loc[community, "parent_id"] = [f"T{n}" for n in range(community.sum())]
    towns = conform(
        "places",
        {
            "id": [f"T{n}" for n in range(community.sum())],
            "parent_id": [places["id"][~community].iloc[0]] * community.sum(),
            "kind": ["town"] * community.sum(),
            "name": [f"{word}镇" for word in "东西南北"[: community.sum()]],
        },
    )
    network = build_network(replace(network.tables, places=pd.concat([places, towns], ignore_index=True)))
    layer = public_layer([entry(network, "BRK-1", "BRK-2")])
    assert {item["properties"]["place"] for item in layer["features"]} == {"东镇同名社区", "西镇同名社区"}
