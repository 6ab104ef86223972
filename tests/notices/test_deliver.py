"""Delivery from the outbox to real servers: each message once, whatever the other side does, and nobody waits for another."""

from __future__ import annotations

import email
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from notices.channels.drops import FolderDrop
from notices.channels.mail import Smtp
from notices.channels.parcel import Outcome, Parcel
from notices.channels.web import Line, SmsGateway
from notices.deliver import Counts, Deliverer
from notices.history import Text, TextKey
from notices.outbox import Backoff, Outbox
from outages.database import Database, open_database
from tests.notices.gateways import http_gateway, mail_server
from tests.notices.posting import MINUTE, NOW, many, message, post, states, texts_of, words
from tests.postgres import Cluster


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    opened = open_database(f"sqlite:///{tmp_path}/outages.db")
    yield opened
    opened.close()


@pytest.fixture
def outbox(database: Database) -> Outbox:
    return Outbox(database, backoff=Backoff(first_s=60, most_s=60, attempts=5, jitter=0))


class Hands:
    """An adapter that keeps what it is given, and does with each batch as it is told."""

    def __init__(self, does: Callable[[Sequence[Parcel]], list[Outcome]] | None = None, batch: int = 100) -> None:
        self.batch = batch
        self.got: list[Parcel] = []
        self._does = does or (lambda parcels: [Outcome("accepted", "thanks")] * len(parcels))

    def send(self, parcels: Sequence[Parcel]) -> list[Outcome]:
        self.got += parcels
        return self._does(parcels)


def deliver_all(deliverer: Deliverer, now: datetime = NOW, minutes: int = 10) -> Counter[str]:
    """Deliver for some minutes, as the loop of the service does."""
    results: Counter[str] = Counter()
    for minute in range(minutes):
        while (counts := deliverer.deliver_once(now + minute * MINUTE)).taken:
            results += counts.results
    return results


def test_every_channel_gets_its_messages_with_the_right_words(database: Database, outbox: Outbox, tmp_path: Path) -> None:
    folder = tmp_path / "newspaper"
    folder.mkdir()
    post(database, message("anna"), message("anna", "email"), message("gazette", "newspaper", personal={}))
    post(database, message("ben", "poster"))
    with http_gateway() as sms, mail_server() as (mail, port):
        adapters = {
            "sms": SmsGateway(Line(sms.url)),
            "email": Smtp("127.0.0.1", port, "n@utility.example", tls="none"),
            "newspaper": FolderDrop(folder),
        }
        counts = Deliverer(outbox, texts_of, adapters, name="one").deliver_once(NOW)
    assert counts == Counts(Counter(accepted=3))
    assert [*sms.received.delivered.values()] == ["Dear Anna,\nthe power will be off."]
    assert "Dear Anna,\r\nthe power" in email.message_from_bytes(mail.mails[0]).get_payload()
    (file,) = folder.iterdir()
    assert file.read_text() == "Power cut 7.1\n\nDear customer,\nthe power will be off.\n"
    assert states(outbox) == {"anna": "accepted", "gazette": "accepted", "ben": "waiting"}
    (proof,) = outbox.proofs(next(one.position for one in outbox.list_of("7.1") if one.channel == "email"))
    assert proof.detail["says"] == "250 2.0.0 Queued as 1"
    assert proof.at - NOW < timedelta(seconds=20)


@pytest.mark.parametrize(
    ("channel", "title"),
    [("tv", ""), ("radio", ""), ("sms", ""), ("call", ""), ("newspaper", "Power cut"), ("letter", "Power cut")],
)
def test_a_title_that_is_for_the_desk_alone_is_not_sent(channel: str, title: str, database: Database, outbox: Outbox) -> None:
    hands = Hands()
    post(database, message("anna", channel))
    key = TextKey("first", "en", channel)
    Deliverer(outbox, lambda _: {key: Text(key, "Power cut", "Off.")}, {channel: hands}, name="one").deliver_once(NOW)
    assert [parcel.title for parcel in hands.got] == [title]


