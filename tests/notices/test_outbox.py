"""The outbox on both databases: nobody gets a message twice at a time, none is lost, and all is on record."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, func, insert, select, update

from notices.channels.parcel import Outcome
from notices.outbox import Backoff, Message, NewMessage, Outbox, OutboxError
from outages.audit import read_audit, verify_audit
from outages.database import Database, StoreError, open_database
from outages.tables import MESSAGES, NOTICES, PROOFS
from tests.notices.posting import MINUTE, NOW, many, message, post, states, words
from tests.postgres import Cluster

LEASE_S = 300
AFTER_LEASE = NOW + timedelta(seconds=LEASE_S)


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path, cluster: Cluster) -> Iterator[Database]:
    url = f"sqlite:///{tmp_path}/outages.db" if request.param == "sqlite" else cluster.new_database()
    opened = open_database(url)
    yield opened
    opened.close()


@pytest.fixture
def outbox(database: Database) -> Outbox:
    return Outbox(database, backoff=Backoff(first_s=60, attempts=3, jitter=0))


def claim(outbox: Outbox, *, by: str = "one", limit: int = 100, now=NOW, channel: str = "sms") -> list[Message]:
    return outbox.claim(channel, limit=limit, by=by, now=now, lease_s=LEASE_S)


def settle(outbox: Outbox, messages: list[Message], *results: str, by: str = "one", now=NOW) -> None:
    outbox.settle(
        [(one, Outcome(result, f"it was {result}")) for one, result in zip(messages, results, strict=True)], by=by, now=now
    )


def test_a_message_is_put_once_for_each_recipient_and_channel(database: Database, outbox: Outbox) -> None:
    assert post(database, message("anna"), message("anna", "email"), message("ben"), message("anna", address="other")) == 3
    assert post(database, message("anna"), message("carl")) == 1
    assert post(database, message("anna"), notice_id="7.2") == 1
    first, *_ = outbox.list_of("7.1")
    assert (first.recipient, first.channel, first.address) == ("anna", "sms", "anna@example.org")
    assert outbox.counts("7.1") == {"email": {"waiting": 1}, "sms": {"waiting": 3}}
    assert outbox.counts() == {"email": {"waiting": 1}, "sms": {"waiting": 4}}


def test_a_message_comes_out_as_it_was_put(database: Database, outbox: Outbox) -> None:
    put = message(
        "张三", "radio", slot_s=30, personal={"name": "张\0三", "address": "中山路 12 号"}, needs_ack=True, language="zh"
    )
    post(database, put)
    (found,) = claim(outbox, channel="radio")
    assert {name: getattr(found, name) for name in vars(put)} == vars(put)
    assert (found.key, str(found.text_key)) == ("7.1/张三/radio", "first/zh/radio/30")
    assert (found.state, found.claimed_by, found.claimed_until, found.due_at) == ("claimed", "one", AFTER_LEASE, AFTER_LEASE)
    assert outbox.list_of("7.1") == [found]


@pytest.mark.parametrize("broken", [{"address": "a\0b"}, {"recipient": "half \ud800"}])
def test_what_no_database_can_store_is_refused_and_nothing_is_put(
    broken: dict[str, str], database: Database, outbox: Outbox
) -> None:
    with pytest.raises(StoreError, match="is no text"):
        post(database, message("anna"), message(**{"recipient": "ben", **broken}))
    assert outbox.counts() == {}


def test_a_lease_keeps_others_away_until_it_ends(database: Database, outbox: Outbox) -> None:
    post(database, *many(5))
    assert [one.recipient for one in claim(outbox, limit=2)] == ["r0", "r1"]
    assert [one.recipient for one in claim(outbox, by="two", limit=2)] == ["r2", "r3"]
    assert [one.recipient for one in claim(outbox, by="two")] == ["r4"]
    assert claim(outbox, by="three", now=AFTER_LEASE - MINUTE) == []
    again = claim(outbox, by="three", now=AFTER_LEASE)
    assert sorted(one.recipient for one in again) == ["r0", "r1", "r2", "r3", "r4"]
    assert {(one.claimed_by, one.attempts) for one in again} == {("three", 0)}, "a death is no fault of the message"


def test_only_what_is_due_on_the_channel_is_claimed_the_longest_due_first(database: Database, outbox: Outbox) -> None:
    post(database, message("later"), now=NOW + MINUTE)
    post(database, message("earlier"), message("other", "email"), notice_id="7.2")
    assert [one.recipient for one in claim(outbox)] == ["earlier"]
    assert outbox.oldest_waiting() == NOW
    claim(outbox, channel="email")
    assert outbox.oldest_waiting() == NOW + MINUTE
    assert [one.recipient for one in claim(outbox, now=AFTER_LEASE)] == ["earlier", "later"], (
        "the one whose deliverer died is first"
    )
    assert outbox.oldest_waiting() is None


@pytest.mark.parametrize(
    ("result", "state", "what", "due", "error"),
    [
        ("accepted", "accepted", "accepted", None, ""),
        ("refused", "refused", "refused", None, "it was refused"),
        ("dead", "dead", "failed", None, "it was dead"),
        ("later", "waiting", "failed", NOW + MINUTE, "it was later"),
        ("unknown", "waiting", "unknown", NOW + MINUTE, "it was unknown"),
    ],
)
def test_each_result_leaves_its_state_and_its_proof(
    result: str, state: str, what: str, due: object, error: str, database: Database, outbox: Outbox
) -> None:
    post(database, message("anna"))
    claimed = claim(outbox)
    settle(outbox, claimed, result)
    (after,) = outbox.list_of("7.1")
    assert (after.state, after.last_error, after.attempts) == (state, error, 1)
    assert (after.claimed_by, after.claimed_until) == (None, None)
    assert (after.settled_at, after.due_at) == (None, due) if due else after.settled_at == NOW
    (proof,) = outbox.proofs(after.position)
    assert (proof.what, proof.at, proof.by, proof.message) == (what, NOW, "one", after.position)
    assert proof.detail == {"attempt": 1, "address": "anna@example.org", "text": "first/en/sms", "says": f"it was {result}"}
    assert [one.recipient for one in claim(outbox, now=NOW + MINUTE)] == (["anna"] if due else [])


def test_attempts_are_used_up_with_growing_waits(database: Database, outbox: Outbox) -> None:
    post(database, message("anna"))
    now = NOW
    for wait in (1, 2):
        settle(outbox, claim(outbox, now=now), "later", now=now)
        assert claim(outbox, now=now + wait * MINUTE - timedelta(seconds=1)) == []
        now += wait * MINUTE
    settle(outbox, claim(outbox, now=now), "unknown", now=now)
    assert claim(outbox, now=now + 1000 * MINUTE) == []
    assert [(one.recipient, one.state, one.attempts) for one in outbox.list_dead()] == [("anna", "dead", 3)]
    assert words(outbox, [outbox.list_dead()[0].position]) == [["failed", "failed", "unknown"]]


def test_whoever_lost_the_lease_still_proves_and_only_an_acceptance_counts(database: Database, outbox: Outbox) -> None:
    post(database, *many(3))
    old = claim(outbox)
    new = claim(outbox, by="two", now=AFTER_LEASE)
    settle(outbox, old, "accepted", "refused", "later", now=AFTER_LEASE)
    assert states(outbox) == {"r0": "accepted", "r1": "claimed", "r2": "claimed"}
    assert {one.claimed_by for one in outbox.list_of("7.1", state="claimed")} == {"two"}
    settle(outbox, new, "later", "accepted", "accepted", by="two", now=AFTER_LEASE)
    assert states(outbox) == {"r0": "accepted", "r1": "accepted", "r2": "accepted"}, "what was accepted is not taken back"
    assert words(outbox, [one.position for one in new]) == [
        ["accepted", "failed"],
        ["refused", "accepted"],
        ["failed", "accepted"],
    ]


def test_what_a_gateway_said_fits_every_database(database: Database, outbox: Outbox) -> None:
    post(database, message("anna"))
    outbox.settle([(claim(outbox)[0], Outcome("later", "\0\ud800no\r\n" + "x" * 9000))], by="one", now=NOW)
    (after,) = outbox.list_of("7.1")
    assert after.last_error.startswith("no x")
    assert len(after.last_error) == len(outbox.proofs(after.position)[0].detail["says"]) == 500


# --- what a person does ---


def test_a_person_retries_or_gives_up_and_says_why(database: Database, outbox: Outbox) -> None:
    post(database, *many(6))
    post(database, message("x"), notice_id="7.2")
    settle(outbox, claim(outbox, limit=5), "refused", "dead", "later", "accepted", "refused")
    positions = {one.recipient: one.position for one in outbox.list_of("7.1")}
    (claimed,) = claim(outbox, limit=1)
    assert claimed.recipient == "r5"
    given_up = outbox.give_up([positions["r4"], positions["r3"], positions["r5"], 999_999], by="mei", now=NOW, why="moved away")
    retried = outbox.retry(positions.values(), by="mei", now=NOW, why="number corrected")
    assert given_up == [positions["r4"]], "one that was accepted or is under way stays as it is"
    assert retried == [positions[name] for name in ("r0", "r1", "r2", "r4")]
    assert {one.recipient: one.attempts for one in claim(outbox)} == {"r0": 0, "r1": 0, "r2": 0, "r4": 0, "x": 0}
    assert words(outbox, [positions["r4"], positions["r3"]]) == [["refused", "given_up", "retried"], ["accepted"]]
    assert outbox.proofs(positions["r0"])[-1].detail == {"why": "number corrected"}
    entries = [row.entry for row in read_audit(database, by="mei")]
    assert [(entry.what, entry.subject, entry.detail["why"]) for entry in entries] == [
        ("messages given up", "7.1", "moved away"),
        ("messages retried", "7.1", "number corrected"),
    ]
    assert entries[1].detail["messages"] == retried
    assert verify_audit(database).problems == ()


@pytest.mark.parametrize("why", ["", " \n"])
def test_a_decision_without_a_reason_changes_nothing(why: str, database: Database, outbox: Outbox) -> None:
    post(database, message("anna"))
    with pytest.raises(OutboxError, match="Say why"):
        outbox.give_up([outbox.list_of("7.1")[0].position], by="mei", now=NOW, why=why)
    assert states(outbox) == {"anna": "waiting"}


def test_dead_letters_are_paged(database: Database, outbox: Outbox) -> None:
    post(database, *many(5))
    settle(outbox, claim(outbox), "refused", "accepted", "dead", "refused", "later")
    first = outbox.list_dead(limit=2)
    assert [one.recipient for one in first] == ["r0", "r2"]
    assert [one.recipient for one in outbox.list_dead(after=first[-1].position, limit=2)] == ["r3"]


@pytest.mark.parametrize("change", [update(PROOFS).values(what="accepted"), delete(PROOFS)], ids=["update", "delete"])
def test_a_proof_is_never_changed(change: object, database: Database, outbox: Outbox) -> None:
    post(database, message("anna"))
    settle(outbox, claim(outbox), "refused")
    with pytest.raises(StoreError), database.writing() as connection:
        connection.execute(change)
    assert words(outbox, [one.position for one in outbox.list_of("7.1")]) == [["refused"]]


# --- many at once ---


def test_deliverers_side_by_side_never_hold_the_same_message(database: Database, outbox: Outbox) -> None:
    post(database, *many(300))
    held: Counter[str] = Counter()
    lock = threading.Lock()

    def work(name: str) -> None:
        mine = Outbox(database)
        while claimed := claim(mine, by=name, limit=7):
            with lock:
                held.update(one.recipient for one in claimed)
            settle(mine, claimed, *["accepted"] * len(claimed), by=name)

    threads = [threading.Thread(target=work, args=(f"d{number}",)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert (len(held), set(held.values())) == (300, {1})
    assert outbox.counts() == {"sms": {"accepted": 300}}
    with database.reading() as connection:
        assert connection.execute(select(func.count()).select_from(PROOFS)).scalar() == 300


def test_on_postgresql_nobody_waits_for_a_claim_that_is_open(cluster: Cluster) -> None:
    database = open_database(cluster.new_database(), busy_timeout_s=2)
    try:
        outbox = Outbox(database)
        post(database, *many(4))
        locked = select(MESSAGES).order_by(MESSAGES.c.position).limit(2).with_for_update()
        with database.writing_beside() as connection, database.writing():  # a claim and the one writer, both in the middle
            connection.execute(locked).all()
            assert [one.recipient for one in claim(outbox)] == ["r2", "r3"]
        assert [one.recipient for one in claim(outbox)] == ["r0", "r1"]
    finally:
        database.close()


@settings(max_examples=100, deadline=None)
@given(
    key=st.text(max_size=20),
    attempt=st.integers(1, 10_000),
    backoff=st.builds(Backoff, first_s=st.floats(1, 100), most_s=st.floats(100, 1e5), jitter=st.floats(0, 1)),
)
def test_a_wait_is_never_longer_than_its_cap_and_the_same_each_time(key: str, attempt: int, backoff: Backoff) -> None:
    wait = backoff.delay(key, attempt).total_seconds()
    full = backoff.most_s if attempt > 20 else min(backoff.most_s, backoff.first_s * 2 ** (attempt - 1))
    assert full * (1 - backoff.jitter) - 1e-3 <= wait <= full + 1e-3
    assert backoff.delay(key, attempt) == backoff.delay(key, attempt)


def test_waits_of_many_messages_are_spread_over_the_whole_range() -> None:
    waits = sorted(Backoff(first_s=100, jitter=0.5).delay(f"7.1/r{number}/sms", 1).total_seconds() for number in range(1000))
    assert 50 <= waits[0] < 52
    assert 73 < waits[500] < 77
    assert 98 < waits[-1] <= 100


def issued(database: Database, *notice_ids: str) -> None:
    """Note that notices were issued, as the registry does."""
    rows = [
        {
            "position": 1000 + n,
            "notice_id": one,
            "seq": 5,
            "kind": "issued",
            "body": {},
            "recorded_at": NOW,
            "recorded_by": "dora",
        }
        for n, one in enumerate(notice_ids)
    ]
    with database.writing() as connection:
        connection.execute(insert(NOTICES), rows)


def test_what_waited_until_a_newer_notice_spoke_to_the_same_recipient_is_not_sent(database: Database, outbox: Outbox) -> None:
    post(database, message("anna"), message("ben"))
    settle(outbox, claim(outbox), "later", "later")
    post(database, message("anna", kind="cancellation"), message("ben", "email", kind="cancellation"), notice_id="7.2")
    issued(database, "7.1", "7.2")
    sent = claim(outbox, now=NOW + timedelta(hours=1))
    assert {(one.notice_id, one.recipient) for one in sent} == {("7.1", "ben"), ("7.2", "anna")}
    (first, _) = outbox.list_of("7.1")
    assert (first.state, first.last_error) == ("given_up", "A newer notice was issued to the same recipient.")
    assert [one.what for one in outbox.proofs(first.position)] == ["failed", "given_up"]


def test_a_message_whose_deliverer_died_is_overtaken_too(database: Database, outbox: Outbox) -> None:
    post(database, message("anna"))
    assert claim(outbox)
    post(database, message("anna", kind="cancellation"), notice_id="7.2")
    issued(database, "7.1", "7.2")
    assert [one.notice_id for one in claim(outbox, by="two", now=AFTER_LEASE)] == ["7.2"]


def test_the_public_is_one_recipient_for_each_language_and_slot(database: Database, outbox: Outbox) -> None:
    def script(kind: str, language: str, slot_s: int) -> NewMessage:
        name = f"public:{kind}:{language}:{slot_s}"
        return message(name, "radio", kind=kind, language=language, slot_s=slot_s, audience="public")

    post(database, script("first", "zh", 15), script("first", "zh", 30), script("first", "en", 30))
    post(database, script("cancellation", "zh", 30), notice_id="7.2")
    issued(database, "7.1", "7.2")
    sent = [(one.kind, one.language, one.slot_s) for one in claim(outbox, channel="radio")]
    assert sent == [("first", "zh", 15), ("first", "en", 30), ("cancellation", "zh", 30)]


def test_another_outage_and_a_notice_that_is_not_issued_overtake_nothing(database: Database, outbox: Outbox) -> None:
    post(database, message("anna"), notice_id="7.9")
    post(database, message("anna"), notice_id="7.10")
    post(database, message("anna"), notice_id="71.10")
    issued(database, "7.9", "71.10")
    assert [one.notice_id for one in claim(outbox)] == ["7.9", "7.10", "71.10"]
    assert outbox.told("7.9") == [("customers", "sms")]
