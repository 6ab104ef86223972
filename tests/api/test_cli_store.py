"""Backups, archives and kept networks on the command line; the audit log; people and programs."""

from __future__ import annotations

import getpass
import json
import sqlite3
import stat
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from api.people.accounts import LockedError, WrongCredentialsError, check_credentials
from api.people.tokens import find_machine
from outages.database import open_database
from tests.api.terminal import PEOPLE, answer, in_a_process, open_up, run, write_town
from tests.postgres import Cluster

PASSWORD = "four words of mine"


@pytest.fixture(scope="module")
def town_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_town(tmp_path_factory.mktemp("town") / "town.gpkg")


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory, town_file: Path) -> str:
    """A store with three outages, one of them beside another; only read."""
    url = open_up(f"sqlite:///{tmp_path_factory.mktemp('store')}/outages.db")
    times = ("--start", "2099-05-01T08:00", "--end", "2099-05-01T12:00", "--reason", "线路检修")
    where = ("--as", "ana", "--store", url, "--network", town_file)
    names = [
        answer("outage", "enter", "--class", "planned", "--open", device, "--submit", *times, *where)["id"]
        for device in ("S1", "L2", "T4")
    ]
    answer("outage", "approve", names[0], "--as", "ben", "--store", url)
    answer("outage", "revise", names[1], "--as", "ana", "--why", "later", "--end", "2099-05-01T13:00", "--store", url)
    return url


def _outages(url: str) -> Any:
    return answer("outage", "list", "--as", "dora", "--store", url)["outages"]


def _target(kind: str, tmp_path: Path, cluster: Cluster) -> str:
    return f"sqlite:///{tmp_path}/target.db" if kind == "sqlite" else cluster.new_database()


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
@pytest.mark.parametrize("name", ["b.db", "b.jsonl", "b.jsonl.gz"])
def test_a_backup_becomes_the_same_store_again(store: str, tmp_path: Path, cluster: Cluster, name: str, kind: str) -> None:
    made = answer("backup", "--store", store, "--out", tmp_path / name)
    assert made["bytes"] == (tmp_path / name).stat().st_size
    assert stat.S_IMODE((tmp_path / name).stat().st_mode) == 0o600
    target = _target(kind, tmp_path, cluster)
    restored = answer("restore", tmp_path / name, "--store", target)
    assert restored == answer("audit", "verify", "--store", store) == answer("audit", "verify", "--store", target)
    assert _outages(target) == _outages(store)


def test_what_grew_on_sqlite_goes_on_in_postgresql(store: str, tmp_path: Path, cluster: Cluster, town_file: Path) -> None:
    file, target = tmp_path / "all.jsonl.gz", cluster.new_database()
    exported = answer("store", "export", "--store", store, "--out", file)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert exported["rows"]["accounts"] == len(PEOPLE)
    loaded = run("store", "load", file, "--store", target)
    assert loaded.exit_code == 0, loaded.stderr
    assert _outages(target) == _outages(store)
    assert answer("account", "list", "--store", target) == answer("account", "list", "--store", store)
    # Back again, by way of the other kind: the same lines but for the head and the end.
    answer("store", "export", "--store", target, "--out", tmp_path / "again.jsonl")
    first = in_a_process("store", "export", "--store", store, "--out", "-").stdout.splitlines()
    assert (tmp_path / "again.jsonl").read_text(encoding="utf-8").splitlines()[1:-1] == first[1:-1]
    # It goes on there.
    (draft, *_) = answer("outage", "list", "--status", "submitted", "--store", target)["outages"]
    assert answer("outage", "approve", draft["id"], "--as", "ben", "--store", target)["status"] == "approved"
    assert answer("audit", "verify", "--store", target)["problems"] == []


