"""The words for an outage that is in no store: every text of a first notice, how long each is and how far it is true.

::

    impact ─┬─▶ customers ─┐
            └─▶ lines ─────┼─ api.writing ─▶ texts ──▶ length, parts, seconds
    what was typed ────────┘                   └─ scope read back ──▶ recall, precision, over-named
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import numpy as np

from api.commands.given import STORE, read_settings
from api.composing import house_of
from api.language import Language
from api.report import read_time
from api.schemas import notice_out
from api.telling import book_of, feel, notice_facts, told
from api.utility import utility_of
from api.writing import Unwritten, Written, keys_of, write_text
from notices.addresses import AddressBook
from notices.facts import NoticeError
from notices.scope import Scope, read_scope
from outages.facts import ANNOUNCED_CLASSES, FactProblem, OutageFacts, Window
from outages.impact import Impact
from topology.flood import Rows

FIRST = "first"
"""What is in no store was never told before, so every text is of a first notice."""


@dataclass(frozen=True, eq=False)
class Wording:
    """The texts of a first notice, those that cannot be written too, and how many customers they are for."""

    customers: int
    results: tuple[Written | Unwritten, ...]
    recalls: tuple[float | None, ...]


def words_of(
    impact: Impact,
    given: dict[str, str],
    *,
    language: Language,
    channels: Sequence[str],
    now: datetime,
    limits: Mapping[str, int] | None = None,
) -> Wording:
    """Write the texts for ``channels`` in one language.

    Parameters
    ----------
    given
        outage_class, start, end, reason, reference and issued as they were typed; end and issued "" where they are not given.
    limits
        Fields of `api.writing.Limits` that are other than the settings say; utility, hotline and zone are theirs too.

    Raises
    ------
    FactsError
        If what was typed cannot be the facts of an outage.
    NoticeError
        If it affects nobody, or none of the texts can be written; with all that is in the way.
    """
    settings = read_settings("-", STORE)
    house, book = house_of(settings), book_of(impact.network)
    utility = utility_of(settings)
    outage = _outage(impact, given, utility.zone)
    affected, rows = feel(impact, outage.outage_class), told(impact, outage.outage_class)
    if not len(rows):
        raise NoticeError(_nobody(impact))
    issued_at = read_time("issued", given["issued"], utility.zone) if given["issued"] else _issued(outage, now)
    known = notice_facts(
        outage, utility, language, lines=impact.feeders, scope="", reference=given["reference"], issued_at=issued_at
    )
    facts = replace(known, link=house.link, interpreter=house.interpreter)
    allowed = replace(house.limits, **(limits or {}))
    keys = keys_of(FIRST, [language], channels)
    results = tuple(write_text(key, facts, affected, book, limits=allowed) for key in keys)
    if problems := _all_in_the_way(results):
        raise NoticeError(*problems)
    recalls = (recall(book, one.scope, rows, language) if isinstance(one, Written) else None for one in results)
    return Wording(len(rows), results, tuple(recalls))


def recall(book: AddressBook, scope: Scope, rows: Rows, language: str) -> float:
    """Return the share of ``rows`` whom the words of a scope cover, by reading them back; 1.0 where there is no row."""
    covered = read_scope(book, scope.text, language=language)
    return len(np.intersect1d(covered, rows)) / len(rows) if len(rows) else 1.0


def notice_as(form: str, wording: Wording) -> str:
    """Return a wording of one text as ``text`` or ``json``."""
    (one,), (share,) = wording.results, wording.recalls
    assert isinstance(one, Written)
    if form == "text":
        return f"{one.notice.title}\n\n{one.notice.body}\n"
    return _json(_written(one, share) | {"customers": wording.customers})


def texts_as(form: str, wording: Wording) -> str:
    """Return all texts of a wording as ``text``, each under a heading with its figures, or as ``json``."""
    pairs = list(zip(wording.results, wording.recalls, strict=True))
    if form == "text":
        return "\n".join(f"{_heading(one, share)}\n{_body(one)}\n" for one, share in pairs)
    written = [_written(one, share) for one, share in pairs if isinstance(one, Written)]
    unwritten = [_unwritten(one) for one, _ in pairs if isinstance(one, Unwritten)]
    return _json({"customers": wording.customers, "texts": written, "unwritten": unwritten})


def figures(scope: Scope, share: float) -> dict[str, Any]:
    """Return how far a scope is true, and in how many items it says it."""
    return {
        "recall": share,
        "precision": scope.precision,
        "over_named": scope.over_named,
        "widened": scope.widened,
        "entries": len(scope.entries),
    }


def figures_text(scope: Scope, share: float) -> str:
    """Return the same in words."""
    return (
        f"recall {share:.4g}, precision {scope.precision:.4g}, {scope.over_named:,} over-named, "
        f"{len(scope.entries)} {'entry' if len(scope.entries) == 1 else 'entries'}"
    )


def _outage(impact: Impact, given: dict[str, str], zone: str) -> OutageFacts:
    end = read_time("end", given["end"], zone) if given["end"] else None
    window = Window(read_time("start", given["start"], zone), end)
    return OutageFacts(given["outage_class"], impact.switching, (window,), given["reason"])


def _issued(facts: OutageFacts, now: datetime) -> datetime:
    """Return now; for an outage that is over, a time at which its first notice was due: a day before, or its start."""
    if facts.end is None or now < facts.end:
        return now
    return facts.start - timedelta(days=1) if facts.outage_class in ANNOUNCED_CLASSES else facts.start


def _nobody(impact: Impact) -> FactProblem:
    says = "The switching affects no customer, so there is nobody to tell. Check its devices."
    devices = ", ".join(one.device for one in impact.switching.open) or ", ".join(impact.switching.fault)
    return FactProblem("scope", "nobody_affected", says, devices)


def _all_in_the_way(results: Sequence[Written | Unwritten]) -> list[FactProblem]:
    """Return each problem once where no text could be written, [] where one could."""
    if any(isinstance(one, Written) for one in results):
        return []
    return list(dict.fromkeys(problem for one in results if isinstance(one, Unwritten) for problem in one.problems))


def _written(one: Written, share: float | None) -> dict[str, Any]:
    assert share is not None
    about = {"key": str(one.key), "kind": one.key.kind, "slot_s": one.key.slot_s}
    said = notice_out(one.notice).model_dump() | {"text": one.notice.text}
    return about | said | vars(one.sizes) | {"scope": one.scope.text} | figures(one.scope, share)


def _unwritten(one: Unwritten) -> dict[str, Any]:
    key = one.key
    about = {"key": str(key), "kind": key.kind, "language": key.language, "channel": key.channel, "slot_s": key.slot_s}
    return about | {"problems": [{"field": each.field, "code": each.code, "detail": each.says} for each in one.problems]}


def _heading(one: Written | Unwritten, share: float | None) -> str:
    if isinstance(one, Unwritten) or share is None:
        return f"== {one.key}: cannot be written"
    sizes = one.sizes
    size = [f"{sizes.length:,} characters"]
    size += [f"{sizes.parts} {'part' if sizes.parts == 1 else 'parts'} ({sizes.encoding})"] if sizes.parts else []
    size += [f"{sizes.seconds:.0f} s"] if sizes.seconds is not None else []
    return f"== {one.key}: {', '.join(size)}; {figures_text(one.scope, share)}"


def _body(one: Written | Unwritten) -> str:
    if isinstance(one, Unwritten):
        return "\n".join(f"{problem.field}: {problem.says}" for problem in one.problems)
    return one.notice.text


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=1) + "\n"
