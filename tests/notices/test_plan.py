"""Who is told what by which channel: kinds, audiences and channels; that nobody is told twice, wrongly or not at all."""

from __future__ import annotations

import tracemalloc
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geo.schema import GridTables
from notices.audiences import PERSONAL, ROLES
from notices.people import BLOCK
from notices.plan import (
    PREFERENCES,
    Addressed,
    People,
    Plan,
    PlanError,
    Sets,
    Subscriber,
    Telling,
    Way,
    audiences_for,
    plan,
    telling_for,
    unacknowledged,
)
from notices.rulebook import rule_sets
from notices.rules import Case
from outages.facts import OUTAGE_CLASSES, Window
from tests.notices.conftest import tables_of
from tests.outages.strategies import START

RULES = rule_sets()
EVERYONE = telling_for("planned", everyone=True)
PLACES = [
    {"id": "P0", "kind": "county", "name": "清河县", "name_en": "Qinghe County"},
    {"id": "P1", "parent_id": "P0", "kind": "community", "name": "柳树", "name_en": "Willow"},
    {"id": "P2", "parent_id": "P1", "kind": "street", "name": "中山路", "name_en": "Hill Street"},
    {"id": "P3", "parent_id": "P0", "kind": "community", "name": "杨树", "name_en": "Poplar"},
]


def rows(*numbers: int) -> np.ndarray:
    return np.array(numbers, dtype=np.int32)


def people_of(*customers: dict[str, Any], dedicated: Iterable[int] = ()) -> People:
    """People of customers C0, C1, …; some at a transformer of their own."""
    fed_by = np.array([0 if row in set(dedicated) else -1 for row in range(len(customers))])
    tables = tables_of(PLACES, list(customers), [{"id": "T0", "ownership": "dedicated"}])
    return People.of(tables, transformer_of_customer=fed_by)


def phone(number: int) -> str:
    return f"1380000{number:04d}"


def told(people: People, telling: Telling = EVERYONE, **options: Any) -> list[tuple[str, str, str]]:
    """Recipient, channel and address of the first notice to everybody."""
    made = plan(people, Sets(None, np.arange(len(people))), telling, change="first", **options)
    return [(one.recipient.removeprefix("customer:"), one.channel, one.address) for one in made.messages()]


# Kinds ---------------------------------------------------------------------------------------------------------------

# Told before, affected now, restored, changed → what each customer (a person each) is told, by hand.
KINDS_BY_HAND: list[tuple[str, dict[str, Any], dict[str, list[int]]]] = [
    ("first", {"told": None, "now": [0, 1]}, {"first": [0, 1]}),
    ("first", {"told": [], "now": [0, 1]}, {"first": [0, 1]}),
    ("reschedule", {"told": [0, 1, 2], "now": [1, 2, 3]}, {"reschedule": [1, 2], "first": [3], "unaffected": [0]}),
    ("reschedule", {"told": None, "now": [1]}, {"first": [1]}),
    ("extension", {"told": [0, 1], "now": [0], "restored": [1]}, {"extension": [0], "restoration": [1]}),
    ("scope_change", {"told": [0, 1], "now": [0, 1, 2], "changed": []}, {"first": [2]}),
    ("scope_change", {"told": [0, 1], "now": [0, 1, 2], "changed": [1]}, {"scope_change": [1], "first": [2]}),
    ("reminder", {"told": [0], "now": [0]}, {"reminder": [0]}),
    ("cancellation", {"told": [0, 1], "now": []}, {"cancellation": [0, 1]}),
    ("cancellation", {"told": None, "now": []}, {}),
    ("restoration", {"told": [0, 1], "now": [], "restored": [0, 1]}, {"restoration": [0, 1]}),
    # Those who are still off never hear that power is back; and whoever was never told of it need not.
    ("restoration", {"told": [0, 1], "now": [1], "restored": [0, 3]}, {"restoration": [0], "reminder": [1]}),
    ("restoration", {"told": [0, 1, 2], "now": [], "restored": [0]}, {"restoration": [0], "unaffected": [1, 2]}),
]


def sets_of(**given: Any) -> Sets:
    return Sets(**{name: None if numbers is None else rows(*numbers) for name, numbers in given.items()})


@pytest.mark.parametrize(("change", "given", "kinds"), KINDS_BY_HAND)
def test_each_customer_gets_the_kind_that_is_true_for_it(change: Any, given: dict[str, Any], kinds: dict[str, list[int]]) -> None:
    people = people_of(*({"phone": phone(number)} for number in range(4)))
    made = plan(people, sets_of(**given), EVERYONE, change=change)
    assert {kind: found.tolist() for kind, found in made.kinds.items()} == kinds
    by_message = {kind: [f"C{number}" for number in numbers] for kind, numbers in kinds.items()}
    found: dict[str, list[str]] = {}
    for one in made.messages():
        found.setdefault(one.kind, []).extend(one.customer_ids)
    assert found == by_message


