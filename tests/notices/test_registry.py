"""Notices are kept whole or not at all, one open notice for an outage, and nobody overwrites another."""

from __future__ import annotations

import sqlite3
import tracemalloc
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

from notices.dossier import Dossier, Issued, NoticeTransitionError, Text, TextKey
from notices.drafts import StaleDraftError
from notices.outbox import NewMessage, Outbox
from notices.registry import Registry, StaleNoticeError, UnknownNoticeError, UnreadableNoticeError
from notices.told import find_told, keep_told
from outages.archive import backup, restore
from outages.audit import read_audit, verify_audit
from outages.database import Database, StoreError, open_database
from outages.tables import MESSAGES, NOTICE_DRAFTS, NOTICE_TOLD, NOTICES, PROOFS
from tests.notices.dossiers import (
    APPROVED,
    AT,
    COURSES,
    DROPPED,
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
from tests.postgres import Cluster

TOLD = ("C3", "C1", "C2", "C1")


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path, cluster: Cluster) -> str:
    """The address of a database that is not there yet, on SQLite and on PostgreSQL."""
    return f"sqlite:///{tmp_path}/outages.db" if request.param == "sqlite" else cluster.new_database()


@pytest.fixture
def database(url: str) -> Iterator[Database]:
    """An empty store."""
    with closing(open_database(url)) as database:
        yield database


@pytest.fixture
def registry(database: Database) -> Registry:
    """No notices yet."""
    return Registry(database)


def message(recipient: str, **changes: Any) -> NewMessage:
    """A text message to ``recipient``."""
    given: dict[str, Any] = {"kind": "first", "audience": "customers", "channel": "sms", "language": "zh", "slot_s": None}
    return NewMessage(**{**given, "recipient": recipient, "address": "13800000001", "personal": {}, "needs_ack": False} | changes)


def issue(registry: Registry, seq: int = 3, **changes: Any) -> tuple[Dossier, int]:
    """Issue notice 7.1, which was approved as revision 3, to two people."""
    given = {"messages": [message("A-1"), message("A-2")], "told": TOLD, "now": LATER}
    return registry.issue("7.1", seq, ISSUED, **given | changes)


def rows(database: Database, *tables: sa.Table) -> list[int]:
    with database.reading() as connection:
        return [connection.execute(sa.select(sa.func.count()).select_from(table)).scalar_one() for table in tables]


def test_a_notice_is_read_back_as_it_was_written(registry: Registry, database: Database) -> None:
    assert registry.append("7.1", 0, [drafted()]).status == "draft"
    approved = registry.append("7.1", 1, [submitted(), APPROVED])
    assert (approved.seq, approved.status) == (3, "approved")
    dossier, count = issue(registry)
    assert (dossier.seq, dossier.status, count) == (4, "issued", 2)
    assert registry.get("7.1") == dossier
    assert registry.told("7.1") == ("C1", "C2", "C3")
    assert [one.recipient for one in Outbox(database).list_of("7.1")] == ["A-1", "A-2"]
    # Who had them generated is an author by the draft as well.
    assert registry.read("7.1") == (drafted(), submitted(authors=frozenset({"王工"})), APPROVED, ISSUED)


def test_every_event_is_told_in_the_audit_log(registry: Registry, database: Database) -> None:
    registry.append("7.1", 0, COURSES["approved"])
    issue(registry)
    told = [(row.entry.what, row.entry.subject, row.entry.by, row.entry.detail["seq"]) for row in read_audit(database)]
    who = {"drafted": "王工", "submitted": "desk", "approved": "approver", "issued": "desk"}
    assert told == [(f"notice:{kind}", "7.1", by, seq) for seq, (kind, by) in enumerate(who.items(), 1)]
    assert verify_audit(database).problems == ()


def _tampered(url: str, statement: str) -> None:
    """Do as somebody would who owns the database: without the triggers."""
    connection: Any
    if url.startswith("sqlite"):
        connection = sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None)
        drop = ["DROP TRIGGER notices_refuse_update", "DROP TRIGGER notices_refuse_delete"]
    else:
        connection = psycopg.connect(url, autocommit=True)
        drop = ["DROP TRIGGER notices_refuse_rewriting ON notices"]
    with closing(connection):
        for one in (*drop, statement):
            connection.execute(one)


