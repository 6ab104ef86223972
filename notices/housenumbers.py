"""House numbers and buildings: how they are printed, in which order, and how many of them make a run.

What a customer has (``house_number``, ``building``) becomes a path of spots, from the street inwards::

    "12"  "3幢2单元"   →   ("12号", "3幢", "2单元")        in English   ("12", "Building 3", "Unit 2")
    "甲12号" ""        →   ("甲12号",)                                  ("甲12",)

Numbers that are whole (``12``) can be in a run, ``12–48号（双号）``. The others (``12A``, ``12-1``, ``甲12``) stand alone, and
keep a run from passing over them unless they are affected too: who lives at 14A reads ``12–48`` as including home.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from notices.grammar import GRAMMARS, Grammar, Language, clean

_UNITS = r"号楼|单元|号|[弄幢栋座楼层室]"
_ENGLISH_UNITS = {
    "号": "",
    "弄": "Lane ",
    "号楼": "Building ",
    "幢": "Building ",
    "栋": "Building ",
    "座": "Building ",
    "楼": "Building ",
    "单元": "Unit ",
    "层": "Floor ",
    "室": "Room ",
}
ENGLISH_WORDS = "Building|Unit|Lane|Floor|Room"
_DASHES = re.compile("[‐‑‒–—―−﹣-]")
_OWN = {
    "zh": re.compile(rf"()([0-9]{{1,9}})(.*?)({_UNITS})"),
    "en": re.compile(rf"((?:(?:{ENGLISH_WORDS}) )?)([0-9]{{1,9}})(.*)()"),
}
SHORTEST_RUN = 3
"""Fewer numbers than this are written one by one: ``12 号、14 号`` is as short as a run and plainer."""


@dataclass(frozen=True)
class Spot:
    """A spot that begins with a number.

    ``lead`` and ``tail`` stand before and after the number; only numbers that share both make a run. ``whole``: it is a
    number and nothing more, so that it can be in one. ``sided``: a house number, odd on one side of the street.
    """

    lead: str
    number: int
    tail: str
    whole: bool
    sided: bool


@dataclass(frozen=True)
class Run:
    """Numbers from ``first`` to ``last``, both included. ``step`` 2: only those of the parity of ``first``."""

    first: int
    last: int
    step: int

    def __contains__(self, number: int) -> bool:
        return self.first <= number <= self.last and (number - self.first) % self.step == 0

    @property
    def parity(self) -> int:
        """0 for all numbers, 1 for odd ones, 2 for even ones: the place of the words in `Grammar.parity`."""
        return 0 if self.step == 1 else 2 - self.first % 2


@lru_cache(maxsize=1 << 16)
def spot_path(house_number: str, buildings: tuple[str, ...], language: Language, *, building_first: bool) -> tuple[str, ...]:
    """Return the spots of an address from the street inwards, as keys of the grammar of ``language``.

    ``buildings`` are the building the customer is in (a place) and the building of the address; where both say the same
    it is said once. On streets the number comes first; in estates the building does, and a number in it is a room.

    >>> spot_path("１２", ("3幢2单元",), "zh", building_first=False)
    ('12号', '3幢', '2单元')
    >>> spot_path("", ("5幢", "5幢"), "en", building_first=True)
    ('Building 5',)
    """
    grammar = GRAMMARS[language]
    inside: list[str] = []
    for building in buildings:
        spots = [_building_spot(piece, grammar) for piece in _cut(_normal(building))]
        inside += spots[len(inside) :] if spots[: len(inside)] == inside else spots
    unit = "室" if building_first and inside else "号"
    numbers = [_number_spot(piece, unit, grammar) for piece in _cut(_normal(house_number).upper())]
    return tuple(inside + numbers if building_first else numbers + inside)


@lru_cache(maxsize=1 << 16)
def parse_spot(own: str, parent: str, language: Language) -> Spot | None:
    """Return the number in the spot ``own`` below ``parent`` ("" on the street itself), or None where it begins with none.

    >>> parse_spot("14A号", "", "zh")
    Spot(lead='', number=14, tail='号', whole=False, sided=True)
    """
    found = _OWN[language].fullmatch(own)
    gap = " " if parent and language == "en" else ""
    if not found or (parent[-1:].isdigit() and not gap):
        return None  # right behind a digit the number could not be told from what stands before it
    word, number, more, tail = found.groups()
    sided = tail == "号" if language == "zh" else word == ""
    return Spot(f"{parent}{gap}{word}", int(number), tail, whole=not more, sided=sided)


def find_runs(taken: Iterable[int], barred: Iterable[int], *, sided: bool = True) -> list[Run]:
    """Cover ``taken`` exactly, in as few runs and single numbers as plain greed finds; never a number of ``barred``.

    Numbers in neither set do not exist, so a run may pass over them. Where the numbers are ``sided``, odd and even runs
    come first: people know their side of the street. Single numbers are runs of one.

    >>> find_runs([2, 4, 6, 8, 9], [3, 5])
    [Run(first=2, last=8, step=2), Run(first=9, last=9, step=1)]
    """
    numbers, bars = sorted(set(taken)), set(barred)
    stretches = _stretches(numbers, bars)
    if not sided:
        return [run for stretch in stretches for run in _runs(stretch, 1)]
    both = [stretch for stretch in stretches if len(stretch) >= SHORTEST_RUN and len({number % 2 for number in stretch}) == 2]
    left = sorted(set(numbers).difference(*both))
    by_side = _by_parity(numbers, bars)
    mixed = [run for stretch in both for run in _runs(stretch, 1)] + _by_parity(left, bars)
    return sorted(by_side if len(by_side) <= len(mixed) else mixed, key=lambda run: (run.first, run.last))


def natural_key(text: str) -> tuple[tuple[int, int, str], ...]:
    """Sort key in which numbers count: 2号 < 12号 < 12-1号 < 12A号 < 甲2号."""
    pieces = re.findall(r"[0-9]{1,18}|[^0-9]+", text.replace("号", " "))
    return tuple((0, int(piece), "") if piece[0] in "0123456789" else (1, 0, piece) for piece in pieces)


def _stretches(numbers: list[int], bars: set[int]) -> list[list[int]]:
    """Cut sorted numbers wherever a barred one lies between two of them."""
    fence = sorted(bars)
    stretches: list[list[int]] = []
    passed, seen = 0, -1
    for number in numbers:
        while passed < len(fence) and fence[passed] < number:
            passed += 1
        if passed != seen:
            stretches.append([])
        seen = passed
        stretches[-1].append(number)
    return stretches


def _by_parity(numbers: list[int], bars: set[int]) -> list[Run]:
    sides = [([n for n in numbers if n % 2 == side], {n for n in bars if n % 2 == side}) for side in (1, 0)]
    return [run for side, fence in sides for stretch in _stretches(side, fence) for run in _runs(stretch, 2)]


def _runs(stretch: list[int], step: int) -> list[Run]:
    if len(stretch) >= SHORTEST_RUN:
        return [Run(stretch[0], stretch[-1], step)]
    return [Run(number, number, 1) for number in stretch]


@lru_cache(maxsize=1 << 16)
def _normal(text: str) -> str:
    """Half-width, one kind of hyphen, nothing invisible."""
    return clean(_DASHES.sub("-", unicodedata.normalize("NFKC", text)))


def _cut(text: str) -> list[str]:
    """Cut after every unit: ``123弄45号`` → ``123弄``, ``45号``."""
    return [piece.strip() for piece in re.findall(rf".*?(?:{_UNITS})|.+$", text) if piece.strip()]


def _number_spot(piece: str, usual: str, grammar: Grammar) -> str:
    body, unit = _body_and_unit(piece)
    return _printed(body, unit or (usual if _is_code(body) else ""), grammar)


def _building_spot(piece: str, grammar: Grammar) -> str:
    body, unit = _body_and_unit(piece)
    return _printed(body, unit or ("幢" if body.isdigit() else ""), grammar)


def _body_and_unit(piece: str) -> tuple[str, str]:
    found = re.fullmatch(rf"(.*?)({_UNITS})?", piece)
    body, unit = found.groups(default="") if found else (piece, "")
    return re.sub(r"^0+(?=[0-9])", "", body.strip()), unit


def _is_code(body: str) -> bool:
    return bool(re.search(r"[0-9A-Za-z]$", body))


def _printed(body: str, unit: str, grammar: Grammar) -> str:
    english = grammar.language == "en" and body and (unit == "号" or re.fullmatch(r"[0-9A-Za-z-]+", body))
    text = f"{_ENGLISH_UNITS.get(unit, '')}{body}" if english else f"{body}{unit}"
    return grammar.quoted_if_needed(grammar.key(text))
