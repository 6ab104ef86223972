"""Whom a text mentions: where its scope stands after an edit, and which customers the names in it mean without their numbers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from notices.addresses import Rows
from notices.names import NONE
from notices.said import KnownNames

ANCHOR = 12
"""Characters before and behind a scope by which it is found in an edited text; half as many where an edit came close."""

Span = tuple[int, int]


def scope_spans(generated: str, scope: str, edited: str) -> tuple[Span, Span] | None:
    """Return where the scope stands in both texts: in the edited one, between what stood around it before."""
    lines = [line.strip() for line in scope.splitlines() if line.strip()]
    start, last = (generated.find(lines[0]), generated.rfind(lines[-1])) if lines else (-1, -1)
    if start < 0 or last < start:
        return None
    end = last + len(lines[-1])
    begin = _behind(edited, generated[:start])
    stop = _before(edited, generated[end:], begin) if begin is not None else None
    return None if begin is None or stop is None else ((start, end), (begin, stop))


def _behind(edited: str, words: str) -> int | None:
    for size in (len(words), ANCHOR, ANCHOR // 2):
        at = edited.find(words[len(words) - size :]) if size <= len(words) else -1
        if at >= 0:
            return at + size
    return None


def _before(edited: str, words: str, begin: int) -> int | None:
    if edited.endswith(words) and len(edited) - len(words) >= begin:
        return len(edited) - len(words)
    found = (edited.find(words[:size], begin) for size in (ANCHOR, ANCHOR // 2) if size <= len(words))
    return next((at for at in found if at >= 0), None)


def unnamed(before: Sequence[str], after: Sequence[str], text: str, known: KnownNames) -> Rows:
    """Return the customers of the places that were named before whom no place that is named now covers.

    Numbers cannot be told here. A place in which another one is named is only the way to it: 河西镇 in 河西镇：人民路 1 号. It
    stays so when the other one is dropped, but where ``text``, the edited one, says that all or a part of it is meant.
    """
    ways = _ways(before, known)
    meant = {
        name
        for name in after
        if any(f"{lead}{name}{tail}" in text for lead, tail in (known.names.grammar.whole, known.names.grammar.part))
    }
    then = _customers(set(before) - ways, known)
    return np.setdiff1d(then, _customers((set(after) - ways - _ways(after, known)) | meant, known))


def _ways(said: Sequence[str], known: KnownNames) -> set[str]:
    """Names of places in which another place that is said lies."""
    inside = {name: rows_named(name, known) for name in dict.fromkeys(said)}
    return {
        name
        for name, rows in inside.items()
        if any(0 < len(other) < len(rows) and np.isin(other, rows).all() for other in inside.values())
    }


def _customers(said: Iterable[str], known: KnownNames) -> Rows:
    return np.unique(np.concatenate([NONE, *(rows_named(name, known) for name in said)]))


def rows_named(name: str, known: KnownNames) -> Rows:
    """Return the customers in every place, street and transformer area of one name, ascending."""
    book = known.names.book
    places = (book.inside(row) for row in known.rows.get(name, ()))
    street = np.flatnonzero(book.street == name).astype(np.int32)
    fed = (book.fed[at] for at in np.flatnonzero(book.transformer_names == name))
    return np.unique(np.concatenate([NONE, *places, street, *fed]))
