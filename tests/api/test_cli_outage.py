"""Outages on the command line: the whole life of one, who may do what, and what is said where something is not possible."""

from __future__ import annotations

import csv
import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pyogrio
import pytest

from tests.api.terminal import answer, in_a_process, open_up, run, write_town
from tests.postgres import Cluster

ZONE = ZoneInfo("Asia/Shanghai")


def clock(**later: float) -> str:
    """Return a time from now on the utility's clock, as it is typed."""
    return (datetime.now(ZONE) + timedelta(**later)).strftime("%Y-%m-%dT%H:%M")


@pytest.fixture(scope="module")
def town_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_town(tmp_path_factory.mktemp("town") / "town.gpkg")


@pytest.fixture(params=["sqlite", "postgresql"])
def either(request: pytest.FixtureRequest, tmp_path: Path, cluster: Cluster) -> str:
    """A store with people, on SQLite and on PostgreSQL."""
    return open_up(f"sqlite:///{tmp_path}/outages.db" if request.param == "sqlite" else cluster.new_database())


@pytest.fixture
def store(tmp_path: Path) -> str:
    return open_up(f"sqlite:///{tmp_path}/outages.db")


@pytest.fixture
def plan(store: str, town_file: Path) -> Any:
    """A planned outage of S1, in nine days, as a draft."""
    return enter(store, town_file)


def enter(store: str, town_file: Path, *more: object) -> Any:
    times = ("--start", clock(days=9), "--end", clock(days=9, hours=4))
    what = ("--class", "planned", "--open", "S1", *times, "--reason", "线路检修", "--contact", "王芳 0713-555 0100")
    return answer("outage", "enter", "--as", "ana", *what, "--store", store, "--network", town_file, *more)


def change(store: str, command: str, outage_id: str, by: str, *more: object) -> Any:
    return answer("outage", command, outage_id, "--as", by, "--store", store, *more)


def test_a_planned_outage_lives_from_draft_to_closed(either: str, town_file: Path) -> None:
    outage = enter(either, town_file)
    assert (outage["status"], outage["revision"], outage["impact"]["counts"]["customers"]) == ("draft", 1, 16)
    name = outage["id"]
    assert change(either, "submit", name, "ana")["status"] == "submitted"
    assert change(either, "approve", name, "ben", "--seen", 2)["status"] == "approved"
    later = change(either, "revise", name, "ana", "--end", clock(days=9, hours=6), "--why", "crew is late")
    assert (later["status"], later["in_force_revision"], later["reason"]) == ("submitted", 1, "线路检修")
    assert change(either, "approve", name, "ben")["in_force_revision"] == 4
    assert change(either, "off", name, "ana")["status"] == "in_progress"
    assert change(either, "stage", name, "ana", "--open", "L2", "--close", "TIE")["status"] == "partially_restored"
    assert change(either, "restore", name, "ana")["status"] == "restored"
    assert change(either, "close", name, "ana", "--why", "all is written")["status"] == "closed"
    kinds = [event["kind"] for event in answer("outage", "history", name, "--store", either)]
    expected = "entered submitted approved revised approved switched_off staged restored closed"
    assert kinds == expected.split()
    (listed,) = answer("outage", "list", "--store", either, "--when", "past")["outages"]
    assert (listed["id"], listed["allowed"]) == (name, ["undone"])
    verified = answer("audit", "verify", "--store", either)
    assert verified["problems"] == []
    assert verified["count"] == 5 + 2 * 9  # accounts; each event, and who typed it


