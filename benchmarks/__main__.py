"""``python -m benchmarks``: measure, say each result, and write the report."""

from __future__ import annotations

import argparse
import os
import statistics
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from benchmarks.building import components, measure_building, measure_growth, open_and_close
from benchmarks.chart import Curve
from benchmarks.entering import measure_entering
from benchmarks.measure import LONG_ROUNDS, ROUNDS, Result, once
from benchmarks.notices import measure_notices
from benchmarks.one_device import list_customers, measure_one_device
from benchmarks.others import measure_others
from benchmarks.published import measure_urban
from benchmarks.report import write_report
from benchmarks.storing import measure_storing
from benchmarks.storm import CHECKED_EVERY, measure_storm
from benchmarks.streaming import measure_streaming
from benchmarks.town import Say, Town, make_town
from topology.index import SliceIndex

_SIZES = (1_000_000, 10_000_000)
_SMALLEST = 10_000
_NEEDED = {10_000_000: 9 * 2**30}
"""Bytes that must be free for a size."""


def main(arguments: list[str] | None = None, *, published: bool = True) -> None:
    """Measure on each size asked for, and on smaller ones for the chart.

    ``published``: also on a published network, and what does not depend on a size: streams, stores, notices.
    """
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Measure, and write benchmarks.md with a chart.")
    parser.add_argument("--customers", type=int, action="append", help="size of a network; may be given several times")
    parser.add_argument("--out", type=Path, default=Path("docs"), help="folder for benchmarks.md and its picture")
    given = parser.parse_args(arguments)
    say = _teller()
    sizes = [size for size in sorted(given.customers or _SIZES) if _has_room(size, say)]
    curves = [Curve(name, {}) for name in ("building the index", "one switch operates", "one list", "connected_components")]
    results = list(_measure(sizes, curves, say))
    if published:
        results.append(measure_urban(say))
        say(_line(results[-1]))
        for measured in (measure_streaming, measure_storing, measure_notices, measure_entering):
            for result in measured(say):
                say(_line(result))
                results.append(result)
    results.sort(key=lambda result: result.goal)
    write_report(results, curves, given.out, rounds=(ROUNDS, LONG_ROUNDS), checked=CHECKED_EVERY)
    say(f"wrote {given.out / 'benchmarks.md'}")


def _teller() -> Say:
    started = time.monotonic()
    return lambda text: print(f"{time.monotonic() - started:6.0f} s  {text}", flush=True)


def _line(result: Result) -> str:
    return " | ".join(cell for cell in result.cells() if cell)


def _has_room(size: int, say: Say) -> bool:
    free = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_AVPHYS_PAGES")
    needed = _NEEDED.get(size, 0)
    if free < needed:
        say(f"{size:,} customers are left out: they need {needed / 2**30:.0f} GB of free memory, and {free / 2**30:.1f} are free")
    return free >= needed


def _measure(sizes: list[int], curves: list[Curve], say: Say) -> Iterator[Result]:
    """Yield all results, and fill the curves."""
    before: Town | None = None
    for size in (*_smaller(sizes[0]), *sizes):
        town = make_town(size, say)
        for result in _results(town, before, say) if size in sizes else ():
            say(_line(result))
            yield result
        for curve, seconds in zip(curves, _points(town), strict=True):
            curve.seconds[size] = seconds
        before = town


def _smaller(size: int) -> Iterator[int]:
    """Yield the decades from 10,000 customers on that are below ``size``."""
    smaller = _SMALLEST
    while smaller < size:
        yield smaller
        smaller *= 10


def _results(town: Town, before: Town | None, say: Say) -> Iterator[Result]:
    yield from measure_one_device(town, say)
    yield from measure_others(town, say)
    yield from measure_building(town, say)
    if before and before.customers * 10 == town.customers:
        yield from measure_growth(before, town, say)
    yield from measure_storm(town, say)


def _points(town: Town) -> Iterator[float]:
    """Yield the median seconds of what the curves show."""
    for run, times in (
        (partial(SliceIndex, town.network), 1),
        (partial(open_and_close, town), 2 * len(town.switches)),
        (partial(list_customers, town, town.devices), len(town.devices)),
        (partial(components, town, town.network.normal), 1),
    ):
        yield statistics.median(once(run) for _ in range(ROUNDS)) / times


if __name__ == "__main__":
    main()
