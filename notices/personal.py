"""One issued text → the same text to each person: a form with blanks for the name, the address and the acknowledgement.

::

    尊敬的[[name]]：              literal ─ blank ─ literal
    …                             literal
    用电地址：[[address]]         blank that is a line: a person without an address has no such line

A form is taken apart once and put together for each person by a join alone: 100,000 people are told in the time that an engine
of templates needs to greet a few thousand. What fills a blank is never read as a form again.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import repeat

from notices.facts import NoticeError
from outages.facts import FactProblem

KNOWN = ("name", "address", "ack")
"""What a blank may ask for; ``ack`` is what a person does to say that the notice was read."""

_INSTEAD = {
    "zh": {"name": "用户", "address": "您的用电地址", "ack": ""},
    "en": {"name": "customer", "address": "your address", "ack": ""},
}
"""Words for a person of whom it is not known: 尊敬的用户, Dear customer."""

_BLANK = re.compile(
    r"""
    (?P<before>                                          # a line that is nothing but the blank, with its label:
        (?: \A | \n\n(?=[^\n]*(?:\n\n|\Z)) | \n )        # with the empty line above, where there is one below
        (?: [^\n\[\]。，；！？.,;!?]{1,24}[:：][ ]* )?
    )?
    \[\[ (?P<name>[^\[\]\n]*) \]\]
    (?P<ends> (?=\n|\Z) )?
    """,
    re.VERBOSE,
)
_UNSEEN = ("Cc", "Cf", "Cs", "Zl", "Zp")


@dataclass(frozen=True)
class Blank:
    """Where something personal goes: ``before`` and it, or ``instead`` where it is not known."""

    name: str
    before: str
    instead: str
    is_line: bool

    def fill(self, values: Iterable[str]) -> list[str]:
        """Return what stands in the blank for each of ``values``."""
        before, instead = self.before, self.instead
        if before:
            return [before + value if value else instead for value in _seen(values)]
        return [value or instead for value in _seen(values)]


@dataclass(frozen=True)
class Form:
    """A text with blanks, in pieces.

    >>> form = Form.of("Dear [[name]],\\nAddress: [[address]]\\nThe power will be off.", "en")
    >>> form.fill({"name": "Ann Lee", "address": "12 Hill Street"})
    'Dear Ann Lee,\\nAddress: 12 Hill Street\\nThe power will be off.'
    >>> form.fill({})
    'Dear customer,\\nThe power will be off.'
    """

    pieces: tuple[str | Blank, ...]

    @classmethod
    def of(cls, text: str, language: str) -> Form:
        """Take ``text`` apart.

        A blank for an address or an acknowledgement that is a line of its own, alone or after a label with a colon, takes the
        line with it where nothing is known.

        Raises
        ------
        NoticeError
            If a blank is unknown or not closed, if the acknowledgement is no line of its own (its sentence would make no sense
            to those who owe none), or if there are no words for a missing name in ``language``.
        """
        if language not in _INSTEAD:
            says = f"There are no words for a missing name in the language {language!r}. Take one of: {', '.join(_INSTEAD)}."
            raise NoticeError(FactProblem("language", "language_unknown", says, language))
        form = cls(tuple(_pieces(text, _INSTEAD[language])))
        if problems := [*_problems(form)]:
            raise NoticeError(*problems)
        return form

    @property
    def names(self) -> frozenset[str]:
        """What the blanks ask for."""
        return frozenset(piece.name for piece in self.pieces if isinstance(piece, Blank))

    def fill(self, values: Mapping[str, str]) -> str:
        """Return the text for one person; what is not among ``values``, or "", is not known."""
        return "".join(self.fill_many({name: (values.get(name, ""),) for name in KNOWN}))

    def fill_many(self, columns: Mapping[str, Sequence[str]]) -> Iterator[str]:
        """Yield the text for each person; ``columns`` are of one length, and a missing one means that nobody's is known.

        Characters that cannot be seen are left out: a line break in a name would break the text, and a mark of direction would
        make it read as what it does not say. Raises ValueError where the columns differ in length.
        """
        lengths = {len(column) for column in columns.values()}
        if len(lengths) > 1:
            given = ", ".join(f"{name} {len(column)}" for name, column in columns.items())
            raise ValueError(f'the columns of a form differ in length ({given}). Give each person a value in each, or "".')
        people = max(lengths, default=0)
        parts = [
            piece.fill(columns.get(piece.name, repeat("", people))) if isinstance(piece, Blank) else repeat(piece, people)
            for piece in self.pieces
        ]
        return map("".join, zip(*parts, strict=True))


def _pieces(text: str, instead: Mapping[str, str]) -> Iterator[str | Blank]:
    at = 0
    for match in _BLANK.finditer(text):
        name = match["name"]
        is_line = match["before"] is not None and match["ends"] is not None and name != "name"
        yield text[at : match.start() if is_line else match.start("name") - len("[[")]
        yield Blank(name, match["before"], "", is_line) if is_line else Blank(name, "", instead.get(name, ""), is_line)
        at = match.end()
    yield text[at:]


def _problems(form: Form) -> Iterator[FactProblem]:
    known = ", ".join(f"[[{name}]]" for name in KNOWN)
    for piece in form.pieces:
        if isinstance(piece, str):
            if "[[" in piece or "]]" in piece:
                says = f"The text has a double bracket that is no blank. Take one of {known}, or write single brackets."
                yield FactProblem("body", "placeholder_broken", says, piece)
        elif piece.name not in KNOWN:
            says = f"Nothing is known that could fill [[{piece.name}]]. Take one of: {known}."
            yield FactProblem("body", "placeholder_unknown", says, piece.name)
        elif piece.name == "ack" and not piece.is_line:
            says = "Not everybody has to say that the notice was read. Put [[ack]] on a line of its own, alone or after a label."
            yield FactProblem("body", "placeholder_not_alone", says, piece.name)


def _seen(values: Iterable[str]) -> Iterable[str]:
    """Return ``values`` without what cannot be seen. Hardly any has such, and one look at all of them costs next to nothing."""
    stripped = [*map(str.strip, values)]
    if all(map(str.isprintable, stripped)):
        return stripped
    return [value if value.isprintable() else _visible(value) for value in stripped]


def _visible(value: str) -> str:
    """Return ``value`` on one line.

    >>> _visible("12 Hill Street\\nQinghe\\u202e")
    '12 Hill Street Qinghe'
    """
    return "".join(char for char in " ".join(value.split()) if unicodedata.category(char) not in _UNSEEN)
