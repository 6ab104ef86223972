"""House numbers and buildings of one street or estate: which customers each one names, as runs and back.

::

    customers   2  4  4  6  7  8  10       affected: 2, 4, 4, 6, 10     →   2–6 号（双号）、10 号
                                           affected: 2, one of the 4    →   2 号、4 号（部分用户）
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from notices.grammar import Grammar
from notices.housenumbers import ENGLISH_WORDS, Run, Spot, find_runs, natural_key, parse_spot


@dataclass(frozen=True)
class Spots:
    """Spots by their text; a spot can be inside another one (a unit in a building).

    Attributes
    ----------
    customers
        Rows of the customers at the spot or inside it.
    ending
        Rows of the customers of whom no more is known than this spot; under "", of those with no spot at all.
    below
        Spots directly inside a spot; under "", those of the street itself.
    """

    customers: dict[str, list[int]]
    ending: dict[str, list[int]]
    below: dict[str, list[str]]

    @classmethod
    def of(cls, paths: Iterable[tuple[int, tuple[str, ...]]], grammar: Grammar) -> Spots:
        """Collect (customer, path of spots from the street inwards)."""
        gap = " " if grammar.language == "en" else ""
        customers: dict[str, list[int]] = defaultdict(list)
        ending: dict[str, list[int]] = defaultdict(list)
        below: dict[str, dict[str, None]] = defaultdict(dict)
        for row, path in paths:
            text = ""
            for spot in path:
                parent, text = text, f"{text}{gap}{spot}" if text else spot
                below[parent][text] = None
                customers[text].append(row)
            ending[text].append(row)
        return cls(customers, ending, {parent: list(texts) for parent, texts in below.items()})


@dataclass(frozen=True)
class SpotTexts:
    """Spots in words, as printed and in order, and the customers whom the words cover."""

    texts: tuple[str, ...]
    covered: tuple[int, ...]


def write_spots(spots: Spots, affected: set[int], grammar: Grammar) -> SpotTexts:
    """Name the spots of the ``affected`` customers, in runs where a run covers nobody else.

    A spot is named whole if everyone there is affected; else the spots inside it are; and where nothing tells the affected
    ones from the others, the spot is named as "（部分用户）", which covers all of it.
    """
    whole = {text for text, rows in spots.customers.items() if affected.issuperset(rows)}
    named, parts = _walk(spots, affected, whole)
    found = [(text, text + grammar.spot_part) for text in parts]
    singles = set(named)
    for family, numbers in _families(spots, grammar).items():
        sided = all(spot.sided for spot in numbers.values())
        free = {spot.number for text, spot in numbers.items() if text not in whole}
        taken = {spot.number for text, spot in numbers.items() if text in singles and spot.whole} - free
        runs = [run for run in find_runs(taken, free, sided=sided) if run.first < run.last]
        found += [(f"{family[0]}{run.first}", run_text(run, family, grammar)) for run in runs]
        singles -= {text for text, spot in numbers.items() if spot.whole and any(spot.number in run for run in runs)}
    found += [(text, text) for text in singles]
    found.sort(key=lambda pair: natural_key(pair[0]))
    covered = tuple(row for text in (*named, *parts) for row in spots.customers[text])
    return SpotTexts(tuple(grammar.shown(text) for _, text in found), covered)


def read_spot(spots: Spots, words: str, grammar: Grammar) -> list[int]:
    """Return the customers that one spot or run names, [] where there are none such."""
    text = grammar.key(words)
    bare = text.removesuffix(grammar.key(grammar.spot_part)).strip()
    if bare in spots.customers:
        return spots.customers[bare]
    text = re.sub(rf"\b({ENGLISH_WORDS})s (?=[0-9]+[–-])", r"\1 ", bare)
    # A hyphen is taken for a dash only now: 12-1 may be a number of its own.
    for dash in "–-":
        found = re.fullmatch(rf"(.*?)([0-9]{{1,9}}){dash}([0-9]{{1,9}})(.*)", text)
        if found:
            lead, first, last, tail = found.groups()
            return _read_run(spots, lead, (int(first), int(last)), tail, grammar=grammar)
    return []


def _walk(spots: Spots, affected: set[int], whole: set[str]) -> tuple[list[str], list[str]]:
    """Go inwards from the street: spots to be named whole, and spots to be named in part."""
    named: list[str] = []
    parts: list[str] = []
    waiting = [""]
    while waiting:
        for text in spots.below.get(waiting.pop(), ()):
            if text in whole:
                named.append(text)
            elif not affected.isdisjoint(spots.ending.get(text, ())):
                parts.append(text)
            elif not affected.isdisjoint(spots.customers[text]):
                waiting.append(text)
    return list(dict.fromkeys(named)), list(dict.fromkeys(parts))


def _families(spots: Spots, grammar: Grammar) -> dict[tuple[str, str], dict[str, Spot]]:
    """Spots that begin with a number, by what stands before and after it: only numbers of one family make a run."""
    families: dict[tuple[str, str], dict[str, Spot]] = defaultdict(dict)
    for parent, texts in spots.below.items():
        for text in texts:
            spot = parse_spot(text[len(parent) :].strip(), parent, grammar.language)
            if spot:
                families[spot.lead, spot.tail][text] = spot
    return families


def run_text(run: Run, family: tuple[str, str], grammar: Grammar, *, some: bool = False) -> str:
    """Return a run in words; ``some``: not everyone at these numbers is meant."""
    lead, tail = family
    if grammar.language == "en":
        lead = re.sub(rf"\b({ENGLISH_WORDS}) $", r"\1s ", lead)  # Buildings 5–7
    return f"{lead}{run.first}–{run.last}{tail}{(grammar.some if some else grammar.parity)[run.parity]}"


def _read_run(spots: Spots, lead: str, ends: tuple[int, int], tail: str, *, grammar: Grammar) -> list[int]:
    sides = ((side, words[side]) for words in (grammar.some, grammar.parity) for side in (1, 2, 0))
    parity, said = next((side, words) for side, words in sides if tail.endswith(words))
    first = ends[0] + (parity > 0 and ends[0] % 2 != parity % 2)
    run = Run(first, ends[1], 2 if parity else 1)
    numbers = _families(spots, grammar).get((lead, tail.removesuffix(said)), {})
    within = [text for text, spot in numbers.items() if spot.whole and spot.number in run]
    return [row for text in within for row in spots.customers[text]]
