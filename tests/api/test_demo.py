"""The three example outages, on the demo network that is in the repository."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from api.demo import FEWEST, MOST, demo_outages
from api.intake import load_network
from api.public import public_geojson
from api.service import Service
from api.settings import Settings
from api.wiring import build_service
from outages.facts import Operation, OutageFacts, Switching, Window
from outages.impact import assess
from outages.lifecycle import fold
from topology.network import Network, build_network
from topology.sketch import tables_from_text

ZONE = "Asia/Shanghai"
NOW = datetime(2026, 5, 1, 1, 7, tzinfo=UTC)  # 09:07 in Shanghai


@pytest.fixture(scope="module")
def urban() -> Network:
    return load_network(str(Path(__file__).parents[2] / "examples" / "urban.gpkg"))


def test_they_are_of_three_classes_on_feeders_of_their_own_and_of_a_sensible_size(urban: Network) -> None:
    outages = demo_outages(urban, NOW)
    assert [facts.outage_class for facts in outages] == ["fault", "planned", "temporary"]
    impacts = [assess(urban, facts.switching) for facts in outages]
    for impact in impacts:
        assert FEWEST <= impact.counts.customers <= MOST
    feeders = [feeder for impact in impacts for feeder in impact.feeders]
    assert len(feeders) == len(set(feeders)) == 3


def test_the_fault_is_cleared_and_the_planned_one_keeps_others_on_by_a_tie(urban: Network) -> None:
    fault, planned, temporary = (assess(urban, facts.switching) for facts in demo_outages(urban, NOW))
    assert fault.cleared_by
    assert planned.switching.close
    assert planned.counts.transferred >= FEWEST
    assert temporary.counts.important > 0


@pytest.mark.parametrize("hour", [0, 3, 5, 6, 12, 15, 16, 23])
def test_at_any_hour_the_fault_goes_on_and_the_others_are_to_come(urban: Network, hour: int) -> None:
    now = NOW.replace(hour=hour)
    fault, planned, temporary = demo_outages(urban, now)
    assert fault.start <= now < (fault.end or now)
    assert now < planned.start < now + timedelta(days=2)
    assert now < temporary.start <= now + timedelta(days=1)
    assert temporary.start.astimezone(ZoneInfo(ZONE)).hour == 14


def test_they_are_the_same_every_time(urban: Network) -> None:
    assert demo_outages(urban, NOW) == demo_outages(urban, NOW)


def test_a_network_without_ties_or_voltages_gets_what_it_can() -> None:
    customers = ", ".join(f"c{n}" for n in range(80))
    town = build_network(tables_from_text(f"*s -B1:breaker- a =T1= b : {customers}"))
    (only,) = demo_outages(town, NOW)
    assert only.outage_class == "temporary"
    assert only.switching == Switching(open=(Operation("T1"),))
    assert demo_outages(build_network(tables_from_text("*s -L1- a : home")), NOW) == []


def _demo_service(urban: Network, folder: Path) -> Service:
    settings = Settings(network="urban", store=f"sqlite:///{folder}/demo.db", demo=True)
    return build_service(settings, urban, now=NOW)


def test_a_store_gets_them_once(urban: Network, tmp_path: Path) -> None:
    first = _demo_service(urban, tmp_path)
    board = first.board(NOW)
    assert (len(board.current), len(board.planned), len(board.past)) == (1, 2, 0)
    first.close()
    second = _demo_service(urban, tmp_path)
    assert second.board(NOW) == board
    second.close()


def test_a_store_with_an_outage_is_left_as_it_is(urban: Network, tmp_path: Path) -> None:
    settings = Settings(network="urban", store=f"sqlite:///{tmp_path}/own.db", demo=False)
    own = build_service(settings, urban, now=NOW)
    assert own.board(NOW).planned == ()
    switching = Switching(open=(Operation("MV3.101-LV5.305-Trafo 1"),))
    outage = own.enter(
        OutageFacts("planned", switching, (Window(NOW + timedelta(days=1), NOW + timedelta(days=1, hours=2)),), "work"),
        by="control",
        now=NOW,
    )
    own.close()
    again = build_service(settings.model_copy(update={"demo": True}), urban, now=NOW)
    assert again.board(NOW).drafts == (outage,)
    assert fold(outage.id, again.history(outage.id)) == outage
    again.close()


def test_nothing_public_of_them_is_a_line_or_a_point(urban: Network, tmp_path: Path) -> None:
    """The streets of the demo network follow its cables, so they are not even part of the background."""
    service = _demo_service(urban, tmp_path)
    layer = public_geojson(service, service.board(NOW), now=NOW, threshold=5, language="en")
    shapes = [item["geometry"]["type"] for item in (*layer["features"], *service.backdrop["features"]) if item["geometry"]]
    assert set(shapes) <= {"Polygon", "MultiPolygon"}
    assert len(service.backdrop["features"]) > 10
    service.close()


def test_their_notices_name_places_in_both_languages(urban: Network, tmp_path: Path) -> None:
    service = _demo_service(urban, tmp_path)
    board = service.board(NOW)
    for outage in (*board.current, *board.planned):
        chinese, english = service.list_notices(outage)
        assert "社区" in chinese.body
        assert "Community" in english.body
    service.close()