def test_networks_may_be_left_behind(store: str, tmp_path: Path) -> None:
    assert (
        "networks" not in answer("store", "export", "--without-networks", "--store", store, "--out", tmp_path / "a.jsonl")["rows"]
    )


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["backup", "--out", "FOLDER/there.db"], "is there already"),
        (["store", "export", "--out", "FOLDER/a.txt"], "neither .jsonl nor .jsonl.gz"),
        (["store", "export", "--out", "FOLDER/there.jsonl"], "is there already"),
        (["backup", "--store", "sqlite:///FOLDER/none.db", "--out", "FOLDER/b.db"], "There is no store at"),
        (["restore", "FOLDER/there.jsonl", "--store", "sqlite:///FOLDER/new.db"], "is no archive"),
        (["restore", "FOLDER/none.db", "--store", "sqlite:///FOLDER/new.db"], "cannot be read"),
        (["restore", "FOLDER/there.jsonl"], "--store"),
        (["store", "load", "FOLDER/none.jsonl", "--store", "sqlite:///FOLDER/new.db"], "cannot be read"),
        (["store", "check", "--store", "mysql://here"], "is not known"),
        (["store", "extract-network", "77", "--out", "FOLDER/n.gpkg"], "The store keeps no network 77"),
    ],
)
def test_what_cannot_be_moved_is_refused_in_words(store: str, tmp_path: Path, words: list[str], says: str) -> None:
    for name in ("there.db", "there.jsonl"):
        (tmp_path / name).write_text("{}", encoding="utf-8")
    given = [word.replace("FOLDER", str(tmp_path)) for word in words]
    done = run(*given, *([] if "--store" in given or "restore" in given else ["--store", store]))
    assert (done.exit_code, says in done.stderr) == (2, True), done.stderr
    assert not {path.name for path in tmp_path.iterdir()} - {"there.db", "there.jsonl"}


def test_a_backup_that_was_changed_is_not_restored(store: str, tmp_path: Path) -> None:
    file = tmp_path / "b.jsonl"
    run("backup", "--store", store, "--out", file)
    file.write_text(file.read_text(encoding="utf-8").replace("线路检修", "线路检查"), encoding="utf-8")
    done = run("restore", file, "--store", f"sqlite:///{tmp_path}/new.db")
    assert (done.exit_code, "its digest differs" in done.stderr) == (2, True)
    assert not (tmp_path / "new.db").exists()


def test_the_network_is_kept_and_comes_out_as_it_went_in(store: str, tmp_path: Path, town_file: Path) -> None:
    (kept,) = answer("store", "networks", "--store", store)
    assert (kept["customers"], kept["transformers"]) == (35, 4)
    out = answer("store", "extract-network", kept["version"][:8], "--store", store, "--out", tmp_path / "town.gpkg")
    versions = [answer("check", file)["network_version"] for file in (town_file, tmp_path / "town.gpkg")]
    assert versions == [kept["version"]] * 2 == [out["version"]] * 2


def test_every_kept_impact_comes_out_the_same_again(store: str) -> None:
    assert answer("store", "recompute", "--store", store) == {"same": 4, "differing": [], "not_compared": 0}


def test_a_kept_impact_that_was_tampered_with_is_found(store: str, tmp_path: Path) -> None:
    file = tmp_path / "copy.db"
    run("backup", "--store", store, "--out", file)
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute("UPDATE impacts SET counts = json_set(counts, '$.customers', 3) WHERE seq = 3")
        connection.execute("UPDATE impacts SET rules = '0' WHERE outage_id = (SELECT max(outage_id) FROM impacts) AND seq = 1")
    done = run("store", "recompute", "--store", f"sqlite:///{file}")
    assert done.exit_code == 1
    says, counted = done.stdout.splitlines()
    assert says.endswith("revision 3: the figures differ.")
    assert counted == "2 are the same, 1 differ, 1 were not compared."


def test_a_store_that_is_fit_is_said_to_be(store: str) -> None:
    assert run("store", "check", "--store", store).exit_code == 0
    assert [one for one in answer("store", "check", "--store", store) if one["code"] != "disk_space"] == []


def test_the_log_is_verified_against_what_was_noted(store: str, tmp_path: Path) -> None:
    noted = run("audit", "verify", "--store", store).stdout.strip()
    count, head = noted.split(":")
    assert run("audit", "verify", "--expect", noted, "--store", store).exit_code == 0
    done = run("audit", "verify", "--expect", f"{int(count) + 1}:{head}", "--store", store)
    assert (done.exit_code, "its end was cut off" in done.stdout) == (1, True)
    assert run("audit", "verify", "--expect", head, "--store", store).exit_code == 2


