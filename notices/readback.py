"""Scope text → customers: the words are read with no knowledge but the tables, never from what the writer meant.

A text that a person has edited is read too: half-width and full-width marks are the same outside quotes, a name alone means
all of it, a hyphen between two numbers is a run where it is no number of its own, and lines may be joined with semicolons.
"""

from __future__ import annotations

from collections.abc import Iterator
from difflib import get_close_matches

import numpy as np

from geo.schema import GridTables
from notices.addresses import AddressBook, Rows
from notices.grammar import EFFECTS, Effect, Grammar, ScopeError, clean, split_outside, tokens
from notices.names import NONE, WORLD, Named, Names
from notices.spots import Spots, read_spot

_HALF, _FULL = ",;:()", "，；：（）"
_MARKS = {
    "zh": str.maketrans(_HALF + "—~～", _FULL + "–––"),
    "en": str.maketrans(_FULL + "—~～", _HALF + "–––"),
}


def read_scope(tables: GridTables | AddressBook, text: str, *, language: str) -> Rows:
    """Return the rows of the customers that the words of a scope text cover, ascending.

    Parameters
    ----------
    tables
        The network, or its `AddressBook` (needed to understand the names of transformers).
    text
        As `notices.scope.write_scope` writes it, edited or not.

    Raises
    ------
    ScopeError
        If words name no known place, number or transformer, or more than one; with the nearest names.
    """
    covered = read_effects(Names.of(tables, language), text)
    return np.unique(np.concatenate([NONE, *covered.values()]))


def read_effects(names: Names, text: str) -> dict[Effect, Rows]:
    """Return the customers that a scope text covers, by what it says that they feel, each ascending."""
    covered: dict[Effect, list[Rows]] = {effect: [NONE] for effect in EFFECTS}
    for effect, head, item in _items(_marks_as_written(text, names.grammar), names.grammar):
        covered[effect].append(_customers(names, head, item))
    return {effect: np.unique(np.concatenate(rows)) for effect, rows in covered.items()}


def read_understood(names: Names, text: str) -> tuple[Rows, list[ScopeError]]:
    """Return the customers whom the items that can be read cover, ascending, and what is wrong with the others."""
    covered, errors = [NONE], []
    try:
        for _, head, item in _items(_marks_as_written(text, names.grammar), names.grammar):
            try:
                covered.append(_customers(names, head, item))
            except ScopeError as error:
                errors.append(error)
    except ScopeError as error:  # where a line cannot be cut into items, the rest of the text cannot either
        errors.append(error)
    return np.unique(np.concatenate(covered)), errors


def find_paths(names: Names, text: str) -> list[Named]:
    """Return every place that ``text`` can mean as a path of names from the top (``青河镇柳树社区``)."""
    return list(_paths_from(names, names.home, text)) or list(_paths_from(names, WORLD, text))


def _marks_as_written(text: str, grammar: Grammar) -> str:
    marks = _MARKS[grammar.language]
    return "".join(token if len(token) > 1 else token.translate(marks) for token in tokens(text, grammar))


def _items(text: str, grammar: Grammar) -> Iterator[tuple[Effect, str, str]]:
    """Cut a text into (effect, head, item); an item without a head of its own has the effect and head before it on its line."""
    for line in text.splitlines():
        for part in split_outside(line, grammar.line, grammar):
            effect: Effect = "off"
            head = ""
            for whole in split_outside(part.removesuffix("。").removesuffix("."), grammar.item.strip(), grammar):
                said, words = _effect(whole, grammar)
                pieces = split_outside(words, grammar.head.strip(), grammar)
                if len(pieces) > 1 or said != "off":
                    effect, head = said, pieces[0] if len(pieces) > 1 else ""
                if len(pieces) > 2:
                    message = (
                        f"the words {words!r} have more than one colon. Begin a new line for each place, or put names in quotes."
                    )
                    raise ScopeError(message, words=words)
                if pieces[-1]:
                    yield effect, head, pieces[-1]


def _effect(words: str, grammar: Grammar) -> tuple[Effect, str]:
    """Return the effect that ``words`` begin with, "off" where they name none, and the other words."""
    for effect, begins in grammar.effects.items():
        if begins and words.startswith(begins.strip()):
            return effect, words[len(begins.strip()) :].strip()
    return "off", words


def _customers(names: Names, head: str, item: str) -> Rows:
    """Customers that one item covers."""
    grammar, near = names.grammar, _named_here(names, head)
    if not head and item == grammar.unaddressed:
        return names.own(WORLD)
    if not head and item in names.transformers:
        return names.fed(WORLD, [item])
    for before, after in (grammar.whole, grammar.part, grammar.part_too, ("", "")):
        listed = _group(near, _between(item, before, after), grammar)
        if listed:
            return np.concatenate([names.members(named) for named in listed])
    label = _longest_label(near, item, grammar)
    if label:
        named = _find(near, label, grammar)
        assert named
        return _numbered(names, named, item[len(label) :].strip())
    raise _unknown(names, item, list(near), head)


