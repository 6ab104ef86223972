"""Messages to people as numbers, and written out a block at a time: a million of them never lie in memory at once.

What goes to one address with one kind of notice is one message, whoever shares the address; a letter goes to each person.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from notices.addresses import Flags, Rows
from notices.audiences import PERSONAL, ROLES
from notices.facts import COMING, KINDS, Kind
from notices.grammar import Language
from notices.groups import Numbers
from notices.people import BLOCK, People
from notices.reach import Reach

MOST_NAMES, MOST_PLACES = 3, 5
"""More names than these greet nobody; of more addresses the rest is counted."""

_NAMES = {"zh": ("、", "、"), "en": (", ", " and ")}
_PLACES = {"zh": ("；", "等 {} 处"), "en": ("; ", "; … ({} addresses)")}


@dataclass(frozen=True, slots=True)
class Addressed:
    """One message to one recipient by one channel; ``(recipient, channel)`` is there once in a plan.

    Attributes
    ----------
    recipient
        ``customer:`` and the least customer id of the person, ``subscriber:`` and an id, or ``public:`` with kind and language.
    audience
        The highest role of those it goes to: of `notices.rules.AUDIENCES`, or ``subscribers``.
    address
        Telephone number, e-mail address or postal address; "" for the public.
    customer_ids
        Service points that it speaks of, those first that decided; the person's that are told otherwise too.
    name, place
        Who is greeted, and which addresses are affected (or no longer are); "" where it is not known.
    needs_ack
        Someone on life support is warned: they have to answer.
    """

    recipient: str
    kind: Kind
    audience: str
    channel: str
    language: str
    address: str
    customer_ids: tuple[str, ...]
    name: str
    place: str
    needs_ack: bool


@dataclass(frozen=True, eq=False)
class Batch:
    """All messages to people by one channel, k of them with n rows, in the order of recipients.

    Attributes
    ----------
    rows, about
        Service points of the messages one after the other, and whether the text speaks of each as it stands; shape (n,).
    start
        Where each message begins in ``rows``; shape (k + 1,).
    at
        Row of the customers table from which the address is taken; shape (k,).
    kind, role
        Numbers in `KINDS` and `ROLES`; shape (k,).
    """

    channel: str
    rows: Rows
    about: Flags
    start: Rows
    at: Rows
    kind: Numbers
    role: Numbers

    def __len__(self) -> int:
        return len(self.at)

    def write(self, people: People) -> Iterator[Addressed]:
        """Write the messages out, a block at a time."""
        for first in range(0, len(self), BLOCK):
            yield from self._block(people, first, min(first + BLOCK, len(self)))

    def _block(self, people: People, first: int, last: int) -> Iterator[Addressed]:
        start = self.start[first : last + 1] - self.start[first]
        rows = self.rows[self.start[first] : self.start[last]]
        about = self.about[self.start[first] : self.start[last]].tolist()
        lead = rows[start[:-1]]
        spoken = people.language[lead]
        ids, names = _texts(people, rows), people.names(rows)
        places = _places(people, rows, np.repeat(spoken, np.diff(start)))
        recipients = _texts(people, people.lead[people.person[lead]])
        addresses = _addresses(people, self.channel, self.at[first:last], spoken)
        bounds = start.tolist()
        for number, (begin, end) in enumerate(pairwise(bounds)):
            language = people.languages[spoken[number]]
            kind, role = KINDS[self.kind[first + number]], ROLES[self.role[first + number]]
            meant = [row for row in range(begin, end) if about[row]]
            yield Addressed(
                recipient=f"customer:{recipients[number]}",
                kind=kind,
                audience=role,
                channel=self.channel,
                language=language,
                address=addresses[number],
                customer_ids=tuple(ids[begin:end]),
                name=join_names([names[row] for row in range(begin, end)], language),
                place=join_places([places[row] for row in meant], language),
                needs_ack=role == "life_support" and kind in COMING,
            )


def batches(people: People, reach: Reach) -> tuple[Batch, ...]:
    """Return the messages to people, channel by channel."""
    return tuple(_batch(people, reach, channel) for channel in PERSONAL if reach.by[channel].any())


def _batch(people: People, reach: Reach, channel: str) -> Batch:
    situation, chosen = reach.situation, np.flatnonzero(reach.by[channel])
    message = np.full(len(situation.persons), -1, dtype=np.int64)
    message[chosen] = pd.factorize(_address_codes(people, reach, channel)[chosen] * len(KINDS) + situation.kind[chosen])[0]
    # Within a message the rows of the highest role come first, and decide.
    inside = np.flatnonzero(message[situation.person] >= 0)
    keys = (people.rank[situation.rows[inside]], situation.role[inside], message[situation.person[inside]])
    inside = inside[np.lexsort(keys)]
    start = np.flatnonzero(np.diff(message[situation.person[inside]], prepend=-1))
    decides = situation.person[inside[start]]
    return Batch(
        channel=channel,
        rows=situation.rows[inside],
        about=situation.about[inside],
        start=np.append(start, len(inside)).astype(np.int32),
        at=_at(reach, channel)[decides],
        kind=situation.kind[decides],
        role=situation.role_of_person[decides],
    )


def _at(reach: Reach, channel: str) -> Rows:
    return reach.at[{"call": "phone", "sms": "phone", "email": "email"}.get(channel, "address")]


def _address_codes(people: People, reach: Reach, channel: str) -> NDArray[np.int64]:
    """Number of the address of each person; for post that of the person: two households in one house get two letters."""
    if channel in ("letter", "door_card"):
        return np.arange(len(reach.situation.persons), dtype=np.int64)
    codes = people.email.codes if channel == "email" else people.phone.codes
    return codes[_at(reach, channel)].astype(np.int64)


def _texts(people: People, rows: Rows) -> list[str]:
    texts: list[str] = people.ids.take(rows).to_numpy(dtype=object).tolist()
    return texts


def _addresses(people: People, channel: str, at: Rows, spoken: Numbers) -> list[str]:
    if channel in ("letter", "door_card"):
        return _places(people, at, spoken)
    contacts = people.email if channel == "email" else people.phone
    texts: list[str] = contacts.texts.take(contacts.codes[at]).to_numpy(dtype=object).tolist()
    return texts


def _places(people: People, rows: Rows, spoken: Numbers) -> list[str]:
    """Postal addresses, each in the language it is read in."""
    written = np.empty(len(rows), dtype=object)
    for number, language in enumerate(people.languages):
        mine = spoken == number
        written[mine] = people.addresses(rows[mine], language)
    return list(written)


def join_names(names: Sequence[str], language: Language) -> str:
    """Return the different names for one greeting, "" where there are none, or more than a greeting holds."""
    several = [name for name in dict.fromkeys(names) if name]
    if len(several) > MOST_NAMES:
        return ""
    comma, last = _NAMES[language]
    return last.join(filter(None, (comma.join(several[:-1]), *several[-1:])))


def join_places(places: Sequence[str], language: Language) -> str:
    """Return the different addresses in one line; of more than `MOST_PLACES` the first, and how many there are."""
    several = [place for place in dict.fromkeys(places) if place]
    mark, more = _PLACES[language]
    shown = mark.join(several[:MOST_PLACES])
    return shown + more.format(len(several)) if len(several) > MOST_PLACES else shown
