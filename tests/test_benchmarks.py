"""The benchmark runs, compares its answers, and writes its report; no time is asserted."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.__main__ import main


def test_the_report_has_every_goal_and_a_chart(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["--customers", "20000", "--out", str(tmp_path)], published=False)
    report = (tmp_path / "benchmarks.md").read_text(encoding="utf-8")
    for goal in range(1, 7):
        assert f"\n| {goal} | " in report
    assert (tmp_path / "pictures" / "benchmarks.svg").read_text(encoding="utf-8").startswith("<svg")
    assert "wrote" in capsys.readouterr().out
