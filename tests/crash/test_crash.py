"""The server is killed at random moments while clients enter and change outages: what was acknowledged is there, once."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest

from api.people.tokens import add_token
from outages.audit import verify_audit
from outages.events import Event
from outages.lifecycle import fold
from outages.store import EventStore, open_store
from tests.postgres import Cluster

ROOT = Path(__file__).parents[2]
KILLS = int(os.environ.get("GRIDNOTICE_KILLS", "100"))
"""Of each store; `make soak` asks for more."""

CLIENTS = 4
SEED = 20261123
BEGAN = "2026-05-01T08:00:00+08:00"


@dataclass
class Acknowledged:
    """What the servers have said is recorded: revision of an outage → the word that came with the command."""

    revisions: dict[tuple[str, int], str] = field(default_factory=dict)
    words: list[str] = field(default_factory=list)
    asked: int = 0


@dataclass
class Client:
    """Somebody who enters outages and changes them, and repeats every command until a server has answered it."""

    number: int
    port: int
    token: str
    done: threading.Event
    heard: Acknowledged = field(default_factory=Acknowledged)
    failure: str = ""

    def run(self) -> None:
        chance = random.Random(SEED + self.number)
        try:
            while not self.done.is_set():
                self._live_an_outage(chance)
        except Exception as error:
            self.failure = repr(error)

    def _live_an_outage(self, chance: random.Random) -> None:
        entered = self._ask("POST", "/api/v1/outages", _facts(), revision=None)
        steps: list[dict[str, Any]] = [
            {"to": "staged", "operations": [{"at": BEGAN, "action": "close", "device": "S1"}]},
            {"to": "restored", "at": "2026-05-01T09:00:00+08:00"},
            {"to": "undone"},
            {"to": "restored", "at": "2026-05-01T09:30:00+08:00"},
            {"to": "closed"},
        ]
        for step in steps[: chance.randint(0, len(steps))]:
            if entered is None or self.done.is_set():
                return
            address = f"/api/v1/outages/{entered['id']}/transitions"
            entered = self._ask("POST", address, step, revision=entered["revision"])

    def _ask(self, method: str, address: str, body: dict[str, Any], *, revision: int | None) -> dict[str, Any] | None:
        """Send a command, again and again until it is answered; its word is in the reason, so that it is found in the store."""
        self.heard.asked += 1
        word = f"word-{self.number}-{self.heard.asked}"
        headers = {"Authorization": f"Bearer {self.token}", "Idempotency-Key": f"key-{word}"}
        if revision is not None:
            headers["If-Match"] = f'"{revision}"'
        while not self.done.is_set():
            try:
                answer = httpx2.request(
                    method, f"http://127.0.0.1:{self.port}{address}", json={**body, "why": word}, headers=headers, timeout=5
                )
            except httpx2.TransportError:
                continue
            if answer.status_code == 503:  # the store is coming back
                time.sleep(0.02)
                continue
            assert answer.status_code in (200, 201), answer.text
            outage: dict[str, Any] = answer.json()
            # A new fault is two events: entered, and off since. The word is on the first.
            self.heard.revisions[outage["id"], 1 if revision is None else outage["revision"]] = word
            self.heard.words.append(word)
            return outage
        return None


def _facts() -> dict[str, Any]:
    return {
        "outage_class": "fault",
        "switching": {"open": ["S1"], "close": [], "fault": []},
        "windows": [{"start": BEGAN, "end": None}],
        "reason": "cable fault",
    }


@contextmanager
def _lives(store_url: str) -> Iterator[tuple[subprocess.Popen[str], int]]:
    command = [sys.executable, "-m", "tests.crash.lives", store_url]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as lives:
        assert lives.stdout is not None
        assert lives.stdin is not None
        yield lives, int(lives.stdout.readline())
        lives.stdin.close()


def _kill_and_kill(lives: subprocess.Popen[str], times: int, port: int) -> None:
    """Start a server and kill it, ``times`` over, some while it starts and most while it answers; the last one lives."""
    assert lives.stdout is not None
    assert lives.stdin is not None
    chance = random.Random(SEED)
    for life in range(times + 1):
        lives.stdin.write("live\n")
        lives.stdin.flush()
        pid = int(lives.stdout.readline())
        if life < times:
            if chance.random() < 0.9:
                _await_answer(port)
            time.sleep(chance.uniform(0, 0.25))
            os.kill(pid, 9)


def _await_answer(port: int) -> None:
    for _ in range(100):
        try:
            httpx2.get(f"http://127.0.0.1:{port}/health/live", timeout=0.5)
        except httpx2.TransportError:
            continue
        return


def _check(store: EventStore, heard: list[Acknowledged]) -> int:
    """Check the store against what was acknowledged; return how many events it holds."""
    events: dict[str, list[Event]] = {}
    for one in store.read_since(0):
        events.setdefault(one.outage_id, []).append(one.event)
        assert one.seq == len(events[one.outage_id]), f"{one.outage_id}: the events are not numbered one after another"
    found = Counter(event.why for history in events.values() for event in history if event.why)
    for one in heard:
        for (outage_id, seq), word in one.revisions.items():
            assert events[outage_id][seq - 1].why == word, f"{outage_id} revision {seq} was acknowledged, and is not there"
        assert all(found[word] == 1 for word in one.words)
    assert max(found.values()) == 1, "a command that was repeated was carried out twice"
    for outage_id, history in events.items():
        fold(outage_id, history)
    assert verify_audit(store.database).problems == ()
    return sum(map(len, events.values()))


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_what_was_acknowledged_is_there_after_any_kill_and_once(
    kind: str, tmp_path: Path, cluster: Cluster, capsys: pytest.CaptureFixture[str]
) -> None:
    url = cluster.new_database() if kind == "postgresql" else f"sqlite:///{tmp_path}/outages.db"
    now = datetime.now(UTC)
    store = open_store(url)
    made = add_token(store.database, "control", ["read", "enter"], expires_at=now + timedelta(days=1), now=now, by="test")
    done = threading.Event()
    with _lives(url) as (lives, port):
        clients = [Client(number, port, made.text, done) for number in range(CLIENTS)]
        threads = [threading.Thread(target=client.run) for client in clients]
        for thread in threads:
            thread.start()
        _kill_and_kill(lives, KILLS, port)
        time.sleep(1.5)  # the last server answers what is still being asked
        done.set()
        for thread in threads:
            thread.join()
    try:
        assert [client.failure for client in clients] == [""] * CLIENTS
        acknowledged = sum(len(client.heard.words) for client in clients)
        assert acknowledged > KILLS, "too little happened for the kills to hit anything"
        held = _check(store, [client.heard for client in clients])
        with capsys.disabled():
            sys.stdout.write(f"\n{KILLS} kills on {kind}: {acknowledged} commands acknowledged, {held} events held\n")
    finally:
        store.close()
