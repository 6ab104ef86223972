"""The publishing desk on the command line: a notice from what is due to its messages, who may do what, and what is refused."""

from __future__ import annotations

import json
import shutil
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from api.people.accounts import admit
from outages.database import open_database
from tests.api.terminal import answer, open_up, run, write_town

ZONE = ZoneInfo("Asia/Shanghai")
TV = "first/zh/tv"


def clock(**later: float) -> str:
    """Return a time from now on the utility's clock, as it is typed."""
    return (datetime.now(ZONE) + timedelta(**later)).strftime("%Y-%m-%dT%H:%M")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A store with people and an approved planned outage of S1 in nine days, and the id of that."""
    folder = tmp_path_factory.mktemp("made")
    store = open_up(f"sqlite:///{folder}/outages.db")
    with closing(open_database(store)) as database:
        admit(database, "test|eva", "eva", "desk", now=datetime.now(UTC))
        admit(database, "test|hugo", "hugo", "head", now=datetime.now(UTC))
    times = ("--start", clock(days=9), "--end", clock(days=9, hours=4))
    what = ("--class", "planned", "--open", "S1", *times, "--reason", "线路检修", "--submit")
    outage = answer("outage", "enter", "--as", "ana", *what, "--store", store, "--network", write_town(folder / "town.gpkg"))
    answer("outage", "approve", outage["id"], "--as", "ben", "--store", store)
    return folder / "outages.db", outage["id"]


@pytest.fixture
def outage(made: tuple[Path, str]) -> str:
    return made[1]


@pytest.fixture
def store(made: tuple[Path, str], tmp_path: Path) -> str:
    """A store of one's own: a copy of what was made once."""
    shutil.copy(made[0], tmp_path / "outages.db")
    return f"sqlite:///{tmp_path}/outages.db"


@pytest.fixture(scope="module")
def drafted(made: tuple[Path, str]) -> Path:
    """The same with a draft by Dora."""
    file = made[0].with_name("drafted.db")
    shutil.copy(made[0], file)
    at_desk(f"sqlite:///{file}", "draft", made[1], "--as", "dora")
    return file


@pytest.fixture(scope="module")
def sent(drafted: Path, made: tuple[Path, str]) -> Path:
    """The same once it is issued."""
    file = drafted.with_name("sent.db")
    shutil.copy(drafted, file)
    for command, by in (("submit", "dora"), ("approve", "ben"), ("issue", "dora")):
        at_desk(f"sqlite:///{file}", command, f"{made[1]}.1", "--as", by)
    return file


@pytest.fixture
def notice(store: str, outage: str, drafted: Path) -> str:
    """A draft by Dora."""
    shutil.copy(drafted, store.removeprefix("sqlite:///"))
    return f"{outage}.1"


@pytest.fixture
def issued(store: str, outage: str, sent: Path) -> str:
    """A notice whose messages wait."""
    shutil.copy(sent, store.removeprefix("sqlite:///"))
    return f"{outage}.1"


def at_desk(store: str, command: str, *words: object) -> Any:
    return answer("notices", command, *words, "--store", store)


def refused(store: str, command: str, *words: object) -> tuple[int, str]:
    done = run("notices", command, *words, "--store", store)
    assert done.exit_code, done.output
    return done.exit_code, done.stderr


def test_a_notice_lives_from_what_is_due_to_its_messages(store: str, outage: str) -> None:
    (waiting,) = at_desk(store, "list")["waiting"]
    assert (waiting["outage"], waiting["change"], waiting["notice"]) == (outage, "first", None)
    drafted = at_desk(store, "draft", outage, "--as", "dora")
    notice = drafted["id"]
    assert (notice, drafted["status"], drafted["revision"]) == (f"{outage}.1", "draft", 1)
    assert {text["key"] for text in drafted["texts"]} >= {"first/zh/web", "first/en/radio/30"}
    assert at_desk(store, "list")["waiting"][0]["notice"]["id"] == notice
    assert not [one for one in at_desk(store, "findings", notice) if one["needs_reason"]]
    assert at_desk(store, "submit", notice, "--as", "dora")["status"] == "submitted"
    assert at_desk(store, "approve", notice, "--as", "ben", "--seen", 2)["approved_by"] == "ben"
    issued = at_desk(store, "issue", notice, "--as", "dora")
    assert (issued["status"], issued["allowed"]) == ("issued", [])
    assert at_desk(store, "list")["waiting"] == []
    messages = at_desk(store, "messages", notice, "--limit", 1000)
    shown = at_desk(store, "show", notice)
    assert len(messages) == sum(count for states in shown["messages"].values() for count in states.values())
    assert {one["state"] for one in messages} == {"waiting"}
    assert {one["audience"] for one in messages} >= {"public", "life_support"}
    verified = answer("audit", "verify", "--store", store)
    assert verified["problems"] == []
    log = answer("audit", "show", "--subject", notice, "--what", "done at a terminal", "--store", store)
    assert [row["detail"]["did"] for row in log] == ["drafted", "submitted", "approved", "issued"]
    assert {row["by"] for row in log} == {"dora", "ben"}


