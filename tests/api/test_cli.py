"""The command line, as somebody types it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pyogrio
import pytest
import typer
from typer.testing import CliRunner, Result

from api.cli import Mending, app
from api.commands.mendable import MENDABLE
from api.problems import PROBLEMS
from geo.write import write_tables
from outages.store import StoreError
from topology.sketch import tables_from_text

TABLES = {
    "sources": "id,node\nS,s\n",
    "lines": "id,from_node,to_node\nL1,a,b\nL2,b,c\n",
    "switches": "id,kind,from_node,to_node,normal_state\nB1,breaker,s,a,closed\n",
    "transformers": "id,from_node,to_node,ownership\nT1,c,d,public\n",
    "customers": "id,node,category\n1,d,residential\n2,d,residential\n3,b,commercial\n",
}
"""A utility that has the mandatory columns and nothing else: no coordinate, no place, no name."""

WINDOW = ("--class", "planned", "--start", "2026-05-01T08:30", "--end", "2026-05-01T12:00", "--reason", "线路检修")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    source = tmp_path / "tables"
    source.mkdir()
    for name, text in TABLES.items():
        (source / f"{name}.csv").write_text(text, encoding="utf-8")
    return source


@pytest.fixture
def net(folder: Path, tmp_path: Path) -> Path:
    done = _run("import", folder, "--out", tmp_path / "net.gpkg")
    assert done.exit_code == 0, done.output
    return tmp_path / "net.gpkg"


def _run(*words: object) -> Result:
    return CliRunner().invoke(app, [str(word) for word in words])


def _typed(*words: object) -> subprocess.CompletedProcess[str]:
    """Run the real command in a process of its own."""
    return subprocess.run(
        [Path(sys.executable).parent / "gridnotice", *map(str, words)], capture_output=True, text=True, check=False
    )


def test_a_network_of_mandatory_columns_is_imported_and_answers(net: Path) -> None:
    answer = json.loads(_run("impact", net, "--open", "L2", "--format", "json").stdout)
    assert answer["out"] == ["1", "2"]
    assert answer["counts"]["customers"] == 2
    assert answer["cut_by"] == {"1": "L2", "2": "L2"}


def test_the_map_of_a_network_without_coordinates_says_what_is_missing(net: Path, tmp_path: Path) -> None:
    done = _run("map", net, "--open", "L2", "--lang", "en", "--out", tmp_path / "map.html")
    assert "2 customers affected" in done.stdout
    assert "The network has no coordinates" in (tmp_path / "map.html").read_text(encoding="utf-8").replace(
        "the network", "The network"
    )


def test_import_sets_broken_rows_aside_and_reports_each(folder: Path, tmp_path: Path) -> None:
    with (folder / "customers.csv").open("a", encoding="utf-8") as customers:
        customers.writelines(f"{number},d,residential\n" for number in range(4, 60))
        customers.write("99,nowhere,residential\n")
    done = _run("import", folder, "--out", tmp_path / "net.gpkg", "--report", tmp_path / "report.json")
    report = json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))
    assert done.exit_code == 0
    assert "1 of customers" in done.stderr
    assert [row["id"] for row in report["quarantined"]["customers"]] == ["99"]
    assert any(problem["ids"] == ["99"] for problem in report["problems"])


def test_a_network_that_is_mostly_broken_is_refused_and_nothing_is_written(folder: Path, tmp_path: Path) -> None:
    (folder / "customers.csv").write_text("id,node,category\n1,nowhere,residential\n", encoding="utf-8")
    done = _run("import", folder, "--out", tmp_path / "net.gpkg")
    assert done.exit_code == 1
    assert "refused" in done.stderr
    assert not (tmp_path / "net.gpkg").exists()


def test_check_says_that_all_is_well_or_names_what_is_not(folder: Path, net: Path) -> None:
    assert _run("check", net).exit_code == 0
    (folder / "lines.csv").write_text("id,from_node,to_node\nL1,a,b\n", encoding="utf-8")
    report = json.loads(_run("check", folder, "--json").stdout)
    unsupplied = [problem for problem in report["problems"] if problem["rule"].startswith("no source supplies")]
    assert [problem["ids"] for problem in unsupplied] == [["1", "2"]]


def test_the_list_is_csv_for_a_spreadsheet_and_geojson_for_a_gis(net: Path, tmp_path: Path) -> None:
    _run("impact", net, "--open", "B1", "--format", "csv", "--out", tmp_path / "out.csv")
    assert (tmp_path / "out.csv").read_bytes().startswith(b"\xef\xbb\xbfid,state,")
    _run("impact", net, "--open", "B1", "--format", "geojson", "--out", tmp_path / "out.geojson")
    assert len(pyogrio.read_dataframe(tmp_path / "out.geojson")) == 3


def test_the_text_is_what_a_dispatcher_reads(net: Path) -> None:
    text = _run("impact", net, "--fault", "L1").stdout
    assert "Cleared by              B1" in text
    assert "Customers affected      3 (3 without supply, 0 on some phases)" in text


def test_one_phase_is_named_after_a_colon(net: Path) -> None:
    answer = json.loads(_run("impact", net, "--open", "L1:B", "--format", "json").stdout)
    assert (answer["out"], answer["partial"]) == ([], ["1", "2", "3"])


def test_a_batch_answers_a_line_for_each_case_and_says_how_many_it_could_not(net: Path, tmp_path: Path) -> None:
    cases = tmp_path / "cases.jsonl"
    cases.write_text('{"open": ["L2"]}\n{"open": [["L1", "C"]]}\n{"open": ["L7"]}\n', encoding="utf-8")
    done = _run("impact", net, "--batch", cases, "--format", "jsonl")
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert answers[:2] == [{"out": ["1", "2"], "partial": []}, {"out": [], "partial": ["1", "2", "3"]}]
    assert "nearest are" in answers[2]["error"]
    assert done.exit_code == 1
    assert "1 cases were not answered" in done.stderr


def test_a_batch_without_its_format_is_a_usage_error(net: Path, tmp_path: Path) -> None:
    assert _run("impact", net, "--batch", tmp_path / "cases.jsonl").exit_code == 2
    assert _run("impact", net, "--format", "jsonl").exit_code == 2
    assert _run("impact", net).exit_code == 2


def test_the_notice_is_written_in_both_languages(net: Path) -> None:
    chinese = _run("notice", net, "--open", "L1", *WINDOW).stdout
    english = json.loads(_run("notice", net, "--open", "L1", *WINDOW, "--lang", "en", "--format", "json").stdout)
    assert "2026年5月1日" in chinese
    assert "08:30" in chinese
    assert english["over_named"] == 0
    assert "8:30" in english["body"]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["impact", "NET", "--open", "L7"], "no device has the id 'L7'; the nearest are L1, L2"),
        (["impact", "NET", "--open", "L1:2"], "device L1 has no phase '2': it has ABC"),
        (["impact", "nowhere.gpkg", "--open", "L1"], "There is nothing at nowhere.gpkg"),
        (
            ["notice", "NET", "--open", "L1", *WINDOW[:2], "--start", "tomorrow", "--reason", "x"],
            "'tomorrow' is no date and time",
        ),
        (["notice", "NET", "--open", "L1", "--class", "storm", *WINDOW[2:]], "'storm' is not a class of outage"),
        (["check", "NET", "--crs", "EPSG:0"], "EPSG:0"),
        (["import", "pandapower:nothing", "--out", "x.gpkg"], "nothing"),
    ],
)
def test_what_a_person_can_mend_is_said_in_words(net: Path, words: list[str], says: str) -> None:
    done = _typed(*(str(net) if word == "NET" else word for word in words))
    assert done.returncode == 2
    assert says in done.stderr
    assert "Traceback" not in done.stderr


def test_a_made_network_of_any_size_is_written_and_read_again(tmp_path: Path) -> None:
    done = _run("synth", "--customers", 300, "--seed", 3, "--out", tmp_path / "town.gpkg")
    assert "300 customers" in done.stdout
    assert _run("check", tmp_path / "town.gpkg").exit_code == 0
    _run("synth", "--customers", 300, "--seed", 3, "--out", tmp_path / "town")
    versions = [json.loads(_run("check", tmp_path / name, "--json").stdout)["network_version"] for name in ("town.gpkg", "town")]
    assert versions[0] == versions[1]


def test_the_demonstration_writes_its_files_and_a_summary(tmp_path: Path) -> None:
    done = _run("demo", "--once", "--out", tmp_path / "out")
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        "impact.json",
        "customers.csv",
        "notice.zh.txt",
        "notice.en.txt",
        "map.html",
    }
    assert "Customers affected" in done.stdout
    impact = json.loads((tmp_path / "out" / "impact.json").read_text(encoding="utf-8"))
    rows = (tmp_path / "out" / "customers.csv").read_text(encoding="utf-8-sig").splitlines()
    assert len(rows) - 1 == impact["counts"]["customers"] > 0


def test_a_fault_is_planned_for_step_by_step(tmp_path: Path) -> None:
    write_tables(
        tables_from_text("*s -B1:breaker- a -L1- b -S1:load_break- c : c1\n*r -B2:breaker- d /X1/ c\nb : b1"),
        tmp_path / "net.gpkg",
    )
    plan = json.loads(_run("isolate", tmp_path / "net.gpkg", "--fault", "L1", "--format", "json").stdout)
    assert plan["cleared_by"] == ["B1"]
    assert plan["isolate"] == ["B1", "S1"]
    assert plan["ties"] == [{"close": ["X1"], "customers": ["c1"], "load_kw": 1.0}]
    assert plan["waiting"] == ["b1"]
    assert [(step["do"], step["devices"], step["customers_out"]) for step in plan["plan"]] == [
        ("trips", ["B1"], 2),
        ("open", ["S1"], 2),
        ("close", ["X1"], 1),
    ]
    text = _run("isolate", tmp_path / "net.gpkg", "--fault", "L1").stdout
    assert "1 customers wait for the repair" in text
    kept = json.loads(_run("isolate", tmp_path / "net.gpkg", "--open", "L1", "--format", "json").stdout)
    assert [tie["close"] for tie in kept["ties"]] == [["X1"]]
    assert _run("isolate", tmp_path / "net.gpkg").exit_code == 2


def test_why_marks_the_device_that_cuts(net: Path) -> None:
    answer = json.loads(_run("why", net, "--open", "L2", "--customer", "1", "--format", "json").stdout)
    assert (answer["state"], answer["cut_by"]) == ("out", "L2")
    assert [step["device"] for step in answer["path"]] == ["B1", "L1", "L2", "T1"]
    assert [step["device"] for step in answer["path"] if step["cuts"]] == ["L2"]
    assert "✗ L2" in _run("why", net, "--open", "L2", "--customer", "1").stdout
    fed = _run("why", net, "--open", "L2", "--customer", "3").stdout
    assert fed.splitlines() == ["3 is supplied.", "From the source:", "  │ B1", "  │ L1", "  ☗ 3"]


@pytest.mark.parametrize("name", ["sweep.csv", "sweep.parquet"])
def test_a_sweep_says_what_every_device_costs(net: Path, tmp_path: Path, name: str) -> None:
    done = _run("sweep", net, "--out", tmp_path / name)
    assert "4 devices" in done.stdout
    table = (pd.read_csv if name.endswith("csv") else pd.read_parquet)(tmp_path / name).set_index("id")
    assert table["customers"].to_dict() == {"L1": 3, "L2": 2, "B1": 3, "T1": 2}


def test_short_words_answer_as_json_too(net: Path) -> None:
    for words in (
        ("impact", net, "--open", "L2"),
        ("why", net, "--open", "L2", "--customer", "1"),
        ("isolate", net, "--fault", "L1"),
    ):
        assert _run(*words, "--json").stdout == _run(*words, "--format", "json").stdout
        assert json.loads(_run(*words, "--json").stdout)
    assert json.loads(_run("notice", net, "--open", "L1", *WINDOW, "--json").stdout)["over_named"] == 0


LINE_WORK = {
    "L1": [(114.0, 30.0), (114.01, 30.0)],
    "L2": [(114.01002, 30.0), (114.02, 30.0)],
    "L3": [(114.005, 30.0), (114.005, 30.01)],
}
"""L2 begins 2 m behind the end of L1; L3 begins on the inside of L1."""


@pytest.fixture
def drawing(tmp_path: Path) -> Path:
    folder = tmp_path / "drawing"
    folder.mkdir()
    features = [
        {"type": "Feature", "properties": {"id": name}, "geometry": {"type": "LineString", "coordinates": places}}
        for name, places in LINE_WORK.items()
    ]
    collection = {"type": "FeatureCollection", "features": features}
    (folder / "lines.geojson").write_text(json.dumps(collection), encoding="utf-8")
    points = {
        "sources": "id,x,y\nS,114.0,30.0\n",
        "customers": "id,x,y,category\nc2,114.02,30.0,residential\nc3,114.005,30.01,residential\n",
    }
    for name, text in points.items():
        (folder / f"{name}.csv").write_text(text, encoding="utf-8")
    return folder


@pytest.mark.parametrize(
    ("options", "lines", "off"),
    [
        ((), ["L1", "L2", "L3"], set()),
        (("--tolerance-m", 3), ["L1", "L2", "L3"], {"c2"}),
        (("--t-joins",), ["L1#1", "L1#2", "L2", "L3"], {"c3"}),
        (("--tolerance-m", 3, "--t-joins"), ["L1#1", "L1#2", "L2", "L3"], {"c2", "c3"}),
    ],
)
def test_line_work_is_joined_as_it_is_asked_for(
    drawing: Path, tmp_path: Path, options: tuple[object, ...], lines: list[str], off: set[str]
) -> None:
    """Who is fed shows what was joined: opening the first line takes them off."""
    net = tmp_path / "net.gpkg"
    done = _run("import", f"lines:{drawing}", "--out", net, *options)
    assert done.exit_code == 0, done.stderr
    assert sorted(pyogrio.read_dataframe(net, layer="lines")["id"]) == lines
    assert set(json.loads(_run("impact", net, "--open", lines[0], "--json").stdout)["out"]) == off


@pytest.mark.parametrize("name", ["findings.gpkg", "findings.geojson"])
def test_where_line_work_looks_wrong_is_written_as_places(drawing: Path, tmp_path: Path, name: str) -> None:
    done = _run("import", f"lines:{drawing}", "--out", tmp_path / "net.gpkg", "--findings", tmp_path / name, "--json")
    found = pyogrio.read_dataframe(tmp_path / name)
    assert f"{len(found)} places to look at" in done.stderr
    assert {"L1", "L3"} == set(found["feature"])
    assert json.loads(done.stdout)["refused"] is False
    joined = ("--tolerance-m", 3, "--t-joins", "--findings", tmp_path / name)
    assert "0 places to look at" in _run("import", f"lines:{drawing}", "--out", tmp_path / "net.gpkg", *joined).stderr
    assert len(pyogrio.read_dataframe(tmp_path / name)) == 0


@pytest.mark.parametrize(
    ("source", "options", "says"),
    [
        ("net.gpkg", ("--t-joins",), "it is for lines:PATH"),
        ("net.gpkg", ("--tolerance-m", 1), "it is for lines:PATH"),
        ("lines:x", ("--findings", "x.txt"), "neither .gpkg nor .geojson"),
        ("lines:DRAWING", ("--tolerance-m", -1), "must be a length above 0 m"),
    ],
)
def test_options_for_line_work_are_refused_where_they_mean_nothing(
    drawing: Path, tmp_path: Path, source: str, options: tuple[object, ...], says: str
) -> None:
    done = _run("import", source.replace("DRAWING", str(drawing)), "--out", tmp_path / "out.gpkg", *options)
    assert (done.exit_code, says in done.stderr) == (2, True), done.stderr


ONLY_ON_THE_WEB = {
    "RequestValidationError",
    "SignInError",
    "PasswordDueError",
    "CsrfError",
    "TooManyRequestsError",
    "CrossSiteError",
    "UnknownHostError",
}


def test_every_error_that_is_expected_on_the_web_is_said_in_words_here_too() -> None:
    expected = {error for error in PROBLEMS if error.__name__ not in ONLY_ON_THE_WEB}
    assert not {error.__name__ for error in expected if not issubclass(error, MENDABLE)}


def test_what_nobody_expects_keeps_its_trace() -> None:
    """A fault of ours is not to be passed off as one of theirs."""
    broken = typer.Typer(cls=Mending)

    @broken.command()
    def divide() -> None:
        raise ZeroDivisionError

    @broken.command()
    def look() -> None:
        raise StoreError("The store is not there.")

    assert isinstance(CliRunner().invoke(broken, ["divide"]).exception, ZeroDivisionError)
    done = CliRunner().invoke(broken, ["look"])
    assert (done.exit_code, done.stderr) == (2, "gridnotice: The store is not there.\n")