@pytest.mark.parametrize("mood", ["half", "half_said", "dies", "cut", "twice", "both", "torn", "garbage", "503", "401"])
def test_a_gateway_that_fails_once_gets_everything_in_the_end_and_each_text_once(
    mood: str, database: Database, outbox: Outbox
) -> None:
    post(database, *many(10))
    with http_gateway(mood) as server:
        results = deliver_all(Deliverer(outbox, texts_of, {"sms": SmsGateway(Line(server.url, timeout_s=2))}, name="one"))
    assert results["accepted"] == 10
    assert outbox.counts() == {"sms": {"accepted": 10}}
    assert sorted(server.received.delivered.values()) == sorted(f"Dear R{n},\nthe power will be off." for n in range(10))
    assert server.received.doubled == []


def test_a_mail_server_that_dies_half_way_gets_the_rest_under_the_same_ids(database: Database, outbox: Outbox) -> None:
    post(database, *many(6, "email"))
    with mail_server({3: "dies", 5: "full"}) as (server, port):
        deliver_all(Deliverer(outbox, texts_of, {"email": Smtp("127.0.0.1", port, "n@u.example", tls="none")}, name="one"))
    came = Counter(email.message_from_bytes(mail)["Message-ID"] for mail in server.mails)
    assert outbox.counts() == {"email": {"accepted": 6}}
    assert sorted(came.values()) == [1, 1, 1, 1, 1, 2], "the one of which nobody knew came twice, under one id"


def test_a_gateway_that_stays_away_leaves_dead_letters_that_a_person_can_send_on(database: Database, outbox: Outbox) -> None:
    post(database, *many(3))
    with http_gateway(*["503"] * 5) as server:
        deliverer = Deliverer(outbox, texts_of, {"sms": SmsGateway(Line(server.url))}, name="one")
        assert deliver_all(deliverer) == Counter(later=15)
        dead = outbox.list_dead()
        assert [one.last_error for one in dead] == ['503 {"error": "not now, 12345-token"}'] * 3
        outbox.retry([one.position for one in dead[:2]], by="mei", now=NOW, why="the gateway is back")
        outbox.give_up([dead[2].position], by="mei", now=NOW, why="told by telephone")
        assert deliver_all(deliverer) == Counter(accepted=2)
    assert states(outbox) == {"r0": "accepted", "r1": "accepted", "r2": "given_up"}
    assert words(outbox, [dead[0].position]) == [["failed"] * 5 + ["retried", "accepted"]]


