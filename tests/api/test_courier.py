"""The courier: delivers while it runs, waits where nothing is due, and stops when it is told."""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from api.courier import Courier
from notices.channels.parcel import Outcome, Parcel
from notices.deliver import Deliverer
from notices.outbox import Outbox
from outages.database import Database, open_database
from outages.failures import StoreError
from tests.notices.posting import MINUTE, NOW, many, post, states, texts_of

PATIENCE_S = 10


@dataclass
class Postbox:
    """Takes what is handed over, and says so of all alike."""

    outcome: Outcome = field(default_factory=lambda: Outcome("accepted"))
    batch: int = 2
    taken: list[str] = field(default_factory=list)
    gate: threading.Event | None = None

    def send(self, parcels: Sequence[Parcel]) -> list[Outcome]:
        if self.gate is not None:
            self.gate.wait(PATIENCE_S)
        self.taken += [parcel.address for parcel in parcels]
        return [self.outcome] * len(parcels)


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    with closing(open_database(f"sqlite:///{tmp_path}/outages.db")) as database:
        yield database


@pytest.fixture
def outbox(database: Database) -> Outbox:
    return Outbox(database)


def courier_of(outbox: Outbox, idle_s: float = 0.01, **adapters: Postbox) -> Courier:
    return Courier(Deliverer(outbox, texts_of, adapters, name="courier"), lambda: NOW + MINUTE, idle_s=idle_s)


def wait_until(holds: Callable[[], bool]) -> None:
    give_up = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < give_up, "it did not come to that"
        time.sleep(0.005)


def test_everything_is_delivered_batch_after_batch_without_a_wait_between(database: Database, outbox: Outbox) -> None:
    post(database, *many(7))
    box = Postbox()
    courier = courier_of(outbox, idle_s=PATIENCE_S, sms=box)
    courier.start()
    wait_until(lambda: len(box.taken) == 7)
    courier.stop()
    assert set(states(outbox).values()) == {"accepted"}
    assert courier.results == Counter(accepted=7)


def test_what_comes_while_it_runs_goes_out_too(database: Database, outbox: Outbox) -> None:
    box = Postbox()
    courier = courier_of(outbox, sms=box)
    courier.start()
    post(database, *many(1))
    wait_until(lambda: len(box.taken) == 1)
    courier.stop()


def test_it_stops_at_once_while_it_waits(outbox: Outbox) -> None:
    courier = courier_of(outbox, idle_s=60, sms=Postbox())
    courier.start()
    began = time.monotonic()
    courier.stop()
    assert time.monotonic() - began < 2
    assert not _running()


def test_it_asks_for_nothing_more_once_it_was_told_to_stop(database: Database, outbox: Outbox) -> None:
    post(database, *many(6))
    box = Postbox(gate=threading.Event())
    courier = courier_of(outbox, sms=box)
    courier.start()
    wait_until(lambda: "claimed" in states(outbox).values())
    courier.stop(timeout_s=0.05)
    assert box.gate is not None
    box.gate.set()
    wait_until(lambda: not _running())
    assert Counter(states(outbox).values()) == {"accepted": 2, "waiting": 4}


def test_a_courier_without_a_channel_does_nothing(outbox: Outbox) -> None:
    courier = courier_of(outbox)
    courier.start()
    assert not _running()
    courier.stop()


def test_to_start_it_twice_is_to_start_it_once(outbox: Outbox) -> None:
    courier = courier_of(outbox, sms=Postbox())
    courier.start()
    courier.start()
    assert len(_running()) == 1
    courier.stop()


def test_what_failed_is_said_and_the_other_channels_go_on(
    database: Database, outbox: Outbox, said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    claim = outbox.claim

    def broken(channel: str, **how: object) -> object:
        if channel == "email":
            raise StoreError("The disk is full.")
        return claim(channel, **how)  # type: ignore[arg-type]

    monkeypatch.setattr(outbox, "claim", broken)
    post(database, *many(2))
    box = Postbox()
    courier = courier_of(outbox, sms=box, email=Postbox())
    courier.start()
    wait_until(lambda: len(box.taken) == 2)
    courier.stop()
    assert any("delivery failed" in line and "email" in line and "The disk is full." in line for line in said)
    assert any("delivered" in line and "'accepted': 2" in line for line in said)


@pytest.fixture
def said() -> Iterator[list[str]]:
    """What the courier logs."""
    lines: list[str] = []
    logger = logging.getLogger("gridnotice.courier")
    handler = logging.Handler()
    handler.emit = lambda record: lines.append(f"{record.getMessage()} {getattr(record, 'fields', {})}")  # type: ignore[method-assign]
    level = logger.level
    logger.addHandler(handler)
    logger.setLevel("INFO")
    yield lines
    logger.removeHandler(handler)
    logger.setLevel(level)


def _running() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "courier"]