REFUSED: list[tuple[str, dict[str, Any], str]] = [
    ("first", {"told": [0], "now": [0]}, "Say what has changed"),
    ("unaffected", {"told": [0], "now": []}, "no reason for a notice"),
    ("moved", {"told": [0], "now": []}, "Take one of first"),
    ("cancellation", {"told": [0], "now": [0]}, "Give none as affected"),
    ("restoration", {"told": [0], "now": [0], "restored": [0]}, "as affected and as restored"),
    ("reminder", {"told": [0], "now": [4]}, "a table of 4 customers"),
    ("reminder", {"told": [-1], "now": [0]}, "int32 from -1 to -1"),
]


@pytest.mark.parametrize(("change", "given", "says"), REFUSED)
def test_sets_that_contradict_each_other_are_refused(change: Any, given: dict[str, Any], says: str) -> None:
    people = people_of(*({} for _ in range(4)))
    with pytest.raises(PlanError, match=says):
        plan(people, sets_of(**given), EVERYONE, change=change)


def test_a_person_with_several_service_points_is_told_one_thing() -> None:
    """C0–C1: one told and gone, one still affected. C2–C3: one told and gone, one new. C4–C5: one restored, one left out."""
    people = people_of(*({"account": f"A{number // 2}", "phone": phone(number // 2)} for number in range(6)))
    made = plan(people, Sets(rows(0, 1, 2, 4, 5), rows(1, 3), rows(4)), EVERYONE, change="extension")
    kinds = {one.kind: one.customer_ids for one in made.messages() if one.kind == "restoration"}
    assert [(one.kind, one.customer_ids) for one in made.messages() if one.kind == "extension"] == [
        ("extension", ("C0", "C1")),
        ("extension", ("C2", "C3")),
    ]
    assert kinds == {"restoration": ("C4", "C5")}
    # What the words cover goes by service point, and is true for each.
    assert made.about("extension").tolist() == [1, 3]
    assert made.about("unaffected").tolist() == [0, 2, 5]
    assert made.about("restoration").tolist() == [4]
    assert made.told_after.tolist() == [1, 3]


def test_an_account_with_one_thing_unchanged_and_one_new_hears_of_the_change() -> None:
    people = people_of({"account": "A", "phone": phone(1)}, {"account": "A"}, {"phone": phone(2)})
    made = plan(people, Sets(rows(0, 2), rows(0, 1, 2), changed=rows()), EVERYONE, change="scope_change")
    assert [(one.kind, one.customer_ids) for one in made.messages()] == [("scope_change", ("C0", "C1"))]
    assert made.kept.tolist() == [2]


# Audiences, ways, rules ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("outage_class", "in_person"),
    [
        ("planned", {"dedicated"}),
        ("load_transfer", {"dedicated"}),
        ("temporary", {"important"}),
        ("fault", {"important"}),
        ("over_capacity", {"important"}),
        ("orderly_use", {"important"}),
        ("meter_box", set()),
        ("other", set()),
    ],
)
def test_the_class_says_who_is_told_in_person(outage_class: str, in_person: set[str]) -> None:
    assert audiences_for(outage_class) == {"public", "life_support"} | in_person
    assert audiences_for(outage_class, everyone=True) == {"public", "life_support", "customers"} | in_person


def test_every_class_has_audiences_and_no_other() -> None:
    assert all({"public", "life_support"} <= audiences_for(name) for name in OUTAGE_CLASSES)
    with pytest.raises(PlanError, match="Take one of planned"):
        audiences_for("plannd")


def case(outage_class: str = "planned", *, cancelled: bool = False) -> Case:
    reach = {"customers": 20, "dedicated": 2, "important": 3, "life_support": 1}
    windows = (Window(START, START + timedelta(hours=6)),)
    return Case(outage_class, windows, reach, cancelled_at=START - timedelta(days=9) if cancelled else None)


# What the shipped rules ask for on top: audiences, who is told whatever they opted out of, ways on paper.
ASKED = [
    ("cn", case(), set(), set(), set()),  # customers or an announcement
    ("cn", case("temporary"), set(), {"important"}, set()),
    ("uk", case(), {"customers"}, {"customers"}, set()),
    ("vn", case(), {"customers"}, {"customers"}, set()),
    ("no", case(), {"customers"}, set(), set()),  # normally
    ("us-me", case(), set(), set(), set()),
    ("au", case(), set(), set(), {"life_support"}),
    ("au-vic", case(), {"customers"}, {"customers"}, set(ROLES)),
    ("au-vic", case(cancelled=True), {"customers"}, set(), set()),  # where possible
]


@pytest.mark.parametrize(("name", "one", "audiences", "obliged", "on_paper"), ASKED)
def test_rules_add_audiences_duties_and_ways(
    name: str, one: Case, audiences: set[str], obliged: set[str], on_paper: set[str]
) -> None:
    telling = telling_for(one.outage_class, RULES[name], one)
    assert telling.audiences - audiences_for(one.outage_class) == audiences
    assert telling.obliged - {"life_support"} == obliged
    required = {role for role in ROLES for way in telling.ways[role] if way.required}
    assert required == on_paper
    assert all(Way(("letter", "door_card"), required=True) in telling.ways[role] for role in on_paper)


def test_rules_say_nothing_without_a_case() -> None:
    assert audiences_for("planned", RULES["uk"]) == audiences_for("planned")


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"audiences": frozenset({"public"})}, "add life_support"),
        ({"ways": {"life_support": (Way(("sms",)),)}}, "dedicated are to be told in person"),
        ({"ways": {**PREFERENCES, "important": (Way(("sms", "tv")),)}}, "tv: no channel that reaches a person"),
        ({"public_channels": ("web", "sms")}, "sms: no channel that reaches the public"),
    ],
)
def test_a_telling_that_reaches_nobody_is_refused(changes: dict[str, Any], says: str) -> None:
    with pytest.raises(PlanError, match=says):
        replace(telling_for("planned"), **changes)