@pytest.mark.parametrize(
    ("statement", "says"),
    [
        (
            "UPDATE notices SET body = '{}' WHERE seq = 2",
            ["Event 2 of notice '7.1' (submitted) is not what row 2 of the audit log says: its content was changed."],
        ),
        (
            "DELETE FROM notices WHERE seq = 2",
            ["Event 2 of notice '7.1' is not in the store: it was removed (row 2 of the audit log, notice:submitted)."],
        ),
        (
            "INSERT INTO notices SELECT 9, '8.1', seq, kind, body, recorded_at, recorded_by FROM notices WHERE seq = 1",
            ["Event 1 of notice '8.1' (drafted) has no row in the audit log."],
        ),
    ],
)
def test_an_issued_text_that_is_changed_behind_our_back_is_found(
    registry: Registry, database: Database, url: str, statement: str, says: list[str]
) -> None:
    registry.append("7.1", 0, COURSES["approved"])
    issue(registry)
    _tampered(url, statement)
    assert verify_audit(database).problems == tuple(says)


def test_the_database_itself_refuses_to_rewrite_what_was_issued(registry: Registry, database: Database) -> None:
    registry.append("7.1", 0, COURSES["approved"])
    issue(registry)
    with database.writing() as connection:
        connection.execute(sa.insert(PROOFS), {"message": 1, "at": AT, "what": "failed", "detail": {}, "by": "d"})
    for table, column in (("notices", "seq"), ("notice_told", "count"), ("proofs", "message")):
        for statement in (f"UPDATE {table} SET {column} = 9", f"DELETE FROM {table}"):
            with pytest.raises(StoreError, match=f"{table} are append-only"), database.writing() as connection:
                connection.execute(sa.text(statement))


def test_who_is_second_is_told_the_newer_state(registry: Registry) -> None:
    registry.append("7.1", 0, [drafted()])
    first = registry.append("7.1", 1, [submitted()])
    with pytest.raises(StaleNoticeError, match=r"at revision 2 \(submitted\), your change was made on revision 1") as stale:
        registry.append("7.1", 1, [DROPPED])
    assert stale.value.newer == first == registry.get("7.1")


def test_issued_twice_nothing_is_doubled(registry: Registry, database: Database) -> None:
    registry.append("7.1", 0, COURSES["approved"])
    issue(registry)
    with pytest.raises(StaleNoticeError, match=r"at revision 4 \(issued\)"):
        issue(registry, 3, messages=[message("A-3")])
    with pytest.raises(
        NoticeTransitionError, match=r"is issued and cannot be issued \(allowed: nothing; a change is a new notice"
    ):
        issue(registry, 4, messages=[message("A-3")])
    assert rows(database, NOTICES, NOTICE_TOLD, MESSAGES) == [4, 1, 2]


def test_of_two_who_issue_at_once_one_does(registry: Registry, url: str, database: Database) -> None:
    registry.append("7.1", 0, COURSES["approved"])

    def try_it(number: int) -> str:
        with closing(open_database(url)) as other:
            try:
                issue(Registry(other), messages=[message(f"A-{number}-{one}") for one in range(50)])
            except StaleNoticeError as stale:
                return stale.newer.status
            return "mine"

    with ThreadPoolExecutor(3) as pool:
        assert sorted(pool.map(try_it, range(3))) == ["issued", "issued", "mine"]
    assert rows(database, NOTICE_TOLD, MESSAGES) == [1, 50]
    assert verify_audit(database).problems == ()


def test_of_two_who_draft_at_once_one_does(registry: Registry, url: str) -> None:
    def try_it(_: int) -> bool:
        with closing(open_database(url)) as other:
            try:
                Registry(other).append("7.1", 0, [drafted()])
            except StaleNoticeError:
                return False
            return True

    with ThreadPoolExecutor(3) as pool:
        assert sorted(pool.map(try_it, range(3))) == [False, False, True]
    assert len(registry.list_of("7")) == 1


