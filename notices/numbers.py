"""Ways to say the numbers and buildings of one street or estate, by length and by whom they name wrongly.

::

    affected  2  4  ·  8  ·  ·  14           2 号、4 号、8 号、14 号            0 over-named
    others          6     10 12              2–8 号（部分双号）、14 号            1
                                             2–14 号（部分双号）                  3
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate

from notices.addresses import Flags
from notices.fronts import NO_WAY, SILENCE, Budget, Front
from notices.grammar import Grammar
from notices.housenumbers import Run, Spot, natural_key, parse_spot
from notices.spots import Spots, run_text

LONG_BLOCK = 6
"""Numbers; so many affected ones in a row are always one run, as single numbers or several runs would be longer."""


@dataclass(frozen=True)
class SpotText:
    """A number, run, building or transformer in words; ``key`` gives its place in the list, ``last`` puts it at the end."""

    key: str
    text: str
    last: bool = False

    def order(self) -> tuple[bool, tuple[tuple[int, int, str], ...]]:
        """Sort key."""
        return self.last, natural_key(self.key)


@dataclass(frozen=True, eq=False)
class Numbers:
    """The spots of a street, who is affected, and what a text may be. Lengths count the mark behind each spot."""

    spots: Spots
    hit: Flags
    grammar: Grammar
    budget: Budget
    measure: Callable[[str], int]
    smallest: int

    def ways(self) -> Front:
        """Return the ways to say all affected customers who have a number or a building."""
        return self._inside("")

    @cached_property
    def _counts(self) -> dict[str, tuple[int, int]]:
        """Affected customers, and all customers, of every spot."""
        return {text: (int(self.hit[rows].sum()), len(rows)) for text, rows in self.spots.customers.items()}

    def _inside(self, parent: str) -> Front:
        families: dict[tuple[str, str], dict[str, Spot]] = defaultdict(dict)
        alone = []
        for text in self.spots.below.get(parent, ()):
            spot = parse_spot(text[len(parent) :].strip(), parent, self.grammar.language)
            if spot:
                families[spot.lead, spot.tail][text] = spot
            else:
                alone.append(text)
        singles = [self._single(text) for text in alone]
        return self.budget.join(*singles, *(self._family(family, numbers) for family, numbers in families.items()))

    def _single(self, text: str) -> Front:
        """Ways to say one spot: whole; or in part, or by what is in it."""
        hits, total = self._counts[text]
        if not hits:
            return SILENCE
        allowed = total >= self.smallest
        if hits == total:
            return self._way(text, text) if allowed else NO_WAY
        part = self._way(text, text + self.grammar.spot_part, total - hits) if allowed else NO_WAY
        told_apart = not self.hit[self.spots.ending.get(text, [])].any()
        return self.budget.pick([(part, SILENCE), (self._inside(text) if told_apart else NO_WAY, SILENCE)])

    def _way(self, key: str, text: str, over: int = 0) -> Front:
        length = self.measure(self.grammar.shown(text)) + self.measure(self.grammar.spot)
        return self.budget.way(length, over, SpotText(key, text))

    def _family(self, family: tuple[str, str], numbers: dict[str, Spot]) -> Front:
        """Ways to say numbers that can be in one run: side by side of the street, or both sides together."""
        if not any(self._counts[text][0] for text in numbers):
            return SILENCE
        lettered = [text for text, spot in numbers.items() if not spot.whole]
        # Who lives at 14A reads 12–48 as including home: no run may pass over 14 unless 14A is affected.
        bars = sorted({numbers[text].number for text in lettered if self._counts[text][0] < self._counts[text][1]})
        plain = {spot.number: text for text, spot in sorted(numbers.items(), key=lambda pair: pair[1].number) if spot.whole}
        alone = [*lettered, *(plain.pop(number) for number in bars if number in plain)]
        both = self._sequence(family, plain, bars, 1)
        if all(spot.sided for spot in numbers.values()):
            sides = [
                self._sequence(family, {n: t for n, t in plain.items() if n % 2 == side}, [n for n in bars if n % 2 == side], 2)
                for side in (1, 0)
            ]
            both = self.budget.pick([tuple(sides), (both, SILENCE)])  # type: ignore[list-item]
        return self.budget.join(both, *(self._single(text) for text in alone))

    def _sequence(self, family: tuple[str, str], plain: dict[int, str], bars: list[int], step: int) -> Front:
        """Ways to say ascending numbers by single ones and runs; every run begins and ends at an affected number."""
        line = _Line.of(plain, [self._counts[text] for text in plain.values()], bars)
        units = line.units()
        best = [SILENCE]
        for end, (first, last) in enumerate(units):
            choices = [(best[-1], self._single(plain[line.numbers[first]]) if first == last else NO_WAY)]
            for begin in range(end, -1, -1):
                start = units[begin][0]
                if not line.passable(start, last):
                    break
                if start < last:
                    choices.append((best[begin], self._run(family, line, (start, last), step)))
            best.append(self.budget.pick(choices))
        return best[-1]

    def _run(self, family: tuple[str, str], line: _Line, ends: tuple[int, int], step: int) -> Front:
        hits, total = line.count(*ends)
        # A run in part tells of the two houses at its ends: not in public.
        if total < self.smallest or (hits < total and self.smallest > 1):
            return NO_WAY
        run = Run(line.numbers[ends[0]], line.numbers[ends[1]], step)
        text = run_text(run, family, self.grammar, some=hits < total)
        return self._way(f"{family[0]}{run.first}", text, total - hits)


@dataclass(frozen=True)
class _Line:
    """Numbers in order, with sums of the affected and of all customers in front of each, and the numbers no run may pass."""

    numbers: list[int]
    hits: list[int]
    total: list[int]
    bars: list[int]

    @classmethod
    def of(cls, numbers: dict[int, str], counts: list[tuple[int, int]], bars: list[int]) -> _Line:
        hits, total = ([0, *accumulate(count[at] for count in counts)] for at in (0, 1))
        return cls(list(numbers), hits, total, bars)

    def count(self, first: int, last: int) -> tuple[int, int]:
        """Affected customers, and all, from one position to another, both included."""
        return self.hits[last + 1] - self.hits[first], self.total[last + 1] - self.total[first]

    def passable(self, first: int, last: int) -> bool:
        """Say whether no bar is between two positions."""
        ends = [bisect_left(self.bars, self.numbers[at]) for at in (first, last)]
        return ends[0] == ends[1]

    def units(self) -> list[tuple[int, int]]:
        """First and last positions of what is named together: long blocks of affected numbers, and other affected numbers."""
        blocks: list[list[int]] = []
        for at in range(len(self.numbers)):
            hits, total = self.count(at, at)
            if hits == total and blocks and blocks[-1][-1] == at - 1 and self._whole(at - 1) and self.passable(at - 1, at):
                blocks[-1].append(at)
            elif hits:
                blocks.append([at])
        alone = [[[at] for at in block] if len(block) < LONG_BLOCK else [block] for block in blocks]
        return [(block[0], block[-1]) for each in alone for block in each]

    def _whole(self, at: int) -> bool:
        hits, total = self.count(at, at)
        return hits == total
