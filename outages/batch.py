"""Many what-if cases in a row: one case a line in, one answer a line out.

::

    {"open": ["L1"]}                        {"out": ["c1", "c2"], "partial": []}
    {"open": [["L1", "B"]]}                 {"out": [], "partial": ["c1", "c2"]}
    {"open": ["L1"], "close": ["X1"]}       {"out": [], "partial": []}
    {"fault": ["L1"]}                       {"out": ["c1", "c2", "c3"], "partial": []}
    {"open": ["L9"]}                        {"error": "no device has the id 'L9'; the nearest are L1, X1. …"}

Every case starts from the normal state. A line that is no case is answered with what is wrong with it; the others are not
held up by it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from topology.flood import Rows
from topology.index import SliceIndex
from topology.isolate import clear
from topology.network import Network, UnknownIdError
from topology.supply import Phased, UnknownPhaseError, lost, normal_state, operate, supplied

_WORDS = ("open", "close", "fault")


class CaseError(ValueError):
    """A line is no case."""


def answer_lines(network: Network, lines: Iterable[str]) -> Iterator[dict[str, Any]]:
    """Yield the answer to each line that is not blank, in order.

    ``out`` and ``partial`` are ids of customers that are supplied in the normal state and then have no phase, or not all their
    phases; in the order of the customers table.
    """
    ids = network.tables.customers["id"].to_numpy(dtype=object)
    index = SliceIndex(network)
    for line in lines:
        if not line.strip():
            continue
        try:
            out, partial = _answer(index, _read(line))
        except (CaseError, UnknownIdError, UnknownPhaseError) as error:
            yield {"error": str(error)}
        else:
            yield {"out": ids[out].tolist(), "partial": ids[partial].tolist()}


def _answer(index: SliceIndex, case: dict[str, list[Phased]]) -> tuple[Rows, Rows]:
    """Return who is out and who is partly out; only the zones at what is switched are searched."""
    network, normal = index.network, normal_state(index.network)
    state = operate(network, normal, open=case["open"], close=case["close"])
    if case["fault"]:
        state = clear(network, state, [fault for fault, _ in case["fault"]]).state
        return lost(network, network.healthy.alive, supplied(network, state))
    changed = np.flatnonzero(state.closed != normal.closed).tolist()
    return index.search((device, int(state.closed[device])) for device in changed)


def _read(line: str) -> dict[str, list[Phased]]:
    try:
        case = json.loads(line)
    except ValueError as error:
        raise CaseError(
            f'the line is no JSON ({error}); given {line[:80]!r}. Write an object such as {{"open": ["ID"]}}'
        ) from None
    if not isinstance(case, dict) or set(case) - set(_WORDS):
        given = f"the words {', '.join(map(str, case))}" if isinstance(case, dict) else repr(case)[:80]
        raise CaseError(f"a case is an object with some of {', '.join(_WORDS)}; given {given}")
    return {word: [_phased(item, word) for item in _list(case.get(word, []), word)] for word in _WORDS}


def _list(value: Any, word: str) -> list[Any]:
    if not isinstance(value, list):
        raise CaseError(f'{word!r} holds a list of devices; given {value!r}. Write ["ID"], or [["ID", "B"]] for one phase')
    return value


def _phased(item: Any, word: str) -> Phased:
    match item:
        case str():
            return item, ""
        case [str() as device, str() as phases] if phases and word != "fault":
            return device, phases
    pair = "" if word == "fault" else ' or a pair ["ID", "B"]'
    raise CaseError(f"{word!r} holds ids{pair}; given {item!r}")
