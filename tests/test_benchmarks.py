"""The benchmark runs, compares its answers, and writes its report; no time is asserted."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.__main__ import main
from benchmarks.entering import measure_entering
from benchmarks.notices import measure_notices
from benchmarks.storing import measure_storing
from benchmarks.streaming import WARM_UP, measure_streaming


def test_the_report_has_every_goal_and_a_chart(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["--customers", "20000", "--out", str(tmp_path)], published=False)
    report = (tmp_path / "benchmarks.md").read_text(encoding="utf-8")
    for goal in range(1, 7):
        assert f"\n| {goal} | " in report
    assert (tmp_path / "pictures" / "benchmarks.svg").read_text(encoding="utf-8").startswith("<svg")
    assert "wrote" in capsys.readouterr().out


def test_streaming_is_measured_with_the_same_bytes_on_both_sides() -> None:
    results = list(measure_streaming(lambda text: None, sizes=(WARM_UP + 50,), deliveries=500))
    assert {result.goal for result in results} == {13}
    assert {result.what for result in results} == {"one event to one listener", "memory of a listener"}


def test_storing_is_measured_on_both_databases_and_nothing_is_lost() -> None:
    results = list(measure_storing(lambda text: None, events=10, writers=4))
    assert {result.what for result in results} == {"one event, by one writer", "one event, by 4 writers"}
    assert {result.size.partition(",")[0] for result in results} == {"SQLite", "PostgreSQL"}


def test_entering_is_measured_until_another_process_counts_the_same() -> None:
    whole, in_parts = measure_entering(lambda text: None, customers=2_000, active=20, rounds=2)
    assert (whole.goal, in_parts.goal) == (16, 16)
    assert whole.ours == in_parts.ours > 0


def test_notices_are_measured_with_the_same_bytes_on_both_sides() -> None:
    results = list(measure_notices(lambda text: None, people=200))
    assert {result.goal for result in results} == {15}
    assert [result.bound for result in results] == [20, None, 20, None]
