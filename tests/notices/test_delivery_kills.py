"""Kill −9 in the middle of delivery, over and over: nothing is lost, and nothing is doubled at who honours the keys.

``GRIDNOTICE_KILLS`` says how often (10 on each database where it is not set), ``GRIDNOTICE_SEED`` when.
"""

from __future__ import annotations

import hashlib
import os
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from notices.outbox import Message, NewMessage, Outbox
from outages.database import Database, open_database
from tests.notices.gateways import HttpGateway, http_gateway
from tests.notices.posting import message, post
from tests.postgres import Cluster

KILLS = int(os.environ.get("GRIDNOTICE_KILLS", "10"))
SEED = int(os.environ.get("GRIDNOTICE_SEED", "7"))
FOR_EACH = 20
DELAY_S = 0.03
"""How long the gateway takes for a batch."""
ROOT = Path(__file__).parents[2]


class Lives:
    """Deliverers, two at a time; each dies when the test says so."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        assert self._answer() == "ready"

    def begin(self) -> int:
        assert self._process.stdin is not None
        self._process.stdin.write("live\n")
        self._process.stdin.flush()
        return int(self._answer())

    def _answer(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline().strip()


@contextmanager
def lives_on(*given: str) -> Iterator[Lives]:
    command = [sys.executable, "-m", "tests.notices.delivering", *given]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        yield Lives(process)
        assert process.stdin is not None
        process.stdin.close()


def kill_and_kill(lives: Lives, server: HttpGateway, database: Database, chance: random.Random) -> None:
    """Kill one of two deliverers again and again, some while they begin and most while they send; the last two live."""
    running = [lives.begin(), lives.begin()]
    for number in range(KILLS):
        post(database, *batch(number))
        if chance.random() < 0.8:
            await_post(server)
        time.sleep(chance.uniform(0, 2 * DELAY_S))
        os.kill(running.pop(chance.randrange(2)), 9)
        running.append(lives.begin())


def batch(number: int) -> list[NewMessage]:
    """What is issued before a kill: four batches for the gateway, so that there is always something under way."""
    mine = range(number * FOR_EACH, (number + 1) * FOR_EACH)
    return [message(f"r{one}", channel) for one in mine for channel in ("sms", "newspaper")]


def await_post(server: HttpGateway) -> None:
    """Wait until something new has come in, but not for ever: both may have been killed."""
    give_up = time.monotonic() + 2
    before = len(server.received.posts)
    while len(server.received.posts) == before and time.monotonic() < give_up:
        time.sleep(0.002)


def mark_of(message: Message) -> str:
    return hashlib.sha256(message.key.encode()).hexdigest()[:32]


def await_end(outbox: Outbox) -> None:
    give_up = time.monotonic() + 60
    while any(set(counts) != {"accepted"} for counts in outbox.counts().values()):
        assert time.monotonic() < give_up, f"not delivered: {outbox.counts()}"
        time.sleep(0.05)


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_kills_during_delivery_lose_nothing_and_double_nothing(
    kind: str, tmp_path: Path, cluster: Cluster, capsys: pytest.CaptureFixture[str]
) -> None:
    chance = random.Random(SEED)
    url = cluster.new_database() if kind == "postgresql" else f"sqlite:///{tmp_path}/outages.db"
    folder = tmp_path / "newspaper"
    folder.mkdir()
    database = open_database(url)
    count = FOR_EACH * KILLS
    moods = [chance.choice(["ok", "ok", "ok", "half", "dies", "half_said"]) for _ in range(3 * KILLS)]
    outbox = Outbox(database)
    try:
        with http_gateway(*moods, delay_s=DELAY_S) as server, lives_on(url, server.url, str(folder)) as lives:
            kill_and_kill(lives, server, database, chance)
            await_end(outbox)
        messages = outbox.list_of("7.1", limit=2 * count)
        proofs = {one.position: [proof.what for proof in outbox.proofs(one.position)] for one in messages}
    finally:
        database.close()

    received = server.received
    assert sorted(received.delivered.values()) == sorted(f"Dear R{n},\nthe power will be off." for n in range(count)), "lost"
    assert received.doubled == []
    assert len({path for path in folder.iterdir() if path.suffix == ".txt" and not path.name.startswith(".")}) == count
    assert {path.read_text().partition("\n")[0] for path in folder.glob("*.txt")} == {"Power cut 7.1"}, "half a file"
    assert all("accepted" in each for each in proofs.values()), "accepted without a proof"
    repeats = received.posted.total() - count
    cut_off = sum(received.posted[mark_of(one)] > len(proofs[one.position]) for one in messages if one.channel == "sms")
    assert cut_off > 0, "no kill hit a deliverer between what it sent and what it wrote down"
    with capsys.disabled():
        says = (
            f"{2 * count} messages, {cut_off} sent and cut off before the proof, {repeats} came again under their key, none twice"
        )
        sys.stdout.write(f"\n{KILLS} kills on {kind}: {says}\n")