# Channels ------------------------------------------------------------------------------------------------------------

FULL = {"phone": phone(1), "email": "ann@example.org", "place_id": "P2", "house_number": "12"}
ADDRESS = "清河县柳树中山路12号"
# A customer alone → its channels.
CHANNELS: list[tuple[str, str, dict[str, Any], list[str]]] = [
    ("planned", "life_support", {}, ["sms"]),
    ("planned", "life_support", {"phone": None}, ["email"]),
    ("planned", "life_support", {"phone": "ask", "email": None}, []),
    ("planned", "dedicated", {}, ["sms", "letter"]),
    ("planned", "dedicated", {"phone": None}, ["email", "letter"]),
    ("planned", "dedicated", {"phone": None, "email": None}, ["letter"]),
    ("planned", "dedicated", {"place_id": None, "house_number": None}, ["sms"]),
    ("planned", "important", {}, []),
    ("planned", "none", {}, []),
    ("fault", "important", {}, ["call", "sms"]),
    ("fault", "important", {"phone": "12"}, []),
    ("fault", "dedicated", {}, []),
    ("fault", "life_support", {}, ["sms"]),
]


@pytest.mark.parametrize(("outage_class", "role", "changes", "channels"), CHANNELS)
def test_the_role_says_by_which_channels(outage_class: str, role: str, changes: dict[str, Any], channels: list[str]) -> None:
    priority = role if role in ("life_support", "important") else "none"
    people = people_of({**FULL, "priority": priority, **changes}, dedicated=[0] if role == "dedicated" else [])
    addresses = {"sms": phone(1), "call": phone(1), "email": "ann@example.org", "letter": ADDRESS}
    assert told(people, telling_for(outage_class)) == [("C0", channel, addresses[channel]) for channel in channels]


@pytest.mark.parametrize(
    ("changes", "channel"), [({}, "sms"), ({"phone": "?"}, "email"), ({"phone": None, "email": "?"}, "letter")]
)
def test_everyone_in_person_is_told_by_the_first_channel_that_finds_them(changes: dict[str, Any], channel: str) -> None:
    assert [one[1] for one in told(people_of({**FULL, **changes}))] == [channel]


def test_the_highest_role_decides_on_channel_contact_language_and_answer() -> None:
    office = {"account": "A", "phone": phone(1), "priority": "important", "language": "zh-CN", "name": "Works"}
    home = {"account": "A", "phone": phone(2), "priority": "life_support", "language": "en", "name": "Ann Lee"}
    (one,) = plan(people_of(office, home), Sets(None, rows(0, 1)), EVERYONE, change="first").messages()
    assert one == Addressed(
        "customer:C0", "first", "life_support", "sms", "en", phone(2), ("C1", "C0"), "Ann Lee and Works", "", needs_ack=True
    )


def test_a_contact_of_a_service_point_that_is_not_off_will_do() -> None:
    people = people_of({"account": "A"}, {"account": "A", "phone": phone(1)})
    made = plan(people, Sets(None, rows(0)), EVERYONE, change="first")
    assert [(one.address, one.customer_ids) for one in made.messages()] == [(phone(1), ("C0",))]


