"""Do the texts of an outage say the same, and what did an edit at the desk change?

::

    generated ──┐
                ├─ differences ───▶ findings: a time, place, line, reference or number dropped or added, an affected customer lost
    edited ─────┤
                └─ disagreements ─▶ findings: one text says what others do not, and what the facts do not hold
    others

A channel may leave out what another tells (a text message has no room for the next update), so what the facts hold may be
missing. What they do not hold must be in all texts or in none. A change of a fact is approved only with a reason; none will do
where an affected customer is no longer named.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

import numpy as np

from notices.addresses import Rows
from notices.grammar import Effect, ScopeError
from notices.history import Text, TextKey
from notices.mentions import rows_named, scope_spans, unnamed
from notices.readback import read_effects, read_understood
from notices.said import Known, Said, said_in
from notices.scope import write_scope
from notices.speech import unspoken

Kind = Literal["time", "place", "line", "reference", "phone", "words"]
Severity = Literal["note", "reason", "grave"]
"""To be seen; to be approved only with a reason; not to be approved."""

MOST_SHOWN = 4
"""Things that a sentence lists; the finding holds them all."""

_NOUNS: Mapping[Kind, str] = {
    "time": "time",
    "place": "place",
    "line": "line",
    "reference": "reference or link",
    "phone": "telephone number",
}


@dataclass(frozen=True)
class Finding:
    """Something that an edit changed in a text, or in which texts disagree.

    ``code`` never changes (programs and translations go by it); ``says`` is a sentence with the next step; ``keys`` are the
    texts that it is about; ``dropped`` and ``added`` are in the words of the texts, times on the clock of the utility.
    """

    code: str
    kind: Kind
    severity: Severity
    keys: tuple[TextKey, ...]
    says: str
    dropped: tuple[str, ...] = ()
    added: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        """Key of the finding: a reason that is given for one change does not stand for another."""
        return f"{self.code} {' '.join(map(str, self.keys))}: {', '.join(self.dropped)} > {', '.join(self.added)}"


def needs_reason(finding: Finding) -> bool:
    """Say whether a text can be approved only with a reason for what was found: for everything but mere words."""
    return finding.severity != "note"


def blocking(findings: Iterable[Finding], reasons: Mapping[str, str]) -> list[Finding]:
    """Return what keeps texts from being approved: what no reason can cure, and what has none in ``reasons`` (by its key)."""
    return [
        finding
        for finding in findings
        if finding.severity == "grave" or (needs_reason(finding) and not reasons.get(finding.key, "").strip())
    ]


def differences(generated: Text, edited: Text, known: Known, *, scope: str = "", affected: Rows | None = None) -> list[Finding]:
    """Return what an edit changed in one text, [] where nothing was.

    Parameters
    ----------
    scope
        The scope as it stands in the generated text, "" where that is not known.
    affected
        Rows of the customers whom the text must name; without them, all whom the scope names.
    """
    if _whole(generated) == _whole(edited):
        return []
    pair = _Pair.of(generated, edited, known, scope)
    findings = [*_times(pair), *_places(pair, affected), *_others(pair)]
    return findings or [
        _finding(pair, "words_changed", "words", "Only words were changed. Read the text once more.", severity="note")
    ]


def disagreements(
    texts: Sequence[Text], known: Mapping[str, Known], held: Mapping[str, Said], *, affected: Rows | None = None
) -> list[Finding]:
    """Return what some texts of one outage say, others do not, and the facts do not hold; texts of one kind are compared.

    Parameters
    ----------
    known, held
        By language; ``held`` as `notices.said.held_by` returns it for the facts of these texts.
    affected
        Rows of the customers; a place where one of them lives may be named by some texts and not by others.
    """
    said = {text.key: said_in(_whole(text), known[text.key.language]) for text in texts}
    findings: list[Finding] = []
    for kind in dict.fromkeys(key.kind for key in said):
        of_kind = {key: each for key, each in said.items() if key.kind == kind}
        for fact in ("time", "reference", "phone"):
            findings += _odd(fact, of_kind, {key: _facts(held[key.language], fact) for key in of_kind})
        for language in dict.fromkeys(key.language for key in of_kind):
            same = {key: each for key, each in of_kind.items() if key.language == language}
            findings += _odd("line", same, dict.fromkeys(same, _facts(held[language], "line")))
            near = _facts(held[language], "place") | _touched(known[language], same.values(), affected)
            findings += _odd("place", same, dict.fromkeys(same, near))
    return findings


def _whole(text: Text) -> str:
    return f"{text.title}\n\n{text.body}"


@dataclass(frozen=True, eq=False)
class _Pair:
    """A text before and after the edit: as a whole, what both say beside their scopes, and the scopes where they are found."""

    key: TextKey
    known: Known
    before: Said
    after: Said
    edited: str
    scopes: tuple[str, str] | None

    @classmethod
    def of(cls, generated: Text, edited: Text, known: Known, scope: str) -> _Pair:
        old, new = (unspoken(_whole(text), known.names.language) for text in (generated, edited))
        spans = scope_spans(old, scope, new)
        if spans is None:
            return cls(generated.key, known, said_in(old, known), said_in(new, known), new, None)
        rests = (f"{text[:start]}\n{text[end:]}" for text, (start, end) in zip((old, new), spans, strict=True))
        before, after = (said_in(rest, known) for rest in rests)
        (start, end), (begin, stop) = spans
        return cls(generated.key, known, before, after, new, (old[start:end], new[begin:stop]))


def _times(pair: _Pair) -> Iterator[Finding]:
    before, after = pair.before, pair.after
    dropped, added = _changed([*before.moments, *before.days], [*after.moments, *after.days])
    if dropped or added:
        yield _change(pair, "time", dropped, added)
    elif before.moments != after.moments:
        says = "The text says the same times in another order, so that one may be taken for another. Put them back, or say why."
        yield _finding(pair, "time_order", "time", says)
    unclear = _changed(before.unreadable, after.unreadable)[1]
    if unclear:
        example = _EXAMPLE[pair.known.names.language]
        says = f"Nobody can be sure which time is meant by {_listed(unclear)}. Write day, month and 24-hour time: {example}."
        yield _finding(pair, "time_unreadable", "time", says, added=unclear)


_EXAMPLE = {"zh": "6月12日08:30", "en": "12 June, 08:30"}


def _others(pair: _Pair) -> Iterator[Finding]:
    facts: tuple[Kind, ...] = ("line", "reference", "phone")
    for kind in facts:
        dropped, added = _changed(_of(pair.before, kind), _of(pair.after, kind), once=True)
        if dropped or added:
            yield _change(pair, kind, dropped, added)


def _places(pair: _Pair, affected: Rows | None) -> Iterator[Finding]:
    """Compare whom the scopes cover where both are found and can be read; else the names and numbers that the texts say."""
    dropped, added = _changed(pair.before.places, pair.after.places, once=True)
    if dropped or added:
        yield _change(pair, "place", dropped, added)
    if pair.scopes is None:
        yield from _numbers(pair)
        lost = unnamed(pair.before.places, pair.after.places, pair.edited, pair.known.names)
        yield from _lost(pair, lost if affected is None else np.intersect1d(lost, affected))
        return
    if pair.scopes[0] == pair.scopes[1]:
        return
    names, (before, after) = pair.known.names.names, pair.scopes
    told, told_errors = read_understood(names, before)
    tells, errors = read_understood(names, after)
    yield from _unread(pair, [error for error in errors if error.words not in {each.words for each in told_errors}])
    yield from _covered(pair, told, tells, affected)
    if not errors and not told_errors and np.array_equal(told, tells):
        yield from _felt(pair, read_effects(names, before), read_effects(names, after))


def _unread(pair: _Pair, errors: Sequence[ScopeError]) -> Iterator[Finding]:
    if errors:
        says = f"Some places can no longer be read, so nobody knows who is told: {errors[0]}"
        yield _finding(pair, "place_unreadable", "place", says, added=tuple(error.words for error in errors))


def _covered(pair: _Pair, before: Rows, after: Rows, affected: Rows | None) -> Iterator[Finding]:
    """Compare two scopes by the customers whom they cover."""
    due = before if affected is None else np.intersect1d(affected, before)
    lost = np.setdiff1d(due, after)
    yield from _lost(pair, lost)
    fewer, more = _words(pair, np.setdiff1d(np.setdiff1d(before, after), lost)), _words(pair, np.setdiff1d(after, before))
    if fewer or more:
        yield _change(pair, "place", fewer, more)


def _felt(pair: _Pair, before: Mapping[Effect, Rows], after: Mapping[Effect, Rows]) -> Iterator[Finding]:
    if any(not np.array_equal(before[effect], after[effect]) for effect in before):
        says = "The text says of some customers that they feel something else than before. Put the words back, or say why."
        yield _finding(pair, "place_effect", "place", says)


def _numbers(pair: _Pair) -> Iterator[Finding]:
    """House numbers, where no scope is found: every number that is no time, reference or telephone number may be one."""
    dropped, added = _changed(pair.before.numbers, pair.after.numbers)
    if dropped or added:
        yield _change(pair, "place", dropped, added)


def _lost(pair: _Pair, rows: Rows) -> Iterator[Finding]:
    if len(rows):
        words = _words(pair, rows)
        says = (
            f"{len(rows)} affected customers are no longer named by any word: {_listed(words)}. "
            "Name them again; no reason can stand for them."
        )
        yield _finding(pair, "customers_dropped", "place", says, severity="grave", dropped=words)


def _touched(known: Known, said: Iterable[Said], affected: Rows | None) -> set[str]:
    """Names, of those said, in which affected customers live."""
    if affected is None:
        return set()
    every = {name for each in said for name in each.places}
    return {name for name in every if np.isin(rows_named(name, known.names), affected).any()}


def _odd(kind: Kind, said: Mapping[TextKey, Said], held: Mapping[TextKey, Collection[str]]) -> Iterator[Finding]:
    """Find what only some of the texts say, and no facts hold."""
    each = {key: _facts(one, kind) for key, one in said.items()}
    for item in sorted(set().union(*(facts - set(held[key]) for key, facts in each.items()))):
        saying = tuple(key for key, facts in each.items() if item in facts)
        silent = tuple(key for key in each if key not in saying)
        if silent:
            says = (
                f"{_listed(map(str, saying))} names the {_NOUNS[kind]} {item}, {_listed(map(str, silent))} does not. "
                "Correct one of them, so that all say the same, or say why they differ."
            )
            yield Finding(f"{kind}_disagrees", kind, "reason", saying, says, added=(item,))


def _of(said: Said, kind: Kind) -> tuple[object, ...]:
    of: dict[Kind, tuple[object, ...]] = {
        "time": said.moments,
        "place": said.places,
        "line": said.lines,
        "reference": said.references,
        "phone": said.phones,
    }
    return of[kind]


def _facts(said: Said, kind: Kind) -> set[str]:
    return {_shown(each) for each in _of(said, kind)}


def _changed(before: Sequence[object], after: Sequence[object], *, once: bool = False) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return what is said less and what is said more often than before; ``once``: at all."""
    count: Callable[[Iterable[object]], Counter[object]] = (lambda each: Counter(set(each))) if once else Counter
    dropped, added = count(before) - count(after), count(after) - count(before)
    return tuple(map(_shown, _in_order(before, dropped))), tuple(map(_shown, _in_order(after, added)))