def _broken() -> Iterator[NewMessage]:
    yield from (message(f"A-{number}") for number in range(1500))
    raise ZeroDivisionError("midway")


BROKEN: dict[str, tuple[dict[str, Callable[[], Any]], type[Exception], str]] = {
    "the messages end in an error": ({"messages": _broken}, ZeroDivisionError, "midway"),
    "a message has no text": (
        {"messages": lambda: [message("A-1"), message("A-2", channel="letter")]},
        NoticeTransitionError,
        "has no text first/zh/letter for the message to A-2, so nothing was issued",
    ),
    "a message is of another slot": (
        {"messages": lambda: [message("station", channel="radio", slot_s=60)]},
        NoticeTransitionError,
        "has no text first/zh/radio/60",
    ),
    "an address holds a NUL": ({"messages": lambda: [message("A-1", address="1\0")]}, StoreError, "is no text"),
    "an id holds half a character": ({"told": lambda: ["C1", "\ud800"]}, StoreError, "is no text"),
    "an id holds a line break": ({"told": lambda: ["C1", "C2\nC3"]}, StoreError, "has a line break in it. Nothing was issued"),
}


def test_where_anything_fails_nothing_is_issued(registry: Registry, database: Database) -> None:
    before = registry.append("7.1", 0, COURSES["approved"])
    for changes, error, says in BROKEN.values():
        with pytest.raises(error, match=says):
            issue(registry, **{name: make() for name, make in changes.items()})
        assert rows(database, NOTICES, NOTICE_TOLD, MESSAGES) == [3, 0, 0]
        assert registry.get("7.1") == before
        assert registry.told("7.1") == ()
    assert issue(registry)[0].status == "issued"


def test_a_notice_is_not_issued_without_its_messages(registry: Registry) -> None:
    registry.append("7.1", 0, COURSES["approved"])
    with pytest.raises(ValueError, match="Call issue for that"):
        registry.append("7.1", 3, [ISSUED])


def test_issuing_needs_no_memory_for_its_messages(tmp_path: Path) -> None:
    with closing(open_database(f"sqlite:///{tmp_path}/outages.db")) as database:
        registry = Registry(database)
        registry.append("7.1", 0, COURSES["approved"])
        tracemalloc.start()
        _, count = issue(registry, messages=(message(f"A-{number}", personal={"name": "x" * 1000}) for number in range(8000)))
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert count == 8000
    assert peak < 8_000_000  # they are 8 MB of names alone, without anything around them


def test_notices_follow_one_another_by_number_and_reference(registry: Registry) -> None:
    registry.append("7.1", 0, COURSES["approved"])
    issue(registry)
    with pytest.raises(NoticeTransitionError, match="the next notice of outage 7 has the number 2, not 3"):
        registry.append("7.3", 0, [drafted(number=3)])
    with pytest.raises(NoticeTransitionError, match=r"no notice 7\.9 of outage 7 was issued. Refer to those"):
        registry.append("7.2", 0, [drafted(number=2, refers_to=("7.9",))])
    second = registry.append("7.2", 0, [drafted(number=2, refers_to=("7.1",))])
    assert second.refers_to == ("7.1",)
    assert [one.id for one in registry.list_of("7")] == ["7.1", "7.2"]


def test_an_outage_has_one_open_notice_at_most(registry: Registry) -> None:
    assert registry.find_open("7") is None
    first = registry.append("7.1", 0, [drafted()])
    registry.append("8.1", 0, [drafted(outage_id="8")])
    with pytest.raises(
        NoticeTransitionError, match=r"outage 7 has the open notice 7\.1 \(draft\)\. Redraft that one, or drop it"
    ):
        registry.append("7.2", 0, [drafted(number=2)])
    assert registry.find_open("7") == first
    registry.append("7.1", 1, [DROPPED])
    assert registry.find_open("7") is None
    second = registry.append("7.2", 0, [drafted(number=2)])
    assert registry.find_open("7") == second
    assert [one.id for one in registry.list_open()] == ["7.2", "8.1"]


