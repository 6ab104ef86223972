"""What everybody is told of an outage follows from what happened to it: all of it, in order, and the same every time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from api.bulletin_words import Told, words_of
from api.bulletins import KEPT, Bulletins
from api.labels import CLASSES
from api.service import NetworkChangedError, Service
from api.utility import Utility
from notices.bulletin import LONGEST_HEADLINE, Area, Bulletin, Publisher, identifier
from notices.cap import write_cap
from outages.events import (
    Approved,
    Cancelled,
    Closed,
    Event,
    Outage,
    Rejected,
    Restored,
    Revised,
    Staged,
    Submitted,
    SwitchedOff,
    Undone,
)
from outages.facts import OUTAGE_CLASSES, Estimate, OutageFacts, Timed, Window, switching_from_json
from outages.lifecycle import TransitionError, allowed
from outages.store import StoreError, open_store
from tests.api.town import NOW
from tests.notices.standards.alerts import checked
from topology.network import Network, UnknownIdError

HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
BY, BOSS = "li.lei", "han.meimei"
PUBLISHER = Publisher("outages@donggang.example", "95598", "Asia/Shanghai")
PAGE = "https://donggang.example/map"

MILL, HILL, WILLOW = {"open": ["S1"]}, {"fault": ["L3"]}, {"open": ["T1"]}
NOBODY_OFF = {"open": ["TIE"]}
"""Whom each cuts off: 16 in Mill Lane, 7 on Little Hill, 12 in Willow Bank, nobody."""


def facts(switching: dict[str, Any] = MILL, *hours: float, outage_class: str = "planned", **more: Any) -> OutageFacts:
    """Return facts with windows that begin and end so many hours from now."""
    times = hours or (2, 5)
    windows = tuple(Window(NOW + off * HOUR, NOW + on * HOUR) for off, on in zip(times[::2], times[1::2], strict=True))
    return OutageFacts(outage_class, switching_from_json(switching), windows, more.pop("reason", "线路检修"), **more)


def at(hours: float) -> datetime:
    return NOW + hours * HOUR


class Desk:
    """Enters outages and what happens to them, each at its time."""

    def __init__(self, service: Service) -> None:
        self.service = service

    def announce(self, given: OutageFacts, hours: float = 0) -> str:
        """Enter and approve; return the reference."""
        outage = self.service.enter(given, by=BY, now=at(hours), submit=True)
        if outage.status == "submitted":
            self.then(outage.id, Approved(at(hours), BOSS))
        return outage.id

    def then(self, reference: str, *events: Event) -> Outage:
        for event in events:
            seen = self.service.get_outage(reference).seq
            if isinstance(event, Revised):
                outage = self.service.revise(reference, event.facts, why="why", seen=seen, by=BY, now=event.at)
            else:
                outage = self.service.record(reference, event, seen=seen)
        self.service.live.catch_up()
        return outage

    def maker(self) -> Bulletins:
        self.service.live.catch_up()
        return Bulletins(self.service, PUBLISHER, page=PAGE, threshold=5)

    def story(self, reference: str, hours: float = 0) -> list[Bulletin]:
        """Return the bulletins of an outage, made from nothing."""
        found = self.maker().published(at(hours)).by_name.values()
        return sorted((one for one in found if one.reference == reference), key=lambda one: one.revision)


@pytest.fixture
def desk_of(service: Service) -> Desk:
    return Desk(service)


def off(hours: float, told: float | None = None) -> SwitchedOff:
    return SwitchedOff(at(hours), at(hours if told is None else told), BY)


def back(hours: float, told: float | None = None) -> Restored:
    return Restored(at(hours), at(hours if told is None else told), BY)


# Which events tell the public something.

STORIES: dict[str, tuple[list[Event], str]] = {
    "a draft": ([], ""),
    "a draft that waits": ([Submitted(NOW, BY)], ""),
    "one that was refused": ([Submitted(NOW, BY), Rejected(NOW, BOSS, "no")], ""),
    "one that was called off before anybody heard of it": ([Submitted(NOW, BY), Cancelled(NOW, BY, "no")], ""),
    "announced": ([Submitted(NOW, BY), Approved(NOW, BOSS)], "3 first planned"),
    "called off": ([Submitted(NOW, BY), Approved(NOW, BOSS), Cancelled(NOW, BY, "rain")], "3 first planned, 4 cancel cancelled"),
    "moved, once that is approved": (
        [Submitted(NOW, BY), Approved(NOW, BOSS), Revised(facts(MILL, 3, 6), NOW, BY), Approved(NOW, BOSS)],
        "3 first planned, 5 update planned",
    ),
    "a change that is refused": (
        [Submitted(NOW, BY), Approved(NOW, BOSS), Revised(facts(MILL, 3, 6), NOW, BY), Rejected(NOW, BOSS, "no")],
        "3 first planned",
    ),
    "a change of what is not public": (
        [Submitted(NOW, BY), Approved(NOW, BOSS), Revised(facts(contact="secret"), NOW, BY), Approved(NOW, BOSS)],
        "3 first planned",
    ),
    "its whole life": (
        [
            Submitted(NOW, BY),
            Approved(NOW, BOSS),
            off(2),
            Staged((Timed(at(3), "close", "TIE"),), at(3), BY),
            back(4),
            Closed(at(5), BY),
        ],
        "3 first planned, 4 update current, 5 update current, 6 update restored",
    ),
    "restored by mistake": (
        [Submitted(NOW, BY), Approved(NOW, BOSS), off(2), back(3), Undone(5, at(3.5), BY, "not yet")],
        "3 first planned, 4 update current, 5 update restored, 6 update current",
    ),
    "approved by mistake": (
        [Submitted(NOW, BY), Approved(NOW, BOSS), Undone(3, NOW, BOSS, "the wrong one")],
        "3 first planned, 4 cancel cancelled",
    ),
    "approved after all": (
        [Submitted(NOW, BY), Approved(NOW, BOSS), Undone(3, NOW, BOSS, "no"), Approved(NOW, BOSS)],
        "3 first planned, 4 cancel cancelled, 5 update planned",
    ),
    "a plan that affects nobody any more": (
        [Submitted(NOW, BY), Approved(NOW, BOSS), Revised(facts(NOBODY_OFF), NOW, BY), Approved(NOW, BOSS)],
        "3 first planned, 5 cancel cancelled",
    ),
    "power was back as it went off": (
        [Submitted(NOW, BY), Approved(NOW, BOSS), off(2), back(2, 3)],
        "3 first planned, 4 update current, 5 cancel cancelled",
    ),
    "power went off only after the window": (
        [Submitted(NOW, BY), Approved(NOW, BOSS), off(6), back(7)],
        "3 first planned, 4 update current, 5 update restored",
    ),
}


@pytest.mark.parametrize("name", STORIES)
def test_every_event_that_changes_what_people_know_makes_one_bulletin(desk_of: Desk, name: str) -> None:
    events, told = STORIES[name]
    outage = desk_of.service.enter(facts(), by=BY, now=NOW)
    if events:
        desk_of.then(outage.id, *events)
    story = desk_of.story(outage.id, 7)
    assert ", ".join(f"{one.revision} {one.kind} {one.status}" for one in story) == told
    for bulletin in story:
        checked(write_cap(bulletin))


def test_that_time_passes_makes_no_bulletin(desk_of: Desk) -> None:
    reference = desk_of.announce(facts())
    assert desk_of.story(reference, 0) == desk_of.story(reference, 3) == desk_of.story(reference, 300)


def test_what_was_confirmed_stands_in_the_place_of_what_was_planned(desk_of: Desk) -> None:
    reference = desk_of.announce(facts(MILL, 2, 5, 26, 29))
    desk_of.then(reference, off(2.5), back(27))
    assert [one.windows for one in desk_of.story(reference, 27)] == [
        (Window(at(2), at(5)), Window(at(26), at(29))),
        (Window(at(2.5), at(5)), Window(at(26), at(29))),
        (Window(at(2.5), at(5)), Window(at(26), at(27))),
    ]


def test_what_went_off_after_its_window_has_no_end_that_anybody_knows(desk_of: Desk) -> None:
    reference = desk_of.announce(facts())
    desk_of.then(reference, off(6))
    assert desk_of.story(reference, 6)[-1].windows == (Window(at(6), None),)


def test_an_estimate_is_told_until_power_is_back(desk_of: Desk) -> None:
    estimate = Estimate(at(1), at(2), "crew", "low", at(0.5))
    reference = desk_of.announce(facts(HILL, -1, 9, outage_class="fault", estimate=estimate))
    desk_of.then(reference, back(1))
    story = desk_of.story(reference, 1)
    assert [one.estimate for one in story] == [estimate, None]
    assert "Expected back: Fri 1 May 2026, 10:00 – 11:00\nNext word at: Fri 1 May 2026, 09:30" in in_english(story[0])


def in_english(bulletin: Bulletin) -> str:
    return bulletin.in_language("en").description


# Where, and how many.


def test_places_and_numbers_are_those_of_the_public_map(desk_of: Desk) -> None:
    reference = desk_of.announce(facts())
    (bulletin,) = desk_of.story(reference)
    assert [area.names for area in bulletin.areas] == [(("zh-CN", "磨坊社区"), ("en", "Mill Lane"))]
    assert [shapely.area(polygon) > 0 for area in bulletin.areas for polygon in area.polygons] == [True]
    assert bulletin.at_least == 15  # of 16
    assert bulletin.web == f"{PAGE}#{reference}"


def test_a_small_group_is_counted_in_a_larger_place_without_a_number(service: Service, desk_of: Desk) -> None:
    desk_of.announce(facts(HILL, -1, 1, outage_class="fault"))
    service.live.catch_up()
    strict = Bulletins(service, PUBLISHER, page=PAGE, threshold=9)
    (bulletin,) = strict.published(NOW).newest
    assert bulletin.at_least is None
    assert bulletin.areas[0].polygons == () or "Little Hill" not in str(bulletin.areas)


def test_how_many_of_them_are_still_off_is_not_told_where_some_are_back(desk_of: Desk) -> None:
    reference = desk_of.announce(facts())
    desk_of.then(reference, off(2), Staged((Timed(at(3), "close", "TIE"),), at(3), BY))
    partly = desk_of.story(reference, 3)[-1]
    assert partly.at_least is None
    assert in_english(partly).startswith("Power is back for some of the customers.")


# Restored, and yet not everybody has power.

WHOLE = "Power is back"


@pytest.mark.parametrize(
    ("other", "says"),
    [
        (facts({"open": ["L2"]}, 1, 9), "This outage has ended."),  # some of the same customers
        (facts({"open": ["B1"]}, 1, 9), "This outage has ended."),  # all of them
        (facts(HILL, 1, 9), WHOLE),  # none of them
        (facts({"open": ["L2"]}, 6, 9), WHOLE),  # not off yet
    ],
)
def test_restored_is_not_said_of_those_whom_another_outage_holds_off(desk_of: Desk, other: OutageFacts, says: str) -> None:
    reference = desk_of.announce(facts())
    desk_of.announce(other)
    desk_of.then(reference, off(2), back(4))
    last = desk_of.story(reference, 4)[-1]
    assert last.status == "restored"
    assert in_english(last).startswith(says)
    told = " ".join(f"{words.headline} {words.description}" for words in last.words)
    assert (WHOLE in told) == ("已恢复供电。" in told) == (says == WHOLE)


@pytest.mark.parametrize("undo", [False, True])
def test_what_becomes_of_the_other_later_does_not_change_what_was_told(desk_of: Desk, *, undo: bool) -> None:
    reference, other = desk_of.announce(facts()), desk_of.announce(facts({"open": ["L2"]}, 1, 9))
    desk_of.then(other, off(1))
    desk_of.then(reference, off(2), back(4))
    then = desk_of.story(reference, 4)
    desk_of.then(other, back(5), *([Undone(5, at(6), BY, "x"), back(6.5)] if undo else []))
    desk_of.announce(facts({"open": ["B1"]}, 3, 9), 6)
    assert desk_of.story(reference, 7) == then
    assert in_english(then[-1]).startswith("This outage has ended.")
    assert in_english(desk_of.story(other, 7)[-1]).startswith(WHOLE) == (not undo)


def test_a_plan_that_is_called_off_later_held_its_customers_off_until_then(desk_of: Desk) -> None:
    """Nobody confirmed that its power was off; by what was known it was."""
    reference, other = desk_of.announce(facts()), desk_of.announce(facts({"open": ["L2"]}, 1, 9))
    desk_of.then(reference, off(2), back(4))
    then = desk_of.story(reference, 4)
    desk_of.then(other, Cancelled(at(5), BY, "it did not take place"))
    assert desk_of.story(reference, 6) == then
    assert in_english(then[-1]).startswith("This outage has ended.")


# One that is bad stops no other.


def test_what_affects_nobody_has_no_bulletin(desk_of: Desk) -> None:
    desk_of.announce(facts(NOBODY_OFF))
    good = desk_of.announce(facts())
    assert [one.reference for one in desk_of.maker().published(NOW).newest] == [good]


@pytest.mark.parametrize(
    "error", [NetworkChangedError("x", UnknownIdError("device", "S1", [])), RuntimeError("nobody thought of this")]
)
def test_an_outage_that_cannot_be_worked_out_has_none_and_stops_no_other(
    desk_of: Desk, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    bad, good = desk_of.announce(facts()), desk_of.announce(facts(WILLOW))
    find, work_out = desk_of.service.store.find_impact, desk_of.service.impact_in_force

    def impact(outage: Outage) -> Any:
        if outage.id == bad:
            raise error
        return work_out(outage)

    monkeypatch.setattr(
        desk_of.service.store, "find_impact", lambda outage_id, seq: None if outage_id == bad else find(outage_id, seq)
    )
    monkeypatch.setattr(desk_of.service, "impact_in_force", impact)
    assert [one.reference for one in desk_of.maker().published(NOW).newest] == [good]


def test_what_cannot_be_told_is_left_out_and_what_follows_is_told(desk_of: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """A name with a mark that turns the direction of reading: it is in no bulletin."""
    names = desk_of.service.utility.names
    monkeypatch.setitem(names, "en", "Dong\u202egang")
    reference = desk_of.announce(facts())
    maker = desk_of.maker()
    assert maker.published(NOW).newest == ()
    monkeypatch.setitem(names, "en", "Donggang Power Supply")
    desk_of.then(reference, off(2))
    assert [one.kind for one in maker.published(at(2)).newest] == ["update"]


def test_what_was_told_stays_when_the_store_is_lost(desk_of: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    reference = desk_of.announce(facts())
    maker = desk_of.maker()
    before = maker.published(NOW)
    desk_of.then(reference, Revised(facts(MILL, 3, 6), NOW, BY), Approved(NOW, BOSS))
    later = desk_of.announce(facts(WILLOW))
    desk_of.service.live.catch_up()

    def lost(*_: object) -> Any:
        raise StoreError("the disk is gone")

    with monkeypatch.context() as patch:
        patch.setattr(desk_of.service.store, "find_impact", lost)
        assert maker.published(NOW) is before
    assert {one.reference for one in maker.published(NOW).newest} == {reference, later}


# What is published.


def test_what_is_over_stays_for_seven_days_and_what_goes_on_for_ever(desk_of: Desk) -> None:
    over, on = desk_of.announce(facts()), desk_of.announce(facts(WILLOW))
    desk_of.then(over, off(2), back(4))
    maker = desk_of.maker()
    for now, found in ((at(4) + KEPT, {over, on}), (at(4) + KEPT + MINUTE, {on}), (at(4) + 50 * KEPT, {on})):
        assert {one.reference for one in maker.published(now).newest} == found
        names = maker.published(now).by_name
        assert {one.reference for one in names.values()} == found
        assert all(identifier(one.reference, one.revision) == name for name, one in names.items())


def test_whom_it_affects_is_the_same_as_it_was_kept_and_worked_out_again(desk_of: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    for one in (facts(WILLOW, 1, 2), facts({"open": ["S1", "L2"], "close": ["TIE"]}, 20, 21)):
        desk_of.announce(one)
    kept = desk_of.maker().published(NOW).newest
    monkeypatch.setattr("api.bulletins.RULES", "other rules")
    assert desk_of.maker().published(NOW).newest == kept
    assert [one.at_least for one in kept] == [10, 10]  # of 12 and of 10: six more are moved to another feeder


def test_nothing_is_made_twice(desk_of: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    one, other = desk_of.announce(facts()), desk_of.announce(facts(WILLOW))
    maker = desk_of.maker()
    published = maker.published(NOW)
    asked: list[str] = []
    find = desk_of.service.store.find_impact

    def find_impact(outage_id: str, seq: int) -> Any:
        asked.append(outage_id)
        return find(outage_id, seq)

    monkeypatch.setattr(desk_of.service.store, "find_impact", find_impact)
    assert maker.published(NOW + MINUTE) is published
    desk_of.then(one, off(2))
    changed = maker.published(at(2))
    assert asked == []  # where it is has not changed, only that it is off
    assert {bulletin.reference: bulletin.revision for bulletin in changed.newest} == {one: 4, other: 3}


# Words.

LONG = "非常非常长的地名" * 8
MANY = tuple(Window(at(24 * day), at(24 * day + 8)) for day in range(1, 300))


@pytest.mark.parametrize("names", [[LONG], [LONG] * 400, ["Mill Lane", "Willow Bank"], ["甲"] * 3, ["甲"] * 4])
@pytest.mark.parametrize("windows", [MANY[:1], MANY[:2], MANY, (Window(at(-5), None),)])
@pytest.mark.parametrize("phase", ["ahead", "off", "partly", "back", "over", "withdrawn"])
def test_words_are_never_too_long(phase: Any, windows: tuple[Window, ...], names: list[str]) -> None:
    utility = Utility({"zh": "东港供电公司", "en": "Donggang"}, "95598", "Asia/Shanghai")
    areas = tuple(Area((("zh-CN", name), ("en", name))) for name in names)
    ended = windows if windows[-1].end else (Window(windows[0].start, NOW),)
    longest = max(OUTAGE_CLASSES, key=lambda one: len(CLASSES[one]))
    told = Told(phase, longest, "r" * 300, ended if phase in ("back", "over") else windows, areas, 5, None)
    for language in utility.languages:
        words = words_of(told, utility, language, reference="20260501-K7QM", sent=NOW, is_changed=True)
        assert len(words.headline) <= LONGEST_HEADLINE
        assert len(words.description) < 10_000
        assert "None" not in words.headline
        assert "{" not in words.headline + words.description + words.instruction


@pytest.mark.parametrize(
    ("hours", "says"),
    [
        (1, "Planned outage: Mill Lane, Fri 1 May 2026, 11:00 – 14:00, 2 times in all"),
        (3, "Planned outage: Mill Lane, power off since Fri 1 May 2026, 11:00"),
        (9, "Planned outage: Mill Lane, Sat 2 May 2026, 11:00 – 14:00, 2 times in all"),
        (27, "Planned outage: Mill Lane, power off since Sat 2 May 2026, 11:00"),
    ],
)
def test_a_headline_tells_the_window_that_goes_on_or_comes_next(desk_of: Desk, hours: float, says: str) -> None:
    reference = desk_of.announce(facts(MILL, 2, 5, 26, 29))
    desk_of.then(reference, Revised(facts(MILL, 2, 5, 26, 29, reason="设备更换"), at(hours), BY), Approved(at(hours), BOSS))
    last = desk_of.story(reference, hours)[-1]
    assert last.in_language("en").headline == f"Changed: {says}"
    assert last.in_language("zh-CN").headline.startswith("变更：计划停电：磨坊社区，")
    assert last.in_language("en").cause == "replacement of equipment"


# Whatever happens to an outage.

SWITCHINGS = (MILL, WILLOW, NOBODY_OFF, {"open": ["L2"]})
Draw = Callable[[st.SearchStrategy[Any]], Any]


def random_facts(draw: Draw, hours: float) -> OutageFacts:
    start = hours + draw(st.sampled_from([-2, 1, 24]))
    return facts(
        draw(st.sampled_from(SWITCHINGS)),
        *(start, start + 4, start + 10, start + 12)[: draw(st.sampled_from([2, 4]))],
        reason=draw(st.sampled_from(["线路检修", "balloon in the line"])),
        outage_class=draw(st.sampled_from(["planned", "temporary", "other"])),
    )


def random_event(draw: Draw, outage: Outage, hours: float) -> Event:
    """Any event that may follow, told ``hours`` from now."""
    now, kind = at(hours), draw(st.sampled_from(allowed(outage)))
    then = now - draw(st.sampled_from([0, 30, 200])) * MINUTE
    close = (Timed(now, "close", "TIE"),)
    made: dict[str, Callable[[], Event]] = {
        "revised": lambda: Revised(random_facts(draw, hours), now, BY, "why"),
        "submitted": lambda: Submitted(now, BY),
        "approved": lambda: Approved(now, BOSS),
        "rejected": lambda: Rejected(now, BOSS, "why"),
        "switched_off": lambda: SwitchedOff(then, now, BY),
        "staged": lambda: Staged(close, now, BY),
        "restored": lambda: Restored(then, now, BY),
        "closed": lambda: Closed(now, BY),
        "cancelled": lambda: Cancelled(now, BY, "why"),
        "undone": lambda: Undone(outage.last_seq, now, BOSS, "why"),
    }
    return made[kind]()


@pytest.fixture(scope="module")
def shared(town: Network, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    store = open_store(f"sqlite:///{tmp_path_factory.mktemp('bulletins')}/outages.db")
    yield Desk(Service(town, store, Utility({"zh": "东港供电公司", "en": "Donggang"}, "95598", "Asia/Shanghai")))
    store.close()


@settings(max_examples=30, deadline=None)
@given(st.data())
def test_whatever_happens_the_chain_is_whole_and_the_same_however_it_is_made(shared: Desk, data: st.DataObject) -> None:
    service, followed = shared.service, shared.maker()
    outage = service.enter(random_facts(data.draw, 0), by=BY, now=NOW)
    told: list[Bulletin] = []
    for number in range(1, data.draw(st.integers(1, 12))):
        try:
            outage = shared.then(outage.id, random_event(data.draw, outage, number / 2))
        except TransitionError:
            continue  # the time that was drawn is impossible
        names = followed.published(at(number / 2)).by_name
        found = sorted((one for one in names.values() if one.reference == outage.id), key=lambda one: one.revision)
        assert found[: len(told)] == told, "what was told once is never changed"
        told = found
    for number, bulletin in enumerate(told):
        assert [(one.revision, one.sent, one.windows) for one in bulletin.earlier] == [
            (one.revision, one.sent, one.windows) for one in told[:number]
        ]
        assert (bulletin.kind == "first") == (number == 0)
        assert bulletin.sent == service.history(outage.id)[bulletin.revision - 1].at
        checked(write_cap(bulletin))
    again = shared.story(outage.id, 6)
    assert [write_cap(one) for one in again] == [write_cap(one) for one in told]
    in_force = outage.in_force is not None and outage.status not in ("restored", "closed", "cancelled")
    assert [one.status in ("planned", "current") for one in told[-1:]] == [in_force and _affects(service, outage)] * len(
        told[-1:]
    )


def _affects(service: Service, outage: Outage) -> bool:
    return bool(len(service.impact_in_force(outage).affected))


def test_clocks_that_differ_do_not_turn_the_order(desk_of: Desk) -> None:
    reference = desk_of.announce(facts(), 1)
    desk_of.then(reference, Cancelled(at(0.5), BY, "why"))  # recorded by a machine whose clock is behind
    story = desk_of.story(reference, 1)
    assert [(one.kind, one.sent) for one in story] == [("first", at(1)), ("cancel", at(1))]