def test_a_fault_is_off_at_once_and_can_be_undone(either: str, town_file: Path) -> None:
    what = ("--class", "fault", "--fault", "L1", "--start", clock(minutes=-30), "--reason", "电缆故障")
    back = ("--back", f"{clock(hours=1)}/{clock(hours=2)}", "--source", "crew", "--confidence", "low")
    where = ("--store", either, "--network", town_file)
    outage = answer("outage", "enter", "--as", "ana", *what, *back, *where)
    assert outage["status"] == "in_progress"
    assert (outage["estimate"]["source"], outage["estimate"]["confidence"]) == ("crew", "low")
    assert outage["impact"]["cleared_by"] == ["B1"]
    staged = change(either, "stage", outage["id"], "ana", "--at", clock(minutes=-5), "--open", "S1", "--close", "TIE")
    assert [one["action"] for one in staged["operations"]] == ["open", "close"]
    assert change(either, "undo", outage["id"], "ana", "--why", "wrong device")["operations"] == []


def test_each_role_does_only_what_it_may(store: str, plan: Any, town_file: Path) -> None:
    tried = {
        ("vic", "submit"): 4,
        ("ben", "submit"): 4,
        ("adam", "cancel", "--why", "x"): 4,
        ("ana", "submit"): 0,
        ("ana", "approve"): 4,
        ("dora", "approve"): 4,
        ("ben", "reject", "--why", "too long"): 0,
        ("ana", "undo", "--why", "no"): 4,  # what only another person may do, only another person may take back
        ("ben", "undo", "--why", "a mistake"): 0,
        ("ben", "approve"): 0,
    }
    done = {}
    for by, command, *more in tried:
        result = run("outage", command, plan["id"], "--as", by, *more, "--store", store)
        done[by, command, *more] = result.exit_code
        if result.exit_code == 4:
            assert "Ask an administrator" in result.stderr
    assert done == tried
    refused = run("outage", "enter", "--as", "ben", "--class", "planned", "--open", "S1", "--store", store)
    assert (refused.exit_code, "role control" in refused.stderr) == (4, True)


def test_nobody_approves_what_they_wrote(store: str, plan: Any) -> None:
    change(store, "submit", plan["id"], "ana")
    assert run("account", "role", "ana", "approver", "--store", store).exit_code == 0
    done = run("outage", "approve", plan["id"], "--as", "ana", "--store", store)
    assert done.exit_code == 2
    assert "Ask another person to approve it" in done.stderr


@pytest.mark.parametrize(
    ("by", "says"),
    [("zoe", "There is no account 'zoe'"), ("vera", "The account 'vera' is disabled")],
)
def test_nothing_is_done_in_the_name_of_nobody(store: str, plan: Any, by: str, says: str) -> None:
    run("account", "add", "vera", "--role", "control", "--password-stdin", "--store", store, typed="four words of mine\n")
    run("account", "disable", "vera", "--store", store)
    done = run("outage", "submit", plan["id"], "--as", by, "--store", store)
    assert (done.exit_code, says in done.stderr) == (4, True), done.stderr
    assert answer("outage", "show", plan["id"], "--store", store)["status"] == "draft"


def test_who_saw_an_older_revision_is_told_the_newer_one(store: str, plan: Any) -> None:
    change(store, "submit", plan["id"], "ana", "--seen", 1)
    done = run("outage", "cancel", plan["id"], "--as", "ana", "--why", "rain", "--seen", 1, "--store", store)
    assert done.exit_code == 3
    assert "it is at revision 2 (submitted), your change was made on revision 1" in done.stderr


def test_the_revision_that_counts_as_seen_is_said(store: str, plan: Any) -> None:
    done = run("outage", "submit", plan["id"], "--as", "ana", "--store", store)
    assert "Revision 1 (draft) counts as seen; --seen 1 would say so." in done.stderr
    assert "is submitted, revision 2: 16 customers affected. What may follow: " in done.stdout