def test_a_long_line_of_notices_is_found_whole(registry: Registry) -> None:
    for number in range(1, 34):
        registry.append(f"7.{number}", 0, [drafted(number=number), DROPPED])
    assert [one.number for one in registry.list_of("7")] == [*range(1, 34)]
    assert registry.list_of("7.1") == registry.list_open() == []


def test_what_was_issued_since_a_moment_is_listed(registry: Registry) -> None:
    for outage_id, minutes in (("a", 0), ("b", 10), ("c", 20)):
        registry.append(f"{outage_id}.1", 0, [drafted(outage_id=outage_id), *COURSES["approved"][1:]])
        at = LATER + timedelta(minutes=minutes)
        registry.issue(f"{outage_id}.1", 3, Issued(at, "desk"), messages=[], told=[], now=at)
    registry.append("d.1", 0, [drafted(outage_id="d")])
    assert [one.id for one in registry.list_issued(LATER + timedelta(minutes=10))] == ["b.1", "c.1"]


def test_a_notice_that_is_not_there_is_named(registry: Registry) -> None:
    asked: list[Callable[[], object]] = [
        lambda: registry.get("9.1"),
        lambda: registry.read("9.1"),
        lambda: registry.told("9.1"),
        lambda: registry.append("9.1", 1, [DROPPED]),
        lambda: registry.append("9.1", 0, []),
        lambda: registry.issue("9.1", 0, ISSUED, messages=[], told=[], now=AT),
        lambda: registry.save_draft("9.1", SMS, "", "x", version=1, by="a", at=AT),
        lambda: registry.acknowledge("9.1", "C1", at=AT, by="desk", how="call"),
    ]
    for ask in asked:
        with pytest.raises(UnknownNoticeError, match=r"no notice '9\.1'"):
            ask()


def save(registry: Registry, body: str, version: int, by: str = "desk", key: TextKey = SMS) -> int:
    return registry.save_draft("7.1", key, "", body, version=version, by=by, at=LATER)


def test_a_draft_is_saved_version_by_version(registry: Registry) -> None:
    registry.append("7.1", 0, [drafted()])
    assert {key: (one.version, one.text) for key, one in registry.drafts("7.1").items()} == {
        text.key: (1, text) for text in TEXTS
    }
    assert save(registry, "明天停电", 1) == 2
    assert save(registry, "后天停电", 2, by="typist") == 3
    draft = registry.drafts("7.1")[SMS]
    assert (draft.text.body, draft.version, draft.saved_at, draft.saved_by) == ("后天停电", 3, LATER, "typist")
    assert draft.authors == {"王工", "desk", "typist"}
    assert registry.get("7.1").seq == 1


def test_a_stale_draft_is_refused_with_the_newer_one_and_a_repeat_is_not(registry: Registry) -> None:
    registry.append("7.1", 0, [drafted()])
    save(registry, "mine", 1)
    with pytest.raises(
        StaleDraftError, match=r"text first/zh/sms of notice 7\.1 was changed by desk meanwhile: .* version 2"
    ) as stale:
        save(registry, "theirs", 1, by="typist")
    assert stale.value.newer == registry.drafts("7.1")[SMS]
    assert stale.value.newer.text.body == "mine"
    assert save(registry, "mine", 1) == 2  # the answer was lost


def test_only_a_draft_is_edited(registry: Registry) -> None:
    def refused(status: str, next_step: str) -> None:
        with pytest.raises(NoticeTransitionError, match=f"is {status} and its texts cannot be edited. {next_step}"):
            save(registry, "x", 1)

    registry.append("7.1", 0, COURSES["submitted"])
    refused("submitted", "Withdraw or reject it first")
    registry.append("7.1", 2, [APPROVED])
    refused("approved", "Withdraw or reject it first")
    issue(registry)
    refused("issued", "Write a new notice that refers to it")
    assert [text.body for text in registry.get("7.1").texts.values()] == [text.body for text in TEXTS]


