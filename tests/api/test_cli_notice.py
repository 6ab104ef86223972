"""Every text of an outage on the command line, how long and how true each is; and scopes, written and read back."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from notices.rules import CHANNELS
from tests.api.terminal import run, write_town

GOLDEN = Path(__file__).parent / "golden"
TIMES = ("--start", "2027-05-01T08:30", "--end", "2027-05-01T12:00", "--issued", "2027-04-20T08:00")
PLANNED = ("--class", "planned", *TIMES, "--reason", "线路检修")
PART = ("--open", "T2", "--open", "T1")
"""22 of the 28 customers of Xihe: Willow Bank as a whole, 12, and 10 of the 16 of Mill Lane, by their house numbers."""


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_town(tmp_path_factory.mktemp("town") / "town.gpkg")


def noticed(town: Path, *words: object) -> Any:
    done = run("notice", town, *PLANNED, *words, "--format", "json")
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


def by_key(told: Any) -> dict[str, Any]:
    return {one["key"]: one for one in told["texts"]}


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_every_text_is_printed_with_its_size_and_with_how_true_it_is(town: Path, lang: str) -> None:
    done = run("notice", town, *PLANNED, *PART, "--lang", lang, "--channel", "all")
    assert done.exit_code == 0, done.output
    assert done.stdout == (GOLDEN / f"notice-all.{lang}.txt").read_text(encoding="utf-8")


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_as_json_each_text_has_every_figure(town: Path, lang: str) -> None:
    told = noticed(town, *PART, "--lang", lang, "--channel", "all")
    texts = [*told["texts"], *told["unwritten"]]
    assert told["customers"] == 22
    assert {one["channel"] for one in texts} == {*CHANNELS}
    assert sorted(one["slot_s"] for one in texts if one["channel"] == "radio") == [15, 30, 60]
    assert {(one["kind"], one["language"]) for one in texts} == {("first", lang)}
    for one in told["texts"]:
        named = told["customers"] + one["over_named"]
        assert one["recall"] == 1.0, one["key"]
        assert one["precision"] == pytest.approx(told["customers"] / named), one["key"]
        assert (one["length"], one["entries"] > 0) == (len(one["text"]), True), one["key"]
        assert (one["parts"] is None) == (one["channel"] != "sms"), one["key"]
        assert (one["seconds"] is None) == (one["channel"] not in ("radio", "call")), one["key"]


def test_only_the_channels_that_are_named_are_written_in_the_order_of_all(town: Path) -> None:
    told = noticed(town, "--open", "S1", "--channel", "sms", "--channel", "tv")
    assert [one["key"] for one in told["texts"]] == ["first/zh/tv", "first/zh/sms"]
    assert told["texts"][1]["encoding"] == "UCS-2"


def test_without_a_channel_it_is_the_exact_text_of_the_web(town: Path) -> None:
    one = noticed(town, "--open", "L2")
    assert (one["channel"], one["customers"], one["over_named"], one["recall"]) == ("web", 6, 0, 1.0)
    said = run("notice", town, *PLANNED, "--open", "L2").stdout
    assert said == f"{one['title']}\n\n{one['body']}\n"


def test_a_limit_makes_the_words_wider_and_says_by_how_many(town: Path) -> None:
    exact = by_key(noticed(town, *PART, "--channel", "call"))["first/zh/call"]
    short = by_key(noticed(town, *PART, "--channel", "call", "--limit", len(exact["scope"]) - 1))["first/zh/call"]
    assert (exact["over_named"], exact["precision"]) == (0, 1.0)
    assert len(short["scope"]) < len(exact["scope"])
    assert (short["recall"], short["over_named"] > 0, short["precision"] < 1) == (1.0, True, True)
    assert short["scope"] in short["text"]


def test_a_text_that_does_not_fit_holds_up_none_of_the_others(town: Path) -> None:
    told = noticed(town, "--open", "S1", "--channel", "sms", "--channel", "tv", "--sms-parts", 1, "--tv", 400)
    assert [one["key"] for one in told["texts"]] == ["first/zh/tv"]
    (missing,) = told["unwritten"]
    assert (missing["key"], missing["problems"][0]["code"]) == ("first/zh/sms", "does_not_fit")
    said = run("notice", town, *PLANNED, "--open", "S1", "--channel", "sms", "--channel", "tv", "--sms-parts", 1).stdout
    assert "== first/zh/sms: cannot be written\nscope: No true text for sms fits into 1 parts" in said


def test_who_is_moved_is_told_of_a_short_break(town: Path) -> None:
    words = ("--class", "load_transfer", *TIMES, "--reason", "负荷转移", "--open", "S1", "--open", "L2", "--close", "TIE")
    told = json.loads(run("notice", town, *words, "--channel", "web", "--channel", "call", "--json").stdout)
    assert told["customers"] == 16
    assert {one["recall"] for one in told["texts"]} == {1.0}


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--open", "TIE", "--channel", "all"], "affects no customer, so there is nobody to tell"),
        (["--open", "TIE"], "affects no customer, so there is nobody to tell"),
        (["--open", "S1", "--channel", "pigeon"], "pigeon is no channel. Choose all, or some of newspaper, tv"),
        (["--open", "S1", "--channel", "all", "--limit", "5"], "No true text fits into 5: the shortest takes"),
        (
            ["--open", "S1", "--channel", "sms", "--sms-parts", "1"],
            "No true text for sms fits into 1 parts: the shortest takes 2",
        ),
        (["--open", "S1", "--channel", "tv", "--tv", "20"], "No true text for tv fits into 20 characters"),
        (["--open", "S1", "--channel", "all", "--reason", "检修<b>线路</b>"], "markup (<b>)"),
        (["--open", "S1", "--channel", "all", "--reason", "修" * 3000], "has 3000 characters, 300 at most are printed"),
        (["--open", "S1", "--channel", "all", "--reason", ""], "reason"),
        (["--open", "S1", "--channel", "all", "--end", "2027-04-30T08:00"], "end"),
        (["--channel", "all"], "name a device with --open ID"),
    ],
)
def test_what_cannot_be_told_is_said_in_words(town: Path, words: list[str], says: str) -> None:
    done = run("notice", town, *PLANNED, *words)
    assert (done.exit_code, done.stdout) == (2, "")
    assert says in " ".join(done.stderr.split())


# --- scopes ---


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_what_is_written_is_read_back(town: Path, lang: str, tmp_path: Path) -> None:
    written = run("scope", "write", town, *PART, "--lang", lang)
    assert "22 customers" in written.stderr
    assert "recall 1, precision 1, 0 over-named" in written.stderr
    (tmp_path / "scope").write_text(written.stdout, encoding="utf-8")
    told = json.loads(run("impact", town, *PART, "--json").stdout)
    forms = {form: run("scope", "read", town, "--text", tmp_path / "scope", "--lang", lang, "--format", form) for form in FORMS}
    assert json.loads(forms["json"].stdout) == {"customers": 22, "ids": told["out"]}
    assert forms["text"].stdout.splitlines() == told["out"]
    assert forms["csv"].stdout.splitlines() == ["id", *told["out"]]
    assert "22 customers of 35 are covered" in forms["text"].stderr


FORMS = ("text", "json", "csv")


def test_words_come_from_standard_input_too(town: Path) -> None:
    done = run("scope", "read", town, "--text", "-", "--lang", "en", typed="Xihe: all of Willow Bank\n")
    assert done.stdout.splitlines() == [f"p{number}" for number in range(1, 13)]


def test_a_shorter_scope_says_how_many_it_names_too_many(town: Path) -> None:
    written = json.loads(run("scope", "write", town, *PART, "--limit", 12, "--json").stdout)
    assert written["length"] == len(written["text"]) <= 12
    assert (written["recall"], written["over_named"]) == (1.0, 28 - 22)
    assert written["precision"] == pytest.approx(22 / 28)


def test_the_largest_place_comes_first_where_that_is_asked_for(town: Path) -> None:
    words = ("scope", "write", town, "--open", "T1", "--open", "T3", "--open", "T4", "--lang", "en")
    by_place, largest = (run(*words, "--order", order).stdout for order in ("place", "largest"))
    assert by_place != largest
    assert sorted(by_place.splitlines()) == sorted(largest.splitlines())


@pytest.mark.parametrize(
    ("words", "text", "says"),
    [
        (["--lang", "en"], "Xihe: all of Willow Bnak", "Willow Bank"),
        (["--lang", "zh"], "西河镇：柳案社区全部。", "柳岸社区"),
        (["--lang", "zh"], " \n", "holds no words"),
        (["--lang", "de"], "x", "'de' is not one of"),
    ],
)
def test_words_that_name_no_place_are_said_with_the_nearest(
    town: Path, tmp_path: Path, words: list[str], text: str, says: str
) -> None:
    (tmp_path / "scope").write_text(text, encoding="utf-8")
    done = run("scope", "read", town, "--text", tmp_path / "scope", *words)
    assert (done.exit_code, done.stdout) == (2, "")
    assert says in " ".join(done.stderr.split())


def test_a_scope_that_cannot_be_so_short_says_the_least(town: Path) -> None:
    done = run("scope", "write", town, *PART, "--limit", 1)
    assert done.exit_code == 2
    assert "the shortest takes" in done.stderr


def test_a_file_that_is_no_text_is_said_to_be_none(town: Path, tmp_path: Path) -> None:
    (tmp_path / "scope").write_bytes("柳岸社区".encode("gb18030"))
    assert "is not in UTF-8" in " ".join(run("scope", "read", town, "--text", tmp_path / "scope").stderr.split())
    assert "No such file" in run("scope", "read", town, "--text", tmp_path / "nowhere").stderr