def test_the_same_command_with_the_same_key_has_one_effect(store: str, town_file: Path) -> None:
    words = (
        "--class",
        "planned",
        "--open",
        "S1",
        "--start",
        "2099-05-01T08:00",
        "--end",
        "2099-05-01T10:00",
        "--reason",
        "线路检修",
    )
    command = ("outage", "enter", "--as", "ana", *words, "--key", "my-key-1", "--store", store, "--network", town_file)
    first = answer(*command)
    assert answer(*command)["id"] == first["id"]
    submit = ("outage", "submit", first["id"], "--as", "ana", "--key", "my-key-2", "--seen", 1, "--store", store)
    assert [answer(*submit)["revision"] for _ in range(2)] == [2, 2]
    other = run(*submit[:-4], "--seen", 1, "--why", "now", "--store", store)
    assert (other.exit_code, "Use a new key" in other.stderr) == (2, True)
    assert len(answer("outage", "list", "--store", store)["outages"]) == 1


def test_a_key_needs_everything_said_that_would_be_another_next_time(store: str, plan: Any) -> None:
    without_seen = run("outage", "submit", plan["id"], "--as", "ana", "--key", "my-key-3", "--store", store)
    without_time = run("outage", "off", plan["id"], "--as", "ana", "--key", "my-key-4", "--seen", 1, "--store", store)
    assert (without_seen.exit_code, without_time.exit_code) == (2, 2)
    assert "--seen" in without_seen.stderr
    assert "--at" in without_time.stderr


def test_a_revision_changes_what_is_given_and_keeps_the_rest(store: str, plan: Any) -> None:
    tail = ("--store", store)
    change(store, "revise", plan["id"], "ana", "--why", "a smaller one", "--open", "L2", "--close", "TIE")
    daily = "2099-05-01/2099-05-03/08:00/18:00"
    change(store, "revise", plan["id"], "ana", "--why", "by day only", "--daily", daily)
    one = run("outage", "revise", plan["id"], "--as", "ana", "--why", "?", "--end", clock(days=10), *tail)
    assert (one.exit_code, "3 windows" in one.stderr) == (2, True)
    shown = answer("outage", "show", plan["id"], "--as", "ana", *tail)
    assert shown["switching"] == {"open": ["L2"], "close": ["TIE"], "fault": []}
    assert len(shown["windows"]) == 3
    assert shown["contact"] == "王芳 0713-555 0100"
    fields = [difference["field"] for difference in answer("outage", "diff", plan["id"], *tail)]
    assert fields == ["switching", "windows"]
    text = run("outage", "diff", plan["id"], "--from", 1, "--to", 2, *tail).stdout
    assert "  - Opens: S1" in text
    assert "  + Opens: L2" in text


def test_facts_may_come_as_the_json_that_programs_send(store: str, town_file: Path, tmp_path: Path) -> None:
    windows = [{"start": f"2099-05-0{day}T08:00:00+08:00", "end": f"2099-05-0{day}T18:00:00+08:00"} for day in (1, 3)]
    facts = {"outage_class": "planned", "switching": {"open": ["S1"]}, "windows": windows, "reason": "线路检修", "submit": True}
    (tmp_path / "facts.json").write_text(json.dumps(facts), encoding="utf-8")
    where = ("--as", "ana", "--store", store, "--network", town_file)
    outage = answer("outage", "enter", "--facts", tmp_path / "facts.json", "--open", "L2", *where)
    assert (outage["status"], len(outage["windows"])) == ("submitted", 2)
    assert outage["switching"]["open"] == ["L2"]  # what is typed stands in the place of what the file says
    drawn = run("outage", "enter", "--facts", "-", *where, typed=json.dumps(facts))
    assert drawn.exit_code == 0, drawn.stderr
    chosen = answer("outage", "enter", "--facts", tmp_path / "facts.json", "--feeder", "10kV西河线", *where)
    assert chosen["switching"]["open"] == ["S1", "T1", "T2", "T3"]
    assert chosen["selection"]["feeder"] == "10kV西河线"


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--class", "storm", "--open", "S1"], "outage_class: Input should be 'planned'"),
        (["--class", "planned", "--reason", "x"], "Nothing is opened"),
        (["--class", "planned", "--open", "S9", "--start", "2099-05-01T08:00", "--end", "2099-05-01T09:00"], "nearest are"),
        (["--class", "planned", "--open", "S1", "--start", "soon"], "'soon' is no date and time"),
        (["--class", "planned", "--open", "S1", "--window", "2099-05-01T08:00"], "is not two times"),
        (["--class", "planned", "--open", "S1", "--daily", "2099-05-01/2"], "is not first day, last day, off and on"),
        (["--open", "S1", "--start", "2099-05-01T08:00", "--daily", "x"], "give --start and --end, or --window, or --daily"),
        (["--facts", "-"], "is no JSON"),
        (["--facts", "nowhere.json"], "nowhere.json"),
    ],
)
def test_facts_that_cannot_be_true_are_refused_in_words(store: str, town_file: Path, words: list[str], says: str) -> None:
    given = words if "--reason" in words else [*words, "--reason", "线路检修"]
    done = run("outage", "enter", "--as", "ana", *given, "--store", store, "--network", town_file, typed="no JSON")
    assert (done.exit_code, says in done.stderr) == (2, True), done.stderr
    assert answer("outage", "list", "--store", store, "--network", town_file)["outages"] == []