def _in_order(said: Sequence[object], kept: Collection[object]) -> list[object]:
    return [each for each in dict.fromkeys(said) if each in kept]


def _shown(each: object) -> str:
    return f"{each:%Y-%m-%d %H:%M}" if isinstance(each, datetime) else str(each)


def _words(pair: _Pair, rows: Rows) -> tuple[str, ...]:
    """Say customers in the words of a scope."""
    names = pair.known.names
    return tuple(write_scope(names.names.book, rows, language=names.language).text.splitlines()) if len(rows) else ()


def _change(pair: _Pair, kind: Kind, dropped: tuple[str, ...], added: tuple[str, ...]) -> Finding:
    parts = [f"no longer names {_listed(dropped)}"] * bool(dropped) + [f"now names {_listed(added)}"] * bool(added)
    code = f"{kind}_changed" if dropped and added else f"{kind}_dropped" if dropped else f"{kind}_added"
    says = f"The text {' and '.join(parts)} ({_NOUNS[kind]}). Put it back as it was, or give the reason."
    return _finding(pair, code, kind, says, dropped=dropped, added=added)


def _finding(
    pair: _Pair,
    code: str,
    kind: Kind,
    says: str,
    *,
    severity: Severity = "reason",
    dropped: tuple[str, ...] = (),
    added: tuple[str, ...] = (),
) -> Finding:
    return Finding(code, kind, severity, (pair.key,), says, dropped, added)


def _listed(things: Iterable[str]) -> str:
    every = list(things)
    more = f" and {len(every) - MOST_SHOWN} more" if len(every) > MOST_SHOWN else ""
    return ", ".join(every[:MOST_SHOWN]) + more