def test_two_accounts_with_one_number_are_told_once_where_it_is_the_same_and_by_letter_each() -> None:
    shared = {"phone": phone(1), "place_id": "P2"}
    people = people_of(*({**shared, "account": f"A{n}", "house_number": str(n)} for n in range(2)), dedicated=[0, 1])
    made = list(plan(people, Sets(None, rows(0, 1)), telling_for("planned"), change="first").messages())
    assert [(one.channel, one.customer_ids) for one in made] == [
        ("sms", ("C0", "C1")),
        ("letter", ("C0",)),
        ("letter", ("C1",)),
    ]
    # One was told, the other is new: each has to hear its own.
    made = list(plan(people, Sets(rows(0), rows(0, 1)), telling_for("planned"), change="reschedule").messages())
    assert [(one.kind, one.customer_ids) for one in made if one.channel == "sms"] == [
        ("reschedule", ("C0",)),
        ("first", ("C1",)),
    ]


@pytest.mark.parametrize(
    ("language", "count", "name", "place"),
    [
        ("zh", 1, "甲0", "清河县柳树中山路0号"),
        ("zh", 2, "甲0、甲1", "清河县柳树中山路0号；清河县柳树中山路1号"),
        ("en", 3, "甲0, 甲1 and 甲2", "0 Hill Street, Willow, Qinghe County; 1 Hill Street, Willow, Qinghe County; …"),
        ("en", 4, "", "0 Hill Street, …"),
        ("zh", 6, "", "…清河县柳树中山路4号等 6 处"),
        ("en", 6, "", "…4 Hill Street, Willow, Qinghe County; … (6 addresses)"),
    ],
)
def test_names_and_addresses_are_joined(language: str, count: int, name: str, place: str) -> None:
    one = {"account": "A", "phone": phone(1), "place_id": "P2", "language": language}
    people = people_of(*({**one, "name": f"甲{n}", "house_number": str(n)} for n in range(count)))
    (message,) = plan(people, Sets(None, np.arange(count)), EVERYONE, change="first").messages()
    begin, _, end = place.partition("…") if place.count("…") == 1 else ("", "", place[1:])
    assert message.name == name
    assert message.place.startswith(begin)
    assert message.place.endswith(end)


def test_the_address_in_a_message_is_of_what_is_affected() -> None:
    one = {"account": "A", "phone": phone(1), "place_id": "P2"}
    people = people_of({**one, "house_number": "1"}, {**one, "house_number": "2"})
    still = plan(people, Sets(rows(0, 1), rows(1)), EVERYONE, change="extension")
    gone = plan(people, Sets(rows(0), rows()), EVERYONE, change="scope_change")
    assert [one.place for made in (still, gone) for one in made.messages()] == ["清河县柳树中山路2号", "清河县柳树中山路1号"]


# Those whom nothing reaches ------------------------------------------------------------------------------------------


def test_what_is_no_contact_is_listed_masked_and_holds_nobody_up() -> None:
    people = people_of({"phone": "ask the porter"}, {"phone": phone(1)}, {}, {"phone": "13800\x0000000", "place_id": "P2"})
    made = plan(people, Sets(None, rows(0, 1, 2, 3)), EVERYONE, change="first")
    assert [one.customer_ids for one in made.messages()] == [("C1",), ("C3",)]
    assert made.unreachable.tolist() == [0, 2]
    found = list(made.list_unreachable())
    codes = [[problem.code for problem in one.problems] for one in found]
    assert codes == [["phone_invalid", "email_missing", "address_missing"], ["phone_missing", "email_missing", "address_missing"]]
    assert found[0].problems[0].given == "as…er"
    assert found[0].channels == ("sms", "email", "letter")
    assert not any(one.reached for one in found)


def test_who_has_no_postal_address_is_listed_where_a_rule_asks_for_paper_though_reached() -> None:
    telling = telling_for("planned", RULES["au-vic"], case())
    made = plan(people_of({"phone": phone(2)}, FULL), Sets(None, rows(0, 1)), telling, change="first")
    assert [(one.channel, one.customer_ids) for one in made.messages()] == [
        ("sms", ("C0",)),
        ("sms", ("C1",)),
        ("letter", ("C1",)),
    ]
    (one,) = made.list_unreachable()
    assert (one.customer_ids, one.channels, one.reached) == (("C0",), ("letter", "door_card"), True)
    # Paper is for what the rule sets a limit to: a reminder goes without.
    again = plan(people_of({"phone": phone(2)}, FULL), Sets(rows(0, 1), rows(0, 1)), telling, change="reminder")
    assert {one.channel for one in again.messages()} == {"sms"}
    assert not len(again.unreachable)


def test_life_support_without_a_contact_is_called_and_never_lost() -> None:
    one = {"priority": "life_support", "place_id": "P2", "house_number": "3", "name": "王芳"}
    people = people_of({**one, "phone": "?", "email": "nobody"}, {**one, "email": "ann@example.org"}, one)
    made = plan(people, Sets(None, rows(0, 1, 2)), telling_for("meter_box"), change="first")
    assert [(one.customer_ids, one.needs_ack) for one in made.messages()] == [(("C1",), True)]
    first, second = made.call_list
    assert (first.customer_id, first.name, first.place, first.phone) == ("C0", "王芳", "清河县柳树中山路3号", "")
    assert [problem.code for problem in first.problems] == ["phone_invalid", "email_invalid"]
    assert [problem.code for problem in second.problems] == ["phone_missing", "email_missing"]


