"""What is kept of an impact, so that it is found again and can be made again, byte for byte.

The text says one customer a line, in the order of the customers table, each a JSON list without spaces, in UTF-8::

    ["c1","out","L1"]                 id, out | partial, id of the device that cut it ("" where its source went dead)
    ["c7","transferred",""]           moved to another feeder without a break: not affected

It depends on the network, the outage and the others that were off, and on nothing else. Packed it may differ between versions of
zlib; the digest is of the text.
"""

from __future__ import annotations

import hashlib
import json
import zlib
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np

from outages.events import Outage
from outages.held import as_written, before_it
from outages.impact import Impact, impact_of
from topology.network import Network

RULES = "2"
"""The rule set by which impacts are worked out; it changes whenever the same outage would come out otherwise."""

State = Literal["out", "partial", "transferred"]
Kept = tuple[str, State, str]


class KeptError(ValueError):
    """A kept impact cannot be made again from what is given."""


@dataclass(frozen=True)
class KeptImpact:
    """The impact of one revision of an outage, as it was when it was told.

    ``given`` are the other outages that were off, each with its seq, in order; ``rules`` names the rule set. ``counts`` are
    figures for lists and pages (JSON values). ``customers`` is the deterministic text of who is cut when, packed by zlib.
    """

    outage_id: str
    seq: int
    network_version: str
    rules: str
    given: tuple[tuple[str, int], ...]
    counts: dict[str, Any]
    customers: bytes

    @property
    def digest(self) -> str:
        """The sha256 of the text in ``customers``, as 64 hexadecimal digits."""
        return hashlib.sha256(zlib.decompress(self.customers)).hexdigest()


def keep(impact: Impact, outage_id: str, seq: int, given: Iterable[tuple[str, int]]) -> KeptImpact:
    """Return what to keep of ``impact``, which `outages.impact.impact_of` made of an outage as it is after event ``seq``.

    ``given`` are the others that bear on it, each with its seq: `given_of` says which.
    """
    text = "".join(json.dumps(line, ensure_ascii=False, separators=(",", ":")) + "\n" for line in _lines(impact))
    return KeptImpact(
        outage_id=outage_id,
        seq=seq,
        network_version=impact.network.version,
        rules=RULES,
        given=tuple(sorted(given)),
        counts=asdict(impact.counts),
        customers=zlib.compress(text.encode()),
    )


def given_of(outage: Outage, others: Iterable[Outage]) -> tuple[tuple[str, int], ...]:
    """Return those of ``others`` that bear on the impact of the outage, each with its seq, by id."""
    return tuple((other.id, other.seq) for other in before_it(outage, others))


def read_kept(kept: KeptImpact) -> list[Kept]:
    """Return each customer with its state and the device that cut it, in the order of the customers table."""
    return [(id_, state, device) for id_, state, device in map(json.loads, zlib.decompress(kept.customers).splitlines())]


def recompute(kept: KeptImpact, network: Network, outage: Outage, others: Iterable[Outage]) -> KeptImpact:
    """Return the impact that was kept, made again: equal to ``kept``, byte for byte.

    ``outage`` is as it was after event ``kept.seq``, ``others`` as ``kept.given`` says. Raises KeptError where the network, the
    rules, the outage or the others are not those of ``kept``.
    """
    known, written = list(others), as_written(outage)
    _check("network", kept.network_version, network.version)
    _check("rule set", kept.rules, RULES)
    _check("outage", (kept.outage_id, kept.seq), (outage.id, outage.seq))
    _check("others that were off", kept.given, given_of(written, known))
    return keep(impact_of(network, written, known), outage.id, outage.seq, kept.given)


def _lines(impact: Impact) -> list[Kept]:
    states: dict[int, tuple[State, str]] = dict.fromkeys(impact.transferred.tolist(), ("transferred", ""))
    out = set(impact.out.tolist())
    states |= {
        row: ("out" if row in out else "partial", device)
        for row, device in zip(impact.affected.tolist(), impact.cut_by, strict=True)
    }
    rows = np.array(sorted(states), dtype=np.int32)
    ids = impact.network.tables.customers["id"].iloc[rows]
    return [(id_, *states[row]) for id_, row in zip(ids, rows.tolist(), strict=True)]


def _check(what: str, kept: object, given: object) -> None:
    if kept != given:
        raise KeptError(
            f"the impact was worked out with the {what} {kept}, not {given}. Give the one that it was worked out with"
        )