def test_every_problem_of_the_log_is_named(store: str, tmp_path: Path) -> None:
    file = tmp_path / "copy.db"
    run("backup", "--store", store, "--out", file)
    with closing(sqlite3.connect(file)) as connection, connection:
        for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            connection.execute(f"DROP TRIGGER {name}")
        connection.execute("UPDATE audit SET recorded_by = 'vic' WHERE position = 7")
        connection.execute("UPDATE events SET recorded_by = 'vic' WHERE position = 2")
    done = run("audit", "verify", "--store", f"sqlite:///{file}", "--json")
    problems = json.loads(done.stdout)["problems"]
    assert done.exit_code == 1
    assert any("Row 7 of the audit log" in one for one in problems)
    assert any("its content was changed" in one for one in problems)


def test_the_log_says_who_did_what_and_which_user_typed_it(store: str) -> None:
    rows = answer("audit", "show", "--what", "event:", "--by", "ben", "--store", store)
    assert [row["what"] for row in rows] == ["event:approved"]
    typed = answer("audit", "show", "--what", "done at a terminal", "--subject", rows[0]["subject"], "--store", store)
    assert [row["detail"]["did"] for row in typed] == ["entered", "approved"]
    assert all(row["detail"]["user"].startswith("shell:") for row in typed)
    shown = run("audit", "show", "--after", 5, "--limit", 1, "--store", store).stdout.splitlines()
    assert [line.split()[0] for line in shown] == ["NO", "6"]


@pytest.fixture
def new(tmp_path: Path) -> str:
    """The address of a store that is not there yet."""
    return f"sqlite:///{tmp_path}/new.db"


def test_the_first_administrator_is_made_where_there_is_no_store_yet(new: str) -> None:
    done = run("account", "add", "Adam", "--role", "admin", "--store", new, typed=f"{PASSWORD}\n{PASSWORD}\n")
    assert done.exit_code == 0, done.output
    assert done.stdout.splitlines()[-1] == "Made the account Adam (admin)."
    assert PASSWORD not in done.output
    (only,) = answer("account", "list", "--store", new)
    assert (only["name"], only["role"], only["state"]) == ("Adam", "admin", "enabled")
    with closing(open_database(new)) as database:
        assert check_credentials(database, "adam", PASSWORD, now=datetime.now(UTC)).name == "Adam"
    assert [row["by"] for row in answer("audit", "show", "--what", "account added", "--store", new)] == [_shell()]


def _shell() -> str:
    return f"shell:{getpass.getuser()}"


def test_a_password_is_typed_twice_or_comes_from_standard_input_and_is_never_an_argument(new: str) -> None:
    twice = run(
        "account",
        "add",
        "Adam",
        "--role",
        "admin",
        "--store",
        new,
        typed=f"{PASSWORD}\nanother one, really\n{PASSWORD}\n{PASSWORD}\n",
    )
    assert twice.exit_code == 0
    assert "do not match" in twice.stderr
    piped = in_a_process("account", "add", "Ben", "--role", "approver", "--password-stdin", "--store", new, typed=f"{PASSWORD}\n")
    assert (piped.returncode, piped.stderr) == (0, "")
    assert run("account", "add", "Cid", "--role", "desk", "--password", PASSWORD, "--store", new).exit_code == 2


@pytest.mark.parametrize(
    ("name", "role", "password", "says"),
    [
        ("ana", "desk", PASSWORD, "There is an account 'ana' already"),
        ("Eve", "boss", PASSWORD, "'boss' is no role. Choose one of viewer, control, desk, approver, head, admin."),
        ("Eve", "desk", "short", "A password has 12 to 200 characters; 5 were given"),
        ("Eve", "desk", "password1234", "Everybody tries this password first"),
        ("program:x", "desk", PASSWORD, "no colon"),
    ],
)
def test_an_account_that_cannot_be_is_refused_in_words(new: str, name: str, role: str, password: str, says: str) -> None:
    open_up(new)
    done = run("account", "add", name, "--role", role, "--password-stdin", "--store", new, typed=password)
    assert (done.exit_code, says in done.stderr) == (2, True), done.stderr
    assert password not in done.output
    assert len(answer("account", "list", "--store", new)) == len(PEOPLE)