def test_what_is_said_at_a_terminal_is_what_holds(store: str, outage: str) -> None:
    queue = run("notices", "list", "--store", store).stdout.splitlines()
    assert queue[0].split()[:4] == ["OUTAGE", "STATUS", "DUE", "NOTICE"]
    assert queue[1].split()[:3] == [outage, "approved", "first"]
    drafted = run("notices", "draft", outage, "--as", "dora", "--store", store).stdout
    assert drafted.startswith(f"{outage}.1 is draft, revision 1: first, ")
    assert "What may follow: redrafted, submitted, dropped." in drafted
    shown = run("notices", "show", f"{outage}.1", "--store", store).stdout
    assert "Authors          dora" in shown
    assert "first/zh/radio/30" in shown
    assert run("notices", "messages", f"{outage}.1", "--store", store).stdout == "No message.\n"


def test_a_text_is_put_back_as_it_was_shown(store: str, notice: str, tmp_path: Path) -> None:
    for key in ("first/zh/web", TV):
        shown = run("notices", "text", notice, key, "--store", store).stdout
        (tmp_path / "text").write_text(shown, encoding="utf-8")
        same = at_desk(store, "text", notice, key, "--as", "dora", "--set", tmp_path / "text")
        assert (same["edited"], same["version"]) == (False, 1), key


def test_an_edit_is_found_and_approved_only_with_a_reason(store: str, notice: str, tmp_path: Path) -> None:
    shown = run("notices", "text", notice, TV, "--store", store).stdout
    (tmp_path / "text").write_text(shown.replace("95598", "95599"), encoding="utf-8")
    assert at_desk(store, "text", notice, TV, "--as", "eva", "--set", tmp_path / "text")["version"] == 2
    done = run("notices", "findings", notice, "--json", "--store", store)
    found = json.loads(done.stdout)
    assert done.exit_code == 1
    assert {one["kind"] for one in found if one["severity"] == "reason"} == {"phone"}
    code, says = refused(store, "submit", notice, "--as", "dora")
    assert (code, "95599" in says) == (2, True)
    reasons = [word for one in found if one["needs_reason"] for word in ("--reason", f"{one['key']}=the line of the station")]
    submitted = at_desk(store, "submit", notice, "--as", "dora", *reasons)
    assert submitted["authors"] == ["dora", "eva"]
    assert {one["reason"] for one in submitted["findings"] if one["needs_reason"]} == {"the line of the station"}


def test_nobody_overwrites_the_edit_of_somebody_else(store: str, notice: str, tmp_path: Path) -> None:
    (tmp_path / "text").write_text("一、二", encoding="utf-8")
    at_desk(store, "text", notice, TV, "--as", "eva", "--set", tmp_path / "text")
    (tmp_path / "text").write_text("三", encoding="utf-8")
    code, says = refused(store, "text", notice, TV, "--as", "dora", "--version", 1, "--set", tmp_path / "text")
    assert (code, "changed by eva meanwhile" in says) == (3, True)
    assert run("notices", "text", notice, TV, "--store", store).stdout == "一、二\n"


def test_each_role_does_only_what_it_may(store: str, notice: str, outage: str, tmp_path: Path) -> None:
    (tmp_path / "text").write_text("x", encoding="utf-8")
    tried = {
        ("draft", outage, "--as", "vic"): 4,
        ("text", notice, TV, "--set", tmp_path / "text"): 4,
        ("submit", notice, "--as", "ana"): 4,
        ("to-call", notice, "--as", "vic"): 4,
        ("acknowledge", notice, "q-home", "--as", "ana", "--how", "x"): 4,
        ("submit", notice, "--as", "dora"): 0,
        ("approve", notice, "--as", "dora"): 4,
        ("reject", notice, "--as", "eva", "--why", "x"): 4,
        ("withdraw", notice, "--as", "eva"): 2,  # it has no word of hers
        ("withdraw", notice, "--as", "dora"): 0,
        ("submit", notice, "--as", "dora", "--late-reason", "none"): 0,
        ("approve", notice, "--as", "ben"): 0,
        ("issue", notice, "--as", "ana"): 4,
    }
    done = {words: run("notices", *words, "--store", store).exit_code for words in tried}
    assert done == tried