@pytest.mark.parametrize(
    ("change", "sets", "needed"),
    [
        ("reschedule", Sets(rows(0), rows(0)), True),
        ("reminder", Sets(rows(0), rows(0)), True),
        ("cancellation", Sets(rows(0), rows()), False),
        ("restoration", Sets(rows(0), rows(), rows(0)), False),
        ("scope_change", Sets(rows(0), rows()), False),
    ],
)
def test_an_answer_is_needed_to_a_warning_alone(change: Any, sets: Sets, needed: bool) -> None:
    people = people_of({"priority": "life_support", "phone": phone(1)})
    (one,) = plan(people, sets, telling_for("fault"), change=change).messages()
    assert one.needs_ack is needed


def test_nobody_is_called_for_whom_nothing_is_different() -> None:
    people = people_of({"priority": "life_support"}, {"priority": "life_support"})
    made = plan(people, Sets(rows(0), rows(0, 1), changed=rows()), EVERYONE, change="scope_change")
    assert [one.customer_id for one in made.call_list] == ["C1"]
    assert made.unreachable.tolist() == [1]


def test_who_does_not_answer_is_called() -> None:
    one = {"priority": "life_support"}
    people = people_of(
        {**one, "phone": phone(1)}, {**one, "account": "A"}, {"account": "A", "phone": phone(2)}, {**one, "phone": "?"}, {}
    )
    silent = unacknowledged(people, np.arange(5), {"C0", "C9"})
    assert [(one.customer_id, one.phone) for one in silent] == [("C1", phone(2)), ("C3", "")]
    assert {problem.code for one in silent for problem in one.problems} == {"not_acknowledged"}
    # An answer for another service point of the same person is an answer.
    assert [one.customer_id for one in unacknowledged(people, np.arange(5), {"C0", "C2"})] == ["C3"]
    assert unacknowledged(people, rows(4), ()) == ()


# Opt-outs ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("opt_outs", "channels"),
    [
        ([], ["sms", "letter"]),
        ([("sms", "138-0000 0001")], ["letter"]),  # and no e-mail instead
        ([("call", phone(1)), ("sms", phone(2)), ("email", "ann@example.org")], ["sms", "letter"]),
        ([("letter", f" {ADDRESS} ")], ["sms"]),
        ([("letter", ADDRESS), ("sms", phone(1))], []),
    ],
)
def test_an_opt_out_closes_the_way_it_is_met_on(opt_outs: list[tuple[str, str]], channels: list[str]) -> None:
    people = people_of(FULL, dedicated=[0])
    assert [one[1] for one in told(people, telling_for("planned"), opt_outs=opt_outs)] == channels
    made = plan(people, Sets(None, rows(0)), telling_for("planned"), change="first", opt_outs=opt_outs)
    assert made.opted_out.tolist() == ([] if channels else [0])
    assert not len(made.unreachable)


@pytest.mark.parametrize(("name", "told_anyway"), [("uk", True), ("vn", True), ("no", False)])
def test_an_opt_out_does_not_count_where_a_rule_obliges(name: str, told_anyway: bool) -> None:
    telling = telling_for("planned", RULES[name], case())
    opt_outs = [("sms", phone(1)), ("letter", ADDRESS)]
    assert bool(told(people_of(FULL), telling, opt_outs=opt_outs)) is told_anyway
    assert bool(told(people_of(FULL, dedicated=[0]), telling, opt_outs=opt_outs)) is told_anyway


def test_an_opt_out_does_not_count_for_life_support() -> None:
    people = people_of({**FULL, "priority": "life_support"})
    telling = replace(EVERYONE, obliged=frozenset())
    assert [one[1] for one in told(people, telling, opt_outs=[("sms", phone(1))])] == ["sms"]


# Subscribers, the public ---------------------------------------------------------------------------------------------


def subscriber(place: str, number: int = 1, **changes: Any) -> Subscriber:
    given = {"id": f"S{number}", "channel": "email", "address": f"s{number}@example.org", "language": "en"}
    return Subscriber(**{**given, "place_id": place, **changes})


@pytest.mark.parametrize(
    ("affected", "hear"),
    [
        ("P2", {"P0", "P1", "P2"}),  # the street, and what it lies in
        ("P1", {"P0", "P1", "P2"}),  # known no finer: it may be the street
        ("P3", {"P0", "P3"}),
        ("P0", {"P0", "P1", "P2", "P3"}),
        (None, set()),
    ],
)
def test_subscribers_hear_of_what_is_in_their_place_or_may_be(affected: str | None, hear: set[str]) -> None:
    subscribers = [subscriber(f"P{n}", n) for n in range(4)]
    made = plan(people_of({"place_id": affected}), Sets(None, rows(0)), EVERYONE, change="first", subscribers=subscribers)
    assert {f"P{one.recipient[-1]}" for one in made.to_subscribers} == hear
    assert all(one.audience == "subscribers" and one.kind == "first" for one in made.to_subscribers)


