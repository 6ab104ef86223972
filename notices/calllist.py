"""Whom somebody has to call: people on life support whom no message reaches, or who have not answered one."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import numpy as np

from notices.addresses import Rows
from notices.people import LIFE_SUPPORT, People, first_rows
from outages.facts import FactProblem

_SILENT = FactProblem("acknowledgement", "not_acknowledged", "No answer has come to the notice. Call, and enter the answer.")


@dataclass(frozen=True)
class ToCall:
    """A customer on life support whom somebody has to call, or to visit where there is no telephone number ("")."""

    customer_id: str
    name: str
    place: str
    phone: str
    problems: tuple[FactProblem, ...]


def unacknowledged(people: People, rows: Rows, acknowledged: Collection[str]) -> tuple[ToCall, ...]:
    """Return whom of ``rows`` on life support somebody has to call, since they have not said that they know; by customer id.

    Whoever answered for one of their service points (ids in ``acknowledged``) answered for all.
    """
    answers = np.asarray(people.find(acknowledged), dtype=np.int64)
    answered = np.zeros(len(people.lead), dtype=np.bool_)
    answered[people.person[answers]] = True
    vulnerable = np.unique(rows[people.priority[rows] == LIFE_SUPPORT])
    silent = vulnerable[~answered[people.person[vulnerable]]]
    return to_call(people, silent, dict.fromkeys(silent.tolist(), (_SILENT,)))


def to_call(people: People, rows: Rows, why: Mapping[int, tuple[FactProblem, ...]]) -> tuple[ToCall, ...]:
    """Return what it takes to call each of ``rows``, by customer id; ``why`` they have to be called, by row."""
    ordered = rows[np.argsort(people.rank[rows], kind="stable")]
    places = {language: people.addresses(ordered, language) for language in people.languages}
    found = zip(ordered.tolist(), people.ids.take(ordered), people.names(ordered), _phones(people, ordered), strict=True)
    return tuple(
        ToCall(id_, name, places[people.languages[people.language[row]]][number], phone, why[row])
        for number, (row, id_, name, phone) in enumerate(found)
    )


def _phones(people: People, rows: Rows) -> list[str]:
    """The number of each service point, else that of the first other one of its person, else ""."""
    known = np.flatnonzero(people.phone.codes >= 0)
    known = known[np.argsort(people.rank[known], kind="stable")]
    others = first_rows(people.person[known], known, len(people.lead))[people.person[rows]]
    at = np.where(people.phone.codes[rows] >= 0, rows, others)
    return ["" if row < 0 else str(people.phone.texts[people.phone.codes[row]]) for row in at.tolist()]
