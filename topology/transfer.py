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

from collections.abc import Sequence
from itertools import combinations, product

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


def windings(connection: str, phases: str, to_phases: str, *, bank: Sequence[str] = ()) -> Masks:
    """Return the table of a transformer, other than wye–wye, that is fed at ``phases``; shape (32,).

    ``bank`` names the pairs of phases between which units side by side with this one have windings ("AB", "BC").

    A secondary is alive while 0.4 of the healthy voltage or more is left across a primary winding; customers at half voltage
    count as supplied.

    - Each winding of a **wye** lies between a phase and earth: it lives with its phase. Where the secondary is a delta, one
      live phase is enough for all three: with one lost the other two close the triangle and nothing is missing (1, 1, 1); with
      two lost the two dead windings are in series across the live one (1, ½, ½). An open delta of units fed by a phase each has
      no such return: what its dead unit alone reached is dead.
    - Each winding of a **delta** lies between two phases. With one lost, its end is held half-way by the two windings that meet
      there: they are in series across the live phases (1, ½, ½). With two lost no two ends of any winding differ: nothing.
    - In an **open delta** of units between AB and BC, so it is for the phase B in which they meet: each keeps half. With A or C
      lost one unit is dead and the other whole. A closed delta of three units is a delta.
    - A **centre-tapped** winding, between a phase and earth or between two phases, needs every end: beside other units it
      carries most of the load, and so gets least of a shared voltage. With two lost nothing is left between two phases.

    Solved voltages (OpenDSS) bear this out while the windings are loaded alike and nothing else hangs on the lost phases. What
    they do otherwise hangs on loads, which no rule about switches knows. This one names too many where

    - customers with a load to earth hold a lost phase near earth: windings between phases then keep 0.55,
    - a wye–delta bank whose neutral is earthed, or a load between phases, feeds a lost phase back;

    and too few where

    - one of two windings in series carries over half as much again as the other, and so gets less than 0.4,
    - of three phases one is left in a network without earth, or before a wye–wye without earth: it has no return.
    """
    primary, secondary = mask_of(phases), mask_of(to_phases)
    if connection == "wye_delta" or len(phases) == 1:
        return np.array([secondary if mask & primary else 0 for mask in range(32)], dtype=np.uint8)
    own = [mask_of("".join(pair)) for pair in combinations(phases, 2)]
    beside = [] if connection == "centre_tapped" else [mask_of(pair) for pair in bank]
    alive = [any(_is_across(winding, mask, beside) for winding in own) for mask in range(32)]
    return np.where(alive, secondary, 0).astype(np.uint8)


def _is_across(winding: int, live: int, beside: Sequence[int]) -> bool:
    """Return whether a winding between two phases has a voltage: both live, or one dead and held from a third phase."""
    dead = winding & ~live
    held = any(other & dead and other & live & ~winding for other in beside)
    return not dead or (dead != winding and held)


def transformer_tables(
    connection: str, from_phases: str, to_phases: str, *, bank: Sequence[str] = (), to_bank: Sequence[str] = ()
) -> tuple[Masks, Masks]:
    """Return the tables from the primary to the secondary and back, each for the case that it is the feeding side.

    Wye–wye passes phase by phase, both ways. Fed from its secondary side, a delta–wye transformer is a wye–delta one; ``bank``
    and ``to_bank`` are those of `windings` on either side.
    """
    if connection == "wye_wye":
        return join(from_phases, to_phases), join(to_phases, from_phases)
    backwards = "wye_delta" if connection == "centre_tapped" else _REVERSED.get(connection, connection)
    return windings(connection, from_phases, to_phases, bank=bank), windings(backwards, to_phases, from_phases, bank=to_bank)


def is_monotone(table: Masks) -> bool:
    """Return whether more phases in never mean fewer phases out; every table here keeps this, and tracing relies on it.

    >>> is_monotone(join("AB", "BC"))
    True
    """
    return all(table[a] & ~table[a | b] & 0xFF == 0 for a, b in product(range(32), repeat=2))