@pytest.mark.parametrize(
    ("change", "sets", "was_there", "kind"),
    [
        ("reschedule", Sets(rows(0), rows(0)), True, "reschedule"),
        ("reschedule", Sets(rows(0), rows(0)), False, "first"),
        ("scope_change", Sets(rows(0), rows(1)), True, "unaffected"),
        ("scope_change", Sets(rows(0), rows(1)), False, None),
        ("scope_change", Sets(rows(1), rows(0, 1)), True, "first"),
        ("scope_change", Sets(rows(0), rows(0, 1), changed=rows()), True, None),
        ("restoration", Sets(rows(0), rows(), rows(0)), True, "restoration"),
        ("cancellation", Sets(rows(0), rows()), True, "cancellation"),
        ("cancellation", Sets(rows(0), rows()), False, None),
    ],
)
def test_subscribers_hear_what_has_changed_at_their_place(change: Any, sets: Sets, was_there: bool, kind: str | None) -> None:
    people = people_of({"place_id": "P2"}, {"place_id": "P3"})
    made = plan(people, sets, EVERYONE, change=change, subscribers=[subscriber("P2", was_there=was_there)])
    assert [one.kind for one in made.to_subscribers] == ([kind] if kind else [])


def test_a_subscriber_who_is_told_as_a_customer_by_that_channel_gets_no_second_message() -> None:
    people = people_of({"place_id": "P2", "email": "Ann@example.org", "phone": phone(1)})
    subscribers = [
        subscriber("P2", 1, channel="sms", address="138 0000 0001"),
        subscriber("P2", 2, address="ann@example.org"),
    ]
    made = plan(people, Sets(None, rows(0)), EVERYONE, change="first", subscribers=subscribers)
    assert [(one.recipient, one.channel) for one in made.messages()] == [("customer:C0", "sms"), ("subscriber:S2", "email")]


def test_two_subscriptions_of_one_address_are_one_message_in_the_language_of_the_first() -> None:
    people = people_of({"place_id": "P2"}, {"place_id": "P3"})
    subscribers = [subscriber("P3", 2, address="s@x.org", language="zh-CN"), subscriber("P2", 1, address="S@x.org")]
    made = plan(people, Sets(rows(0), rows(1)), EVERYONE, change="scope_change", subscribers=subscribers)
    (one,) = made.to_subscribers
    assert (one.recipient, one.kind, one.language) == ("subscriber:S1", "scope_change", "en")
    assert one.place == "Hill Street, Willow, Qinghe County; Poplar, Qinghe County"


def test_a_place_that_was_subscribed_to_since_is_news_though_nothing_changed() -> None:
    people = people_of({"place_id": "P2"}, {"place_id": "P3"})
    both = Sets(rows(0, 1), rows(0, 1), changed=rows())
    old, new = subscriber("P2", 1, address="s@x.org"), subscriber("P3", 2, address="s@x.org", was_there=False)
    for listed, kinds in (([old], []), ([old, new], ["scope_change"])):
        made = plan(people, both, EVERYONE, change="scope_change", subscribers=listed)
        assert [one.kind for one in made.to_subscribers] == kinds


def test_subscribers_who_cannot_be_told_are_named_and_hold_nobody_up() -> None:
    subscribers = [
        subscriber("P9", 1),
        subscriber("P2", 2, address="nobody at home"),
        subscriber("P2", 3, channel="pigeon"),
        subscriber("P2", 4, address="gone@x.org"),
        subscriber("P2", 5),
    ]
    made = plan(
        people_of({"place_id": "P2"}),
        Sets(None, rows(0)),
        EVERYONE,
        change="first",
        subscribers=subscribers,
        opt_outs=[("email", "gone@x.org")],
    )
    assert [one.recipient for one in made.to_subscribers] == ["subscriber:S5"]
    assert [(one.subscriber_id, one.problem.code) for one in made.refused] == [
        ("S1", "place_unknown"),
        ("S2", "email_invalid"),
        ("S3", "channel_unknown"),
    ]