def test_a_major_outage_is_for_a_higher_approver(store: str) -> None:
    longer = ("--start", clock(days=20), "--end", clock(days=22))
    what = ("--class", "planned", "--open", "B2", *longer, "--reason", "线路检修", "--submit")
    major = answer("outage", "enter", "--as", "ana", *what, "--store", store)["id"]
    answer("outage", "approve", major, "--as", "ben", "--store", store)
    drafted = at_desk(store, "draft", major, "--as", "dora")
    assert drafted["higher"]
    at_desk(store, "submit", drafted["id"], "--as", "dora")
    code, says = refused(store, "approve", drafted["id"], "--as", "ben")
    assert (code, "approver" in says) == (4, True)
    assert at_desk(store, "approve", drafted["id"], "--as", "hugo")["approved_by"] == "hugo"


def test_who_wrote_a_word_does_not_approve_it(store: str, notice: str, outage: str) -> None:
    at_desk(store, "drop", notice, "--as", "dora", "--why", "too early")
    second = at_desk(store, "draft", outage, "--as", "ben")["id"]
    assert second == f"{outage}.2"
    at_desk(store, "submit", second, "--as", "ben")
    code, says = refused(store, "approve", second, "--as", "ben")
    assert (code, "none of its authors: ben" in says) == (2, True)


def test_a_step_on_an_old_revision_changes_nothing(store: str, notice: str) -> None:
    at_desk(store, "submit", notice, "--as", "dora")
    code, says = refused(store, "approve", notice, "--as", "ben", "--seen", 1)
    assert (code, "was changed by someone else: it is at revision 2" in says) == (3, True)
    back = at_desk(store, "reject", notice, "--as", "ben", "--why", "no street is named")
    assert (back["status"], back["allowed"]) == ("rejected", ["submitted", "redrafted", "dropped"])


def test_nothing_is_issued_once_the_outage_has_moved_on(store: str, notice: str, outage: str) -> None:
    at_desk(store, "submit", notice, "--as", "dora")
    at_desk(store, "approve", notice, "--as", "ben")
    answer("outage", "cancel", outage, "--as", "ana", "--why", "no crew", "--store", store)
    code, says = refused(store, "issue", notice, "--as", "dora")
    assert (code, "out of date" in says) == (3, True)
    assert at_desk(store, "messages", notice) == []


def test_messages_show_addresses_only_to_who_may_see_them(store: str, issued: str) -> None:
    seen = at_desk(store, "messages", issued, "--as", "dora")
    hidden = at_desk(store, "messages", issued, "--as", "vic")
    personal = [one for one in seen if one["audience"] != "public"]
    assert any("13800000000" in one["address"].replace(" ", "") for one in personal)
    assert {one["address"] for one in hidden} == {None}
    for by, shows in (("dora", True), ("vic", False)):
        said = run("notices", "messages", issued, "--as", by, "--store", store)
        assert ("13800000000" in said.stdout.replace(" ", "")) == shows
    few = run("notices", "messages", issued, "--limit", 2, "--store", store)
    assert len(few.stdout.splitlines()) == 3
    assert f"--after {seen[1]['position']}" in few.stderr
    assert at_desk(store, "messages", issued, "--state", "dead") == []


def test_a_message_is_given_up_and_retried_with_a_reason_on_record(store: str, issued: str) -> None:
    one, other = (each["position"] for each in at_desk(store, "messages", issued, "--limit", 2))
    gone = at_desk(store, "give-up", issued, "--as", "dora", "--why", "moved away", "--message", one)
    assert gone == {"positions": [one]}
    again = run(
        "notices", "give-up", issued, "--as", "dora", "--why", "x", "--message", one, "--message", other, "--store", store
    )
    assert (again.exit_code, again.stdout) == (1, f"1 messages of {issued} were given up, 1 are as they were.\n")
    assert at_desk(store, "retry", issued, "--as", "dora", "--why", "new number", "--message", one) == {"positions": [one]}
    (retried, *_) = at_desk(store, "messages", issued)
    assert [(proof["what"], proof["by"]) for proof in retried["proofs"]] == [("given_up", "dora"), ("retried", "dora")]
    assert at_desk(store, "retry", issued, "--as", "dora", "--why", "all dead letters") == {"positions": []}


