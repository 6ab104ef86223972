"""Delivery on the command line: once or until it is interrupted, to folders and a gateway on this machine."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from notices.dossier import Approved, Drafted, Issued, Submitted
from notices.history import Text, TextKey
from notices.outbox import NewMessage, Outbox
from notices.registry import Registry
from outages.database import Database, open_database
from tests.api.terminal import run
from tests.notices.gateways import HttpGateway, http_gateway
from tests.notices.posting import message, states

NOTICE = "20260501-K7QM.1"
PATIENCE_S = 30
TEXTS = tuple(Text(TextKey("first", "en", channel), "Power cut", "Dear [[name]],\noff at 9.") for channel in ("sms", "newspaper"))


@pytest.fixture
def store(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/outages.db"


@pytest.fixture
def database(store: str) -> Iterator[Database]:
    with closing(open_database(store)) as database:
        yield database


@pytest.fixture
def gateway() -> Iterator[HttpGateway]:
    with http_gateway() as server:
        yield server


@pytest.fixture
def channels(tmp_path: Path, gateway: HttpGateway) -> Path:
    """Newspapers to a folder, text messages to the gateway."""
    (tmp_path / "press").mkdir()
    text = f'[newspaper]\nadapter = "folder"\nfolder = "press"\n[sms]\nadapter = "gateway"\nurl = "{gateway.url}"\n'
    (tmp_path / "channels.toml").write_text(text, encoding="utf-8")
    return tmp_path / "channels.toml"


def issue(database: Database, *messages: NewMessage) -> Outbox:
    """Issue a notice with two texts, as the desk does, and return the outbox."""
    registry, now = Registry(database), datetime.now(UTC)
    outage_id, number = NOTICE.split(".")
    registry.append(NOTICE, 0, [Drafted(outage_id, int(number), 1, ("first",), TEXTS, (), False, now, "dora")])
    registry.append(NOTICE, 1, [Submitted(TEXTS, {}, "", frozenset({"dora"}), now, "dora"), Approved(now, "ben")])
    registry.issue(NOTICE, 3, Issued(now, "dora"), messages=messages, told=[], now=now)
    return Outbox(database)


def once(store: str, channels: Path) -> Any:
    done = run("deliver", "--store", store, "--channels", channels, "--once", "--json")
    return done.exit_code, json.loads(done.stdout)


def test_what_is_due_goes_out_once(store: str, database: Database, channels: Path, gateway: HttpGateway) -> None:
    people = [message(f"r{number}") for number in range(230)]  # more than two batches
    outbox = issue(database, *people, message("gazette", "newspaper"))
    code, told = once(store, channels)
    assert (code, told) == (0, {"results": {"accepted": 231}, "busy": [], "failed": {}})
    assert len(gateway.received.delivered) == 230
    assert "Dear R7,\noff at 9." in gateway.received.delivered.values()
    (paper,) = (channels.parent / "press").iterdir()
    assert paper.read_text(encoding="utf-8") == "Power cut\n\nDear Gazette,\noff at 9.\n"
    assert outbox.counts() == {"newspaper": {"accepted": 1}, "sms": {"accepted": 230}}
    again = run("deliver", "--store", store, "--channels", channels, "--once")
    assert (again.exit_code, again.stdout) == (0, "Delivered: nothing was due.\n")
    assert max(gateway.received.posted.values()) == 1


def test_what_was_not_taken_is_said_and_tried_later(store: str, database: Database, channels: Path, gateway: HttpGateway) -> None:
    gateway.moods.append("500")
    outbox = issue(database, message("anna"), message("gazette", "newspaper"))
    code, told = once(store, channels)
    assert (code, told["results"]) == (1, {"accepted": 1, "later": 1})
    assert states(outbox, NOTICE) == {"anna": "waiting", "gazette": "accepted"}
    assert len(gateway.received.posts) == 1  # it is asked again when the back-off is over, not at once


def test_messages_of_a_channel_that_nobody_takes_wait(store: str, database: Database, channels: Path) -> None:
    channels.write_text('[newspaper]\nadapter = "folder"\nfolder = "press"\n', encoding="utf-8")
    outbox = issue(database, message("anna"), message("gazette", "newspaper"))
    assert once(store, channels)[0] == 0
    assert states(outbox, NOTICE) == {"anna": "waiting", "gazette": "accepted"}


def test_it_delivers_until_it_is_told_to_stop_and_says_what_it_did(store: str, database: Database, channels: Path) -> None:
    outbox = issue(database, message("anna"), message("gazette", "newspaper"))
    words = ["deliver", "--store", store, "--channels", str(channels), "--json"]
    command = [str(Path(sys.executable).parent / "gridnotice"), *words]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        give_up = time.monotonic() + PATIENCE_S
        while set(states(outbox, NOTICE).values()) != {"accepted"}:
            assert process.poll() is None, process.communicate()
            assert time.monotonic() < give_up, "it delivered nothing"
            time.sleep(0.05)
        process.send_signal(signal.SIGTERM)
        answer, said = process.communicate(timeout=PATIENCE_S)
    finally:
        process.kill()
        process.wait()
    assert (process.returncode, json.loads(answer)) == (0, {"results": {"accepted": 2}})
    assert "Delivers by newspaper, sms until it is interrupted." in said
    assert "event=delivered" in said
    assert "Traceback" not in said


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "names no channel, so nothing could go out"),
        ('[newspaper]\nadapter = "folder"\nfolder = "away"\n', "[newspaper]: The folder"),
        ("[newspaper", "is no TOML"),
    ],
)
def test_a_file_of_channels_that_is_wrong_is_said_in_words(
    store: str, database: Database, tmp_path: Path, text: str, says: str
) -> None:
    (tmp_path / "channels.toml").write_text(text, encoding="utf-8")
    done = run("deliver", "--store", store, "--channels", tmp_path / "channels.toml", "--once")
    assert done.exit_code == 2
    assert says in done.stderr


def test_a_store_that_is_not_there_is_not_made(tmp_path: Path, channels: Path) -> None:
    done = run("deliver", "--store", f"sqlite:///{tmp_path}/none.db", "--channels", channels, "--once")
    assert done.exit_code == 2
    assert not (tmp_path / "none.db").exists()
