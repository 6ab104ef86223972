"""Switches and transformers as points → devices in series where exactly two things meet.

::

    ──L1── Q1 ──L2──     two ends                ──L7#1── Q2 ──L7#2──     a line that passes is cut (switches only)
    ──L1──  Q3  ──L2──   two joints with a gap   ──L7─┬──L7──             a line that passes, and one that ends:
    S Q4 ──L1──          a source and an end         Q5                   the device is on the one that ends
    ──L1── T1 (C)        an end and customers         └──L9──
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from geo.files.columns import Floats, Mask
from geo.formats.lines.cut import Pieces
from geo.formats.lines.parts import Ints
from geo.formats.lines.points import Stand

NOTHING, SOURCES, CUSTOMERS = 0, 1, 2
"""What there is on the far side of a device at the end of a line."""


@dataclass(frozen=True)
class Candidates:
    """Devices before it is known what they join.

    Parameters
    ----------
    ids
        Their ids.
    transforms
        Which are transformers; the others are switches.
    stand
        What is within the tolerance of each.
    device, joint
        Pairs of a device and a joint that it stands at.
    """

    ids: NDArray[np.object_]
    transforms: Mask
    stand: Stand
    device: Ints
    joint: Ints


@dataclass(frozen=True)
class Placed:
    """What devices join. A half is one side of a joint, 2 × joint or 2 × joint + 1; a joint that no device splits has the first.

    Parameters
    ----------
    halves
        Shape (n, 2): the halves that each device joins; −1 where it joins none. A source where no line
        ends is on the first, customers where none does are on the second.
    of_ends
        Shape (p, 2): the half that both ends of each piece are at.
    splitter, beyond
        For each joint the device that splits it (−1: none), and what is on its second half where no line ends there.
    fault
        What is wrong with each device, as a key of `FAULTS`; "" where nothing is.
    """

    halves: Ints
    of_ends: Ints
    splitter: Ints
    beyond: Ints
    fault: NDArray[np.str_]

    def is_directed(self) -> Mask:
        """Tell which devices have a source or customers on one side, where no line ends."""
        return np.asarray(self.beyond[self.halves[:, 0] // 2] != NOTHING, dtype=np.bool_) & (self.halves[:, 0] >= 0)


FAULTS = {
    "far": ("stands on no line", "Draw it on the line, or raise the tolerance."),
    "lines": ("stands where several lines pass and none ends", "Move it onto the one that it is on, or lower the tolerance."),
    "joints": ("stands between more than two nodes", "Move it onto one line, or lower the tolerance."),
    "shared": ("stands where another device stands", "Move them apart along the line, farther than the tolerance."),
    "passed": (
        "stands on a line that passes, and no other ends there",
        "End the primary line there, and begin the secondary; or allow T-joins if a line ends beside it.",
    ),
    "single": (
        "stands where one line ends, and nothing else is there",
        "Draw what is on its other side: a line, a source or a customer; or allow T-joins if a line passes.",
    ),
    "crowd": (
        "stands where more than two lines meet",
        "Move it onto the line that it is on; for a transformer, give every line there one of two voltages.",
    ),
}
"""What can be wrong with the place of a device: the rule that it breaks, and what to do."""


@dataclass(frozen=True)
class _Meeting:
    """What meets at each joint: counts of strands and of ends, and whether the strands are of exactly two known voltages."""

    strands: Ints
    ends: Ints
    two_voltages: Mask


def place_devices(candidates: Candidates, pieces: Pieces, voltage_kv: Floats, standing: tuple[Ints, Ints]) -> Placed:
    """Return what each device joins.

    Parameters
    ----------
    voltage_kv
        Of each piece; NaN where it is not known.
    standing
        How many sources, and how many customers, stand at each joint.
    """
    count = len(standing[0])
    meeting = _meeting(pieces, voltage_kv, count)
    one, fault = _find_faults(candidates, meeting, standing)
    splitter = np.full(count, -1, dtype=np.int64)
    good = np.flatnonzero((fault == "") & (one >= 0))
    splitter[one[good]] = good
    beyond = np.where(standing[0] > 0, SOURCES, CUSTOMERS)
    beyond = np.where((splitter >= 0) & (meeting.ends == 1), beyond, NOTHING)
    of_ends = 2 * pieces.joint + _sides(pieces, voltage_kv, splitter >= 0, meeting)
    halves = np.full((len(candidates.ids), 2), -1, dtype=np.int64)
    from_source = beyond[one[good]] == SOURCES
    halves[good] = 2 * one[good][:, None] + np.where(from_source[:, None], [1, 0], [0, 1])
    _join_two(halves, candidates, fault == "")
    return Placed(halves, of_ends, splitter, beyond, fault)


def _join_two(halves: Ints, candidates: Candidates, good: Mask) -> None:
    """Fill in the devices that stand at two joints, and split none."""
    at = np.bincount(candidates.device, minlength=len(good))
    two = good & (at == 2)
    halves[two] = 2 * candidates.joint[two[candidates.device]].reshape(-1, 2)


def _meeting(pieces: Pieces, voltage_kv: Floats, count: int) -> _Meeting:
    joint, strand = pieces.joint.ravel(), pieces.strand.ravel()
    kv = np.repeat(voltage_kv, 2)
    strands = np.unique(np.column_stack([joint, strand]), axis=0)[:, 0]
    levels = np.unique(np.column_stack([joint, kv])[~np.isnan(kv)], axis=0)[:, 0].astype(np.int64)
    unknown = np.bincount(joint[np.isnan(kv)], minlength=count)
    two = (np.bincount(levels, minlength=count) == 2) & (unknown == 0)
    return _Meeting(np.bincount(strands, minlength=count), np.bincount(joint, minlength=count), two)


def _find_faults(candidates: Candidates, meeting: _Meeting, standing: tuple[Ints, Ints]) -> tuple[Ints, NDArray[np.str_]]:
    """Return the only joint of each device (−1 where it has none or several), and what is wrong with the device."""
    count = len(candidates.ids)
    at = np.bincount(candidates.device, minlength=count)
    one = np.full(count, -1, dtype=np.int64)
    alone = at[candidates.device] == 1
    one[candidates.device[alone]] = candidates.joint[alone]
    devices = np.bincount(candidates.joint, minlength=len(meeting.ends))
    strands, ends = (np.where(one >= 0, counts[one], 0) for counts in (meeting.strands, meeting.ends))
    others = np.where(one >= 0, (standing[0] + standing[1])[one], 0)
    passing, transforms = candidates.stand.passing, candidates.transforms
    told = {
        "far": (at == 0) & (passing == 0),
        "lines": (at == 0) & (passing > 1),
        "passed": transforms & (((at == 0) & (passing == 1)) | ((strands == 1) & (ends == 2))),
        "joints": at > 2,
        "shared": (one >= 0) & (devices[one] > 1),
        "single": (strands == 1) & (ends == 1) & (others == 0),
        "crowd": (strands > 2) & ~(transforms & meeting.two_voltages[one]),
    }
    return one, np.select(list(told.values()), list(told), default="")


def _sides(pieces: Pieces, voltage_kv: Floats, split: Mask, meeting: _Meeting) -> Ints:
    """Return the side, 0 or 1, of its joint that both ends of each piece are on, shape (p, 2)."""
    joint, strand = pieces.joint.ravel(), pieces.strand.ravel()
    mine = np.flatnonzero(split[joint])
    joint, strand = joint[mine], strand[mine]
    strands = meeting.strands[joint]
    # A line cut for a switch: the piece before it and the one behind. Else strand by strand, or voltage by voltage.
    key = np.where(strands == 1, mine.astype(np.float64), strand)
    key = np.where(strands > 2, -np.repeat(voltage_kv, 2)[mine], key)
    order = np.lexsort((key, joint))
    first = np.append(True, joint[order][1:] != joint[order][:-1])[: len(order)]
    changes = np.append(False, np.diff(key[order]) != 0)[: len(order)] & ~first
    side = np.zeros(pieces.joint.size, dtype=np.int64)
    run = np.cumsum(changes)
    side[mine[order]] = run - np.maximum.accumulate(np.where(first, run, 0))
    return side.reshape(-1, 2)