def test_who_does_not_answer_is_called_and_whoever_did_is_not(store: str, issued: str) -> None:
    (silent,) = at_desk(store, "to-call", issued, "--as", "dora")
    assert silent["customer_id"] == "q-home"
    assert "q-home" in run("notices", "to-call", issued, "--as", "dora", "--store", store).stdout
    known = ("acknowledge", issued, "q-home", "--as", "dora", "--how", "called, her son answered")
    assert at_desk(store, *known) == {"customer_id": "q-home", "is_new": True}
    assert at_desk(store, *known)["is_new"] is False
    assert at_desk(store, "to-call", issued, "--as", "dora") == []
    exported = answer("audit", "show", "--subject", issued, "--what", "list exported", "--store", store)
    assert [row["detail"]["customers"] for row in exported] == [1, 1, 0]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["show", "7.1"], "There is no notice '7.1'"),
        (["draft", "20260101-XXXX", "--as", "dora"], "There is no outage '20260101-XXXX'"),
        (["draft", "OUTAGE", "--as", "dora", "--kind", "praise"], "'praise' is not one of"),
        (["text", "NOTICE", "first/zh"], "has no text 'first/zh'. Take one of: first/zh/newspaper"),
        (["text", "NOTICE", "first/zh/web", "--as", "dora", "--set", "EMPTY"], "holds too little: write a title"),
        (["text", "NOTICE", "first/zh/tv", "--as", "dora", "--set", "EMPTY"], "holds too little: write the text"),
        (["text", "NOTICE", "first/zh/tv", "--as", "dora", "--set", "LATIN1"], "is not in UTF-8"),
        (["text", "NOTICE", "first/zh/tv", "--as", "dora", "--set", "nowhere"], "No such file"),
        (["submit", "NOTICE", "--as", "dora", "--reason", "time=x"], "does not begin with the key of a finding"),
        (["issue", "NOTICE", "--as", "dora"], "is draft and cannot be issued"),
        (["retry", "NOTICE", "--as", "dora", "--why", "x", "--message", 99], "has no message 99"),
        (["retry", "NOTICE", "--as", "dora", "--why", " "], "Say why"),
        (["acknowledge", "NOTICE", "u1", "--as", "dora", "--how", "x"], "was not for customer 'u1'"),
    ],
)
def test_what_is_not_possible_is_said_in_words(
    store: str, notice: str, outage: str, tmp_path: Path, words: list[object], says: str
) -> None:
    (tmp_path / "empty").write_text("\n", encoding="utf-8")
    (tmp_path / "latin1").write_bytes("Straße\n\nä".encode("latin-1"))
    names = {"NOTICE": notice, "OUTAGE": outage, "EMPTY": tmp_path / "empty", "LATIN1": tmp_path / "latin1"}
    code, said = refused(store, *(names.get(str(word), word) for word in words))  # type: ignore[arg-type]
    assert code == 2
    assert says in " ".join(said.split())


def test_the_page_of_a_newspaper_holds_what_was_issued_for_its_days(store: str, issued: str, tmp_path: Path) -> None:
    today = datetime.now(ZONE).date()
    days = ("--from", today + timedelta(days=7), "--to", today + timedelta(days=13))
    made = at_desk(store, "page", *days, "--lang", "en")
    assert [row["reference"] for row in made["rows"]] == [issued.rpartition(".")[0]]
    assert run("notices", "page", *days, "--out", tmp_path / "page.docx", "--format", "docx", "--store", store).exit_code == 0
    assert (tmp_path / "page.docx").read_bytes()[:2] == b"PK"
    for wrong, says in (
        (("--from", today, "--to", today), "no notice for this page"),
        (("--from", "May", "--to", today), "is no day"),
        ((*days, "--format", "pdf"), "name it"),
    ):
        refusal = run("notices", "page", *wrong, "--store", store)
        assert (refusal.exit_code, says in refusal.stderr) == (2, True), refusal.stderr
