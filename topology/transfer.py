"""Which phases come out of a device when given phases go in: one table of 32 entries for each way of joining.

Phases at a node are a bit mask: A=1, B=2, C=4, and 1=8, 2=16 for the legs behind a centre-tapped transformer. What a
device does is a table from the mask at one end to the mask at the other, so that lines, switches with swapped phases and
every connection of transformer are traced by the same few instructions::

    line "AB" to "BC"      A ──── B        table[A]  = B
                           B ──── C        table[AB] = BC

    delta_wye "ABC"        two of three ── all        table[AB] = ABC, table[A] = 0
    wye_delta "ABC"        one of three ── all        table[A]  = ABC
    centre_tapped "A"      A ──── 1, 2                table[A]  = 12
"""

from __future__ import annotations

from itertools import product

import numpy as np
from numpy.typing import NDArray

from geo.schema import PHASE_LETTERS

Masks = NDArray[np.uint8]
"""Phase masks, or a table of 32 of them."""

BIT = {letter: 1 << position for position, letter in enumerate(PHASE_LETTERS)}
_REVERSED = {"delta_wye": "wye_delta", "wye_delta": "delta_wye"}


def mask_of(phases: str) -> int:
    """Return the bit mask of ``phases``.

    >>> mask_of("AC"), mask_of("12")
    (5, 24)
    """
    return sum(BIT[letter] for letter in set(phases))


def letters_of(mask: int) -> str:
    """Return the phases in ``mask``, in the order A, B, C, 1, 2.

    >>> letters_of(5)
    'AC'
    """
    return "".join(letter for letter in PHASE_LETTERS if mask & BIT[letter])


def join(phases: str, to_phases: str) -> Masks:
    """Return the table that joins the k-th of ``phases`` to the k-th of ``to_phases``; shape (32,).

    >>> letters_of(join("AB", "BC")[mask_of("B")])
    'C'
    """
    pairs = [(BIT[a], BIT[b]) for a, b in zip(phases, to_phases, strict=True)]
    return np.array([sum(b for a, b in pairs if mask & a) for mask in range(32)], dtype=np.uint8)


def windings(connection: str, phases: str, to_phases: str) -> Masks:
    """Return the table of a transformer, other than wye–wye, that is fed at ``phases``; shape (32,).

    A secondary is alive while a voltage is left on the primary windings:

    - A **delta** primary has its windings between phases, so two live phases are needed. Of three phases one may be lost: the
      open end settles half-way between the other two, and the windings keep 1, ½ and ½ of their voltage. With two lost there
      is no voltage left between any two ends.
    - A **wye** primary with a delta secondary has each winding between a phase and earth: one live phase is enough. The delta
      closes over the two dead windings, which share its voltage by halves.
    - A **centre-tapped** primary is one winding: from a phase to earth, or between two phases, both of which are then needed.

    "Alive" is 0.4 of the healthy voltage or more; customers at half voltage count as supplied.
    """
    needed = 1 if connection == "wye_delta" else min(2, len(phases))
    primary, secondary = mask_of(phases), mask_of(to_phases)
    return np.array([secondary if (mask & primary).bit_count() >= needed else 0 for mask in range(32)], dtype=np.uint8)


def transformer_tables(connection: str, from_phases: str, to_phases: str) -> tuple[Masks, Masks]:
    """Return the tables from the primary to the secondary and back, each for the case that it is the feeding side.

    Wye–wye passes phase by phase, both ways. Fed from its secondary side, a delta–wye transformer is a wye–delta one.
    """
    if connection == "wye_wye":
        return join(from_phases, to_phases), join(to_phases, from_phases)
    backwards = "wye_delta" if connection == "centre_tapped" else _REVERSED.get(connection, connection)
    return windings(connection, from_phases, to_phases), windings(backwards, to_phases, from_phases)


def is_monotone(table: Masks) -> bool:
    """Return whether more phases in never mean fewer phases out; every table here keeps this, and tracing relies on it.

    >>> is_monotone(join("AB", "BC"))
    True
    """
    return all(table[a] & ~table[a | b] & 0xFF == 0 for a, b in product(range(32), repeat=2))
