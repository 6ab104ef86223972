"""The truest text of a given length: which places, buildings and runs of numbers to name in part, so that the rest goes in.

Every cut of the tree of places, and of the numbers and buildings below it, is a text; each place in a cut is named whole, in
part, or opened into what is in it. The ways to say a place are a `notices.fronts.Front`, and those of its parent are joined
from them, so that the best text is found without trying all cuts::

    exact          青河镇柳树社区：柳树街 2–18 号（双号），新街 1 号、5 号、9 号          0 over-named
    street         青河镇柳树社区：柳树街 2–18 号（双号），新街部分用户                    4
    community      青河镇：柳树社区部分用户                                              31
    all there is   供电区域部分用户                                                     900

A street that only an address names, a building and a unit are opened like places; among numbers every run that begins and ends
at an affected one is tried, on each side of the street and on both. What is wholly affected is always named so, unless what it
is in is named in part.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from notices.entries import Entry, Head, How, item_text, line_start
from notices.fronts import NO_WAY, SILENCE, Budget, Front, said
from notices.grammar import Effect, Grammar, ScopeError
from notices.names import LOCAL_KINDS, WORLD, Hits, Named, Names
from notices.numbers import Numbers, SpotText
from notices.spots import Spots


@dataclass(frozen=True)
class Terms:
    """What a text must keep to: the longest it may be by ``measure``, and the smallest group of customers it may name."""

    limit: int | None
    measure: Callable[[str], int]
    smallest: int


def widen(hits: Mapping[Effect, Hits], terms: Terms) -> list[Entry]:
    """Return what the truest text within ``terms`` says; raises ScopeError where there is none."""
    budget = Budget("true") if terms.limit is None else Budget("fit", terms.limit)
    found = _search(hits, terms, budget)
    if not found:
        raise _no_text(terms, _search(hits, terms, Budget("short")), next(iter(hits.values())).names.book.size)
    return [each.entry() if isinstance(each, _Own) else each for each in said(found.plans[-1])]


def _no_text(terms: Terms, shortest: Front, size: int) -> ScopeError:
    if not shortest:
        message = (
            f"no words name {terms.smallest} customers or more: the whole supply area has {size}. Tell each of them in person."
        )
        return ScopeError(message)
    least = int(shortest.length[0])
    message = f"no true text fits into {terms.limit}: the shortest takes {least}. Allow {least} or more, or send a link."
    return ScopeError(message, least=least)


def _search(hits: Mapping[Effect, Hits], terms: Terms, budget: Budget) -> Front:
    """Ways to say the whole text, with its true length."""
    grammars = [each.names.grammar for each in hits.values()]
    newline = terms.measure("\n")
    # An item is counted with the mark behind it and a line with its end: more than there is, until the text is put together.
    slack = newline + max((terms.measure(grammar.item) for grammar in grammars), default=0)
    wide = replace(budget, limit=budget.limit + slack)
    whole = wide.join(*(_Text(each, effect, terms, wide).ways() for effect, each in hits.items()))
    return budget.pick([(whole, _shift(-newline if hits else 0))])


def _shift(length: int) -> Front:
    return Budget("true").way(length)


@dataclass(frozen=True, eq=False)
class _Own:
    """An item of numbers, buildings and transformers."""

    base: Entry
    plan: Any
    grammar: Grammar

    def entry(self) -> Entry:
        texts = sorted(set(said(self.plan)), key=SpotText.order)
        return replace(self.base, spots=tuple(self.grammar.shown(spot.text) for spot in texts))


@dataclass(frozen=True, eq=False)
class _Text:
    """The ways to tell the customers of one effect."""

    hits: Hits
    effect: Effect
    terms: Terms
    budget: Budget

    @property
    def names(self) -> Names:
        return self.hits.names

    @property
    def grammar(self) -> Grammar:
        return self.names.grammar

    def ways(self) -> Front:
        """Ways to say all of it."""
        home, top = self.names.home, list(self.names.children(WORLD).values())
        loose, loud = self._nowhere(), bool(len(self.hits.among(self.names.own(WORLD))))
        # Where one place goes without saying, its parts stand on the line of those at the top.
        ways = [self._opened(top, (), loose, loud=loud, closed=home), self._everywhere()]
        hits, total = self.hits.count(home)
        if home is not WORLD and 0 < hits < total:
            beside = [named for named in top if named is not home]
            own = self._own(home, ())
            own_hits = bool(len(self.hits.among(self.names.own(home))))
            inside = [*beside, *self.names.children(home).values()]
            ways.append(self._opened(inside, (), self.budget.join(loose, own), loud=loud or own_hits))
        return self.budget.pick([(each, SILENCE) for each in ways])

    def _opened(self, inside: Iterable[Named], head: Head, start: Front, *, loud: bool = False, closed: Named = WORLD) -> Front:
        """Ways to say what is in a place: a line for the items in it, and the lines of the places opened in it.

        ``start``: what is on the line already, if it is ``loud``. ``closed``: the place that is not opened here. A line is kept
        apart by what it holds (any item?, names in part: 0, 1, 2+), as its head and the words that names share are paid for once.
        """
        counted = [(named, *self.hits.count(named)) for named in inside]
        whole = [(named, hits) for named, hits, total in counted if hits == total > 0]
        if any(hits < self.terms.smallest for _, hits in whole):
            return NO_WAY
        lines = {(loud or bool(whole), 0): self.budget.join(start, self._whole(whole, head))}
        for named, hits, total in counted:
            if 0 < hits < total:
                opened = NO_WAY if named is closed else self._inside(named, head)
                heard = bool(len(self.hits.among(self.names.own(named))))
                parts = [self._in_part(named, head, place) for place in (0, 1, 2)]
                choices: dict[tuple[bool, int], list[tuple[Front, Front]]] = {}
                for (item, count), front in lines.items():
                    choices.setdefault((item, min(count + 1, 2)), []).append((front, parts[count]))
                    choices.setdefault((item or heard, count), []).append((front, opened))
                lines = {key: self.budget.pick(pairs) for key, pairs in choices.items()}
        begin = self._measure(line_start(self.names, head, self.effect)) + self._measure("\n") - self._measure(self.grammar.item)
        return self.budget.pick([(front, _shift(begin if any(key) else 0)) for key, front in lines.items()])

    def _inside(self, named: Named, head: Head) -> Front:
        """Ways to say a place by what is in it: the item for its own customers, and the lines of its parts."""
        below = (*head, named.label)
        own = self._own(named, head)
        return self.budget.join(own, self._opened(self.names.children(named).values(), below, SILENCE)) if own else NO_WAY

    def _whole(self, whole: list[tuple[Named, int]], head: Head) -> Front:
        """The item that names all places that are wholly affected."""
        entries = [self._entry(named, head, "whole", hits) for named, hits in whole]
        return self.budget.way(self._item(entries), 0, tuple(entries)) if entries else SILENCE

    def _in_part(self, named: Named, head: Head, place: int) -> Front:
        """The way to name a place in part, behind none, one, or more others that share the words."""
        hits, total = self.hits.count(named)
        if total < self.terms.smallest:
            return NO_WAY
        entry = self._entry(named, head, "part", hits)
        between, last = self.grammar.group
        added = self._item([entry]) if not place else self._measure((last, between)[place - 1]) + self._measure(named.label)
        return self.budget.way(added, total - hits, entry)

    def _everywhere(self) -> Front:
        """The widest words there are."""
        area = replace(WORLD, label=self.grammar.area)
        hits, total = self.hits.count(area)
        if total < self.terms.smallest:
            return NO_WAY
        entry = self._entry(area, (), "whole" if hits == total else "part", hits)
        line = self._measure(line_start(self.names, (), self.effect)) + self._measure("\n") - self._measure(self.grammar.item)
        return self.budget.way(line + self._item([entry]), total - hits, entry)

    def _nowhere(self) -> Front:
        """Ways to say the customers who are in no place and name no street: by transformer, or as having no address."""
        own = self.names.own(WORLD)
        hit = self.hits.among(own)
        if not len(hit):
            return SILENCE
        unaddressed = self._entry(WORLD, (), "unaddressed", len(hit))
        allowed = len(own) >= self.terms.smallest
        wide = self.budget.way(self._item([unaddressed]), len(own) - len(hit), unaddressed) if allowed else NO_WAY
        fine = SILENCE
        for label, customers in self.names.count_by_transformer(hit).items():
            if label:
                entry = replace(self._entry(WORLD, (), "spots", customers), spots=(label,))
                fine = self.budget.join(fine, self._fed(WORLD, label, self._item([entry]), entry))
            else:
                rest = replace(unaddressed, customers=customers)
                fine = self.budget.join(
                    fine, self.budget.way(self._item([rest]), len(own) - len(hit), rest) if allowed else NO_WAY
                )
        return self.budget.pick([(fine, SILENCE), (wide, SILENCE)])

    def _own(self, named: Named, head: Head) -> Front:
        """Ways to say the customers who are in ``named`` but in none of its children, in one item."""
        hit = self.hits.among(self.names.own(named))
        if not len(hit):
            return SILENCE
        spots = self.names.spots(named)
        ways = self._numbers(spots).ways()
        unnumbered = self.hits.among(np.array(spots.ending.get("", []), dtype=np.int32))
        if len(unnumbered) and named.kind in LOCAL_KINDS:
            return NO_WAY  # nobody could know that they are not meant: the same as the whole place in part
        for label in self.names.count_by_transformer(unnumbered):
            length = self._measure(label) + self._measure(self.grammar.spot)
            ways = self.budget.join(ways, self._fed(named, label, length, SpotText(label, label, last=True)) if label else NO_WAY)
        base = self._entry(named, head, "spots", len(hit))
        # Every spot came with the mark behind it; the item has one mark less, and its own.
        around = self._measure(f"{named.label} ") - self._measure(self.grammar.spot) + self._measure(self.grammar.item)
        return Front(ways.length + around, ways.over, [_Own(base, plan, self.grammar) for plan in ways.plans])

    def _numbers(self, spots: Spots) -> Numbers:
        return Numbers(spots, self.hits.flags, self.grammar, self.budget, self.terms.measure, self.terms.smallest)

    def _fed(self, named: Named, label: str, length: int, leaf: Any) -> Front:
        """The way to name a transformer's area in ``named``."""
        fed = self.names.fed(named, [label])
        over = len(fed) - len(self.hits.among(fed))
        return self.budget.way(length, over, leaf) if len(fed) >= self.terms.smallest else NO_WAY

    def _entry(self, named: Named, head: Head, how: How, customers: int) -> Entry:
        return Entry.naming(self.names, named, how, customers, head=head, effect=self.effect)

    def _item(self, entries: list[Entry]) -> int:
        """Length of an item with the mark behind it."""
        return self._measure(item_text(entries, self.grammar)) + self._measure(self.grammar.item)

    @cached_property
    def _measure(self) -> Callable[[str], int]:
        return self.terms.measure