def test_outages_are_listed_as_asked_for(store: str, town_file: Path) -> None:
    names = [enter(store, town_file, *more)["id"] for more in ((), ("--submit",), ("--reason", "换变压器"))]
    asked = {
        (): names[::-1],
        ("--status", "submitted"): [names[1]],
        ("--text", "换变"): [names[2]],
        ("--feeder", "10kV西河线"): names[::-1],
        ("--feeder", "10kV东山线"): [],
        ("--class", "fault"): [],
        ("--from", clock(days=10)): [],
        ("--when", "draft", "--limit", "1"): [names[2]],
    }
    found = {words: [one["id"] for one in answer("outage", "list", *words, "--store", store)["outages"]] for words in asked}
    assert found == asked
    shown = run("outage", "list", "--limit", 1, "--store", store)
    assert shown.stdout.splitlines()[0].split() == ["ID", "STATUS", "WHEN", "CLASS", "TIME", "CUSTOMERS", "REASON"]
    assert "there are more" in shown.stderr


def test_contacts_are_shown_to_roles_that_may_see_them(store: str, plan: Any) -> None:
    seen = {by: "王芳" in run("outage", "show", plan["id"], *who, "--store", store).stdout for by, *who in _READERS}
    assert seen == {"nobody": False, "vic": False, "dora": True}
    for by, *who in _READERS:
        told = json.dumps([answer("outage", what, plan["id"], *who, "--store", store) for what in ("show", "history")])
        assert ("0713-555 0100" in told) is seen[by]


_READERS = (("nobody",), ("vic", "--as", "vic"), ("dora", "--as", "dora"))


def test_lists_of_affected_customers_are_written_apart_and_told_to_the_log(store: str, plan: Any, tmp_path: Path) -> None:
    counts = {"affected": 16, "dedicated": 0, "important": 1, "life_support": 1}
    for form in ("csv", "json", "geojson", "gpkg"):
        words = ("--format", form, "--out", tmp_path / form, "--store", store)
        done = run("outage", "affected", plan["id"], "--as", "vic", *words)
        assert done.exit_code == 0, done.output
        assert {path.name for path in (tmp_path / form).iterdir()} == {f"{group}.{form}" for group in counts}
    assert {group: len(_rows(tmp_path / "csv" / f"{group}.csv")) for group in counts} == counts
    pages = {group: json.loads((tmp_path / "json" / f"{group}.json").read_text(encoding="utf-8")) for group in counts}
    assert {group: page["total"] for group, page in pages.items()} == counts
    for form in ("geojson", "gpkg"):
        found = {group: len(pyogrio.read_dataframe(tmp_path / form / f"{group}.{form}")) for group in ("affected", "important")}
        assert found == {"affected": 16, "important": 1}
    noted = answer("audit", "show", "--what", "list exported", "--store", store)
    assert [row["detail"]["form"] for row in noted] == ["csv", "json", "geojson", "gpkg"]
    assert {row["by"] for row in noted} == {"vic"}
    assert noted[0]["detail"]["lists"] == counts


