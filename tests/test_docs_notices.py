"""docs/notices.md: its examples are read and run, its tables are what the code does."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, get_args

import pytest

from api import feeds
from api.bulletins import KEPT
from api.composing import public_channels
from api.outlets import read_outlets
from api.people.roles import ROLES
from api.publishing import permission_for
from api.settings import Settings
from notices.audiences import PREFERENCES, audiences_for
from notices.audiences import ROLES as AUDIENCES
from notices.cap import MEDIA_TYPE as CAP_TYPE
from notices.channels.drops import FolderDrop, LetterDrop
from notices.channels.parcel import ChannelError, Parcel
from notices.channels.web import SmsGateway, Webhook
from notices.crosscheck import Severity
from notices.deliver import Deliverer
from notices.facts import KINDS
from notices.feeds import ATOM_TYPE, CALENDAR_TYPE
from notices.outbox import Backoff, State
from notices.paper import LETTER_SIZES_PT
from notices.rules import CHANNELS, Case
from notices.scope import PUBLIC_GROUP
from notices.sms import encode_size
from notices.text import SLOTS_S
from outages.database import BUSY_TIMEOUT_S
from outages.facts import OUTAGE_CLASSES

PAGE = (Path(__file__).parent.parent / "docs" / "notices.md").read_text(encoding="utf-8")
NOW = datetime(2026, 5, 1, 8, tzinfo=UTC)
SENT = Parcel("7.1/anna/sms", "7.1", "sms", "en", "+4912345", "", "The power will be off.")


def blocks(language: str) -> list[str]:
    """Examples of the page in a language, in order."""
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)


def rows(head: str) -> list[list[str]]:
    """Rows of the table whose head begins with ``head``, without the backquotes."""
    table = PAGE[PAGE.index(f"| {head} |") :].partition("\n\n")[0]
    return [[cell.strip().replace("`", "") for cell in line.strip("| ").split(" | ")] for line in table.splitlines()[2:]]


class OneAnswer:
    """A line to a receiver that keeps what is posted and answers always the same."""

    longest_s = 60.0

    def __init__(self, body: bytes = b"", status: int = 200) -> None:
        self.answer = (status, body)
        self.posted: list[tuple[bytes, dict[str, str]]] = []

    def timer(self) -> float:
        return 0.0

    @contextmanager
    def opened(self) -> Iterator[None]:
        yield None

    def post(self, client: None, body: bytes, headers: Mapping[str, str]) -> tuple[int, bytes]:
        self.posted.append((body, dict(headers)))
        return self.answer


@pytest.fixture
def channels_file(tmp_path: Path) -> Path:
    """The example of the page as a file, with the folders and secrets that it names."""
    (example,) = blocks("toml")
    for outlet in tomllib.loads(example).values():
        for key, value in outlet.items():
            if key == "folder":
                (tmp_path / value).mkdir(parents=True)
            if key.endswith("_file"):
                (tmp_path / value).parent.mkdir(exist_ok=True)
                (tmp_path / value).write_text("a secret of sixteen characters", encoding="utf-8")
    path = tmp_path / "channels.toml"
    path.write_text(example, encoding="utf-8")
    return path


def test_the_channels_file_is_read_and_shows_every_adapter(channels_file: Path) -> None:
    built = {channel: type(adapter).__name__ for channel, adapter in read_outlets(channels_file).items()}
    assert built == {
        "newspaper": "FolderDrop",
        "letter": "LetterDrop",
        "email": "Smtp",
        "sms": "SmsGateway",
        "app": "Webhook",
    }


def test_a_folder_of_the_channels_file_has_to_be_there(channels_file: Path) -> None:
    (channels_file.parent / "outbox" / "newspaper").rmdir()
    with pytest.raises(ChannelError, match="newspaper"):
        read_outlets(channels_file)


def test_what_a_comment_calls_the_default_is_the_default(channels_file: Path) -> None:
    text = channels_file.read_text(encoding="utf-8")
    shorter, dropped = re.subn(r"^(port|tls) = .*# the default.*\n", "", text, flags=re.MULTILINE)
    assert dropped == 2
    mail = read_outlets(channels_file)["email"]
    channels_file.write_text(shorter, encoding="utf-8")
    assert read_outlets(channels_file)["email"] == mail


def test_a_gateway_gets_and_answers_what_the_page_says() -> None:
    request, answer, _ = blocks("json")
    line = OneAnswer(answer.encode())
    (outcome,) = SmsGateway(line).send([SENT])
    body, headers = line.posted[0]
    assert json.loads(body) == json.loads(request)
    assert "Idempotency-Key" in headers
    assert (outcome.result, outcome.says) == ("accepted", "202 queued as 77")


@pytest.mark.parametrize(
    ("status", "result"),
    [(202, "accepted"), (404, "refused"), (408, "later"), (425, "later"), (429, "later"), (503, "later")],
)
def test_the_status_of_a_message_means_what_the_page_says(status: int, result: str) -> None:
    answer = json.loads(blocks("json")[1])
    answer["messages"][0]["status"] = status
    (outcome,) = SmsGateway(OneAnswer(json.dumps(answer).encode())).send([SENT])
    assert outcome.result == result


@pytest.mark.parametrize("status", [400, 410, 413, 415, 422, 401, 404, 500])
def test_a_webhook_refuses_by_the_statuses_of_the_page(status: int) -> None:
    (outcome,) = Webhook(OneAnswer(status=status), "sixteen characters", lambda: NOW).send([SENT])
    assert outcome.result == ("refused" if status in (400, 410, 413, 415, 422) else "later")


def test_the_receiver_of_the_page_takes_what_a_webhook_signs_and_nothing_else() -> None:
    (example,) = blocks("python")
    receiver: dict[str, Any] = {}
    exec(example, receiver)
    secret, age_s = "a secret of sixteen characters", 0
    receiver["time"] = SimpleNamespace(time=lambda: NOW.timestamp() + age_s)
    line = OneAnswer()
    app = Parcel(SENT.key, "7.1", "app", "en", "", "Power cut", SENT.text)
    Webhook(line, secret, lambda: NOW).send([app])
    body, headers = line.posted[0]
    assert json.loads(body) == json.loads(blocks("json")[2])
    assert headers["Idempotency-Key"] == app.mark
    assert receiver["is_genuine"](secret, headers, body)
    assert not receiver["is_genuine"](secret, headers, body.replace(b"off", b"on"))
    assert not receiver["is_genuine"]("another secret of ours", headers, body)
    age_s = 301
    assert not receiver["is_genuine"](secret, headers, body)


@pytest.mark.parametrize(("slot_s", "between"), [(None, ""), (30, "-30s")])
def test_a_file_is_named_as_the_page_says(tmp_path: Path, slot_s: int | None, between: str) -> None:
    parcel = Parcel("7.1/public/radio", "7.1", "radio", "en", "", "", "Good morning.", slot_s)
    FolderDrop(tmp_path).send([parcel])
    assert [path.name for path in tmp_path.iterdir()] == [f"7.1-radio-en{between}-{parcel.mark[:12]}.txt"]


def test_a_list_of_letters_has_the_keys_of_the_page(tmp_path: Path) -> None:
    LetterDrop(tmp_path, lambda pages, language: b"document").send([SENT])
    (listed,) = [json.loads(path.read_text(encoding="utf-8")) for path in tmp_path.glob("*.json")]
    assert listed["document"].endswith(".docx")
    assert listed["letters"] == [SENT.mark]
    assert '{"document": "….docx", "letters": [mark, …]}' in PAGE
    assert f"up to {LetterDrop.batch} letters" in PAGE


@pytest.mark.parametrize("row", rows("class"), ids=lambda row: row[0])
def test_a_class_is_told_to_whom_the_page_says(row: list[str]) -> None:
    outage_class, in_person, public = row
    told = {name.partition(" (")[0].replace(" ", "_") for name in in_person.split(", ")}
    assert told == audiences_for(outage_class) - {"public"}
    assert tuple(public.split(", ")) == public_channels(outage_class, None, Case(outage_class, (), {}))


def test_every_class_audience_channel_kind_state_and_severity_is_on_the_page() -> None:
    assert sorted(row[0] for row in rows("class")) == sorted(OUTAGE_CLASSES)
    assert tuple(row[0] for row in rows("audience")) == AUDIENCES
    assert {name for row in rows("channel") for name in row[0].split(", ")} == set(CHANNELS)
    assert tuple(row[0] for row in rows("severity")) == get_args(Severity)
    assert all(f"`{kind}`" in PAGE for kind in KINDS)
    assert all(state in PAGE for state in get_args(State))


@pytest.mark.parametrize("row", rows("audience"), ids=lambda row: row[0])
def test_an_audience_is_told_by_what_the_page_says(row: list[str]) -> None:
    audience, by = row
    ways = by.partition(";" if audience == "life_support" else "\0")[0].replace("; and ", ";").split(";")
    assert [tuple(way.split(", else ")) for way in ways] == [way.channels for way in PREFERENCES[audience]]


def test_the_feeds_are_where_the_page_says() -> None:
    assert [row[:2] for row in rows("address")] == [
        [feeds.ATOM_PATH, ATOM_TYPE],
        [feeds.CALENDAR_PATH, CALENDAR_TYPE.partition(";")[0]],
        [feeds.OUTAGES_PATH, feeds.JSON_TYPE],
        [f"{feeds.ALERTS_PATH}/<identifier>.xml", CAP_TYPE],
    ]
    assert timedelta(days=7) == KEPT


def test_the_numbers_of_the_page_are_those_of_the_code() -> None:
    assert asdict(Backoff()) == {"first_s": 30, "most_s": 3600, "attempts": 10, "jitter": 0.5}
    assert Deliverer.__init__.__kwdefaults__["lease_s"] == 5 * 60
    assert BUSY_TIMEOUT_S == 10
    assert (PUBLIC_GROUP, Settings.model_fields["public_threshold"].default) == (5, 5)
    assert (SLOTS_S, LETTER_SIZES_PT[-1], SmsGateway.batch) == ((15, 30, 60), 11, 100)
    assert Settings.model_fields["sms_parts"].default == 2
    assert Settings.model_fields["tv_characters"].default is None


@pytest.mark.parametrize(("letter", "alone", "joined"), [("a", 160, 153), ("停", 70, 67)])
def test_a_part_of_an_sms_takes_what_the_page_says(letter: str, alone: int, joined: int) -> None:
    parts = [encode_size(letter * count).parts for count in (alone, alone + 1, 2 * joined, 2 * joined + 1)]
    assert parts == [1, 2, 2, 3]
    assert str(alone) in PAGE
    assert str(joined) in PAGE


def test_only_the_role_of_the_page_approves_major_outages() -> None:
    class Major:
        higher = True

    assert [role for role, held in ROLES.items() if permission_for(Major()) in held] == ["head"]