def _group(near: dict[str, Named], words: str | None, grammar: Grammar) -> list[Named]:
    """Return the places of a list of labels, [] where one of the words is no label: ``A、B、C``, ``A, B and C``."""
    if words is None:
        return []
    alone = _find(near, words, grammar)
    if alone:
        return [alone]
    *pieces, last = split_outside(words, grammar.group[0].strip(), grammar)
    found = [_find(near, piece, grammar) for piece in pieces] + _last_two(near, last, grammar)
    return [named for named in found if named] if all(found) else []


def _last_two(near: dict[str, Named], words: str, grammar: Grammar) -> list[Named | None]:
    """Return the places of the end of a list: one label, or two with "and" between them."""
    alone, joint = _find(near, words, grammar), grammar.group[1]
    ends = [] if alone else [end for end in range(len(words)) if words.startswith(joint, end)]
    pairs = ([_find(near, words[:end], grammar), _find(near, words[end + len(joint) :], grammar)] for end in ends)
    return next((pair for pair in pairs if all(pair)), [alone])


def _named_here(names: Names, head: str) -> dict[str, Named]:
    """Names that can stand below ``head``; without a head, those at the top and those in the place that goes without saying."""
    if not head:
        return {names.grammar.area: WORLD, **names.children(WORLD), **names.children(names.home)}
    found = find_paths(names, head)
    if len(found) > 1:
        message = f"{head!r} can mean {len(found)} places. Put each name of the path in quotes."
        raise ScopeError(message, words=head, nearest=tuple(named.label for named in found))
    if not found:
        raise _unknown(names, head, list(names.children(names.home)), "")
    return names.children(found[0])


def _numbered(names: Names, named: Named, words: str) -> Rows:
    """Customers that a list of numbers, buildings and transformers names in one place."""
    grammar = names.grammar
    listed = words.removesuffix(grammar.rest.strip()).strip()
    if listed != words:
        return names.members(named)  # "and others": nobody there can know that they are not meant
    spots = names.spots(named)
    return np.concatenate([_spot(names, named, spots, spot) for spot in split_outside(listed, grammar.spot.strip(), grammar)])


def _spot(names: Names, named: Named, spots: Spots, words: str) -> Rows:
    found = read_spot(spots, words, names.grammar)
    if found:
        return np.array(found, dtype=np.int32)
    if words in names.transformers:
        return names.fed(named, [words])
    known = [names.grammar.shown(text) for text in spots.customers]
    raise _unknown(names, words, known, named.label)


def _find(near: dict[str, Named], words: str | None, grammar: Grammar) -> Named | None:
    """Return the place that a label names, quoted or not."""
    if words is None:
        return None
    return near.get(words) or near.get(grammar.unquoted(words))


def _between(words: str, before: str, after: str) -> str | None:
    if words.startswith(before) and words.endswith(after) and len(words) > len(before) + len(after):
        return words[len(before) : len(words) - len(after)].strip()
    return None


def _longest_label(near: dict[str, Named], item: str, grammar: Grammar) -> str:
    """Return the longest beginning of an item, up to a space, that is a name; "" where there is none."""
    ends = (end for end in range(len(item) - 1, 0, -1) if item[end] == " ")
    return next((item[:end] for end in ends if _find(near, item[:end], grammar)), "")


def _paths_from(names: Names, named: Named, text: str) -> Iterator[Named]:
    between = names.grammar.path
    children = names.children(named)
    for end in range(1, len(text) + 1):
        child = _find(children, text[:end], names.grammar)
        if child and end == len(text):
            yield child
        elif child and text.startswith(between, end):
            yield from _paths_from(names, child, text[end + len(between) :])


def _unknown(names: Names, words: str, near: list[str], where: str) -> ScopeError:
    tree = names.book.tree
    everywhere = {clean(name) for name in (*tree.name, *tree.name_en)}
    nearest = get_close_matches(words, near, n=3, cutoff=0.3) or get_close_matches(words, sorted(everywhere), n=3, cutoff=0.3)
    place = f" in {where}" if where else ""
    known = f"The nearest names are: {', '.join(nearest)}." if nearest else "No name is near to it."
    message = (
        f"the words {words!r} name no place and no address{place}. {known} Correct the words, or put a name with marks in quotes."
    )
    return ScopeError(message, words=words, nearest=tuple(nearest))