def test_only_a_text_that_is_there_is_edited(registry: Registry) -> None:
    registry.append("7.1", 0, [drafted()])
    with pytest.raises(
        NoticeTransitionError, match=r"has no text first/zh/tv\. Take one of: first/en/web, first/zh/radio/30, fi"
    ):
        save(registry, "x", 1, key=TextKey("first", "zh", "tv"))


def test_who_saved_a_draft_is_an_author_whatever_is_said_at_submission(registry: Registry) -> None:
    registry.append("7.1", 0, [drafted()])
    save(registry, "half", save(registry, "x", 1, by="typist"), by="desk")
    edited = (replace(TEXTS[0], body="half"), *TEXTS[1:])
    dossier = registry.append("7.1", 1, [submitted(*edited)])
    assert dossier.authors == {"王工", "typist", "desk"}
    with pytest.raises(NoticeTransitionError, match="has words of typist, who cannot approve it"):
        registry.append("7.1", 2, [replace(APPROVED, by="typist")])


def test_what_is_submitted_is_what_was_last_saved(registry: Registry) -> None:
    registry.append("7.1", 0, [drafted()])
    save(registry, "saved while the page was read", 1, by="typist")
    with pytest.raises(StaleDraftError) as stale:
        registry.append("7.1", 1, [submitted()])
    assert stale.value.newer.saved_by == "typist"
    assert registry.get("7.1").status == "draft"


def test_taken_back_it_is_edited_on_from_there(registry: Registry) -> None:
    seq, version, body = registry.append("7.1", 0, [drafted()]).seq, 1, TEXTS[0].body
    for event in (REJECTED, WITHDRAWN):
        seq = registry.append("7.1", seq, [submitted(replace(TEXTS[0], body=body), *TEXTS[1:]), event]).seq
        body = f"after it was {event.kind}"
        assert save(registry, body, version) == version + 1
        with pytest.raises(StaleDraftError):
            save(registry, "from a page that was left open", version)
        version += 1


def test_generated_anew_only_what_changed_is_replaced(registry: Registry) -> None:
    registry.append("7.1", 0, [drafted()])
    for key, version in ((SMS, 1), (WEB, 1)):
        save(registry, "mine", version, key=key)
    sms, added = replace(TEXTS[0], body="后天停电"), Text(TextKey("first", "en", "sms"), "", "Power off")
    dossier = registry.append("7.1", 1, [redrafted(sms, TEXTS[1], added)])
    assert dossier.kept == {WEB}
    drafts = registry.drafts("7.1")
    assert {key: (one.text.body, one.version) for key, one in drafts.items()} == {
        SMS: ("后天停电", 3),
        WEB: ("mine", 2),
        added.key: ("Power off", 1),
    }
    assert (drafts[SMS].authors, drafts[WEB].authors) == ({"system"}, {"王工", "desk"})
    assert RADIO not in drafts


def test_what_is_issued_or_dropped_has_no_drafts_left(registry: Registry, database: Database) -> None:
    registry.append("7.1", 0, COURSES["approved"])
    assert len(registry.drafts("7.1")) == 3
    issue(registry)
    registry.append("8.1", 0, [drafted(outage_id="8"), DROPPED])
    assert registry.drafts("7.1") == {}
    assert rows(database, NOTICE_DRAFTS) == [0]


def test_what_no_database_can_keep_is_refused(registry: Registry) -> None:
    with pytest.raises(StoreError, match="holds a character that is no text"):
        registry.append("7.1", 0, [drafted(texts=(Text(SMS, "", "a\0b"),))])
    registry.append("7.1", 0, [drafted()])
    for text in ("a\0b", "half \ud83d"):
        for change in ({"late_reason": text}, {"reasons": {"k": text}}, {"reasons": {text: "k"}}, {"by": text}):
            with pytest.raises(StoreError, match="holds a character that is no text"):
                registry.append("7.1", 1, [submitted(**change)])
        with pytest.raises(StoreError, match="holds a character that is no text"):
            save(registry, text, 1)
    assert registry.get("7.1").seq == 1


