"""The use cases: values in, values out."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from api.service import Service, make_outage_id
from outages.events import FactsError, Operation, OutageFacts, Switching, switching_from_json
from outages.lifecycle import TransitionError
from outages.store import EventStore, KeyReusedError, StaleWriteError, UnknownOutageError, open_store
from tests.api.town import NOW
from topology.network import Network

HOUR = timedelta(hours=1)
WORK = switching_from_json({"open": ["S1", "L2"], "close": ["TIE"]})


def facts(
    outage_class: str = "planned", switching: Switching = WORK, start: datetime = NOW + HOUR, **more: object
) -> OutageFacts:
    given = {"end": start + 4 * HOUR, "reason": "线路检修", **more}
    return OutageFacts(outage_class, switching, start, **given)  # type: ignore[arg-type]


def test_a_preview_counts_without_entering_anything(service: Service) -> None:
    counts = service.preview(WORK).counts
    assert (counts.customers, counts.transferred, counts.important, counts.life_support) == (10, 6, 1, 1)
    assert service.board(NOW).planned == ()


@pytest.mark.parametrize(
    ("switching", "field", "code"),
    [
        ({"open": ["S9"]}, "open", "device_unknown"),
        ({"open": ["S1"], "close": ["TYE"]}, "close", "device_unknown"),
        ({"fault": ["nowhere"]}, "fault", "device_unknown"),
        ({"open": [["S1", "12"]]}, "open", "phase_unknown"),
    ],
)
def test_a_device_that_does_not_exist_is_named_with_its_field(
    service: Service, switching: dict[str, list[str]], field: str, code: str
) -> None:
    for use in (service.preview, lambda given: service.enter(facts(switching=given), by="control", now=NOW)):
        with pytest.raises(FactsError) as caught:
            use(switching_from_json(switching))
        assert [(problem.field, problem.code) for problem in caught.value.problems] == [(field, code)]
    assert service.board(NOW).planned == ()


def test_a_misspelt_device_is_answered_with_the_nearest(service: Service) -> None:
    with pytest.raises(FactsError, match="the nearest are TIE"):
        service.preview(switching_from_json({"open": ["TIEE"]}))


def test_a_fault_may_sit_on_a_node(service: Service) -> None:
    assert service.preview(switching_from_json({"fault": ["f"]})).counts.customers == 7


def test_what_is_entered_is_kept_and_found_again(service: Service) -> None:
    outage = service.enter(facts(), by="control", now=NOW)
    assert service.get_outage(outage.id) == outage
    assert outage.id.startswith("20260501-")
    assert (outage.entered_by, outage.entered_at, outage.seq) == ("control", NOW, 1)
    assert [event.kind for event in service.history(outage.id)] == ["entered"]


def test_an_outage_is_planned_then_current_then_over(service: Service) -> None:
    outage = service.enter(facts(), by="control", now=NOW)
    assert service.board(NOW).planned == (outage,)
    assert service.board(NOW + HOUR).current == (outage,)
    assert service.board(NOW + 9 * HOUR).current == (outage,)
    restored = service.confirm_restored(outage.id, NOW + 3 * HOUR, seen=1, by="control", now=NOW + 9 * HOUR)
    assert service.board(NOW + 9 * HOUR).past == (restored,)


def test_the_same_command_again_enters_nothing(service: Service) -> None:
    first = service.enter(facts(), by="control", now=NOW, key="key-0001")
    assert service.enter(facts(), by="control", now=NOW + HOUR / 2, key="key-0001") == first
    assert len(service.board(NOW).planned) == 1
    with pytest.raises(KeyReusedError):
        service.enter(facts(reason="another"), by="control", now=NOW, key="key-0001")


def test_two_people_cannot_both_end_an_outage(service: Service) -> None:
    outage = service.enter(facts("fault", start=NOW - HOUR), by="control", now=NOW)
    service.confirm_restored(outage.id, NOW, seen=1, by="control", now=NOW)
    with pytest.raises(StaleWriteError) as caught:
        service.cancel(outage.id, "entered twice", seen=1, by="control", now=NOW)
    assert caught.value.newer.status == "restored"
    with pytest.raises(TransitionError):
        service.cancel(outage.id, "entered twice", seen=2, by="control", now=NOW)


def test_a_cancellation_says_why(service: Service) -> None:
    outage = service.enter(facts(), by="control", now=NOW)
    with pytest.raises(FactsError, match="Say why"):
        service.cancel(outage.id, "  ", seen=1, by="control", now=NOW)
    assert service.cancel(outage.id, "rain", seen=1, by="control", now=NOW).status == "cancelled"


def test_an_unknown_outage_is_named(service: Service) -> None:
    for ask in (service.get_outage, service.history):
        with pytest.raises(UnknownOutageError, match="'20260501-NONE'"):
            ask("20260501-NONE")


@pytest.mark.parametrize(
    ("given", "code"),
    [
        (facts("fault", start=NOW + HOUR), "fault_in_future"),
        (facts("planned", start=NOW - 5 * HOUR), "end_passed"),
        (facts(reason="x" * 301), "reason_too_long"),
        (facts(reason="line\u202ework"), "text_unprintable"),
    ],
)
def test_what_no_true_notice_can_tell_is_not_entered(service: Service, given: OutageFacts, code: str) -> None:
    with pytest.raises(FactsError) as caught:
        service.enter(given, by="control", now=NOW)
    assert code in [problem.code for problem in caught.value.problems]
    assert service.board(NOW).planned == service.board(NOW).current == ()


def test_the_notice_tells_the_same_in_both_languages(service: Service) -> None:
    outage = service.enter(facts(), by="control", now=NOW)
    chinese, english = service.list_notices(outage)
    assert (chinese.language, english.language) == ("zh", "en")
    for said in ("磨坊社区", "线路检修", "10:00", "14:00", "95598", outage.id, "东港供电公司", "10kV西河线"):
        assert said in chinese.body
    for said in ("Mill Lane", "line maintenance", "10:00", "14:00", "95598", outage.id, "Donggang Power Supply"):
        assert said in english.body


def test_the_notice_of_a_restored_outage_is_still_the_one_that_was_issued(service: Service) -> None:
    outage = service.enter(facts(), by="control", now=NOW)
    before = service.list_notices(outage)
    service.confirm_restored(outage.id, NOW + 9 * HOUR, seen=1, by="control", now=NOW + 9 * HOUR)
    assert service.list_notices(service.get_outage(outage.id)) == before


def test_a_load_transfer_is_told_to_those_who_are_moved(service: Service) -> None:
    moved = switching_from_json({"open": ["S1"], "close": ["TIE"]})
    outage = service.enter(facts("load_transfer", moved), by="control", now=NOW)
    assert service.preview(moved).counts.customers == 0
    assert "磨坊社区" in service.list_notices(outage)[0].body


def test_an_outage_that_affects_nobody_has_no_notice(service: Service) -> None:
    outage = service.enter(facts(switching=Switching(open=(Operation("TIE"),))), by="control", now=NOW)
    assert service.list_notices(outage) == []


def test_a_customer_under_two_outages_counts_once(service: Service) -> None:
    one = service.enter(facts(switching=switching_from_json({"open": ["S1"]})), by="control", now=NOW)
    two = service.enter(facts(switching=switching_from_json({"open": ["T2"]})), by="control", now=NOW)
    assert service.count_customers([one, two]) == 16
    assert service.count_customers([]) == 0


def test_a_second_process_on_the_same_store_sees_what_the_first_did(town: Network, service: Service) -> None:
    path = service._store._engine.url.database
    other_store: EventStore = open_store(f"sqlite:///{path}")
    other = Service(town, other_store, service.utility)
    outage = service.enter(facts(), by="control", now=NOW)
    assert other.get_outage(outage.id) == outage
    cancelled = other.cancel(outage.id, "rain", seen=1, by="desk", now=NOW)
    assert service.get_outage(outage.id) == cancelled
    other_store.close()


def test_an_id_that_was_drawn_before_is_drawn_again(town: Network, service: Service) -> None:
    drawn = iter(["A", "A", "A", "B"])
    again = Service(town, service._store, service.utility, new_id=lambda now, zone: next(drawn))
    assert again.enter(facts(), by="control", now=NOW).id == "A"
    assert again.enter(facts(), by="control", now=NOW).id == "B"


def test_ids_are_of_the_day_on_the_clock_of_the_utility_and_can_be_read_aloud() -> None:
    late = NOW.replace(hour=17)  # after midnight in Shanghai
    ids = {make_outage_id(late, "Asia/Shanghai") for _ in range(50)}
    assert all(one.startswith("20260502-") and len(one) == 13 for one in ids)
    assert not set("".join(one[9:] for one in ids)) & set("01OI")
    assert len(ids) > 45
