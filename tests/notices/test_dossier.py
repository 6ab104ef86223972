"""Nobody approves words of their own, nothing is issued that was not approved as it is, and what is issued never changes."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import fields, replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from notices.dossier import (
    OPEN,
    TRANSITIONS,
    Approved,
    Dossier,
    Issued,
    NoticeEvent,
    NoticeTransitionError,
    Submitted,
    Text,
    TextKey,
    Withdrawn,
    allowed,
    begin,
    edited,
    fold,
    step,
)
from notices.history import NOTICE_EVENTS, event_from_json
from tests.notices.dossiers import (
    APPROVED,
    AT,
    COURSES,
    EVENTS,
    ISSUED,
    LATER,
    RADIO,
    REJECTED,
    SMS,
    TEXTS,
    WEB,
    WITHDRAWN,
    drafted,
    redrafted,
    submitted,
)

MAY = {
    "draft": "redrafted submitted dropped",
    "submitted": "approved rejected withdrawn redrafted dropped",
    "rejected": "submitted redrafted dropped",
    "approved": "issued rejected withdrawn redrafted dropped",
    "issued": "",
    "dropped": "",
}
"""As the drawing in `notices.dossier` has it."""


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: event.kind)
@pytest.mark.parametrize("status", COURSES)
def test_only_what_the_drawing_shows_may_follow(status: str, event: NoticeEvent) -> None:
    before = fold("7.1", COURSES[status])
    assert before.status == status
    assert set(allowed(before)) == set(MAY[status].split())
    if event.kind in MAY[status].split():
        after = step(before, event)
        assert (after.seq, after.status) == (before.seq + 1, TRANSITIONS[status][event.kind])
    else:
        names = ", ".join(sorted(MAY[status].split())) or "nothing; a change is a new notice"
        with pytest.raises(NoticeTransitionError) as refused:
            step(before, event)
        assert str(refused.value) == f"notice 7.1 is {status} and cannot be {event.kind} (allowed: {names})"
    assert before == fold("7.1", COURSES[status])


def test_every_status_is_reached_and_every_kind_of_event_has_its_place() -> None:
    assert set(COURSES) | {"new"} == set(TRANSITIONS)
    assert {kind for may in TRANSITIONS.values() for kind in may} == set(NOTICE_EVENTS)
    assert {status for status in COURSES if fold("7.1", COURSES[status]).is_open} == set(OPEN)


@pytest.mark.parametrize("event", EVENTS[1:], ids=lambda event: event.kind)
def test_a_notice_begins_as_a_draft(event: NoticeEvent) -> None:
    with pytest.raises(NoticeTransitionError, match=rf"notice 7.1 is new and cannot be {event.kind} \(allowed: drafted\)"):
        begin("7.1", event)


def test_a_notice_without_events_is_none() -> None:
    with pytest.raises(ValueError, match="has no event"):
        fold("7.1", [])


AUTHORED = {
    "drafted it": ("王工", [submitted()]),
    "submitted it": ("desk", [submitted()]),
    "saved a draft": ("typist", [submitted(authors=frozenset({"typist", "other"}))]),
    "redrafted it": ("system", [redrafted(), submitted()]),
    "submitted it before it was rejected": ("desk", [submitted(), REJECTED, submitted(by="other")]),
    "saved a draft before it was withdrawn": ("typist", [submitted(authors=frozenset({"typist"})), WITHDRAWN, submitted()]),
    "redrafted it after approval": ("approver", [submitted(), APPROVED, redrafted(by="approver"), submitted()]),
}


@pytest.mark.parametrize("case", AUTHORED)
def test_who_had_a_hand_in_the_words_cannot_approve_them(case: str) -> None:
    name, events = AUTHORED[case]
    dossier = fold("7.1", [drafted(), *events])
    with pytest.raises(NoticeTransitionError, match=f"has words of {name}, who cannot approve it. Ask somebody .* none of its"):
        step(dossier, Approved(LATER, name))
    assert step(dossier, Approved(LATER, "somebody else")).approved_by == "somebody else"


def test_who_rejected_and_then_edited_has_become_an_author() -> None:
    dossier = fold("7.1", [drafted(), submitted(), REJECTED, submitted(authors=frozenset({REJECTED.by}))])
    with pytest.raises(NoticeTransitionError, match="cannot approve it"):
        step(dossier, Approved(LATER, REJECTED.by))


def test_only_an_author_takes_a_notice_back() -> None:
    with pytest.raises(
        NoticeTransitionError, match=r"was not written by passer-by, .* Reject it and say why, or .*: desk, 王工\."
    ):
        step(fold("7.1", COURSES["submitted"]), Withdrawn(LATER, "passer-by"))


@pytest.mark.parametrize("undoing", [REJECTED, WITHDRAWN, redrafted()], ids=lambda event: event.kind)
def test_an_approval_does_not_outlive_what_it_was_given_for(undoing: NoticeEvent) -> None:
    approved = fold("7.1", COURSES["approved"])
    assert (approved.approved_by, approved.approved_at) == ("approver", LATER)
    again = step(approved, undoing)
    assert (again.approved_by, again.approved_at) == ("", None)
    assert "issued" not in allowed(again)


def test_an_issued_notice_says_what_was_approved_by_whom() -> None:
    sent = (replace(TEXTS[0], body="明天停电"), TEXTS[1])
    course = [
        drafted(late=("cn-7d",), higher=True, refers_to=("7.0",)),
        submitted(*sent, late_reason="雨", reasons={"sms:place": "known"}),
    ]
    issued = fold("7.1", [*course, APPROVED, ISSUED])
    assert issued == Dossier(
        id="7.1",
        seq=4,
        status="issued",
        outage_id="7",
        number=1,
        outage_seq=3,
        kinds=("first",),
        generated={text.key: text for text in TEXTS},
        texts={text.key: text for text in sent},
        late=("cn-7d",),
        higher=True,
        refers_to=("7.0",),
        authors=frozenset({"王工", "desk"}),
        drafted_at=AT,
        changed_at=LATER,
        reasons={"sms:place": "known"},
        late_reason="雨",
        submitted_at=LATER,
        submitted_by="desk",
        approved_at=LATER,
        approved_by="approver",
        issued_at=LATER,
        issued_by="desk",
    )


def test_where_the_generated_text_is_the_same_an_edit_stands_and_is_named() -> None:
    mine = [replace(text, body=f"{text.body} (mine)") for text in TEXTS]
    new_sms, added = replace(TEXTS[0], body="后天停电"), Text(TextKey("first", "en", "sms"), "", "Power off")
    dossier = fold("7.1", [drafted(), submitted(*mine), redrafted(new_sms, TEXTS[1], added, outage_seq=9, higher=True)])
    assert dossier.texts == {SMS: new_sms, WEB: mine[1], added.key: added}
    assert dossier.generated == {SMS: new_sms, WEB: TEXTS[1], added.key: added}
    assert dossier.kept == {WEB}
    assert edited(dossier, dossier.texts.values()) == {WEB}
    assert (dossier.status, dossier.outage_seq, dossier.higher) == ("draft", 9, True)


REFUSED: dict[str, tuple[NoticeEvent, str]] = {
    "no text": (submitted(texts=()), "would have no text. Give one at least, or drop it"),
    "twice": (submitted(TEXTS[0], TEXTS[0]), "two texts have the same key"),
    "strange": (submitted(Text(TextKey("first", "en", "sms"), "", "x")), "has no text first/en/sms. Submit the texts that were"),
    "other kind": (
        redrafted(Text(TextKey("reminder", "zh", "sms"), "", "x")),
        "is of first; texts of reminder were given. Leave those out",
    ),
    "late": (submitted(late_reason=" "), "comes late by cn-7d, told-in-person. Give the reason"),
    "no zone": (submitted(late_reason="雨", at=LATER.replace(tzinfo=None)), "has no zone. Add one"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_is_refused_with_what_to_do(case: str) -> None:
    event, says = REFUSED[case]
    with pytest.raises(NoticeTransitionError, match=says):
        step(begin("7.1", drafted(late=("cn-7d", "told-in-person"))), event)


@pytest.mark.parametrize(("outage_id", "number"), [("7", 2), ("8", 1), ("7.1", 1)])
def test_a_notice_is_called_by_its_outage_and_number(outage_id: str, number: int) -> None:
    with pytest.raises(NoticeTransitionError, match=f"Call it {outage_id}.{number}"):
        begin("7.1", drafted(outage_id=outage_id, number=number))


@pytest.mark.parametrize(
    "text", ["", "first", "first/zh", "first/zh/", "//", "first/zh/radio/", "first/zh/radio/30s", "a/b/c/1/2"]
)
def test_what_is_no_key_is_not_read_as_one(text: str) -> None:
    with pytest.raises(ValueError, match=r"is not the key of a text\. Write kind/language/channel"):
        TextKey.parse(text)


NAMES = st.sampled_from(["ann", "bob", "cem", "dee"])
WORDS = st.text(st.characters(exclude_categories=["Cs"]), max_size=6)
PARTS = st.text(st.characters(exclude_characters="/\n"), min_size=1, max_size=8)
KEYS = st.builds(TextKey, PARTS, PARTS, PARTS, st.none() | st.integers(0, 90))
SOME_TEXTS = st.lists(
    st.builds(Text, st.sampled_from([SMS, WEB, RADIO]), WORDS, WORDS), max_size=3, unique_by=lambda text: text.key
).map(tuple)
STRINGS = st.lists(WORDS, max_size=2).map(tuple)
_OF_TYPE: dict[str, st.SearchStrategy[Any]] = {
    "texts": SOME_TEXTS,
    "reasons": st.dictionaries(WORDS, WORDS, max_size=2),
    "authors": st.frozensets(NAMES, max_size=2),
    "late": STRINGS,
    "refers_to": STRINGS,
    "kinds": st.just(("first",)),
    "by": NAMES,
    "at": st.just(LATER),
    "why": WORDS,
    "late_reason": WORDS,
    "outage_id": st.just("7"),
    "number": st.just(1),
    "outage_seq": st.integers(1, 9),
    "higher": st.booleans(),
}


def _names(event: type[NoticeEvent]) -> list[str]:
    return [one.name for one in fields(event)]


ANY_EVENT = st.one_of(st.builds(event, **{name: _OF_TYPE[name] for name in _names(event)}) for event in NOTICE_EVENTS.values())


@given(KEYS)
def test_a_key_is_read_back_as_it_was_written(key: TextKey) -> None:
    assert TextKey.parse(str(key)) == key


@given(ANY_EVENT)
def test_every_event_goes_to_json_and_back(event: NoticeEvent) -> None:
    body = json.loads(json.dumps(event.body()))
    assert event_from_json(event.kind, body, at=event.at, by=event.by) == event


def test_an_event_of_a_newer_release_is_named() -> None:
    with pytest.raises(ValueError, match=r"event 'sung' of a notice is not known .*newer release"):
        event_from_json("sung", {}, at=AT, by="x")


@settings(max_examples=100, deadline=None)
@given(st.lists(ANY_EVENT | st.sampled_from(EVENTS), max_size=25))
def test_whatever_happens_nobody_approves_their_own_words_and_what_is_issued_stays(events: list[NoticeEvent]) -> None:
    dossier, happened = begin("7.1", drafted()), list[NoticeEvent]([drafted()])
    for event in [*events, submitted(), APPROVED, ISSUED, *events]:
        with suppress(NoticeTransitionError):
            after = step(dossier, event)
            assert dossier.status not in ("issued", "dropped")
            dossier = after
            happened.append(event)
        _check(dossier, happened)
    assert fold("7.1", happened) == dossier


def _check(dossier: Dossier, happened: list[NoticeEvent]) -> None:
    """Look at nothing but the events that were taken."""
    hands = {event.by for event in happened if event.kind in ("drafted", "redrafted", "submitted")}
    hands = hands.union(*(event.authors for event in happened if isinstance(event, Submitted)))
    assert dossier.authors == hands
    assert dossier.approved_by not in hands
    if any(isinstance(event, Issued) for event in happened):
        *_, handed, approval, issue = happened
        assert (handed.kind, approval.kind, issue.kind) == ("submitted", "approved", "issued")
        assert isinstance(handed, Submitted)
        assert dossier.texts == {text.key: text for text in handed.texts}
        assert dossier.approved_by == approval.by