@pytest.mark.parametrize(
    ("change", "sets", "kinds"),
    [
        ("first", Sets(None, rows(0)), ["first"]),
        ("first", Sets(None, rows()), []),
        ("reschedule", Sets(rows(0), rows(0, 1)), ["reschedule"]),
        ("scope_change", Sets(rows(0), rows(1)), ["scope_change", "unaffected"]),
        ("restoration", Sets(rows(0, 1), rows(1), rows(0)), ["reminder", "restoration"]),
        ("restoration", Sets(rows(0, 1), rows(), rows(0, 1)), ["restoration"]),
        ("cancellation", Sets(rows(0), rows()), ["cancellation"]),
    ],
)
def test_the_public_is_told_what_holds_and_what_has_ended(change: Any, sets: Sets, kinds: list[str]) -> None:
    telling = telling_for("fault", public_channels=("newspaper", "web"))
    made = plan(people_of({}, {}), sets, telling, change=change)
    expected = [(f"public:{kind}:{language}", kind, channel, language)
                for channel in ("newspaper", "web") for language in ("zh", "en") for kind in kinds]  # fmt: skip
    assert [(one.recipient, one.kind, one.channel, one.language) for one in made.messages()] == expected
    assert {key[0] for key in made.texts} == set(kinds)


# Promises ------------------------------------------------------------------------------------------------------------

CONTACTS = {
    "account": [None, None, "A", "B", "C"],
    "phone": [None, "?", "138 0000 0001", "13800000001", phone(2), phone(3)],
    "email": [None, "?", "a@x.org", "A@x.org", "b@x.org"],
    "place_id": [None, "P1", "P2", "P3"],
    "priority": ["none", "none", "important", "life_support"],
    "language": [None, "en", "zh-CN"],
}
MANY = 8


some_customers = st.fixed_dictionaries({field: st.sampled_from(few) for field, few in CONTACTS.items()})


@st.composite
def some_people(draw: st.DrawFn) -> People:
    customers = draw(
        st.lists(st.fixed_dictionaries({k: st.sampled_from(v) for k, v in CONTACTS.items()}), min_size=1, max_size=MANY)
    )
    return people_of(*customers, dedicated=draw(st.sets(st.integers(0, MANY))))


some_tellings = st.sampled_from(
    [
        EVERYONE,
        telling_for("planned"),
        telling_for("fault"),
        telling_for("planned", RULES["au-vic"], case()),
        telling_for("planned", RULES["uk"], case()),
    ]
)
some_opt_outs = st.sets(
    st.sampled_from([("sms", phone(1)), ("call", phone(1)), ("email", "a@x.org"), ("sms", phone(3)), ("letter", "清河县杨树")])
)


@dataclass
class Heard:
    """An oracle with no arrays: what each customer was told so far, person by person."""

    persons: dict[str, set[int]]
    told: set[int]

    def kinds(self, change: str, now: set[int], back: set[int]) -> dict[int, str]:
        found: dict[int, str] = {}
        for members in self.persons.values():
            was, stays = members & self.told, members & now
            if not was | stays:
                continue
            if change == "cancellation":
                kind = "cancellation"
            elif stays:
                kind = ("reminder" if change == "restoration" else change) if was else "first"
            else:
                kind = "restoration" if was & back else "unaffected"
            found |= dict.fromkeys(was | stays, kind)
        return found


def persons_of(people: People) -> dict[str, set[int]]:
    found: dict[str, set[int]] = {}
    for row, person in enumerate(people.person.tolist()):
        found.setdefault(f"customer:{people.ids[people.lead[person]]}", set()).add(row)
    return found


def check_messages(made: Plan, people: People, kinds: dict[int, str]) -> None:
    """Nobody twice, everybody at all, each with the kind that is theirs."""
    messages = list(made.messages())
    assert len(messages) == len(made)
    assert max(Counter((one.recipient, one.channel) for one in messages).values(), default=1) == 1
    by_address = Counter((one.channel, one.address, one.kind) for one in messages if one.channel not in ("letter", "door_card"))
    assert max(by_address.values(), default=1) == 1
    row = {id_: number for number, id_ in enumerate(people.ids)}
    reached: set[int] = set()
    per_person: Counter[tuple[str, int]] = Counter()
    for one in messages:
        meant = {row[id_] for id_ in one.customer_ids}
        assert {kinds[number] for number in meant} == {one.kind}
        per_person.update({(one.channel, int(people.person[number])): 1 for number in meant})
        for person in {int(people.person[number]) for number in meant}:
            # A message lists all service points of a person that are concerned.
            assert {number for number in kinds if people.person[number] == person} <= meant
        reached |= meant
        assert (one.kind, one.language, one.channel) in made.texts
    assert max(per_person.values(), default=1) == 1
    silent = set(made.unreachable.tolist()) | set(made.opted_out.tolist())
    members = {
        number for number in kinds if made.situation.role_of_person[made.situation.persons == people.person[number]] < len(ROLES)
    }
    assert reached | silent == members
    vulnerable = {number for number in kinds if people.priority[number] == 2}
    called = {row[one.customer_id] for one in made.call_list}
    assert vulnerable - reached == called