def _rows(file: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(file.read_text(encoding="utf-8-sig").splitlines()))


def test_one_list_is_shown_and_names_need_a_role(store: str, plan: Any, tmp_path: Path) -> None:
    shown = run("outage", "affected", plan["id"], "--as", "dora", "--contact", "--group", "important", "--store", store)
    assert shown.stdout_bytes.startswith(b"\xef\xbb\xbfid,state,")
    assert "13800000000" in shown.stdout
    assert answer("outage", "affected", plan["id"], "--as", "dora", "--store", store)["total"] == 16
    assert run("outage", "affected", plan["id"], "--as", "vic", "--contact", "--store", store).exit_code == 4
    assert run("outage", "affected", plan["id"], "--as", "vic", "--format", "gpkg", "--store", store).exit_code == 2


def test_what_speaks_against_a_plan_is_said(store: str, plan: Any, town_file: Path) -> None:
    start, end = clock(days=9), clock(days=9, hours=4)
    words = ("--class", "planned", "--open", "L3", "--close", "TIE", "--start", start, "--end", end, "--reason", "x")
    other = answer("outage", "enter", "--as", "ana", *words, "--store", store, "--network", town_file)
    done = run("outage", "conflicts", other["id"], "--store", store, "--json")
    found = {one["code"]: one["severity"] for one in json.loads(done.stdout)}
    assert found["dead_tie"] == "error"
    assert done.exit_code == 1
    alone = run(
        "outage",
        "conflicts",
        enter(store, town_file, "--start", clock(days=99), "--end", clock(days=100))["id"],
        "--store",
        store,
    )
    assert alone.exit_code == 0


def test_what_is_not_there_is_said(tmp_path: Path, store: str, town_file: Path) -> None:
    said = {
        f"There is no store at {tmp_path}/none.db": ("outage", "list", "--store", f"sqlite:///{tmp_path}/none.db"),
        "the store keeps none yet. Name one: --network NET": ("outage", "list", "--store", store),
        "There is nothing at nowhere.gpkg": ("outage", "list", "--network", "nowhere.gpkg", "--store", store),
        "There is no outage '7'": ("outage", "show", "7", "--network", town_file, "--store", store),
    }
    for says, words in said.items():
        done = run(*words)
        assert (done.exit_code, says in done.stderr) == (2, True), done.stderr
    assert not (tmp_path / "none.db").exists()


@pytest.mark.parametrize("command", [("outage", "list"), ("audit", "show"), ("serve", "--network", "x"), ("demo",)])
def test_a_setting_that_cannot_be_is_named(store: str, command: tuple[str, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRIDNOTICE_ZONE", "Mars/Olympus")
    done = run(*command, *([] if command == ("demo",) else ["--store", store]))
    assert done.exit_code == 2
    assert "The environment holds settings that cannot be used. GRIDNOTICE_ZONE: " in done.stderr


def test_in_a_process_of_its_own_it_is_the_same(store: str, plan: Any) -> None:
    """The real command, its environment, and no stack trace."""
    shown = in_a_process("outage", "show", plan["id"], "--store", store)
    assert shown.returncode == 0, shown.stderr
    assert f"{plan['id']}, revision 1" in shown.stdout
    stale = in_a_process("outage", "submit", plan["id"], "--as", "ana", "--seen", "9", "--store", store)
    assert stale.returncode == 2
    assert "has no revision 9: it has 1 to 1" in stale.stderr
    assert "Traceback" not in stale.stderr
