"""What was measured, as a page: the table, the machine, the chart, and what the peers were allowed."""

from __future__ import annotations

import os
import platform
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from benchmarks.chart import Curve, draw
from benchmarks.measure import Result

_PACKAGES = ("numpy", "scipy", "networkx", "numba", "pandas", "pandapower", "jinja2")
_HEAD = ("goal", "what", "against", "customers", "ours", "theirs", "ratio", "is to be", "goal reached?")
_NUMBERS = {4, 5, 6, 7}
_PICTURE = "pictures/benchmarks.svg"

_TEXT = """# Benchmarks

Written by `make bench`; `python -m benchmarks --customers 1000000` leaves out the largest network. Nothing here is checked by a
test: what is slow is reported, not failed.

{table}

≤ is a share of the time that theirs takes; ≥ is how many times faster ours is. A row without a goal is there to put the others
in place. Times are of one answer, one build or one event.

![Time against the number of customers, both logarithmic]({picture})

{machine}

## How it was measured

Two things are timed in turn in one process (ours, theirs, ours, theirs, …), and the medians of at least {rounds} rounds are
compared; where a round takes seconds, of {long_rounds}. The clock is the processor time of the thread, since
waiting for one's turn on a busy machine says nothing about either. Absolute times still move by a third from run to run with what
other processes leave of the caches and of the memory's bandwidth. Before anything is timed, both answers are compared.

The network is the synthetic utility of `geo/synth`: about 2,400 customers and 40 transformers a feeder, single-phase laterals,
closed loops, normally open ties. Devices are drawn at random among those that somebody hangs on.

1. **A list, against copying it.** The index hands out a slice of what it holds, which cannot be written to; so nothing is
   copied. The third row copies it all the same.
2. **Against what others would write.** Their graphs are made beforehand. Of the zone, scipy takes the device out of a copy
   of its matrix, searches from the root and takes the customers at the nodes it has not reached; networkx collects those at the
   descendants in a tree. "Alone" is only the search for nodes, for scipy with the device taken out beforehand, while ours gives
   the rows of the customers. pandapower searches SimBench's urban network.
3. **Building.** The peer makes its matrix from the numbered ends of the closed devices and labels the parts; from the same
   numbers, with the links sorted by node already as the network holds them, ours traces the supply phase by phase, numbers
   the zones, and writes the customers, kW and priorities behind every device. The second row spares the peer its matrix.
   The third is what it would cost if each customer were a node of the graph.
4. **Memory.** All arrays that the network and the index hold beyond the tables, the input columns as numbers among them. Ids
   count 8 bytes, for the pointer to their text.
5. **One switch operates.** Breakers, reclosers and load-break switches open and close; the zones at their ends are traced and
   written anew. The peer builds the index from scratch in that state.
6. **A storm.** Devices of all kinds open, then close in another order. The peer is a search of everything after an event,
   for the parts alone. Every {checked} chunks of events the index is compared with one that is built from scratch. One event
   costs much the same whatever the size of the network, so the ratio grows with it.

13. **Live updates.** Events go one by one to sockets of another process, each when the one before is written to all. Time is the
   processor time of the whole serving process, the kernel's part of sending included, for one event to one listener. Memory is
   what the process grows by for each listener after the first 200; what the kernel holds for a socket is not in it.
14. **An outage entered, durably.** Time is the wall's, for the disk is waited for. A store and the file are in one folder; what
   goes to the file is what an event leaves in the store, its row in the audit log included. The server of PostgreSQL is on the
   same machine, and shares its cores. The ratios depend on the disk: the faster it is, the more weighs what is not the disk.
15. **Personal notices.** A text with blanks for name and address, is put together for each person; of every tenth the
   name is not known. The peer is the same text as a template of jinja2, compiled beforehand. Both hand out one notice after
   the other and keep none, as they are sent; "all kept" holds 100,000 of them in a list, and has the price of that memory in it.
   Ours also looks for characters in names and addresses that cannot be seen; the peer does not.
16. **Entered, until it is known elsewhere.** Faults on lines drawn at random; the last of them are entered through the service,
   which works out whom they affect under all the others, checks that they can be told, and keeps the impact. Another process
   follows the store and keeps up who is out. The time runs from before the one until the other has counted the customers; on
   the other side are its parts, each on its own and in one process: the impact in a state that is known, the append, the fold,
   and who is out.
"""


def write_report(results: list[Result], curves: list[Curve], out: Path, *, rounds: tuple[int, int], checked: int) -> None:
    """Write ``benchmarks.md`` and its picture into the folder ``out``."""
    page = _TEXT.format(
        table=_table(_HEAD, [result.cells() for result in results]),
        picture=_PICTURE,
        machine=_machine(),
        rounds=rounds[0],
        long_rounds=rounds[1],
        checked=checked,
    )
    (out / _PICTURE).parent.mkdir(parents=True, exist_ok=True)
    (out / _PICTURE).write_text(draw(curves), encoding="utf-8")
    (out / "benchmarks.md").write_text(page, encoding="utf-8")


def _table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    rules = ["---:" if place in _NUMBERS else "---" for place in range(len(head))]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (head, rules, *rows))


def _machine() -> str:
    versions = ", ".join(f"{name} {version(name)}" for name in _PACKAGES)
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return (
        f"Measured on {datetime.now(UTC):%Y-%m-%d} on {_processor()}, {os.cpu_count()} cores, {memory:.0f} GB, with others at "
        f"work (load {os.getloadavg()[2]:.1f}). Python {platform.python_version()}, {versions}."
    )


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.processor() or "an unknown processor"