BROKEN = {
    "no text": (message("bad", language="zh"), "Notice 7.1 has no text first/zh/sms. Give the message up"),
    "unknown blank": (
        message("bad", "email", kind="reminder"),
        "cannot be filled in. body: Nothing is known that could fill [[sum]]",
    ),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_message_that_cannot_be_written_is_a_dead_letter_and_the_others_go_out(
    case: str, database: Database, outbox: Outbox
) -> None:
    broken, says = BROKEN[case]
    reminder = TextKey("reminder", "en", "email")
    post(database, message("a", broken.channel), broken, message("z", broken.channel))
    hands = Hands()
    texts = texts_of("7.1") | {reminder: Text(reminder, "", "You owe [[sum]].")}
    counts = Deliverer(outbox, lambda _: texts, {broken.channel: hands}, name="one").deliver_once(NOW)
    assert counts.results == Counter(accepted=2, dead=1)
    assert [parcel.key for parcel in hands.got] == [f"7.1/a/{broken.channel}", f"7.1/z/{broken.channel}"]
    (dead,) = outbox.list_dead()
    assert dead.recipient == "bad"
    assert says in dead.last_error
    assert words(outbox, [dead.position]) == [["failed"]]


def test_texts_that_cannot_be_read_now_hold_up_no_other_notice(database: Database, outbox: Outbox) -> None:
    post(database, *many(2))
    post(database, *many(2), notice_id="8.1")

    def texts(notice_id: str) -> dict[TextKey, Text]:
        if notice_id == "7.1":
            raise OSError("the disk is away")
        return texts_of(notice_id)

    counts = Deliverer(outbox, texts, {"sms": Hands()}, name="one").deliver_once(NOW)
    assert counts.results == Counter(later=2, accepted=2)
    assert outbox.list_of("7.1")[0].last_error == "The texts of notice 7.1 could not be read: the disk is away"


@pytest.mark.parametrize(
    ("does", "result", "says"),
    [
        (lambda parcels: 1 / 0, "later", "ZeroDivisionError: division by zero"),
        (lambda parcels: [Outcome("accepted")], "unknown", "The adapter told of 1 parcels and was given 3"),
    ],
)
def test_an_adapter_at_fault_loses_nothing(
    does: Callable[..., list[Outcome]], result: str, says: str, database: Database, outbox: Outbox
) -> None:
    post(database, *many(3), message("paper", "newspaper"))
    counts = Deliverer(outbox, texts_of, {"sms": Hands(does), "newspaper": Hands()}, name="one").deliver_once(NOW)
    assert counts.results == Counter({result: 3, "accepted": 1})
    assert {one.last_error for one in outbox.list_of("7.1", state="waiting")} == {says}


def test_an_adapter_that_hangs_holds_up_no_other_channel(database: Database, outbox: Outbox) -> None:
    post(database, *many(4), *many(4, "email"))
    hold = threading.Event()

    def hang(parcels: Sequence[Parcel]) -> list[Outcome]:
        hold.wait(10)
        return [Outcome("accepted")] * len(parcels)

    adapters = {"sms": Hands(hang, batch=2), "email": Hands(batch=2)}
    deliverer = Deliverer(outbox, texts_of, adapters, name="one", patience_s=0.2)
    assert deliverer.deliver_once(NOW) == Counts(Counter(accepted=2), busy=("sms",))
    began = time.monotonic()
    assert deliverer.deliver_once(NOW) == Counts(Counter(accepted=2), busy=("sms",))
    assert time.monotonic() - began < 0.2, "nobody waits for it a second time"
    assert outbox.counts() == {"email": {"accepted": 4}, "sms": {"claimed": 2, "waiting": 2}}
    hold.set()
    while deliverer.deliver_once(NOW).busy or outbox.counts()["sms"] != {"accepted": 4}:
        time.sleep(0.01)
    assert len(adapters["sms"].got) == 4


def test_a_store_that_cannot_be_written_is_told_and_stops_nothing_for_good(database: Database, outbox: Outbox) -> None:
    post(database, *many(2), *many(2, "email"))

    class Reluctant(Outbox):
        def claim(self, channel: str, **given: object) -> list:
            if channel == "sms":
                raise OSError("no space left")
            return super().claim(channel, **given)

    adapters = {"sms": Hands(), "email": Hands()}
    counts = Deliverer(Reluctant(database), texts_of, adapters, name="one").deliver_once(NOW)
    assert counts == Counts(Counter(accepted=2), failed={"sms": "no space left"})
    assert Deliverer(outbox, texts_of, adapters, name="one").deliver_once(NOW).results == Counter(accepted=2)


def test_the_time_of_a_proof_is_when_sending_ended(database: Database, outbox: Outbox) -> None:
    post(database, message("anna"))
    ticks = iter([100.0, 107.5])
    Deliverer(outbox, texts_of, {"sms": Hands()}, name="one", timer=lambda: next(ticks)).deliver("sms", NOW)
    (anna,) = outbox.list_of("7.1")
    assert anna.settled_at == outbox.proofs(anna.position)[0].at == NOW + timedelta(seconds=7.5)


def test_nothing_is_open_in_the_database_while_something_is_sent(database: Database, outbox: Outbox) -> None:
    post(database, message("anna"))

    def write(parcels: Sequence[Parcel]) -> list[Outcome]:
        post(database, message("ben"))  # would wait for itself if the claim still held the store
        return [Outcome("accepted")] * len(parcels)

    assert Deliverer(outbox, texts_of, {"sms": Hands(write)}, name="one").deliver_once(NOW).results == Counter(accepted=1)


def test_two_deliverers_on_postgresql_send_each_message_once(cluster: Cluster) -> None:
    databases = [open_database(url) for url in [cluster.new_database()] * 2]
    post(databases[0], *many(240))
    with http_gateway(delay_s=0.01) as server:
        sides = [
            Deliverer(Outbox(each), texts_of, {"sms": SmsGateway(Line(server.url), batch=10)}, name=f"side {number}")
            for number, each in enumerate(databases)
        ]
        threads = [threading.Thread(target=deliver_all, args=(side,), kwargs={"minutes": 1}) for side in sides]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    outbox = Outbox(databases[0])
    by = Counter(outbox.proofs(one.position)[0].by for one in outbox.list_of("7.1", limit=240))
    for each in databases:
        each.close()
    assert (len(server.received.posted), set(server.received.posted.values())) == (240, {1})
    assert min(by["side 0"], by["side 1"]) > 20, "both took part"
