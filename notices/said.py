"""What a text says, for comparing texts: times, places, lines, references and telephone numbers.

::

    text ──unspoken──▶ figures ──▶ links, references ──▶ names of places and lines ──▶ times ──▶ telephones ──▶ other numbers
                                   └──────── whatever is found leaves a hole, so that nothing is read twice ───────┘

Known things are found as they are written; beside them whatever looks like one is found too: an editor's slip is no longer
the known number, but it still looks like a number.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from notices.facts import NoticeFacts
from notices.grammar import clean
from notices.moments import HOLE, times_in
from notices.names import Names
from notices.speech import unspoken

SHORTEST_NAME = 2
"""Characters; a name of one is in too many words."""

_LOWER = str.maketrans({chr(upper): chr(upper + 32) for upper in range(ord("A"), ord("Z") + 1)})
_WORD = frozenset("0123456789abcdefghijklmnopqrstuvwxyz")
_LINK = re.compile(r"https?://[^\s,;()<>\ufffc\u3000-\u9fff\uff00-\uffef]+", re.IGNORECASE)
_LABELLED = {
    "zh": re.compile(r"编号\s*[:为是]?\s*([A-Za-z0-9][A-Za-z0-9/_-]*)"),
    "en": re.compile(r"\bref(?:erence)?[ :]+(?:number |no\.? ?|is )?([A-Za-z]*[0-9][A-Za-z0-9/_-]*)", re.IGNORECASE),
}
_LINE_LIKE = {
    "zh": re.compile(r"[0-9]+(?:\.[0-9]+)?\s*(?:千伏|[kK][vV])\s*[^\s,.;:、。()0-9\ufffc]{1,12}?线"),
    "en": re.compile(r"(?:\b[A-Z][\w'-]*[ -])+Line\b"),
}
_TELEPHONE = re.compile(r"(?<![A-Za-z0-9])\+?\(?[0-9](?:[ -]?[()]?[ -]?[0-9])*(?![A-Za-z0-9])")
_ANNOUNCED = re.compile(
    r"(?:电话|热线|拨打|致电|重复|\b(?:call|calls|phone|telephone|hotline|tel|ring|dial)\b)[^0-9\n]{0,12}$", re.I
)


@dataclass(frozen=True)
class Said:
    """What a text says, each in the order of the text and as often as it says it.

    ``moments`` are on the clock of the utility, ``days`` stand without a time of day, ``unreadable`` words can mean several
    times or none; links are ``references``; ``numbers`` are all figures that are nothing else, house numbers among them.
    """

    moments: tuple[datetime, ...] = ()
    days: tuple[date, ...] = ()
    unreadable: tuple[str, ...] = ()
    places: tuple[str, ...] = ()
    lines: tuple[str, ...] = ()
    references: tuple[str, ...] = ()
    phones: tuple[str, ...] = ()
    numbers: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class KnownNames:
    """The names that a text in one language can mention: places and streets of an address book, and lines.

    ``places`` and ``lines`` are as printed, by how they are compared; ``rows`` are the rows of the table of places that have a
    name; ``lengths`` says, by the first character of a name, how long the names are that begin with it, longest first.
    """

    names: Names
    places: Mapping[str, str]
    lines: Mapping[str, str]
    rows: Mapping[str, tuple[int, ...]] = field(repr=False)
    lengths: Mapping[str, tuple[int, ...]] = field(repr=False)

    @classmethod
    def of(cls, names: Names, lines: Iterable[str] = ()) -> KnownNames:
        """Collect the names of a network; ``lines`` are all that it has, so that a wrong one is known for a line too."""
        rows = _rows_by_name(names)
        others = (*names.book.street.tolist(), *names.book.transformer_names.tolist())
        places = {_folded(name): name for name in dict.fromkeys((*rows, *filter(None, others)))}
        known = {_folded(name): name for name in map(clean, lines)}
        every = {name for name in (*places, *known) if len(name) >= SHORTEST_NAME}
        lengths: dict[str, set[int]] = {}
        for name in every:
            lengths.setdefault(name[0], set()).add(len(name))
        return cls(names, places, known, rows, {char: tuple(sorted(sizes, reverse=True)) for char, sizes in lengths.items()})

    @property
    def language(self) -> str:
        """Language of the names."""
        return self.names.grammar.language

    def find(self, text: str) -> Iterator[tuple[int, int]]:
        """Yield where names stand in a folded text, the longest at each place: a name inside another one is not said."""
        at = 0
        while at < len(text):
            end = next((at + size for size in self.lengths.get(text[at], ()) if self._stands(text, at, at + size)), None)
            if end:
                yield at, end
            at = end or at + 1

    def _stands(self, text: str, start: int, end: int) -> bool:
        """Say whether a name stands there by itself: not as a part of a Latin word or of a number."""
        name = text[start:end]
        if name not in self.lines and name not in self.places:
            return False
        joined = start > 0 and {text[start - 1], name[0]} <= _WORD
        return not joined and not (end < len(text) and {text[end], name[-1]} <= _WORD)


@dataclass(frozen=True, eq=False)
class Known:
    """What is known beforehand about the texts of an outage in one language.

    Attributes
    ----------
    names
        Places and lines.
    zone, issued_at
        IANA name of the zone of the texts; when they are issued, aware (for dates without a year).
    references, phones
        The reference and the link; the hotline, and an interpreter's number. "" stands for none.
    """

    names: KnownNames
    zone: str
    issued_at: datetime
    references: tuple[str, ...] = ()
    phones: tuple[str, ...] = ()


def said_in(text: str, known: Known) -> Said:
    """Return what ``text`` says. Any text is read; nothing is raised."""
    sheet = _Sheet(_plain(unspoken(text, known.names.language)))
    references = sheet.take(_LINK) + [found for pattern in _references(known) for found in sheet.take(pattern)]
    places, lines = _names(sheet, known.names)
    times = times_in(sheet.text, language=known.names.language, zone=known.zone, near=known.issued_at)
    sheet.text = times.rest
    phones = [digits for phone in filter(None, known.phones) for digits in map(_digits, sheet.take(_as_dialled(phone)))]
    phones += map(_digits, sheet.take(_TELEPHONE, _is_telephone))
    lines += sheet.take(_LINE_LIKE[known.names.language])
    return Said(
        moments=times.moments,
        days=times.days,
        unreadable=times.unreadable,
        places=tuple(places),
        lines=tuple(lines),
        references=tuple(references),
        phones=tuple(phones),
        numbers=tuple(sheet.take(re.compile("[0-9]+"))),
    )


def held_by(facts: NoticeFacts, known: Known) -> Said:
    """Return everything that ``facts`` hold and a text may tell: their times, and what their own words say."""
    words = (facts.reason, facts.why, facts.remark, facts.scope, facts.issuer, facts.reference, facts.link, *facts.lines)
    said = said_in("\n".join(words), known)
    phones = said_in("\n".join(f"tel {phone}" for phone in (facts.hotline, facts.interpreter) if phone), known).phones
    lines = tuple(clean(line) for line in facts.lines)
    return Said(
        moments=(*said.moments, *_on_the_minute(_moments(facts), known.zone)),
        days=said.days,
        unreadable=said.unreadable,
        places=said.places,
        lines=(*said.lines, *lines),
        references=(*said.references, *filter(None, (facts.reference, facts.link))),
        phones=(*said.phones, *phones),
        numbers=said.numbers,
    )


def _moments(facts: NoticeFacts) -> Iterator[datetime | None]:
    estimate, earlier = facts.estimate, facts.earlier
    windows = (*facts.windows, *(earlier.windows if earlier else ()), *([facts.alternative] if facts.alternative else []))
    for window in windows:
        yield from (window.start, window.end)
    yield from (facts.issued_at, facts.restored_at)
    yield from (earlier.end, earlier.issued_at) if earlier else ()
    yield from (estimate.earliest, estimate.latest, estimate.next_update) if estimate else ()


def _on_the_minute(moments: Iterable[datetime | None], zone: str) -> Iterator[datetime]:
    """Times as texts print them: the minute they are in, and the next one, since an end is rounded up."""
    for moment in filter(None, moments):
        minute = moment.astimezone(UTC).replace(second=0, microsecond=0)
        for whole in (minute, minute + timedelta(minutes=1)) if minute < moment.astimezone(UTC) else (minute,):
            yield whole.astimezone(ZoneInfo(zone)).replace(fold=0)


@dataclass
class _Sheet:
    """A text in which whatever was found is a hole."""

    text: str

    def take(self, pattern: re.Pattern[str], fits: Callable[[re.Match[str]], bool] = bool) -> list[str]:
        """Cut out everything that a pattern finds (its group, where it has one) and that ``fits``."""
        found = [each for each in pattern.finditer(self.text) if fits(each)]
        for each in found:
            self.cut(*each.span(pattern.groups))
        return [each[pattern.groups].strip() for each in found]

    def cut(self, start: int, end: int) -> None:
        """Leave a hole of the same length."""
        self.text = f"{self.text[:start]}{HOLE * (end - start)}{self.text[end:]}"


def _plain(text: str) -> str:
    return unicodedata.normalize("NFKC", text)


def _folded(name: str) -> str:
    """Return a name as it is compared; only Latin capitals are folded, so that no length changes."""
    return _plain(name).translate(_LOWER)


def _rows_by_name(names: Names) -> dict[str, tuple[int, ...]]:
    """Rows of the table of places by name, but of the buildings that are written like house numbers."""
    book = names.book
    own = book.tree.name if names.grammar.language == "zh" else book.tree.name_en
    found: dict[str, list[int]] = {}
    for row in range(len(book.tree)):
        if not book.is_spot(row):
            found.setdefault(clean(own[row]) or clean(book.tree.ids[row]), []).append(row)
    return {name: tuple(rows) for name, rows in found.items()}


def _names(sheet: _Sheet, known: KnownNames) -> tuple[list[str], list[str]]:
    folded, places, lines = sheet.text.translate(_LOWER), [], []
    for start, end in known.find(folded):
        name = folded[start:end]
        if name in known.lines:
            lines.append(known.lines[name])
        else:
            places.append(known.places[name])
        sheet.cut(start, end)
    return places, lines


def _references(known: Known) -> Iterator[re.Pattern[str]]:
    """Patterns of the references that are known, then of what is shaped like one, then of what is announced as one."""
    given = [_plain(reference) for reference in known.references if reference]
    for reference in given:
        yield re.compile(rf"(?<![A-Za-z0-9]){re.escape(reference)}(?![A-Za-z0-9])")
    for reference in given:
        if re.search("[0-9]", reference) and re.search("[^0-9]", reference) and not _LINK.fullmatch(reference):
            yield re.compile(rf"(?<![A-Za-z0-9]){_shape(reference)}(?![A-Za-z0-9])")
    yield _LABELLED[known.names.language]


def _shape(reference: str) -> str:
    """Return the pattern of references like ``reference``: a letter or figure another one, a figure or mark too few or many."""
    pieces = re.findall("[A-Za-z]+|[0-9]+|[^A-Za-z0-9]", reference)
    return "".join(
        f"[0-9]{{{max(len(piece) - 1, 1)},{len(piece) + 1}}}"
        if piece.isdigit()
        else f"[A-Za-z]{{{len(piece)}}}"
        if piece.isalpha() and piece.isascii()
        else f"[-–—/._ {re.escape(piece)}]?"
        for piece in pieces
    )


def _digits(phone: str) -> str:
    return ("+" if phone.startswith("+") else "") + re.sub("[^0-9]", "", phone)


def _as_dialled(phone: str) -> re.Pattern[str]:
    """Return the pattern of a known number, however its digits are grouped."""
    return re.compile(r"(?<![A-Za-z0-9])\+?\(?" + r"[ ()-]{0,2}".join(re.sub("[^0-9]", "", phone)) + r"(?![0-9])")


def _is_telephone(found: re.Match[str]) -> bool:
    """Seven digits or more are a telephone number by their looks; five or six where the words before them say so."""
    digits = len(re.sub("[^0-9]", "", found[0]))
    return 7 <= digits <= 15 or (5 <= digits < 7 and bool(_ANNOUNCED.search(found.string, 0, found.start())))