def test_accounts_are_changed_and_each_change_is_in_the_log(new: str) -> None:
    open_up(new)
    run("account", "add", "eve", "--role", "viewer", "--password-stdin", "--store", new, typed=PASSWORD)
    assert answer("account", "role", "eve", "control", "--store", new)["role"] == "control"
    assert answer("account", "disable", "eve", "--store", new)["state"] == "disabled"
    assert answer("account", "enable", "EVE", "--store", new)["state"] == "enabled"
    now = datetime.now(UTC)
    with closing(open_database(new)) as database:
        for _ in range(4):
            with pytest.raises(WrongCredentialsError):
                check_credentials(database, "eve", "wrong", now=now)
        with pytest.raises(LockedError):
            check_credentials(database, "eve", "wrong", now=now)
    assert {one["name"]: one["state"] for one in answer("account", "list", "--store", new)}["eve"] == "locked"
    assert answer("account", "unlock", "eve", "--store", new)["state"] == "enabled"
    reset = run("account", "password", "eve", "--password-stdin", "--store", new, typed="five other words for eve\n")
    assert reset.stdout == "eve: control, password to be changed.\n"
    with closing(open_database(new)) as database:
        assert check_credentials(database, "eve", "five other words for eve", now=now).must_change
    told = [row["what"] for row in answer("audit", "show", "--by", _shell(), "--store", new)]
    done = ["account added", "role changed", "account disabled", "account enabled", "account unlocked", "password reset"]
    assert told == done


@pytest.mark.parametrize("command", ["disable", "enable", "unlock", "password"])
def test_an_account_that_is_not_there_is_said(new: str, command: str) -> None:
    open_up(new)
    more = ["--password-stdin"] if command == "password" else []
    done = run("account", command, "zoe", *more, "--store", new, typed=PASSWORD)
    assert (done.exit_code, "There is no account 'zoe'" in done.stderr) == (2, True)


def test_the_last_administrator_stays_one(new: str) -> None:
    open_up(new)
    for words in (("disable", "adam"), ("role", "adam", "viewer")):
        done = run("account", *words, "--store", new)
        assert (done.exit_code, "is the last administrator" in done.stderr) == (2, True)


def test_a_token_is_shown_once_and_opens_until_it_is_revoked(new: str) -> None:
    open_up(new)
    made = run("token", "add", "scada", "--may", "read", "--may", "metrics", "--days", 30, "--store", new)
    text = made.stdout.strip()
    assert "not shown again" in made.stderr
    now = datetime.now(UTC)
    with closing(open_database(new)) as database:
        machine = find_machine(database, text, now=now)
        assert machine is not None
        assert (machine.name, machine.permissions) == ("program:scada", {"read", "metrics"})
        assert find_machine(database, text, now=now + timedelta(days=31)) is None
    (listed,) = answer("token", "list", "--store", new)
    assert text.split("_", 2)[2] not in json.dumps(listed)
    assert answer("token", "revoke", listed["id"], "--store", new)["state"] == "revoked"
    with closing(open_database(new)) as database:
        assert find_machine(database, text, now=now) is None
    assert "revoked" in run("token", "list", "--store", new).stdout


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["add", "x1", "--may", "approve"], "A token cannot hold approve"),
        (["add", "x1", "--may", "read", "--days", "800"], "within 730 days"),
        (["revoke", "7"], "There is no token '7'"),
    ],
)
def test_a_token_that_cannot_be_is_refused_in_words(new: str, words: list[str], says: str) -> None:
    open_up(new)
    done = run("token", *words, "--store", new)
    assert (done.exit_code, says in done.stderr) == (2, True), done.stderr


def test_people_of_a_store_that_is_not_there_are_not_asked_for(new: str, tmp_path: Path) -> None:
    for words in (("account", "list"), ("account", "disable", "x"), ("token", "list"), ("audit", "verify"), ("store", "check")):
        done = run(*words, "--store", new)
        assert (done.exit_code, "There is no store at" in done.stderr) == (2, True)
    assert list(tmp_path.iterdir()) == []
