"""A text for each kind, language and channel: the longest true scope that fits, and what stands in the way where none does."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

from api.telling import book_of
from api.writing import Limits, Unwritten, Written, keys_of, write_text
from notices.addresses import AddressBook
from notices.facts import NoticeFacts
from notices.history import TextKey
from notices.scope import Affected, read_scope
from outages.facts import Window
from tests.api.notified import DAY, HOUR, NOW, P, Q, R, U, notified_tables
from topology.network import build_network

FREE = Limits(sms_parts=None, smallest=1)
FACTS = NoticeFacts(
    reference="20260510-K7QD",
    outage_class="planned",
    windows=(Window(NOW + 9 * DAY, NOW + 9 * DAY + 4 * HOUR),),
    reason="线路检修",
    lines=("10kV西河线",),
    scope="",
    issuer="东港供电公司",
    hotline="95598",
    zone="Asia/Shanghai",
    issued_at=NOW,
)


@pytest.fixture(scope="module")
def book() -> AddressBook:
    return book_of(build_network(notified_tables()))


def affected(*customers: str) -> Affected:
    ids = (*P, *Q, *R, *U)
    return Affected(off=np.array(sorted(ids.index(one) for one in customers), dtype=np.int32))


def write(book: AddressBook, key: str, given: Affected, limits: Limits = FREE, facts: NoticeFacts = FACTS) -> Written | Unwritten:
    return write_text(TextKey.parse(key), facts, given, book, limits=limits)


def written(book: AddressBook, key: str, given: Affected, limits: Limits = FREE) -> Written:
    one = write(book, key, given, limits)
    assert isinstance(one, Written), one
    return one


def test_there_is_a_key_for_each_channel_and_language_and_for_each_slot_of_the_radio() -> None:
    keys = keys_of("first", ["zh", "en"], ["web", "radio"])
    assert [str(key) for key in keys] == [
        "first/zh/web",
        "first/en/web",
        *(f"first/{language}/radio/{seconds}" for language in ("zh", "en") for seconds in (15, 30, 60)),
    ]
    assert keys_of("first", [], ["web"]) == keys_of("first", ["zh"], []) == []


SOME = ("p1", "p3", "q2", "q7", "r1", "r6")


@pytest.mark.parametrize("channel", ["newspaper", "web", "app", "letter", "email", "sms", "call", "tv", "radio/60"])
def test_every_text_covers_everybody_and_says_how_far_it_is_true(book: AddressBook, channel: str) -> None:
    given = affected(*SOME)
    one = written(book, f"first/zh/{channel}", given)
    covered = read_scope(book, one.scope.text, language="zh")
    assert set(given.off) <= set(covered)
    assert (one.scope.customers, one.scope.over_named) == (len(SOME), len(covered) - len(SOME))
    assert one.text.key == one.key
    assert one.sizes.length > 0


def test_only_who_is_called_alone_is_told_of_single_houses(book: AddressBook) -> None:
    """Anybody may read a letter that lies about; nobody else hears a call."""
    limits, one = replace(FREE, smallest=5), affected("q2")
    assert written(book, "first/zh/call", one, limits).scope.over_named == 0
    for channel in ("web", "sms", "letter", "email"):
        scope = written(book, f"first/zh/{channel}", one, limits).scope
        assert len(read_scope(book, scope.text, language="zh")) >= 5, channel


def test_a_script_and_a_crawl_begin_with_the_place_where_most_are_off(book: AddressBook) -> None:
    given = affected(*P[:2], *U[:6])
    for channel, first in (("web", "柳岸"), ("newspaper", "柳岸"), ("tv", "小丘"), ("radio/60", "小丘")):
        text = written(book, f"first/zh/{channel}", given).scope.text
        assert min(("柳岸", "小丘"), key=text.index) == first, channel


def test_what_has_to_be_short_names_more_and_leaves_out_nobody(book: AddressBook) -> None:
    given = affected("p1", "p3", "p7", "p9", "q1", "q4", "q8", "r2", "u1", "u4")
    long = written(book, "first/zh/tv", given)
    most = long.sizes.length - 10
    short = written(book, "first/zh/tv", given, replace(FREE, tv=most))
    assert short.sizes.length <= most < long.sizes.length
    assert (long.scope.over_named, short.scope.over_named > 0) == (0, True)
    assert set(given.off) <= set(read_scope(book, short.scope.text, language="zh"))


def test_the_limit_of_the_scope_holds_for_every_channel(book: AddressBook) -> None:
    given = affected("p1", "p3", "p7", "p9", "q1", "q4", "q8", "r2", "u1", "u4")
    assert len(written(book, "first/zh/web", given).scope.text) > 20
    for channel in ("web", "letter", "sms", "tv"):
        assert len(written(book, f"first/zh/{channel}", given, replace(FREE, scope=20)).scope.text) <= 20


@pytest.mark.parametrize("parts", [1, 2, 3])
def test_a_text_message_has_no_more_parts_than_allowed(book: AddressBook, parts: int) -> None:
    one = write(book, "first/zh/sms", affected(*SOME), replace(FREE, sms_parts=parts))
    if isinstance(one, Written):
        assert one.sizes.parts is not None
        assert one.sizes.parts <= parts
    else:
        assert [problem.code for problem in one.problems] == ["does_not_fit"]
        assert parts == 1


LACKING = [
    ("first/zh/tv", {}, replace(FREE, tv=10), "does_not_fit"),
    ("first/zh/web", {}, replace(FREE, scope=1), "scope_impossible"),
    ("first/zh/web", {"issuer": ""}, FREE, "issuer_missing"),
    ("first/zh/web", {"reason": "x" * 3000}, FREE, "reason_too_long"),
    ("first/zh/web", {"reason": "<b>检修</b>"}, FREE, "text_markup"),
    ("reschedule/zh/web", {"kind": "reschedule"}, FREE, "earlier_missing"),
    ("first/zh/web", {"issued_at": NOW + timedelta(days=20)}, FREE, "end_passed"),
]


@pytest.mark.parametrize(("key", "changes", "limits", "code"), LACKING)
def test_a_text_that_cannot_be_written_says_why(
    book: AddressBook, key: str, changes: dict[str, object], limits: Limits, code: str
) -> None:
    one = write(book, key, affected(*Q), limits, replace(FACTS, **changes))  # type: ignore[arg-type]
    assert isinstance(one, Unwritten)
    assert code in [problem.code for problem in one.problems]
    assert all(problem.says[:1].isupper() and problem.says.rstrip().endswith(".") for problem in one.problems)


def test_all_that_is_missing_is_said_at_once(book: AddressBook) -> None:
    one = write(book, "first/zh/web", affected(*Q), FREE, replace(FACTS, issuer="", hotline="", reason=""))
    assert isinstance(one, Unwritten)
    assert {problem.code for problem in one.problems} == {"issuer_missing", "hotline_missing", "reason_missing"}


def test_a_text_for_nobody_is_not_written(book: AddressBook) -> None:
    one = write(book, "first/zh/web", affected())
    assert isinstance(one, Unwritten)
    assert [problem.field for problem in one.problems] == ["scope"]