@given(people=some_people(), telling=some_tellings, opt_outs=some_opt_outs, data=st.data())
@settings(max_examples=60, deadline=None)
def test_after_any_changes_everybody_told_or_affected_hears_exactly_what_is_true(
    people: People, telling: Telling, opt_outs: set[tuple[str, str]], data: st.DataObject
) -> None:
    some = st.sets(st.integers(0, len(people) - 1))
    heard = Heard(persons_of(people), set())
    changes = ["reminder", "reschedule", "extension", "scope_change", "restoration", "cancellation"]
    for number in range(data.draw(st.integers(1, 4), label="notices")):
        change = data.draw(st.sampled_from(changes), label="change") if number else "first"
        now = set() if change == "cancellation" else data.draw(some, label="now")
        back = data.draw(some, label="restored") - now
        sets = Sets(rows(*heard.told), rows(*now), rows(*back))
        made = plan(people, sets, telling, change=change, opt_outs=opt_outs)  # type: ignore[arg-type]
        kinds = heard.kinds(change, now, back)
        assert set(kinds) == heard.told | now
        found = [(row, kind) for kind, members in made.kinds.items() for row in members.tolist()]
        assert sorted(found) == sorted(kinds.items())
        check_messages(made, people, kinds)
        heard.told = set(made.told_after.tolist())
        assert heard.told == now


@given(people=some_people(), telling=some_tellings, opt_outs=some_opt_outs)
@settings(max_examples=30, deadline=None)
def test_nobody_is_told_by_what_they_opted_out_of_but_whom_a_rule_names(
    people: People, telling: Telling, opt_outs: set[tuple[str, str]]
) -> None:
    made = plan(people, Sets(None, np.arange(len(people))), telling, change="first", opt_outs=opt_outs)
    for one in made.messages():
        if (one.channel, one.address) in opt_outs:
            members = people.find(one.customer_ids)
            obliged = "customers" in telling.obliged or bool((people.priority[members] == 2).any())
            assert obliged, one


@given(data=st.data(), telling=some_tellings, opt_outs=some_opt_outs)
@settings(max_examples=25, deadline=None)
def test_the_order_of_the_table_changes_nothing(data: st.DataObject, telling: Telling, opt_outs: set[tuple[str, str]]) -> None:
    customers = [
        {"id": f"C{number}", **customer}
        for number, customer in enumerate(data.draw(st.lists(some_customers, min_size=MANY, max_size=MANY)))
    ]
    order = data.draw(st.permutations(range(MANY)))
    was, now = data.draw(st.sets(st.integers(0, MANY - 1))), data.draw(st.sets(st.integers(0, MANY - 1)))
    subscribers = [subscriber(f"P{number}", number) for number in range(4)] + [subscriber("P1", 5, address="a@x.org")]

    def all_of(table: list[dict[str, Any]], change: Any, listed: list[Subscriber]) -> tuple[Any, ...]:
        people = people_of(*table)
        row = {id_: number for number, id_ in enumerate(people.ids)}
        sets = Sets(rows(*(row[f"C{n}"] for n in was)), rows(*(row[f"C{n}"] for n in now)))
        made = plan(people, sets, telling, change=change, opt_outs=opt_outs, subscribers=listed)
        return list(made.messages()), made.call_list, list(made.list_unreachable())

    shuffled = all_of([customers[number] for number in order], "extension", subscribers[::-1])
    assert shuffled == all_of(customers, "extension", subscribers)


# Size ----------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def town() -> GridTables:
    count = 3 * BLOCK + 1
    return tables_of(PLACES, [{"phone": f"138{row:08d}", "place_id": "P2", "house_number": str(row)} for row in range(count)])


def test_messages_are_written_out_a_block_at_a_time(town: GridTables) -> None:
    people = People.of(town)
    made = plan(people, Sets(None, np.arange(len(people))), EVERYONE, change="first")
    ids = [one.recipient for one in made.messages()]  # and what is read again and again is kept from here on
    tracemalloc.start()
    try:
        streamed = sum(1 for _ in made.messages())
        one_by_one = tracemalloc.get_traced_memory()[1]
        tracemalloc.reset_peak()
        kept = list(made.messages())
        at_once = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert streamed == len(kept) == len(made) == len(people)
    assert [one.recipient for one in kept] == ids
    assert len(set(ids)) == len(ids)
    assert one_by_one < 0.4 * at_once
    assert {one.channel for one in kept} <= set(PERSONAL)


def test_a_plan_of_nobody_is_empty() -> None:
    made = plan(People.of(tables_of([], [])), Sets(None, rows()), EVERYONE, change="first", subscribers=[subscriber("P1")])
    assert (len(made), list(made.messages()), made.call_list, made.kinds) == (0, [], (), {})
    assert [one.problem.code for one in made.refused] == ["place_unknown"]