def test_an_event_of_a_newer_release_is_named_and_nothing_is_guessed(registry: Registry, database: Database) -> None:
    with database.writing() as connection:
        row = {"position": 1, "notice_id": "7.1", "seq": 1, "kind": "sung", "body": {}, "recorded_at": AT, "recorded_by": "x"}
        connection.execute(sa.insert(NOTICES), row)
    with pytest.raises(UnreadableNoticeError, match=r"Event 1 of notice 7\.1 \(position 1\) cannot be read: .* newer release"):
        registry.get("7.1")


def test_the_first_acknowledgement_counts(registry: Registry, database: Database) -> None:
    registry.append("7.1", 0, COURSES["approved"])
    with pytest.raises(NoticeTransitionError, match=r"notice 7\.1 was not for customer 'C1'"):
        registry.acknowledge("7.1", "C1", at=LATER, by="desk", how="call")
    issue(registry)
    assert registry.acknowledge("7.1", "C1", at=LATER, by="desk", how="call")
    assert not registry.acknowledge("7.1", "C1", at=LATER, by="other", how="sms")
    assert registry.acknowledged("7.1") == {"C1"}
    [entry] = [row.entry for row in read_audit(database, what="acknowledged")]
    assert (entry.by, entry.subject, entry.detail) == ("desk", "7.1", {"customer": "C1", "how": "call"})
    assert verify_audit(database).problems == ()


@settings(max_examples=40, deadline=None)
@given(st.lists(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0\n"), max_size=5), max_size=30))
def test_whoever_was_told_is_read_back_sorted_each_once(told: list[str]) -> None:
    engine = sa.create_engine("sqlite://")
    with engine.begin() as connection:
        NOTICE_TOLD.create(connection)
        keep_told(connection, "7.1", iter(told))
        assert find_told(connection, "7.1") == tuple(sorted(set(told)))
        assert connection.execute(sa.select(NOTICE_TOLD.c.count)).scalar() == len(set(told))
    engine.dispose()


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_a_store_made_from_a_backup_holds_every_notice_and_goes_on(
    kind: str, registry: Registry, database: Database, tmp_path: Path, cluster: Cluster
) -> None:
    registry.append("7.1", 0, COURSES["approved"])
    issue(registry)
    registry.append("8.1", 0, [drafted(outage_id="8")])
    registry.acknowledge("7.1", "C1", at=LATER, by="desk", how="call")
    outbox = Outbox(database)
    outbox.retry([1], by="desk", now=LATER, why="asked for")
    backup(database, tmp_path / "kept.jsonl.gz", now=LATER)
    url = f"sqlite:///{tmp_path}/restored.db" if kind == "sqlite" else cluster.new_database()
    assert restore(tmp_path / "kept.jsonl.gz", url) == verify_audit(database)
    with closing(open_database(url, create=False)) as restored:
        there = Registry(restored)
        assert there.get("7.1") == registry.get("7.1")
        assert there.told("7.1") == ("C1", "C2", "C3")
        assert there.drafts("8.1") == registry.drafts("8.1")
        assert there.acknowledged("7.1") == {"C1"}
        assert Outbox(restored).list_of("7.1") == outbox.list_of("7.1")
        assert Outbox(restored).proofs(1) == outbox.proofs(1)
        there.append("8.1", 1, [submitted(), APPROVED])
        there.issue("8.1", 3, ISSUED, messages=[message("A-9")], told=["C9"], now=LATER)
        assert [one.position for one in Outbox(restored).list_of("8.1")] == [3]
        assert verify_audit(restored).problems == ()


def test_times_are_kept_in_utc(registry: Registry) -> None:
    local = datetime.fromisoformat("2026-04-20T16:30:00+08:00")
    dossier = registry.append("7.1", 0, [drafted(at=local)])
    assert registry.get("7.1").drafted_at == dossier.drafted_at == local
    assert registry.get("7.1").drafted_at.isoformat() == "2026-04-20T08:30:00+00:00"
